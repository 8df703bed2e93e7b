"""Synthetic pictures: flat coloured shapes, each in its place on the Canvas grid. Knows no texts.

Supersampled, so that edges are soft. A shape nearly fills the rectangle that it is given.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw

from canvas.layout import GRID_CELLS, Rect

Rgb = tuple[int, int, int]
_Point = tuple[float, float]
_Box = tuple[float, float, float, float]

COLORS: Final[dict[str, Rgb]] = {
    "red": (220, 35, 35),
    "orange": (250, 140, 20),
    "yellow": (250, 225, 50),
    "green": (30, 150, 60),
    "blue": (35, 75, 225),
    "purple": (140, 50, 180),
    "pink": (250, 160, 200),
    "black": (20, 20, 20),
    "white": (250, 250, 250),
}
"""The palette: colours that nobody confuses."""

SUPERSAMPLING: Final = 2
_LONGEST: Final = 1.3
_BROWN: Final[Rgb] = (120, 75, 40)


@dataclass(frozen=True, slots=True)
class Shape:
    """One thing in a picture.

    Attributes:
        kind: A key of `KINDS`.
        rect: (top, bottom, left, right) in cells of the 90 x 90 grid.
        fill: How much of the rectangle it takes, each way.
    """

    kind: str
    color: Rgb
    rect: Rect
    fill: float = 0.88


def picture(background: Rgb, shapes: Sequence[Shape], width_px: int, height_px: int) -> Image.Image:
    """Paints shapes over a plain background, the first one undermost."""
    width, height = width_px * SUPERSAMPLING, height_px * SUPERSAMPLING
    image = Image.new("RGB", (width, height), background)
    draw = ImageDraw.Draw(image)
    for shape in shapes:
        KINDS[shape.kind](draw, _box(shape, width, height), shape.color)
    return image.resize((width_px, height_px), Image.Resampling.BOX)


def _box(shape: Shape, width: int, height: int) -> _Box:
    """Where a shape is drawn: in the middle of its rectangle, not too long. A band takes all of it."""
    top, bottom, left, right = shape.rect
    x0, x1 = left * width / GRID_CELLS, right * width / GRID_CELLS
    y0, y1 = top * height / GRID_CELLS, bottom * height / GRID_CELLS
    if shape.kind == "band":
        return x0, y0, x1, y1
    half_w = min(x1 - x0, _LONGEST * (y1 - y0)) * shape.fill / 2
    half_h = min(y1 - y0, _LONGEST * (x1 - x0)) * shape.fill / 2
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return x - half_w, y - half_h, x + half_w, y + half_h


def _within(box: _Box, points: Sequence[_Point]) -> list[_Point]:
    """Points between 0 and 1 as they lie in a box."""
    x0, y0, x1, y1 = box
    return [(x0 + x * (x1 - x0), y0 + y * (y1 - y0)) for x, y in points]


def _part(box: _Box, x0: float, y0: float, x1: float, y1: float) -> _Box:
    (left, top), (right, bottom) = _within(box, [(x0, y0), (x1, y1)])
    return left, top, right, bottom


def _polygon(*points: _Point) -> "_Drawing":
    def draw_polygon(draw: ImageDraw.ImageDraw, box: _Box, color: Rgb) -> None:
        draw.polygon(_within(box, points), fill=color)

    return draw_polygon


def _circle(draw: ImageDraw.ImageDraw, box: _Box, color: Rgb) -> None:
    draw.ellipse(box, fill=color)


def _square(draw: ImageDraw.ImageDraw, box: _Box, color: Rgb) -> None:
    draw.rectangle(box, fill=color)


def _heart(draw: ImageDraw.ImageDraw, box: _Box, color: Rgb) -> None:
    draw.ellipse(_part(box, 0, 0, 0.54, 0.58), fill=color)
    draw.ellipse(_part(box, 0.46, 0, 1, 0.58), fill=color)
    draw.polygon(_within(box, [(0.03, 0.4), (0.97, 0.4), (0.5, 1)]), fill=color)


def _tree(draw: ImageDraw.ImageDraw, box: _Box, color: Rgb) -> None:
    draw.rectangle(_part(box, 0.4, 0.6, 0.6, 1), fill=_BROWN)
    draw.ellipse(_part(box, 0.02, 0, 0.98, 0.76), fill=color)


def _house(draw: ImageDraw.ImageDraw, box: _Box, color: Rgb) -> None:
    draw.polygon(_within(box, [(0, 0.4), (0.5, 0), (1, 0.4)]), fill=_BROWN)
    draw.rectangle(_part(box, 0.08, 0.38, 0.92, 1), fill=color)


def _balloon(draw: ImageDraw.ImageDraw, box: _Box, color: Rgb) -> None:
    draw.line(_within(box, [(0.5, 0.7), (0.5, 1)]), fill=_BROWN, width=3 * SUPERSAMPLING)
    draw.ellipse(_part(box, 0.08, 0, 0.92, 0.8), fill=color)


def _cloud(draw: ImageDraw.ImageDraw, box: _Box, color: Rgb) -> None:
    for part in ((0, 0.35, 0.45, 0.85), (0.55, 0.35, 1, 0.85), (0.2, 0.12, 0.8, 0.88)):
        draw.ellipse(_part(box, *part), fill=color)


def _star() -> "_Drawing":
    def corner(number: int) -> _Point:
        radius = (0.54, 0.25)[number % 2]
        angle = math.pi * number / 5
        return 0.5 + radius * math.sin(angle), 0.54 - radius * math.cos(angle)

    return _polygon(*map(corner, range(10)))


_Drawing = Callable[[ImageDraw.ImageDraw, _Box, Rgb], None]

KINDS: Final[dict[str, _Drawing]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _polygon((0.5, 0), (1, 1), (0, 1)),
    "diamond": _polygon((0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)),
    "star": _star(),
    "heart": _heart,
    "tree": _tree,
    "house": _house,
    "balloon": _balloon,
    "cloud": _cloud,
    "band": _square,
}
"""How things are drawn; a band is a part of the background."""
