"""Makes the drawing for a region's subject: one figure, a varied group, a prop with things on it.

It knows drawings and what they mean, but no places.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

from engine.renderer.storyboard import people, props
from engine.renderer.storyboard.drawing import Drawing, Rgb, icon, saturation
from engine.renderer.storyboard.lexicon import Thing, can_be_held, floats, has_trait, worn_on
from engine.renderer.storyboard.roles import OWN_COLORS, UNIFORMED
from engine.renderer.storyboard.subjects import Detail, Subject

_LAID_ON: Final = frozenset({"table", "shelf", "stage", "bowl", "basket", "vase"})
_SEVERAL: Final = frozenset({"tower", "lamp", "bench", "portal"})
_COLORED: Final = 0.22
"""From this saturation on a region's colour dresses its subject."""


def hero(subject: Subject, color: Rgb, rng: Random, *, stacked: bool) -> Drawing:
    """The subject's drawing.

    Args:
        subject: With a thing that is no scenery.
        color: Of its region.
        rng: Chooses looks and poses.
        stacked: Whether a group may stand in two rows.

    Raises:
        ValueError: The subject has no picture.
    """
    thing = subject.thing
    if thing is None:
        raise ValueError(f"{subject.text!r} has no picture")
    if thing.kind == "person":
        return _people(subject, color, rng, stacked=stacked)
    if thing.kind == "prop":
        tops = [detail_drawing(detail) for detail in subject.details if thing.name in _LAID_ON]
        one = props.prop(thing.name, subject.color or color, rng, tops)
        return group([one] * min(subject.count, 2), rng, stacked=False) if thing.name in _SEVERAL else one
    return _icons(subject, thing, color, rng, stacked=stacked)


def detail_drawing(detail: Detail) -> Drawing:
    """The drawing of a small thing."""
    return icon(detail.thing.name, detail.color)


def details_left(subject: Subject) -> tuple[Detail, ...]:
    """The details that the subject itself does not hold, wear or carry on it already."""
    thing = subject.thing
    if thing is None or thing.kind in ("icon", "scenery"):
        return subject.details
    if thing.kind == "prop":
        return () if thing.name in _LAID_ON else subject.details
    taken = {*_held(subject), *_worn(subject)}
    return tuple(detail for detail in subject.details if detail not in taken)


def group(
    drawings: Sequence[Drawing], rng: Random, *, stacked: bool, heights: Sequence[float] | None = None
) -> Drawing:
    """Drawings side by side on one ground, in two staggered rows when there are many and they may."""
    if len(drawings) == 1:
        return drawings[0]
    sizes = [height * rng.uniform(0.93, 1.0) for height in heights or [1.0] * len(drawings)]
    back = len(drawings) // 2 if stacked and len(drawings) >= 3 else 0
    rows = [list(range(back)), list(range(back, len(drawings)))]
    height = 100.0
    widths = [height * size * drawing.aspect for size, drawing in zip(sizes, drawings, strict=True)]
    share = 0.76 if back else 0.86
    stagger = max(widths) * 0.3 if back == len(drawings) - back else 0.0
    spans = [sum(widths[index] for index in row) * share for row in rows]
    width = max(spans) + max(widths) * (1 - share) + stagger
    lift = 33.0 if back else 0.0
    parts: list[str] = []
    for row, up, shift in ((rows[0], lift, stagger / 2), (rows[1], 0.0, -stagger / 2)):
        x = (
            width - sum(widths[index] for index in row) * share - (max(widths) * (1 - share) if row else 0)
        ) / 2 + shift
        for index in row:
            tall = height * sizes[index]
            drop = rng.uniform(0, 3) if row is rows[1] else 0
            parts.append(
                drawings[index].at(
                    x, lift - up + height - tall - drop, widths[index], flip=rng.random() < 0.5
                )
            )
            x += widths[index] * share
    return Drawing("".join(parts), width, height + lift)


def _swarm(drawings: Sequence[Drawing], rng: Random) -> Drawing:
    """Drawings in the air, each at a height and in a size of its own."""
    parts: list[str] = []
    x, bottom = 0.0, 0.0
    for index, drawing in enumerate(drawings):
        width = 100 * rng.uniform(0.7, 1.0)
        y = (index % 2) * 46 + rng.uniform(0, 26)
        parts.append(drawing.at(x, y, width, flip=rng.random() < 0.5))
        x += width * 0.94
        bottom = max(bottom, y + width / drawing.aspect)
    return Drawing("".join(parts), x + 8, bottom)


def _icons(subject: Subject, thing: Thing, color: Rgb, rng: Random, *, stacked: bool) -> Drawing:
    tinted = has_trait(thing, "tinted") and saturation(color) > _COLORED
    main = subject.color or (color if tinted else None)
    colors = [main] * subject.count
    if subject.count > 1 and not subject.color and has_trait(thing, "mixed"):
        colors[1:] = rng.sample(props.PARTY, subject.count - 1)
    things = (thing, *(other for other in subject.others if other.kind == "icon"))
    drawings = [icon(things[turn % len(things)].name, each) for turn, each in enumerate(colors)]
    if subject.count > 1 and floats(thing):
        return _swarm(drawings, rng)
    return group(drawings, rng, stacked=stacked)


def _held(subject: Subject) -> list[Detail]:
    held = [detail for detail in subject.details if can_be_held(detail.thing)]
    return held[: max(1, min(3, subject.count))] if not subject.portrait else []


def _worn(subject: Subject) -> list[Detail]:
    return [detail for detail in subject.details if detail.near and worn_on(detail.thing)][:2]


def _people(subject: Subject, color: Rgb, rng: Random, *, stacked: bool) -> Drawing:
    things: Sequence[Thing] = [thing for thing in (subject.thing, *subject.others) if thing]
    worn = [(worn_on(detail.thing) or "head", detail_drawing(detail)) for detail in _worn(subject)]
    dress = subject.color or subject.clothes or (color if saturation(color) > _COLORED else None)
    if subject.portrait:
        return people.portrait(things[0].name, rng, color=dress, worn=worn)
    held = _in_hands(subject, things[0].name)
    asked = subject.clothes or subject.color
    figures: list[Drawing] = []
    heights: list[float] = []
    start = rng.randrange(6)
    for turn in range(subject.count):
        role = _role(subject, things[turn % len(things)].name, turn)
        clothes = (asked if things[0].name in UNIFORMED or subject.count == 1 else None) or (
            dress if turn == 0 else None
        )
        if role in OWN_COLORS and not asked:
            clothes = None
        in_hand = held[turn : turn + 1] if subject.count > 1 else held[:2]
        figures.append(
            people.figure(
                role, start + turn, rng, color=clothes, held=in_hand, worn=worn if turn == 0 else ()
            )
        )
        heights.append(people.height_of(role))
    tallest = max(heights)
    return group(figures, rng, stacked=stacked, heights=[height / tallest for height in heights])


def _role(subject: Subject, role: str, turn: int) -> str:
    """The role of one in a group: a family has two parents and children."""
    family = subject.thing is not None and subject.thing.word in ("family", "家人")
    return "child" if family and turn >= 2 else role


def _in_hands(subject: Subject, role: str) -> list[Drawing]:
    held = [
        people.SWORD if detail.thing.name == "dagger" else detail_drawing(detail) for detail in _held(subject)
    ]
    if role == "knight":
        return [people.SWORD, icon("shield")] * max(1, subject.count // 2 + 1)
    return held or ([icon("balloon")] if role == "clown" else [])
