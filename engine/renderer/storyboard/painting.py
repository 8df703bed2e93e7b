"""Turns a plan into pixels."""

from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from canvas.model import Canvas
from engine.renderer.storyboard import lettering
from engine.renderer.storyboard.backdrop import INDOORS, NO_HILLS, Backdrop, paint_backdrop
from engine.renderer.storyboard.drawing import Drawing, Rgb, mix, rasterise
from engine.renderer.storyboard.markup import box as rectangle
from engine.renderer.storyboard.markup import fade, path
from engine.renderer.storyboard.placing import Box
from engine.renderer.storyboard.plan import Area, Figure, Label, Plan, Sign
from engine.renderer.storyboard.planning import plan
from engine.renderer.storyboard.props import PARTY
from engine.renderer.storyboard.scenery import SOFT
from engine.renderer.storyboard.skies import (
    bubbles,
    cloud_drift,
    confetti,
    rain,
    snowflakes,
    star_field,
)

_INK: Final[Rgb] = (62, 50, 72)

_REACH: Final = 0.22
"""The share of an area over which a soft edge fades."""

Progress = Callable[[int, int, Image.Image], None]
"""Called after each stage with (done, of how many, the picture so far). The image goes on changing."""


def paint(
    canvas: Canvas, width_px: int, height_px: int, seed: int, *, on_progress: Progress | None = None
) -> Image.Image:
    """Paints a storyboard, RGB.

    Args:
        canvas: Any canvas, also one without regions.
        width_px: 256 to 2048.
        height_px: 256 to 2048.
        seed: Chooses looks, poses and small places; the same seed gives the same pixels.
        on_progress: Told of each stage; what it raises stops the painting and is passed on.
    """
    made = plan(canvas, width_px, height_px, seed)
    stages = len(made.layers) + 2
    image = paint_backdrop(canvas, made.backdrop, width_px, height_px)
    _paint_weather(image, made, behind=True)
    _report(on_progress, 1, stages, image)
    for done, layer in enumerate(made.layers, start=2):
        match layer:
            case Area():
                _paint_area(image, layer)
            case Figure():
                _paint_figure(image, layer, made.backdrop)
            case Sign():
                _paint_sign(image, layer)
        _report(on_progress, done, stages, image)
    _paint_weather(image, made, behind=False)
    for label in made.labels:
        _paint_label(image, label)
    _paint_caption(image, made.caption)
    _report(on_progress, stages, stages, image)
    return image


def _report(on_progress: Progress | None, done: int, stages: int, image: Image.Image) -> None:
    if on_progress:
        on_progress(done, stages, image)


def _paint_area(image: Image.Image, area: Area) -> None:
    left, top, right, bottom = area.box
    wide, high = right - left, bottom - top
    raster = _blurred(area.drawing, wide, high) if area.kind in SOFT else rasterise(area.drawing, wide, high)
    if any(area.soft):
        raster = raster.copy()
        alpha = np.asarray(raster.getchannel("A"), dtype=np.float32) * _soft_edges(
            raster.width, raster.height, area.soft
        )
        raster.putalpha(Image.fromarray(alpha.astype(np.uint8)))
    image.paste(raster, (left, top), raster)


def _blurred(drawing: Drawing, width_px: int, height_px: int) -> Image.Image:
    """A drawing rasterised at half its size: four times as quick, for what has no fine edges."""
    small = rasterise(drawing, (width_px + 1) // 2, (height_px + 1) // 2)
    return small.resize((width_px, height_px), Image.Resampling.BICUBIC)


def _soft_edges(width_px: int, height_px: int, soft: tuple[bool, bool, bool, bool]) -> NDArray[np.float32]:
    """float32 [height, width]: 1 inside, falling to 0 at the soft edges."""
    left, top, right, bottom = soft
    return _ramp(height_px, start=top, end=bottom)[:, None] * _ramp(width_px, start=left, end=right)[None, :]


def _ramp(count: int, *, start: bool, end: bool) -> NDArray[np.float32]:
    """float32 [count]: 1, falling smoothly to 0 at the ends that are asked for."""
    share = np.linspace(0, 1, count, dtype=np.float32)
    weight = np.ones_like(share)
    if start:
        weight = np.minimum(weight, share / _REACH)
    if end:
        weight = np.minimum(weight, (1 - share) / _REACH)
    return weight * weight * (3 - 2 * weight)


def _paint_figure(image: Image.Image, figure: Figure, backdrop: Backdrop) -> None:
    left, top, right, bottom = figure.box
    wide, high = right - left, bottom - top
    if figure.wash:
        _paint_glow(
            image,
            (left - wide * 0.22, top - high * 0.16, right + wide * 0.22, bottom + high * 0.12),
            figure.wash,
            0.38 if backdrop.dark else 0.52,
        )
        if figure.grounded:
            _paint_hill(image, figure, backdrop)
            _paint_patch(image, figure, backdrop)
    if figure.grounded:
        _paint_shadow(image, figure.box)
    raster = rasterise(figure.drawing, wide, high, flip=figure.flip)
    if figure.pale > 0.02 or (backdrop.dark and not figure.glowing):
        raster = _in_air(raster, figure.pale, backdrop)
    if figure.role != "decor":
        _paint_edge(image, raster, left, top, backdrop)
    image.paste(raster, (left, top), raster)


def _paint_edge(image: Image.Image, raster: Image.Image, left: int, top: int, backdrop: Backdrop) -> None:
    """A thin pale rim, as of a cut-out, that lifts the figure off a busy ground."""
    size = max(3, 2 * round(min(image.size) / 420) + 1)
    pad = size
    alpha = Image.new("L", (raster.width + 2 * pad, raster.height + 2 * pad), 0)
    alpha.paste(raster.getchannel("A"), (pad, pad))
    rim = alpha.filter(ImageFilter.MaxFilter(size)).filter(ImageFilter.GaussianBlur(size / 5))
    rim = rim.point([round(value * 0.85) for value in range(256)])
    tone: Rgb = (255, 253, 247) if not backdrop.dark else (226, 230, 246)
    image.paste(Image.new("RGB", rim.size, tone), (left - pad, top - pad), rim)


def _paint_glow(
    image: Image.Image,
    box: tuple[float, float, float, float],
    color: Rgb,
    strength: float,
    flat: float = 0.38,
) -> None:
    """A soft spot of colour, even in its middle up to the share `flat` of its radius."""
    left, top, right, bottom = (round(value) for value in box)
    mask = _spot(flat).resize((max(2, right - left), max(2, bottom - top)), Image.Resampling.BILINEAR)
    mask = mask.point([round(value * strength) for value in range(256)])
    image.paste(Image.new("RGB", mask.size, color), (left, top), mask)


@lru_cache(maxsize=4)
def _spot(flat: float) -> Image.Image:
    """A round spot that fades out, 96 x 96."""
    axis = np.linspace(-1, 1, 96, dtype=np.float32)
    radius = np.sqrt(axis[:, None] ** 2 + axis[None, :] ** 2)
    weight = np.clip((1 - radius) / (1 - flat), 0, 1)
    return Image.fromarray((255 * weight * weight * (3 - 2 * weight)).astype(np.uint8))


def _paint_hill(image: Image.Image, figure: Figure, backdrop: Backdrop) -> None:
    """A hill under what stands above the horizon, so that it does not hang in the sky."""
    left, _, right, bottom = figure.box
    horizon = round(image.height * backdrop.horizon)
    if backdrop.setting in NO_HILLS or bottom > horizon - image.height * 0.02:
        return
    wide = right - left
    tone = mix(backdrop.ground[0], figure.wash or backdrop.ground[0], 0.4)
    shape = path("M0 100 C26 96 28 0 50 0 S74 96 100 100 Z", "url(#h)")
    body = fade("h", (0, tone, 1), (1, mix(tone, backdrop.ground[0], 0.5), 1)) + shape
    span, top = round(wide * 2.6), round(bottom - wide * 0.1)
    raster = rasterise(Drawing(body, 100, 100), span, max(4, horizon - top + 3))
    image.paste(raster, (round((left + right) / 2 - span / 2), top), raster)


def _paint_patch(image: Image.Image, figure: Figure, backdrop: Backdrop) -> None:
    """The piece of ground that a figure stands on, in its region's colour."""
    left, _, right, bottom = figure.box
    wide, high = right - left, bottom - figure.box[1]
    color = mix(figure.wash or (255, 255, 255), backdrop.ground[1], 0.22)
    half = wide * 0.64
    tall = min(half * 0.34, high * 0.16)
    middle = (left + right) / 2
    box = (middle - half, bottom - tall * 1.25, middle + half, bottom + tall * 0.75)
    _paint_glow(image, box, color, 0.92, 0.7)


def _paint_shadow(image: Image.Image, box: Box) -> None:
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    tall = max(3.0, min(wide * 0.1, high * 0.09))
    _paint_glow(
        image,
        (left + wide * 0.02, bottom - tall, right - wide * 0.02, bottom + tall * 0.8),
        (40, 24, 56),
        0.5,
    )


def _in_air(raster: Image.Image, pale: float, backdrop: Backdrop) -> Image.Image:
    """A raster seen through air, and at night in dim light."""
    color = raster.convert("RGB")
    if pale > 0.02:
        color = Image.blend(
            color, Image.new("RGB", raster.size, mix(backdrop.sky[1], (255, 255, 255), 0.12)), pale
        )
    if backdrop.dark:
        color = Image.blend(color, Image.new("RGB", raster.size, backdrop.sky[0]), 0.1)
    color.putalpha(raster.getchannel("A"))
    return color


def _paint_sign(image: Image.Image, sign: Sign) -> None:
    left, top, right, bottom = sign.box
    if sign.size_px < 6:
        return
    line_px = sign.size_px * 1.1
    y = (top + bottom - line_px * len(sign.lines)) / 2 + sign.size_px * 0.9
    for line in sign.lines:
        wide = lettering.width_px(line, sign.size_px, "display")
        lettering.write(
            image, (left + right - wide) / 2, y, line, size_px=sign.size_px, color=sign.color, face="display"
        )
        y += line_px


def _paint_label(image: Image.Image, label: Label) -> None:
    """Dark letters on a small pale pill: readable on anything."""
    left, top, right, bottom = label.box
    wide, high = right - left, bottom - top
    body = rectangle(0, 0, wide, high, "#fffdf8", rx=high / 2, opacity=0.86)
    pill = rasterise(Drawing(body, wide, high), wide, high)
    image.paste(pill, (left, top), pill)
    x = left + (wide - lettering.width_px(label.text, label.size_px)) / 2
    y = top + high * 0.5 + label.size_px * 0.34
    lettering.write(image, x, y, label.text, size_px=label.size_px, color=_INK)


def _paint_caption(image: Image.Image, caption: Label) -> None:
    left, top, _, bottom = caption.box
    strip = image.crop(caption.box)
    tone: Rgb = (32, 26, 44)
    image.paste(Image.blend(strip, Image.new("RGB", strip.size, tone), 0.78), (left, top))
    y = top + (bottom - top) * 0.5 + caption.size_px * 0.35
    size_px = caption.size_px
    lettering.write(image, size_px * 0.7, y, caption.text, size_px=size_px, color=(250, 246, 238))


def _paint_weather(image: Image.Image, made: Plan, *, behind: bool) -> None:
    """What is in the air: behind everything stars, clouds, bubbles and confetti; before it rain and snow."""
    unit = min(image.size) / 100
    rng = Random(f"{made.seed}:weather:{behind}")
    draw = _air_behind if behind else _air_before
    body = draw(made, image.width / unit, image.height / unit, rng)
    if body:
        raster = _blurred(Drawing(body, image.width / unit, image.height / unit), *image.size)
        image.paste(raster, (0, 0), raster)


def _air_behind(made: Plan, width: float, height: float, rng: Random) -> str:
    backdrop = made.backdrop
    parts: list[str] = []
    skies_there = any(isinstance(layer, Area) and layer.kind in SOFT for layer in made.layers)
    if backdrop.setting == "space":
        parts.append(star_field(width, height, rng))
    elif backdrop.setting == "underwater":
        parts.append(bubbles(width, height * 0.9, rng))
    elif backdrop.setting not in INDOORS and backdrop.time == "night":
        parts.append(star_field(width, height * backdrop.horizon, rng))
    elif backdrop.setting not in INDOORS and not skies_there:
        tone = mix(backdrop.sky[1], (255, 255, 255), 0.7 if backdrop.time == "day" else 0.2)
        parts.append(cloud_drift(width, height * backdrop.horizon * 0.8, tone, rng))
    if backdrop.festive:
        parts.append(confetti(width, height * 0.75, PARTY, rng))
    return "".join(parts)


def _air_before(made: Plan, width: float, height: float, rng: Random) -> str:
    if made.backdrop.setting in INDOORS:
        return ""
    match made.backdrop.weather:
        case "rain":
            return rain(width, height, rng)
        case "snowfall":
            return snowflakes(width, height, rng)
        case _:
            return ""
