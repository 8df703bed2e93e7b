"""Which short line tells a change: "dragon became dinosaur", "lamp moved to the left".

A line says what certainly is so. Where a description changed in a way that no pattern covers, the thing "was
described anew".
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from canvas.lines import Line, Part, Sentence
from canvas.model import GlobalDescription, LocalDescription
from canvas.names import AREAS, OFFSETS
from canvas.nouns import NounPhrase, is_color, is_participle, noun_phrase

_MAX_NAME_CHARS: Final = 40
_MAX_SAYING_CHARS: Final = 60
_MAX_ADJECTIVES: Final = 3

_WORD = re.compile(r"[^\W_]+")
_LINKING = frozenset(
    {"in", "on", "at", "by", "under", "over", "near", "behind", "beside", "between", "among", "full"}
)
_RELATIVE = frozenset({"that", "which", "who"})

_Name = tuple[str, str]  # and the location that tells it from others, perhaps empty


@dataclass(frozen=True, slots=True)
class Thing:
    """A region as lines speak of it.

    Attributes:
        name: Without article, and as long as it takes to tell it from the canvas's other things.
        phrase: Its description, taken apart.
        where: Its location, where nothing else tells it from the others; else empty.
    """

    name: str
    phrase: NounPhrase
    where: str = ""

    def line(self, sentence: Sentence, **parts: Part) -> Line:
        """A line about it."""
        where: dict[str, Part] = {"where": self.where} if self.where else {}
        return Line(sentence, {"thing": self.name, **where, **parts}, self.phrase.is_plural)


def things(locals_: tuple[LocalDescription, ...]) -> tuple[Thing, ...]:
    """The regions as lines speak of them, each with a name of its own where that is possible."""
    phrases = [_phrase(local) for local in locals_]
    candidates = [_names(phrase, local) for phrase, local in zip(phrases, locals_, strict=True)]
    counts = [Counter(names) for names in zip(*candidates, strict=True)]
    return tuple(
        Thing(name, phrase, where)
        for (name, where), phrase in zip(
            (_telling(names, counts) for names in candidates), phrases, strict=True
        )
    )


def _telling(names: tuple[_Name, ...], counts: list[Counter[_Name]]) -> _Name:
    """The shortest name that no other thing has, or the longest."""
    return next((name for name, count in zip(names, counts, strict=True) if count[name] == 1), names[-1])


def _phrase(local: LocalDescription) -> NounPhrase:
    first_tag = local.tags.partition(",")[0]
    return noun_phrase(local.description) or noun_phrase(first_tag) or NounPhrase("", (), "region", "region")


def _names(phrase: NounPhrase, local: LocalDescription) -> tuple[_Name, ...]:
    """From short to long, with the location apart: lamp, red lamp, lamp on the left."""
    head = _shortened(phrase.head, _MAX_NAME_CHARS)
    return (head, ""), (_shortened(phrase.named, _MAX_NAME_CHARS), ""), (head, local.location)


def added(thing: Thing) -> Line:
    """A cat was added."""
    introduction = _shortened(thing.phrase.introduction, _MAX_SAYING_CHARS)
    return Line(Sentence.ADDED, {"thing": introduction}, thing.phrase.is_plural)


def removed(thing: Thing) -> Line:
    """The cat was removed."""
    return thing.line(Sentence.REMOVED)


def moved(thing: Thing, old: LocalDescription, new: LocalDescription) -> Line:
    """The lamp moved to the left."""
    if old.location != new.location:
        return thing.line(Sentence.MOVED, place=new.location.partition(" ")[2])
    (old_x, old_y), (new_x, new_y) = OFFSETS[old.offset], OFFSETS[new.offset]
    sideways = {-1: "left", 0: "", 1: "right"}[_sign(new_x - old_x)]
    upright = {-1: "up", 0: "", 1: "down"}[_sign(new_y - old_y)]
    direction = " and ".join(filter(None, (upright, sideways)))
    return thing.line(Sentence.MOVED_SLIGHTLY, direction=direction)


def resized(thing: Thing, old: LocalDescription, new: LocalDescription) -> Line:
    """The clown is larger."""
    (old_width, old_height), (new_width, new_height) = AREAS[old.area], AREAS[new.area]
    wider, taller = _sign(new_width - old_width), _sign(new_height - old_height)
    match wider, taller:
        case (1, 1):
            return thing.line(Sentence.LARGER)
        case (-1, -1):
            return thing.line(Sentence.SMALLER)
        case (_, 1):
            return thing.line(Sentence.TALLER)
        case (1, _):
            return thing.line(Sentence.WIDER)
        case (-1, _):
            return thing.line(Sentence.NARROWER)
        case _:
            return thing.line(Sentence.SHORTER)


def recolored(thing: Thing, new: LocalDescription) -> Line:
    """The colour of the balloon is now red."""
    return thing.line(Sentence.RECOLOURED, color=new.color)


def shifted(thing: Thing, *, nearer: bool) -> Line:
    """The lamp is nearer."""
    return thing.line(Sentence.NEARER if nearer else Sentence.FARTHER)


def background(new: GlobalDescription) -> Line:
    """The background became darkblue."""
    return Line(Sentence.BACKGROUND, {"color": new.color})


# --- what a description says


def successor(old: Thing, new: Thing) -> Thing:
    """The thing as further lines speak of it, once it is told that it was retold."""
    return old if old.phrase.head == new.phrase.head else new


def differ_in_color_only(old: Thing, new: Thing) -> bool:
    """Whether the descriptions say the same but for words for colours."""
    before, after = old.phrase, new.phrase
    if (before.head, before.number, before.rest) != (after.head, after.number, after.rest):
        return False
    return all(map(is_color, {*before.modifiers} ^ {*after.modifiers}))


def retold(old: Thing, new: Thing) -> Line:
    """What a new description changes: the thing itself, its adjectives, or what it does."""
    before, after = old.phrase, new.phrase
    if before.head.lower() != after.head.lower():
        return old.line(Sentence.BECAME, other=_distinct(after, before))
    return _now_described(old, after) or _now_doing(old, after) or old.line(Sentence.DESCRIBED_ANEW)


def _distinct(phrase: NounPhrase, other: NounPhrase) -> str:
    """The head with the number and the modifiers that the other does not have."""
    number = phrase.number if phrase.number != other.number else ""
    modifiers = [word for word in phrase.modifiers if word not in other.modifiers][-_MAX_ADJECTIVES:]
    return _shortened(" ".join([number, *modifiers, phrase.head]), _MAX_NAME_CHARS)


def _now_described(old: Thing, after: NounPhrase) -> Line | None:
    before = old.phrase
    if before.number != after.number:
        parts = {"thing": _numbered(before), "other": _numbered(after)}
        return Line(Sentence.BECAME, parts, before.is_plural)
    gained = [word for word in after.modifiers if word not in before.modifiers]
    lost = [word for word in before.modifiers if word not in after.modifiers]
    if gained:
        return old.line(Sentence.NOW_IS, said=_first(gained))
    if lost:
        return old.line(Sentence.NO_LONGER, said=_first(lost))
    return None


def _numbered(phrase: NounPhrase) -> str:
    return f"{phrase.number} {phrase.head}".strip()


def _now_doing(old: Thing, after: NounPhrase) -> Line | None:
    """From what follows the head: "filled with toys", "with a moon", "that reads 'Hello'"."""
    if old.phrase.rest.lower() == after.rest.lower() or not after.rest:
        return None
    said = _shortened(after.rest, _MAX_SAYING_CHARS)
    first, _, others = said.partition(" ")
    if is_participle(first.lower()) or first.lower() in _LINKING:
        return old.line(Sentence.NOW_IS, said=said)
    if first.lower() == "with" and others:
        return old.line(Sentence.NOW_HAS, said=others)
    if first.lower() in _RELATIVE and others:
        return old.line(Sentence.NOW_DOES, said=others)
    return None


def new_details(thing: Thing, old: LocalDescription, new: LocalDescription) -> Line:
    """What is new where the description is the same."""
    swap = _swapped(_all_texts(old), _all_texts(new))
    if swap:
        return thing.line(Sentence.SWAPPED, before=swap[0], after=swap[1])
    aspects = {
        "details": (old.detailed_descriptions, old.tags) != (new.detailed_descriptions, new.tags),
        "atmosphere": old.atmosphere != new.atmosphere,
        "style": old.style != new.style,
        "quality": old.quality_meta != new.quality_meta,
    }
    return thing.line(
        Sentence.NEW_ASPECTS, aspects=_first([name for name, is_new in aspects.items() if is_new])
    )


def retold_scene(old: GlobalDescription, new: GlobalDescription) -> Line:
    """What is new in the global description."""
    swap = _swapped(old.description, new.description)
    if swap:
        return Line(Sentence.SCENE_SWAPPED, {"before": swap[0], "after": swap[1]})
    if old.description != new.description:
        said = _shortened(new.description.strip(" ."), _MAX_SAYING_CHARS)
        return Line(Sentence.SCENE_IS_NOW, {"said": said}) if said else Line(Sentence.SCENE_DESCRIBED_ANEW)
    return Line(Sentence.SCENE_DETAILS)


def _all_texts(local: LocalDescription) -> str:
    texts = (*local.detailed_descriptions, local.tags, local.atmosphere, local.style, local.quality_meta)
    return "\n".join(texts)


def _swapped(old: str, new: str) -> tuple[str, str] | None:
    """The word and its replacement, where replacing one word everywhere makes one text of the other."""
    old_words, new_words = _WORD.findall(old.lower()), _WORD.findall(new.lower())
    gone, come = set(old_words) - set(new_words), set(new_words) - set(old_words)
    if len(gone) != 1 or len(come) != 1:
        return None
    (before,), (after,) = gone, come
    replaced = [after if word == before else word for word in old_words]
    return (before, after) if replaced == new_words else None


def _first(words: list[str]) -> tuple[str, ...]:
    """As many as a line has room for."""
    return tuple(words[:_MAX_ADJECTIVES])


def _shortened(text: str, max_chars: int) -> str:
    """The text in one line, cut between words where it is too long."""
    line = " ".join(text[: 4 * max_chars].split())
    if len(line) <= max_chars:
        return line
    cut = line[: max_chars - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:") + "…"


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
