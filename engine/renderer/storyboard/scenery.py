"""Stretches of scenery: skies, grounds, waters, mountains, woods, towns, painted in a region's colour.

Drawings are in units of a hundredth of the picture's shorter side, so that a tree is as large in a small region
as in a large one. What a description says is not known here; the mood comes as words.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

from engine.renderer.storyboard.drawing import Drawing, Rgb, icon, luminance, mix, to_hex

_WHITE: Final[Rgb] = (255, 255, 255)
_NIGHT: Final[Rgb] = (22, 24, 56)

GROUND: Final = frozenset({"grass", "sand", "snow", "road", "floor", "lunar", "sea", "tabletop"})
"""Kinds that things stand on or swim in."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a scenery is painted with: its size in units, its colour, and the words of its mood."""

    width: float
    height: float
    color: Rgb
    mood: frozenset[str]
    rng: Random

    def between(self, low: float, high: float) -> float:
        """A random number."""
        return self.rng.uniform(low, high)


def scenery(kind: str, scene: Scene) -> Drawing:
    """A scenery that fills its box; the upper edge of grounds and silhouettes is their own outline."""
    return Drawing(_KINDS[kind](scene), scene.width, scene.height)


def cloud(x: float, y: float, size: float, fill: str, opacity: float, rng: Random) -> str:
    """A soft heap of ellipses with a flat foot."""
    parts = [f'<rect x="{x - size:.1f}" y="{y - size * 0.24:.1f}" width="{2 * size:.1f}" height="{size * 0.42:.1f}" rx="{size * 0.21:.1f}"/>']
    for offset, radius in ((-0.55, 0.34), (-0.1, 0.5), (0.42, 0.4)):
        r = size * radius * rng.uniform(0.85, 1.15)
        parts.append(f'<circle cx="{x + offset * size:.1f}" cy="{y - r * 0.5:.1f}" r="{r:.1f}"/>')
    return f'<g fill="{fill}" opacity="{opacity}">{"".join(parts)}</g>'


def star(x: float, y: float, size: float, fill: str = "#fffbe0") -> str:
    """A four-pointed star, or a dot when it is small."""
    if size < 0.7:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.2f}" fill="{fill}" opacity=".85"/>'
    inner = size * 0.3
    return (
        f'<path d="M{x:.1f} {y - size * 1.6:.1f} L{x + inner:.1f} {y - inner:.1f} L{x + size * 1.6:.1f} {y:.1f} '
        f'L{x + inner:.1f} {y + inner:.1f} L{x:.1f} {y + size * 1.6:.1f} L{x - inner:.1f} {y + inner:.1f} '
        f'L{x - size * 1.6:.1f} {y:.1f} L{x - inner:.1f} {y - inner:.1f} Z" fill="{fill}"/>'
    )


def _fade(name: str, stops: tuple[tuple[float, Rgb, float], ...]) -> str:
    """A vertical gradient of (place, colour, opacity)."""
    marks = "".join(
        f'<stop offset="{place}" stop-color="{to_hex(color)}" stop-opacity="{opacity}"/>' for place, color, opacity in stops
    )
    return f'<linearGradient id="{name}" x1="0" y1="0" x2="0" y2="1">{marks}</linearGradient>'


def _sky(scene: Scene) -> str:
    w, h, color = scene.width, scene.height, scene.color
    dark = luminance(color) < 0.4
    low = mix(color, (255, 190, 140), 0.55) if scene.mood & {"sunset", "dusk", "dawn", "sunrise"} else mix(color, _WHITE, 0.14 if dark else 0.4)
    parts = [
        f'<defs>{_fade("s", ((0, color, 0.96), (0.6, mix(color, low, 0.6), 0.85), (1, low, 0.0)))}</defs>'
        f'<rect width="{w}" height="{h}" fill="url(#s)"/>'
    ]
    if scene.mood & {"night", "star", "starry", "midnight", "moonlit"} and not scene.mood & {"stormy", "storm"}:
        parts.append(_star_field(scene, 0.8))
    if not scene.mood & {"clear", "starry"}:
        stormy = bool(scene.mood & {"stormy", "storm", "thunder", "dark", "rain", "rainy", "lightning"})
        for _ in range(max(2, round(w / (13 if stormy else 22)))):
            tone = mix(color, _WHITE, scene.between(0.1, 0.26)) if stormy or dark else mix(color, _WHITE, 0.75)
            parts.append(
                cloud(scene.between(0, w), scene.between(h * 0.12, h * 0.62), scene.between(6, 13), to_hex(tone), 0.75 if stormy else 0.8, scene.rng)
            )
    if scene.mood & {"lightning", "thunder", "thunderstorm"}:
        parts += [_bolt(scene, scene.between(0.08, 0.4)), _bolt(scene, scene.between(0.6, 0.92))]
    return "".join(parts)


def _bolt(scene: Scene, share: float) -> str:
    """A jagged flash from the clouds."""
    x, y = scene.width * share, scene.height * 0.2
    points = [(x, y)]
    while y < scene.height * 0.85:
        x, y = x + scene.between(-5, 5), y + scene.between(4, 8)
        points.append((x, y))
    line = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
    glow = f'<polyline points="{line}" fill="none" stroke="#bcd0ff" stroke-opacity=".35" stroke-width="2.6" stroke-linejoin="round"/>'
    return glow + f'<polyline points="{line}" fill="none" stroke="#fff8d8" stroke-width=".8" stroke-linejoin="round"/>'


def _clouds(scene: Scene) -> str:
    tone = to_hex(mix(scene.color, _WHITE, 0.5))
    return "".join(
        cloud(scene.between(0.1, 0.9) * scene.width, scene.between(0.2, 0.85) * scene.height, scene.between(6, 14), tone, 0.85, scene.rng)
        for _ in range(max(3, round(scene.width / 14)))
    )


def _star_field(scene: Scene, bottom: float) -> str:
    count = min(90, round(scene.width * scene.height * bottom / 60))
    return "".join(
        star(scene.between(0, scene.width), scene.between(0, scene.height * bottom), scene.rng.choice((0.28, 0.36, 0.45, 0.9)))
        for _ in range(count)
    )


def _stars(scene: Scene) -> str:
    return _star_field(scene, 1.0)


def _space(scene: Scene) -> str:
    w, h = scene.width, scene.height
    deep = mix(scene.color, _NIGHT, 0.35)
    blobs = "".join(
        f'<ellipse cx="{scene.between(0, w):.1f}" cy="{scene.between(0, h):.1f}" rx="{scene.between(14, 34):.1f}" '
        f'ry="{scene.between(6, 14):.1f}" fill="url(#n{index % 2})" transform="rotate({scene.between(-30, 10):.0f} {w / 2} {h / 2})"/>'
        for index in range(5)
    )
    glow = "".join(
        f'<radialGradient id="n{index}"><stop offset="0" stop-color="{to_hex(tone)}" stop-opacity=".6"/>'
        f'<stop offset="1" stop-color="{to_hex(tone)}" stop-opacity="0"/></radialGradient>'
        for index, tone in enumerate((mix(scene.color, (220, 120, 255), 0.5), mix(scene.color, (90, 200, 255), 0.5)))
    )
    return f'<defs>{glow}</defs><rect width="{w}" height="{h}" fill="{to_hex(deep)}" opacity=".9"/>{blobs}{_star_field(scene, 1.0)}'


def _crest(scene: Scene, y: float, swing: float, waves: float) -> str:
    """The outline of a rolling ground: a path along its crest and down around the box."""
    phase = scene.between(0, math.tau)
    w, h = scene.width, scene.height
    points = [
        f"{x / 24 * w:.1f} {y + swing * math.sin(phase + waves * math.tau * x / 24) + swing * 0.4 * math.sin(2.3 * phase + 2.1 * waves * math.tau * x / 24):.1f}"
        for x in range(25)
    ]
    return f"M0 {h} L" + " L".join(points) + f" L{w} {h} Z"


def _ground(scene: Scene, swing: float, texture: Callable[[float, float, float], str], count: float) -> str:
    """A ground of two folds with a texture that is larger in front."""
    w, h, color = scene.width, scene.height, scene.color
    crest = min(h * 0.14, 9.0)
    back = to_hex(mix(color, _WHITE, 0.2))
    fade = _fade("g", ((0, mix(color, _WHITE, 0.1), 1), (1, mix(color, (20, 16, 40), 0.18), 1)))
    parts = [
        f'<defs>{fade}</defs><path d="{_crest(scene, crest, swing, w / 110)}" fill="{back}"/>'
        f'<path d="{_crest(scene, crest + min(h * 0.16, 8), swing, w / 150)}" fill="url(#g)"/>'
    ]
    for _ in range(min(70, round(w * h / 100 * count))):
        near = scene.rng.random()
        parts.append(texture(scene.between(0, w), crest * 2 + 4 + (h - crest * 2 - 5) * near, 0.6 + near))
    return "".join(parts)


def _grass(scene: Scene) -> str:
    blade = to_hex(mix(scene.color, (20, 60, 20) if luminance(scene.color) > 0.35 else (190, 210, 120), 0.3))
    mud = bool(scene.mood & {"battlefield", "battleground", "dirt", "mud", "soil", "debris"})

    def tuft(x: float, y: float, size: float) -> str:
        if mud:
            return f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{size * 2.6:.1f}" ry="{size * 0.7:.1f}" fill="{blade}" opacity=".45"/>'
        return (
            f'<path d="M{x:.1f} {y:.1f} q{-size:.1f} {-size * 1.2:.1f} {-size * 1.4:.1f} {-size * 2:.1f} q{size * 1.2:.1f} {size * 0.5:.1f} {size * 1.4:.1f} {size:.1f} '
            f'q0 {-size * 1.6:.1f} {size * 0.5:.1f} {-size * 2.6:.1f} q{size * 0.5:.1f} {size:.1f} {size * 0.3:.1f} {size * 2.2:.1f} '
            f'q{size * 0.6:.1f} {-size:.1f} {size * 1.6:.1f} {-size * 1.3:.1f} q{-size * 0.4:.1f} {size:.1f} {-size * 1.2:.1f} {size * 1.9:.1f} Z" fill="{blade}" opacity=".8"/>'
        )

    base = _ground(scene, min(2.4, scene.height * 0.05), tuft, 0.9)
    if scene.mood & {"flower", "wildflower", "garden", "meadow", "spring", "blossom"}:
        fills = ("#ff8fb1", "#ffffff", "#ffd54f", "#b39ddb", "#ff8a65")
        for _ in range(min(40, round(scene.width * scene.height / 110))):
            x, near = scene.between(0, scene.width), scene.rng.random()
            y, r = scene.height * (0.25 + 0.72 * near), 0.5 + 0.6 * near
            fill = fills[scene.rng.randrange(5)]
            base += "".join(
                f'<circle cx="{x + r * math.cos(a):.1f}" cy="{y + r * math.sin(a):.1f}" r="{r * 0.62:.2f}" fill="{fill}"/>'
                for a in (0.3, 1.56, 2.8, 4.1, 5.3)
            ) + f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r * 0.5:.2f}" fill="#f6b73c"/>'
    return base


def _sand(scene: Scene) -> str:
    line = to_hex(mix(scene.color, (120, 80, 30), 0.28))

    def ripple(x: float, y: float, size: float) -> str:
        return f'<path d="M{x:.1f} {y:.1f} q{3 * size:.1f} {-1.4 * size:.1f} {6 * size:.1f} 0" stroke="{line}" stroke-width="{0.35 * size:.2f}" stroke-linecap="round" fill="none" opacity=".55"/>'

    return _ground(scene, min(2.0, scene.height * 0.05), ripple, 0.5)


def _snow(scene: Scene) -> str:
    line = to_hex(mix(scene.color, (120, 150, 210), 0.3))

    def drift(x: float, y: float, size: float) -> str:
        return f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{4 * size:.1f}" ry="{0.7 * size:.1f}" fill="{line}" opacity=".3"/>'

    white = Scene(scene.width, scene.height, mix(scene.color, _WHITE, 0.35), scene.mood, scene.rng)
    return _ground(white, min(3.0, scene.height * 0.06), drift, 0.35)


def _lunar(scene: Scene) -> str:
    dark, light = to_hex(mix(scene.color, (20, 16, 40), 0.28)), to_hex(mix(scene.color, _WHITE, 0.25))

    def crater(x: float, y: float, size: float) -> str:
        return (
            f'<ellipse cx="{x:.1f}" cy="{y + 0.5 * size:.1f}" rx="{3.4 * size:.1f}" ry="{1.1 * size:.1f}" fill="{light}"/>'
            f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{3.2 * size:.1f}" ry="{size:.1f}" fill="{dark}"/>'
        )

    return _ground(scene, 1.2, crater, 0.25)


def _sea(scene: Scene) -> str:
    w, h, color = scene.width, scene.height, scene.color
    light = to_hex(mix(color, _WHITE, 0.45))
    fade = _fade("w", ((0, mix(color, _WHITE, 0.3), 1), (1, mix(color, (10, 30, 80), 0.22), 1)))
    parts = [f'<defs>{fade}</defs><rect y="{h * 0.06:.1f}" width="{w}" height="{h * 0.94:.1f}" fill="url(#w)"/>']
    for _ in range(min(80, round(w * h / 60))):
        near = scene.rng.random() ** 0.8
        x, y, s = scene.between(-4, w), h * (0.1 + 0.88 * near), 0.5 + near
        parts.append(
            f'<path d="M{x:.1f} {y:.1f} q{2 * s:.1f} {-1.5 * s:.1f} {4 * s:.1f} 0 t{4 * s:.1f} 0" stroke="{light}" '
            f'stroke-width="{0.4 * s:.2f}" stroke-linecap="round" fill="none" opacity="{0.35 + 0.4 * near:.2f}"/>'
        )
    return "".join(parts)


def _road(scene: Scene) -> str:
    w, h = scene.width, scene.height
    gray = mix(scene.color, (110, 110, 122), 0.3)
    dashes = "".join(
        f'<path d="M{w / 2 - 0.5 - t * 2:.1f} {h * t:.1f} H{w / 2 + 0.5 + t * 2:.1f} L{w / 2 + 0.6 + t * 2.6:.1f} {h * (t + 0.1):.1f} H{w / 2 - 0.6 - t * 2.6:.1f} Z" fill="#fff" opacity=".75"/>'
        for t in (0.2, 0.4, 0.62, 0.85)
    )
    fade = _fade("r", ((0, mix(gray, _WHITE, 0.25), 1), (1, gray, 1)))
    side = to_hex(mix(scene.color, _WHITE, 0.42))
    return (
        f'<defs>{fade}</defs><rect y="{h * 0.1:.1f}" width="{w}" height="{h}" fill="{side}"/>'
        f'<path d="M{w * 0.36:.1f} {h * 0.1:.1f} H{w * 0.64:.1f} L{w * 1.02:.1f} {h} H{-w * 0.02:.1f} Z" fill="url(#r)"/>{dashes}'
    )


def _floor(scene: Scene) -> str:
    w, h = scene.width, scene.height
    line = to_hex(mix(scene.color, (60, 30, 20), 0.2))
    fade = _fade("f", ((0, mix(scene.color, _WHITE, 0.22), 1), (1, mix(scene.color, (60, 30, 20), 0.1), 1)))
    boards = "".join(f'<path d="M{w / 2 + (x - 6.5) * w / 17:.1f} {h * 0.1:.1f} L{w / 2 + (x - 6.5) * w / 6:.1f} {h}" stroke="{line}" stroke-width=".4" opacity=".6"/>' for x in range(14))
    rows = "".join(f'<path d="M0 {h * t:.1f} H{w}" stroke="{line}" stroke-width=".35" opacity=".45"/>' for t in (0.16, 0.26, 0.42, 0.66))
    return f'<defs>{fade}</defs><rect y="{h * 0.1:.1f}" width="{w}" height="{h}" fill="url(#f)"/>{boards}{rows}'


def _tabletop(scene: Scene) -> str:
    """The top and the front edge of a table that things stand on."""
    w, h = scene.width, scene.height
    wood = mix(scene.color, (170, 112, 70), 0.3)
    edge = h * 0.66
    fade = _fade("t", ((0, mix(wood, (40, 20, 20), 0.12), 1), (1, mix(wood, _WHITE, 0.2), 1)))
    grain = "".join(
        f'<path d="M{scene.between(0, w * 0.7):.1f} {scene.between(h * 0.06, edge):.1f} h{scene.between(10, 30):.1f}" stroke="{to_hex(mix(wood, (40, 20, 20), 0.25))}" stroke-width=".35" opacity=".5"/>'
        for _ in range(22)
    )
    return (
        f'<defs>{fade}</defs><path d="M{w * 0.03:.1f} 0 H{w * 0.97:.1f} L{w} {edge:.1f} H0 Z" fill="url(#t)"/>{grain}'
        f'<rect y="{edge:.1f}" width="{w}" height="{h * 0.1:.1f}" fill="{to_hex(mix(wood, _WHITE, 0.32))}"/>'
        f'<rect y="{edge + h * 0.1:.1f}" width="{w}" height="{h:.1f}" fill="{to_hex(mix(wood, (40, 20, 30), 0.42))}"/>'
    )


def _wall(scene: Scene) -> str:
    w, h = scene.width, scene.height
    paper = to_hex(mix(scene.color, _WHITE, 0.25))
    stripes = "".join(f'<rect x="{x}" width="4" height="{h}" fill="{paper}" opacity=".35"/>' for x in range(2, int(w), 10))
    return f'<rect width="{w}" height="{h}" fill="{to_hex(scene.color)}" opacity=".65"/>{stripes}'


def _mountains(scene: Scene) -> str:
    w, h, color = scene.width, scene.height, scene.color
    snowy = bool(scene.mood & {"snow", "snowy", "snow-capped", "winter", "icy", "mountain"})
    hills = bool(scene.mood & {"hill", "hillside", "rolling"}) and "mountain" not in scene.mood
    if hills:
        return "".join(
            f'<path d="{_crest(scene, h * y, h * 0.1, w / 90)}" fill="{to_hex(mix(color, _WHITE, pale))}"/>'
            for y, pale in ((0.25, 0.4), (0.45, 0.2), (0.68, 0.0))
        )
    parts: list[str] = []
    for pale, base, tall in ((0.5, 0.95, 0.85), (0.15, 1.0, 0.66)):
        x = -scene.between(4, 12)
        while x < w:
            span = scene.between(0.7, 1.2) * min(46, h * 0.9)
            peak = h * base - scene.between(0.75, 1.0) * h * tall
            middle = x + span * scene.between(0.42, 0.58)
            body, shade = mix(color, _WHITE, pale), mix(mix(color, _WHITE, pale), (30, 20, 60), 0.16)
            foot = h
            parts.append(f'<path d="M{x:.1f} {foot} L{middle:.1f} {peak:.1f} L{x + span:.1f} {foot} Z" fill="{to_hex(body)}"/>')
            parts.append(f'<path d="M{middle:.1f} {peak:.1f} L{x + span:.1f} {foot} H{middle + span * 0.08:.1f} L{middle - span * 0.05:.1f} {peak + (foot - peak) * 0.4:.1f} Z" fill="{to_hex(shade)}"/>')
            if snowy:
                t = 0.26
                parts.append(
                    f'<path d="M{middle:.1f} {peak:.1f} L{middle + (x + span - middle) * t:.1f} {peak + (foot - peak) * t:.1f} l{-span * 0.06:.1f} {-(foot - peak) * 0.05:.1f} '
                    f'l{-span * 0.06:.1f} {(foot - peak) * 0.07:.1f} l{-span * 0.06:.1f} {-(foot - peak) * 0.06:.1f} L{middle - (middle - x) * t:.1f} {peak + (foot - peak) * t:.1f} Z" fill="#fff" opacity=".9"/>'
                )
            x += span * scene.between(0.5, 0.75)
    return "".join(parts)


def _forest(scene: Scene) -> str:
    w, h = scene.width, scene.height
    kinds = ("evergreen-tree",) if scene.mood & {"pine", "snow", "snowy", "fir", "winter", "evergreen"} else ("deciduous-tree", "evergreen-tree", "deciduous-tree")
    if scene.mood & {"palm", "jungle", "tropical", "rainforest"}:
        kinds = ("palm-tree", "deciduous-tree")
    color = scene.color if max(scene.color) - min(scene.color) > 40 else mix(scene.color, (60, 140, 70), 0.5)
    parts = [f'<path d="{_crest(scene, h * 0.62, h * 0.03, w / 70)}" fill="{to_hex(mix(color, _WHITE, 0.18))}"/>']
    for pale, foot, size in ((0.45, 0.7, 0.5), (0.22, 0.84, 0.62), (0.0, 0.99, 0.7)):
        tall = min(h * size, 46 * size)
        x = -scene.between(0, tall * 0.4)
        while x < w:
            tree = icon(kinds[scene.rng.randrange(len(kinds))], mix(color, _WHITE, pale))
            high = tall * scene.between(0.85, 1.15)
            parts.append(tree.at(x, h * foot - high, high * tree.aspect))
            x += high * tree.aspect * scene.between(0.62, 1.0)
    if scene.mood & {"snow", "snowy", "winter"}:
        parts.append("".join(f'<circle cx="{scene.between(0, w):.1f}" cy="{scene.between(0, h):.1f}" r=".7" fill="#fff" opacity=".9"/>' for _ in range(30)))
    return "".join(parts)


def _city(scene: Scene) -> str:
    w, h = scene.width, scene.height
    lit = bool(scene.mood & {"night", "evening", "neon", "dusk"}) or luminance(scene.color) < 0.35
    parts: list[str] = []
    for pale, tall in ((0.5, 0.95), (0.12, 0.72)):
        x = -scene.between(0, 5)
        while x < w:
            wide, high = scene.between(7, 13), h * tall * scene.between(0.5, 1.0)
            body = mix(mix(scene.color, (90, 90, 130), 0.25), _WHITE, pale)
            parts.append(f'<path d="M{x:.1f} {h} V{h - high:.1f} h{wide:.1f} V{h} Z" fill="{to_hex(body)}"/>')
            pane = "#ffe08a" if lit else to_hex(mix(body, _WHITE, 0.45))
            for row in range(int((high - 3) // 4)):
                for column in range(int((wide - 2) // 3)):
                    if not lit or scene.rng.random() < 0.62:
                        parts.append(f'<rect x="{x + 1.6 + column * 3:.1f}" y="{h - high + 2.4 + row * 4:.1f}" width="1.6" height="2.1" fill="{pane}" opacity="{0.9 - pale:.2f}"/>')
            x += wide * scene.between(0.9, 1.25)
    return "".join(parts)


def _village(scene: Scene) -> str:
    w, h = scene.width, scene.height
    ground = mix(scene.color, _WHITE, 0.2)
    parts = [f'<path d="{_crest(scene, h * 0.5, h * 0.03, w / 90)}" fill="{to_hex(ground)}"/>']
    snowy = bool(scene.mood & {"snow", "snowy", "winter", "snow-covered"})
    for foot, size in ((0.66, 0.34), (0.95, 0.46)):
        tall = min(h * size, 24 * size * 2)
        x = scene.between(-2, 5)
        while x < w - tall * 0.6:
            tree = scene.rng.random() < 0.3
            house = icon("evergreen-tree" if tree else scene.rng.choice(("house", "house-with-garden", "house")), None if tree else mix(scene.color, scene.rng.choice(((240, 180, 110), (230, 140, 120), (250, 220, 170))), 0.75))
            high = tall * scene.between(0.85, 1.15)
            top = h * foot - high
            parts.append(house.at(x, top, high * house.aspect))
            if snowy and not tree:
                wide = high * house.aspect
                parts.append(f'<path d="M{x - 0.3:.1f} {top + high * 0.42:.1f} L{x + wide / 2:.1f} {top - 0.6:.1f} L{x + wide + 0.3:.1f} {top + high * 0.42:.1f} L{x + wide / 2:.1f} {top + high * 0.16:.1f} Z" fill="#fff"/>')
            x += high * house.aspect * scene.between(1.0, 1.35)
    return "".join(parts)


def _fog(scene: Scene) -> str:
    w, h = scene.width, scene.height
    tone = to_hex(mix(scene.color, _WHITE, 0.55))
    return "".join(
        f'<ellipse cx="{scene.between(0, w):.1f}" cy="{scene.between(0.15, 0.9) * h:.1f}" rx="{scene.between(18, 40):.1f}" ry="{scene.between(2, 5):.1f}" fill="{tone}" opacity=".4"/>'
        for _ in range(9)
    )


def _rainfall(scene: Scene) -> str:
    return rain(scene.width, scene.height, scene.rng, to_hex(mix(scene.color, _WHITE, 0.4)))


def rain(width: float, height: float, rng: Random, fill: str = "#dcecff") -> str:
    """Slanting drops over a box."""
    count = min(160, round(width * height / 45))
    return "".join(
        f'<path d="M{x:.1f} {y:.1f} l-{size * 0.35:.2f} {size:.2f}" stroke="{fill}" stroke-width=".35" stroke-linecap="round" opacity=".6"/>'
        for x, y, size in ((rng.uniform(0, width), rng.uniform(0, height), rng.uniform(2, 4)) for _ in range(count))
    )


def snowflakes(width: float, height: float, rng: Random) -> str:
    """Falling snow over a box."""
    count = min(140, round(width * height / 80))
    return "".join(
        f'<circle cx="{rng.uniform(0, width):.1f}" cy="{rng.uniform(0, height):.1f}" r="{rng.uniform(0.3, 0.85):.2f}" fill="#fff" opacity="{rng.uniform(0.55, 0.95):.2f}"/>'
        for _ in range(count)
    )


def _snowfall(scene: Scene) -> str:
    return snowflakes(scene.width, scene.height, scene.rng)


def _fireworks(scene: Scene) -> str:
    w, h = scene.width, scene.height
    fills = (to_hex(mix(scene.color, _WHITE, 0.2)), "#ffd54f", "#ff6f91", "#7fd8ff", "#b9f27c", "#ffffff")
    parts: list[str] = []
    for index in range(max(3, round(w / 18))):
        x, y, size = (index + scene.between(0.2, 0.8)) * w / max(3, round(w / 18)), scene.between(0.2, 0.7) * h, scene.between(5, 9)
        fill, rays = fills[scene.rng.randrange(6)], scene.rng.choice((10, 12, 14))
        for ray in range(rays):
            dx, dy = math.cos(math.tau * ray / rays), math.sin(math.tau * ray / rays)
            parts.append(f'<path d="M{x + dx * size * 0.3:.1f} {y + dy * size * 0.3:.1f} L{x + dx * size * 0.8:.1f} {y + dy * size * 0.8:.1f}" stroke="{fill}" stroke-width=".6" stroke-linecap="round"/>')
            parts.append(f'<circle cx="{x + dx * size:.1f}" cy="{y + dy * size:.1f}" r=".6" fill="{fill}"/>')
    return "".join(parts)


_KINDS: Final = MappingProxyType[str, Callable[[Scene], str]](
    {
        "sky": _sky, "clouds": _clouds, "stars": _stars, "space": _space, "grass": _grass, "sand": _sand, "snow": _snow,
        "lunar": _lunar, "sea": _sea, "road": _road, "floor": _floor, "tabletop": _tabletop, "wall": _wall, "mountains": _mountains,
        "forest": _forest, "city": _city, "village": _village, "fog": _fog, "rainfall": _rainfall,
        "snowfall": _snowfall, "fireworks": _fireworks,
    }
)  # fmt: skip
