"""Text in the picture: which characters can be shown, how wide they are, and drawing them.

Fonts are shipped with the package; a character that none of them has is left out, never a box. It does not
know where text goes.
"""

import io
import unicodedata
from functools import cache, lru_cache
from importlib import resources
from typing import Final, Literal

from PIL import Image, ImageDraw, ImageFont

from engine.renderer.storyboard.drawing import Rgb

Face = Literal["label", "display"]

_FILES: Final = {"label": "Label.ttf", "display": "Display.ttf", "han": "Han.ttf"}
_ELLIPSIS: Final = "…"
_MISSING: Final = "\U0010fffd"


def legible(text: str, limit: int = 400) -> str:
    """The text without control characters and characters that no font has, on one line."""
    spaced = "".join(
        " " if char.isspace() or unicodedata.category(char) == "Cc" else char for char in text[: limit * 4]
    )
    shown = "".join(char for char in spaced if char == " " or _font_name("label", char))
    return " ".join(shown.split())[:limit].strip()


def width_px(text: str, size_px: int, face: Face = "label") -> float:
    """How wide a line is."""
    return sum(_font(name, size_px).getlength(run) for name, run in _runs(text, face))


def fitted(text: str, size_px: int, room_px: float, face: Face = "label") -> str:
    """The text, cut with an ellipsis where it would be wider than the room; empty when nothing fits."""
    if width_px(text, size_px, face) <= room_px:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width_px(text[:middle].rstrip() + _ELLIPSIS, size_px, face) <= room_px:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip(" ,.;:") + _ELLIPSIS if low else ""


def wrapped(
    text: str, room_px: float, height_px: float, face: Face = "display"
) -> tuple[tuple[str, ...], int]:
    """The lines and the largest type size in which a text fills a room, up to three lines."""
    words = text.split(" ") if " " in text else list(text) if not text.isascii() else [text]
    joint = " " if " " in text else ""
    best: tuple[tuple[str, ...], int] = ((text,), 0)
    for count in range(1, min(3, len(words)) + 1):
        lines = _broken(words, joint, count)
        unit = max(width_px(line, 100, face) for line in lines) or 1.0
        size = int(min(room_px / unit * 100, height_px / (count * 1.12)))
        if size > best[1] * (1.12 if count > 1 else 1):
            best = (lines, size)
    return best


def write(
    image: Image.Image, x: float, y: float, text: str, *, size_px: int, color: Rgb, face: Face = "label"
) -> None:
    """Draws a line with its baseline's left end at (x, y)."""
    draw = ImageDraw.Draw(image)
    for name, run in _runs(text, face):
        font = _font(name, size_px)
        draw.text((x, y), run, font=font, fill=color, anchor="ls")
        x += font.getlength(run)


def _broken(words: list[str], joint: str, count: int) -> tuple[str, ...]:
    """The words in `count` lines of about equal length."""
    total = sum(len(word) + len(joint) for word in words)
    lines: list[list[str]] = [[]]
    used = 0
    for word in words:
        if lines[-1] and len(lines) < count and used + len(word) / 2 > total * len(lines) / count:
            lines.append([])
        lines[-1].append(word)
        used += len(word) + len(joint)
    return tuple(joint.join(line) for line in lines)


def _runs(text: str, face: Face) -> list[tuple[str, str]]:
    """Pieces of text with the font that has their characters."""
    runs: list[tuple[str, str]] = []
    for char in text:
        name = _font_name(face, char)
        if not name:
            continue
        if runs and runs[-1][0] == name:
            runs[-1] = (name, runs[-1][1] + char)
        else:
            runs.append((name, char))
    return runs


@lru_cache(maxsize=8192)
def _font_name(face: Face, char: str) -> str:
    """The first font that has a character, or an empty string."""
    for name in (face, "label", "han"):
        if char == " " or _glyph(name, char) != _missing_glyph(name):
            return name
    return ""


def _glyph(name: str, char: str) -> bytes:
    """What a font draws for a character."""
    picture = Image.new("L", (48, 48))
    ImageDraw.Draw(picture).text((8, 8), char, fill=255, font=_font(name, 24))
    return picture.tobytes()


@cache
def _missing_glyph(name: str) -> bytes:
    return _glyph(name, _MISSING)


@lru_cache(maxsize=64)
def _font(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO(_font_bytes(name)), size_px, layout_engine=ImageFont.Layout.BASIC)


@cache
def _font_bytes(name: str) -> bytes:
    return (resources.files("engine.renderer.storyboard") / "data" / _FILES[name]).read_bytes()
