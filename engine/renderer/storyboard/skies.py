"""Skies and what is in the air: clouds, stars, space, fog, rain, snow, confetti, bubbles.

Drawings are in units of a hundredth of the picture's shorter side.
"""

import math
from random import Random
from typing import Final

from engine.renderer.storyboard.drawing import Rgb, luminance, mix, to_hex
from engine.renderer.storyboard.markup import box, circle, d, ellipse, fade, glow, line, path
from engine.renderer.storyboard.scene import WHITE, Scene

_DEEP: Final[Rgb] = (22, 24, 56)
_SUNSET: Final[Rgb] = (255, 190, 140)
_STORMY: Final = frozenset(
    {"stormy", "storm", "thunder", "dark", "rain", "rainy", "lightning", "thunderstorm"}
)
_MOST: Final = 150
"""Stars, drops or flakes in one picture."""


def sky(scene: Scene) -> str:
    """A sky that fades out at its foot, with clouds, stars or lightning as the mood asks."""
    width, height, color = scene.width, scene.height, scene.color
    dark = luminance(color) < 0.4
    evening = scene.feels("sunset", "dusk", "dawn", "sunrise")
    low = mix(color, _SUNSET, 0.55) if evening else mix(color, WHITE, 0.14 if dark else 0.4)
    parts = [
        fade("s", (0, color, 0.96), (0.6, mix(color, low, 0.6), 0.85), (1, low, 0)),
        box(0, 0, width, height, "url(#s)"),
    ]
    stormy = bool(scene.mood & _STORMY)
    if scene.feels("night", "star", "starry", "midnight", "moonlit") and not stormy:
        parts.append(star_field(width, height * 0.8, scene.rng))
    if not scene.feels("clear", "starry"):
        for _ in range(max(2, round(width / (13 if stormy else 22)))):
            pale = scene.between(0.1, 0.26) if stormy or dark else 0.75
            x, y = scene.between(0, width), scene.between(0.12, 0.62) * height
            parts.append(cloud(x, y, scene.between(6, 13), to_hex(mix(color, WHITE, pale)), scene.rng))
    if scene.feels("lightning", "thunder", "thunderstorm"):
        parts += [_bolt(scene, scene.between(0.08, 0.4)), _bolt(scene, scene.between(0.6, 0.92))]
    return "".join(parts)


def clouds(scene: Scene) -> str:
    """Clouds alone."""
    return cloud_drift(scene.width, scene.height, mix(scene.color, WHITE, 0.5), scene.rng)


def cloud_drift(width: float, height: float, color: Rgb, rng: Random) -> str:
    """Clouds spread over a box."""
    return "".join(
        cloud(
            rng.uniform(0.05, 0.95) * width,
            rng.uniform(0.2, 0.8) * height,
            rng.uniform(6, 13),
            to_hex(color),
            rng,
        )
        for _ in range(max(3, round(width / 24)))
    )


def cloud(x: float, y: float, size: float, fill: str, rng: Random) -> str:
    """A soft heap of circles with a flat foot."""
    parts = [box(x - size, y - size * 0.24, 2 * size, size * 0.42, fill, rx=round(size * 0.21, 2))]
    for offset, share in ((-0.55, 0.34), (-0.1, 0.5), (0.42, 0.4)):
        radius = size * share * rng.uniform(0.85, 1.15)
        parts.append(circle(x + offset * size, y - radius * 0.5, radius, fill))
    return f'<g opacity=".78">{"".join(parts)}</g>'


def stars(scene: Scene) -> str:
    """Stars alone."""
    return star_field(scene.width, scene.height, scene.rng)


def star_field(width: float, height: float, rng: Random) -> str:
    """Stars of four sizes over a box."""
    return "".join(
        _star(rng.uniform(0, width), rng.uniform(0, height), rng.choice((0.26, 0.34, 0.44, 0.85)))
        for _ in range(min(_MOST, round(width * height / 65)))
    )


def space(scene: Scene) -> str:
    """A deep sky with coloured mist and stars."""
    width, height = scene.width, scene.height
    tones = (mix(scene.color, (220, 120, 255), 0.5), mix(scene.color, (90, 200, 255), 0.5))
    parts = [glow(f"n{index}", (0, tone, 0.6), (1, tone, 0)) for index, tone in enumerate(tones)]
    parts.append(box(0, 0, width, height, to_hex(mix(scene.color, _DEEP, 0.35)), opacity=0.9))
    for index in range(5):
        x, y = scene.between(0, width), scene.between(0, height)
        turn = f"rotate({scene.between(-30, 10):.0f} {width / 2:.1f} {height / 2:.1f})"
        parts.append(
            ellipse(x, y, scene.between(14, 34), scene.between(6, 14), f"url(#n{index % 2})", transform=turn)
        )
    return "".join(parts) + star_field(width, height, scene.rng)


def rays(scene: Scene) -> str:
    """Beams of light that fall from above."""
    width, height = scene.width, scene.height
    parts = [fade("b", (0, mix(scene.color, WHITE, 0.55), 0.7), (1, mix(scene.color, WHITE, 0.55), 0))]
    for index in range(5):
        x, lean = width * (0.1 + 0.2 * index), scene.between(0.02, 0.12) * width
        foot = x + lean + scene.between(4, 12)
        beam = d("M", x, 0, "H", x + scene.between(4, 9), "L", foot + 12, height, "H", foot - 4, "Z")
        parts.append(path(beam, "url(#b)"))
    return "".join(parts)


def fog(scene: Scene) -> str:
    """Flat pale banks."""
    tone = to_hex(mix(scene.color, WHITE, 0.55))
    return "".join(
        ellipse(
            scene.between(0, scene.width), scene.between(0.15, 0.9) * scene.height, scene.between(18, 40),
            scene.between(2, 5), tone, opacity=0.4,
        )
        for _ in range(9)
    )  # fmt: skip


def rainfall(scene: Scene) -> str:
    """Rain alone."""
    return rain(scene.width, scene.height, scene.rng)


def snowfall(scene: Scene) -> str:
    """Falling snow alone."""
    return snowflakes(scene.width, scene.height, scene.rng)


def rain(width: float, height: float, rng: Random) -> str:
    """Slanting drops over a box."""
    parts: list[str] = []
    for _ in range(min(_MOST, round(width * height / 45))):
        x, y, size = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(2, 4)
        parts.append(line(d("M", x, y, "l", -size * 0.35, size), "#dcecff", 0.35, opacity=0.6))
    return "".join(parts)


def snowflakes(width: float, height: float, rng: Random) -> str:
    """Flakes over a box."""
    return "".join(
        circle(
            rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.3, 0.85), "#fff",
            opacity=round(rng.uniform(0.55, 0.95), 2),
        )
        for _ in range(min(_MOST, round(width * height / 80)))
    )  # fmt: skip


def bubbles(width: float, height: float, rng: Random) -> str:
    """Air bubbles over a box."""
    look = {"fill_opacity": 0.14, "stroke": "#fff", "stroke_opacity": 0.5, "stroke_width": 0.2}
    return "".join(
        circle(rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.4, 1.5), "#fff", **look)
        for _ in range(min(70, round(width * height / 160)))
    )


def confetti(width: float, height: float, colors: tuple[Rgb, ...], rng: Random) -> str:
    """Paper snippets over a box, thinner further down."""
    parts: list[str] = []
    for _ in range(min(90, round(width * height / 130))):
        x, y, size = rng.uniform(0, width), height * rng.random() ** 1.5, rng.uniform(0.5, 0.95)
        turn = f"rotate({rng.randrange(180)} {x:.1f} {y:.1f})"
        parts.append(
            box(x, y, size * 2, size, to_hex(rng.choice(colors)), rx=0.2, opacity=0.75, transform=turn)
        )
    return "".join(parts)


def fireworks(scene: Scene) -> str:
    """Bursts side by side."""
    fills = (to_hex(mix(scene.color, WHITE, 0.2)), "#ffd54f", "#ff6f91", "#7fd8ff", "#b9f27c", "#ffffff")
    count = max(3, round(scene.width / 18))
    return "".join(
        _burst(
            (index + scene.between(0.2, 0.8)) * scene.width / count, scene.between(0.2, 0.7) * scene.height,
            scene.between(5, 9), scene.rng.choice(fills), scene.rng.choice((10, 12, 14)),
        )
        for index in range(count)
    )  # fmt: skip


def _burst(x: float, y: float, size: float, fill: str, rays: int) -> str:
    parts: list[str] = []
    for ray in range(rays):
        east, south = math.cos(math.tau * ray / rays) * size, math.sin(math.tau * ray / rays) * size
        data = d("M", x + east * 0.3, y + south * 0.3, "L", x + east * 0.8, y + south * 0.8)
        parts += [line(data, fill, 0.6), circle(x + east, y + south, 0.6, fill)]
    return "".join(parts)


def _star(x: float, y: float, size: float) -> str:
    """A four-pointed star, or a dot when it is small."""
    if size < 0.7:
        return circle(x, y, size, "#fffbe0", opacity=0.85)
    tip, waist = size * 1.6, size * 0.3
    corners = (
        (waist, -waist),
        (tip, 0),
        (waist, waist),
        (0, tip),
        (-waist, waist),
        (-tip, 0),
        (-waist, -waist),
    )
    rest = [part for east, south in corners for part in ("L", x + east, y + south)]
    return path(d("M", x, y - tip, *rest, "Z"), "#fffbe0")


def _bolt(scene: Scene, share: float) -> str:
    """A jagged flash from the clouds."""
    x, y = scene.width * share, scene.height * 0.2
    steps: list[str | float] = ["M", x, y]
    while y < scene.height * 0.85:
        x, y = x + scene.between(-5, 5), y + scene.between(4, 8)
        steps += ["L", x, y]
    return line(d(*steps), "#bcd0ff", 2.6, stroke_opacity=0.35) + line(d(*steps), "#fff8d8", 0.8)
