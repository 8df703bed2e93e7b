"""Scenery that lies down: grass, sand, snow, water, roads, floors, table tops; and walls behind.

The upper edge of a rolling ground is an outline of its own.
"""

import math
from collections.abc import Callable
from typing import Final

from engine.renderer.storyboard.drawing import Rgb, luminance, mix, to_hex
from engine.renderer.storyboard.markup import box, circle, d, ellipse, fade, line, path
from engine.renderer.storyboard.scene import WHITE, Scene

_DUSK: Final[Rgb] = (20, 16, 40)
_EARTH: Final[Rgb] = (60, 30, 20)
_FLOWERS: Final = ("#ff8fb1", "#ffffff", "#ffd54f", "#b39ddb", "#ff8a65")
_MUDDY: Final = ("battlefield", "battleground", "dirt", "mud", "soil", "debris")
_FLOWERY: Final = ("flower", "wildflower", "garden", "meadow", "spring", "blossom")

_Texture = Callable[[float, float, float], str]
"""One mark at (x, y) of a size that grows towards the viewer."""


def crest(scene: Scene, y: float, swing: float, waves: float) -> str:
    """The path of a rolling ground: along its crest at about `y`, then down around the box."""
    phase = scene.between(0, math.tau)
    steps: list[str | float] = ["M", 0, scene.height]
    for step in range(25):
        turn = waves * math.tau * step / 24
        rise = math.sin(phase + turn) + 0.4 * math.sin(2.3 * phase + 2.1 * turn)
        steps += ["L", step / 24 * scene.width, y + swing * rise]
    return d(*steps, "L", scene.width, scene.height, "Z")


def grass(scene: Scene) -> str:
    """Grass with tufts, and flowers or mud where the words say so."""
    toward = (20, 60, 20) if luminance(scene.color) > 0.35 else (190, 210, 120)
    blade = to_hex(mix(scene.color, toward, 0.3))
    muddy = scene.feels(*_MUDDY)

    def tuft(x: float, y: float, size: float) -> str:
        if muddy:
            return ellipse(x, y, size * 2.6, size * 0.7, blade, opacity=0.45)
        leaves = ((-1.4, -2.0, 0.2, -1.0), (0.5, -2.6, 0.5, -0.8), (1.6, -1.6, 0.5, -0.4))
        steps = [
            part
            for tip_x, tip_y, bend_x, bend_y in leaves
            for part in (
                "M", x - 0.5 * size, y, "Q", x + (tip_x * 0.5 - bend_x) * size, y + bend_y * size,
                x + tip_x * size, y + tip_y * size, "Q", x + (tip_x * 0.5 + bend_x) * size, y + bend_y * size,
                x + 0.5 * size, y, "Z",
            )
        ]  # fmt: skip
        return path(d(*steps), blade, opacity=0.8)

    base = _rolling(scene, min(2.4, scene.height * 0.05), tuft, 0.9)
    return base + _flowers(scene) if scene.feels(*_FLOWERY) else base


def sand(scene: Scene) -> str:
    """Sand with ripples."""
    tone = to_hex(mix(scene.color, (120, 80, 30), 0.28))

    def ripple(x: float, y: float, size: float) -> str:
        return line(
            d("M", x, y, "q", 3 * size, -1.4 * size, 6 * size, 0), tone, round(0.35 * size, 2), opacity=0.55
        )

    return _rolling(scene, min(2.0, scene.height * 0.05), ripple, 0.5)


def snow(scene: Scene) -> str:
    """Snow with shallow drifts."""
    tone = to_hex(mix(scene.color, (120, 150, 210), 0.3))

    def drift(x: float, y: float, size: float) -> str:
        return ellipse(x, y, 4 * size, 0.7 * size, tone, opacity=0.3)

    white = Scene(scene.width, scene.height, mix(scene.color, WHITE, 0.35), scene.mood, scene.rng)
    return _rolling(white, min(3.0, scene.height * 0.06), drift, 0.35)


def craters(scene: Scene) -> str:
    """The ground of a moon."""
    dark, light = to_hex(mix(scene.color, _DUSK, 0.28)), to_hex(mix(scene.color, WHITE, 0.25))

    def crater(x: float, y: float, size: float) -> str:
        rim = ellipse(x, y + 0.5 * size, 3.4 * size, 1.1 * size, light)
        return rim + ellipse(x, y, 3.2 * size, size, dark)

    return _rolling(scene, 1.2, crater, 0.25)


def sea(scene: Scene) -> str:
    """Water up to a straight horizon, with waves that grow towards the viewer."""
    width, height, color = scene.width, scene.height, scene.color
    light = to_hex(mix(color, WHITE, 0.45))
    parts = [
        fade("w", (0, mix(color, WHITE, 0.3), 1), (1, mix(color, (10, 30, 80), 0.22), 1)),
        box(0, height * 0.06, width, height * 0.94, "url(#w)"),
    ]
    for _ in range(min(80, round(width * height / 60))):
        near = scene.rng.random() ** 0.8
        size = 0.5 + near
        wave = d(
            "M", scene.between(-4, width), height * (0.1 + 0.88 * near),
            "q", 2 * size, -1.5 * size, 4 * size, 0, "t", 4 * size, 0,
        )  # fmt: skip
        parts.append(line(wave, light, round(0.4 * size, 2), opacity=round(0.35 + 0.4 * near, 2)))
    return "".join(parts)


def road(scene: Scene) -> str:
    """A road that runs to the horizon between two pavements."""
    width, height = scene.width, scene.height
    gray = mix(scene.color, (110, 110, 122), 0.3)
    middle = width / 2
    dashes = "".join(
        path(
            d(
                "M", middle - 0.5 - 2 * t, height * t, "H", middle + 0.5 + 2 * t,
                "L", middle + 0.6 + 2.6 * t, height * (t + 0.1), "H", middle - 0.6 - 2.6 * t, "Z",
            ),
            "#fff", opacity=0.75,
        )
        for t in (0.2, 0.4, 0.62, 0.85)
    )  # fmt: skip
    lane = d(
        "M", width * 0.36, height * 0.1, "H", width * 0.64, "L", width * 1.02, height, "H", -width * 0.02, "Z"
    )
    return (
        fade("r", (0, mix(gray, WHITE, 0.25), 1), (1, gray, 1))
        + box(0, height * 0.1, width, height, to_hex(mix(scene.color, WHITE, 0.42)))
        + path(lane, "url(#r)")
        + dashes
    )


def floor(scene: Scene) -> str:
    """Boards in perspective."""
    width, height = scene.width, scene.height
    tone = to_hex(mix(scene.color, _EARTH, 0.2))
    boards = "".join(
        line(
            d("M", width / 2 + x * width / 17, height * 0.1, "L", width / 2 + x * width / 6, height),
            tone,
            0.4,
            opacity=0.6,
        )
        for x in (board - 6.5 for board in range(14))
    )
    rows = "".join(
        line(d("M", 0, height * t, "H", width), tone, 0.35, opacity=0.45) for t in (0.16, 0.26, 0.42, 0.66)
    )
    gradient = fade("f", (0, mix(scene.color, WHITE, 0.22), 1), (1, mix(scene.color, _EARTH, 0.1), 1))
    return gradient + box(0, height * 0.1, width, height, "url(#f)") + boards + rows


def tabletop(scene: Scene) -> str:
    """The top and the front edge of a table that things stand on."""
    width, height = scene.width, scene.height
    wood = mix(scene.color, (170, 112, 70), 0.3)
    edge = height * 0.66
    tone = to_hex(mix(wood, _EARTH, 0.25))
    grain = ""
    for _ in range(22):
        x, y = scene.between(0, width * 0.7), scene.between(height * 0.06, edge)
        grain += line(d("M", x, y, "h", scene.between(10, 30)), tone, 0.35, opacity=0.5)
    return (
        fade("t", (0, mix(wood, _EARTH, 0.12), 1), (1, mix(wood, WHITE, 0.2), 1))
        + path(d("M", width * 0.03, 0, "H", width * 0.97, "L", width, edge, "H", 0, "Z"), "url(#t)")
        + grain
        + box(0, edge, width, height * 0.1, to_hex(mix(wood, WHITE, 0.32)))
        + box(0, edge + height * 0.1, width, height, to_hex(mix(wood, _EARTH, 0.42)))
    )


def wall(scene: Scene) -> str:
    """A papered wall."""
    paper = to_hex(mix(scene.color, WHITE, 0.25))
    stripes = "".join(box(x, 0, 4, scene.height, paper, opacity=0.35) for x in range(2, int(scene.width), 10))
    return box(0, 0, scene.width, scene.height, to_hex(scene.color), opacity=0.65) + stripes


def _rolling(scene: Scene, swing: float, texture: _Texture, density: float) -> str:
    """A ground of two folds with a texture that is larger in front."""
    width, height, color = scene.width, scene.height, scene.color
    top = min(height * 0.14, 9.0)
    parts = [
        fade("g", (0, mix(color, WHITE, 0.1), 1), (1, mix(color, _DUSK, 0.18), 1)),
        path(crest(scene, top, swing, width / 110), to_hex(mix(color, WHITE, 0.2))),
        path(crest(scene, top + min(height * 0.16, 8), swing, width / 150), "url(#g)"),
    ]
    for _ in range(min(70, round(width * height / 100 * density))):
        near = scene.rng.random()
        parts.append(
            texture(scene.between(0, width), top * 2 + 4 + (height - top * 2 - 5) * near, 0.6 + near)
        )
    return "".join(parts)


def _flowers(scene: Scene) -> str:
    parts: list[str] = []
    for _ in range(min(40, round(scene.width * scene.height / 110))):
        near = scene.rng.random()
        x, y, size = scene.between(0, scene.width), scene.height * (0.25 + 0.72 * near), 0.5 + 0.6 * near
        fill = scene.rng.choice(_FLOWERS)
        for petal in range(5):
            turn = math.tau * petal / 5 + 0.3
            parts.append(circle(x + size * math.cos(turn), y + size * math.sin(turn), size * 0.62, fill))
        parts.append(circle(x, y, size * 0.5, "#f6b73c"))
    return "".join(parts)
