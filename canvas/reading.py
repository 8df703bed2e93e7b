"""Reading the names of the language in other words: "lower left corner", "huge", "#ff0000", "scarlet".

A name of the language reads as itself. Other texts are read word by word, colours also as numbers and by the
nearest colour in CIELAB; likeness of spelling comes last, because it takes "in the middle" for "on the left".
Whatever the text, reading never raises and looks at its first `MAX_CHARS` characters only.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import SequenceMatcher
from functools import cache, lru_cache, wraps
from heapq import nlargest
from itertools import pairwise

from canvas.colors import Rgb, color_in_numbers, lab, mixed, nearest_color, shaded
from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS
from canvas.synonyms import (
    BASIC_COLORS,
    COLOR_SHADES,
    COLOR_WORDS,
    DEPTH_WORDS,
    NO_OFFSET_WORDS,
    PLACE_WORDS,
    SHAPE_WORDS,
    SIZE_WORDS,
    Direction,
)

MAX_CHARS = 120
_MAX_WORDS = 20
_MAX_MISSPELT_WORDS = 3
_MAX_JOINED_WORDS = 4
_MAX_ALIKE_CHARS = 40
_LIKENESS_OF_TEXTS = 0.7
_LIKENESS_OF_WORDS = 0.8
_LIKENESS_OF_TYPOS = 0.9
_SHORTLIST = 4
_CACHED_TEXTS = 4096

_Reader = Callable[[str], str | None]

_NO_LETTER = re.compile(r"[^0-9a-z\u4e00-\u9fff]+")
_ADVERBIAL_RIGHT = re.compile(
    # "right above", "sits right in the middle"; but not "on the right in the front", "top right behind"
    r"(?<!the )(?<!top )(?<!upper )(?<!bottom )(?<!lower )(?<!far )(?<!to )"
    r"\bright (?=(?:in|at|on|above|below|under|beneath|behind|next|near|over)\b)"
)
_IN_THE_PICTURE = re.compile("(?:画面|图片|图像|图|画)[上中里](?![方面边部侧间央])")
_FRAME = re.compile(r"\b(?:in|on|at|to|of|the|a|an|slightly|area)\b")
_OF_SEVERAL = re.compile(r"\b(?:and|with|or|to|on|over)\b|[,/&;+]|[和与、]")


def _bounded(reader: _Reader) -> _Reader:
    """A reader that sees only the start of its text and remembers what it has read."""
    remembering = lru_cache(_CACHED_TEXTS)(reader)

    @wraps(reader)
    def read(text: str) -> str | None:
        return remembering(text[:MAX_CHARS])

    return read


@_bounded
def read_location(text: str) -> str | None:
    """The key of `LOCATIONS` that a text means, or None."""
    return _spelt(text, LOCATIONS) or _place(text, LOCATIONS) or _alike(text, LOCATIONS)


@_bounded
def read_offset(text: str) -> str | None:
    """The key of `OFFSETS` that a text means, or None; an empty text means no offset."""
    if not text.strip():
        return _by_direction(OFFSETS)[0, 0]
    return _spelt(text, OFFSETS) or _no_offset(text) or _place(text, OFFSETS) or _alike(text, OFFSETS)


@_bounded
def read_area(text: str) -> str | None:
    """The key of `AREAS` that a text means, or None; a missing size is medium, a missing shape is square."""
    return _spelt(text, AREAS) or _size_and_shape(text) or _alike(text, AREAS)


@_bounded
def read_color(text: str) -> str | None:
    """The key of `COLORS` that a text means, or None: a name, a number in CSS notation, or words."""
    if text in COLORS:
        return text
    numbers = color_in_numbers(unicodedata.normalize("NFKC", text).casefold())
    if numbers:
        return nearest_color(lab(numbers))
    return _spelt(text, COLORS) or _color_in_words(text) or _alike(text, COLORS)


@_bounded
def known_color(text: str) -> str | None:
    """The key of `COLORS` that a text surely means; None where `read_color` would guess at its spelling."""
    numbers = color_in_numbers(unicodedata.normalize("NFKC", text).casefold())
    if numbers:
        return nearest_color(lab(numbers))
    return _names_by_letters(tuple(COLORS)).get(_letters(text)) or _color_in_words(text, most_misspelt=0)


def nearest_name(text: str, table: Collection[str]) -> str:
    """The name among some names that is spelt most like a text, however unlike; for suggestions."""
    folded = _fold(text[:MAX_CHARS])
    return max(table, key=lambda name: SequenceMatcher(None, name, folded).ratio())


# --- places and sizes


def _place(text: str, table: Mapping[str, Direction]) -> str | None:
    phrase = _IN_THE_PICTURE.sub("", _ADVERBIAL_RIGHT.sub("", _fold(text)))
    words = tuple(_words(phrase, _place_vocabulary()))
    strong = [PLACE_WORDS[word] for word in words if word in PLACE_WORDS]
    weak = [DEPTH_WORDS[word] for word in words if word in DEPTH_WORDS]
    if not strong and not weak:
        return None
    x = _balance(x for x, _ in strong)
    y = _balance(y for _, y in strong)
    if not any(y for _, y in strong):
        y = _balance(y for _, y in weak)
    return _by_direction(table)[x, y]


def _balance(steps: Iterator[int]) -> int:
    """The one direction that is named; 0 where none is, or both are."""
    named = {step for step in steps if step}
    return named.pop() if len(named) == 1 else 0


def _no_offset(text: str) -> str | None:
    folded = _fold(text)
    first, _, _ = folded.partition(" ")
    direction = NO_OFFSET_WORDS.get(first) or NO_OFFSET_WORDS.get(_letters(folded))
    return _by_direction(OFFSETS)[direction] if direction else None


def _by_direction(table: Mapping[str, tuple[int, int]]) -> Mapping[Direction, str]:
    """The names of a table of places by the sign of their distance from the table's first entry."""
    middle_x, middle_y = next(iter(table.values()))
    return {(_sign(x - middle_x), _sign(y - middle_y)): name for name, (x, y) in table.items()}


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _size_and_shape(text: str) -> str | None:
    words = tuple(_words(_fold(text).replace("大小", ""), _area_vocabulary()))
    size, shape = _first(words, SIZE_WORDS), _first(words, SHAPE_WORDS)
    if not size and not shape:
        return None
    return f"a {size or 'medium-sized'} {shape or 'square'} area"


def _first(words: tuple[str, ...], meanings: Mapping[str, str]) -> str | None:
    """What the first known word means; the language's own word comes before all others."""
    known = [word for word in words if word in meanings]
    return next((word for word in known if meanings[word] == word), None) or (
        meanings[known[0]] if known else None
    )


# --- colours


def _color_in_words(text: str, most_misspelt: int = _MAX_MISSPELT_WORDS) -> str | None:
    """Of several colours the first: red and white stripes are red."""
    parts = _OF_SEVERAL.split(text.casefold())
    vocabulary = _color_vocabulary()
    colors = (_color_of_words(tuple(_words(_fold(part), vocabulary, most_misspelt))) for part in parts)
    return next((color for color in colors if color), None)


def _color_of_words(words: tuple[str, ...]) -> str | None:
    particular = [_particular_colors()[word] for word in words if word in _particular_colors()]
    basic = [BASIC_COLORS[word] for word in words if word in BASIC_COLORS]
    shades = [COLOR_SHADES[word] for word in words if word in COLOR_SHADES]
    if particular:
        color = lab(particular[0])
    elif basic:
        color = lab(mixed(basic[-1], basic[0]))
    elif any(abs(lightness) > 0.2 for lightness, _ in shades):
        color = lab(COLORS["gray"])
    else:
        return None
    for lightness, chroma in shades:
        color = shaded(color, lightness, chroma)
    return nearest_color(color)


@cache
def _particular_colors() -> Mapping[str, Rgb]:
    return {name: rgb for name, rgb in {**COLORS, **COLOR_WORDS}.items() if name not in BASIC_COLORS}


# --- words and spelling


class _Vocabulary:
    """Known words, found also where they are run together or misspelt."""

    def __init__(self, *tables: Collection[str]) -> None:
        self.words = frozenset(word for table in tables for word in table)
        longest_first = sorted(self.words, key=len, reverse=True)
        self._ideographs = re.compile("|".join(word for word in longest_first if not word.isascii()))
        self._by_initial: dict[str, list[str]] = {}
        for word in longest_first:
            self._by_initial.setdefault(word[0], []).append(word)

    def split(self, run: str) -> tuple[str, ...]:
        """The known words that make up a run of letters ("topleft"); of ideographs, those in it."""
        if not run.isascii():
            return tuple(self._ideographs.findall(run))
        found: list[str] = []
        position = 0
        while position < len(run):
            word = next(
                (w for w in self._by_initial.get(run[position], ()) if run.startswith(w, position)), ""
            )
            if len(word) < 2:
                return ()
            found.append(word)
            position += len(word)
        return tuple(found)

    def misspelt(self, word: str) -> str | None:
        """The known word with the same initial that is spelt nearly so."""
        candidates = self._by_initial.get(word[0], ()) if len(word) > 2 else ()
        return _most_alike(word, candidates, _LIKENESS_OF_WORDS)


def _words(folded: str, vocabulary: _Vocabulary, most_misspelt: int = _MAX_MISSPELT_WORDS) -> Iterator[str]:
    """The known words of a folded text in their order, the longest where several words make one."""
    runs = _FRAME.sub("", folded).split()[:_MAX_WORDS]
    misspelt_left = most_misspelt
    start = 0
    while start < len(runs):
        joined, length = _longest_joined(runs[start : start + _MAX_JOINED_WORDS], vocabulary)
        known = (joined,) if joined else vocabulary.split(runs[start])
        if not known and misspelt_left:
            misspelt_left -= 1
            mended = vocabulary.misspelt(runs[start])
            known = (mended,) if mended else ()
        yield from known
        start += length


def _longest_joined(runs: list[str], vocabulary: _Vocabulary) -> tuple[str, int]:
    for length in range(len(runs), 0, -1):
        joined = "".join(runs[:length])
        if joined in vocabulary.words:
            return joined, length
    return "", 1


@cache
def _place_vocabulary() -> _Vocabulary:
    return _Vocabulary(PLACE_WORDS, DEPTH_WORDS, ("corner", "side", "hand", "edge", "part", "half", "third"))


@cache
def _area_vocabulary() -> _Vocabulary:
    return _Vocabulary(SIZE_WORDS, SHAPE_WORDS, ("sized", "size", "scale", "area"))


@cache
def _color_vocabulary() -> _Vocabulary:
    return _Vocabulary(COLORS, BASIC_COLORS, COLOR_WORDS, COLOR_SHADES)


def _fold(text: str) -> str:
    """Lower case, without accents, one space in place of everything that is no letter or digit."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return _NO_LETTER.sub(" ", "".join(filter(_is_base, decomposed))).strip()


def _is_base(char: str) -> bool:
    return not unicodedata.combining(char)


def _letters(text: str) -> str:
    return _fold(text).replace(" ", "")


def _spelt(text: str, table: Collection[str]) -> str | None:
    """The name that the text is, but for its case, its separators or a slip of the pen."""
    names = _names_by_letters(tuple(table))
    return names.get(_letters(text)) or _alike(text, table, _LIKENESS_OF_TYPOS)


@cache
def _names_by_letters(names: tuple[str, ...]) -> Mapping[str, str]:
    return {_letters(name): name for name in names}


def _alike(text: str, table: Collection[str], likeness: float = _LIKENESS_OF_TEXTS) -> str | None:
    """The name spelt most like the text; the words that all names of a table share do not count."""
    letters = _telling_letters(text)
    names = _names_by_telling_letters(tuple(table))
    candidates = [name for name in names if name[0] == letters[:1]]
    found = _most_alike(letters, candidates, likeness)
    return names[found] if found else None


@cache
def _names_by_telling_letters(names: tuple[str, ...]) -> Mapping[str, str]:
    return {_telling_letters(name): name for name in names}


def _telling_letters(text: str) -> str:
    return _FRAME.sub("", _fold(text)).replace(" ", "")


def _most_alike(letters: str, candidates: Collection[str], likeness: float) -> str | None:
    """The candidate most alike; in full are compared only those that share most pairs of letters."""
    if len(letters) > _MAX_ALIKE_CHARS:
        return None
    pairs = _pairs(letters)
    shortlist = nlargest(_SHORTLIST, candidates, key=lambda word: _share(pairs, _pairs(word)))
    ratios = {word: SequenceMatcher(None, word, letters).ratio() for word in shortlist}
    best = max(shortlist, key=ratios.__getitem__, default=None)
    return best if best and ratios[best] >= likeness else None


def _share(some: frozenset[str], others: frozenset[str]) -> float:
    return len(some & others) / (len(some) + len(others) + 1)


@lru_cache(_CACHED_TEXTS)
def _pairs(letters: str) -> frozenset[str]:
    return frozenset(first + second for first, second in pairwise(letters))
