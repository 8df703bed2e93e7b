"""Scenery that stands up: mountains, hills, woods, towns. It fills its box from the foot upwards."""

from typing import Final

from engine.renderer.storyboard.drawing import Rgb, icon, luminance, mix, to_hex
from engine.renderer.storyboard.grounds import crest
from engine.renderer.storyboard.markup import box, circle, d, path
from engine.renderer.storyboard.scene import WHITE, Scene

_SHADE: Final[Rgb] = (30, 20, 60)
_ROOFS: Final[tuple[Rgb, ...]] = ((240, 180, 110), (230, 140, 120), (250, 220, 170))


def mountains(scene: Scene) -> str:
    """Two ranges of peaks, the farther paler; or rolling hills where the words say so."""
    if scene.feels("hill", "hillside", "rolling") and not scene.feels("mountain"):
        layers = ((0.25, 0.4), (0.45, 0.2), (0.68, 0.0))
        return "".join(
            path(
                crest(scene, scene.height * y, scene.height * 0.1, scene.width / 90), _pale(scene.color, pale)
            )
            for y, pale in layers
        )
    parts: list[str] = []
    for pale, tall in ((0.5, 0.85), (0.15, 0.66)):
        x = -scene.between(4, 12)
        while x < scene.width:
            span = scene.between(0.7, 1.2) * min(46, scene.height * 0.9)
            rise = scene.between(0.75, 1.0) * scene.height * tall
            parts.append(_peak(scene, x, span, rise, mix(scene.color, WHITE, pale)))
            x += span * scene.between(0.5, 0.75)
    return "".join(parts)


def _peak(scene: Scene, x: float, span: float, rise: float, color: Rgb) -> str:
    foot, top = scene.height, scene.height - rise
    middle, right = x + span * scene.between(0.42, 0.58), x + span
    lit = path(d("M", x, foot, "L", middle, top, "L", right, foot, "Z"), to_hex(color))
    ridge = d(
        "M", middle, top, "L", right, foot, "H", middle + span * 0.08, "L", middle - span * 0.05, top + rise *
        0.4, "Z",
    )  # fmt: skip
    shade = path(ridge, to_hex(mix(color, _SHADE, 0.16)))
    if not scene.feels("snow", "snowy", "snow-capped", "winter", "icy", "mountain"):
        return lit + shade
    down = 0.26
    zigzag = (-span * 0.06, -rise * 0.05), (-span * 0.06, rise * 0.07), (-span * 0.06, -rise * 0.06)
    steps = [part for east, south in zigzag for part in ("l", east, south)]
    cap = d(
        "M", middle, top, "L", middle + (right - middle) * down, top + rise * down, *steps,
        "L", middle - (middle - x) * down, top + rise * down, "Z",
    )  # fmt: skip
    return lit + shade + path(cap, "#fff", opacity=0.9)


def forest(scene: Scene) -> str:
    """Three rows of trees, the farther paler and smaller."""
    kinds = ("deciduous-tree", "evergreen-tree", "deciduous-tree")
    if scene.feels("pine", "snow", "snowy", "fir", "winter", "evergreen"):
        kinds = ("evergreen-tree",)
    elif scene.feels("palm", "jungle", "tropical", "rainforest"):
        kinds = ("palm-tree", "deciduous-tree")
    color = scene.color if max(scene.color) - min(scene.color) > 40 else mix(scene.color, (60, 140, 70), 0.5)
    parts = [
        path(crest(scene, scene.height * 0.62, scene.height * 0.03, scene.width / 70), _pale(color, 0.18))
    ]
    for pale, foot, size in ((0.45, 0.7, 0.5), (0.22, 0.84, 0.62), (0.0, 0.99, 0.7)):
        tall = min(scene.height * size, 46 * size)
        x = -scene.between(0, tall * 0.4)
        while x < scene.width:
            tree = icon(scene.rng.choice(kinds), mix(color, WHITE, pale))
            high = tall * scene.between(0.85, 1.15)
            parts.append(tree.at(x, scene.height * foot - high, high * tree.aspect))
            x += high * tree.aspect * scene.between(0.62, 1.0)
    if scene.feels("snow", "snowy", "winter"):
        parts += [
            circle(scene.between(0, scene.width), scene.between(0, scene.height), 0.7, "#fff")
            for _ in range(30)
        ]
    return "".join(parts)


def city(scene: Scene) -> str:
    """Two rows of houses with windows; at night some are lit."""
    lit = scene.feels("night", "evening", "neon", "dusk") or luminance(scene.color) < 0.35
    parts: list[str] = []
    for pale, tall in ((0.5, 0.95), (0.12, 0.72)):
        x = -scene.between(0, 5)
        while x < scene.width:
            wide, high = scene.between(7, 13), scene.height * tall * scene.between(0.5, 1.0)
            body = mix(mix(scene.color, (90, 90, 130), 0.25), WHITE, pale)
            parts.append(_block(scene, x, wide, high, body, lit=lit))
            x += wide * scene.between(0.9, 1.25)
    return "".join(parts)


def _block(scene: Scene, x: float, wide: float, high: float, body: Rgb, *, lit: bool) -> str:
    top = scene.height - high
    parts = [box(x, top, wide, high, to_hex(body))]
    pane = "#ffe08a" if lit else _pale(body, 0.45)
    parts += [
        box(x + 1.6 + column * 3, top + 2.4 + row * 4, 1.6, 2.1, pane, opacity=0.75)
        for row in range(int((high - 3) // 4))
        for column in range(int((wide - 2) // 3))
        if not lit or scene.rng.random() < 0.62
    ]
    return "".join(parts)


def village(scene: Scene) -> str:
    """Two rows of houses and firs; in winter with snow on the roofs."""
    parts = [
        path(crest(scene, scene.height * 0.5, scene.height * 0.03, scene.width / 90), _pale(scene.color, 0.2))
    ]
    for foot, size in ((0.66, 0.34), (0.95, 0.46)):
        tall = min(scene.height * size, 48 * size)
        x = scene.between(-2, 5)
        while x < scene.width - tall * 0.6:
            high = tall * scene.between(0.85, 1.15)
            markup, wide = _house(scene, x, scene.height * foot - high, high)
            parts.append(markup)
            x += wide * scene.between(1.0, 1.35)
    return "".join(parts)


def _house(scene: Scene, x: float, top: float, high: float) -> tuple[str, float]:
    """A house, or now and then a fir, and how wide it is."""
    if scene.rng.random() < 0.3:
        fir = icon("evergreen-tree")
        return fir.at(x, top, high * fir.aspect), high * fir.aspect
    house = icon(
        scene.rng.choice(("house", "house-with-garden", "house")),
        mix(scene.color, scene.rng.choice(_ROOFS), 0.75),
    )
    wide = high * house.aspect
    snow = ""
    if scene.feels("snow", "snowy", "winter", "snow-covered"):
        eaves, ridge = top + high * 0.42, top - 0.6
        data = d(
            "M", x - 0.3, eaves, "L", x + wide / 2, ridge, "L", x + wide + 0.3, eaves, "L", x + wide / 2, top
            + high * 0.16, "Z",
        )  # fmt: skip
        snow = path(data, "#fff")
    return house.at(x, top, wide) + snow, wide


def _pale(color: Rgb, share: float) -> str:
    return to_hex(mix(color, WHITE, share))
