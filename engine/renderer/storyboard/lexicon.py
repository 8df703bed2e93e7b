"""What a noun phrase shows: an icon, a person with a role, a drawn prop, or a stretch of scenery.

It knows names of pictures only; how they look is `icons`, `people`, `props` and `scenery`.
"""

import gzip
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, Literal, cast

from engine.renderer.storyboard.reading import Phrase

Kind = Literal["icon", "person", "prop", "scenery"]

MANY: Final = 3
"""So many trees are a wood."""

_SECTIONS: Final[tuple[tuple[str, Kind], ...]] = (
    ("icons", "icon"),
    ("figures", "icon"),
    ("props", "prop"),
    ("scenery", "scenery"),
    ("people", "person"),
)
"""The tables of words.toml with what they name; what comes later wins."""
_TRAITS: Final = ("tinted", "mixed", "glowing", "celestial", "never_details")
_MAX_KEY_WORDS: Final = 4
_HAN_MAX_CHARS: Final = 6


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that can be drawn.

    Attributes:
        kind: Which module draws it.
        name: The icon, role, prop or kind of scenery.
        word: The word that named it, singular.
    """

    kind: Kind
    name: str
    word: str


@dataclass(frozen=True, slots=True)
class _Lexicon:
    things: Mapping[str, Thing]
    many: Mapping[str, Thing]
    chinese: Mapping[str, str]
    floating: frozenset[str]
    small: frozenset[str]
    worn: Mapping[str, str]
    natural: Mapping[str, str]
    traits: Mapping[str, frozenset[str]]


def find(phrase: Phrase) -> Thing | None:
    """The thing that a phrase names: the longest known word at its end, then an earlier noun in it."""
    known = _lexicon()
    if len(phrase.words) == 1 and not phrase.words[0].isascii():
        return _find_han(phrase.words[0], known)
    words = phrase.words
    for end in range(len(words), 0, -1):
        for length in range(min(_MAX_KEY_WORDS, end), 0, -1):
            key = " ".join(words[end - length : end])
            several = known.many.get(key) if phrase.count >= MANY and end == len(words) else None
            thing = several or known.things.get(key)
            if thing and (end == len(words) or thing.kind != "scenery"):
                return thing
    return None


def floats(thing: Thing) -> bool:
    """Whether a thing hangs, flies or swims, and stands on nothing."""
    if thing.kind == "icon":
        return thing.name in _lexicon().floating
    return thing.kind == "prop" and thing.name in (
        "banner",
        "balloons",
        "garland",
        "string_lights",
        "lanterns",
    )


def can_be_held(thing: Thing) -> bool:
    """Whether a person can hold it in a hand."""
    return thing.kind == "icon" and thing.name in _lexicon().small


def is_natural(thing: Thing, color: str) -> bool:
    """Whether an animal is called by that colour in the colours that its icon has: a red fox."""
    return color in _lexicon().natural.get(thing.name, "").split(", ")


def worn_on(thing: Thing) -> str | None:
    """Where a person wears it: `head`, `eyes`, `neck`, or None."""
    return _lexicon().worn.get(thing.name) if thing.kind == "icon" else None


def has_trait(thing: Thing, trait: str) -> bool:
    """Whether words.toml lists an icon under `tinted`, `mixed`, `glowing`, `celestial` or `never_details`."""
    return thing.kind == "icon" and thing.name in _lexicon().traits[trait]


def is_clothing(word: str) -> bool:
    """Whether a word names a garment."""
    return word in _lexicon().traits["clothes"]


def _find_han(text: str, known: _Lexicon) -> Thing | None:
    """The last of the longest known words: the head of a Chinese noun phrase stands at its end."""
    for end in range(len(text), 0, -1):
        for length in range(min(_HAN_MAX_CHARS, end), 0, -1):
            piece = text[end - length : end]
            thing = known.things.get(known.chinese.get(piece, piece))
            if thing and re.match(r"[\u3400-\u9fff]", piece):
                return Thing(thing.kind, thing.name, piece)
    return None


@cache
def _lexicon() -> _Lexicon:
    folder = resources.files("engine.renderer.storyboard") / "data"
    table = tomllib.loads((folder / "words.toml").read_text(encoding="utf-8"))
    words = cast(
        "dict[str, dict[str, str]]", json.loads(gzip.decompress((folder / "words.json.gz").read_bytes()))
    )
    things = {
        word: Thing("icon", icon, word) for language in ("zh", "en") for word, icon in words[language].items()
    }
    for section, kind in _SECTIONS:
        things |= _things(kind, table[section])
    traits = {trait: _listed(table[trait]["icons"]) for trait in _TRAITS}
    return _Lexicon(
        things=things,
        many=_things("scenery", table["many"]),
        chinese=table["chinese"],
        floating=_listed(table["floating"]["icons"]),
        small=_listed(table["small"]["icons"]),
        worn=table["worn"],
        natural=table["natural"],
        traits=traits | {"clothes": _listed(table["clothes"]["words"])},
    )


def _things(kind: Kind, words_of: Mapping[str, str]) -> dict[str, Thing]:
    """What each of the words names that stand beside the names of some pictures."""
    return {word: Thing(kind, name, word) for name, listed in words_of.items() for word in listed.split(", ")}


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split(", "))
