"""The thing that a description speaks of: "A group of fierce warriors." speaks of warriors.

A small reading of English noun phrases without a dictionary: classes of words, endings, and short lists of
what the endings get wrong (`canvas.english`). Where it fails it keeps more words than needed, so a name is
clumsy rather than wrong. Nothing is known here of places, colours or regions.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from canvas.english import (
    ADJECTIVE_ENDINGS,
    ADJECTIVES,
    ARTICLES,
    CLAUSE_WORDS,
    COLLECTIVES,
    ED_NOUNS,
    FINITE_VERBS,
    FRAME_VERBS,
    FRAMES,
    ING_NOUNS,
    IRREGULAR_PLURALS,
    LY_NOUNS,
    NOUNS_LIKE_ADJECTIVES,
    NUMBERS,
    PARTICIPLES,
    POSSESSIVES,
    POST_ADVERBS,
    PREPOSITIONS,
    PROPER_NAMES,
    SINGULARS_WITH_S,
)
from canvas.names import COLORS
from canvas.synonyms import BASIC_COLORS, COLOR_WORDS

MAX_CHARS: Final = 240
_MAX_COMPOUND_WORDS = 3
_MAX_NESTING = 4

_DETERMINERS = ARTICLES | POSSESSIVES | NUMBERS
_STOPPERS = PREPOSITIONS | CLAUSE_WORDS | POST_ADVERBS
_JOINERS = frozenset({"and", "or", "&", ","})

_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*'?|[,&]|[.;:!?]")
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
_CLASSIFIER = re.compile(
    "^(?:[一两二三四五六七八九十几数多]|一些|许多)?[只个条位名群座棵朵张辆匹头颗片间艘把本件些]"
)
_CLAUSE_END = re.compile("[，。,.;；！!？?]")


@dataclass(frozen=True, slots=True)
class NounPhrase:
    """A description taken apart: "a" + "starry" + "night sky" + "over the sea".

    Attributes:
        determiner: An article, a possessive, a number or nothing, in lower case.
        modifiers: Adjectives and participles before the head.
        head: The noun with the nouns that make a compound with it, or nouns joined by "and".
        named: Modifiers and head as they are written, with whatever joins them.
        rest: What the sentence says after the head.
        is_plural: Whether the head stands for several.
    """

    determiner: str
    modifiers: tuple[str, ...]
    head: str
    named: str
    rest: str = ""
    is_plural: bool = False

    @property
    def number(self) -> str:
        """The determiner if it says how many, or nothing."""
        return self.determiner if self.determiner in NUMBERS or self.determiner.isdigit() else ""

    @property
    def introduction(self) -> str:
        """The phrase as something new is named: "a red lamp", "two dogs", "an owl"."""
        return f"{self.determiner} {self.named}".strip()


def noun_phrase(description: str) -> NounPhrase | None:
    """The noun phrase that a description opens with, or None where there is no noun."""
    return _noun_phrase(description[:MAX_CHARS].strip())


@lru_cache(1024)
def _noun_phrase(text: str) -> NounPhrase | None:
    return _ideographic(text) if _IDEOGRAPH.search(text) else _Reader(text).read()


def is_adjective(word: str) -> bool:
    """Whether a word surely describes: a known adjective or colour, or one with a telling ending."""
    folded = word.lower()
    start, _, last = folded.rpartition("-")
    if start:
        return is_participle(last) or last in ADJECTIVES
    if folded.endswith(ADJECTIVE_ENDINGS):
        return folded not in NOUNS_LIKE_ADJECTIVES
    return folded in ADJECTIVES or folded in BASIC_COLORS


def is_color(word: str) -> bool:
    """Whether a lower-case word is an adjective of colour."""
    return word in BASIC_COLORS or word in COLORS or word in COLOR_WORDS


def is_participle(word: str) -> bool:
    """Whether a lower-case word is a participle, to all appearances."""
    if word in PARTICIPLES:
        return True
    if word.endswith("ing"):
        return len(word) > 4 and word not in ING_NOUNS
    return word.endswith("ed") and len(word) > 3 and word not in ED_NOUNS


class _Reader:
    """Reads the words of one description; every method takes the index of a word."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans = list(_WORD.finditer(text))
        self._words = [match[0].lower().rstrip("'") for match in self._spans]

    def read(self) -> NounPhrase | None:
        return self._phrase(self._skip_opening(0), 0)

    def _at(self, index: int) -> str:
        return self._words[index] if index < len(self._words) else "."

    def _skip_opening(self, index: int) -> int:
        """Past "There is", and past "In the center of the image,"."""
        if (
            self._at(index) in {"there", "here", "this", "these", "it"}
            and self._at(index + 1) in CLAUSE_WORDS
        ):
            return index + 2
        if self._at(index) not in PREPOSITIONS:
            return index
        if "," in self._words:
            return self._words.index(",") + 1
        later = (at for at in range(index + 2, len(self._words)) if self._at(at) in {"a", "an"} | NUMBERS)
        return next(later, index)

    def _phrase(self, start: int, nesting: int) -> NounPhrase | None:
        determiner = self._at(start) if self._is_determiner(start) else ""
        nouns, end = self._collect(start + bool(determiner))
        if not nouns:
            return None
        inner = self._looked_through(self._words[nouns[-1]], end, nesting)
        if inner:
            return inner
        nouns = self._without_verb(
            nouns, singular=determiner in {"a", "an", "one", "another", "each", "every"}
        )
        end = nouns[-1] + 1
        first = self._first_of_head(nouns)
        phrase = NounPhrase(
            determiner,
            modifiers=tuple(self._words[at] for at in nouns[:first] if not _is_adverb(self._words[at])),
            head=self._written(nouns[first], end),
            named=self._written(nouns[0], end),
            rest=self._rest(end),
            is_plural=_is_plural(self._words[nouns[-1]]) or determiner in NUMBERS,
        )
        return self._joined(phrase, end, nesting)

    def _is_determiner(self, index: int) -> bool:
        word = self._at(index)
        return word in _DETERMINERS or word.isdigit()

    def _collect(self, index: int) -> tuple[list[int], int]:
        """The words of one noun phrase, and the index after them."""
        found: list[int] = []
        while index < len(self._words) and not self._ends_phrase(index, found):
            if self._words[index] not in _JOINERS:
                found.append(index)
            index += 1
        while len(found) > 1 and self._describes(found[-1]) and not all(map(self._describes, found)):
            found.pop()
        return found, (found[-1] + 1 if found else index)

    def _ends_phrase(self, index: int, found: list[int]) -> bool:
        word = self._words[index]
        has_noun = bool(found) and not self._describes(found[-1])
        if word in _JOINERS:
            return not found or has_noun
        if word in _STOPPERS or word in _DETERMINERS or not word[0].isalnum():
            return True
        if not has_noun:
            return False
        return word in FINITE_VERBS | FRAME_VERBS or is_participle(word) or _is_adverb(word)

    def _describes(self, index: int) -> bool:
        word = self._words[index]
        return is_adjective(word) or is_participle(word) or _is_adverb(word)

    def _looked_through(self, noun: str, end: int, nesting: int) -> NounPhrase | None:
        """For "a group of dogs", "an image of dogs" and "the image shows dogs": the dogs."""
        following = self._at(end)
        is_opening = (noun in COLLECTIVES | FRAMES and following == "of") or (
            noun in FRAMES and following in FRAME_VERBS
        )
        if not is_opening or nesting >= _MAX_NESTING:
            return None
        return self._phrase(end + 1, nesting + 1)

    def _without_verb(self, nouns: list[int], *, singular: bool) -> list[int]:
        """Of "a dog runs" the dog: after "a" no plural can stand last."""
        if singular and len(nouns) > 1 and self._words[nouns[-1]].endswith("s"):
            verb, noun = nouns[-1], nouns[-2]
            if _is_plural(self._words[verb]) and not self._describes(noun):
                return nouns[:-1]
        return nouns

    def _first_of_head(self, nouns: list[int]) -> int:
        first = len(nouns) - 1
        while (
            first > 0 and not self._describes(nouns[first - 1]) and len(nouns) - first < _MAX_COMPOUND_WORDS
        ):
            first -= 1
        return first

    def _joined(self, phrase: NounPhrase, end: int, nesting: int) -> NounPhrase:
        """With the noun that follows "and": parents and caregivers."""
        if self._at(end) not in {"and", "&"} or nesting >= _MAX_NESTING:
            return phrase
        other = self._phrase(end + 1, _MAX_NESTING)
        if other is None or is_adjective(other.head):
            return phrase
        head, named = f"{phrase.head} and {other.head}", f"{phrase.named} and {other.introduction}"
        return NounPhrase(phrase.determiner, phrase.modifiers, head, named, other.rest, is_plural=True)

    def _written(self, start: int, end: int) -> str:
        """Words as they are written; the first of a sentence keeps its capital only where a name has it."""
        words = [match[0] for match in self._spans[start:end]]
        is_name = words[0] != words[0].capitalize() or (len(words) > 1 and words[1][0].isupper())
        if start == 0 and not is_name and words[0].lower() not in PROPER_NAMES:
            words[0] = words[0].lower()
        return " ".join(words).replace(" ,", ",")

    def _rest(self, end: int) -> str:
        start = self._spans[end].start() if end < len(self._spans) else len(self._text)
        return self._text[start:].strip(" .,;:!")


def _ideographic(text: str) -> NounPhrase | None:
    """Of a Chinese description the noun: what follows the last 的, without number and classifier."""
    clauses = [clause for clause in _CLAUSE_END.split(text) if clause.strip()]
    noun = _CLASSIFIER.sub("", clauses[0].strip()) if clauses else ""
    head = noun.rpartition("的")[2].strip() or noun
    return NounPhrase("", (), head, head) if head else None


def _is_adverb(word: str) -> bool:
    return word in {"very", "too", "quite"} or (
        word.endswith("ly") and len(word) > 4 and word not in LY_NOUNS and word not in ADJECTIVES
    )


def _is_plural(word: str) -> bool:
    last = word.rpartition("-")[2]
    if last in IRREGULAR_PLURALS:
        return True
    return last.endswith("s") and not last.endswith(("ss", "'s", "’s", "us")) and last not in SINGULARS_WITH_S
