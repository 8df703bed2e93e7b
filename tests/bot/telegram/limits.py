"""What Telegram checks in a text, a keyboard and a file before it takes them."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, UnidentifiedImageError

from tests.bot.telegram.refusals import Refusal, bad_request

TEXT_UNITS = 4096
CAPTION_UNITS = 1024
ANSWER_CHARACTERS = 200
CALLBACK_DATA_BYTES = 64
BUTTONS = 100
MARKUP_BYTES = 10_000
PHOTO_BYTES = 10 << 20
PHOTO_SIDES_PX = 10_000
PHOTO_RATIO = 20
UPLOAD_BYTES = 50 << 20
DOWNLOAD_BYTES = 20 << 20
ALBUM = range(2, 11)

Entities = tuple[Mapping[str, Any], ...]
Keyboard = tuple[tuple[Mapping[str, Any], ...], ...]


def utf16_length(text: str) -> int:
    """The length as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def checked_text(text: str, *, is_edit: bool = False) -> str:
    """A message's text."""
    if not text.strip():
        raise bad_request("message text is empty")
    if utf16_length(text) > TEXT_UNITS:
        raise bad_request("MESSAGE_TOO_LONG" if is_edit else "message is too long")
    return _encodable(text)


def checked_caption(caption: str, *, is_edit: bool = False) -> str:
    """A picture's or file's caption, which may be empty."""
    if utf16_length(caption) > CAPTION_UNITS:
        raise bad_request("MEDIA_CAPTION_TOO_LONG" if is_edit else "message caption is too long")
    return _encodable(caption)


def _encodable(text: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise bad_request("strings must be encoded in UTF-8")
    return text


def checked_entities(entities: Sequence[Mapping[str, Any]], text: str) -> Entities:
    """The entities that mark something; all must lie in the text and split no character."""
    length = utf16_length(text)
    for entity in entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        if start < 0 or entity["length"] < 0:
            raise bad_request(f"receive an entity with incorrect offset {start}")
        if start >= length:
            raise bad_request(f"entity begins after the end of the text at UTF-16 offset {start}")
        ends = f"entity beginning at UTF-16 offset {start} ends"
        if end > length:
            raise bad_request(f"{ends} after the end of the text at UTF-16 offset {end}")
        if _splits_character(text, start):
            raise bad_request(f"entity begins in a middle of a UTF-16 symbol at byte offset {start}")
        if _splits_character(text, end):
            raise bad_request(f"{ends} in a middle of a UTF-16 symbol at byte offset {end}")
    return tuple(entity for entity in entities if entity["length"])


def _splits_character(text: str, unit: int) -> bool:
    pair = text.encode("utf-16-le")[unit * 2 : unit * 2 + 2]
    return 0xDC00 <= int.from_bytes(pair, "little") <= 0xDFFF


def checked_keyboard(rows: Sequence[Sequence[Mapping[str, Any]]]) -> Keyboard:
    """An inline keyboard; empty rows are left out."""
    keyboard = tuple(tuple(row) for row in rows if row)
    buttons = [button for row in keyboard for button in row]
    for button in buttons:
        _check_button(button)
    if len(buttons) > BUTTONS or len(json.dumps(keyboard, ensure_ascii=False).encode()) > MARKUP_BYTES:
        raise bad_request("reply markup is too long")
    return keyboard


def _check_button(button: Mapping[str, Any]) -> None:
    if "text" not in button:
        raise bad_request("can't parse inline keyboard button: Can't find field \"text\"")
    if not button["text"].strip():
        raise bad_request("inline keyboard button text must be non-empty")
    data = button.get("callback_data", "")
    if not data and not any(button.get(kind) for kind in ("url", "copy_text", "switch_inline_query")):
        raise bad_request("text buttons are unallowed in the inline keyboard")
    if len(data.encode()) > CALLBACK_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")


def checked_photo(data: bytes) -> tuple[int, int]:
    """The width and height of a picture that Telegram shows as one."""
    check_file(data)
    if len(data) > PHOTO_BYTES:
        raise bad_request(
            f"file of size {len(data)} bytes is too big for a photo; the maximum size is {PHOTO_BYTES} bytes"
        )
    try:
        with Image.open(io.BytesIO(data)) as image:
            width_px, height_px = image.size
    except (UnidentifiedImageError, OSError) as error:
        raise bad_request("IMAGE_PROCESS_FAILED") from error
    ratio = max(width_px, height_px) / min(width_px, height_px)
    if width_px + height_px > PHOTO_SIDES_PX or ratio > PHOTO_RATIO:
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return width_px, height_px


def check_file(data: bytes) -> None:
    """What holds for every upload."""
    if not data:
        raise bad_request("file must be non-empty")
    if len(data) > UPLOAD_BYTES:
        raise Refusal(413, "Request Entity Too Large")


def check_album(length: int) -> None:
    """An album's length as documented; in truth Telegram takes a single item, which is not one."""
    if not length:
        raise bad_request("there are no messages to send")
    if length not in ALBUM:
        raise bad_request(f"too {'many' if length > 1 else 'few'} messages to send as an album")
