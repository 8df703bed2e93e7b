"""From a person's words to the changes they ask for, in English and Chinese.

Reads instructions only; whether the scene has what they speak of is `editing`'s business.
"""

import re
from collections.abc import Callable
from functools import cache

from canvas.names import COLORS
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
from engine.composer.planner.edits import (
    Add,
    Approach,
    Describe,
    Edit,
    Give,
    Inscribe,
    Move,
    PaintBackground,
    Remove,
    Replace,
    Resize,
    SetHour,
    SetScene,
    SetTone,
    Swap,
)
from engine.composer.planner.preparing import MAX_CHARS
from engine.composer.planner.tables import belongings, scenes
from engine.composer.planner.vocabulary import Word, cut, gerunds, vocabulary

_MAX_CLAUSES = 24
_MAX_INSCRIPTION_CHARS = 60


_FILLERS = re.compile(
    r"^(?:(?:look|be|is|are|become|a bit|a little|a lot|bit|much|slightly|more|very|even|in|less|so|too"
    r"|should|come|go)\b\s*)+"
)
_POLITE_START = re.compile(
    r"^(?:(?:please|pls|plz|now|and|also|then|but|so|ok|okay|oh|hey|hmm|maybe|perhaps|actually|just|kindly|let's"
    r"|(?:can|could|would|will) (?:you|u)|(?:can|could|may) (?:we|i) (?:have|get|see)|i want you to"
    r"|(?:i'd|i would) like you to|i (?:want|wish|need)(?= (?:it|him|her|them|the)\b.* to be)"
    r"|how about|what about|thanks|thank you)\b[ ,]*)+"
)
_POLITE_END = re.compile(
    r"(?:[ ,]+(?:please|pls|plz|instead|too|as well|now|again|thanks|thank you|for me|if possible|if you can)"
    r")+$"
)
_INSTEAD = re.compile(r"^(?:no|remove|without) ([^,]+), (?:but )?(.+) instead$")
_BODY = re.compile(r"(?:'s)? ?\b(?:head|heads|face|faces|neck|body|back|hands?|feet|nose|eyes?|hair)$")
_WHOLE = re.compile(
    r"style|look|feel|feeling|vibe|mood|atmosphere|tone|painting|picture|image|scene|more|like|bit"
)
_PLACE_KINDS = frozenset(["ground", "landform", "sky"])
_RELATIVE = frozenset(["that", "which", "who"])
_PRONOUNS = frozenset(["it", "him", "her", "them", "he", "she", "they"])
_DIRECTIONS = frozenset(["left", "right", "up", "down", "around", "away"])
_ARTICLE = re.compile(r"(?:an?|some|another|two|three|four|five|\d+) ")
_MORE_OF_THEM = re.compile(r"(?:another|some|one|two|three|four|five) (?:more )?(?:\w+ )?(?:ones?|more)")
_ORDERS = frozenset(["make", "turn", "give", "let", "have", "paint", "draw"])
_NEW = frozenset(["a", "an", "another", "more", "some"])
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
        asked = _without_courtesy(clause_in_english(clause))
        found = _read_clause(asked, quotes)
        edits += found
        if asked and not found and any(char.isalnum() for char in clause):
            unread.append(with_quotes(clause.strip(), quotes))
    return tuple(edits), tuple(unread)


@cache
def _english_rules() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((kind, re.compile(pattern)) for kind, pattern in tables.table("edits")["english"])


# --- one clause


def _without_courtesy(clause: str) -> str:
    text = " ".join(clause.lower().split()).strip(" ,.!?")
    text = _INSTEAD.sub(r"change \1 to \2", _POLITE_START.sub("", text))
    return _POLITE_END.sub("", text).strip(" ,")


def _read_clause(text: str, quotes: list[str]) -> tuple[Edit, ...]:
    if not text or len(text) > MAX_CLAUSE_CHARS:
        return ()
    for kind, rule in _english_rules():
        match = rule.fullmatch(text)
        groups = match.groupdict() if match else {}
        x, y = (groups.get("x") or "").strip(), (groups.get("y") or "").strip()
        if kind not in {"inscribe", "describe", "remove"}:
            x, y = with_quotes(x, quotes), with_quotes(y, quotes)
        edits = _MEANINGS[kind](x, y, quotes) if match else ()
        if edits:
            return edits
    return ()


def names_scene(text: str) -> bool:
    """Whether a text is about a place or an occasion first: "in a forest with mushrooms"."""
    words = list(cut(text))
    while words and (words[0].relation or words[0].role in {"determiner", "adjective"} or words[0].is_color):
        if words[0].scenes and not words[0].relation:
            break
        words.pop(0)
    if not words or words[0].role or words[0].number:
        return False
    follower = words[1] if len(words) > 1 else None
    is_told = follower is None or follower.is_break or follower.relation or follower.hour
    noun, known = words[0].noun, words[0].scenes
    is_place = bool(known) and scenes()[known[0]].kind in {"settings", "occasions"}
    return bool(is_place and is_told and (noun is None or noun.kind in _PLACE_KINDS))


def _background(_: str, y: str, __: list[str]) -> tuple[Edit, ...]:
    color = _color(y)
    return (PaintBackground(color, y),) if color else ()


def _dressing(x: str, y: str, _: list[str]) -> tuple[Edit, ...]:
    """What is put on somebody or on a part of their body; what is put elsewhere is another rule's."""
    is_owner = _are_belongings(y) and not any(word.place for word in cut(x))
    return (Give(_BODY.sub("", x) or "it", y),) if is_owner else ()


def _gifts(x: str, y: str) -> tuple[Edit, ...]:
    """Who gets what; without an article the first noun or pronoun is who: "the horse wings"."""
    if y:
        return (Give(x, y),)
    words = cut(x)
    end = next((i for i, word in enumerate(words) if word.noun or word.text in _PRONOUNS), len(words)) + 1
    owner, gift = (" ".join(word.text for word in part) for part in (words[:end], words[end:]))
    return (Give(owner, gift),) if any(word.noun for word in words[end:]) else ()


def _are_belongings(text: str) -> bool:
    """Whether all things that a text names are worn, or parts of a body."""
    nouns = [word.noun.name for word in cut(text) if word.noun and not word.is_color]
    return bool(nouns) and all(noun in belongings() for noun in nouns)


def _tones(x: str, text: str) -> tuple[Edit, ...]:
    """A mood and a style, when a text names nothing else."""
    words = [
        vocabulary().get(_positive(word.text), word)
        for word in cut(text)
        if not _WHOLE.fullmatch(word.text) and word.role not in {"determiner", "adverb"} and not word.relation
    ]
    if not words or not all(word.mood or word.style for word in words):
        return ()
    mood = next((word.mood for word in words if word.mood and not word.style), "")
    style = next((word.style for word in words if word.style), "")
    return (SetTone(mood, style, text if x in {"it", "this"} else ""),)


def _is_bare(text: str) -> bool:
    """Whether a text is nothing but qualities: "a bit bigger and red"."""
    words = [word for word in cut(_FILLERS.sub("", text)) if not (word.is_break or word.relation == "and")]
    is_thing = any(word.noun and word.text not in COLORS for word in words)
    return bool(words) and words[0].text not in _ORDERS and not is_thing and all(map(_is_quality, words))


def _comparisons(x: str, y: str, quotes: list[str]) -> tuple[Edit, ...]:
    """What shall be more of something: "a bigger cake"."""
    words = cut(_FILLERS.sub("", y))
    is_more = any(pattern.fullmatch(y) for _, _, pattern in _COMPARISONS) or y.endswith("er") or " " in y
    nouns = [word for word in cut(x) if word.noun]
    return _qualities(f"the {x}", y, quotes) if is_more and nouns and all(map(_is_quality, words)) else ()


def _names_thing(text: str) -> bool:
    """Whether a text is nothing but things that are wanted: "three more balloons", "clouds on the left"."""
    if _MORE_OF_THEM.fullmatch(text):
        return True
    words = cut(text)
    nouns = [word for word in words if word.noun and not word.is_color]
    is_counted = bool(words) and (bool(words[0].number) or words[0].role == "many" or words[0].text in _NEW)
    is_known = all(word.is_known or word.is_break or word.is_color for word in words)
    return (
        bool(nouns)
        and is_known
        and (is_counted or (bool(words[0].noun) and any(word.place for word in words)))
    )


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
    if words and all(_is_quality(word) for word in words) and not _is_kindred(x, words):
        return _qualities(x, y, [])
    return (Replace(x, y),)


def _is_kindred(target: str, words: tuple[Word, ...]) -> bool:
    """Whether a word that may be a colour is rather a thing of the same kind: flowers to rose."""
    old = next((word.noun for word in cut(target) if word.noun), None)
    new = words[-1].noun
    return old is not None and new is not None and old.kind == new.kind


def _descriptions(text: str, quotes: list[str]) -> tuple[Edit, ...]:
    """The thing, then what it becomes: "the dragon red and bigger"."""
    if _is_bare(text):
        return _qualities("it", text, quotes)
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
    if any(word.text in _DIRECTIONS for word in words):
        return ()
    said = " ".join(_positive(word.text) for word in words if word.role not in {"determiner", "adverb"})
    return (Describe(target, said),) if said and _sayable(words) else ()


def _sayable(words: tuple[Word, ...]) -> bool:
    return len(words) <= 4 and not any(
        word.relation
        or word.is_break
        or MARK.fullmatch(word.text)
        or not word.text.isascii()
        or word.text in gerunds()
        for word in words
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


_MEANINGS: dict[str, Callable[[str, str, list[str]], tuple[Edit, ...]]] = {
    "swap": lambda x, y, _: (Swap(x, y),),
    "paint": _background,
    "inscribe": lambda x, y, quotes: _inscriptions(x or "banner", y, quotes),
    "hour": lambda _, y, __: tuple(SetHour(hour) for hour in _hours(y)),
    "scene": lambda _, y, __: (SetScene(y),) if names_scene(y) else (),
    "tone": lambda x, y, _: _tones(x, y),
    "move": lambda x, y, _: _moves(x, y),
    "replace": lambda x, y, _: _replacements(x, y),
    "remove": lambda x, _, quotes: (Remove(tuple(with_quotes(part, quotes) for part in _split_list(x))),),
    "give": lambda x, y, _: _gifts(x, y),
    "wear": lambda x, y, _: (Give(x, y),) if _are_belongings(y) or _ARTICLE.match(y) else (),
    "dress": _dressing,
    "describe": lambda x, _, quotes: _descriptions(x, quotes),
    "compare": _comparisons,
    "quality": lambda _, y, quotes: _qualities("it", y, quotes) if _is_bare(y) else (),
    "act": lambda x, y, _: (Describe(x, gerunds()[y]),) if y in gerunds() else (),
    "thing": lambda _, y, __: (Add(y),) if _names_thing(y) else (),
    "add": lambda _, y, __: (Add(y),),
}
"""What the finding of each kind of rule means; nothing when it makes no sense."""
