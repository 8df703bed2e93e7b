"""Forms as Discord's modals, and what comes back of them.

A modal says in its `custom_id` whose form it is, so that one that is sent after a restart is still taken.
"""

from dataclasses import dataclass
from typing import Any, Final, cast

import discord
from discord import ui

from bot.chat.presses import Press, decode
from bot.chat.views import FieldKind, Filled, Form, FormField
from bot.discord.drawing import MAX_OPTIONS, select_option

MAX_TITLE_CHARS: Final = 45
MAX_DESCRIPTION_CHARS: Final = 100
MAX_FIELDS: Final = 5
MAX_INPUT_CHARS: Final = 4000
OPEN_FILE: Final = "omost:file"
"""The `custom_id` of the modal that takes a scene file."""
FILE: Final = "file"

_OPEN_S: Final = 15 * 60.0


@dataclass(frozen=True, slots=True)
class SceneFile:
    """A file that somebody sent, which lies at Discord for about a day."""

    name: str
    size_bytes: int
    url: str

    @classmethod
    def of(cls, attachment: discord.Attachment) -> "SceneFile":
        """A file that came with a message or a command."""
        return cls(attachment.filename, attachment.size, attachment.url)


def modal(form: Form) -> ui.Modal:
    """The form as a modal."""
    drawn = ui.Modal(title=form.title[:MAX_TITLE_CHARS], timeout=_OPEN_S, custom_id=form.press.encode())
    for field in form.fields[:MAX_FIELDS]:
        label, called = field.label[:MAX_TITLE_CHARS], _called(field)
        drawn.add_item(ui.Label(text=label, component=_component(field), description=called))
    return drawn


def file_modal(title: str, label: str) -> ui.Modal:
    """A modal that takes one file."""
    drawn = ui.Modal(title=title[:MAX_TITLE_CHARS], timeout=_OPEN_S, custom_id=OPEN_FILE)
    upload: ui.FileUpload[Any] = ui.FileUpload(custom_id=FILE)
    drawn.add_item(ui.Label(text=label[:MAX_TITLE_CHARS], component=upload))
    return drawn


def sent(interaction: discord.Interaction[Any]) -> tuple[Press, Filled] | None:
    """Whose form came back and what it holds; None for none of `modal`'s."""
    data = cast("dict[str, Any]", interaction.data or {})
    press = decode(str(data.get("custom_id")))
    if press is None:
        return None
    values: dict[str, str] = {}
    for component in _inputs(data):
        match component:
            case {"custom_id": str(name), "value": str(text)}:
                values[name] = text
            case {"custom_id": str(name), "values": [str(chosen), *_]}:
                values[name] = chosen
            case _:
                pass
    return press, Filled(values)


def sent_file(interaction: discord.Interaction[Any]) -> SceneFile | None:
    """The file that came with `file_modal`; None for another modal, or none."""
    data = cast("dict[str, Any]", interaction.data or {})
    if data.get("custom_id") != OPEN_FILE:
        return None
    ids = [each for component in _inputs(data) for each in component.get("values", ())]
    found = data.get("resolved", {}).get("attachments", {})
    files = (SceneFile(each["filename"], each["size"], each["url"]) for each in map(found.get, ids) if each)
    return next(files, None)


def _inputs(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The inputs of a modal, each of which stands in a label or a row of its own."""
    labels = cast("list[dict[str, Any]]", data.get("components", []))
    found: list[dict[str, Any]] = []
    for label in labels:
        found += [label["component"]] if "component" in label else label.get("components", [])
    return found


def _called(field: FormField) -> str | None:
    """What a text field's value is called, where that is something else."""
    if field.kind is FieldKind.CHOICE:
        return None
    called = next((option.label for option in field.options if option.value == field.value), field.value)
    return called[:MAX_DESCRIPTION_CHARS] if called != field.value else None


def _component(field: FormField) -> ui.Item[Any]:
    if field.kind is FieldKind.CHOICE:
        options = [select_option(option) for option in field.options[:MAX_OPTIONS]]
        return ui.Select(custom_id=field.name, options=options, required=field.is_required)
    is_long = field.kind is FieldKind.LINES
    chars = min(field.max_chars, MAX_INPUT_CHARS)
    return ui.TextInput(
        custom_id=field.name,
        style=discord.TextStyle.paragraph if is_long else discord.TextStyle.short,
        default=field.value[:chars] or None,
        required=field.is_required,
        max_length=chars,
    )
