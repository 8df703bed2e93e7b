"""What each region of a canvas shows: its subject, the words on it, and the small things around it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from canvas.model import Canvas, LocalDescription
from canvas.names import COLORS
from engine.renderer.storyboard.backdrop import words_of
from engine.renderer.storyboard.drawing import Rgb
from engine.renderer.storyboard.lexicon import Thing, find, has_trait, is_clothing, is_natural, worn_on
from engine.renderer.storyboard.reading import (
    MAX_GROUP,
    Phrase,
    clothes_color,
    is_vague,
    phrases,
    quoted_words,
)

MAX_DETAILS: Final = 8

_LABEL_CHARS: Final = 24

_PAIRS: Final = frozenset({"couple", "lover"})
_CROWDS: Final = frozenset(
    {"family", "team", "crowd", "audience", "crew", "band", "people", "army", "everyone", "人群"}
)
_PORTRAIT: Final = frozenset({"portrait", "close-up", "closeup", "headshot", "face", "selfie", "bust"})


@dataclass(frozen=True, slots=True)
class Detail:
    """A small thing that belongs to a subject."""

    thing: Thing
    color: Rgb | None
    near: bool
    """Named beside the subject itself, not in a sentence about it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a region shows.

    Attributes:
        thing: What is drawn, or None when no picture fits the words.
        others: Further people or animals of the same group.
        count: How many, `MAX_GROUP` at most.
        color: Asked for beside the noun, or None.
        clothes: The colour that a person is dressed in, or None.
        text: The phrase for its label.
        sign: Words that stand on it, or empty.
        details: Small things, the most telling first.
        portrait: Whether only head and shoulders are asked for.
        mood: The lower-case words of its description and tags.
    """

    thing: Thing | None
    others: tuple[Thing, ...]
    count: int
    color: Rgb | None
    clothes: Rgb | None
    text: str
    sign: str
    details: tuple[Detail, ...]
    portrait: bool
    mood: frozenset[str]


def subjects(canvas: Canvas) -> tuple[Subject, ...]:
    """One subject a local description, in the order of the code; no detail repeats another's subject."""
    found = _as_portrait(canvas, [_subject(local) for local in canvas.local_descriptions])
    heroes = frozenset(subject.thing.name for subject in found if subject.thing)
    return tuple(
        _with_details(subject, local, heroes)
        for subject, local in zip(found, canvas.local_descriptions, strict=True)
    )


def _as_portrait(canvas: Canvas, found: list[Subject]) -> list[Subject]:
    """The subjects; where the whole picture is a portrait its only person is shown as one."""
    people = [
        index for index, subject in enumerate(found) if subject.thing and subject.thing.kind == "person"
    ]
    if len(people) == 1 and words_of(canvas.global_description.description) & _PORTRAIT:
        only = people[0]
        found[only] = replace(found[only], portrait=found[only].count == 1)
    return found


def _subject(local: LocalDescription) -> Subject:
    sign = quoted_words(local.description) or next(
        (words for text in local.detailed_descriptions[:4] if (words := quoted_words(text))), ""
    )
    read = phrases(local.description)
    chosen, thing = _choose(read)
    others = _others(read, chosen, thing)
    things = tuple(other for phrase in others if (other := find(phrase)))
    mood = words_of(local.description) | words_of(local.tags[:300])
    thing = _weathered(thing, mood)
    if sign and (thing is None or (thing.kind == "prop" and thing.name == "banner")):
        thing = Thing("prop", "banner", "banner")
    count = _count(chosen, thing, others)
    return Subject(
        thing, things, count, _asked_color(chosen, thing), _clothes(local, read),
        _label(chosen, thing, others) or local.tags.split(",")[0].strip()[:40] or local.color,
        sign, (), bool(mood & _PORTRAIT) and thing is not None and thing.kind == "person" and count == 1,
        mood,
    )  # fmt: skip


def _count(chosen: Phrase | None, thing: Thing | None, others: Sequence[Phrase]) -> int:
    """How many there are of a subject, with those whom it is said to be besides."""
    count = chosen.count if chosen else 1
    if others:
        count = min(MAX_GROUP, sum(min(phrase.count, 2) for phrase in (chosen, *others) if phrase))
    if thing and thing.word in _PAIRS:
        return 2
    return max(count, 4) if thing and thing.word in _CROWDS else count


def _others(read: Sequence[Phrase], chosen: Phrase | None, thing: Thing | None) -> tuple[Phrase, ...]:
    """Further people or icons that the subject is said to be: "a bride and a groom"."""
    if thing is None or thing.kind not in ("person", "icon"):
        return ()
    return tuple(
        phrase
        for phrase in read
        if phrase.main and phrase is not chosen and (other := find(phrase)) and other.kind == thing.kind
    )


def _weathered(thing: Thing | None, mood: frozenset[str]) -> Thing | None:
    """A ground as its adjectives say: "snow-covered ground" is snow, "sandy soil" sand."""
    if thing and thing.kind == "scenery" and thing.name in ("grass", "lunar"):
        for kind, words in (
            ("snow", {"snow", "snowy", "snow-covered", "icy"}),
            ("sand", {"sand", "sandy", "desert"}),
        ):
            if mood & words:
                return Thing("scenery", kind, thing.word)
    return thing


def _asked_color(phrase: Phrase | None, thing: Thing | None) -> Rgb | None:
    if phrase is None or phrase.color is None or (thing and is_natural(thing, phrase.color)):
        return None
    return COLORS[phrase.color]


def _clothes(local: LocalDescription, read: Sequence[Phrase]) -> Rgb | None:
    named = next((phrase.color for phrase in read if phrase.color and is_clothing(phrase.words[-1])), None)
    found = named or clothes_color(local.description)
    return COLORS[found] if found else None


def _choose(read: Sequence[Phrase]) -> tuple[Phrase | None, Thing | None]:
    """The phrase that is the subject, and its picture."""
    main = [phrase for phrase in read if phrase.main]
    for phrase in main:
        if thing := find(phrase):
            return phrase, thing
    if not main or is_vague(main[0]):
        for phrase in read:
            if thing := find(phrase):
                return phrase, thing
    return (main or [*read, None])[0], None


def _label(phrase: Phrase | None, thing: Thing | None, others: Sequence[Phrase]) -> str:
    if phrase is None:
        return ""
    if thing and not thing.word.isascii():
        return thing.word
    name = " ".join(phrase.text.split()[-2:])
    both = f"{name} and {others[0].text}" if len(others) == 1 else name
    return both if len(both) <= _LABEL_CHARS else name


def _with_details(subject: Subject, local: LocalDescription, heroes: frozenset[str]) -> Subject:
    seen = {*heroes, *(other.name for other in subject.others)}
    details: list[Detail] = []
    for phrase, near in _further_phrases(local):
        thing = find(phrase)
        if thing is None or thing.kind != "icon" or thing.name in seen or is_clothing(phrase.words[-1]):
            continue
        if has_trait(thing, "never_details") or (worn_on(thing) and not near):
            continue
        seen.add(thing.name)
        details.append(Detail(thing, COLORS[phrase.color] if phrase.color else None, near))
        if len(details) == MAX_DETAILS:
            break
    return replace(subject, details=tuple(details))


def _further_phrases(local: LocalDescription) -> Iterator[tuple[Phrase, bool]]:
    """Phrases that may name details, and whether they stand beside the subject or in a further sentence."""
    yield from ((phrase, True) for phrase in phrases(local.description))
    yield from ((phrase, True) for phrase in phrases(local.tags[:600]))
    for text in local.detailed_descriptions[:8]:
        yield from ((phrase, False) for phrase in phrases(text))
