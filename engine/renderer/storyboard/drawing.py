"""Vector drawings: the icons, how they are joined and tinted, and how they become pixels.

It does not know what anything means; words are `lexicon`'s business.
"""

import colorsys
import gzip
import io
import json
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Final, TypedDict, cast

import resvg_py
from PIL import Image

Rgb = tuple[int, int, int]

MOST_CACHED_PX: Final = 16_000_000
"""Pixels of rasterised drawings that are kept, four bytes each."""

_HEX: Final = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")
_SAME_HUE: Final = 0.06
_HUE_REACH: Final = 0.14
"""How far from an icon's main hue a colour still belongs to it, in turns."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """SVG markup whose ink fills the box (0, 0) to (width, height)."""

    body: str
    width: float
    height: float

    @property
    def aspect(self) -> float:
        """Width by height."""
        return self.width / self.height

    def at(self, x: float, y: float, width: float, *, flip: bool = False) -> str:
        """Markup of this drawing inside another one, its left top corner at (x, y)."""
        scale = width / self.width
        mirror = f"translate({self.width:.2f} 0) scale(-1 1)" if flip else ""
        return f'<g transform="translate({x:.2f} {y:.2f}) scale({scale:.4f}) {mirror}">{self.body}</g>'


class _Icon(TypedDict):
    body: str
    box: list[float]
    main: str


@lru_cache(maxsize=512)
def icon(name: str, color: Rgb | None = None) -> Drawing:
    """An icon cut to its ink, tinted when a colour is given.

    Raises:
        KeyError: There is none of this name.
    """
    entry = _icons()[name]
    x, y, width, height = entry["box"]
    body = tint(entry["body"], entry["main"], color) if color else entry["body"]
    return Drawing(f'<g transform="translate({-x} {-y})">{body}</g>', width, height)


def icon_body(name: str) -> str:
    """An icon's markup in its own 32 x 32 units."""
    return _icons()[name]["body"]


def tint(body: str, main: str, color: Rgb) -> str:
    """Turns the main hue of a drawing, and its neighbours, into another; light and shade stay.

    Args:
        body: SVG markup with hexadecimal colours.
        main: The drawing's main colour.
        color: What the main colour becomes, roughly: it is kept light enough to show the shades.
    """
    main_hue, main_light, main_saturation = _hls(_rgb(main))
    hue, light, saturation = _hls(softened(color))
    apart = abs((hue - main_hue + 0.5) % 1 - 0.5)
    if apart < _SAME_HUE and min(saturation, main_saturation) > 0.3 and abs(light - main_light) < 0.25:
        return body
    light = min(max(light, 0.24), 0.9)

    def turned(found: re.Match[str]) -> str:
        old_hue, old_light, old_saturation = _hls(_rgb(found.group()))
        distance = abs((old_hue - main_hue + 0.5) % 1 - 0.5)
        gray = old_saturation < 0.12 or old_light < 0.05 or old_light > 0.97
        if gray != (main_saturation < 0.12) or (not gray and distance > _HUE_REACH):
            return found.group()
        shade = min(max(light + (old_light - main_light) * 0.8, 0.06), 0.97)
        return to_hex(
            tuple(round(255 * value) for value in colorsys.hls_to_rgb(hue, shade, saturation * 0.92))
        )

    return _HEX.sub(turned, body)


def softened(color: Rgb) -> Rgb:
    """A screen colour as a painter would mix it: no pure red, blue or black."""
    hue, light, saturation = _hls(color)
    if saturation > 0.85 and 0.1 < light < 0.75:
        saturation, light = 0.8, min(max(light, 0.4), 0.62)
    red, green, blue = colorsys.hls_to_rgb(hue, min(max(light, 0.17), 0.96), saturation)
    return round(255 * red), round(255 * green), round(255 * blue)


def saturation(color: Rgb) -> float:
    """How far a colour is from gray, 0 to 1, with regard to how dark or pale it is."""
    return (max(color) - min(color)) / 255


def to_hex(color: tuple[float, ...]) -> str:
    """`#rrggbb`, clipped."""
    return "#" + "".join(f"{min(max(round(value), 0), 255):02x}" for value in color)


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """`share` of the second colour in the first."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def luminance(color: Rgb) -> float:
    """Perceived lightness, 0 to 1."""
    return (0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]) / 255


def rasterise(drawing: Drawing, width_px: int, height_px: int, *, flip: bool = False) -> Image.Image:
    """A drawing stretched to a size, RGBA. The image is shared: do not change it."""
    return _rasters.get(_Raster(drawing, max(1, width_px), max(1, height_px), flip))


@dataclass(frozen=True, slots=True)
class _Raster:
    """A drawing at a size."""

    drawing: Drawing
    width_px: int
    height_px: int
    flip: bool

    def paint(self) -> Image.Image:
        drawing = self.drawing
        mirror = f' transform="translate({drawing.width} 0) scale(-1 1)"' if self.flip else ""
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" preserveAspectRatio="none" '
            f'viewBox="0 0 {drawing.width:.3f} {drawing.height:.3f}" '
            f'width="{self.width_px}" height="{self.height_px}"><g{mirror}>{drawing.body}</g></svg>'
        )
        png = bytes(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True))
        return Image.open(io.BytesIO(png)).convert("RGBA")


class _RasterCache:
    """The rasters used last, up to a number of pixels: a growing scene repaints the same ones."""

    def __init__(self, most_px: int) -> None:
        self._most_px, self._used_px = most_px, 0
        self._images: OrderedDict[_Raster, Image.Image] = OrderedDict()
        self._lock = threading.Lock()  # storyboards are painted in threads

    def get(self, raster: _Raster) -> Image.Image:
        """The image, painted when it is not kept."""
        with self._lock:
            if raster in self._images:
                self._images.move_to_end(raster)
                return self._images[raster]
        image = raster.paint()
        with self._lock:
            if raster not in self._images:
                self._images[raster] = image
                self._used_px += image.width * image.height
            while self._used_px > self._most_px and self._images:
                _, dropped = self._images.popitem(last=False)
                self._used_px -= dropped.width * dropped.height
        return image


_rasters: Final = _RasterCache(MOST_CACHED_PX)


def _rgb(text: str) -> Rgb:
    digits = text[1:] if len(text) == 7 else "".join(digit * 2 for digit in text[1:])
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _hls(color: Rgb) -> tuple[float, float, float]:
    return colorsys.rgb_to_hls(*(value / 255 for value in color))


@cache
def _icons() -> dict[str, _Icon]:
    file = resources.files("engine.renderer.storyboard") / "data" / "icons.json.gz"
    return cast("dict[str, _Icon]", json.loads(gzip.decompress(file.read_bytes())))
