"""Noun phrases: words grouped around a head, with number, colour and modifiers.

Knows the grammar of a phrase; how phrases relate to each other is `reading`'s work.
"""

from dataclasses import dataclass
from functools import cache

from canvas.reading import read_color
from engine.composer.planner import tables
from engine.composer.planner.inflection import (
    article,
    is_plural,
    is_uncountable,
    plural,
    singular,
)
from engine.composer.planner.tables import Noun
from engine.composer.planner.vocabulary import Word

MAX_PHRASE_WORDS = 8
_UNKNOWN_KIND = "object"
_UNKNOWN_COLORS = (
    "cornflowerblue",
    "coral",
    "mediumseagreen",
    "goldenrod",
    "orchid",
    "lightsteelblue",
    "tan",
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase.

    Attributes:
        words: Everything but articles and numbers, as said, the head last.
        head: The head noun as said, singular or plural.
        noun: What is known of it; made up for a word that is not known.
        number: 1 for one, 0 for several without a number.
        group: What it comes as: "a group of", "two bowls of"; mostly empty.
    """

    words: tuple[str, ...]
    head: str
    noun: Noun
    number: int = 1
    color: str = ""
    is_known: bool = True
    group: str = ""
    has_article: bool = False
    is_name: bool = False

    @property
    def modifiers(self) -> tuple[str, ...]:
        """The words before the head."""
        return self.words[:-1]

    @property
    def is_plural(self) -> bool:
        """Whether it is more than one."""
        return self.number != 1

    @property
    def said_size(self) -> int:
        """1 where its adjectives call it larger than others of its kind, -1 where smaller, else 0."""
        sizes = tables.words()["adjectives"]
        bigger, smaller = (set(sizes[size].split()) for size in ("bigger", "smaller"))
        said = set(self.modifiers)
        return bool(said & bigger) - bool(said & smaller)

    @property
    def bare(self) -> str:
        """The phrase without an article or a number."""
        return " ".join(self.words)

    @property
    def text(self) -> str:
        """The phrase as it stands in a sentence: "a red dragon", "three cats"."""
        if self.group:
            return f"{self.group} {self.bare}"
        if self.is_name and not self.has_article:
            return self.bare
        if self.bare in _PROPER_NAMES:
            return _PROPER_NAMES[self.bare]
        if self.number > 1:
            return f"{_NUMBER_NAMES.get(self.number, str(self.number))} {self.bare}"
        is_single = self.has_article and self.noun.kind in _COUNTED_KINDS
        if self.is_plural or is_plural(self.head) or (is_uncountable(self.head) and not is_single):
            return self.bare
        return f"{article(self.bare)} {self.bare}"

    @property
    def as_said(self) -> str:
        """The phrase with an article only where the person gave one."""
        return self.text if self.has_article or self.is_plural else self.bare


def phrase_of(words: tuple[Word, ...]) -> Phrase | None:
    """The phrase that some words make, or None when there is no thing among them."""
    content = [word for word in words if word.role not in {"determiner", "many"} and not word.number]
    content = content[-MAX_PHRASE_WORDS:]
    head = _head_index(content)
    if head is None:
        return None
    # an adjective after the noun, as other languages have it, goes before it
    ordered = [*content[head + 1 :], *content[:head], content[head]]
    return _phrase(words, ordered)


def _phrase(words: tuple[Word, ...], ordered: list[Word]) -> Phrase:
    head = ordered[-1]
    number = _number(words, head.text)
    said = head.text if number == 1 or is_plural(head.text) else plural(head.text)
    color = next((name for word in ordered[:-1] if (name := color_name(word))), "")
    noun = head.noun or _made_up(head.text)
    return Phrase(
        (*tuple(word.text.removesuffix("-colored") for word in ordered[:-1]), said),
        said,
        noun,
        number,
        color,
        head.noun is not None,
        has_article=any(word.role == "determiner" for word in words),
        is_name=head.role == "name",
    )


def color_name(word: Word) -> str:
    """The canvas colour that a word names, or empty."""
    is_other = word.hour or word.scenes
    return "" if is_other or not word.is_color else read_color(word.text.removesuffix("-colored")) or ""


@cache
def of_groups() -> frozenset[str]:
    """Words whose "of" names what they consist of."""
    return frozenset(tables.words()["of_groups"].split())


def _head_index(content: list[Word]) -> int | None:
    """The last noun; else the last word that could be one."""
    nouns = [index for index, word in enumerate(content) if word.noun]
    if nouns:
        last = nouns[-1]
        later_unknown = [i for i in range(last + 1, len(content)) if not _is_modifier(content[i])]
        return later_unknown[-1] if later_unknown else last
    others = [index for index, word in enumerate(content) if not _is_modifier(word)]
    return others[-1] if others else None


def _is_modifier(word: Word) -> bool:
    """Whether a word only describes."""
    return (
        word.role in {"adjective", "adverb", "verb"}
        or word.text.isdigit()
        or bool(word.mood or word.hour or word.style or word.scenes)
        or word.is_color
    )


def _number(words: tuple[Word, ...], head: str) -> int:
    counted = next((word.number for word in words if word.number), 0)
    if counted:
        return counted
    is_some = is_uncountable(head) and any(word.text == "some" for word in words)
    if (
        is_some
        or any(word.role == "many" for word in words)
        or (is_plural(head) and not is_uncountable(head))
    ):
        return 0
    return 1


def _made_up(head: str) -> Noun:
    """What is supposed of a word that no table knows; its letters choose its colour, the same each time."""
    name = singular(head)
    return Noun(name, _UNKNOWN_KIND, _UNKNOWN_COLORS[sum(map(ord, name)) % len(_UNKNOWN_COLORS)])


# one deer, two deer
_COUNTED_KINDS = {"animal", "fish", "flyer"}
_PROPER_NAMES = {
    "eiffel tower": "the Eiffel Tower", "great wall": "the Great Wall", "milky way": "the Milky Way",
    "santa claus": "Santa Claus", "santa": "Santa", "earth": "the earth",
    "mars": "Mars", "saturn": "Saturn", "jupiter": "Jupiter",
}  # fmt: skip
_NUMBER_NAMES = {
    2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven",
    8: "eight", 9: "nine", 10: "ten", 11: "eleven", 12: "twelve",
}  # fmt: skip
