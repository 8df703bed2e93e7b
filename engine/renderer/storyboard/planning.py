"""Plans a storyboard: a pure function of canvas, size and seed.

Areas and subjects come from `staging`, what fills the room between them from `fitting`; pixels are
`painting`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from canvas.layout import GRID_CELLS, regions
from canvas.model import Canvas
from engine.renderer.storyboard.backdrop import Backdrop, choose
from engine.renderer.storyboard.fitting import caption, decor, details, labels
from engine.renderer.storyboard.framing import Frame, Part
from engine.renderer.storyboard.lexicon import Thing
from engine.renderer.storyboard.placing import Room, without_feet
from engine.renderer.storyboard.plan import Area, Figure, Plan, Sign
from engine.renderer.storyboard.scenery import GROUNDS
from engine.renderer.storyboard.staging import stage_areas, stage_heroes
from engine.renderer.storyboard.subjects import subjects

MAX_REGIONS: Final = 40
"""Regions beyond these, farthest first, are shown by their colour alone."""


def plan(canvas: Canvas, width_px: int, height_px: int, seed: int) -> Plan:
    """Plans a storyboard.

    Args:
        canvas: Any canvas, with or without regions.
        width_px: 256 to 2048.
        height_px: 256 to 2048.
        seed: The same seed gives the same plan.
    """
    frame = Frame(width_px, height_px, seed)
    parts = _parts(canvas)
    standing = [part for part in parts if not part.is_scenery]
    areas = stage_areas(frame, [part for part in parts if part.is_scenery])
    backdrop = _with_horizon(choose(canvas), areas, height_px)
    heroes, signs = stage_heroes(frame, standing)
    room = Room(width_px, frame.floor_px)
    for figure in heroes:
        room.take(without_feet(figure.box))
    seen = {part.region.index: frame.box(part.region.rect) for part in parts}
    seen.update({area.region: (*area.seen[:3], min(area.seen[3], frame.floor_px)) for area in areas})
    named = labels(frame, parts, heroes, seen, room)
    small = details(frame, parts, heroes, seen, room)
    decoration = decor(frame, backdrop, room)
    behind = [figure for figure in small if figure.region in {area.region for area in areas}]
    fronts = _interleaved(standing, heroes, signs, small)
    return Plan(
        width_px, height_px, seed, canvas, backdrop, (*areas, *decoration, *behind, *fronts), tuple(named),
        caption(frame, canvas),
    )  # fmt: skip


def _parts(canvas: Canvas) -> list[Part]:
    """The regions with their subjects, far to near. A wide table in front of everything is a ground."""
    read = subjects(canvas)
    parts = [
        Part(region, read[region.index], canvas.local_descriptions[region.index])
        for region in regions(canvas)[-MAX_REGIONS:]
    ]
    return [
        replace(part, subject=replace(part.subject, thing=Thing("scenery", "tabletop", "table")))
        if _is_tabletop(part) and len(parts) > 1
        else part
        for part in parts
    ]


def _is_tabletop(part: Part) -> bool:
    _, bottom, left, right = part.region.rect
    thing = part.subject.thing
    table = thing is not None and thing.kind == "prop" and thing.name == "table"
    return table and bottom == GRID_CELLS and right - left > GRID_CELLS * 0.75


def _with_horizon(backdrop: Backdrop, areas: Sequence[Area], height_px: int) -> Backdrop:
    """The backdrop with its horizon where the scenery's grounds begin."""
    tops = [
        area.box[1] / height_px for area in areas if area.kind in GROUNDS and area.box[3] > height_px * 0.8
    ]
    return replace(backdrop, horizon=min(0.86, max(0.22, min(tops) + 0.02))) if tops else backdrop


def _interleaved(
    parts: Sequence[Part], heroes: Sequence[Figure], signs: Sequence[Sign], small: Sequence[Figure]
) -> list[Figure | Sign]:
    """Far to near; of equal distance, what stands lower in the picture comes later."""
    order = sorted(
        zip(parts, heroes, strict=True), key=lambda pair: (-pair[0].region.distance, pair[1].box[3])
    )
    layers: list[Figure | Sign] = []
    for part, figure in order:
        layers.append(figure)
        layers += [sign for sign in signs if sign.region == part.region.index]
        layers += [detail for detail in small if detail.region == part.region.index]
    return layers
