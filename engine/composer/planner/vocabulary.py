"""The words of prompts and what they can mean, and the cutting of a text into such words.

Knows single words and fixed phrases; how they make up things and places is `reading`'s work.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from canvas.names import COLORS
from canvas.synonyms import BASIC_COLORS, COLOR_WORDS
from engine.composer.planner import tables
from engine.composer.planner.tables import BEINGS, Noun

MAX_TOKENS = 600
_MAX_PHRASE_WORDS = 7
_TOKEN = re.compile(r"[^\W_]+(?:['\-][^\W_]+)*|[,.;:!?&+/()\n]")
_STYLE_TAILS = ("", " style", " painting", " drawing", " picture", " illustration")
# words that name a colour only beside a noun would be taken for one too often
_NO_COLORS = {
    "sky",
    "sea",
    "ocean",
    "forest",
    "night",
    "lead",
    "ice",
    "grass",
    "fire",
    "fern",
    "leaf",
    "stone",
    "wood",
}


@dataclass(frozen=True, slots=True)
class Word:
    """A word or fixed phrase with all that it can mean.

    Attributes:
        role: `determiner`, `many`, `adjective`, `adverb`, `verb`, `carrier`, `name`, or empty.
        number: What a number word counts.
        relation: A key of `[relations]`, or empty.
        place: A location of the language, `background` or `foreground`, or empty.
    """

    text: str
    role: str = ""
    number: int = 0
    relation: str = ""
    place: str = ""
    noun: Noun | None = None
    scenes: tuple[str, ...] = ()
    hour: str = ""
    mood: str = ""
    style: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it means anything at all."""
        return self != Word(self.text)

    @property
    def is_being(self) -> bool:
        """Whether it names somebody who may do something."""
        return self.noun is not None and self.noun.kind in BEINGS

    @property
    def is_break(self) -> bool:
        """Whether it is a punctuation mark."""
        return not self.text[0].isalnum()

    @property
    def is_color(self) -> bool:
        """Whether it can name a colour."""
        return self.text in color_words() or self.text.removesuffix("-colored") in color_words()


def cut(text: str) -> tuple[Word, ...]:
    """The words of an English text, each the longest that is known; the rest of an endless text is left."""
    tokens = [match[0] for _, match in zip(range(MAX_TOKENS), _TOKEN.finditer(text), strict=False)]
    return tuple(_longest_words(tokens))


def _longest_words(as_said: list[str]) -> Iterator[Word]:
    tokens = [token.lower() for token in as_said]
    start = 0
    while start < len(tokens):
        for length in range(min(_MAX_PHRASE_WORDS, len(tokens) - start), 0, -1):
            text = " ".join(tokens[start : start + length])
            if length == 1 or text in vocabulary():
                yield vocabulary().get(text) or _unknown(as_said[start])
                start += length
                break


def _unknown(token: str) -> Word:
    """A word that no table has; with a capital it is somebody's or some place's name."""
    if token[0].isupper() and token[1:].islower() and token.lower() not in color_words():
        return Word(token, role="name")
    return Word(token.lower(), number=_digits(token))


def _digits(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else 0


@cache
def color_words() -> frozenset[str]:
    """Words that can name a colour before a noun."""
    particular = {word for word in COLOR_WORDS if word.isascii()} - _NO_COLORS
    return frozenset({*COLORS, *(word for word in BASIC_COLORS if word.isascii()), *particular})


@cache
def gerunds() -> dict[str, str]:
    """The verbs that tell what somebody does, each with its form in "a sleeping cat"."""
    small = tables.words()
    others = set(small["adjectives"]["common"].split())
    return {base: _gerund(base) for base in small["verbs"]["common"].split() if base not in others}


@cache
def vocabulary() -> dict[str, Word]:
    """Every known word and phrase in lower case."""
    found: dict[str, dict[str, object]] = {}
    for phrase, meaning, value in _entries():
        found.setdefault(phrase, {}).setdefault(meaning, value)
    return {phrase: Word(phrase, **meanings) for phrase, meanings in found.items()}  # pyright: ignore[reportArgumentType] - the entries name Word's own fields


def _entries() -> Iterator[tuple[str, str, object]]:
    """(phrase, field of Word, value) of every table; the first value of a field wins."""
    yield from _small_words()
    for form, noun in tables.noun_forms().items():
        yield form, "noun", noun
    yield from _scene_entries()
    for name, hour in tables.hours().items():
        yield from ((say, "hour", name) for say in hour.say if say.isascii())
    for name, mood in tables.moods().items():
        yield from ((say, "mood", name) for say in mood.say if say.isascii())
    for sentence, sayings in tables.styles().items():
        yield from ((f"{say}{tail}", "style", sentence) for say in sayings for tail in _STYLE_TAILS)


def _scene_entries() -> Iterator[tuple[str, str, object]]:
    names: dict[str, list[str]] = {}
    for name, scene in tables.scenes().items():
        for say in scene.say:
            names.setdefault(say, []).append(name)
    for say, scenes in names.items():
        yield say, "scenes", tuple(scenes)


def _small_words() -> Iterator[tuple[str, str, object]]:
    small = tables.words()
    yield from _role("determiner", small["determiners"])
    yield from _role("many", small["plural_words"])
    yield from _role("carrier", small["verbs"]["carriers"])
    yield from _role("adjective", small["adjectives"]["common"])
    yield from _role("adverb", small["adjectives"]["adverbs"])
    for number, count in small["numbers"].items():
        yield number, "number", count
    for relation, sayings in small["relations"].items():
        yield from ((tables.spaced(say), "relation", relation) for say in sayings.split())
    yield from _place_entries()
    for verb in sorted(_verb_forms()):
        if verb not in tables.noun_forms():
            yield verb, "role", "verb"


def _role(role: str, sayings: str) -> Iterator[tuple[str, str, object]]:
    return ((tables.spaced(say), "role", role) for say in sayings.split())


def _place_entries() -> Iterator[tuple[str, str, object]]:
    tails = ("", " side", " corner", " edge", " half", " part")
    of_picture = ("", *(f" of the {whole}" for whole in ("image", "picture", "scene", "canvas", "frame")))
    for place, sayings in tables.words()["places"].items():
        for say in (tables.spaced(word) for word in sayings.split()):
            for head in ("on the", "to the", "at the", "in the", "from the", "on", "at", "in", "the", "far"):
                for tail in tails:
                    yield from ((f"{head} {say}{tail}{end}", "place", place) for end in of_picture)
    for side in ("left", "right"):
        yield from ((f"{head} the {side} of", "relation", side) for head in ("on", "to", "at"))


def _verb_forms() -> set[str]:
    verbs = tables.words()["verbs"]
    forms = set(f"{verbs['irregular']} {verbs['participles']} {verbs['held']}".split())
    for base in verbs["common"].split():
        forms |= {base, *_third_person(base), _gerund(base)}
    return forms


def _third_person(base: str) -> tuple[str, ...]:
    if re.search(r"[^aeiou]y$", base):
        return (f"{base[:-1]}ies",)
    return (f"{base}es",) if re.search(r"(?:s|x|ch|sh|o)$", base) else (f"{base}s",)


def _gerund(base: str) -> str:
    if base == "lie":
        return "lying"
    if base.endswith("e") and not base.endswith("ee"):
        return f"{base[:-1]}ing"
    doubled = re.search(r"[^aeiou][aeiou][bdgmnpt]$", base) and base not in {"listen", "open", "discover"}
    return f"{base}{base[-1]}ing" if doubled else f"{base}ing"
