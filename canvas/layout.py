"""Where each description lands: rectangles on the 90 x 90 grid, and the coarse colour picture they make.

The arithmetic is the reference's (lllyasviel/Omost, `lib_omost/canvas.py`): centres, offsets, integer halves,
clamped to the grid. The grid stretches to the picture, so a square area is not square in a tall picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canvas.model import Canvas, LocalDescription
from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS

GRID_CELLS = 90

Rect = tuple[int, int, int, int]
"""(top, bottom, left, right) in grid cells; bottom and right are exclusive."""


@dataclass(frozen=True, slots=True)
class Region:
    """A local description as it lands in the picture.

    Attributes:
        index: Its place in `Canvas.local_descriptions`.
        rect: (top, bottom, left, right) in cells of the 90 x 90 grid.
        color: (red, green, blue), 0 to 255.
        distance: Distance to the viewer; larger is farther.
        description: The region's sentence.
    """

    index: int
    rect: Rect
    color: tuple[int, int, int]
    distance: float
    description: str


def rect(local: LocalDescription) -> Rect:
    """The rectangle of a local description, clamped to the grid."""
    center_x, center_y = LOCATIONS[local.location]
    offset_x, offset_y = OFFSETS[local.offset]
    width, height = AREAS[local.area]
    x, y = center_x + offset_x, center_y + offset_y
    top, bottom, left, right = y - height // 2, y + height // 2, x - width // 2, x + width // 2
    return _clamp(top), _clamp(bottom), _clamp(left), _clamp(right)


def regions(canvas: Canvas) -> tuple[Region, ...]:
    """The canvas's regions from far to near; regions of equal distance keep the order of the code."""
    unsorted = (
        Region(index, rect(local), COLORS[local.color], local.distance_to_viewer, local.description)
        for index, local in enumerate(canvas.local_descriptions)
    )
    return tuple(sorted(unsorted, key=lambda region: region.distance, reverse=True))


def color_sketch(canvas: Canvas) -> NDArray[np.uint8]:
    """The coarse composition: each region's colour over what lies behind it, 70 to 30.

    Returns:
        uint8 [90, 90, 3].
    """
    sketch = np.empty((GRID_CELLS, GRID_CELLS, 3), dtype=np.float32)
    sketch[:] = COLORS[canvas.global_description.color]
    for region in regions(canvas):
        top, bottom, left, right = region.rect
        # the colour's share in float64 and the rest in float32: the reference's rounding, to the last bit
        color = 0.7 * np.array(region.color, dtype=np.uint8)
        sketch[top:bottom, left:right] = color + 0.3 * sketch[top:bottom, left:right]
    return sketch.clip(0, 255).astype(np.uint8)


def _clamp(cells: int) -> int:
    return max(0, min(GRID_CELLS, cells))
