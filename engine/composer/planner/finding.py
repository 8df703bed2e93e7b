"""Finding what a person means in a scene: "the red one on the left", "the kids", "it".

Reads the canvas and compares; changes nothing.
"""

import re
from dataclasses import dataclass

from canvas.model import Canvas, LocalDescription
from engine.composer.planner.inflection import singular
from engine.composer.planner.phrases import Phrase, phrase_of
from engine.composer.planner.preparing import first_words
from engine.composer.planner.reading import read_things
from engine.composer.planner.retelling import forms_of, inscription_of, mentions
from engine.composer.planner.tables import BACKDROP_DISTANCE, Noun, kin, noun_forms
from engine.composer.planner.telling import head_of
from engine.composer.planner.vocabulary import Word, cut

_IT = frozenset(["it", "its", "this", "that", "them", "they", "their", "everything", "all"])
_SOMEBODY = frozenset(["he", "she", "him", "her", "his"])
_ANYTHING = frozenset(["thing", "things", "one", "object", "figure", "region", "part"])
_ENOUGH = 2.0
_MAX_NAME_WORDS = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What a person means.

    Attributes:
        index: The region that is about it; None when sentences only mention it.
        canvas: The scene in which it was found.
        name: The noun.
        forms: How the scene may name it.
    """

    index: int | None
    canvas: Canvas
    name: str
    forms: tuple[str, ...]


def find(canvas: Canvas, said: str, last: str) -> Found | None:
    """What is meant in the canvas, or None; `last` is what was spoken of before.

    A sign may be told by its words in quotation marks. A thing that has no region of its own is found where
    descriptions mention it.
    """
    signs = _signs_with(canvas, inscription_of(said))
    if len(signs) == 1:
        return _found(canvas, signs[0], None)
    words = cut(said)
    place = next((word.place for word in words if word.place), "")
    content = _unsaid(tuple(word for word in words if not (word.place or word.relation or word.is_break)))
    texts = {word.text for word in content}
    if place and (not content or texts & _ANYTHING):
        return _by_place(canvas, place)
    if (texts & (_IT | _SOMEBODY) or not content) and not any(word.noun for word in content):
        return _it(canvas, last, among_beings=bool(texts & _SOMEBODY))
    phrase = phrase_of(content)
    return _by_phrase(canvas, phrase, place) if phrase else None


def _by_phrase(canvas: Canvas, phrase: Phrase, place: str) -> Found | None:
    """The region that suits a phrase best; else what descriptions mention by it."""
    wanted = noun_forms().get(phrase.head, phrase.noun)
    scores = [_score(local, phrase, wanted, place) for local in canvas.local_descriptions]
    best = max(range(len(scores)), key=scores.__getitem__, default=None)
    if best is not None and scores[best] >= _ENOUGH:
        return _found(canvas, best, phrase)
    forms = _forms_in_texts(canvas, phrase)
    return Found(None, canvas, phrase.head, forms) if forms else None


def names_of(canvas: Canvas) -> tuple[str, ...]:
    """The names of the things in a scene, each once."""
    return tuple(dict.fromkeys(shown_name(local) for local in canvas.local_descriptions))


def shown_name(local: LocalDescription) -> str:
    """A short name for a region: its noun, else its first words."""
    head = head_of(local.description)
    if head:
        return head.text
    things = read_things(local.description)
    return things[0].phrase.head if things else first_words(local.description.rstrip("."), _MAX_NAME_WORDS)


def _unsaid(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Of "the sign that says Keep Out" the sign: what stands on it may be anything."""
    for index, word in enumerate(words):
        if word.role == "carrier" and any(other.noun for other in words[:index]):
            return words[:index]
    return words


def _signs_with(canvas: Canvas, words: str) -> tuple[int, ...]:
    """The regions that bear some words."""
    return tuple(
        index
        for index, local in enumerate(canvas.local_descriptions)
        if words and inscription_of(local.description).lower() == words.lower()
    )


def is_being(local: LocalDescription) -> bool:
    """Whether a region is about somebody, as far as its noun is known."""
    head = head_of(local.description)
    return head is None or head.is_being


def _it(canvas: Canvas, last: str, *, among_beings: bool) -> Found | None:
    """What was spoken of last, or has just come; else what stands in the middle, nearest."""
    found = find(canvas, last, "") if last and last not in _IT else None
    if found and found.index is None and not among_beings:
        return found
    figures = [
        (
            not _is_meant(canvas, index, found),
            not _is_newest(canvas, index),
            found is None or index != found.index,
            not _is_told(canvas, local),
            local.location != "in the center",
            local.distance_to_viewer,
            index,
        )
        for index, local in enumerate(canvas.local_descriptions)
        if not among_beings or is_being(local)
    ]
    return _found(canvas, min(figures)[-1], None) if figures else None


def _is_meant(canvas: Canvas, index: int, found: Found | None) -> bool:
    """Whether a region is what was spoken of, or another of its name."""
    if found is None or found.index is None:
        return False
    head = head_of(canvas.local_descriptions[index].description)
    return index == found.index or (head is not None and head.text in found.forms)


def _is_told(canvas: Canvas, local: LocalDescription) -> bool:
    """Whether a region is a figure that the title names."""
    head = head_of(local.description)
    title = canvas.global_description.description
    is_figure = local.distance_to_viewer < BACKDROP_DISTANCE
    return is_figure and head is not None and mentions(title, forms_of(head.text))


def _is_newest(canvas: Canvas, index: int) -> bool:
    """Whether a region was added by the last change: the global description ends with its opening."""
    opening = canvas.local_descriptions[index].detailed_descriptions[:1]
    is_last = index == len(canvas.local_descriptions) - 1
    return is_last and bool(opening) and canvas.global_description.detailed_descriptions[-1:] == opening


def _by_place(canvas: Canvas, place: str) -> Found | None:
    at_place = [
        (local.distance_to_viewer, index)
        for index, local in enumerate(canvas.local_descriptions)
        if _is_at(local, place)
    ]
    if not at_place:
        return None
    chosen = max(at_place) if place == "background" else min(at_place)
    return _found(canvas, chosen[1], None)


def _is_at(local: LocalDescription, place: str) -> bool:
    if place == "background":
        return local.distance_to_viewer >= BACKDROP_DISTANCE
    if place == "foreground":
        return local.distance_to_viewer <= 2
    return local.location == place


def _found(canvas: Canvas, index: int, phrase: Phrase | None) -> Found:
    local = canvas.local_descriptions[index]
    head = head_of(local.description)
    name = head.text if head else (phrase.head if phrase else shown_name(local))
    said = (
        [phrase.head] if phrase and mentions(local.description, (phrase.head, singular(phrase.head))) else []
    )
    if head and phrase and head.noun and noun_forms().get(phrase.head) is not head.noun and said:
        # the person means another noun of the description than its first
        name = phrase.head
        return Found(index, canvas, name, forms_of(name))
    also = [head.noun.name] if head and head.noun and mentions(local.description, (head.noun.name,)) else []
    return Found(index, canvas, name, forms_of(name, *also))


def _score(local: LocalDescription, phrase: Phrase, wanted: Noun, place: str) -> float:
    head = head_of(local.description)
    score = 0.0
    if head and head.noun and head.noun.name == wanted.name:
        score = 10.0
    elif _starts_with(local.description, phrase) or (
        head is None and mentions(local.description, forms_of(phrase.head))
    ):
        score = 9.0
    elif _tail_matches(head, phrase):
        score = 8.0
    elif head and head.noun and _is_kind_of(head.noun, wanted):
        score = 6.0
    if score and local.distance_to_viewer >= BACKDROP_DISTANCE:
        score -= 3
    if score and head and singular(head.text) == singular(phrase.head):
        score += 1.5 if head.text == phrase.head else 1
    if score and any(mentions(local.description, (word,)) for word in phrase.modifiers):
        score += 1.5
    if score and phrase.color and phrase.color == local.color:
        score += 1
    if score and place and _is_at(local, place):
        score += 3
    return score


def _starts_with(description: str, phrase: Phrase) -> bool:
    """Whether the description opens with the words that the person used, whatever is known of them."""
    forms = "|".join(map(re.escape, forms_of(phrase.head)))
    return re.match(
        rf"(?:An? |The )?(?:[\w'-]+ ){{0,3}}?(?:{forms})\b", description, re.IGNORECASE
    ) is not None and (not phrase.is_known)


def _tail_matches(head: Word | None, phrase: Phrase) -> bool:
    """A "cake" is also a "birthday cake"."""
    if head is None:
        return False
    said, told = singular(phrase.head.rpartition(" ")[2]), singular(head.text.rpartition(" ")[2])
    return said == told or (len(said) > 3 and told.endswith(said))


def _is_kind_of(noun: Noun, wanted: Noun) -> bool:
    """Whether a noun is called by its kind, a parrot a bird, or by a name of its kin, a sailboat a ship."""
    return noun.kind == wanted.name or any({noun.name, wanted.name} <= group for group in kin())


def _forms_in_texts(canvas: Canvas, phrase: Phrase) -> tuple[str, ...]:
    """The forms of a noun that some text of the scene mentions."""
    wanted = noun_forms().get(phrase.head)
    same = [form for form, noun in noun_forms().items() if wanted is not None and noun is wanted]
    texts = [
        text
        for local in canvas.local_descriptions
        for text in (local.description, *local.detailed_descriptions)
    ]
    texts += [canvas.global_description.description, *canvas.global_description.detailed_descriptions]
    candidates = forms_of(phrase.head, *same)
    joined = "\n".join(texts)
    return tuple(form for form in candidates if mentions(joined, (form,)))
