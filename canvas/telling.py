"""The short English lines that tell a change: "dragon became dinosaur", "lamp moved to the left".

A line says what certainly is so. Where a description changed in a way that no pattern covers, the thing "was
described anew".
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

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


@dataclass(frozen=True, slots=True)
class Thing:
    """A region as lines speak of it.

    Attributes:
        name: Without article, and as long as it takes to tell it from the canvas's other things.
        phrase: Its description, taken apart.
    """

    name: str
    phrase: NounPhrase

    def verb(self, singular: str, plural: str) -> str:
        """The form of a verb that agrees with the name."""
        return plural if self.phrase.is_plural else singular


def things(locals_: tuple[LocalDescription, ...]) -> tuple[Thing, ...]:
    """The regions as lines speak of them, each with a name of its own where that is possible."""
    phrases = [_phrase(local) for local in locals_]
    candidates = [_names(phrase, local) for phrase, local in zip(phrases, locals_, strict=True)]
    counts = [Counter(names) for names in zip(*candidates, strict=True)]
    return tuple(
        Thing(
            next((name for name, count in zip(names, counts, strict=True) if count[name] == 1), names[-1]),
            phrase,
        )
        for names, phrase in zip(candidates, phrases, strict=True)
    )


def _phrase(local: LocalDescription) -> NounPhrase:
    first_tag = local.tags.partition(",")[0]
    return noun_phrase(local.description) or noun_phrase(first_tag) or NounPhrase("", (), "region", "region")


def _names(phrase: NounPhrase, local: LocalDescription) -> tuple[str, str, str]:
    """From short to long: lamp, red lamp, lamp on the left."""
    head = _shortened(phrase.head, _MAX_NAME_CHARS)
    return head, _shortened(phrase.named, _MAX_NAME_CHARS), f"{head} {local.location}"


def added(thing: Thing) -> str:
    """A cat was added."""
    return f"{_shortened(thing.phrase.introduction, _MAX_SAYING_CHARS)} {thing.verb('was', 'were')} added"


def removed(thing: Thing) -> str:
    """The cat was removed."""
    return f"{thing.name} {thing.verb('was', 'were')} removed"


def moved(thing: Thing, old: LocalDescription, new: LocalDescription) -> str:
    """The lamp moved to the left."""
    if old.location != new.location:
        return f"{thing.name} moved to {new.location.partition(' ')[2]}"
    (old_x, old_y), (new_x, new_y) = OFFSETS[old.offset], OFFSETS[new.offset]
    sideways = {-1: "left", 0: "", 1: "right"}[_sign(new_x - old_x)]
    upright = {-1: "up", 0: "", 1: "down"}[_sign(new_y - old_y)]
    return f"{thing.name} moved slightly {' and '.join(filter(None, (upright, sideways)))}"


def resized(thing: Thing, old: LocalDescription, new: LocalDescription) -> str:
    """The clown is larger."""
    (old_width, old_height), (new_width, new_height) = AREAS[old.area], AREAS[new.area]
    wider, taller = _sign(new_width - old_width), _sign(new_height - old_height)
    match wider, taller:
        case (1, 1):
            change = "larger"
        case (-1, -1):
            change = "smaller"
        case (_, 1):
            change = "taller"
        case (1, _):
            change = "wider"
        case (-1, _):
            change = "narrower"
        case _:
            change = "shorter"
    return f"{thing.name} {thing.verb('is', 'are')} {change}"


def recolored(thing: Thing, new: LocalDescription) -> str:
    """The balloon became red."""
    return f"{thing.name} became {new.color}"


def shifted(thing: Thing, *, nearer: bool) -> str:
    """The lamp is nearer."""
    return f"{thing.name} {thing.verb('is', 'are')} {'nearer' if nearer else 'farther away'}"


def background(new: GlobalDescription) -> str:
    """The background became darkblue."""
    return f"background became {new.color}"


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


def retold(old: Thing, new: Thing) -> str:
    """What a new description changes: the thing itself, its adjectives, or what it does."""
    before, after = old.phrase, new.phrase
    if before.head.lower() != after.head.lower():
        return f"{old.name} became {_distinct(after, before)}"
    return (
        _now_described(old, after)
        or _now_doing(old, after)
        or f"{old.name} {old.verb('was', 'were')} described anew"
    )


def _distinct(phrase: NounPhrase, other: NounPhrase) -> str:
    """The head with the number and the modifiers that the other does not have."""
    number = phrase.number if phrase.number != other.number else ""
    modifiers = [word for word in phrase.modifiers if word not in other.modifiers][-_MAX_ADJECTIVES:]
    return _shortened(" ".join([number, *modifiers, phrase.head]), _MAX_NAME_CHARS)


def _now_described(old: Thing, after: NounPhrase) -> str:
    before = old.phrase
    if before.number != after.number:
        return f"{_numbered(before)} became {_numbered(after)}"
    gained = [word for word in after.modifiers if word not in before.modifiers]
    lost = [word for word in before.modifiers if word not in after.modifiers]
    verb = old.verb("is", "are")
    if gained:
        return f"{old.name} {verb} now {_listed(gained)}"
    if lost:
        return f"{old.name} {verb} no longer {_listed(lost)}"
    return ""


def _numbered(phrase: NounPhrase) -> str:
    return f"{phrase.number} {phrase.head}".strip()


def _now_doing(old: Thing, after: NounPhrase) -> str:
    """From what follows the head: "filled with toys", "with a moon", "that reads 'Hello'"."""
    if old.phrase.rest.lower() == after.rest.lower() or not after.rest:
        return ""
    said = _shortened(after.rest, _MAX_SAYING_CHARS)
    first, _, others = said.partition(" ")
    if is_participle(first.lower()) or first.lower() in _LINKING:
        return f"{old.name} {old.verb('is', 'are')} now {said}"
    if first.lower() == "with" and others:
        return f"{old.name} now {old.verb('has', 'have')} {others}"
    if first.lower() in _RELATIVE and others:
        return f"{old.name} now {others}"
    return ""


def new_details(thing: Thing, old: LocalDescription, new: LocalDescription) -> str:
    """What is new where the description is the same."""
    swap = _swapped(_all_texts(old), _all_texts(new))
    if swap:
        return f"{thing.name}: {swap[0]} became {swap[1]} in the details"
    parts = {
        "details": (old.detailed_descriptions, old.tags) != (new.detailed_descriptions, new.tags),
        "atmosphere": old.atmosphere != new.atmosphere,
        "style": old.style != new.style,
        "quality": old.quality_meta != new.quality_meta,
    }
    return f"{thing.name}: new {_listed([part for part, is_new in parts.items() if is_new])}"


def retold_scene(old: GlobalDescription, new: GlobalDescription) -> str:
    """What is new in the global description."""
    swap = _swapped(old.description, new.description)
    if swap:
        return f"scene: {swap[0]} became {swap[1]}"
    if old.description != new.description:
        said = _shortened(new.description.strip(" ."), _MAX_SAYING_CHARS)
        return f"scene is now: {said}" if said else "scene was described anew"
    return "scene: new details"


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


def _listed(words: list[str]) -> str:
    shown = words[:_MAX_ADJECTIVES]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def _shortened(text: str, max_chars: int) -> str:
    """The text in one line, cut between words where it is too long."""
    line = " ".join(text[: 4 * max_chars].split())
    if len(line) <= max_chars:
        return line
    cut = line[: max_chars - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:") + "…"


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
