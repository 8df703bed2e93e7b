"""How views look on Telegram: entities instead of markup, lengths in UTF-16 units, keyboards, kinds of files.

Nothing here sends anything.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity

from bot.captions import on_one_line
from bot.chat.form_panels import CHOSEN
from bot.chat.pictures import Fitted, PictureLimits, fit
from bot.chat.text_units import first_part, units
from bot.chat.views import Button, Choice, Picture, Span, Style, Text, View

MAX_TEXT_UNITS: Final = 4096
MAX_CAPTION_UNITS: Final = 1024
MAX_TOAST_CHARS: Final = 200
MAX_BUTTONS: Final = 100
MAX_KEYBOARD_BYTES: Final = 9_000
"""Telegram takes 10 KB; the rest is for what the library adds."""
ROW_BUTTONS: Final = 8
MAX_PHOTO_SIDES_PX: Final = 10_000
MAX_PHOTO_RATIO: Final = 20
MAX_FILE_BYTES: Final = 50_000_000

_PHOTO: Final = PictureLimits(10_000_000, formats=("jpeg", "png"))
_FILE: Final = PictureLimits(MAX_FILE_BYTES, formats=("png", "jpeg"))
_ORIGINAL_PHOTO: Final = PictureLimits(10_000_000, formats=("png", "jpeg"))

_ROW_CHARS: Final = 26
"""Options whose labels are together no longer than that share a row."""
_LABEL_CHARS: Final = 60
_BREAK_WITHIN: Final = 200
"""A text is cut at a space or line break that is no further from its end than that."""
_NOTHING: Final = "…"

_ENTITIES: Final = {
    Style.BOLD: MessageEntity.BOLD,
    Style.ITALIC: MessageEntity.ITALIC,
    Style.CODE: MessageEntity.CODE,
    Style.FOLDED: MessageEntity.EXPANDABLE_BLOCKQUOTE,
}

_Button = InlineKeyboardButton
_Row = tuple[InlineKeyboardButton, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A text as Telegram takes it."""

    text: str
    entities: tuple[MessageEntity, ...]


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture as Telegram takes it.

    Attributes:
        is_photo: Shown as a picture; else as a file, because Telegram shows none of that shape.
        is_changed: Whether it is not the very file any more, where there was one.
    """

    content: bytes
    name: str
    is_photo: bool
    is_changed: bool


# --- text ---------------------------------------------------------------------------------------------


def written(text: Text, max_units: int) -> Written:
    """The text and its styles; what is too long is cut at a good place and ends in `…`."""
    joined = _clean("".join(span.text for span in text))
    kept = cut(joined, max_units)
    entities: list[MessageEntity] = []
    start = 0
    for span in text:
        end = start + len(_clean(span.text))
        if span.style in _ENTITIES and (piece := kept[start:end]).strip():
            entities.append(MessageEntity(_ENTITIES[span.style], units(kept[:start]), units(piece)))
        start = end
    return Written(kept, tuple(entities)) if kept.strip() else Written(_NOTHING, ())


def cut(text: str, max_units: int) -> str:
    """The text in at most so many units."""
    if units(text) <= max_units:
        return text
    kept, used = 0, 1  # one for the sign that something is left out
    for char in text:
        used += units(char)
        if used > max_units:
            break
        kept += 1
    break_at = max(text.rfind("\n", 0, kept), text.rfind(" ", 0, kept))
    if break_at <= max(0, kept - _BREAK_WITHIN):
        break_at = kept
    return text[:break_at].rstrip() + "…"


def paged(text: Text, first_units: int) -> list[Text]:
    """The text in pieces, each for a message of its own, parted between paragraphs where that is possible.

    Args:
        text: All of it.
        first_units: So long the first piece may be, for example that of a caption.
    """
    joined = "".join(span.text for span in text)
    pages: list[Text] = []
    start, most = 0, first_units
    while units(joined[start:]) > most:
        end = start + _page_chars(joined[start:], most)
        pages.append(_sliced(text, start, end))
        start = end + len(joined[end:]) - len(joined[end:].lstrip())
        most = MAX_TEXT_UNITS
    return [*pages, _sliced(text, start, len(joined))]


def _page_chars(text: str, max_units: int) -> int:
    """How many characters go on a page: to the last border between paragraphs, lines or words on it."""
    fitting = len(first_part(text, max_units))
    for border in ("\n\n", "\n", " "):
        if (at := text.rfind(border, 0, fitting + 1)) > fitting // 4:
            return at
    return fitting


def _sliced(text: Text, start: int, end: int) -> Text:
    spans: list[Span] = []
    at = 0
    for span in text:
        if piece := span.text[max(0, start - at) : max(0, end - at)]:
            spans.append(Span(piece, span.style))
        at += len(span.text)
    return tuple(spans)


def _clean(text: str) -> str:
    """Without halves of characters, which cannot be sent."""
    return text.encode("utf-8", "replace").decode()


# --- keyboards ----------------------------------------------------------------------------------------


def keyboard(view: View) -> InlineKeyboardMarkup | None:
    """The view's choices and buttons; of too many options the last ones are left out."""
    buttons = [row for wide in view.rows for row in _broken(_row(wide))]
    room = MAX_BUTTONS - sum(map(len, buttons))
    options = [_Button(label, callback_data=data) for label, data in _options(view.choices)][:room]
    rows = [*_packed(options), *buttons]
    while options and _bytes(rows) > MAX_KEYBOARD_BYTES:
        options.pop()
        rows = [*_packed(options), *buttons]
    return InlineKeyboardMarkup(rows) if rows else None


def _row(row: Iterable[Button]) -> _Row:
    return tuple(_Button(_label(each.label), callback_data=each.press.encode()) for each in row)


def _options(choices: Sequence[Choice]) -> Iterable[tuple[str, str]]:
    for choice in choices:
        for option in choice.options:
            press = replace(choice.press, args=(*choice.press.args, option.value))
            yield _label((CHOSEN if option.is_chosen else "") + option.label), press.encode()


def _label(text: str) -> str:
    return on_one_line(_clean(text), _LABEL_CHARS) or _NOTHING


def _broken(row: _Row) -> list[_Row]:
    return [row[start : start + ROW_BUTTONS] for start in range(0, len(row), ROW_BUTTONS)]


def _packed(options: Sequence[_Button]) -> list[_Row]:
    """Short ones share a row."""
    rows: list[list[_Button]] = []
    chars = 0
    for option in options:
        if rows and chars + len(option.text) <= _ROW_CHARS and len(rows[-1]) < ROW_BUTTONS:
            rows[-1].append(option)
            chars += len(option.text)
        else:
            rows.append([option])
            chars = len(option.text)
    return [tuple(row) for row in rows]


def _bytes(rows: Sequence[_Row]) -> int:
    shown = [[button.to_dict() for button in row] for row in rows]
    return len(json.dumps(shown, ensure_ascii=False).encode())


# --- pictures -----------------------------------------------------------------------------------------


def upload(picture: Picture) -> Upload:
    """The picture as a photo, or as a file where Telegram shows none of that shape. It blocks.

    Raises:
        TooLarge: It cannot be made small enough.
        OSError: Its file is not there or is no picture.
    """
    is_photo = _is_photo(picture.source)
    fitted = _fitted(picture.source, is_photo=is_photo)
    is_changed = not isinstance(picture.source, Image.Image) and not fitted.is_original
    return Upload(fitted.content, picture.name + fitted.ending, is_photo, is_changed)


def _fitted(source: Path | bytes | Image.Image, *, is_photo: bool) -> Fitted:
    if not is_photo:
        return fit(source, _FILE)
    return fit(source, _PHOTO if isinstance(source, Image.Image) else _ORIGINAL_PHOTO)


def _is_photo(source: Path | bytes | Image.Image) -> bool:
    if isinstance(source, Image.Image):
        return _has_photo_shape(source.size)
    with Image.open(BytesIO(source) if isinstance(source, bytes) else source) as image:
        return _has_photo_shape(image.size)


def _has_photo_shape(size_px: tuple[int, int]) -> bool:
    return sum(size_px) <= MAX_PHOTO_SIDES_PX and max(size_px) <= MAX_PHOTO_RATIO * min(size_px)
