"""From a person's words to the changes they ask for, in English and Chinese.

Reads instructions only; whether the scene has what they speak of is `editing`'s business.
"""

import re
from dataclasses import dataclass
from functools import cache

from canvas.reading import read_color
from engine.composer.planner import chinese, tables
from engine.composer.planner.clauses import (
    MARK,
    MAX_CLAUSE_CHARS,
    clause_in_english,
    clauses,
    take_quotes,
    with_quotes,
)
from engine.composer.planner.preparing import MAX_CHARS
from engine.composer.planner.vocabulary import Word, cut, vocabulary

_MAX_CLAUSES = 24
_MAX_INSCRIPTION_CHARS = 60


@dataclass(frozen=True, slots=True)
class Replace:
    """Something else in the place of a thing."""

    target: str
    new: str


@dataclass(frozen=True, slots=True)
class Add:
    """New things, with their places in the text."""

    text: str


@dataclass(frozen=True, slots=True)
class Remove:
    """A thing goes, or several."""

    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """A thing goes elsewhere; `to` is told in words."""

    target: str
    to: str


@dataclass(frozen=True, slots=True)
class Resize:
    """A thing gets larger (1) or smaller (-1)."""

    target: str
    step: int


@dataclass(frozen=True, slots=True)
class Approach:
    """A thing comes nearer (1) or goes farther away (-1)."""

    target: str
    step: int


@dataclass(frozen=True, slots=True)
class Describe:
    """A thing gets a colour or another quality."""

    target: str
    words: str


@dataclass(frozen=True, slots=True)
class Swap:
    """Two things change places."""

    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Inscribe:
    """A sign gets other words."""

    target: str
    words: str


@dataclass(frozen=True, slots=True)
class SetHour:
    """Another time of day, weather or season."""

    hour: str


@dataclass(frozen=True, slots=True)
class PaintBackground:
    """Another colour behind everything; `color` is a name of the language."""

    color: str
    words: str


Edit = (
    Replace | Add | Remove | Move | Resize | Approach | Describe | Swap | Inscribe | SetHour | PaintBackground
)


_FILLERS = re.compile(
    r"^(?:(?:look|be|is|are|become|a bit|a little|a lot|bit|much|slightly|more|very|even|in|less|so|too"
    r"|should|come|go)\b\s*)+"
)
_RELATIVE = frozenset(["that", "which", "who"])
_COMPARISONS = (
    (Resize, 1, re.compile(r"(?:bigger|larger|huge|big|large|giant|enormous|taller|wider|gigantic)\b")),
    (Resize, -1, re.compile(r"(?:smaller|tiny|small|tinier|shorter|little)\b")),
    (Approach, 1, re.compile(r"(?:closer|nearer|near|close)\b")),
    (Approach, -1, re.compile(r"(?:farther|further|far away|far|distant)\b")),
)


def read_instructions(prompt: str) -> tuple[tuple[Edit, ...], tuple[str, ...]]:
    """The changes that a prompt asks for, in order; and the clauses that ask for none."""
    quotes: list[str] = []
    text = take_quotes(
        chinese.simplified(prompt[:MAX_CHARS].replace("’", "'").replace("“", '"').replace("”", '"')), quotes
    )
    edits: list[Edit] = []
    unread: list[str] = []
    for clause in clauses(text)[:_MAX_CLAUSES]:
        found = _read_clause(clause_in_english(clause), quotes)
        edits += found
        if not found and any(char.isalnum() for char in clause):
            unread.append(with_quotes(clause.strip(), quotes))
    return tuple(edits), tuple(unread)


@cache
def _english_rules() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((kind, re.compile(pattern)) for kind, pattern in tables.table("edits")["english"])


# --- one clause


def _read_clause(clause: str, quotes: list[str]) -> tuple[Edit, ...]:
    text = " ".join(clause.lower().split()).strip(" ,.!?")
    text = re.sub(
        r"^(?:(?:please|now|and|also|then|can you|could you|i want you to|i'd like you to|let's|just)\s+)+",
        "",
        text,
    )
    text = re.sub(r"\s+(?:please|instead|too|as well|now)$", "", text)
    if not text or len(text) > MAX_CLAUSE_CHARS:
        return ()
    for kind, rule in _english_rules():
        match = rule.fullmatch(text)
        groups = match.groupdict() if match else {}
        x, y = (groups.get("x") or "").strip(), (groups.get("y") or "").strip()
        if kind not in {"inscribe", "describe", "remove"}:
            x, y = with_quotes(x, quotes), with_quotes(y, quotes)
        edits = _edits(kind, x, y, quotes) if match else ()
        if edits:
            return edits
    return ()


def _edits(kind: str, x: str, y: str, quotes: list[str]) -> tuple[Edit, ...]:  # noqa: PLR0911 - one per rule
    """What a rule's finding means; nothing when it makes no sense."""
    match kind:
        case "swap":
            return (Swap(x, y),)
        case "paint":
            color = _color(y)
            return (PaintBackground(color, y),) if color else ()
        case "inscribe":
            return _inscriptions(x or "banner", y, quotes)
        case "hour":
            hours = _hours(y)
            return tuple(SetHour(hour) for hour in hours)
        case "move":
            return _moves(x, y)
        case "replace":
            return _replacements(x, y)
        case "remove":
            return (Remove(tuple(with_quotes(part, quotes) for part in _split_list(x))),)
        case "give":
            return (Add(f"{y} on {x}"),)
        case "describe":
            return _descriptions(x, quotes)
        case _:
            return (Add(y),)


def _inscriptions(target: str, words: str, quotes: list[str]) -> tuple[Edit, ...]:
    on, marked = with_quotes(target, quotes), MARK.fullmatch(words)
    if marked and int(marked[1]) < len(quotes):
        return (Inscribe(on, quotes[int(marked[1])]),)
    said = " ".join(with_quotes(words, quotes).replace('"', " ").split())
    if not 0 < len(said) <= _MAX_INSCRIPTION_CHARS:
        return ()
    return (Inscribe(on, said[:1].upper() + said[1:]),)


def _moves(x: str, y: str) -> tuple[Edit, ...]:
    from_place = re.match(
        r"((?:on|in|at) the (?:\w+[ -]){1,3}?)(?=to |slightly |a bit |up|down|closer|next )", y
    )
    if from_place:
        x, y = f"{x} {from_place[1].strip()}", y[from_place.end() :]
    if re.match(r"(?:a bit |slightly |a little )?(?:closer|nearer|forward)", y) and "to the" not in y:
        return (Approach(x, 1),)
    if re.match(r"(?:a bit |slightly |a little )?(?:farther|further|away|back\b(?!ground))", y):
        return (Approach(x, -1),)
    return (Move(x, y),) if not re.match(r"(?:a|an) \w+$", y) or "bit" in y else ()


def _replacements(x: str, y: str) -> tuple[Edit, ...]:
    colors = re.fullmatch(r"(?:the )?colou?r of (.+)", x) or re.fullmatch(r"(.+?)(?:'s)? colou?r", x)
    if colors and _color(y):
        return (Describe(colors[1], y),)
    if x in {"it", "this", "everything"} and _hours(y):
        return tuple(SetHour(hour) for hour in _hours(y))
    words = cut(y)
    if words and all(_is_quality(word) for word in words):
        return _qualities(x, y, [])
    return (Replace(x, y),)


def _descriptions(text: str, quotes: list[str]) -> tuple[Edit, ...]:
    """The thing, then what it becomes: "the dragon red and bigger"."""
    words = cut(text)
    nouns = [index for index, word in enumerate(words) if word.noun and not _is_quality_after(words, index)]
    if nouns:
        end = nouns[0] + 1
        while end < len(words) and words[end].noun and not words[end].is_color:
            end += 1
    else:
        end = next((i for i, word in enumerate(words) if i > 0 and _is_quality(word)), len(words))
    told, rest = _told_apart(words[end:])
    target = with_quotes(" ".join(word.text for word in (*words[:end], *told)), quotes)
    wanted = " ".join(word.text for word in rest)
    return _qualities(target, wanted, quotes) if target and wanted else ()


def _told_apart(words: tuple[Word, ...]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """What says which thing is meant ("that says ...", "with a hat"), as far as it finds it; and the rest."""
    if not words or not (words[0].text in _RELATIVE or words[0].relation == "with"):
        return (), words
    marks = [index for index, word in enumerate(words) if MARK.fullmatch(word.text)]
    if marks:
        return words[: marks[-1] + 1], words[marks[-1] + 1 :]
    ends = [i for i, word in enumerate(words) if word.place or (word.noun and not word.is_color)]
    end = ends[-1] + 1 if ends else len(words)
    return tuple(word for word in words[:end] if word.place), words[end:]


def _qualities(target: str, wanted: str, quotes: list[str]) -> tuple[Edit, ...]:
    edits: list[Edit] = []
    for piece in re.split(r"\s*(?:,|\band\b|\bbut\b)\s*", wanted):
        bare = _FILLERS.sub("", piece).strip()
        edits += _quality(target, bare, quotes)
    return tuple(edits)


def _quality(target: str, bare: str, quotes: list[str]) -> tuple[Edit, ...]:
    for kind, step, pattern in _COMPARISONS:
        if pattern.match(bare):
            return (kind(target, step),)
    if bare.startswith(("say ", "read ")):
        return _inscriptions(target, bare.partition(" ")[2], quotes)
    words = cut(bare)
    if any(word.place for word in words):
        return (Move(target, with_quotes(bare, quotes)),)
    if words and words[0].role == "determiner" and any(word.noun for word in words):
        return (Replace(target, with_quotes(bare, quotes)),)
    said = " ".join(_positive(word.text) for word in words if word.role not in {"determiner", "adverb"})
    return (Describe(target, said),) if said and _sayable(words) else ()


def _sayable(words: tuple[Word, ...]) -> bool:
    return len(words) <= 4 and not any(
        word.relation or word.is_break or MARK.fullmatch(word.text) for word in words
    )


def _positive(word: str) -> str:
    """The plain form of a comparative: happier is happy for a template."""
    if re.search(r"[^aeiou]ier$", word):
        return f"{word[:-3]}y"
    base = word[:-2]
    known = vocabulary().get(base) if word.endswith("er") and len(word) > 4 else None
    return base if known and _is_quality(known) else word


def _is_quality(word: Word) -> bool:
    comparative = not word.noun and (
        _positive(word.text) != word.text or any(pattern.match(word.text) for _, _, pattern in _COMPARISONS)
    )
    return word.is_color or word.role in {"adjective", "verb"} or bool(word.mood) or comparative


def _is_quality_after(words: tuple[Word, ...], index: int) -> bool:
    """Whether a noun that is a colour as well ("orange") is meant as a colour: after another noun."""
    return words[index].is_color and any(word.noun for word in words[:index])


def _hours(text: str) -> tuple[str, ...]:
    """The hours that a text names, when it names nothing else."""
    words = [
        w
        for w in cut(text)
        if w.role not in {"determiner", "adverb"}
        and not w.is_break
        and w.relation not in {"and", "in", "with", "loose"}
    ]
    hours = tuple(word.hour for word in words if word.hour)
    others = [
        word
        for word in words
        if not word.hour and word.text not in {"time", "sky", "weather", "scene", "at", "it"}
    ]
    return hours if hours and not others else ()


def _color(text: str) -> str:
    words = cut(text)
    return (read_color(text) or "") if any(word.is_color for word in words) or text.startswith("#") else ""


def _split_list(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"\s*(?:,|\band\b|&)\s*", text) if part)
