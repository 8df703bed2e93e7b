"""Things that no icon shows well: tables and bowls with what lies in them, banners, garlands, fireplaces.

Each prop is a drawing in units of its own, coloured as its region asks. Those that are one fixed drawing
stand in props.toml; words on banners are lettered by `lettering`, because they need fonts.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from random import Random
from string import Template
from types import MappingProxyType
from typing import Any, Final

from engine.renderer.storyboard.drawing import Drawing, Rgb, icon, mix, to_hex
from engine.renderer.storyboard.markup import box, circle, d, ellipse, line, moved, path
from engine.renderer.storyboard.scene import WHITE

PARTY: Final[tuple[Rgb, ...]] = (
    (239, 83, 80), (255, 179, 0), (67, 176, 104), (66, 135, 245), (171, 99, 214), (236, 96, 158),
)  # fmt: skip
"""Colours of paper, balloons and sweets."""

BANNER_WORDS: Final = (0.12, 0.2, 0.88, 0.64)
"""Left, top, right and bottom of the room for words on a banner, as shares of its size."""

_DARK: Final[Rgb] = (52, 34, 58)
_STRAW: Final[Rgb] = (214, 164, 96)
_WOOD: Final = ("#a9714b", "#8a5838", "#c98f63")
_FLOWERS: Final = ("tulip", "sunflower", "rose", "blossom", "hibiscus", "cherry-blossom")


def prop(name: str, color: Rgb, rng: Random, on_top: Sequence[Drawing] = ()) -> Drawing:
    """A prop.

    Args:
        name: One of the props in `words.toml`.
        color: Of its main part.
        rng: Varies what can vary.
        on_top: What lies on it or in it, where it has room.
    """
    return _MADE[name](color, rng, on_top) if name in _MADE else _fixed(name, color)


def banner(color: Rgb, aspect: float) -> Drawing:
    """A ribbon with folded tails; `BANNER_WORDS` says where its words go.

    Args:
        color: Of the cloth.
        aspect: Width by height.
    """
    height, width = 100.0, 100.0 * aspect
    left, right, fold = width * 0.09, width * 0.91, width * 0.052
    back, deep, edge = (mix(color, _DARK, 0.34), mix(color, _DARK, 0.55), mix(color, WHITE, 0.45))
    parts: list[str] = []
    for start, end, side in ((left, 0.0, 1), (right, width, -1)):
        tail = d(
            "M", start, 30, "H", end, "L", end + side * 9, 58, "L", end, 86, "H", start + side * fold, "V",
            30, "Z",
        )  # fmt: skip
        parts += [path(tail, to_hex(back))]
    for start, side in ((left, 1), (right, -1)):
        parts.append(path(d("M", start, 66, "L", start + side * fold, 86, "V", 68, "Z"), to_hex(deep)))
    middle = width / 2
    cloth = d("M", left, 12, "Q", middle, 22, right, 12, "V", 68, "Q", middle, 78, left, 68, "Z")
    parts.append(path(cloth, to_hex(color)))
    for y in (16.5, 63.5):
        parts.append(
            path(d("M", left, y, "Q", middle, y + 10, right, y), stroke=to_hex(edge), stroke_width=2)
        )
    return Drawing("".join(parts), width, height)


def garland(color: Rgb, rng: Random, aspect: float = 4.0, flags: int = 9) -> Drawing:
    """Pennants on a sagging cord."""
    width, height = 60.0 * aspect, 60.0
    start = rng.randrange(len(PARTY))
    parts = [path(d("M", 0, 3, "Q", width / 2, 62, width, 3), stroke="#fff", stroke_width=2.4)]
    half = width / flags * 0.34
    for index in range(flags):
        share = (index + 0.5) / flags
        x, y = width * share, 3 + 118 * share * (1 - share)
        fill = to_hex(PARTY[(start + index) % len(PARTY)] if index % 4 else color)
        parts.append(path(d("M", x - half, y, "H", x + half, "L", x, y + 2.1 * half, "Z"), fill))
        parts.append(box(x - half * 0.95, y, half * 1.9, 3, "#fff", opacity=0.35))
    return Drawing("".join(parts), width, height)


def plate(color: Rgb, aspect: float) -> Drawing:
    """A framed card for a thing that has no picture; its name is lettered on it."""
    width = 100.0 * aspect
    frame = {"stroke": "#fff", "stroke_opacity": 0.7, "stroke_width": 2.5, "stroke_dasharray": "7 5"}
    body = box(3, 3, width - 6, 94, to_hex(mix(color, WHITE, 0.15)), rx=18)
    return Drawing(body + box(9, 9, width - 18, 82, "none", rx=13, **frame), width, 100)


def _table(color: Rgb, rng: Random, on_top: Sequence[Drawing]) -> Drawing:
    cloth = mix(color, WHITE, 0.1)
    checks = "".join(
        box(x, y, 11, 11, "#fff", opacity=0.5)
        for row, y in enumerate((72, 83, 94))
        for x in range(2 + 11 * (row % 2), 128, 22)
    )
    hem = "M0 72 H132 V108" + " a8.25 6 0 0 1 -16.5 0" * 8 + " Z"
    parts = [
        box(14, 96, 8, 46, _WOOD[1], rx=2), box(110, 96, 8, 46, _WOOD[1], rx=2),
        _row(on_top[:4], rng, 8, 124, ground=68, height=52),
        path("M6 62 H126 L132 72 H0 Z", to_hex(mix(cloth, WHITE, 0.35))),
        path(hem, to_hex(cloth)), checks,
        box(0, 72, 132, 3, to_hex(mix(cloth, _DARK, 0.14)), opacity=0.6),
        _row(on_top[4:7], rng, 14, 118, ground=75, height=30),
    ]  # fmt: skip
    return Drawing("".join(parts), 132, 142)


def _bowl(color: Rgb, rng: Random, on_top: Sequence[Drawing]) -> Drawing:
    things = list(on_top[:5]) or [icon("red-apple"), icon("grapes")]
    clay = mix(color, (226, 214, 200), 0.35)
    parts = [
        _row(things[:3], rng, 22, 78, ground=30, height=30),
        _row([*things, things[0]], rng, 14, 86, ground=40, height=34),
        path("M4 34 H96 Q94 74 62 78 H38 Q6 74 4 34 Z", to_hex(clay)),
        path("M4 34 H96 L95 41 H5 Z", to_hex(mix(clay, WHITE, 0.4))),
        box(34, 77, 32, 5, to_hex(mix(clay, _DARK, 0.3)), rx=2),
    ]
    return Drawing("".join(parts), 100, 82)


def _basket(color: Rgb, rng: Random, on_top: Sequence[Drawing]) -> Drawing:
    things = list(on_top[:4]) or [icon("red-apple"), icon("bread"), icon("grapes")]
    straw = mix(color, _STRAW, 0.7)
    dark = to_hex(mix(straw, _DARK, 0.28))
    parts = [
        path("M14 50 Q14 2 50 2 Q86 2 86 50", stroke=dark, stroke_width=5),
        _row(things, rng, 12, 88, ground=54, height=34),
        path("M4 46 H96 L88 88 H12 Z", to_hex(straw)),
        *(line(d("M", x, 50, "v", 34), dark, 2) for x in range(16, 92, 9)),
        path("M8 62 H92 M10 74 H90", stroke=dark, stroke_width=2), box(2, 44, 96, 7, dark, rx=3),
    ]  # fmt: skip
    return Drawing("".join(parts), 100, 90)


def _vase(color: Rgb, rng: Random, on_top: Sequence[Drawing]) -> Drawing:
    things = list(on_top[:2]) or [icon("tulip"), icon("rose")]
    glaze = to_hex(mix(color, (110, 150, 190), 0.45))
    stems = "".join(
        path(d("M", 41, 78, "Q", x, 60, x + rng.uniform(-3, 3), 40), stroke="#4b9b50", stroke_width=3)
        for x in (20, 34, 48, 62)
    )
    places = ((4, 8), (44, 6), (24, -2), (12, 22), (38, 22))
    heads = "".join(things[index % len(things)].at(x, y, 34) for index, (x, y) in enumerate(places))
    body = path("M30 70 H52 Q50 78 58 88 Q70 112 50 124 H32 Q12 112 24 88 Q32 78 30 70 Z", glaze)
    shine = line("M28 92 Q22 108 32 118", "#fff", 4, stroke_opacity=0.5)
    return Drawing(moved(stems + heads + body + shine, 0, 6), 82, 130)


def _shelf(color: Rgb, rng: Random, on_top: Sequence[Drawing]) -> Drawing:
    wood = mix(color, (150, 98, 62), 0.6)
    parts = [box(0, 0, 90, 124, to_hex(wood), rx=3), box(6, 6, 78, 112, to_hex(mix(wood, _DARK, 0.4)))]
    for row, y in enumerate((42, 79, 116)):
        things = on_top[row * 2 : row * 2 + 2]
        x = 9.0
        while x < (40 if things else 76):
            thick, tall = rng.uniform(5, 9), rng.uniform(20, 29)
            parts.append(box(x, y - tall, thick, tall, to_hex(mix(rng.choice(PARTY), color, 0.25)), rx=1))
            x += thick + 0.8
        parts.append(_row(things, rng, 46, 82, ground=y, height=24))
        parts.append(box(4, y, 82, 5, to_hex(wood)))
    return Drawing("".join(parts), 90, 124)


def _balloons(color: Rgb, rng: Random, _: Sequence[Drawing]) -> Drawing:
    start = rng.randrange(len(PARTY))
    places = ((30, 4), (6, 16), (56, 14), (20, 30), (44, 32))
    parts = [
        path(d("M", x + 12, y + 30, "Q", x + 6 + index, 80, 42, 112), stroke="#7a6a80", stroke_width=1)
        for index, (x, y) in enumerate(places)
    ]
    for index, (x, y) in enumerate(places):
        fill = color if index == 0 else PARTY[(start + index) % len(PARTY)]
        knot = d("M", x + 10, y + 36, "L", x + 13, y + 31, "L", x + 16, y + 36, "Z")
        parts += [
            ellipse(x + 13, y + 16, 14, 17, to_hex(fill)),
            path(knot, to_hex(mix(fill, _DARK, 0.2))),
            ellipse(x + 8, y + 9, 3.4, 5, "#fff", opacity=0.5),
        ]
    return Drawing("".join(parts), 86, 114)


def _string_lights(_: Rgb, rng: Random, __: Sequence[Drawing]) -> Drawing:
    start = rng.randrange(len(PARTY))
    parts = [path("M0 3 Q60 50 120 3 Q180 50 240 3", stroke="#4b4454", stroke_width=2)]
    for index in range(14):
        share = (index % 7 + 0.5) / 7
        x, y = 120 * (index // 7 + share), 10 + 94 * share * (1 - share)
        fill = to_hex(mix(PARTY[(start + index) % len(PARTY)], (255, 244, 190), 0.3))
        parts += [circle(x, y, 10, fill, opacity=0.25), circle(x, y, 5, fill)]
    return Drawing("".join(parts), 240, 46)


def _lanterns(_: Rgb, rng: Random, __: Sequence[Drawing]) -> Drawing:
    parts: list[str] = []
    for x, drop in ((0, 26), (34, 8), (68, 36)):
        y = drop + rng.uniform(-5, 5)
        parts += [line(d("M", x + 15, 0, "V", y + 4), "#b3462e", 1.6), icon("red-paper-lantern").at(x, y, 30)]
    return Drawing("".join(parts), 98, 88)


def _flowerbed(color: Rgb, rng: Random, _: Sequence[Drawing]) -> Drawing:
    parts: list[str] = []
    for index in range(7):
        x, tall = 4 + index * 19.0, rng.uniform(34, 52)
        flower = icon(rng.choice(_FLOWERS), color if rng.random() < 0.55 else None)
        stem = d("M", x + 10, 92 - tall, "Q", x + 6, 80, x + 10, 92)
        leaves = d(
            "M", x + 10, 88, "q", -12, -3, -13, -14, "q", 12, 2, 13, 14, "q", 2, -12, 13, -13, "q", 0, 10,
            -13, 13,
        )  # fmt: skip
        parts += [
            path(stem, stroke="#3f9142", stroke_width=3),
            path(leaves, "#4fae52"),
            flower.at(x - 2, 74 - tall, 24),
        ]
    return Drawing(moved("".join(parts), 0, 0), 140, 92)


def _row(
    things: Sequence[Drawing], rng: Random, left: float, right: float, *, ground: float, height: float
) -> str:
    """Drawings side by side on a line."""
    step = (right - left) / max(len(things), 1)
    parts: list[str] = []
    for place, thing in enumerate(things):
        width = min(height * rng.uniform(0.82, 1.08) * thing.aspect, step * 1.12)
        x = left + step * (place + 0.5) - width / 2
        parts.append(thing.at(x, ground - width / thing.aspect, width, flip=rng.random() < 0.4))
    return "".join(parts)


def _fixed(name: str, color: Rgb) -> Drawing:
    """A prop from props.toml, in its region's colour."""
    entry = _fixed_props()[name]
    red, green, blue = entry["base"]
    main = mix(color, (red, green, blue), entry["share"])
    body = Template(entry["body"]).substitute(
        main=to_hex(main), light=to_hex(mix(main, WHITE, 0.35)), dark=to_hex(mix(main, _DARK, 0.28)),
        night=to_hex(mix(main, _DARK, 0.8)), fire=icon("fire").at(0, 0, 40),
    )  # fmt: skip
    return Drawing(body, *entry["size"])


@cache
def _fixed_props() -> Mapping[str, Any]:
    file = resources.files("engine.renderer.storyboard") / "data" / "props.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


_MADE: Final = MappingProxyType[str, Callable[[Rgb, Random, Sequence[Drawing]], Drawing]](
    {
        "table": _table, "bowl": _bowl, "basket": _basket, "vase": _vase, "shelf": _shelf,
        "balloons": _balloons,
        "string_lights": _string_lights, "lanterns": _lanterns, "flowerbed": _flowerbed,
        "garland": lambda color, rng, _: garland(color, rng),
        "banner": lambda color, _, __: banner(color, 3.2),
    }
)  # fmt: skip
