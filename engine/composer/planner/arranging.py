"""Where a new or a moved thing goes in a canvas that is there already.

Knows the words that tell a place, and what stands where; the texts of the canvas are others' work.
"""

from dataclasses import replace
from random import Random

from canvas.model import Canvas, LocalDescription
from canvas.names import OFFSETS
from canvas.reading import read_location
from engine.composer.planner.asked import ANYWHERE, Spot, Thing
from engine.composer.planner.finding import Found, find
from engine.composer.planner.placing import Placement, Wish, inverse, place
from engine.composer.planner.reading import read_things
from engine.composer.planner.regions import is_slight, local_of, placement_of, shifted
from engine.composer.planner.tables import BACKDROP_DISTANCE

_BACKGROUND_DISTANCE = 6.5


def placed(canvas: Canvas, thing: Thing, rng: Random) -> Placement:
    """Where a thing goes among those that are there."""
    anchors = tuple(
        placement_of(local_of(found))
        for anchor in thing.spot.anchors
        if (found := find(canvas, anchor, "")) and found.index is not None
    )
    spot = thing.spot if thing.spot.place or anchors else ANYWHERE
    taken = [
        placement_of(local)
        for local in canvas.local_descriptions
        if local.distance_to_viewer < BACKDROP_DISTANCE
    ]
    return place(Wish(thing.phrase.noun, spot, thing.phrase.said_size, anchors=anchors), taken, rng)


def absent_anchor(canvas: Canvas, found: Found, to: str) -> Thing | None:
    """What somebody shall be on, under or beside and that is not there yet, put where it belongs then."""
    things = read_things(f"thing {to}")
    if len(things) < 2 or not things[0].spot.relation or not things[1].phrase.is_known:
        return None
    if find(canvas, things[1].phrase.head, "") is not None:
        return None
    return replace(things[1], spot=Spot("", inverse(things[0].spot.relation), (found.name,)))


def moved(canvas: Canvas, local: LocalDescription, to: str, rng: Random) -> LocalDescription | None:
    """A region at the place that is told in words, or None when that cannot be read."""
    things = [thing for thing in read_things(f"it thing {to}") if thing.phrase.noun.name != "thing"]
    spots = [thing.spot for thing in read_things(f"thing {to}")][:1]
    spot = spots[0] if spots else ANYWHERE
    if things and not spot.relation and not spot.place and to.startswith("to "):
        spot = Spot("", "on", (things[0].phrase.noun.name,))
    if spot.relation and things:
        anchor = Thing(things[0].phrase, spot=Spot("", spot.relation, spot.anchors))
        found = placed(canvas, anchor, rng)
        return replace(local, location=found.location, offset=found.offset, distance_to_viewer=found.distance)
    if spot.place in {"background", "foreground"}:
        distance = max(_BACKGROUND_DISTANCE, local.distance_to_viewer) if spot.place == "background" else 1.0
        return replace(local, distance_to_viewer=distance)
    if is_slight(to):
        return shifted(local, to)
    location = spot.place or read_location(to)
    return replace(local, location=location, offset=next(iter(OFFSETS))) if location else None
