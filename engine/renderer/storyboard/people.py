"""People: emoji heads on drawn bodies, in many looks and poses.

A figure is 100 units high, feet at the bottom. Heads and half-figures come from the icons; skin, hair, clothes
and limbs are chosen by the random source that is passed in. Which word means which role is `lexicon`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

from engine.renderer.storyboard.drawing import Drawing, Rgb, icon, icon_body, mix, softened, tint, to_hex

FIGURE_HEIGHT: Final = 100.0

# The icons' yellow face, as each skin tone paints it: skin, ear, nose, elbow and neck shades.
_FACE: Final = ("#ffc83d", "#fdbb11", "#ed9200", "#d67d00", "#fcb100", "#f59f00")
_TONES: Final = (
    ("#ffd7c2", "#f4c6ad", "#e5af93", "#f1b99b", "#f4c6ad", "#f4c6ad"),
    ("#f7cfae", "#eab98f", "#d79c72", "#d6a089", "#e4b29a", "#e4b29a"),
    ("#e2ad86", "#cf946c", "#b97a54", "#b97a54", "#cf946c", "#cf946c"),
    ("#c68d6b", "#b87a58", "#a26548", "#a26548", "#b87a58", "#b87a58"),
    ("#96664f", "#855543", "#6e4436", "#6e4436", "#855543", "#855543"),
)
_HAIR: Final = ("#f1a11e", "#d37034", "#ea9129")  # hair, brows, beard
_HAIR_COLORS: Final = (
    ("#2d242d", "#241c24", "#3f363f"), ("#4a2f2b", "#3b2421", "#5b3b36"), ("#7a4a2e", "#5f3820", "#8a5838"),
    ("#e3b04b", "#b98224", "#eec372"), ("#b5532a", "#8e3d1c", "#c86b41"),
)  # fmt: skip

_LIVELY: Final[tuple[Rgb, ...]] = (
    (239, 83, 80), (66, 135, 245), (255, 179, 0), (67, 176, 104), (171, 99, 214), (255, 128, 102), (38, 178, 190),
    (236, 96, 158),
)  # fmt: skip
_CALM: Final[tuple[Rgb, ...]] = (
    (92, 122, 168), (176, 106, 92), (98, 150, 128), (150, 118, 170), (196, 150, 84), (86, 128, 150), (190, 120, 140),
)  # fmt: skip
_TROUSERS: Final[tuple[Rgb, ...]] = ((62, 84, 128), (84, 76, 92), (120, 96, 78), (70, 100, 110), (52, 60, 88))

# (elbow, hand) of an arm, from the outer edge of the shoulder: right and down
_ARMS: Final = MappingProxyType(
    {
        "down": ((5, 13), (4, 25)), "up": ((9, 5), (12, -11)), "out": ((8, 9), (18, 6)),
        "hip": ((12, 13), (1, 21)), "bent": ((6, 14), (14, 8)),
    }
)  # fmt: skip
_POSES: Final = (("down", "down"), ("up", "down"), ("up", "up"), ("out", "down"), ("hip", "up"), ("bent", "out"))
_CALM_POSES: Final = (("down", "down"), ("hip", "down"), ("bent", "bent"), ("up", "down"), ("bent", "down"))


@dataclass(frozen=True, slots=True)
class _Role:
    """How a kind of person looks: heads to choose from, what is worn, and how large the head is."""

    heads: tuple[str, ...]
    outfit: str = "casual"
    head: float = 36.0
    height: float = 1.0
    hat: str = ""
    cloth: Rgb | None = None
    skin: str = ""


@dataclass(frozen=True, slots=True)
class _HalfFigure:
    """A role that an icon shows down to the chest; the rest of the body goes on below."""

    icons: tuple[str, ...]
    cloth: str
    trousers: str | None  # None: the cloth goes down to the feet, as a robe or a skirt


_MEN: Final = ("man", "man-beard", "man-curly-hair", "person")
_WOMEN: Final = ("woman", "woman-curly-hair")
_CHILDREN: Final = ("child", "girl", "boy")

_ROLES: Final = MappingProxyType(
    {
        "child": _Role(_CHILDREN, "child", 44, 0.8),
        "girl": _Role(("girl",), "child", 44, 0.8),
        "boy": _Role(("boy",), "child", 44, 0.8),
        "student": _Role((*_CHILDREN, "person"), "child", 42, 0.85),
        "toddler": _Role(("baby",), "child", 50, 0.6),
        "adult": _Role((*_MEN, *_WOMEN)),
        "man": _Role(_MEN),
        "woman": _Role(_WOMEN, "dress"),
        "parent": _Role((*_WOMEN, *_MEN), "calm"),
        "elder": _Role(("old-woman", "old-man"), "calm"),
        "grandmother": _Role(("old-woman",), "dress"),
        "grandfather": _Role(("old-man",), "calm"),
        "clown": _Role(("clown-face",), "clown", 42),
        "knight": _Role(("man", "man-beard", "woman"), "armour", 36),
        "king": _Role(("man-beard", "old-man"), "robe", 36, hat="crown", cloth=(170, 40, 60)),
        "queen": _Role(("woman",), "robe", 36, hat="crown", cloth=(126, 70, 170)),
        "magician": _Role(("man", "man-beard"), "suit", 36, hat="top-hat", cloth=(58, 46, 74)),
        "santa": _Role(("santa-claus",), "santa", 44, cloth=(226, 44, 48)),
        "player": _Role((*_MEN, *_WOMEN), "sport", 36),
        "robot": _Role(("robot",), "suitless", 40, cloth=(176, 184, 200), skin="#9aa3b5"),
        "alien": _Role(("alien",), "suitless", 44, cloth=(120, 104, 190), skin="#7ccf5a"),
        "pirate": _Role(("man-beard", "man"), "casual", 36, hat="top-hat", cloth=(120, 40, 48)),
    }
)

_HALF_FIGURES: Final = MappingProxyType(
    {
        "bride": _HalfFigure(("person-with-veil", "woman-with-veil"), "#f4f4f8", None),
        "groom": _HalfFigure(("man-in-tuxedo",), "#321b41", "#321b41"),
        "princess": _HalfFigure(("princess",), "#7a4fb8", None),
        "prince": _HalfFigure(("prince",), "#0f84d8", "#e6e6e6"),
        "guard": _HalfFigure(("guard",), "#e0355a", "#321b41"),
        "ninja": _HalfFigure(("ninja",), "#321b41", "#2a1638"),
        "mage": _HalfFigure(("man-mage", "woman-mage"), "#0086d0", None),
        "elf": _HalfFigure(("woman-elf", "man-elf"), "#6d4534", "#4c7a3f"),
        "astronaut": _HalfFigure(("man-astronaut", "woman-astronaut"), "#dcdce4", "#cfcfd8"),
        "farmer": _HalfFigure(("man-farmer", "woman-farmer"), "#0083c8", "#0074ba"),
        "cook": _HalfFigure(("man-cook", "woman-cook"), "#f4f4f4", "#5c5f70"),
        "graduate": _HalfFigure(("man-student", "woman-student"), "#1c1c1c", None),
        "teacher": _HalfFigure(("man-teacher", "woman-teacher"), "#6d4534", "#4a4458"),
        "police": _HalfFigure(("man-police-officer", "woman-police-officer"), "#00a6ed", "#0d4f8c"),
        "pilot": _HalfFigure(("man-pilot", "woman-pilot"), "#321b41", "#321b41"),
        "firefighter": _HalfFigure(("man-firefighter", "woman-firefighter"), "#ca0b4a", "#8a2036"),
        "builder": _HalfFigure(("man-construction-worker", "woman-construction-worker"), "#ff822d", "#3d5a80"),
        "detective": _HalfFigure(("man-detective", "woman-detective"), "#8b5fbf", "#433b6b"),
        "artist": _HalfFigure(("man-artist", "woman-artist"), "#e4e4ea", "#4a5a80"),
        "singer": _HalfFigure(("man-singer", "woman-singer"), "#ff822d", "#433b6b"),
        "scientist": _HalfFigure(("man-scientist", "woman-scientist"), "#f0f0f4", "#4a5a80"),
        "doctor": _HalfFigure(("man-health-worker", "woman-health-worker"), "#f0f0f4", "#3f7f9c"),
        "judge": _HalfFigure(("man-judge", "woman-judge"), "#1c1c1c", None),
        "mechanic": _HalfFigure(("man-mechanic", "woman-mechanic"), "#0074ba", "#005a94"),
        "superhero": _HalfFigure(("man-superhero", "woman-superhero"), "#0074ba", "#0074ba"),
        "vampire": _HalfFigure(("man-vampire", "woman-vampire"), "#321b41", "#2a1638"),
        "genie": _HalfFigure(("man-genie",), "#00a6ed", None),
    }
)


def figure(
    role: str,
    turn: int,
    rng: Random,
    *,
    color: Rgb | None = None,
    held: Sequence[Drawing] = (),
    worn: Sequence[tuple[str, Drawing]] = (),
) -> Drawing:
    """One whole person.

    Args:
        role: A role that `words.toml` names under `people`.
        turn: Counts the people of a group, so that neighbours differ.
        rng: Chooses skin, hair, clothes and pose.
        color: Of the clothes.
        held: Drawings for the hands, at most two.
        worn: What is worn where (`head`, `eyes`, `neck`).
    """
    if role in _HALF_FIGURES:
        return _half_figure(_HALF_FIGURES[role], turn, rng, color)
    return _full_figure(_ROLES.get(role, _ROLES["adult"]), turn, rng, color, held, dict(worn))


SWORD: Final = Drawing(
    '<path d="M8 2 L11 8 V36 H5 V8 Z" fill="#dfe4ee"/><path d="M8 2 L11 8 V36 H8 Z" fill="#b4bccb"/>'
    '<rect x="0" y="35" width="16" height="4" rx="2" fill="#d9a62e"/><rect x="6" y="39" width="4" height="10" rx="2" fill="#6b4a2e"/>'
    '<circle cx="8" cy="50" r="2.6" fill="#d9a62e"/>', 16, 53,
)  # fmt: skip
"""A sword with its point up, to be held at its grip."""


def height_of(role: str) -> float:
    """How tall the role is beside a grown person."""
    return _ROLES[role].height if role in _ROLES else 1.0


def portrait(role: str, rng: Random, *, color: Rgb | None = None, worn: Sequence[tuple[str, Drawing]] = ()) -> Drawing:
    """Head and shoulders, to fill a portrait; the lower edge is meant to be cut by the picture or its frame."""
    known = _ROLES.get(role)
    if known is None:
        body = _painted(icon_body(_HALF_FIGURES[role].icons[0]), rng)
        return Drawing(f'<g transform="translate(-3 -1)">{body}</g>', 26, 29)
    skin, paint = _looks(rng)
    head = _recolored(icon_body(known.heads[rng.randrange(len(known.heads))]), paint)
    cloth = to_hex(softened(color) if color else known.cloth or _CALM[rng.randrange(len(_CALM))])
    shade = to_hex(mix(_hex_rgb(cloth), (0, 0, 0), 0.16))
    wear = dict(worn)
    parts = [
        f'<path d="M2 92 C2 66 16 60 32 60 S62 66 62 92 Z" fill="{cloth}"/>',
        f'<path d="M23 61 Q32 74 41 61 L38 59 H26 Z" fill="{shade}"/>',
        f'<rect x="26.5" y="46" width="11" height="19" rx="5.5" fill="{skin}"/>',
        f'<g transform="translate(5 4) scale(1.6875)">{head}</g>',
        *_worn_on_head(wear, 32, 4, 54),
    ]
    if "neck" in wear:
        parts.append(wear["neck"].at(18, 54, 28))
    top = 24 if "head" in wear else 0
    return Drawing(f'<g transform="translate(0 {top})">{"".join(parts)}</g>', 64, 92 + top)


def _full_figure(
    role: _Role, turn: int, rng: Random, color: Rgb | None, held: Sequence[Drawing], worn: dict[str, Drawing]
) -> Drawing:
    skin, paint = _looks(rng)
    name = role.heads[(turn + rng.randrange(len(role.heads))) % len(role.heads)] if turn == 0 else role.heads[
        (turn * 2 + rng.randrange(2)) % len(role.heads)
    ]
    skin = "#ffffff" if name == "clown-face" else role.skin or skin
    head = _recolored(icon_body(name), paint)
    shoulder_y = role.head * 0.9
    poses = _CALM_POSES if role.outfit in ("calm", "robe", "suit", "armour") else _POSES
    left, right = poses[rng.randrange(len(poses))]
    right = "up" if held else right
    left = "bent" if len(held) > 1 else left
    clothes = _clothes(role, name, color, rng)
    half = 13.0 if role.outfit == "child" else 14.0
    parts: list[str] = []
    hands: list[tuple[float, float]] = []
    for side, pose in ((-1, left), (1, right)):
        markup, hand = _arm(side, pose, half, shoulder_y + 5, skin, clothes)
        parts.append(markup)
        hands.append(hand)
    parts += _legs(clothes, skin, shoulder_y, rng)
    parts += _torso(clothes, half, shoulder_y)
    parts.append(f'<g transform="translate({-role.head / 2:.2f} 0) scale({role.head / 32:.4f})">{head}</g>')
    if role.hat:
        worn = {"head": icon(role.hat), **worn}
    if clothes.kind == "armour" and "head" not in worn:
        parts.append(_helmet(role.head, clothes.second))
    parts += _worn_on_head(worn, 0, 0, role.head)
    if "neck" in worn:
        parts.append(worn["neck"].at(-9, shoulder_y - 3, 18))
    for thing, (x, y) in zip(held, (hands[1], hands[0]), strict=False):
        parts.append(_in_hand(thing, x, y, skin))
    top = 18.0 if "head" in worn or clothes.kind == "armour" else 0.0
    if held:
        top = max(top, max(26.0 / thing.aspect for thing in held) * 0.82 - min(y for _, y in hands) + 1, 0.0)
    width = 2 * max(half + 18, *(abs(x) + (18 if held else 5) for x, _ in hands))
    return Drawing(
        f'<g transform="translate({width / 2:.2f} {top:.2f})">{"".join(parts)}</g>', width, FIGURE_HEIGHT + top
    )


@dataclass(frozen=True, slots=True)
class _Clothes:
    kind: str
    first: str
    second: str
    shade: str
    shoe: str
    skirt: bool = False
    short: bool = False


def _clothes(role: _Role, head: str, color: Rgb | None, rng: Random) -> _Clothes:
    palette = _LIVELY if role.outfit in ("child", "sport", "clown") else _CALM
    first = softened(color) if color else role.cloth or palette[rng.randrange(len(palette))]
    second = _TROUSERS[rng.randrange(len(_TROUSERS))]
    if role.outfit == "armour":
        first, second = color or (158, 166, 182), _LIVELY[rng.randrange(3)]
    if role.outfit == "clown":
        first, second = softened(color) if color else (255, 193, 37), _LIVELY[(rng.randrange(4) + 1) % 8]
    skirt = role.outfit in ("dress", "robe") or (
        head in ("girl", "woman", "woman-curly-hair", "old-woman") and role.outfit != "armour" and rng.random() < 0.6
    )
    return _Clothes(
        role.outfit, to_hex(first), to_hex(second), to_hex(mix(first, (40, 20, 60), 0.18)),
        "#e23c3c" if role.outfit == "clown" else to_hex(mix(second, (20, 10, 30), 0.5)),
        skirt, role.outfit in ("child", "sport"),
    )  # fmt: skip


def _arm(
    side: int, pose: str, half: float, y: float, skin: str, clothes: _Clothes
) -> tuple[str, tuple[float, float]]:
    (ex, ey), (hx, hy) = _ARMS[pose]
    x0, x1, x2 = side * (half - 4), side * (half - 3 + ex), side * (half - 3 + hx)
    stroke = 'fill="none" stroke-linecap="round" stroke-width="7.5"'
    arm = f'<path d="M{x0} {y} Q{x1} {y + ey} {x2} {y + hy}" {stroke} stroke="{skin}"/>'
    # a curve cut in half by de Casteljau: the sleeve
    part = 0.5 if clothes.short else 0.86
    ax, ay = x0 + (x1 - x0) * part, y + ey * part
    bx, by = x1 + (x2 - x1) * part, y + ey + (hy - ey) * part
    sx, sy = ax + (bx - ax) * part, ay + (by - ay) * part
    sleeve = clothes.second if clothes.kind == "clown" and side > 0 else clothes.shade
    arm += f'<path d="M{x0} {y} Q{ax:.1f} {ay:.1f} {sx:.1f} {sy:.1f}" {stroke} stroke="{sleeve}"/>'
    arm += f'<circle cx="{x2}" cy="{y + hy}" r="4.4" fill="{skin}"/>'
    return arm, (x2, y + hy)


def _legs(clothes: _Clothes, skin: str, shoulder_y: float, rng: Random) -> list[str]:
    hip = shoulder_y + (97 - shoulder_y) * 0.5
    if clothes.kind == "robe":
        return [f'<ellipse cx="{x}" cy="97" rx="6.5" ry="3" fill="{clothes.shoe}"/>' for x in (-6, 6)]
    step = rng.choice((0, 0, 4, -4)) if clothes.kind not in ("armour",) else 0
    parts: list[str] = []
    for x, foot in ((-6, -7 - max(step, 0)), (6, 7 - min(step, 0))):
        color = skin if clothes.skirt else clothes.second
        if clothes.kind == "clown":
            color = clothes.first if x < 0 else clothes.second
        if clothes.kind in ("armour", "santa"):
            color = "#7d8496" if clothes.kind == "armour" else clothes.first
        leg = 'stroke-width="9.5" stroke-linecap="round" fill="none"'
        if clothes.short and not clothes.skirt:
            parts.append(f'<path d="M{x} {hip} L{foot} 95" {leg.replace("9.5", "7.5")} stroke="{skin}"/>')
            parts.append(f'<path d="M{x} {hip} L{(x + foot) / 2} {hip + 10}" {leg} stroke="{color}"/>')
        else:
            parts.append(f'<path d="M{x} {hip} L{foot} 95" {leg} stroke="{color}"/>')
        wide = 10 if clothes.kind == "clown" else 6.5
        lean = 3 if x > 0 else -3
        parts.append(f'<ellipse cx="{foot + lean}" cy="96.6" rx="{wide}" ry="3.6" fill="{clothes.shoe}"/>')
    return parts


def _torso(clothes: _Clothes, half: float, y: float) -> list[str]:
    hip = y + (97 - y) * 0.5
    hem = 97 if clothes.kind == "robe" else (hip + 12 if clothes.skirt else hip + 4)
    flare = half + (11 if clothes.kind == "robe" else 8) if clothes.skirt else half - 1
    top = half - 3
    body = (
        f"M{-top} {y + 4} Q{-top} {y} {-top + 5} {y - 1} H{top - 5} Q{top} {y} {top} {y + 4} "
        f"L{flare} {hem - 3} Q{flare} {hem} {flare - 3} {hem} H{-flare + 3} Q{-flare} {hem} {-flare} {hem - 3} Z"
    )
    parts = [f'<path d="{body}" fill="{clothes.first}"/>']
    match clothes.kind:
        case "clown":
            parts.append(
                f'<path d="M0 {y - 1} H{top - 5} Q{top} {y} {top} {y + 4} L{flare} {hem - 3} Q{flare} {hem} '
                f'{flare - 3} {hem} H0 Z" fill="{clothes.second}"/>'
            )
            dots = ((-8, 9, clothes.second), (8, 13, clothes.first), (-7, 21, clothes.second), (8, 24, clothes.first))
            parts += [f'<circle cx="{x}" cy="{y + dy}" r="2.2" fill="{fill}"/>' for x, dy, fill in dots]
            parts += [f'<circle cx="0" cy="{y + dy}" r="3" fill="#fff"/>' for dy in (10, 18, 26)]
            parts += [f'<circle cx="{x}" cy="{y + 1 - abs(x) * 0.12}" r="5" fill="#fff"/>' for x in (-14, -7, 0, 7, 14)]
            parts += [f'<circle cx="{x}" cy="{y + 1}" r="4" fill="#dff1ff"/>' for x in (-10.5, -3.5, 3.5, 10.5)]
        case "armour":
            parts.append(f'<path d="M{-top} {y + 14} Q0 {y + 21} {top} {y + 14}" stroke="#6f778a" stroke-width="1.6" fill="none"/>')
            parts.append(f'<path d="M0 {y} V{hip}" stroke="#6f778a" stroke-width="1.6"/>')
            parts.append(f'<path d="M{-half} {hip - 3} H{half} L{half + 3} {hip + 12} L{half / 2} {hip + 8} L0 {hip + 13} L{-half / 2} {hip + 8} L{-half - 3} {hip + 12} Z" fill="{clothes.second}"/>')
            parts.append(f'<rect x="{-half}" y="{hip - 5}" width="{2 * half}" height="4.5" rx="2" fill="#6b4a2e"/>')
            parts += [f'<circle cx="{x}" cy="{y + 4}" r="6.5" fill="#b9c0cf"/>' for x in (-top, top)]
        case "robe":
            parts.append(f'<path d="M-4 {y} H4 L6 97 H-6 Z" fill="#f6d98a"/>')
            parts.append(f'<path d="M{-top} {y + 1} Q0 {y + 12} {top} {y + 1} L{top} {y + 7} Q0 {y + 18} {-top} {y + 7} Z" fill="#fdf6ec"/>')
        case "suit":
            parts.append(f'<path d="M-5 {y - 1} L0 {y + 14} L5 {y - 1} Z" fill="#fff"/><path d="M-4 {y} L0 {y + 2.4} L4 {y} V{y + 5} L0 {y + 2.8} L-4 {y + 5} Z" fill="#e2363f"/>')
        case "santa":
            parts.append(f'<rect x="{-half + 1}" y="{hip - 5}" width="{2 * half - 2}" height="5" fill="#3a2a2a"/><rect x="-3.5" y="{hip - 6}" width="7" height="7" rx="1.5" fill="#f2c230"/><rect x="{-flare - 1}" y="{hem - 4}" width="{2 * flare + 2}" height="5" rx="2.5" fill="#fff"/>')
        case "sport":
            parts.append(f'<path d="M-3 {y + 8} h6 v12 h-6 Z" fill="#fff" opacity=".85"/>')
        case _ if clothes.skirt:
            parts.append(f'<path d="M{-half + 1.2} {hip - 4} H{half - 1.2}" stroke="{clothes.shade}" stroke-width="2.6"/>')
        case _:
            parts.append(f'<path d="M-4.5 {y - 1} Q0 {y + 5} 4.5 {y - 1} Z" fill="{clothes.shade}"/>')
    return parts


def _helmet(size: float, plume: str) -> str:
    scale = size / 32
    return (
        f'<g transform="translate({-size / 2} 0) scale({scale:.3f})">'
        f'<path d="M16 1 C20 -9 29 -6 31 1 C27 -2 22 -1 18 4 Z" fill="{plume}"/>'
        '<path d="M3 17 C2 5 8 0 16 0 S30 5 29 17 L27 20 C27 13 25 10 21 10 H11 C7 10 5 13 5 20 Z" fill="#aab2c3"/>'
        '<path d="M3 17 C2 5 8 0 16 0 C9 3 6 9 6.4 14 L5 20 Z" fill="#c9cfdb"/>'
        '<path d="M15 0 H17 L17.6 10 H14.4 Z" fill="#7d8598"/></g>'
    )


def _worn_on_head(worn: dict[str, Drawing], center_x: float, top: float, head: float) -> list[str]:
    parts: list[str] = []
    if "eyes" in worn:
        parts.append(worn["eyes"].at(center_x - head * 0.31, top + head * 0.46, head * 0.62))
    if "head" in worn:
        hat = worn["head"]
        width = head * (1.16 if hat.aspect > 1.25 else 0.86)
        parts.append(hat.at(center_x - width / 2, top + head * 0.32 - width / hat.aspect, width))
    return parts


def _in_hand(thing: Drawing, x: float, y: float, skin: str) -> str:
    side = 1 if x > 0 else -1
    width = 13.0 if thing is SWORD else 26 * min(1.0, thing.aspect + 0.2)
    height = width / thing.aspect
    return (
        thing.at(x - width / 2 + side * (0 if thing is SWORD else 2), y - height * 0.82, width, flip=side < 0)
        + f'<circle cx="{x}" cy="{y}" r="4.4" fill="{skin}"/>'
    )


def _half_figure(role: _HalfFigure, turn: int, rng: Random, color: Rgb | None) -> Drawing:
    bust = icon_body(role.icons[(turn + rng.randrange(2)) % len(role.icons)])
    if color:
        bust = tint(bust, role.cloth, color)
    bust = _painted(bust, rng)
    cloth = tint(role.cloth, role.cloth, color) if color else role.cloth
    shade = to_hex(mix(_hex_rgb(cloth), (20, 10, 40), 0.22))
    if role.trousers is None:
        lower = f'<path d="M16 54 H48 L58 96 Q32 104 6 96 Z" fill="{cloth}"/><path d="M32 54 L34 100 H30 Z" fill="{shade}"/>'
    else:
        leg = f'stroke-width="11" stroke-linecap="round" stroke="{role.trousers}"'
        lower = (
            f'<path d="M25 70 V93 M39 70 V93" {leg}/>'
            f'<path d="M15 54 H49 L46 74 Q32 78 18 74 Z" fill="{cloth}"/>'
            '<ellipse cx="22.5" cy="96.5" rx="8" ry="3.5" fill="#3b2f3f"/>'
            '<ellipse cx="41.5" cy="96.5" rx="8" ry="3.5" fill="#3b2f3f"/>'
        )
    return Drawing(f'{lower}<g transform="translate(0 -2) scale(2)">{bust}</g>', 64, FIGURE_HEIGHT)


def _looks(rng: Random) -> tuple[str, dict[str, str]]:
    """A skin colour, and what the icons' colours become."""
    tone = _TONES[rng.randrange(len(_TONES))]
    hair = _HAIR_COLORS[rng.randrange(2 if tone in _TONES[3:] else len(_HAIR_COLORS))]
    paint = dict(zip((*_FACE, *_HAIR), (*tone, *hair), strict=True))
    return tone[0], paint


def _painted(body: str, rng: Random) -> str:
    return _recolored(body, _looks(rng)[1])


def _recolored(body: str, paint: dict[str, str]) -> str:
    for old, new in paint.items():
        body = body.replace(f'"{old}"', f'"{new}"')
    return body


def _hex_rgb(text: str) -> Rgb:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
