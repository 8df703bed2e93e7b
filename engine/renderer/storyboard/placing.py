"""Finds free places for small things and labels, so that nothing covers a face, a banner or another label."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels."""

_TRIES: Final = 28
_FEET: Final = 0.1
"""The share of a figure's height that a label may stand on."""


def overlaps(first: Box, second: Box, gap_px: float = 0) -> bool:
    """Whether two boxes share a pixel, or are nearer than the gap."""
    return (
        first[0] < second[2] + gap_px and second[0] < first[2] + gap_px
        and first[1] < second[3] + gap_px and second[1] < first[3] + gap_px
    )  # fmt: skip


@dataclass(slots=True)
class Room:
    """The picture's area with what has been taken of it."""

    width_px: int
    floor_px: int
    taken: list[Box] = field(default_factory=list[Box])

    def take(self, box: Box) -> None:
        """Marks a box as taken."""
        self.taken.append(box)

    def is_free(self, box: Box, gap_px: float = 0) -> bool:
        """Whether a box lies in the picture and touches nothing taken."""
        inside = box[0] >= 0 and box[1] >= 0 and box[2] <= self.width_px and box[3] <= self.floor_px
        return inside and not any(overlaps(box, other, gap_px) for other in self.taken)

    def scatter(self, region: Box, width_px: int, height_px: int, rng: Random, *, low: float) -> Box | None:
        """A random free place in a region, not above the share `low` of its height."""
        left, top, right, bottom = region
        top += round((bottom - top) * low)
        if right - left < width_px or bottom - top < height_px:
            return None
        for _ in range(_TRIES):
            x, y = rng.randint(left, right - width_px), rng.randint(top, bottom - height_px)
            box = (x, y, x + width_px, y + height_px)
            if self.is_free(box, 2):
                return box
        return None

    def first_free(self, boxes: Iterable[Box], gap_px: float) -> Box | None:
        """The first of the boxes that is free."""
        return next((box for box in boxes if self.is_free(box, gap_px)), None)


def label_places(figure: Box, region: Box, width_px: int, height_px: int, gap_px: int) -> Iterator[Box]:
    """Where a figure's label could go, best first: under the feet, over the head, beside, in its region."""
    left, top, right, bottom = figure
    middle = (left + right - width_px) // 2
    shifts = (0, -width_px // 3, width_px // 3, -width_px // 2, width_px // 2)
    for y in (bottom + gap_px, bottom - round((bottom - top) * _FEET) + gap_px, top - gap_px - height_px):
        for shift in shifts:
            yield _at(middle + shift, y, width_px, height_px)
    for y in (bottom - height_px, (top + bottom - height_px) // 2, top):
        yield _at(right + gap_px, y, width_px, height_px)
        yield _at(left - gap_px - width_px, y, width_px, height_px)
    yield from area_places(region, width_px, height_px)


def area_places(region: Box, width_px: int, height_px: int, *, low: bool = False) -> Iterator[Box]:
    """Places for a label on a grid over a region: near its sides, from the top or, if low, the bottom."""
    left, top, right, bottom = region
    for share_y in (0.92, 0.8, 0.66, 0.5, 0.3) if low else (0.12, 0.24, 0.4, 0.6, 0.85):
        for share_x in (0.1, 0.9, 0.5, 0.3, 0.7):
            x = round(left + (right - left) * share_x - width_px / 2)
            y = round(top + (bottom - top) * share_y - height_px / 2)
            x = max(left + 4, min(right - width_px - 4, x))
            yield _at(x, y, width_px, height_px)


def without_feet(figure: Box) -> Box:
    """A figure's box without the strip that a label may stand on."""
    left, top, right, bottom = figure
    return left, top, right, bottom - round((bottom - top) * _FEET)


def _at(x: int, y: int, width_px: int, height_px: int) -> Box:
    return x, y, x + width_px, y + height_px
