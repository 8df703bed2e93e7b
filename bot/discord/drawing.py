"""Views as Discord draws them: markup, files, buttons and selects, within its limits.

What people and models wrote is escaped, so that it looks as it was written. Making pictures fit is slow and
belongs into a thread.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import discord
from discord import ui
from discord.utils import escape_markdown

from bot.captions import on_one_line
from bot.chat.pictures import PictureLimits, fit
from bot.chat.platform import TooLarge
from bot.chat.presses import Press
from bot.chat.views import Attachment, Button, ButtonStyle, Choice, Option, Picture, Span, Style, Text, View
from bot.discord.components import ChosenOption, PressedButton

MAX_TEXT_CHARS: Final = 2000
MAX_CAPTION_UNITS: Final = 1800
"""Of the words with a picture: marks and escapes make them longer."""
MAX_ALT_CHARS: Final = 1024
MAX_FILES: Final = 10
MAX_ROWS: Final = 5
BUTTONS_PER_ROW: Final = 5
MAX_OPTIONS: Final = 25
MAX_BUTTON_CHARS: Final = 80
MAX_OPTION_CHARS: Final = 100
MAX_PLACEHOLDER_CHARS: Final = 150
PNG: Final = ".png"

_MARKS: Final = {Style.PLAIN: "", Style.BOLD: "**", Style.ITALIC: "*", Style.CODE: "`", Style.FOLDED: ""}
_STYLES: Final = {
    ButtonStyle.NORMAL: discord.ButtonStyle.secondary,
    ButtonStyle.MAIN: discord.ButtonStyle.primary,
    ButtonStyle.DANGER: discord.ButtonStyle.danger,
}
_CUT: Final = "…"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way: its content, from which it can be sent more than once."""

    name: str
    content: bytes
    alt: str = ""
    is_spoiler: bool = False

    def file(self) -> discord.File:
        """The file, to be sent once."""
        alt = self.alt[:MAX_ALT_CHARS] or None
        return discord.File(BytesIO(self.content), self.name, spoiler=self.is_spoiler, description=alt)


def markup(text: Text, max_chars: int = MAX_TEXT_CHARS) -> str:
    """The text with Discord's marks; cut where it would be too long, with a sign that it was."""
    written = "".join(map(_marked, text))
    if len(written) <= max_chars:
        return written
    kept: list[str] = []
    room = max_chars - len(_CUT)
    for span in text:
        piece = _marked(span)
        if len(piece) > room:
            return "".join(kept) + _marked(_shortened(span, room)) + _CUT
        kept.append(piece)
        room -= len(piece)
    return "".join(kept)


def picture_upload(picture: Picture, max_bytes: int) -> tuple[Upload, bool]:
    """The picture as a file that Discord takes, and whether it is another one than was given.

    Raises:
        TooLarge: It cannot be made so small.
        OSError: The file is not there.
    """
    fitted = fit(picture.source, PictureLimits(max_bytes))
    is_changed = fitted.is_smaller or fitted.ending != PNG
    name = f"{picture.name}{fitted.ending}"
    return Upload(name, fitted.content, picture.alt, picture.is_spoiler), is_changed


def file_upload(attachment: Attachment, max_bytes: int) -> Upload:
    """The file as it is.

    Raises:
        TooLarge: Discord does not take files of that size there.
        OSError: The file is not there.
    """
    content = attachment.content
    content = content if isinstance(content, bytes) else content.read_bytes()
    if len(content) > max_bytes:
        raise TooLarge
    return Upload(attachment.name, content, is_spoiler=attachment.is_spoiler)


def uploads(view: View, max_bytes: int) -> tuple[tuple[Upload, ...], bool]:
    """All files of a view, and whether its picture is another one than was given.

    Raises:
        TooLarge: One of them is too large.
        OSError: One of them is not there.
    """
    found: list[Upload] = []
    is_changed = False
    if view.picture:
        upload, is_changed = picture_upload(view.picture, max_bytes)
        found.append(upload)
    found += [file_upload(attachment, max_bytes) for attachment in view.attachments]
    return tuple(found[:MAX_FILES]), is_changed


def components(view: View) -> ui.View:
    """The view's buttons and selects: at most `MAX_ROWS` rows, selects below."""
    selects = list(view.choices)
    rows: list[Sequence[Button]] = []
    for row in view.rows:
        if len(row) > BUTTONS_PER_ROW and (choice := _as_choice(row)):
            selects.append(choice)
        else:
            rows += (row[start : start + BUTTONS_PER_ROW] for start in range(0, len(row), BUTTONS_PER_ROW))
    drawn = ui.View(timeout=None)
    selects = selects[:MAX_ROWS]
    rows = rows[: MAX_ROWS - len(selects)]
    for item in (*_buttons(rows), *_selects(selects, below=len(rows))):
        drawn.add_item(item)
    return drawn


def _buttons(rows: Iterable[Sequence[Button]]) -> Iterator[ui.Item[Any]]:
    for number, row in enumerate(rows):
        for each in row:
            label = on_one_line(f"{each.label} {each.caption}", MAX_BUTTON_CHARS)
            yield PressedButton(
                ui.Button(label=label, style=_STYLES[each.style], custom_id=each.press.encode(), row=number)
            )


def _selects(choices: Iterable[Choice], *, below: int) -> Iterator[ui.Item[Any]]:
    for number, choice in enumerate(choices):
        select: ui.Select[ui.View] = ui.Select(
            custom_id=ChosenOption.code(number, choice.press),
            placeholder=on_one_line(choice.label, MAX_PLACEHOLDER_CHARS),
            options=[select_option(option) for option in choice.options[:MAX_OPTIONS]],
            row=below + number,
        )
        yield ChosenOption(select)


def select_option(option: Option) -> discord.SelectOption:
    """An entry of a select."""
    return discord.SelectOption(
        label=on_one_line(option.label, MAX_OPTION_CHARS) or option.value,
        value=option.value,
        description=on_one_line(option.hint, MAX_OPTION_CHARS) or None,
        default=option.is_chosen,
    )


def _as_choice(row: Sequence[Button]) -> Choice | None:
    """A row of many like buttons as a choice, whose value is what tells their presses from each other."""
    first = row[0].press
    alike = all(
        (each.press.action, each.press.subject, each.press.args[:-1])
        == (first.action, first.subject, first.args[:-1])
        and each.press.args
        for each in row
    )
    if not alike or len(row) > MAX_OPTIONS:
        return None
    options = tuple(Option(each.label, each.press.args[-1]) for each in row)
    return Choice(
        f"{row[0].label} – {row[-1].label}", Press(first.action, first.subject, first.args[:-1]), options
    )


def _marked(span: Span) -> str:
    """A piece of text within its marks, which hold only where they touch letters."""
    if span.style is Style.CODE:
        return f"`{span.text.replace('`', chr(0x2019))}`"
    bare = span.text.strip()
    mark = _MARKS[span.style]
    if not bare or not mark:
        return _escaped(span.text)
    before, _, after = span.text.partition(bare)
    lines = (f"{mark}{_escaped(line)}{mark}" if line.strip() else line for line in bare.split("\n"))
    return before + "\n".join(lines) + after


def _escaped(text: str) -> str:
    """What people wrote, without what Discord would make of it: marks, mentions, times."""
    return "\n".join(map(_escaped_line, text.split("\n")))


def _escaped_line(line: str) -> str:
    """Headings, lists and quotes may stand behind spaces, where the library does not look for them."""
    bare = line.lstrip()
    return line[: len(line) - len(bare)] + escape_markdown(bare).replace("<", "\\<")


def _shortened(span: Span, room: int) -> Span:
    """As much of a piece as fits, with its marks."""
    low, high = 0, len(span.text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(_marked(Span(span.text[:middle], span.style))) <= room:
            low = middle
        else:
            high = middle - 1
    return Span(span.text[:low], span.style)
