"""Stages areas and subjects: how large each becomes and where exactly it stands."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from canvas.layout import GRID_CELLS, Rect, rect
from canvas.model import LocalDescription
from canvas.names import LOCATIONS, OFFSETS
from engine.renderer.storyboard import lettering
from engine.renderer.storyboard.arrangement import Claim, arrange, center_of, within_grid
from engine.renderer.storyboard.drawing import Drawing, Rgb, luminance, mix
from engine.renderer.storyboard.framing import Frame, Part
from engine.renderer.storyboard.heroes import hero
from engine.renderer.storyboard.lexicon import Thing, floats, has_trait
from engine.renderer.storyboard.placing import Box
from engine.renderer.storyboard.plan import Area, Figure, Sign
from engine.renderer.storyboard.props import BANNER_WORDS, banner, plate
from engine.renderer.storyboard.scene import Scene
from engine.renderer.storyboard.scenery import GROUNDS, SILHOUETTES, scenery

_OUTLINED: Final = GROUNDS | SILHOUETTES
"""Scenery whose upper edge is an outline of its own."""

_BORDER_CELLS: Final = 10
"""Scenery that ends this near to the picture's edge goes on to it."""

_SMALL_UNITS: Final = 24.0
_PLATE_UNITS: Final = 15.0
_LARGEST_UNITS: Final = 72.0
"""Heights that no subject exceeds, in hundredths of the picture's shorter side."""

_IN_THE_AIR: Final = frozenset(
    {"flying", "soaring", "floating", "hovering", "swimming", "gliding", "diving", "flies"}
)

_PLATE_WORDS: Final = (0.1, 0.16, 0.9, 0.84)


def stage_areas(frame: Frame, parts: Sequence[Part]) -> list[Area]:
    """The scenery, far to near. Silhouettes end where a nearer ground begins, so that they stand on it."""
    rects = [_to_border(part.region.rect) for part in parts]
    areas: list[Area] = []
    for index, part in enumerate(parts):
        cells = rects[index]
        if part.subject.thing and part.subject.thing.name in SILHOUETTES:
            cells = _above_grounds(
                cells, [rects[later] for later in range(index + 1, len(parts)) if _is_ground(parts[later])]
            )
        areas.append(_area(frame, part, cells))
    return [replace(area, seen=_seen(area.box, areas[index + 1 :])) for index, area in enumerate(areas)]


def stage_heroes(frame: Frame, parts: Sequence[Part]) -> tuple[list[Figure], list[Sign]]:
    """One figure a part, in the same order, and the words on banners and plates."""
    drawings = [_drawing(frame, part) for part in parts]
    cell_aspect = frame.height_px / frame.width_px
    claims = [
        Claim(
            _rect(frame, part),
            _center(part.local),
            drawing.aspect * cell_aspect,
            part.region.distance,
            part.is_sign,
        )
        for part, drawing in zip(parts, drawings, strict=True)
    ]
    boxes = arrange(claims, step_cells=1 if len(claims) <= 12 else 2)
    distances = [part.region.distance for part in parts] or [1.0]
    near, far = min(distances), max(distances)
    figures: list[Figure] = []
    signs: list[Sign] = []
    for part, drawing, cells in zip(parts, drawings, boxes, strict=True):
        depth = (part.region.distance - near) / (far - near) if far > near * 1.2 else 0.0
        figures.append(_fitted(frame, part, drawing, frame.box(cells), depth))
        if part.is_sign:
            signs.append(_sign(part, figures[-1]))
    return figures, signs


def _to_border(cells: Rect) -> Rect:
    top, bottom, left, right = cells
    return (
        top if top > _BORDER_CELLS // 2 else 0,
        bottom if bottom < GRID_CELLS - _BORDER_CELLS else GRID_CELLS,
        left if left > _BORDER_CELLS else 0,
        right if right < GRID_CELLS - _BORDER_CELLS else GRID_CELLS,
    )


def _above_grounds(cells: Rect, grounds: Sequence[Rect]) -> Rect:
    top, bottom, left, right = cells
    for ground in grounds:
        crest = ground[0] + round((ground[1] - ground[0]) * 0.16)
        if ground[2] <= left + 12 and ground[3] >= right - 12 and top + 8 < crest < bottom:
            bottom = crest
    return top, bottom, left, right


def _seen(box: Box, nearer: Sequence[Area]) -> Box:
    """What is left of a box above the nearer areas that run across it."""
    left, top, right, bottom = box
    for area in nearer:
        across = area.box[0] <= left + (right - left) * 0.1 and area.box[2] >= right - (right - left) * 0.1
        if across and top < area.box[1] < bottom:
            bottom = area.box[1] + round((area.box[3] - area.box[1]) * 0.1)
    return left, top, right, min(bottom, box[3])


def _is_ground(part: Part) -> bool:
    return part.subject.thing is not None and part.subject.thing.name in GROUNDS


def _area(frame: Frame, part: Part, cells: Rect) -> Area:
    thing = part.subject.thing or Thing("scenery", "sky", "")
    top, bottom, left, right = cells
    box = frame.box(cells)
    if bottom == GRID_CELLS:
        box = (box[0], box[1], box[2], frame.height_px)
    scene = Scene(
        (box[2] - box[0]) / frame.unit_px, (box[3] - box[1]) / frame.unit_px, part.region.color,
        part.subject.mood,
        frame.rng("area", part.region.index, thing.name),
    )  # fmt: skip
    standing = thing.name in SILHOUETTES
    return Area(
        part.region.index, thing.name, scenery(thing.name, scene), box,
        (left > 0, top > 0 and thing.name not in _OUTLINED, right < GRID_CELLS,
         bottom < GRID_CELLS and not standing),
        seen=box,
    )  # fmt: skip


def _drawing(frame: Frame, part: Part) -> Drawing:
    if part.subject.thing is None:
        return plate(part.region.color, 1.9)
    if part.is_sign:
        return banner(part.region.color, min(6.5, max(2.6, 1.6 + 0.22 * len(part.subject.sign))))
    top, bottom, left, right = part.region.rect
    tall = (bottom - top) * frame.height_px > 1.15 * (right - left) * frame.width_px
    rng = frame.rng("hero", part.region.index, part.subject.thing.name)
    return hero(part.subject, part.region.color, rng, stacked=tall or part.subject.count > 4)


def _rect(frame: Frame, part: Part) -> Rect:
    return within_grid(part.region.rect, GRID_CELLS * frame.floor_px / frame.height_px)


def _center(local: LocalDescription) -> tuple[int, int]:
    """Where a region wants its subject: between the named place and the middle of what is visible of it."""
    (x, y), (dx, dy) = LOCATIONS[local.location], OFFSETS[local.offset]
    middle_x, middle_y = center_of(rect(local))
    return round((x + dx) * 0.65 + middle_x * 0.35), round((y + dy) * 0.65 + middle_y * 0.35)


def _fitted(frame: Frame, part: Part, drawing: Drawing, room: Box, depth: float) -> Figure:
    """The subject as large as its room allows: feet at the bottom of it, or in the middle when it floats."""
    rng = frame.rng("fit", part.region.index)
    left, top, right, bottom = room
    thing = part.subject.thing
    if part.is_sign and thing:
        drawing = banner(part.region.color, min(7.5, max(2.0, (right - left) / max(bottom - top, 1))))
    airy = part.is_sign or (thing is not None and (floats(thing) or bool(part.subject.mood & _IN_THE_AIR)))
    grounded = not airy and not part.subject.portrait
    foot = round(frame.type_px * 1.7) if grounded and bottom - top > frame.type_px * 6 else 0
    high = min(bottom - top - foot, _tallest_units(part, drawing) * frame.unit_px)
    scale = (
        min((right - left) / drawing.width, high / drawing.height) * (1 - 0.14 * depth) * rng.uniform(0.93, 1)
    )
    width, height = max(4, round(drawing.width * scale)), max(4, round(drawing.height * scale))
    spare_x, spare_y = right - left - width, bottom - top - height
    x = left + round(spare_x * rng.uniform(0.25, 0.75))
    y = top + round(spare_y * rng.uniform(0.35, 0.65)) if airy else max(top, bottom - foot - height)
    glowing = thing is not None and has_trait(thing, "glowing")
    return Figure(
        part.region.index, "hero", drawing, (x, y, x + width, y + height), grounded,
        flip=rng.random() < 0.5 and not part.is_sign, pale=0.0 if glowing else 0.24 * depth,
        wash=part.region.color,
        glowing=glowing,
    )  # fmt: skip


def _tallest_units(part: Part, drawing: Drawing) -> float:
    thing = part.subject.thing
    if thing is None:
        return _PLATE_UNITS
    if has_trait(thing, "celestial"):
        return _SMALL_UNITS * min(1.0, 1.0 / drawing.aspect) * (1 + 0.5 * (part.subject.count - 1))
    return _LARGEST_UNITS if not part.subject.portrait else 200.0


def _sign(part: Part, figure: Figure) -> Sign:
    """The words of a banner, or the name of a thing without a picture on its plate."""
    left, top, right, bottom = figure.box
    wide, high = right - left, bottom - top
    named = part.subject.text[:1].upper() + part.subject.text[1:] if part.subject.thing is None else ""
    shares = BANNER_WORDS if part.subject.thing else _PLATE_WORDS
    box = (
        round(left + wide * shares[0]), round(top + high * shares[1]),
        round(left + wide * shares[2]), round(top + high * shares[3]),
    )  # fmt: skip
    words = lettering.legible(part.subject.sign or named, 80)
    lines, size_px = lettering.wrapped(words, box[2] - box[0], box[3] - box[1])
    dark = luminance(part.region.color) < 0.5
    color: Rgb = (255, 252, 240) if dark else mix(part.region.color, (40, 20, 48), 0.86)
    return Sign(part.region.index, lines, box, min(size_px, round((box[3] - box[1]) * 0.72)), color)
