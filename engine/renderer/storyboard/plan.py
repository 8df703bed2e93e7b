"""Plans a storyboard: what stands where, in pixels, before anything is painted.

`plan` is a pure function of canvas, size and seed, and quick; `painting` turns a plan into an image. Tests and
tools read the plan instead of guessing at pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal

from canvas.layout import GRID_CELLS, Rect, Region, rect, regions
from canvas.model import Canvas, LocalDescription
from canvas.names import LOCATIONS, OFFSETS
from engine.renderer.storyboard import lettering
from engine.renderer.storyboard.arrangement import Claim, arrange, center_of, within_grid
from engine.renderer.storyboard.backdrop import Backdrop, choose
from engine.renderer.storyboard.drawing import Drawing, Rgb, icon, luminance, mix
from engine.renderer.storyboard.heroes import detail_drawing, details_left, hero
from engine.renderer.storyboard.lexicon import Thing, floats
from engine.renderer.storyboard.placing import Box, Room, area_places, label_places, without_feet
from engine.renderer.storyboard.props import BANNER_WORDS, PARTY, banner, garland, plate
from engine.renderer.storyboard.scenery import GROUND, Scene, scenery
from engine.renderer.storyboard.subjects import Subject, subjects

MAX_REGIONS: Final = 40
"""Regions beyond these, nearest first, are shown by their colour alone."""

_MIN_LABEL_PX: Final = 10
_OUTLINED: Final = GROUND | {"mountains", "forest", "city", "village"}
"""Scenery whose upper edge is an outline of its own."""


@dataclass(frozen=True, slots=True)
class Area:
    """A stretch of scenery.

    Attributes:
        region: Index into `Canvas.local_descriptions`.
        soft: Which edges fade: left, top, right, bottom.
    """

    region: int
    kind: str
    drawing: Drawing
    box: Box
    soft: tuple[bool, bool, bool, bool]


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing in the picture.

    Attributes:
        region: Index into `Canvas.local_descriptions`, or None for decoration of the whole.
        role: `hero` is the region's subject; a `detail` stands small beside it.
        grounded: Whether it stands on something and throws a shadow.
        pale: How much of the air between lies over it, 0 to 1.
        wash: The colour around and under it: the region's, or None.
    """

    region: int | None
    role: Literal["hero", "detail", "decor"]
    drawing: Drawing
    box: Box
    grounded: bool
    flip: bool = False
    pale: float = 0.0
    wash: Rgb | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A line of text in a quiet box; `box` includes its margin."""

    region: int | None
    text: str
    box: Box
    size_px: int


@dataclass(frozen=True, slots=True)
class Sign:
    """Words on a banner, sign or plate: centred lines."""

    region: int
    lines: tuple[str, ...]
    box: Box
    size_px: int
    color: Rgb


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole storyboard.

    Attributes:
        layers: Areas, figures and signs in painting order.
        labels: Beside the figures; the caption is apart.
        caption: The strip at the bottom.
    """

    width_px: int
    height_px: int
    seed: int
    canvas: Canvas
    backdrop: Backdrop
    layers: tuple[Area | Figure | Sign, ...]
    labels: tuple[Label, ...]
    caption: Label

    @property
    def heroes(self) -> tuple[Figure, ...]:
        """The regions' subjects, without scenery."""
        return tuple(layer for layer in self.layers if isinstance(layer, Figure) and layer.role == "hero")


def plan(canvas: Canvas, width_px: int, height_px: int, seed: int) -> Plan:
    """Plans a storyboard.

    Args:
        canvas: Any canvas, with or without regions.
        width_px: 256 to 2048.
        height_px: 256 to 2048.
        seed: The same seed gives the same plan.
    """
    frame = _Frame(width_px, height_px, seed)
    shown = regions(canvas)[-MAX_REGIONS:]
    parts = [_Part(region, subject, canvas.local_descriptions[region.index]) for region, subject in _paired(canvas, shown)]
    areas = [_area(frame, part) for part in parts if part.is_scenery]
    backdrop = _with_horizon(choose(canvas), areas, height_px)
    standing = [part for part in parts if not part.is_scenery]
    heroes, signs = _heroes(frame, standing, backdrop)
    room = Room(width_px, frame.floor_px)
    for figure in heroes:
        room.take(without_feet(figure.box))
    labels = _labels(frame, parts, heroes, areas, room)
    details = _details(frame, parts, heroes, room)
    decor = _decor(frame, backdrop, heroes, room)
    fronts = _interleaved(standing, heroes, signs, details)
    backs = [detail for detail in details if detail.region in {area.region for area in areas}]
    return Plan(
        width_px, height_px, seed, canvas, backdrop, (*areas, *decor, *backs, *fronts), tuple(labels),
        _caption(frame, canvas),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Frame:
    """The picture's measures, and random sources that do not depend on the order of use."""

    width_px: int
    height_px: int
    seed: int

    @property
    def unit_px(self) -> float:
        return min(self.width_px, self.height_px) / 100

    @property
    def type_px(self) -> int:
        return round(min(30, max(_MIN_LABEL_PX, self.unit_px * 1.9)))

    @property
    def floor_px(self) -> int:
        """Where the caption begins."""
        return self.height_px - round(self.type_px * 1.9)

    def rng(self, *purpose: object) -> Random:
        return Random(f"{self.seed}:{purpose}")

    def box(self, cells: Rect) -> Box:
        top, bottom, left, right = cells
        x, y = self.width_px / GRID_CELLS, self.height_px / GRID_CELLS
        return round(left * x), round(top * y), round(right * x), min(round(bottom * y), self.floor_px)


@dataclass(frozen=True, slots=True)
class _Part:
    region: Region
    subject: Subject
    local: LocalDescription

    @property
    def is_scenery(self) -> bool:
        return self.subject.thing is not None and self.subject.thing.kind == "scenery"

    @property
    def is_sign(self) -> bool:
        thing = self.subject.thing
        return thing is None or (thing.kind == "prop" and thing.name == "banner")


def _paired(canvas: Canvas, shown: Sequence[Region]) -> list[tuple[Region, Subject]]:
    read = subjects(canvas)
    return [(region, read[region.index]) for region in shown]


def _area(frame: _Frame, part: _Part) -> Area:
    thing = part.subject.thing or Thing("scenery", "sky", "")
    top, bottom, left, right = part.region.rect
    box = frame.box(part.region.rect)
    if bottom == GRID_CELLS:
        box = (box[0], box[1], box[2], frame.height_px)
    scene = Scene(
        (box[2] - box[0]) / frame.unit_px, (box[3] - box[1]) / frame.unit_px, part.subject.color or part.region.color,
        part.subject.mood, frame.rng("area", part.region.index, thing.name),
    )  # fmt: skip
    return Area(
        part.region.index, thing.name, scenery(thing.name, scene), box,
        (left > 0, top > 0 and thing.name not in _OUTLINED, right < GRID_CELLS, bottom < GRID_CELLS),
    )  # fmt: skip


def _with_horizon(backdrop: Backdrop, areas: Sequence[Area], height_px: int) -> Backdrop:
    """The backdrop with its horizon where the scenery's grounds begin."""
    tops = [area.box[1] / height_px for area in areas if area.kind in GROUND and area.box[3] > height_px * 0.8]
    return replace(backdrop, horizon=min(0.86, max(0.22, min(tops) + 0.02))) if tops else backdrop


def _heroes(frame: _Frame, parts: Sequence[_Part], backdrop: Backdrop) -> tuple[list[Figure], list[Sign]]:
    drawings = [_drawing(frame, part) for part in parts]
    cell_aspect = frame.height_px / frame.width_px
    claims = [
        Claim(_rect(frame, part), _center(part.local), drawing.aspect * cell_aspect, part.region.distance)
        for part, drawing in zip(parts, drawings, strict=True)
    ]
    boxes = arrange(claims, step_cells=1 if len(claims) <= 12 else 2)
    far = max((part.region.distance for part in parts), default=1.0)
    near = min((part.region.distance for part in parts), default=1.0)
    figures: list[Figure] = []
    signs: list[Sign] = []
    for part, drawing, cells in zip(parts, drawings, boxes, strict=True):
        depth = (part.region.distance - near) / (far - near) if far > near * 1.2 else 0.0
        figure = _fitted(frame, part, drawing, frame.box(cells), depth)
        figures.append(figure)
        if part.is_sign:
            signs.append(_sign(part, figure))
    return figures, signs


def _drawing(frame: _Frame, part: _Part) -> Drawing:
    top, bottom, left, right = part.region.rect
    if part.subject.thing is None:
        return plate(part.region.color, 1.7)
    if part.is_sign:
        return banner(part.region.color, min(6.5, max(2.6, 1.6 + 0.22 * len(part.subject.sign))))
    tall = (bottom - top) * frame.height_px > 1.15 * (right - left) * frame.width_px
    return hero(part.subject, part.region.color, frame.rng("hero", part.region.index, part.subject.thing.name), stacked=tall or part.subject.count > 4)


def _rect(frame: _Frame, part: _Part) -> Rect:
    return within_grid(part.region.rect, GRID_CELLS * frame.floor_px / frame.height_px)


def _center(local: LocalDescription) -> tuple[int, int]:
    """Where a region wants its subject: halfway from the named place to the middle of what is visible of it."""
    (x, y), (dx, dy) = LOCATIONS[local.location], OFFSETS[local.offset]
    middle_x, middle_y = center_of(rect(local))
    return round((x + dx) * 0.65 + middle_x * 0.35), round((y + dy) * 0.65 + middle_y * 0.35)


def _fitted(frame: _Frame, part: _Part, drawing: Drawing, room: Box, depth: float) -> Figure:
    """The subject as large as its room allows, feet at the bottom of it."""
    rng = frame.rng("fit", part.region.index)
    left, top, right, bottom = room
    wide, high = right - left, bottom - top
    thing = part.subject.thing
    airy = thing is not None and floats(thing)
    if part.is_sign and thing:
        aspect = min(7.5, max(2.0, wide / max(high, 1)))
        drawing = banner(part.region.color, aspect)
    grounded = not airy and not part.is_sign
    high_free = high - (frame.type_px * 1.7 if grounded else 0)
    scale = min(wide / drawing.width, max(high_free, high * 0.7) / drawing.height) * (0.97 - 0.1 * depth) * rng.uniform(0.95, 1)
    width, height = max(4, round(drawing.width * scale)), max(4, round(drawing.height * scale))
    spare_x, spare_y = wide - width, high - height
    x = left + round(spare_x * (0.5 + rng.uniform(-0.3, 0.3)))
    y = top + round(spare_y * (0.5 if not grounded else max(0.0, 1 - frame.type_px * 1.6 / max(spare_y, 1))))
    flip = rng.random() < 0.5 and not part.is_sign
    return Figure(
        part.region.index, "hero", drawing, (x, y, x + width, y + height), grounded, flip, 0.28 * depth, part.region.color
    )


def _sign(part: _Part, figure: Figure) -> Sign:
    """The words of a banner, or the name of a thing without a picture on its plate."""
    left, top, right, bottom = figure.box
    wide, high = right - left, bottom - top
    words = part.subject.sign or (part.subject.text if part.subject.thing is None else "")
    shares = BANNER_WORDS if part.subject.thing else (0.1, 0.16, 0.9, 0.84)
    box = (
        round(left + wide * shares[0]), round(top + high * shares[1]), round(left + wide * shares[2]), round(top + high * shares[3])
    )  # fmt: skip
    lines, size_px = lettering.wrapped(lettering.legible(words, 80), box[2] - box[0], box[3] - box[1])
    dark = luminance(part.region.color) < 0.5
    color: Rgb = (255, 252, 240) if dark else mix(part.region.color, (40, 20, 48), 0.86)
    return Sign(part.region.index, lines, box, min(size_px, round((box[3] - box[1]) * 0.72)), color)


def _labels(
    frame: _Frame, parts: Sequence[_Part], heroes: Sequence[Figure], areas: Sequence[Area], room: Room
) -> list[Label]:
    """One short label a region, nearest regions first, where there is room."""
    by_region = {figure.region: figure.box for figure in heroes}
    labels: list[Label] = []
    margin = round(frame.type_px * 0.45)
    for part in reversed(parts):
        if part.is_sign:
            continue
        text = lettering.legible(part.subject.text, 60)
        region = frame.box(part.region.rect)
        text = lettering.fitted(text, frame.type_px, min(frame.type_px * 11, region[2] - region[0] - 2 * margin))
        if not text:
            continue
        width, height = round(lettering.width_px(text, frame.type_px)) + 2 * margin, round(frame.type_px * 1.5)
        places = (
            area_places(region, width, height) if part.is_scenery
            else label_places(by_region[part.region.index], region, width, height, max(2, margin // 3))
        )  # fmt: skip
        box = room.first_free(places, 2)
        if box:
            room.take(box)
            labels.append(Label(part.region.index, text, box, frame.type_px))
    return labels


def _details(frame: _Frame, parts: Sequence[_Part], heroes: Sequence[Figure], room: Room) -> list[Figure]:
    """Small things around their subjects, where nothing else is."""
    by_region = {figure.region: figure for figure in heroes}
    found: list[Figure] = []
    for part in reversed(parts):
        rng = frame.rng("details", part.region.index)
        region = frame.box(part.region.rect)
        hero_figure = by_region.get(part.region.index)
        side = min(region[2] - region[0], region[3] - region[1])
        size = min(frame.unit_px * 13, side * 0.22, (hero_figure.box[3] - hero_figure.box[1]) * 0.42 if hero_figure else 1e9)
        if part.is_sign or size < 12:
            continue
        for detail in details_left(part.subject)[: 3 if part.is_scenery else 2]:
            drawing = detail_drawing(detail)
            scale = size * rng.uniform(0.85, 1.1) / max(drawing.width, drawing.height)
            width, height = round(drawing.width * scale), round(drawing.height * scale)
            airy = floats(detail.thing)
            box = room.scatter(_around(hero_figure, region, size), width, height, rng, low=0.0 if airy else 0.45)
            if box:
                room.take(box)
                found.append(Figure(part.region.index, "detail", drawing, box, not airy, rng.random() < 0.5, 0.0))
    return found


def _around(hero_figure: Figure | None, region: Box, size: float) -> Box:
    """The part of a region near its subject."""
    if hero_figure is None:
        return region
    left, top, right, bottom = hero_figure.box
    reach = round(size * 1.6)
    return max(region[0], left - reach), max(region[1], top - reach), min(region[2], right + reach), min(region[3], bottom + round(size * 0.3))


def _decor(frame: _Frame, backdrop: Backdrop, heroes: Sequence[Figure], room: Room) -> list[Figure]:
    """Garlands across the top and balloons in free corners of a festive scene."""
    if not backdrop.festive:
        return []
    rng = frame.rng("decor")
    wide = frame.width_px // 2
    tall = min(round(wide / 4), frame.height_px // 6)
    found = [
        Figure(None, "decor", garland(color, rng, aspect=wide / tall, flags=max(5, round(wide / frame.unit_px / 6))), (x, 0, x + wide, tall), grounded=False)
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


def _interleaved(
    parts: Sequence[_Part], heroes: Sequence[Figure], signs: Sequence[Sign], details: Sequence[Figure]
) -> list[Figure | Sign]:
    """Far to near; of equal distance, what stands lower in the picture comes later."""
    order = sorted(zip(parts, heroes, strict=True), key=lambda pair: (-pair[0].region.distance, pair[1].box[3]))
    layers: list[Figure | Sign] = []
    for part, figure in order:
        layers.append(figure)
        layers += [sign for sign in signs if sign.region == part.region.index]
        layers += [detail for detail in details if detail.region == part.region.index]
    return layers


def _caption(frame: _Frame, canvas: Canvas) -> Label:
    room = frame.width_px - frame.type_px * 1.4
    title = lettering.legible(canvas.global_description.description, 300)
    text = f"Storyboard · {title}" if title else "Storyboard"
    text = lettering.fitted(text, frame.type_px, room) or "Storyboard"
    return Label(None, text, (0, frame.floor_px, frame.width_px, frame.height_px), frame.type_px)
