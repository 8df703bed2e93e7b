"""Which region of one canvas is which of another: by what they say and where they are."""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

from canvas.model import LocalDescription
from canvas.nouns import noun_phrase

Pair = tuple[int, int]
"""(index in the old canvas, index in the new canvas)."""

_SAME_TEXT: Final = 0.35
_SAME_SPOT: Final = 0.8
_MIN_SCORE: Final = 0.45
_SHARE_OF_TEXT: Final = 0.65
_MAX_WORDS: Final = 2000

_WORD = re.compile(r"[^\W_]+")
_EMPTY_WORDS = frozenset(
    {"a", "an", "the", "of", "in", "on", "at", "to", "and", "with", "is", "are", "its", "their", "it", "by"}
)


def matched(old: tuple[LocalDescription, ...], new: tuple[LocalDescription, ...]) -> tuple[Pair, ...]:
    """Pairs of regions that are the same thing before and after, sorted by the new index.

    Equal regions are paired first, then the likeliest pair of the rest, and so on while a pair is likely: the
    words are alike, or something else stands in the very same spot.
    """
    pairs = _equal_pairs(old, new)
    pairs += _likely_pairs(
        [(index, _Features.of(old[index])) for index in _left(len(old), {a for a, _ in pairs})],
        [(index, _Features.of(new[index])) for index in _left(len(new), {b for _, b in pairs})],
    )
    return tuple(sorted(pairs, key=lambda pair: pair[1]))


def _equal_pairs(old: tuple[LocalDescription, ...], new: tuple[LocalDescription, ...]) -> list[Pair]:
    waiting: defaultdict[LocalDescription, list[int]] = defaultdict(list)
    for index in reversed(range(len(old))):
        waiting[old[index]].append(index)
    return [(waiting[local].pop(), index) for index, local in enumerate(new) if waiting[local]]


def _left(count: int, taken: set[int]) -> list[int]:
    return [index for index in range(count) if index not in taken]


@dataclass(frozen=True, slots=True)
class _Features:
    """What is compared of a region."""

    local: LocalDescription
    head: str
    description: frozenset[str]
    words: frozenset[str]

    @classmethod
    def of(cls, local: LocalDescription) -> "_Features":
        phrase = noun_phrase(local.description)
        texts = (local.description, local.tags, *local.detailed_descriptions)
        return cls(
            local,
            phrase.head.lower() if phrase else "",
            _words(local.description),
            _words(" ".join(texts)),
        )


def _likely_pairs(old: list[tuple[int, _Features]], new: list[tuple[int, _Features]]) -> list[Pair]:
    """Pairs taken from the best score down; of equal scores the nearest in the order of the code."""
    scored = [(-_score(a, b), abs(i - j), i, j) for i, a in old for j, b in new]
    pairs: list[Pair] = []
    free_old, free_new = {i for i, _ in old}, {j for j, _ in new}
    for score, _, i, j in sorted(scored):
        if score == 0:
            break
        if i in free_old and j in free_new:
            pairs.append((i, j))
            free_old.remove(i)
            free_new.remove(j)
    return pairs


def _score(old: _Features, new: _Features) -> float:
    """How likely two regions are the same thing; 0 where they are not."""
    text = _likeness_of_text(old, new)
    spot = _likeness_of_spot(old.local, new.local)
    score = _SHARE_OF_TEXT * text + (1 - _SHARE_OF_TEXT) * spot
    return score if text >= _SAME_TEXT or spot >= _SAME_SPOT or score >= _MIN_SCORE else 0.0


def _likeness_of_text(old: _Features, new: _Features) -> float:
    if old.local.description == new.local.description:
        return 0.9 + 0.1 * _overlap(old.words, new.words)
    same_head = bool(old.head) and old.head == new.head
    return (
        0.4 * _overlap(old.description, new.description)
        + 0.3 * same_head
        + 0.2 * _overlap(old.words, new.words)
    )


def _likeness_of_spot(old: LocalDescription, new: LocalDescription) -> float:
    return (
        0.45 * (old.location == new.location)
        + 0.1 * (old.offset == new.offset)
        + 0.25 * (old.area == new.area)
        + 0.1 * (old.distance_to_viewer == new.distance_to_viewer)
        + 0.1 * (old.color == new.color)
    )


def _overlap(some: frozenset[str], others: frozenset[str]) -> float:
    either = len(some | others)
    return len(some & others) / either if either else 0.0


def _words(text: str) -> frozenset[str]:
    """The telling words of a text, without their plural s."""
    words = (match[0].lower() for match, _ in zip(_WORD.finditer(text), range(_MAX_WORDS), strict=False))
    return frozenset(_stem(word) for word in words) - _EMPTY_WORDS


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
