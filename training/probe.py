"""Measures on layouts that were not trained on whether the asked-for colours are in the asked-for places.

It paints as the bot does: the folder is loaded by the SDXL renderer's own code, canvases go to `Painter`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final, Literal

import numpy as np
from PIL import Image

from canvas.layout import GRID_CELLS, Rect, rect
from canvas.model import Canvas, GlobalDescription, LocalDescription
from engine.renderer.sdxl.loading import load
from engine.renderer.sdxl.options import SdxlOptions
from engine.renderer.sdxl.painting import Painter, PaintSettings
from storage.scene import NEGATIVE_PROMPT
from training.scenes import PLAIN, Scene, Thing, told_in_words, with_article
from training.shapes import COLORS

SETTINGS: Final = PaintSettings(
    width_px=128, height_px=128, seeds=(0,), steps=20, guidance=5.0, negative_prompt=NEGATIVE_PROMPT
)
Way = Literal["regions", "swapped", "words"]

_PLACES: Final = (
    ("on the left", "on the right"),
    ("on the top", "on the bottom"),
    ("on the top-left", "on the bottom-right"),
    ("on the top-right", "on the bottom-left"),
    ("on the top-left", "on the top-right"),
    ("on the bottom-left", "on the bottom-right"),
    ("on the top-left", "on the bottom-left"),
    ("on the top-right", "on the bottom-right"),
)
_AREA: Final = "a small square area"
_CORE: Final = 0.4
"""The part of a region, each way, that every shape covers."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Two things in two places, told in three ways.

    Attributes:
        colors: Asked for in each place; names of the palette.
        rects: The places, in cells.
        seed: Of the painting.
    """

    regions: Canvas
    swapped: Canvas
    words: Canvas
    colors: tuple[str, str]
    rects: tuple[Rect, Rect]
    seed: int


def layouts(count: int, seed: int) -> list[Layout]:
    """Held-out layouts on a white background; all places equally often."""
    rng = Random(seed)
    found: list[Layout] = []
    while len(found) < count:
        names = rng.sample([name for name in COLORS if name != "white"], 2)
        places = rng.sample(_PLACES[len(found) % len(_PLACES)], 2)
        things = [_thing(color, place, rng) for color, place in zip(names, places, strict=True)]
        scene = Scene("a white background", "white", COLORS["white"], tuple(things), (128, 128))
        if scene.is_held_out:
            found.append(_layout(scene, (names[0], names[1]), rng))
    return found


def painter_of(folder: Path) -> Painter:
    """The folder's model, on the CPU."""
    return Painter(load(SdxlOptions(model=str(folder), device="cpu", offline=True)))


def painted(painter: Painter, canvas: Canvas, settings: PaintSettings) -> Image.Image:
    """One picture."""
    return painter.paint(canvas, settings, lambda _step: None)[0]


def shares(
    painter: Painter, scenes: Sequence[Layout], settings: PaintSettings, ways: Sequence[Way]
) -> dict[str, float]:
    """For each way of telling, the share of places that show the colour that was asked for there.

    Args:
        painter: With the model.
        scenes: The layouts.
        settings: All but the seed, which is the layout's.
        ways: Which ones.
    """
    return {way: _share(painter, scenes, settings, way) for way in ways}


def shown(picture: Image.Image, place: Rect) -> str:
    """The palette's colour that most pixels in the middle of a place are nearest to."""
    pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
    core = pixels[_core(place[0], place[1], len(pixels)), _core(place[2], place[3], pixels.shape[1])]
    palette = np.array(list(COLORS.values()), dtype=np.float32)
    nearest = np.square(core[:, :, None] - palette).sum(-1).argmin(-1)
    return list(COLORS)[np.bincount(nearest.ravel()).argmax()]


def _share(painter: Painter, scenes: Sequence[Layout], settings: PaintSettings, way: Way) -> float:
    return float(np.mean(list(_hits(painter, scenes, settings, way))))


def _hits(painter: Painter, scenes: Sequence[Layout], settings: PaintSettings, way: Way) -> Iterator[bool]:
    for layout in scenes:
        canvas: Canvas = getattr(layout, way)
        picture = painted(painter, canvas, replace(settings, seeds=(layout.seed,)))
        asked = layout.colors[::-1] if way == "swapped" else layout.colors
        for color, place in zip(asked, layout.rects, strict=True):
            yield shown(picture, place) == color


def _core(start: int, end: int, length: int) -> slice:
    middle, half = (start + end) / 2, (end - start) * _CORE / 2
    return slice(round((middle - half) * length / GRID_CELLS), round((middle + half) * length / GRID_CELLS))


def _thing(color: str, place: str, rng: Random) -> Thing:
    kind = rng.choice(PLAIN)
    return Thing(with_article(f"{color} {kind}"), kind, COLORS[color], place, "no offset", _AREA, 5.0)


def _layout(scene: Scene, colors: tuple[str, str], rng: Random) -> Layout:
    first, second = (
        _local(thing.name, thing.location, color) for thing, color in zip(scene.things, colors, strict=True)
    )
    other = (
        replace(first, description=second.description, color=second.color),
        replace(second, description=first.description, color=first.color),
    )
    whole = GlobalDescription("A white background", color="white")
    return Layout(
        regions=Canvas(whole, (first, second)),
        swapped=Canvas(whole, other),
        words=told_in_words(scene, rng),
        colors=colors,
        rects=(rect(first), rect(second)),
        seed=rng.randrange(2**31),
    )


def _local(name: str, place: str, color: str) -> LocalDescription:
    return LocalDescription(name.capitalize(), place, "no offset", _AREA, color=color)
