"""People: emoji heads on drawn bodies, in many looks and poses.

A figure is 100 units high, feet at the bottom. Skin, hair, clothes and limbs are chosen by the random source
that is passed in. Which word means which role is `lexicon`'s.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Final

from engine.renderer.storyboard.drawing import Drawing, Rgb, icon, icon_body, mix, softened, tint, to_hex
from engine.renderer.storyboard.markup import box, circle, d, ellipse, line, moved, path
from engine.renderer.storyboard.roles import HALF_ROLES, ROLES, HalfRole, Role
from engine.renderer.storyboard.wardrobe import arm, dress, helmet, legs, pose, torso

FIGURE_HEIGHT: Final = 100.0

# the icons' yellow face (skin, ear, nose, elbow and neck shades) and hair (hair, brows, beard)
_FACE: Final[tuple[str, ...]] = ("#ffc83d", "#fdbb11", "#ed9200", "#d67d00", "#fcb100", "#f59f00")
_HAIR: Final[tuple[str, ...]] = ("#f1a11e", "#d37034", "#ea9129")
_TONES: Final = (
    ("#ffd7c2", "#f4c6ad", "#e5af93", "#f1b99b", "#f4c6ad", "#f4c6ad"),
    ("#f7cfae", "#eab98f", "#d79c72", "#d6a089", "#e4b29a", "#e4b29a"),
    ("#e2ad86", "#cf946c", "#b97a54", "#b97a54", "#cf946c", "#cf946c"),
    ("#c68d6b", "#b87a58", "#a26548", "#a26548", "#b87a58", "#b87a58"),
    ("#96664f", "#855543", "#6e4436", "#6e4436", "#855543", "#855543"),
)
_HAIR_COLORS: Final = (
    ("#2d242d", "#241c24", "#3f363f"), ("#4a2f2b", "#3b2421", "#5b3b36"), ("#7a4a2e", "#5f3820", "#8a5838"),
    ("#e3b04b", "#b98224", "#eec372"), ("#b5532a", "#8e3d1c", "#c86b41"),
)  # fmt: skip
_DARK_TONES: Final = 3
"""From this tone on hair is dark."""

_SHIRTS: Final[tuple[Rgb, ...]] = (
    (92, 122, 168),
    (176, 106, 92),
    (98, 150, 128),
    (150, 118, 170),
    (86, 128, 150),
)

SWORD: Final = Drawing(
    path("M8 2 L11 8 V36 H5 V8 Z", "#dfe4ee") + path("M8 2 L11 8 V36 H8 Z", "#b4bccb")
    + box(0, 35, 16, 4, "#d9a62e", rx=2) + box(6, 39, 4, 10, "#6b4a2e", rx=2) + circle(8, 50, 2.6, "#d9a62e"),
    16, 53,
)  # fmt: skip
"""A sword with its point up, to be held at its grip."""


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
        turn: Counts the people of a group, so that neighbours have different heads.
        rng: Chooses skin, hair, clothes and pose.
        color: Of the clothes.
        held: Drawings for the hands, at most two.
        worn: What is worn where (`head`, `eyes`, `neck`).
    """
    if role in HALF_ROLES:
        return _half_figure(HALF_ROLES[role], turn, rng, color)
    return _full_figure(ROLES.get(role, ROLES["adult"]), turn, rng, color, held=held, worn=dict(worn))


def height_of(role: str) -> float:
    """How tall the role is beside a grown person."""
    return ROLES[role].height if role in ROLES else 1.0


def portrait(
    role: str, rng: Random, *, color: Rgb | None = None, worn: Sequence[tuple[str, Drawing]] = ()
) -> Drawing:
    """Head and shoulders, to fill a portrait; the lower edge is for the picture's edge to cut."""
    skin, paint = _looks(rng)
    if role in HALF_ROLES:
        body = _recolored(icon_body(rng.choice(HALF_ROLES[role].icons)), paint)
        return Drawing(moved(body, -3, -1), 26, 29)
    known = ROLES.get(role, ROLES["adult"])
    head = _recolored(icon_body(rng.choice(known.heads)), paint)
    cloth = softened(color) if color else known.cloth or rng.choice(_SHIRTS)
    wear = dict(worn)
    parts = [
        path("M2 92 C2 66 16 60 32 60 S62 66 62 92 Z", to_hex(cloth)),
        path("M23 61 Q32 74 41 61 L38 59 H26 Z", to_hex(mix(cloth, (0, 0, 0), 0.16))),
        box(26.5, 46, 11, 19, known.skin or skin, rx=5.5),
        moved(head, 5, 4, 54 / 32),
        _on_head(wear, 32, 4, 54),
        wear["neck"].at(18, 54, 28) if "neck" in wear else "",
    ]
    top = 24 if "head" in wear else 0
    return Drawing(moved("".join(parts), 0, top), 64, 92 + top)


def _full_figure(
    role: Role,
    turn: int,
    rng: Random,
    color: Rgb | None,
    *,
    held: Sequence[Drawing],
    worn: Mapping[str, Drawing],
) -> Drawing:
    skin, paint = _looks(rng)
    skin = role.skin or skin
    name = role.heads[turn % len(role.heads)]
    clothes = dress(role, name, color, rng)
    shoulder_y, half = role.head * 0.9, 13.0 if role.outfit == "child" else 14.0
    if role.hat:
        worn = {"head": icon(role.hat), **worn}
    left, right = pose(role.outfit, len(held), rng)
    left_arm, left_hand = arm(-1, left, half, shoulder_y + 5, skin, clothes=clothes)
    right_arm, right_hand = arm(1, right, half, shoulder_y + 5, skin, clothes=clothes)
    helmeted = role.outfit == "armour" and "head" not in worn
    parts = [
        left_arm, right_arm, legs(clothes, skin, shoulder_y, rng), torso(clothes, half, shoulder_y),
        moved(_recolored(icon_body(name), paint), -role.head / 2, 0, role.head / 32),
        helmet(role.head, clothes.second) if helmeted else "",
        _on_head(worn, 0, 0, role.head),
        worn["neck"].at(-9, shoulder_y - 3, 18) if "neck" in worn else "",
    ]  # fmt: skip
    hands = (right_hand, left_hand)
    parts += [_in_hand(thing, hand, skin) for thing, hand in zip(held, hands, strict=False)]
    top = 18.0 if helmeted or "head" in worn else 0.0
    top = max(
        top, *(_held_height(thing) * 0.82 - y + 1 for thing, (_, y) in zip(held, hands, strict=False)), 0.0
    )
    width = 2 * max(half + 18, *(abs(x) + (18 if held else 5) for x, _ in hands))
    return Drawing(moved("".join(parts), width / 2, top), width, FIGURE_HEIGHT + top)


def _on_head(worn: Mapping[str, Drawing], center_x: float, top: float, head: float) -> str:
    markup = ""
    if "eyes" in worn:
        markup += worn["eyes"].at(center_x - head * 0.31, top + head * 0.46, head * 0.62)
    if "head" in worn:
        hat = worn["head"]
        width = head * (1.16 if hat.aspect > 1.25 else 0.86)
        markup += hat.at(center_x - width / 2, top + head * 0.32 - width / hat.aspect, width)
    return markup


def _held_width(thing: Drawing) -> float:
    return 13.0 if thing is SWORD else 26 * min(1.0, thing.aspect + 0.2)


def _held_height(thing: Drawing) -> float:
    return _held_width(thing) / thing.aspect


def _in_hand(thing: Drawing, hand: tuple[float, float], skin: str) -> str:
    x, y = hand
    width = _held_width(thing)
    aside = 0 if thing is SWORD else 2 if x > 0 else -2
    held = thing.at(x - width / 2 + aside, y - _held_height(thing) * 0.82, width, flip=x < 0)
    return held + circle(x, y, 4.4, skin)


def _half_figure(role: HalfRole, turn: int, rng: Random, color: Rgb | None) -> Drawing:
    bust, cloth = icon_body(role.icons[turn % len(role.icons)]), role.cloth
    if color:
        bust, cloth = tint(bust, role.cloth, color), tint(role.cloth, role.cloth, color)
    bust = _recolored(bust, _looks(rng)[1])
    if role.trousers is None:
        fold = path("M32 54 L34 100 H30 Z", "#281840", opacity=0.22)
        lower = path("M16 54 H48 L58 96 Q32 104 6 96 Z", cloth) + fold
    else:
        lower = (
            line(d("M", 25, 70, "V", 93, "M", 39, 70, "V", 93), role.trousers, 11)
            + path("M15 54 H49 L46 74 Q32 78 18 74 Z", cloth)
            + "".join(ellipse(x, 96.5, 8, 3.5, "#3b2f3f") for x in (22.5, 41.5))
        )
    return Drawing(lower + moved(bust, 0, -2, 2), 64, FIGURE_HEIGHT)


def _looks(rng: Random) -> tuple[str, Mapping[str, str]]:
    """A skin colour, and what the icons' colours become."""
    place = rng.randrange(len(_TONES))
    hair = rng.choice(_HAIR_COLORS[:2] if place >= _DARK_TONES else _HAIR_COLORS)
    return _TONES[place][0], dict(zip((*_FACE, *_HAIR), (*_TONES[place], *hair), strict=True))


def _recolored(body: str, paint: Mapping[str, str]) -> str:
    for old, new in paint.items():
        body = body.replace(f'"{old}"', f'"{new}"')
    return body
