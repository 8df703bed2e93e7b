"""Things that no icon shows well: tables with what lies on them, banners, garlands, fireplaces, bridges.

Each prop is a drawing in units of its own, coloured as its region asks. Words on banners are lettered by
`lettering`, because they need fonts.
"""

from collections.abc import Callable, Sequence
from random import Random
from types import MappingProxyType
from typing import Final

from engine.renderer.storyboard.drawing import Drawing, Rgb, icon, mix, to_hex

PARTY: Final[tuple[Rgb, ...]] = (
    (239, 83, 80), (255, 179, 0), (67, 176, 104), (66, 135, 245), (171, 99, 214), (236, 96, 158),
)  # fmt: skip

_DARK: Final[Rgb] = (52, 34, 58)
_WHITE: Final[Rgb] = (255, 255, 255)
_WOOD: Final = ("#a9714b", "#8a5838", "#c98f63")

BANNER_WORDS: Final = (0.12, 0.2, 0.88, 0.64)
"""Left, top, right and bottom of the room for words on a banner, as shares of its size."""


def prop(name: str, color: Rgb, rng: Random, on_top: Sequence[Drawing] = ()) -> Drawing:
    """A prop.

    Args:
        name: One of the props in `words.toml`.
        color: Of its main part.
        rng: Varies what can vary.
        on_top: What lies on it, where it has room: tables and shelves.
    """
    return _PROPS[name](color, rng, on_top)


def _table(color: Rgb, rng: Random, on_top: Sequence[Drawing]) -> Drawing:
    width, top = 132.0, 62.0
    cloth = mix(color, _WHITE, 0.1)
    fold = to_hex(mix(cloth, _DARK, 0.14))
    checks = "".join(
        f'<rect x="{x}" y="{y}" width="11" height="11" fill="#fff" opacity=".5"/>'
        for row, y in enumerate((72, 83, 94))
        for x in range(2 + 11 * (row % 2), 128, 22)
    )
    scallops = "".join(f"a8.25 6 0 0 1 -16.5 0 " for _ in range(8))
    parts = [
        f'<rect x="14" y="96" width="8" height="46" rx="2" fill="{_WOOD[1]}"/>'
        f'<rect x="110" y="96" width="8" height="46" rx="2" fill="{_WOOD[1]}"/>',
        *_row(on_top[:4], rng, 8, 124, top + 6, 52),
        f'<path d="M6 {top} H126 L132 72 H0 Z" fill="{to_hex(mix(cloth, _WHITE, 0.35))}"/>',
        f'<path d="M0 72 H132 V108 {scallops} Z" fill="{to_hex(cloth)}"/>{checks}',
        f'<path d="M0 72 H132 V75 H0 Z" fill="{fold}" opacity=".6"/>',
        *_row(on_top[4:7], rng, 14, 118, top + 13, 30),
    ]
    return Drawing("".join(parts), width, 142)


def _row(things: Sequence[Drawing], rng: Random, left: float, right: float, ground: float, height: float) -> list[str]:
    """Drawings side by side on a line."""
    if not things:
        return []
    step = (right - left) / len(things)
    parts: list[str] = []
    for position, thing in enumerate(things):
        tall = height * rng.uniform(0.82, 1.08)
        width = min(tall * thing.aspect, step * 1.12)
        x = left + step * (position + 0.5) - width / 2
        parts.append(thing.at(x, ground - width / thing.aspect, width, flip=rng.random() < 0.4))
    return parts


def banner(color: Rgb, aspect: float, *, posts: bool = False) -> Drawing:
    """A ribbon with tails, hung from two cords; `BANNER_WORDS` says where its words go.

    Args:
        color: Of the cloth.
        aspect: Width by height.
        posts: Whether it stands on two posts, as a sign does.
    """
    height, width = 100.0, 100.0 * aspect
    body, back, edge = to_hex(color), to_hex(mix(color, _DARK, 0.34)), to_hex(mix(color, _WHITE, 0.45))
    left, right = width * 0.09, width * 0.91
    tail = width * 0.13
    parts = []
    if posts:
        parts = [f'<rect x="{x}" y="10" width="7" height="90" rx="3" fill="{_WOOD[1]}"/>' for x in (width * 0.2, width * 0.8 - 7)]
    else:
        for x0, x1, mirror in ((left, 0, 1), (right, width, -1)):
            parts.append(
                f'<path d="M{x0} 30 H{x1} L{x1 + mirror * 9} 58 L{x1} 86 H{x0 + mirror * tail * 0.4} V30 Z" fill="{back}"/>'
            )
    parts.append(f'<path d="M{left} 12 Q{width / 2} 22 {right} 12 V68 Q{width / 2} 78 {left} 68 Z" fill="{body}"/>')
    parts.append(
        f'<path d="M{left} 16.5 Q{width / 2} 26.5 {right} 16.5 M{left} 63.5 Q{width / 2} 73.5 {right} 63.5" '
        f'stroke="{edge}" stroke-width="2" fill="none"/>'
    )
    if not posts:
        for x, lean in ((left, 1), (right, -1)):
            parts.append(f'<path d="M{x} 68 L{x + lean * tail * 0.4} 86 V70 Z" fill="{to_hex(mix(color, _DARK, 0.55))}"/>')
    return Drawing("".join(parts), width, height)


def garland(color: Rgb, rng: Random, _: Sequence[Drawing] = (), *, aspect: float = 4.0, flags: int = 9) -> Drawing:
    """Pennants on a sagging cord."""
    width, height = 60.0 * aspect, 60.0
    start = rng.randrange(len(PARTY))
    parts = [f'<path d="M0 3 Q{width / 2} 62 {width} 3" stroke="#fff" stroke-width="2.4" fill="none"/>']
    for index in range(flags):
        share = (index + 0.5) / flags
        x, y = width * share, 3 + 4 * 29.5 * share * (1 - share)
        half = width / flags * 0.34
        fill = to_hex(PARTY[(start + index) % len(PARTY)] if index % 4 else color)
        parts.append(f'<path d="M{x - half} {y} H{x + half} L{x} {y + 2.1 * half} Z" fill="{fill}"/>')
        parts.append(f'<path d="M{x - half} {y} H{x + half} L{x + half * 0.8} {y + 3} H{x - half * 0.8} Z" fill="#fff" opacity=".35"/>')
    return Drawing("".join(parts), width, height)


def _balloons(color: Rgb, rng: Random, _: Sequence[Drawing]) -> Drawing:
    start = rng.randrange(len(PARTY))
    parts: list[str] = []
    places = ((30, 4), (6, 16), (56, 14), (20, 30), (44, 32))
    for index, (x, y) in enumerate(places):
        parts.append(f'<path d="M{x + 12} {y + 30} Q{x + 6 + index} 80 42 112" stroke="#7a6a80" stroke-width="1" fill="none"/>')
    for index, (x, y) in enumerate(places):
        fill = color if index == 0 else PARTY[(start + index) % len(PARTY)]
        parts.append(
            f'<ellipse cx="{x + 13}" cy="{y + 16}" rx="14" ry="17" fill="{to_hex(fill)}"/>'
            f'<path d="M{x + 10} {y + 36} L{x + 13} {y + 31} L{x + 16} {y + 36} Z" fill="{to_hex(mix(fill, _DARK, 0.2))}"/>'
            f'<ellipse cx="{x + 8}" cy="{y + 9}" rx="3.4" ry="5" fill="#fff" opacity=".5" transform="rotate(24 {x + 8} {y + 9})"/>'
        )
    return Drawing("".join(parts), 86, 114)


def _string_lights(_: Rgb, rng: Random, __: Sequence[Drawing]) -> Drawing:
    start = rng.randrange(len(PARTY))
    parts = ['<path d="M0 3 Q60 50 120 3 Q180 50 240 3" stroke="#4b4454" stroke-width="2" fill="none"/>']
    for index in range(14):
        share = (index % 7 + 0.5) / 7
        x, y = 120 * (index // 7 + share), 3 + 4 * 23.5 * share * (1 - share)
        fill = to_hex(mix(PARTY[(start + index) % len(PARTY)], (255, 244, 190), 0.3))
        parts.append(f'<circle cx="{x}" cy="{y + 7}" r="10" fill="{fill}" opacity=".25"/><circle cx="{x}" cy="{y + 7}" r="5" fill="{fill}"/>')
    return Drawing("".join(parts), 240, 46)


def _campfire(_: Rgb, __: Random, ___: Sequence[Drawing]) -> Drawing:
    log = 'stroke-width="9" stroke-linecap="round"'
    return Drawing(
        f'{icon("fire").at(14, 0, 42)}<path d="M8 62 L60 50" stroke="{_WOOD[1]}" {log}/>'
        f'<path d="M10 50 L62 62" stroke="{_WOOD[0]}" {log}/>', 70, 68,
    )  # fmt: skip


def _stage(color: Rgb, _: Random, on_top: Sequence[Drawing]) -> Drawing:
    curtain, fold = to_hex(mix(color, (150, 20, 40), 0.4)), to_hex(mix(mix(color, (150, 20, 40), 0.4), _DARK, 0.3))
    folds = "".join(f'<path d="M{x} 4 V96 h5 V4 Z" fill="{fold}"/>' for x in (8, 20, 131, 143))
    front = "".join(top.at(60, 62, 32) for top in on_top[:1] if top.aspect > 0.7)
    return Drawing(
        f'<rect x="14" y="8" width="132" height="92" fill="{to_hex(mix(color, _DARK, 0.72))}"/>{front}'
        f'<path d="M0 0 H36 Q34 60 16 98 H0 Z M160 0 H124 Q126 60 144 98 H160 Z" fill="{curtain}"/>{folds}'
        f'<path d="M0 0 H160 V14 q-10 10 -20 0 q-10 10 -20 0 q-10 10 -20 0 q-10 10 -20 0 q-10 10 -20 0 '
        f'q-10 10 -20 0 q-10 10 -20 0 q-10 10 -20 0 Z" fill="{curtain}"/>'
        f'<path d="M-0 96 H160 L166 112 H-6 Z" transform="translate(0 0)" fill="{_WOOD[2]}"/>'
        f'<rect x="0" y="110" width="160" height="10" fill="{_WOOD[1]}"/>', 160, 120,
    )  # fmt: skip


def _lamp(_: Rgb, __: Random, ___: Sequence[Drawing]) -> Drawing:
    return Drawing(
        '<path d="M14 12 H34 L30 36 H18 Z" fill="#ffe07a"/>'
        '<path d="M12 12 L24 2 L36 12 Z" fill="#3b3a4a"/><rect x="21.5" y="36" width="5" height="84" fill="#3b3a4a"/>'
        '<rect x="14" y="116" width="20" height="6" rx="2" fill="#3b3a4a"/>', 48, 122,
    )  # fmt: skip


def _bench(_: Rgb, __: Random, ___: Sequence[Drawing]) -> Drawing:
    slats = "".join(f'<rect x="2" y="{y}" width="106" height="8" rx="3" fill="{_WOOD[2]}"/>' for y in (0, 11, 30))
    return Drawing(f'<path d="M14 0 V54 M96 0 V54" stroke="#4a4350" stroke-width="6"/>{slats}', 110, 54)


def _fence(color: Rgb, _: Random, __: Sequence[Drawing]) -> Drawing:
    fill = to_hex(mix(color, (250, 245, 235), 0.6))
    pales = "".join(f'<path d="M{x} 48 V10 L{x + 6} 2 L{x + 12} 10 V48 Z" fill="{fill}"/>' for x in range(2, 150, 18))
    return Drawing(f'<path d="M0 18 H150 M0 36 H150" stroke="{_WOOD[2]}" stroke-width="5"/>{pales}', 150, 48)


def _shelf(color: Rgb, rng: Random, on_top: Sequence[Drawing]) -> Drawing:
    wood = to_hex(mix(color, (150, 98, 62), 0.6))
    dark = to_hex(mix(mix(color, (150, 98, 62), 0.6), _DARK, 0.4))
    parts = [f'<rect width="90" height="124" rx="3" fill="{wood}"/><rect x="6" y="6" width="78" height="112" fill="{dark}"/>']
    for row, y in enumerate((42, 79, 116)):
        x = 9.0
        things = on_top[row * 2 : row * 2 + 2]
        while x < (76 if not things else 40):
            thick, tall = rng.uniform(5, 9), rng.uniform(20, 29)
            fill = to_hex(mix(PARTY[rng.randrange(len(PARTY))], color, 0.25))
            parts.append(f'<rect x="{x:.1f}" y="{y - tall:.1f}" width="{thick:.1f}" height="{tall:.1f}" rx="1" fill="{fill}"/>')
            x += thick + 0.8
        parts += _row(things, rng, 46, 82, y, 24)
        parts.append(f'<rect x="4" y="{y}" width="82" height="5" fill="{wood}"/>')
    return Drawing("".join(parts), 90, 124)


def _fireplace(color: Rgb, _: Random, __: Sequence[Drawing]) -> Drawing:
    brick = mix(color, (168, 92, 72), 0.6)
    rows = "".join(
        f'<rect x="{x}" y="{y}" width="18" height="8" rx="1" fill="{to_hex(mix(brick, _DARK, 0.1 + 0.1 * ((x + y) % 3)))}"/>'
        for row, y in enumerate(range(16, 100, 10)) for x in range(6 - 10 * (row % 2) + 4, 104, 20)
    )  # fmt: skip
    return Drawing(
        f'<rect x="4" y="10" width="112" height="92" fill="{to_hex(brick)}"/>{rows}'
        f'<path d="M28 102 V58 Q60 30 92 58 V102 Z" fill="#2c1d22"/>{icon("fire").at(42, 58, 36)}'
        f'<rect x="0" y="4" width="120" height="10" rx="2" fill="{_WOOD[1]}"/>', 120, 102,
    )  # fmt: skip


def _flowerbed(color: Rgb, rng: Random, _: Sequence[Drawing]) -> Drawing:
    kinds = ("tulip", "sunflower", "rose", "blossom", "hibiscus", "cherry-blossom")
    parts: list[str] = []
    for index in range(7):
        x, tall = 4 + index * 19.0, rng.uniform(34, 52)
        flower = icon(kinds[rng.randrange(len(kinds))], color if rng.random() < 0.55 else None)
        parts.append(f'<path d="M{x + 10} {80 - tall / 2} Q{x + 6} 80 {x + 10} 92" stroke="#3f9142" stroke-width="3" fill="none"/>')
        parts.append(f'<path d="M{x + 10} 88 q-12 -3 -13 -14 q12 2 13 14 q2 -12 13 -13 q0 10 -13 13" fill="#4fae52"/>')
        parts.append(flower.at(x - 2, 84 - tall - 10, 24))
    return Drawing("".join(parts), 140, 92)


def _portal(color: Rgb, _: Random, __: Sequence[Drawing]) -> Drawing:
    stone, dark = to_hex(mix(color, (170, 160, 160), 0.5)), to_hex(mix(color, _DARK, 0.6))
    return Drawing(
        f'<path d="M0 120 V52 A50 50 0 0 1 100 52 V120 H78 V54 A28 28 0 0 0 22 54 V120 Z" fill="{stone}"/>'
        f'<path d="M22 120 V54 A28 28 0 0 1 78 54 V120 Z" fill="{dark}" opacity=".45"/>'
        f'<path d="M42 4 H58 L55 28 H45 Z" fill="{dark}" opacity=".6"/>', 100, 120,
    )  # fmt: skip


def _bridge(color: Rgb, _: Random, __: Sequence[Drawing]) -> Drawing:
    wood, dark = to_hex(mix(color, (176, 120, 80), 0.4)), to_hex(mix(mix(color, (176, 120, 80), 0.4), _DARK, 0.4))
    posts = "".join(
        f'<rect x="{x}" y="{y}" width="5" height="26" fill="{dark}"/>' for x, y in ((8, 38), (42, 18), (77, 10), (112, 18), (147, 38))
    )
    return Drawing(
        f'<path d="M0 92 V66 Q80 14 160 66 V92 H138 Q80 36 22 92 Z" fill="{wood}"/>{posts}'
        f'<path d="M4 42 Q80 -12 156 42" stroke="{dark}" stroke-width="5" fill="none"/>', 160, 92,
    )  # fmt: skip


def _tower(color: Rgb, _: Random, __: Sequence[Drawing]) -> Drawing:
    stone = mix(color, (190, 184, 190), 0.45)
    windows = "".join(f'<path d="M27 {y} v-9 a5 5 0 0 1 10 0 v9 Z" fill="#3b3550"/>' for y in (58, 84, 112))
    return Drawing(
        f'<path d="M14 40 H50 L54 140 H10 Z" fill="{to_hex(stone)}"/><path d="M36 40 H50 L54 140 H40 Z" fill="{to_hex(mix(stone, _DARK, 0.18))}"/>'
        f'<rect x="8" y="32" width="48" height="10" rx="2" fill="{to_hex(mix(stone, _DARK, 0.3))}"/>'
        f'<path d="M8 32 L32 0 L56 32 Z" fill="{to_hex(mix(color, (200, 60, 60), 0.55))}"/>{windows}', 64, 140,
    )  # fmt: skip


def _crystals(color: Rgb, _: Random, __: Sequence[Drawing]) -> Drawing:
    light, mid, dark = (to_hex(mix(color, other, share)) for other, share in ((_WHITE, 0.5), (_WHITE, 0.1), (_DARK, 0.3)))
    return Drawing(
        f'<path d="M36 90 L26 30 L44 0 L60 30 L56 90 Z" fill="{mid}"/><path d="M44 0 L46 90 H36 L26 30 Z" fill="{light}"/>'
        f'<path d="M10 90 L0 56 L14 36 L28 58 L34 90 Z" fill="{dark}"/><path d="M14 36 L16 90 H10 L0 56 Z" fill="{mid}"/>'
        f'<path d="M58 90 L64 50 L78 34 L90 54 L84 90 Z" fill="{dark}"/><path d="M78 34 L72 90 H58 L64 50 Z" fill="{light}"/>', 90, 90,
    )  # fmt: skip


def _bowl(color: Rgb, rng: Random, on_top: Sequence[Drawing]) -> Drawing:
    things = list(on_top[:5]) or [icon("red-apple"), icon("grapes")]
    heap = [*_row([*things, *things[:1]], rng, 14, 86, 40, 34), *_row(things[:3], rng, 22, 78, 30, 30)]
    clay = mix(color, (226, 214, 200), 0.35)
    return Drawing(
        f'{"".join(reversed(heap))}<path d="M4 34 H96 Q94 74 62 78 H38 Q6 74 4 34 Z" fill="{to_hex(clay)}"/>'
        f'<path d="M4 34 H96 L95 41 H5 Z" fill="{to_hex(mix(clay, _WHITE, 0.4))}"/>'
        f'<rect x="34" y="77" width="32" height="5" rx="2" fill="{to_hex(mix(clay, _DARK, 0.3))}"/>', 100, 82,
    )  # fmt: skip


def _basket(color: Rgb, rng: Random, on_top: Sequence[Drawing]) -> Drawing:
    things = list(on_top[:4]) or [icon("red-apple"), icon("bread"), icon("grapes")]
    straw, dark = to_hex(mix(color, (214, 164, 96), 0.7)), to_hex(mix(mix(color, (214, 164, 96), 0.7), _DARK, 0.28))
    weave = "".join(f'<path d="M{x} 50 v34" stroke="{dark}" stroke-width="2"/>' for x in range(16, 92, 9))
    return Drawing(
        f'<path d="M14 50 Q14 2 50 2 Q86 2 86 50" fill="none" stroke="{dark}" stroke-width="5"/>'
        f'{"".join(_row(things, rng, 12, 88, 54, 34))}<path d="M4 46 H96 L88 88 H12 Z" fill="{straw}"/>{weave}'
        f'<path d="M8 62 H92 M10 74 H90" stroke="{dark}" stroke-width="2"/><rect x="2" y="44" width="96" height="7" rx="3" fill="{dark}"/>', 100, 90,
    )  # fmt: skip


def _vase(color: Rgb, rng: Random, on_top: Sequence[Drawing]) -> Drawing:
    things = [thing for thing in on_top[:2]] or [icon("tulip"), icon("rose")]
    glaze = mix(color, (110, 150, 190), 0.45)
    stems = "".join(
        things[index % len(things)].at(x, y, 34, flip=index % 2 == 1) for index, (x, y) in enumerate(((4, 8), (44, 6), (24, -2), (12, 22), (38, 22)))
    )
    leaves = "".join(f'<path d="M41 78 Q{x} 60 {x + rng.uniform(-3, 3):.1f} 40" stroke="#4b9b50" stroke-width="3" fill="none"/>' for x in (20, 34, 48, 62))
    return Drawing(
        f'<g transform="translate(0 6)">{leaves}{stems}<path d="M30 70 H52 Q50 78 58 88 Q70 112 50 124 H32 Q12 112 24 88 Q32 78 30 70 Z" fill="{to_hex(glaze)}"/>'
        f'<path d="M28 92 Q22 108 32 118" stroke="#fff" stroke-opacity=".5" stroke-width="4" fill="none" stroke-linecap="round"/></g>', 82, 130,
    )  # fmt: skip


def _chest(_: Rgb, __: Random, ___: Sequence[Drawing]) -> Drawing:
    coins = "".join(f'<circle cx="{x}" cy="{y}" r="7" fill="#ffd54a"/><circle cx="{x}" cy="{y}" r="4.4" fill="#f4b400"/>' for x, y in ((22, 40), (36, 34), (50, 31), (64, 34), (78, 40), (30, 46), (44, 42), (58, 42), (70, 46)))
    return Drawing(
        f'<path d="M4 40 V24 Q4 2 30 2 H70 Q96 2 96 24 V40 Z" fill="{_WOOD[1]}"/><path d="M12 40 V26 Q12 12 32 12 H68 Q88 12 88 26 V40 Z" fill="#3a2320"/>{coins}'
        f'<rect x="0" y="46" width="100" height="42" rx="4" fill="{_WOOD[0]}"/><path d="M0 58 H100 M18 46 V88 M82 46 V88" stroke="#d9a62e" stroke-width="4"/>'
        f'<rect x="42" y="50" width="16" height="18" rx="3" fill="#f2c230"/><circle cx="50" cy="58" r="3" fill="#5c3a20"/>', 100, 88,
    )  # fmt: skip


def _lanterns(_: Rgb, rng: Random, __: Sequence[Drawing]) -> Drawing:
    parts: list[str] = []
    for index, x in enumerate((0, 34, 68)):
        drop = (26, 8, 36)[index] + rng.uniform(-5, 5)
        parts.append(f'<path d="M{x + 15} 0 V{drop + 4:.1f}" stroke="#b3462e" stroke-width="1.6"/>')
        parts.append(icon("red-paper-lantern").at(x, drop, 30))
    return Drawing("".join(parts), 98, 88)


def plate(color: Rgb, aspect: float) -> Drawing:
    """A framed card for a thing that has no picture; its name is lettered on it."""
    height, width = 100.0, 100.0 * aspect
    return Drawing(
        f'<rect x="3" y="3" width="{width - 6}" height="94" rx="18" fill="{to_hex(mix(color, _WHITE, 0.15))}"/>'
        f'<rect x="9" y="9" width="{width - 18}" height="82" rx="13" fill="none" stroke="#fff" stroke-opacity=".7" stroke-width="2.5" '
        f'stroke-dasharray="7 5"/>', width, height,
    )  # fmt: skip


_Maker = Callable[[Rgb, Random, Sequence[Drawing]], Drawing]

_PROPS: Final = MappingProxyType[str, _Maker](
    {
        "table": _table, "balloons": _balloons, "garland": garland, "string_lights": _string_lights,
        "campfire": _campfire, "stage": _stage, "lamp": _lamp, "bench": _bench, "fence": _fence, "shelf": _shelf,
        "fireplace": _fireplace, "flowerbed": _flowerbed, "portal": _portal, "bridge": _bridge, "tower": _tower,
        "crystals": _crystals, "bowl": _bowl, "basket": _basket, "vase": _vase, "chest": _chest,
        "lanterns": _lanterns, "banner": lambda color, rng, on_top: banner(color, 3.2),
    }
)  # fmt: skip
