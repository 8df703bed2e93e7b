"""Shares the picture out among overlapping regions, so that what stands in them can be seen.

Regions of the language are large and overlap by design. Each claim starts as a point where its region asks to
be and grows, cell by cell and in turn with the others, inside its region. It knows rectangles, not pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from canvas.layout import GRID_CELLS, Rect

_NEAR_CELLS: Final = 12
"""Claims whose points are nearer than this are moved apart first."""

_SLACK: Final = 1.12
"""How much wider or taller than its aspect a box may grow before the other side must follow."""


_FAR: Final = 1.6
"""How many times farther a thing is that may stand behind another."""

_SEEN: Final = 0.58
"""The upper share of it that stays in sight."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What asks for room.

    Attributes:
        rect: Its region, in cells.
        center: Where it wants to be, as (x, y) in cells.
        aspect: Width by height of what will stand there, in cells.
        distance: To the viewer; of two claims on one place the farther goes up.
        whole: Whether nothing may stand before it, as with words.
    """

    rect: Rect
    center: tuple[int, int]
    aspect: float
    distance: float
    whole: bool = False


@dataclass(slots=True)
class _Box:
    top: int
    bottom: int
    left: int
    right: int

    def overlaps(self, other: "_Box") -> bool:
        return (
            self.left < other.right and other.left < self.right
            and self.top < other.bottom and other.top < self.bottom
        )  # fmt: skip


def arrange(claims: Sequence[Claim], *, step_cells: int = 1) -> tuple[Rect, ...]:
    """One box a claim, in cells, each inside its region; boxes overlap only where there is no other way."""
    points = _moved_apart(claims)
    boxes = [_start(claim, point) for claim, point in zip(claims, points, strict=True)]
    growing = set(range(len(claims)))
    turn = 0
    middle = sorted(claim.distance for claim in claims)[len(claims) // 2] if claims else 0.0
    while growing:
        turn += 1
        for index in sorted(growing):
            if turn % 3 == 0 and claims[index].distance > middle:
                continue  # what is far grows more slowly
            if not _grow(boxes, index, claims, step_cells):
                growing.discard(index)
    return tuple((box.top, box.bottom, box.left, box.right) for box in boxes)


def _moved_apart(claims: Sequence[Claim]) -> list[tuple[int, int]]:
    """Points for the claims: those that share a place are spread over it, farther ones higher."""
    groups: list[list[int]] = []
    for index, claim in enumerate(claims):
        for group in groups:
            x, y = claims[group[0]].center
            if abs(claim.center[0] - x) < _NEAR_CELLS and abs(claim.center[1] - y) < _NEAR_CELLS:
                group.append(index)
                break
        else:
            groups.append([index])
    points = [claim.center for claim in claims]
    for group in groups:
        if len(group) < 2:
            continue
        ordered = sorted(group, key=lambda index: -claims[index].distance)
        for rank, index in enumerate(ordered):
            points[index] = _spread(claims[index], rank, len(ordered))
    return [_inside(claim.rect, point) for claim, point in zip(claims, points, strict=True)]


def _spread(claim: Claim, rank: int, count: int) -> tuple[int, int]:
    top, bottom, left, right = claim.rect
    share = (rank + 0.5) / count - 0.5
    x, y = claim.center
    if count == 2:
        wide = (right - left) > 1.3 * (bottom - top)
        return (
            (round(x + share * (right - left) * 0.9), y + rank * 4)
            if wide
            else (x, round(y + share * (bottom - top)))
        )
    zigzag = 8 if rank % 2 else -8
    return round((left + right) / 2 + share * (right - left)), round(y + zigzag + share * 12)


def _inside(rect: Rect, point: tuple[int, int]) -> tuple[int, int]:
    top, bottom, left, right = rect
    return max(left + 3, min(right - 3, point[0])), max(top + 3, min(bottom - 3, point[1]))


def _start(claim: Claim, point: tuple[int, int]) -> _Box:
    top, bottom, left, right = claim.rect
    x, y = point
    return _Box(max(top, y - 2), min(bottom, y + 2), max(left, x - 2), min(right, x + 2))


def _grow(boxes: list[_Box], index: int, claims: Sequence[Claim], step: int) -> bool:
    """Grows one box where it can; False when it cannot any more."""
    claim = claims[index]
    box = boxes[index]
    grown = False
    width, height = box.right - box.left, box.bottom - box.top
    sides: list[tuple[int, int, int, int]] = []
    if width <= claim.aspect * height * _SLACK:
        sides += [(0, 0, -step, 0), (0, 0, 0, step)]
    if height <= width / claim.aspect * _SLACK:
        sides += [(-step, 0, 0, 0), (0, step, 0, 0)]
    top, bottom, left, right = claim.rect
    for up, down, west, east in sides:
        now = boxes[index]
        wanted = _Box(
            max(top, now.top + up),
            min(bottom, now.bottom + down),
            max(left, now.left + west),
            min(right, now.right + east),
        )
        if wanted == now:
            continue
        if any(
            wanted.overlaps(other)
            and not now.overlaps(other)
            and not _stands_behind(claim, claims[place], wanted, other)
            for place, other in enumerate(boxes)
            if place != index
        ):
            continue
        boxes[index] = wanted
        grown = True
    return grown


def _stands_behind(one: Claim, two: Claim, box: _Box, other: _Box) -> bool:
    """Whether the nearer of two may cover the foot of the much farther one, and only the foot."""
    if one.whole or two.whole:
        return False
    if one.distance >= two.distance * _FAR:
        far, near = box, other
    elif two.distance >= one.distance * _FAR:
        far, near = other, box
    else:
        return False
    return near.top >= far.top + _SEEN * (far.bottom - far.top) and near.bottom >= far.bottom


def center_of(rect: Rect) -> tuple[int, int]:
    """The middle of a rectangle, as (x, y)."""
    top, bottom, left, right = rect
    return (left + right) // 2, (top + bottom) // 2


def within_grid(rect: Rect, bottom_cells: float) -> Rect:
    """A rectangle kept above a line, never empty."""
    top, bottom, left, right = rect
    limit = max(4, min(GRID_CELLS, int(bottom_cells)))
    bottom = min(bottom, limit)
    return min(top, bottom - 4), bottom, left, right
