"""Bodies and what they wear: arms, legs and torsos, with the feet at y = 97 and the middle at x = 0."""

from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

from engine.renderer.storyboard.drawing import Rgb, mix, softened, to_hex
from engine.renderer.storyboard.markup import box, circle, d, ellipse, line, moved, path
from engine.renderer.storyboard.roles import WOMENS_HEADS, Outfit, Role

FOOT_Y: Final = 97.0
_HIP: Final = 0.5
_STEEL: Final = "#6f778a"
_NIGHT: Final[Rgb] = (20, 10, 30)

_LIVELY: Final[tuple[Rgb, ...]] = (
    (239, 83, 80), (66, 135, 245), (255, 179, 0), (67, 176, 104), (171, 99, 214), (255, 128, 102),
    (38, 178, 190), (236, 96, 158),
)  # fmt: skip
_CALM: Final[tuple[Rgb, ...]] = (
    (92, 122, 168), (176, 106, 92), (98, 150, 128), (150, 118, 170), (196, 150, 84), (86, 128, 150),
    (190, 120, 140),
)  # fmt: skip
_TROUSERS: Final[tuple[Rgb, ...]] = ((62, 84, 128), (84, 76, 92), (120, 96, 78), (70, 100, 110), (52, 60, 88))

# where the elbow and the hand of an arm are, from the outer edge of the shoulder: outwards and down
_ARMS: Final = MappingProxyType(
    {
        "down": ((5, 13), (4, 25)), "up": ((9, 5), (12, -11)), "out": ((8, 9), (18, 6)),
        "hip": ((12, 13), (1, 21)), "bent": ((6, 14), (14, 8)),
    }
)  # fmt: skip
_POSES: Final = (
    ("down", "down"),
    ("up", "down"),
    ("up", "up"),
    ("out", "down"),
    ("hip", "up"),
    ("bent", "out"),
)
_CALM_POSES: Final = (("down", "down"), ("hip", "down"), ("bent", "bent"), ("up", "down"), ("bent", "down"))


@dataclass(frozen=True, slots=True)
class Clothes:
    """What one person wears; colours as `#rrggbb`."""

    outfit: Outfit
    first: str
    second: str
    shade: str
    shoe: str
    skirt: bool
    short: bool


def dress(role: Role, head: str, color: Rgb | None, rng: Random) -> Clothes:
    """Chooses clothes.

    Args:
        role: Says what kind.
        head: The head's icon; some heads wear skirts now and then.
        color: Of the clothes, when it is asked for.
        rng: Chooses the rest.
    """
    lively = role.outfit in ("child", "sport", "clown")
    first = softened(color) if color else role.cloth or rng.choice(_LIVELY if lively else _CALM)
    second = rng.choice(_TROUSERS)
    if role.outfit == "armour":
        first, second = color or (158, 166, 182), rng.choice(_LIVELY[:3])
    elif role.outfit == "clown":
        first, second = (
            softened(color) if color else (255, 193, 37),
            rng.choice((*_LIVELY[:2], *_LIVELY[3:5])),
        )
    may_skirt = head in WOMENS_HEADS and role.outfit in ("casual", "calm", "child")
    return Clothes(
        role.outfit, to_hex(first), to_hex(second), to_hex(mix(first, (40, 20, 60), 0.18)),
        "#e23c3c" if role.outfit == "clown" else to_hex(mix(second, _NIGHT, 0.5)),
        skirt=role.outfit in ("dress", "robe") or (may_skirt and rng.random() < 0.6),
        short=role.outfit in ("child", "sport"),
    )  # fmt: skip


def pose(outfit: Outfit, hands_full: int, rng: Random) -> tuple[str, str]:
    """How the left and the right arm are held."""
    left, right = rng.choice(_CALM_POSES if outfit in ("calm", "robe", "suit", "armour") else _POSES)
    return "bent" if hands_full > 1 else left, "up" if hands_full else right


def arm(
    side: int, held: str, half: float, y: float, skin: str, *, clothes: Clothes
) -> tuple[str, tuple[float, float]]:
    """An arm and where its hand is.

    Args:
        side: -1 left, 1 right.
        held: One of the poses.
        half: Half the width of the shoulders.
        y: Where the arm begins.
        skin: Of the hand.
        clothes: The sleeve's.
    """
    (elbow_x, elbow_y), (hand_x, hand_y) = _ARMS[held]
    x0, x1, x2 = side * (half - 4), side * (half - 3 + elbow_x), side * (half - 3 + hand_x)
    bare = line(d("M", x0, y, "Q", x1, y + elbow_y, x2, y + hand_y), skin, 7.5)
    # the sleeve is the curve's first part, cut off by de Casteljau's construction
    part = 0.5 if clothes.short else 0.86
    ax, ay = x0 + (x1 - x0) * part, y + elbow_y * part
    bx, by = x1 + (x2 - x1) * part, y + elbow_y + (hand_y - elbow_y) * part
    end = ax + (bx - ax) * part, ay + (by - ay) * part
    color = clothes.second if clothes.outfit == "clown" and side > 0 else clothes.shade
    sleeve = line(d("M", x0, y, "Q", ax, ay, *end), color, 7.5)
    return bare + sleeve + circle(x2, y + hand_y, 4.4, skin), (x2, y + hand_y)


def legs(clothes: Clothes, skin: str, shoulder_y: float, rng: Random) -> str:
    """Legs and shoes."""
    hip = shoulder_y + (FOOT_Y - shoulder_y) * _HIP
    if clothes.outfit == "robe":
        return "".join(ellipse(x, FOOT_Y, 6.5, 3, clothes.shoe) for x in (-6, 6))
    step = rng.choice((0, 0, 4, -4)) if clothes.outfit != "armour" else 0
    parts: list[str] = []
    for x, foot in ((-6, -7 - max(step, 0)), (6, 7 - min(step, 0))):
        color = _leg_color(clothes, skin, left=x < 0)
        if clothes.short and not clothes.skirt:
            parts.append(line(d("M", x, hip, "L", foot, 95), skin, 7.5))
            parts.append(line(d("M", x, hip, "L", (x + foot) / 2, hip + 10), color, 9.5))
        else:
            parts.append(line(d("M", x, hip, "L", foot, 95), color, 9.5))
        wide = 10 if clothes.outfit == "clown" else 6.5
        parts.append(ellipse(foot + (3 if x > 0 else -3), FOOT_Y - 0.4, wide, 3.6, clothes.shoe))
    return "".join(parts)


def torso(clothes: Clothes, half: float, y: float) -> str:
    """The trunk, down to the hip or the hem, with what belongs to the outfit on it."""
    cut = _Cut.of(clothes, half, y)
    return path(cut.outline(), clothes.first) + _trimming(clothes, cut)


def _trimming(clothes: Clothes, cut: "_Cut") -> str:
    half, y = cut.half, cut.y
    match clothes.outfit:
        case "clown":
            trimming = _motley(clothes, cut)
        case "armour":
            trimming = _plates(clothes, cut)
        case "robe":
            collar = (
                f"M{-cut.top} {y + 1} Q0 {y + 12} {cut.top} {y + 1} V{y + 7} Q0 {y + 18} {-cut.top} {y + 7} Z"
            )
            trimming = path(f"M-4 {y} H4 L6 {FOOT_Y} H-6 Z", "#f6d98a") + path(collar, "#fdf6ec")
        case "suit":
            bow = f"M-4 {y} L0 {y + 2.4} L4 {y} V{y + 5} L0 {y + 2.8} L-4 {y + 5} Z"
            trimming = path(f"M-5 {y - 1} L0 {y + 14} L5 {y - 1} Z", "#fff") + path(bow, "#e2363f")
        case "santa":
            belt = box(-half + 1, cut.hip - 5, 2 * half - 2, 5, "#3a2a2a")
            buckle = box(-3.5, cut.hip - 6, 7, 7, "#f2c230", rx=1.5)
            trimming = belt + buckle + box(-cut.flare - 1, cut.hem - 4, 2 * cut.flare + 2, 5, "#fff", rx=2.5)
        case "sport":
            trimming = box(-3, y + 8, 6, 12, "#fff", opacity=0.85)
        case _ if clothes.skirt:
            trimming = line(f"M{-half + 1.2} {cut.hip - 4} H{half - 1.2}", clothes.shade, 2.6)
        case _:
            trimming = path(f"M-4.5 {y - 1} Q0 {y + 5} 4.5 {y - 1} Z", clothes.shade)
    return trimming


def helmet(size: float, plume: str) -> str:
    """An open helmet with a plume, around a head of this size."""
    dome = d(
        "M", 3, 17, "C", 2, 5, 8, 0, 16, 0, "S", 30, 5, 29, 17, "L", 27, 20, "C", 27, 13, 25, 10, 21, 10, "H",
        11,
    )  # fmt: skip
    shine = d("M", 3, 17, "C", 2, 5, 8, 0, 16, 0, "C", 9, 3, 6, 9, 6.4, 14, "L", 5, 20, "Z")
    parts = (
        path("M16 1 C20 -9 29 -6 31 1 C27 -2 22 -1 18 4 Z", plume),
        path(dome + " C 7 10 5 13 5 20 Z", "#aab2c3"),
        path(shine, "#c9cfdb"),
        path("M15 0 H17 L17.6 10 H14.4 Z", "#7d8598"),
    )
    return moved("".join(parts), -size / 2, 0, size / 32)


@dataclass(frozen=True, slots=True)
class _Cut:
    """The measures of a trunk: half widths at the shoulders and the hem, and the heights of its parts."""

    half: float
    y: float
    hip: float
    hem: float
    flare: float

    @classmethod
    def of(cls, clothes: Clothes, half: float, y: float) -> "_Cut":
        hip = y + (FOOT_Y - y) * _HIP
        if clothes.outfit == "robe":
            return cls(half, y, hip, FOOT_Y, half + 11)
        return (
            cls(half, y, hip, hip + 12, half + 8) if clothes.skirt else cls(half, y, hip, hip + 4, half - 1)
        )

    @property
    def top(self) -> float:
        return self.half - 3

    def outline(self) -> str:
        return self.right_side(-self.top + 5) + d("H", -self.flare + 3, *self._left())

    def right_side(self, start_x: float) -> str:
        """From a point on the shoulders over the right edge to the hem."""
        return d(
            "M", start_x, self.y - 1, "H", self.top - 5, "Q", self.top, self.y, self.top, self.y + 4,
            "L", self.flare, self.hem - 3, "Q", self.flare, self.hem, self.flare - 3, self.hem, "",
        )  # fmt: skip

    def _left(self) -> tuple[str | float, ...]:
        return (
            "Q", -self.flare, self.hem, -self.flare, self.hem - 3, "L", -self.top, self.y + 4,
            "Q", -self.top, self.y, -self.top + 5, self.y - 1, "Z",
        )  # fmt: skip


def _motley(clothes: Clothes, cut: _Cut) -> str:
    """A clown's second half, dots, buttons and ruff."""
    y = cut.y
    dots = ((-8, 9, clothes.second), (8, 13, clothes.first), (-7, 21, clothes.second), (8, 24, clothes.first))
    return (
        path(cut.right_side(0) + "H 0 Z", clothes.second)
        + "".join(circle(x, y + down, 2.2, fill) for x, down, fill in dots)
        + "".join(circle(0, y + down, 3, "#fff") for down in (10, 18, 26))
        + "".join(circle(x, y + 1 - abs(x) * 0.12, 5, "#fff") for x in (-14, -7, 0, 7, 14))
        + "".join(circle(x, y + 1, 4, "#dff1ff") for x in (-10.5, -3.5, 3.5, 10.5))
    )


def _plates(clothes: Clothes, cut: _Cut) -> str:
    """A knight's breastplate, belt and skirt."""
    y, hip, half, top = cut.y, cut.hip, cut.half, cut.top
    skirt = d(
        "M", -half, hip - 3, "H", half, "L", half + 3, hip + 12, "L", half / 2, hip + 8, "L", 0, hip + 13,
        "L", -half / 2, hip + 8, "L", -half - 3, hip + 12, "Z",
    )  # fmt: skip
    return (
        line(d("M", -top, y + 14, "Q", 0, y + 21, top, y + 14), _STEEL, 1.6)
        + line(d("M", 0, y, "V", hip), _STEEL, 1.6)
        + path(skirt, clothes.second)
        + box(-half, hip - 5, 2 * half, 4.5, "#6b4a2e", rx=2)
        + "".join(circle(x, y + 4, 6.5, "#b9c0cf") for x in (-top, top))
    )


def _leg_color(clothes: Clothes, skin: str, *, left: bool) -> str:
    match clothes.outfit:
        case "clown":
            return clothes.first if left else clothes.second
        case "armour":
            return "#7d8496"
        case "santa":
            return clothes.first
        case _:
            return skin if clothes.skirt else clothes.second
