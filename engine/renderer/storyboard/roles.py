"""The kinds of people: which heads they have, what they wear, how tall they are. A table, nothing more."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from engine.renderer.storyboard.drawing import Rgb

Outfit = Literal[
    "casual", "calm", "child", "sport", "dress", "robe", "suit", "santa", "clown", "armour", "plain"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Role:
    """A person with a drawn body.

    Attributes:
        heads: Icons, in the order in which the people of a group take them.
        outfit: What the body wears.
        head: The head's size where the whole person has 100.
        height: Beside a grown person.
        hat: An icon, or empty.
        cloth: The clothes' colour, or None to choose one.
        skin: Instead of a human skin, or empty.
    """

    heads: tuple[str, ...]
    outfit: Outfit = "casual"
    head: float = 36.0
    height: float = 1.0
    hat: str = ""
    cloth: Rgb | None = None
    skin: str = ""


@dataclass(frozen=True, slots=True)
class HalfRole:
    """A person whom an icon shows down to the chest.

    Attributes:
        icons: To choose from.
        cloth: The colour that goes on below.
        trousers: Their colour; None where the cloth reaches the feet, as a robe or a gown does.
    """

    icons: tuple[str, ...]
    cloth: str
    trousers: str | None


_MEN: Final = ("man", "man-beard", "man-curly-hair")
_WOMEN: Final = ("woman", "woman-curly-hair")
_GROWN: Final = ("woman", "man", "woman-curly-hair", "man-beard", "woman", "man-curly-hair")
_CHILDREN: Final = ("girl", "boy", "child")

WOMENS_HEADS: Final = frozenset({"girl", "woman", "woman-curly-hair", "old-woman"})
"""Heads that may go with a skirt."""

ROLES: Final = MappingProxyType(
    {
        "child": Role(_CHILDREN, "child", 44, 0.8),
        "girl": Role(("girl",), "child", 44, 0.8),
        "boy": Role(("boy",), "child", 44, 0.8),
        "student": Role(("girl", "boy", "child", "person"), "child", 42, 0.85),
        "toddler": Role(("baby",), "child", 50, 0.6),
        "adult": Role(_GROWN),
        "man": Role(_MEN),
        "woman": Role(_WOMEN, "dress"),
        "parent": Role(_GROWN, "calm"),
        "elder": Role(("old-woman", "old-man"), "calm"),
        "grandmother": Role(("old-woman",), "dress"),
        "grandfather": Role(("old-man",), "calm"),
        "clown": Role(("clown-face",), "clown", 42, skin="#ffffff"),
        "knight": Role(("man", "man-beard", "woman", "person"), "armour"),
        "king": Role(("man-beard", "old-man"), "robe", hat="crown", cloth=(170, 40, 60)),
        "queen": Role(("woman",), "robe", hat="crown", cloth=(126, 70, 170)),
        "magician": Role(("man", "man-beard"), "suit", hat="top-hat", cloth=(58, 46, 74)),
        "santa": Role(("santa-claus",), "santa", 44, cloth=(226, 44, 48)),
        "player": Role(_GROWN, "sport"),
        "robot": Role(("robot",), "plain", 40, cloth=(176, 184, 200), skin="#9aa3b5"),
        "alien": Role(("alien",), "plain", 44, cloth=(120, 104, 190), skin="#7ccf5a"),
        "pirate": Role(("man-beard", "man"), "casual", hat="top-hat", cloth=(120, 40, 48)),
    }
)

HALF_ROLES: Final = MappingProxyType(
    {
        "bride": HalfRole(("woman-with-veil",), "#f4f4f8", None),
        "groom": HalfRole(("man-in-tuxedo",), "#321b41", "#321b41"),
        "princess": HalfRole(("princess",), "#7a4fb8", None),
        "prince": HalfRole(("prince",), "#0f84d8", "#e6e6e6"),
        "guard": HalfRole(("guard",), "#e0355a", "#321b41"),
        "ninja": HalfRole(("ninja",), "#321b41", "#2a1638"),
        "mage": HalfRole(("man-mage", "woman-mage"), "#0086d0", None),
        "elf": HalfRole(("woman-elf", "man-elf"), "#6d4534", "#4c7a3f"),
        "astronaut": HalfRole(("man-astronaut", "woman-astronaut"), "#dcdce4", "#cfcfd8"),
        "farmer": HalfRole(("man-farmer", "woman-farmer"), "#0083c8", "#0074ba"),
        "cook": HalfRole(("man-cook", "woman-cook"), "#f4f4f4", "#5c5f70"),
        "graduate": HalfRole(("man-student", "woman-student"), "#1c1c1c", None),
        "teacher": HalfRole(("man-teacher", "woman-teacher"), "#6d4534", "#4a4458"),
        "police": HalfRole(("man-police-officer", "woman-police-officer"), "#00a6ed", "#0d4f8c"),
        "pilot": HalfRole(("man-pilot", "woman-pilot"), "#321b41", "#321b41"),
        "firefighter": HalfRole(("man-firefighter", "woman-firefighter"), "#ca0b4a", "#8a2036"),
        "builder": HalfRole(("man-construction-worker", "woman-construction-worker"), "#ff822d", "#3d5a80"),
        "detective": HalfRole(("man-detective", "woman-detective"), "#8b5fbf", "#433b6b"),
        "artist": HalfRole(("man-artist", "woman-artist"), "#e4e4ea", "#4a5a80"),
        "singer": HalfRole(("man-singer", "woman-singer"), "#ff822d", "#433b6b"),
        "scientist": HalfRole(("man-scientist", "woman-scientist"), "#f0f0f4", "#4a5a80"),
        "doctor": HalfRole(("man-health-worker", "woman-health-worker"), "#f0f0f4", "#3f7f9c"),
        "judge": HalfRole(("man-judge", "woman-judge"), "#1c1c1c", None),
        "mechanic": HalfRole(("man-mechanic", "woman-mechanic"), "#0074ba", "#005a94"),
        "superhero": HalfRole(("man-superhero", "woman-superhero"), "#0074ba", "#0074ba"),
        "vampire": HalfRole(("man-vampire", "woman-vampire"), "#321b41", "#2a1638"),
        "genie": HalfRole(("man-genie",), "#00a6ed", None),
    }
)

OWN_COLORS: Final = frozenset(HALF_ROLES) | {
    "clown",
    "knight",
    "king",
    "queen",
    "magician",
    "santa",
    "robot",
    "alien",
}
"""Roles that are known by the colours they wear."""

UNIFORMED: Final = frozenset({"player", "knight", "guard"})
"""Roles of which a whole group wears one colour."""
