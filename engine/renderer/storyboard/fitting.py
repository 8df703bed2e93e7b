"""Puts labels, details and decoration into the room that the subjects leave."""

from collections.abc import Mapping, Sequence
from typing import Final

from canvas.model import Canvas
from engine.renderer.storyboard import lettering
from engine.renderer.storyboard.backdrop import Backdrop
from engine.renderer.storyboard.drawing import icon
from engine.renderer.storyboard.framing import Frame, Part
from engine.renderer.storyboard.heroes import detail_drawing, details_left
from engine.renderer.storyboard.lexicon import floats, has_trait
from engine.renderer.storyboard.placing import Box, Room, area_places, label_places
from engine.renderer.storyboard.plan import Figure, Label
from engine.renderer.storyboard.props import PARTY, garland
from engine.renderer.storyboard.scenery import GROUNDS

_MIN_DETAIL_PX: Final = 12


def labels(
    frame: Frame, parts: Sequence[Part], heroes: Sequence[Figure], seen: Mapping[int, Box], room: Room
) -> list[Label]:
    """One short label a region, nearest regions first, where there is room.

    Args:
        frame: The picture's measures.
        parts: Far to near.
        heroes: The subjects that are no scenery.
        seen: The part of each region that is not hidden, in pixels.
        room: What is taken; the labels take their share of it.
    """
    figures = {figure.region: figure.box for figure in heroes}
    margin, type_px = round(frame.type_px * 0.45), frame.type_px
    found: list[Label] = []
    for part in reversed(parts):
        index = part.region.index
        left, _, right, _ = region = seen[index]
        text = "" if part.is_sign else lettering.legible(part.subject.text, 60)
        text = lettering.fitted(text, type_px, min(type_px * 14, right - left - 2 * margin))
        if not text:
            continue
        width, height = round(lettering.width_px(text, type_px)) + 2 * margin, round(type_px * 1.5)
        if part.is_scenery:
            places = area_places(region, width, height, low=_is_low(part))
        else:
            places = label_places(figures[index], region, width, height, max(2, margin // 3))
        box = room.first_free(places, 2)
        if box:
            room.take(box)
            found.append(Label(index, text, box, type_px))
    return found


def _is_low(part: Part) -> bool:
    """Whether a scenery is a ground, which is named at its lower edge."""
    return part.subject.thing is not None and part.subject.thing.name in GROUNDS


def details(
    frame: Frame, parts: Sequence[Part], heroes: Sequence[Figure], seen: Mapping[int, Box], room: Room
) -> list[Figure]:
    """Small things around their subjects, where nothing else is. Arguments as for `labels`."""
    by_region = {figure.region: figure for figure in heroes}
    found: list[Figure] = []
    for part in reversed(parts):
        if not part.is_sign:
            found += _details_of(frame, part, by_region.get(part.region.index), seen[part.region.index], room)
    return found


def _details_of(frame: Frame, part: Part, subject: Figure | None, region: Box, room: Room) -> list[Figure]:
    rng = frame.rng("details", part.region.index)
    size = min(frame.unit_px * 11, (region[2] - region[0]) * 0.22, (region[3] - region[1]) * 0.22)
    if subject:
        size = min(size, (subject.box[3] - subject.box[1]) * 0.42)
    if size < _MIN_DETAIL_PX:
        return []
    found: list[Figure] = []
    for detail in details_left(part.subject)[: 3 if part.is_scenery else 2]:
        drawing = detail_drawing(detail)
        scale = size * rng.uniform(0.85, 1.1) / max(drawing.width, drawing.height)
        width, height = round(drawing.width * scale), round(drawing.height * scale)
        airy = floats(detail.thing)
        box = room.scatter(_around(subject, region, size), width, height, rng, low=0.0 if airy else 0.45)
        if box:
            room.take(box)
            flip, glowing = rng.random() < 0.5, has_trait(detail.thing, "glowing")
            found.append(
                Figure(part.region.index, "detail", drawing, box, not airy, flip=flip, glowing=glowing)
            )
    return found


def _around(hero_figure: Figure | None, region: Box, size: float) -> Box:
    """The part of a region near its subject."""
    if hero_figure is None:
        return region
    left, top, right, bottom = hero_figure.box
    reach = round(size * 1.6)
    return (
        max(region[0], left - reach),
        max(region[1], top - reach),
        min(region[2], right + reach),
        min(region[3], bottom + round(size * 0.3)),
    )


def decor(frame: Frame, backdrop: Backdrop, room: Room) -> list[Figure]:
    """Garlands across the top and balloons in free corners of a festive scene."""
    if not backdrop.festive:
        return []
    rng = frame.rng("decor")
    wide = frame.width_px // 2
    tall = min(round(wide / 4), frame.height_px // 6)
    found = [
        Figure(
            None,
            "decor",
            garland(color, rng, aspect=wide / tall, flags=max(5, round(wide / frame.unit_px / 6))),
            (x, 0, x + wide, tall),
            grounded=False,
        )
        for x, color in ((0, (255, 179, 0)), (frame.width_px - wide, (66, 135, 245)))
    ]
    size = round(frame.unit_px * 8)
    whole = (0, tall // 2, frame.width_px, round(frame.height_px * 0.62))
    for color in rng.sample(PARTY, 4):
        balloon = icon("balloon", color)
        box = room.scatter(whole, round(size * balloon.aspect), size, rng, low=0.0)
        if box:
            room.take(box)
            found.append(Figure(None, "decor", balloon, box, grounded=False, flip=rng.random() < 0.5))
    return found


def caption(frame: Frame, canvas: Canvas) -> Label:
    """The strip at the bottom: what this is, and of what."""
    room = frame.width_px - frame.type_px * 1.4
    title = lettering.legible(canvas.global_description.description, 300)
    text = f"Storyboard · {title}" if title else "Storyboard"
    text = lettering.fitted(text, frame.type_px, room) or "Storyboard"
    return Label(None, text, (0, frame.floor_px, frame.width_px, frame.height_px), frame.type_px)
