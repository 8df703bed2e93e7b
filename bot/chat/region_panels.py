"""How the regions of a scene look in chats: the choice of one, what can be done with it, its form."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from bot.chat.presses import Action, Press
from bot.chat.views import (
    Button,
    ButtonStyle,
    Choice,
    FieldKind,
    Filled,
    Form,
    FormField,
    Option,
    Span,
    Style,
    View,
)
from bot.locks import lock_line
from bot.region_form import RegionForm, region_of, shortened
from bot.replies import Words
from canvas.model import Canvas, LocalDescription
from canvas.names import AREAS, LOCATIONS
from engine.errors import BadSetting
from storage.records import Revision

ALL: Final = "all"
"""The argument of the press that goes back from one region to the choice."""
EDIT: Final = "edit"
"""The second argument of a region's press that asks for its form."""

_LOCK: Final = "🔒"
_FIELDS: Final = frozenset(("description", "location", "area", "color", "distance"))
_DESCRIPTION_CHARS: Final = 1000
_NAME_CHARS: Final = 100
_OPTIONS_PER_CHOICE: Final = 25
_CHOICES: Final = 4


def region_options(canvas: Canvas, locks: frozenset[str] = frozenset()) -> tuple[Option, ...]:
    """A canvas's regions to choose from, in the order of their numbers; the values are their indices."""
    numbered = enumerate(canvas.local_descriptions)
    return tuple(_option(*each, is_locked=lock_line(each[1].description) in locks) for each in numbered)


def choice(revision: Revision, locks: frozenset[str], words: Words) -> View:
    """The regions to choose from, and a button for a new one."""
    options = region_options(revision.scene.canvas, locks)
    press = Press(Action.REGION, revision.id)
    choices = tuple(
        Choice(words.text("Choose a region"), press, options[start : start + _OPTIONS_PER_CHOICE])
        for start in range(0, len(options), _OPTIONS_PER_CHOICE)
    )
    add = Button(words.text("➕ Add a region"), Press(Action.ADD_REGION, revision.id))
    heading = (Span(words.text("Which region shall change?"), Style.BOLD),)
    return View(heading, rows=((add, _close(words)),), choices=choices[:_CHOICES], is_quiet=True)


def panel(revision: Revision, index: int, locks: frozenset[str], words: Words) -> View:
    """One region, and what can be done with it."""
    local = region_of(revision.scene.canvas, index)
    is_locked = lock_line(local.description) in locks
    text = (Span(local.description, Style.BOLD), Span(f"\n{_facts(local, words)}"))
    if is_locked:
        text = (*text, Span("\n" + words.text("Locked: changes must not touch it"), Style.ITALIC))
    return View(text, rows=_buttons(revision.id, str(index), words, is_locked=is_locked), is_quiet=True)


def form(press: Press, shown: RegionForm, words: Words) -> Form:
    """The form of a region; the press says of which, or that it is new."""
    fields = (
        FormField(
            "description",
            words.named("description"),
            shown.description,
            FieldKind.LINES,
            is_required=True,
            max_chars=_longest(shown),
        ),
        _named_field("location", shown.location, LOCATIONS, words),
        _named_field("area", shown.area, AREAS, words),
        _color_field(shown.color, words),
        FormField(
            "distance", words.named("distance_to_viewer"), f"{shown.distance:g}", max_chars=_NAME_CHARS
        ),
    )
    is_new = press.action is Action.ADD_REGION
    return Form(words.text("New region") if is_new else words.text("Edit a region"), press, fields)


def read(shown: RegionForm, filled: Filled) -> RegionForm:
    """The form as it was sent; what was not sent stays as it was.

    Raises:
        BadSetting: The description is too long, or the distance no number.
    """
    values = {name: text for name, text in filled.values.items() if name in _FIELDS}
    chars = len(values.get("description", ""))
    if chars > _longest(shown):
        raise BadSetting("description_chars", chars, f"1-{_longest(shown)}")
    distance = values.pop("distance", None)
    changed = replace(shown, **values)
    return changed if distance is None else replace(changed, distance=_number(distance))


def _longest(shown: RegionForm) -> int:
    """How many characters a description may have: one that came from elsewhere stays whole."""
    return max(_DESCRIPTION_CHARS, len(shown.description))


def _option(index: int, local: LocalDescription, *, is_locked: bool) -> Option:
    lock = f"{_LOCK} " if is_locked else ""
    name = shortened(" ".join(local.description.split()))
    return Option(f"{index + 1} · {lock}{name}", str(index))


def _buttons(
    revision_id: str, index: str, words: Words, *, is_locked: bool
) -> tuple[tuple[Button, ...], ...]:
    def button(label: str, action: Action, *args: str) -> Button:
        style = ButtonStyle.DANGER if action is Action.REMOVE_REGION else ButtonStyle.NORMAL
        return Button(label, Press(action, revision_id, args), style)

    lock = words.text("🔓 Unlock") if is_locked else words.text("🔒 Lock")
    return (
        (
            button(words.text("✏️ Edit"), Action.REGION, index, EDIT),
            button(lock, Action.LOCK_REGION, index),
            button(words.text("🗑 Remove"), Action.REMOVE_REGION, index),
        ),
        (button(words.text("🧩 All regions"), Action.REGIONS, ALL), _close(words)),
    )


def _close(words: Words) -> Button:
    return Button(words.text("✖ Close"), Press(Action.CLOSE))


def _facts(local: LocalDescription, words: Words) -> str:
    """Where a region lies, how large, in which colour, how far away."""
    place, area, color = map(words.named, (local.location, local.area, local.color))
    distance = words.text("distance {number}", number=f"{local.distance_to_viewer:g}")
    return f"{place} · {area} · {color} · {distance}"


def _named_field(name: str, value: str, names: Iterable[str], words: Words) -> FormField:
    options = tuple(Option(words.named(each), each, is_chosen=each == value) for each in names)
    return FormField(name, words.named(name), value, FieldKind.CHOICE, options)


def _color_field(color: str, words: Words) -> FormField:
    """A colour is typed, for there are more than anybody would choose from."""
    called = (Option(words.named(color), color),)
    return FormField("color", words.named("color"), color, options=called, max_chars=_NAME_CHARS)


def _number(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise BadSetting("distance_to_viewer", shortened(text), "> 0") from None
