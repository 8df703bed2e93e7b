"""One short line that tells a change, taken apart: a sentence with blanks, and what fills them.

The sentences are English; whoever speaks another language finds its own by them. What fills a blank is either
a name of `canvas.names`, a direction or an aspect, or words of the scene, which stay as they are written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class Sentence(Enum):
    """What a line says.

    Attributes:
        one: Of one thing.
        many: Of several.
    """

    ADDED = ("{thing} was added", "{thing} were added")
    REMOVED = ("{thing} was removed", "{thing} were removed")
    MOVED = "{thing} moved to {place}"
    MOVED_SLIGHTLY = "{thing} moved slightly {direction}"
    LARGER = ("{thing} is larger", "{thing} are larger")
    SMALLER = ("{thing} is smaller", "{thing} are smaller")
    TALLER = ("{thing} is taller", "{thing} are taller")
    WIDER = ("{thing} is wider", "{thing} are wider")
    NARROWER = ("{thing} is narrower", "{thing} are narrower")
    SHORTER = ("{thing} is shorter", "{thing} are shorter")
    RECOLOURED = "{thing}: the colour is now {color}"
    NEARER = ("{thing} is nearer", "{thing} are nearer")
    FARTHER = ("{thing} is farther away", "{thing} are farther away")
    BECAME = "{thing} became {other}"
    NOW_IS = ("{thing} is now {said}", "{thing} are now {said}")
    NO_LONGER = ("{thing} is no longer {said}", "{thing} are no longer {said}")
    NOW_HAS = ("{thing} now has {said}", "{thing} now have {said}")
    NOW_DOES = "{thing} now {said}"
    DESCRIBED_ANEW = ("{thing} was described anew", "{thing} were described anew")
    SWAPPED = "{thing}: {before} became {after} in the details"
    NEW_ASPECTS = "{thing}: new {aspects}"
    SCENE_SWAPPED = "scene: {before} became {after}"
    SCENE_IS_NOW = "scene is now: {said}"
    SCENE_DESCRIBED_ANEW = "scene was described anew"
    SCENE_DETAILS = "scene: new details"
    BACKGROUND = "background became {color}"

    def __init__(self, one: str, many: str = "") -> None:
        self.one = one
        self.many = many or one


NAMED_PARTS: Final = frozenset({"place", "direction", "color", "aspects", "where"})
"""The blanks that hold names, which other languages have words for."""

PLACED_THING: Final = "{thing} {where}"
"""A thing that is told from others of its kind by where it is."""

Part = str | tuple[str, ...]
"""What fills a blank: words, or several that are listed."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line, taken apart.

    Attributes:
        parts: What fills the sentence's blanks; and under `where` the location that tells the thing from
            others of its kind, if it takes one.
        is_plural: Whether the thing is several.
    """

    sentence: Sentence
    parts: Mapping[str, Part] = field(default_factory=dict[str, Part])
    is_plural: bool = False

    @property
    def english(self) -> str:
        """The line in English, with names as the language writes them."""
        parts = {name: listed(part) for name, part in self.parts.items()}
        if "where" in parts:
            parts["thing"] = PLACED_THING.format(**parts)
        sentence = self.sentence.many if self.is_plural else self.sentence.one
        return sentence.format(**parts)


def listed(part: Part) -> str:
    """Words as English lists them: "red", "red and tall", "red, tall and old"."""
    words: Sequence[str] = (part,) if isinstance(part, str) else part
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
