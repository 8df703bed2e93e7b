"""Applying a person's changes to a canvas; everything that they did not ask for stays as it is.

Knows the canvas and its texts. What the person's words ask for is `instructions`' work.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from canvas.model import Canvas
from engine.composer.planner.arranging import absent_anchor, moved
from engine.composer.planner.asked import ANYWHERE, Thing
from engine.composer.planner.changing import (
    clad,
    described,
    removed,
    replaced,
    scaled,
    swapped,
    with_background,
    with_moved,
    with_region,
    with_thing,
    with_told_region,
)
from engine.composer.planner.chinese import is_chinese
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
from engine.composer.planner.finding import Found, find, is_being, names_of
from engine.composer.planner.hours import at_hour
from engine.composer.planner.inflection import singular
from engine.composer.planner.instructions import names_scene, read_instructions
from engine.composer.planner.preparing import first_words
from engine.composer.planner.reading import read_prompt, read_things
from engine.composer.planner.regions import approached, joint_of, local_of, with_words, words_for_sign
from engine.composer.planner.retelling import inscribed, inscription_of, mentions
from engine.composer.planner.tables import belongings
from engine.composer.planner.vocabulary import cut
from engine.composer.planner.whole import in_scene, with_tone
from engine.errors import NotUnderstood

MAX_REGIONS = 12

_INDEFINITE = re.compile(r"(?:an?|some|another|two|three|four|five|six|seven|eight|nine|ten|\d+) |\w+s$")
_PRONOUN = re.compile(r"\b(?:it|him|her|them)\b(?= *(?:$|,|and\b|on\b|in\b|at\b))")
_ONES = re.compile(r"\b(?:more|ones?)\b ?")


@dataclass(frozen=True, slots=True)
class Edited:
    """A changed canvas and what is to be said about it.

    Attributes:
        notes: (key of a remark, what it is about).
        known: The names of the things in the scene.
    """

    canvas: Canvas
    notes: tuple[tuple[str, str], ...]
    known: tuple[str, ...]


def edit_scene(canvas: Canvas, prompt: str, seed: int, earlier: Sequence[str] = ()) -> Edited:
    """The canvas with the changes that a prompt asks for; "it" may be what an earlier change was about.

    Raises:
        NotUnderstood: It asks for nothing that the planner knows, or of nothing that is in the scene.
    """
    edits, unread = read_instructions(prompt)
    editor = _Editor(canvas, Random(f"{seed}:{prompt}"), _subject(earlier))
    for edit in edits:
        editor.apply(edit)
    if not editor.done:
        raise NotUnderstood(first_words(prompt, 20), names_of(canvas))
    notes: list[tuple[str, str]] = []
    if unread:
        notes.append(("not_understood", "; ".join(unread)))
    if editor.missing:
        notes.append(("not_found", ", ".join(editor.missing)))
    if editor.refused:
        notes.append(("full", ", ".join(editor.refused)))
    if editor.canvas == canvas:
        notes.append(("unchanged", ""))
    return Edited(editor.canvas, tuple(notes), names_of(editor.canvas))


def _things(text: str) -> tuple[Thing, ...]:
    """The things that a text names in English; what the glossary lacks is none."""
    return tuple(thing for thing in read_things(text) if not is_chinese(thing.phrase.bare))


def _is_loose_belonging(thing: Thing) -> bool:
    """Whether a thing is worn, and nothing says where it is."""
    return thing.phrase.is_known and bool(joint_of(thing)) and thing.spot == ANYWHERE


def _number_in(target: str) -> int:
    """How many of a thing are spoken of; 0 for all."""
    words = cut(target)
    return next((word.number for word in words if word.number), int(bool(words) and words[0].text == "a"))


def _subject(earlier: Sequence[str]) -> str:
    """What the latest change among some messages was about; the first of them asked for a new scene."""
    for prompt in reversed(earlier[1:]):
        for edit in reversed(read_instructions(prompt)[0]):
            match edit:
                case Add(text) | Replace(_, text):
                    subject = next((thing.phrase.bare for thing in read_things(text)), "")
                case Give(target) | Move(target) | Resize(target) | Approach(target) | Describe(target):
                    subject = target if any(word.noun for word in cut(target)) else ""
                case _:
                    subject = ""
            if subject:
                return subject
    return ""


@dataclass(slots=True)
class _Editor:
    """Applies edits one after the other; "it" is what was spoken of `last`, else in a message `before`."""

    canvas: Canvas
    rng: Random
    before: str = ""
    last: str = ""
    done: int = 0
    missing: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])

    @property
    def it(self) -> str:
        """What "it" means, as far as it was said."""
        return self.last or self.before

    def apply(self, edit: Edit) -> None:
        """Makes one change."""
        match edit:
            case SetHour() | SetScene() | SetTone() | PaintBackground():
                self._change_whole(edit)
            case Replace() | Add() | Give() | Remove() | Move() | Swap():
                self._change_cast(edit)
            case _:
                self._change_thing(edit)

    def _change_whole(self, edit: SetHour | SetScene | SetTone | PaintBackground) -> None:
        match edit:
            case SetScene(text):
                self._set_scene(text)
            case SetTone(_, _, said) if said and self.last:
                self._change_thing(Describe("it", said))
            case SetTone(mood, style, _):
                self._set(with_tone(self.canvas, mood, style, self.rng))
            case SetHour(hour):
                self._set(at_hour(self.canvas, hour))
            case PaintBackground(color, said):
                self._set(with_background(self.canvas, color, said))

    def _change_cast(self, edit: Replace | Add | Give | Remove | Move | Swap) -> None:
        match edit:
            case Replace(target, new):
                self._replace(target, new)
            case Add(text):
                self._add(text)
            case Give(target, text):
                self._give(target, text)
            case Remove(targets):
                for target in targets:
                    self._remove(target)
            case Move(target, to):
                self._move_or_add(target, to)
            case Swap(one, other):
                self._swap(one, other)

    def _change_thing(self, edit: Resize | Approach | Describe | Inscribe) -> None:
        match edit:
            case Resize(target, step):
                self._on(target, lambda found: scaled(self.canvas, found, step))
            case Approach(target, step):
                self._on(
                    target,
                    lambda found: with_region(self.canvas, found.index, approached(local_of(found), step)),
                )
            case Describe(target, quality) if owner := self._owner_of(target):
                self._give(owner, f"{quality} {cut(target)[-1].text}")
            case Describe(target, quality):
                self._on(target, lambda found: described(self.canvas, found, quality))
            case Inscribe(target, words_):
                self._on(target, lambda found: self._inscribed(found, words_))

    def _set(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.done += 1

    # --- finding

    def _on(self, target: str, change: Callable[[Found], Canvas | None]) -> None:
        """Changes what a target means; what is not there, or cannot be changed, is remembered."""
        found = find(self.canvas, target, self.it)
        canvas = change(found) if found else None
        if found is None or canvas is None:
            self.missing += [] if found else [target]
            return
        self.last = found.name
        self.canvas = canvas
        self.done += 1

    def _has_region(self, text: str) -> bool:
        found = find(self.canvas, text, "")
        return found is not None and found.index is not None

    def _owner_of(self, target: str) -> str:
        """Who has what nothing tells of so far, as her hair; empty for anything else."""
        words = cut(target)
        noun = words[-1].noun if words else None
        if noun is None or noun.name not in belongings() or find(self.canvas, target, self.it):
            return ""
        return " ".join(word.text.removesuffix("'s") for word in words[:-1]) or "him"

    # --- changing

    def _replace(self, target: str, new: str) -> None:
        found = find(self.canvas, target, self.it)
        if found and (words_ := words_for_sign(found, new)):
            self._on(target, lambda found: self._inscribed(found, words_))
            return
        things = _things(new)
        if not (found and things):
            self.missing.append(new if found else target)
            return
        self.canvas = replaced(self.canvas, found, things[0], self.rng)
        self.last = things[0].phrase.noun.name
        self.done += 1
        for other in things[1:]:
            self._add_thing(other)

    def _add(self, text: str) -> None:
        text = self._with_names(text)
        things = _things(text)
        if things and all(map(_is_loose_belonging, things)) and self._on_somebody(things):
            return
        standing = [
            thing
            for thing in things
            if not (self._is_anchor(thing, things) or self._is_there(thing, text, things))
        ]
        self.missing += [] if standing else [text]
        for thing in standing:
            self._add_thing(thing)

    def _on_somebody(self, things: tuple[Thing, ...]) -> bool:
        """Gives things to wear to whom the title names, if there is anybody."""
        owner = find(self.canvas, "him", self.it)
        title = self.canvas.global_description.description
        if owner is None or not mentions(title, owner.forms):
            return False
        self._on("him", lambda found: clad(self.canvas, found, things))
        return True

    def _is_anchor(self, thing: Thing, things: tuple[Thing, ...]) -> bool:
        """Whether a thing is named only to say where another goes: "a bird above the castle"."""
        name = thing.phrase.noun.name
        refers = any(name in other.spot.anchors for other in things if other is not thing)
        return refers and find(self.canvas, name, "") is not None

    def _is_there(self, thing: Thing, text: str, things: tuple[Thing, ...]) -> bool:
        """Whether a thing is spoken of as known, beside a new one: "an umbrella for the robot"."""
        is_definite = re.search(rf"\bthe {re.escape(thing.phrase.bare)}\b", text) is not None
        return is_definite and len(things) > 1 and find(self.canvas, thing.phrase.head, "") is not None

    def _with_names(self, text: str) -> str:
        """The text with names for "behind it" and "two more red ones"."""
        found = find(self.canvas, "it", self.it)
        if found is None:
            return text
        bare = _ONES.sub("", text)
        if not read_things(bare):
            return f"{bare} {found.name if _ONES.match(text) else singular(found.name)}"
        return _PRONOUN.sub(self._name_of, text)

    def _name_of(self, pronoun: re.Match[str]) -> str:
        found = find(self.canvas, pronoun[0], self.it)
        return f"the {found.name}" if found else pronoun[0]

    def _add_thing(self, thing: Thing) -> None:
        self.done += 1
        if len(self.canvas.local_descriptions) >= MAX_REGIONS:
            self.refused.append(thing.phrase.bare)
            return
        self.canvas = with_thing(self.canvas, thing, self.rng)
        self.last = thing.phrase.noun.name

    def _remove(self, target: str) -> None:
        self._on(target, lambda found: removed(self.canvas, found, _number_in(target)))
        self.last = ""

    def _give(self, target: str, text: str) -> None:
        """What is worn or part of a body is told with its owner; anything else stands beside them."""
        things = _things(text)
        found = find(self.canvas, target, self.it)
        is_owner = found is None or (found.index is not None and is_being(local_of(found)))
        if not things:
            self.missing.append(text)
        elif all(map(joint_of, things)) and is_owner:
            self._on(target, lambda owner: clad(self.canvas, owner, things))
        else:
            self._add(f"{text} on {target}" if found else text)

    def _move_or_add(self, target: str, to: str) -> None:
        if _INDEFINITE.match(target) and not self._has_region(target):
            self._add(f"{target} {to}")
        elif names_scene(to) and not self._has_region(to):
            self._set_scene(to)
        else:
            self._on(target, lambda found: self._moved(found, to))

    def _moved(self, found: Found, to: str) -> Canvas | None:
        if found.index is None:
            self.missing.append(found.name)
            return None
        if thing := absent_anchor(self.canvas, found, to):
            return with_thing(self.canvas, thing, self.rng)
        new = moved(self.canvas, local_of(found), to, self.rng)
        if new is None:
            self.missing.append(to)
            return None
        return with_moved(self.canvas, found, new)

    def _set_scene(self, text: str) -> None:
        """Another place, with what is named beside it and does not come with it."""
        reading = read_prompt(text)
        if not reading.scenes:
            self.missing.append(text)
            return
        self.canvas = in_scene(self.canvas, reading, self.rng)
        for thing in reading.things:
            if find(self.canvas, thing.phrase.head, "") is None:
                self._add_thing(thing)
        self.done += 1

    def _swap(self, one: str, other: str) -> None:
        first, second = find(self.canvas, one, self.it), find(self.canvas, other, self.it)
        self.missing += [name for name, found in ((one, first), (other, second)) if found is None]
        if first is None or second is None or first.index is None or second.index is None:
            return
        self.canvas = swapped(self.canvas, first, second)
        self.done += 1

    def _inscribed(self, found: Found, words_: str) -> Canvas | None:
        if found.index is None:
            self.missing.append(found.name)
            return None
        local = local_of(found)
        old = inscription_of(local.description)
        return with_told_region(
            self.canvas, found, with_words(local, words_), lambda text: inscribed(text, old, words_)
        )
