"""Where things go: each takes the free spot that suits its kind and what the prompt says of its place.

Knows rectangles and kinds; words are `telling`'s work.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from random import Random

from canvas.layout import Rect, rect
from canvas.model import LocalDescription
from canvas.names import AREAS, LOCATIONS, OFFSETS
from engine.composer.planner.asked import ANYWHERE, Spot, Thing
from engine.composer.planner.tables import Noun, kinds

_HEIGHTS_CELLS = {"high": 20, "middle": 46, "low": 66}
_OVERLAP_COST = 1.6
_CLIP_COST = 0.7
_DISTANCE_COST = 1 / 45
_SIDEWAYS_COST = 1 / 150
_OFFSET_COST = 0.04
_NOISE_COST = 0.08
_STEP_CELLS = 30

# who is under a tree or on a mountain stands before it
_ROOTED_KINDS = {"plant", "building", "landform"}
_INVERSE = {
    "behind": "before", "before": "behind", "above": "under", "under": "above",
    "on": "under", "beside": "beside", "left": "right", "right": "left",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Placement:
    """Where something stands, in the words of the language, and how far away."""

    location: str
    offset: str
    area: str
    distance: float

    @property
    def rect(self) -> Rect:
        """The rectangle in cells."""
        return rect(LocalDescription(" ", self.location, self.offset, self.area))


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a placement.

    Attributes:
        size: -1 smaller, 0 usual, 1 larger than its kind.
        is_hero: Whether the picture turns about it.
        anchors: Where the things stand that `spot.relation` refers to.
    """

    noun: Noun
    spot: Spot = ANYWHERE
    size: int = 0
    is_hero: bool = False
    anchors: tuple[Placement, ...] = ()


def place(wish: Wish, taken: Sequence[Placement], rng: Random) -> Placement:
    """The best free spot for a thing among the placements that are taken."""
    kind = kinds()[wish.noun.kind]
    area = kind.areas[max(0, min(2, 1 + wish.noun.size + wish.size))]
    distance = _distance(wish, kind.distance)
    x, y = _ideal_cells(wish)
    # what is on a thing, before or behind it overlaps it by nature
    touching = wish.anchors if wish.spot.relation in {"on", "before", "behind", "between"} else ()
    rects = [other.rect for other in taken if other not in touching]
    return min(
        _candidates(wish, area, distance),
        key=lambda spot: _cost(spot, x, y, rects, is_hero=wish.is_hero) + rng.random() * _NOISE_COST,
    )


def with_inverse_relations(things: list[Thing], placed: dict[str, Placement]) -> list[Thing]:
    """A thing that comes before what it is related to stands free; the other is placed by it instead."""
    found = list(things)
    for index, thing in enumerate(things):
        anchors = thing.spot.anchors
        for number, anchor in enumerate(anchors):
            later = [k for k in range(index + 1, len(found)) if found[k].phrase.noun.name == anchor]
            if anchor in placed or not later or found[later[0]].spot != ANYWHERE:
                continue
            flank = ("left", "right")[number % 2]
            relation = flank if len(anchors) > 1 else _inverse(thing.spot.relation, found[later[0]])
            spot = Spot("", relation, (thing.phrase.noun.name,))
            found[later[0]] = replace(found[later[0]], spot=spot)
            found[index] = replace(thing, spot=ANYWHERE)
    return found


def _inverse(relation: str, other: Thing) -> str:
    """How the other thing stands to the one that was related to it."""
    is_rooted = other.phrase.noun.kind in _ROOTED_KINDS and relation in {"under", "on"}
    return "behind" if is_rooted else inverse(relation)


def inverse(relation: str) -> str:
    """How the second of two things stands to the first, or empty."""
    return _INVERSE.get(relation, "")


def overlap(one: Rect, other: Rect) -> float:
    """The share of the first rectangle that the second covers."""
    height = min(one[1], other[1]) - max(one[0], other[0])
    width = min(one[3], other[3]) - max(one[2], other[2])
    return max(0, height) * max(0, width) / max(1, (one[1] - one[0]) * (one[3] - one[2]))


def _distance(wish: Wish, usual: float) -> float:
    nearest = min((anchor.distance for anchor in wish.anchors), default=usual)
    match wish.spot.place or wish.spot.relation:
        case "background":
            return max(usual, 6.0)
        case "foreground":
            return 1.5
        case "behind":
            return nearest + 1.5
        case "before" | "on":
            return max(1.0, min(usual, nearest - 0.5))
        case _:
            return usual


def _ideal_cells(wish: Wish) -> tuple[float | None, float]:
    """(x, y) of the centre that suits best; x is None where any will do."""
    height = _HEIGHTS_CELLS[kinds()[wish.noun.kind].where]
    if wish.anchors and wish.spot.relation:
        return _beside_anchor(wish.spot.relation, wish.anchors, height)
    if wish.spot.place == "background":
        return None, 30
    if wish.spot.place == "foreground":
        return None, 70
    return (45, 48) if wish.is_hero else (None, height)


def _beside_anchor(relation: str, anchors: tuple[Placement, ...], height: float) -> tuple[float, float]:
    centers = [_center(anchor.rect) for anchor in anchors]
    x = sum(center[0] for center in centers) / len(centers)
    y = sum(center[1] for center in centers) / len(centers)
    step = -_STEP_CELLS if x > 45 else _STEP_CELLS
    return {
        "above": (x, y - _STEP_CELLS),
        "on": (x, y - _STEP_CELLS / 2),
        "under": (x, y + _STEP_CELLS * 0.8),
        "behind": (x + step / 2, y - 12),
        "before": (x, y + 20),
        "left": (x - _STEP_CELLS, y),
        "right": (x + _STEP_CELLS, y),
        "beside": (x + step, y),
        "between": (x, y),
    }.get(relation, (x, height))


def _candidates(wish: Wish, area: str, distance: float) -> Iterator[Placement]:
    locations = [wish.spot.place] if wish.spot.place in LOCATIONS else list(LOCATIONS)
    offsets = ["no offset"] if wish.spot.place in LOCATIONS else list(OFFSETS)
    for location, offset in product(locations, offsets):
        yield Placement(location, offset, area, distance)


def _cost(spot: Placement, x: float | None, y: float, taken: Sequence[Rect], *, is_hero: bool) -> float:
    own = spot.rect
    width, height = AREAS[spot.area]
    here_x, here_y = _center_unclipped(spot)
    clipped = 1 - (own[1] - own[0]) * (own[3] - own[2]) / (width * height)
    cost = _OVERLAP_COST * sum(overlap(own, other) for other in taken) + _CLIP_COST * clipped
    cost += _DISTANCE_COST * abs(here_y - y)
    cost += _DISTANCE_COST * abs(here_x - x) if x is not None else _SIDEWAYS_COST * abs(here_x - 45)
    cost += 0 if spot.offset == "no offset" else _OFFSET_COST
    return cost + (abs(here_x - 45) / 30 if is_hero else 0)


def _center(of: Rect) -> tuple[float, float]:
    return (of[2] + of[3]) / 2, (of[0] + of[1]) / 2


def _center_unclipped(spot: Placement) -> tuple[float, float]:
    x, y = LOCATIONS[spot.location]
    offset_x, offset_y = OFFSETS[spot.offset]
    return x + offset_x, y + offset_y
