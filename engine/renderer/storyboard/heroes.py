"""Makes the drawing for a region's subject: one figure, a varied group, a prop with things on it.

It knows drawings and what they mean, but no places.
"""

from collections.abc import Sequence
from random import Random
from typing import Final

from engine.renderer.storyboard import people, props
from engine.renderer.storyboard.drawing import Drawing, Rgb, icon
from engine.renderer.storyboard.lexicon import Thing, can_be_held, worn_on
from engine.renderer.storyboard.subjects import Detail, Subject

_LAID_ON: Final = frozenset({"table", "shelf", "stage"})


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
        return _people(subject, rng, stacked=stacked)
    if thing.kind == "prop":
        tops = [detail_drawing(detail) for detail in subject.details if thing.name in _LAID_ON]
        one = props.prop(thing.name, subject.color or color, rng, tops)
        return _group([one] * min(subject.count, 2), rng, stacked=False) if thing.name in ("tower", "lamp") else one
    drawings = [icon(thing.name, subject.color)] * subject.count
    return _group(drawings, rng, stacked=stacked)


def detail_drawing(detail: Detail) -> Drawing:
    """The drawing of a small thing."""
    return icon(detail.thing.name, detail.color)


def details_left(subject: Subject) -> tuple[Detail, ...]:
    """The details that the subject itself does not hold, wear or carry on it already."""
    thing = subject.thing
    if thing is None or thing.kind == "icon" or thing.kind == "scenery":
        return subject.details
    if thing.kind == "prop":
        return subject.details[9:] if thing.name in _LAID_ON else subject.details
    taken = {*_held(subject), *_worn(subject)}
    return tuple(detail for detail in subject.details if detail not in taken)


def _held(subject: Subject) -> list[Detail]:
    held = [detail for detail in subject.details if can_be_held(detail.thing)]
    return held[: max(1, min(3, subject.count))] if not subject.portrait else []


def _worn(subject: Subject) -> list[Detail]:
    return [detail for detail in subject.details if worn_on(detail.thing)][:2]


def _people(subject: Subject, rng: Random, *, stacked: bool) -> Drawing:
    things: Sequence[Thing] = [thing for thing in (subject.thing, *subject.others) if thing]
    worn = [(worn_on(detail.thing) or "head", detail_drawing(detail)) for detail in _worn(subject)]
    if subject.portrait:
        return people.portrait(things[0].name, rng, color=subject.color, worn=worn)
    held = [detail_drawing(detail) for detail in _held(subject)]
    if not held and things[0].name in ("clown", "knight", "player"):
        held = [icon({"clown": "balloon", "knight": "dagger", "player": "soccer-ball"}[things[0].name])]
    figures: list[Drawing] = []
    heights: list[float] = []
    for turn in range(subject.count):
        role = things[turn % len(things)].name
        in_hand = held[turn : turn + 1] if subject.count > 1 else held[:2]
        figures.append(
            people.figure(role, turn, rng, color=subject.color, held=in_hand, worn=worn if turn == 0 else ())
        )
        heights.append(people.height_of(role))
    if subject.thing and subject.thing.word == "family" and subject.count > 2:
        figures[2:] = [people.figure("child", turn, rng) for turn in range(2, subject.count)]
        heights[2:] = [0.66] * (subject.count - 2)
    tallest = max(heights)
    return _group(figures, rng, stacked=stacked, heights=[height / tallest for height in heights])


def _group(
    drawings: Sequence[Drawing], rng: Random, *, stacked: bool, heights: Sequence[float] | None = None
) -> Drawing:
    """Drawings side by side on one ground, in two rows when there are many and they may."""
    if len(drawings) == 1:
        return drawings[0]
    sizes = [height * rng.uniform(0.94, 1.0) for height in heights or [1.0] * len(drawings)]
    back = len(drawings) // 2 if stacked and len(drawings) >= 4 else 0
    rows = [list(range(back)), list(range(back, len(drawings)))]
    height = 100.0
    widths = [height * size * drawing.aspect for size, drawing in zip(sizes, drawings, strict=True)]
    spans = [sum(widths[index] for index in row) * 0.84 for row in rows]
    width = max(spans) + max(widths) * 0.16
    lift = 46.0 if back else 0.0
    parts: list[str] = []
    for row, up in zip(rows, (lift, 0.0), strict=True):
        x = (width - sum(widths[index] for index in row) * 0.84 - (max(widths) * 0.16 if row else 0)) / 2
        for index in row:
            tall = height * sizes[index]
            drop = rng.uniform(0, 3) if row is rows[1] else 0
            flip = rng.random() < 0.5
            parts.append(drawings[index].at(x, lift - up + height - tall - drop, widths[index], flip=flip))
            x += widths[index] * 0.84
    return Drawing("".join(parts), width, height + lift)
