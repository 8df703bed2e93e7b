"""Reads the noun phrases out of a description: which things, how many, of which colour, and quoted words.

It is a reader for captions, not a grammar: it cuts sentences where a noun phrase must end (prepositions,
verbs, relative pronouns) and leaves verbs and adjectives behind. It does not know what the words look like.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final

from canvas.names import COLORS

MAX_READ_CHARS: Final = 2000
"""A description is read this far; what follows can change no picture."""

MAX_GROUP: Final = 5

_QUOTED: Final = re.compile(
    r"(?:\b(?:reads?|says?|saying|reading|words?|text|message|titled|label?led|written|inscribed|inscription|"
    r"letters|phrase|banner|sign)\b|写着|写有|字样|横幅|标语|文字)[^'\"“‘「『《]{0,24}"
    r"['\"“‘「『《](.{1,80}?)['\"”’」』》](?=[\s.,;:!?)。，的]|$)",
    re.IGNORECASE,
)
_DRESSED: Final = re.compile(r"\b(?:in|wearing)(?: all)? (\w+)(?=[.,;]|$| and\b)")
_TOKEN: Final = re.compile(r"#?[^\W_]+(?:['’-]{1,2}[^\W_]+)*|[.,;:!?()\n—。，、；：！？]")
_HAN_BREAK: Final = re.compile(r"[\s,.;:!?。，、；：！？]+")
_HAN: Final = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One noun phrase.

    Attributes:
        words: In lower case, without determiners, colours and numbers; the last is the head, singular.
        count: How many; `MAX_GROUP` at most.
        color: A key of `canvas.names.COLORS` that stands before the head, or None.
        text: The phrase as it reads, for a label.
        main: Whether it belongs to the subject, before any preposition or verb.
    """

    words: tuple[str, ...]
    count: int = 1
    color: str | None = None
    text: str = ""
    main: bool = True


@dataclass(frozen=True, slots=True)
class _English:
    """The word lists of english.toml."""

    stops: frozenset[str]
    determiners: frozenset[str]
    collectives: frozenset[str]
    frames: frozenset[str]
    nouns_in_ing_or_ed: frozenset[str]
    also_verbs: frozenset[str]
    nouns_in_ly: frozenset[str]
    not_plural: frozenset[str]
    color_nouns: frozenset[str]
    vague: frozenset[str]
    adjectives: frozenset[str]
    counts: Mapping[str, int]
    irregular: Mapping[str, str]
    colors: Mapping[str, str]


def quoted_words(text: str) -> str | None:
    """The words that something in the picture reads, for example on a banner."""
    found = _QUOTED.search(text[:MAX_READ_CHARS])
    return " ".join(found.group(1).split()) if found else None


def clothes_color(text: str) -> str | None:
    """The colour that someone is dressed in without a garment being named: "a goalkeeper in yellow"."""
    found = _DRESSED.search(text[:MAX_READ_CHARS].lower())
    return _english().colors.get(found.group(1)) if found else None


def phrases(text: str) -> tuple[Phrase, ...]:
    """The noun phrases of a description or of comma-separated tags, in order."""
    text = _QUOTED.sub(
        lambda found: found.group(0)[: found.start(1) - found.start() - 1], text[:MAX_READ_CHARS]
    )
    if _HAN.search(text):
        return tuple(Phrase((clause,), text=clause) for clause in _HAN_BREAK.split(text) if clause)
    tokens = [*_TOKEN.findall(text.lower().replace("’", "'")), "."]
    reader = _Reader()
    for token, following in zip(tokens, [*tokens[1:], "."], strict=True):
        reader.read(token, following)
    return tuple(reader.found)


def is_vague(phrase: Phrase) -> bool:
    """Whether a phrase says nothing of what is to be seen: a scene, an arrangement."""
    return phrase.words[-1] in _english().vague


@dataclass(slots=True)
class _Reader:
    """Collects the words of one phrase after the other."""

    found: list[Phrase] = field(default_factory=list[Phrase])
    words: list[str] = field(default_factory=list[str])
    main: bool = True
    many: int = 0

    def read(self, token: str, following: str) -> None:
        """Takes the next word."""
        word = token.removesuffix("'s")
        if self._goes_on(word, following):
            self.words.append(word)
            if word != token:  # "the dragon's eyes": the owner is a thing of its own, the owned one follows
                self._finish()
                self.main = False
        elif word == "of" and self.words and _is_frame(self.words[-1]):
            self.many = max(self.many, _count_of(self.words[-1]))
            self.words = []
        else:
            self._finish()
            self.main = self.main and (word in ("and", ",", "or") or not self.found)

    def _finish(self) -> None:
        phrase = _phrase(self.words, main=self.main, count=self.many)
        if phrase:
            self.found.append(phrase)
        self.words, self.many = [], 0

    def _goes_on(self, word: str, following: str) -> bool:
        """Whether a word belongs to the noun phrase that is being read."""
        english = _english()
        if word in english.stops or not word[0].isalnum():
            return False
        if word in english.also_verbs and self.words:
            return following not in english.determiners and not _singular(self.words[-1])[1]
        long = len(word) > 4
        participle = long and word.endswith(("ing", "ed")) and word not in english.nouns_in_ing_or_ed
        adverb = long and word.endswith("ly") and word not in english.nouns_in_ly
        if participle or adverb:
            # "a smiling woman" goes on, "a woman smiling" ends there
            before = english.determiners | english.adjectives | english.counts.keys() | english.colors.keys()
            return "-" in word or before.issuperset(self.words)
        return True


def _phrase(words: list[str], *, main: bool, count: int) -> Phrase | None:
    """A phrase of its words; None when nothing but colours and numbers is left."""
    english = _english()
    color, named, number = None, "", 0
    kept: list[str] = []
    for position, word in enumerate(words):
        last = position == len(words) - 1
        if word in english.colors and not (last and (word in english.color_nouns or len(words) == 1)):
            color, named = english.colors[word], word
        elif word in english.counts and not last:
            number = english.counts[word]
        elif word.isdecimal():
            number = min(int(word[:3]), MAX_GROUP)
        elif word not in english.determiners:
            kept.append(word)
    if not kept:
        return None
    head, plural = _singular(kept[-1])
    number = number or count or (3 if plural else 1)
    return Phrase((*kept[:-1], head), min(number, MAX_GROUP), color, " ".join([named, *kept]).strip(), main)


def _singular(word: str) -> tuple[str, bool]:
    """A noun's singular, and whether it was a plural."""
    if word in _english().irregular:
        return _english().irregular[word], True
    if word in _english().not_plural or len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
        return word, False
    if word.endswith("ies"):
        return word[:-3] + "y", True
    if word.endswith(("ches", "shes", "xes", "sses", "zes")):
        return word[:-2], True
    return word[:-1], True


def _is_frame(word: str) -> bool:
    """Whether "word of X" is X, or several X."""
    head = _singular(word)[0]
    return head in _english().collectives or head in _english().frames


def _count_of(word: str) -> int:
    """How many "a pair of", "groups of" or "a crowd of" means; 0 where it says nothing."""
    head = _singular(word)[0]
    return _english().counts.get(head, 4) if head in _english().collectives else 0


@cache
def _english() -> _English:
    file = resources.files("engine.renderer.storyboard") / "data" / "english.toml"
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    lists = {name: frozenset(words.split()) for name, words in table.items() if isinstance(words, str)}
    colors = {**{name: name for name in COLORS}, **table["colors"]}
    return _English(**lists, counts=table["counts"], irregular=table["irregular"], colors=colors)
