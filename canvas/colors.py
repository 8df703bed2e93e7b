"""Colours as eyes tell them apart: sRGB and CIELAB, CSS numbers, and the nearest name of the language.

Knows numbers only; words for colours are read in `canvas.reading`.
"""

import colorsys
import re
from functools import cache

from canvas.names import COLORS

Rgb = tuple[int, int, int]
Lab = tuple[float, float, float]

# CIE 1931 XYZ of the D65 white point, 2 degree observer
_WHITE_XYZ = (0.95047, 1.0, 1.08883)

_HEX = re.compile(r"(?:#|\b0x)([0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})(?![0-9a-z])")
_BARE_HEX = re.compile(r"\s*([0-9a-f]{8}|[0-9a-f]{6}|(?=[a-f]*[0-9])[0-9a-f]{3})\s*")
_NUMBER = r"([0-9]{1,3}(?:\.[0-9]{1,9})?|\.[0-9]{1,9})(%|deg)?"
_TRIPLE = re.compile(rf"(rgb|hsl)?a?[\s(\[]*{_NUMBER}[\s,]+{_NUMBER}[\s,]+{_NUMBER}")


def lab(rgb: Rgb) -> Lab:
    """CIELAB (L*, a*, b*) of an sRGB colour with channels of 0 to 255.

    sRGB's transfer curve and matrix are those of IEC 61966-2-1, the lightness curve that of CIE 15.
    """
    red, green, blue = (_linear(channel / 255) for channel in rgb)
    xyz = (
        0.4124564 * red + 0.3575761 * green + 0.1804375 * blue,
        0.2126729 * red + 0.7151522 * green + 0.0721750 * blue,
        0.0193339 * red + 0.1191920 * green + 0.9503041 * blue,
    )
    x, y, z = (_cube_root(value / white) for value, white in zip(xyz, _WHITE_XYZ, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def nearest_color(target: Lab) -> str:
    """The name of the language nearest to a CIELAB colour (CIE76); of two equal ones the first."""
    return min(_lab_of_names(), key=lambda entry: _squared_distance(entry[1], target))[0]


def shaded(color: Lab, lightness: float, chroma: float) -> Lab:
    """A colour some way towards black (`lightness` -1) or white (1), its chroma multiplied."""
    lightness_star, a, b = color
    room = 100 - lightness_star if lightness > 0 else lightness_star
    return lightness_star + lightness * room, a * chroma, b * chroma


def mixed(main: Rgb, tint: Rgb) -> Rgb:
    """Two parts of one colour with one part of another."""
    red, green, blue = ((2 * a + b) // 3 for a, b in zip(main, tint, strict=True))
    return red, green, blue


def color_in_numbers(text: str) -> Rgb | None:
    """The colour in a lower-case text such as #f00, ff0000, rgb(255 0 0 / 50%), hsl(0, 100%, 50%)."""
    digits = _HEX.search(text) or _BARE_HEX.fullmatch(text)
    if digits:
        return _from_hex(digits[1])
    triple = _TRIPLE.search(text)
    return _from_triple(triple) if triple else None


def _from_hex(digits: str) -> Rgb:
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue = (int(digits[start : start + 2], 16) for start in (0, 2, 4))
    return red, green, blue


def _from_triple(triple: re.Match[str]) -> Rgb:
    values = [float(triple[group]) for group in (2, 4, 6)]
    if triple[1] == "hsl":
        hue, saturation, lightness = values
        channels = colorsys.hls_to_rgb(hue / 360 % 1, min(1, lightness / 100), min(1, saturation / 100))
    elif triple[3] == "%":
        channels = [value / 100 for value in values]
    elif max(values) <= 1 and "." in triple[0]:
        channels = values
    else:
        channels = [value / 255 for value in values]
    red, green, blue = (min(255, round(255 * channel)) for channel in channels)
    return red, green, blue


@cache
def _lab_of_names() -> tuple[tuple[str, Lab], ...]:
    return tuple((name, lab(rgb)) for name, rgb in COLORS.items())


def _squared_distance(one: Lab, other: Lab) -> float:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _cube_root(value: float) -> float:
    return value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116
