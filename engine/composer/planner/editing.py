"""Applying a person's changes to a canvas; everything that they did not ask for stays as it is.

Knows the canvas and its texts. What the person's words ask for is `instructions`' work.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from canvas.model import Canvas, LocalDescription
from canvas.names import OFFSETS
from canvas.reading import read_location
from engine.composer.planner import retelling
from engine.composer.planner.asked import ANYWHERE, Spot, Thing
from engine.composer.planner.finding import Found, find, names_of
from engine.composer.planner.hours import apply_hour
from engine.composer.planner.inflection import lowered, sentence
from engine.composer.planner.instructions import (
    Add,
    Approach,
    Describe,
    Edit,
    Inscribe,
    Move,
    PaintBackground,
    Remove,
    Replace,
    Resize,
    SetHour,
    Swap,
    read_instructions,
)
from engine.composer.planner.phrases import Phrase
from engine.composer.planner.placing import Placement, Wish, place
from engine.composer.planner.preparing import first_words
from engine.composer.planner.reading import read_things
from engine.composer.planner.regions import (
    approached,
    color_of,
    global_without,
    is_about,
    is_slight,
    local_at,
    local_of,
    new_region,
    opening_of,
    own_tags,
    placement_of,
    renamed_global,
    renamed_region,
    resized,
    shifted,
    with_opening,
    with_other_thing,
    with_place_told,
    with_quality,
    with_successor,
    with_words,
    without_thing,
    words_for_sign,
)
from engine.composer.planner.tables import BACKDROP_DISTANCE
from engine.composer.planner.telling import head_of, where, with_tag
from engine.errors import NotUnderstood

MAX_REGIONS = 12


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


def edit_scene(canvas: Canvas, prompt: str, seed: int) -> Edited:
    """The canvas with the changes that a prompt asks for.

    Raises:
        NotUnderstood: It asks for nothing that the planner knows, or of nothing that is in the scene.
    """
    edits, unread = read_instructions(prompt)
    editor = _Editor(canvas, Random(f"{seed}:{prompt}"))
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


@dataclass(slots=True)
class _Editor:
    """Applies edits one after the other; `last` is what "it" means."""

    canvas: Canvas
    rng: Random
    last: str = ""
    done: int = 0
    missing: list[str] = field(default_factory=list[str])
    refused: list[str] = field(default_factory=list[str])

    def apply(self, edit: Edit) -> None:  # noqa: C901 - one case for each change
        """Makes one change."""
        match edit:
            case Replace(target, new):
                self._on(target, lambda found: self._replace(found, new))
            case Add(text):
                self._add(text)
            case Remove(targets):
                for target in targets:
                    self._on(target, self._remove)
            case Move(target, to):
                self._move_or_add(target, to)
            case Resize(target, step):
                self._on(target, lambda found: self._change(found, resized(local_of(found), step, found)))
            case Approach(target, step):
                self._on(target, lambda found: self._change(found, approached(local_of(found), step)))
            case Describe(target, quality):
                self._on(target, lambda found: self._describe(found, quality))
            case Swap(one, other):
                self._swap(one, other)
            case Inscribe(target, words_):
                self._on(target, lambda found: self._inscribe(found, words_))
            case SetHour(hour):
                self.canvas = apply_hour(self.canvas, hour)
                self.done += 1
            case PaintBackground(color, said):
                self._paint_background(color, said)

    # --- finding

    def _on(self, target: str, act: Callable[[Found], None]) -> None:
        """Does something to what a target means, or remembers that it is not there."""
        found = find(self.canvas, target, self.last)
        if found is None:
            self.missing.append(target)
            return
        self.last = found.name
        missing_before = len(self.missing)
        act(found)
        self.done += len(self.missing) == missing_before

    def _change(self, found: Found, local: LocalDescription) -> None:
        """Puts a changed region in its place."""
        if found.index is None:
            return
        locals_ = self.canvas.local_descriptions
        self._set((*locals_[: found.index], local, *locals_[found.index + 1 :]))

    def _set(self, locals_: tuple[LocalDescription, ...]) -> None:
        self.canvas = replace(self.canvas, local_descriptions=locals_, repairs=())

    def _retell(self, found: Found, local: LocalDescription, retell: Callable[[str], str]) -> None:
        """Puts a changed region in its place; the global texts follow.

        Where they repeat the region's opening they take over its new words, else they are retold.
        """
        old, new = opening_of(local_of(found)), opening_of(local)
        self._change(found, local)
        self._retell_global(lambda text: new if old and text == old else retell(text))

    def _retell_global(self, retell: Callable[[str], str]) -> None:
        scene = self.canvas.global_description
        scene = replace(
            scene,
            description=retell(scene.description) or scene.description,
            detailed_descriptions=tuple(retell(text) for text in scene.detailed_descriptions),
        )
        self.canvas = replace(self.canvas, global_description=scene)

    # --- changing

    def _replace(self, found: Found, new: str) -> None:
        if words_ := words_for_sign(found, new):
            self._inscribe(found, words_)
            return
        things = read_things(new)
        if not things:
            self.missing.append(new)
            return
        self.last = things[0].phrase.noun.name
        old = local_of(found) if found.index is not None else None
        if old is not None:
            self._change(found, with_other_thing(old, found, things[0], self.rng))
        self._rename_elsewhere(found, things[0].phrase, old)
        for other in things[1:]:
            self._add_thing(other)

    def _rename_elsewhere(self, found: Found, phrase: Phrase, old: LocalDescription | None) -> None:
        locals_ = tuple(
            local if index == found.index else renamed_region(local, found.forms, phrase)
            for index, local in enumerate(self.canvas.local_descriptions)
        )
        scene = self.canvas.global_description
        if old:
            scene = with_successor(scene, old, local_at(self.canvas, found.index))
        gone = own_tags(old, locals_) if old else frozenset[str]()
        self._set(locals_)
        scene = renamed_global(scene, found.forms, phrase, gone)
        self.canvas = replace(self.canvas, global_description=scene)

    def _add(self, text: str) -> None:
        things = read_things(text)
        standing = [thing for thing in things if not self._is_anchor(thing, things)]
        self.missing += [] if standing else [text]
        for thing in standing:
            self._add_thing(thing)

    def _is_anchor(self, thing: Thing, things: tuple[Thing, ...]) -> bool:
        """Whether a thing is named only to say where another goes: "a bird above the castle"."""
        name = thing.phrase.noun.name
        refers = any(name in other.spot.anchors for other in things if other is not thing)
        return refers and find(self.canvas, name, "") is not None

    def _add_thing(self, thing: Thing) -> None:
        if len(self.canvas.local_descriptions) >= MAX_REGIONS:
            self.refused.append(thing.phrase.bare)
            self.done += 1
            return
        local = new_region(self.canvas, thing, self._placed(thing), self.rng)
        scene = self.canvas.global_description
        joint = " and " if ", with " in scene.description else ", with "
        scene = replace(
            scene,
            description=sentence(f"{scene.description.rstrip('. ')}{joint}{lowered(thing.phrase.text)}"),
            detailed_descriptions=(*scene.detailed_descriptions, local.detailed_descriptions[0]),
            tags=with_tag(scene.tags, thing.phrase.bare),
        )
        self.canvas = Canvas(scene, (*self.canvas.local_descriptions, local))
        self.last = thing.phrase.noun.name
        self.done += 1

    def _placed(self, thing: Thing) -> Placement:
        anchors = tuple(
            placement_of(local_of(found))
            for anchor in thing.spot.anchors
            if (found := find(self.canvas, anchor, "")) and found.index is not None
        )
        spot = thing.spot if thing.spot.place or anchors else ANYWHERE
        taken = [
            placement_of(local)
            for local in self.canvas.local_descriptions
            if local.distance_to_viewer < BACKDROP_DISTANCE
        ]
        return place(Wish(thing.phrase.noun, spot, thing.phrase.said_size, anchors=anchors), taken, self.rng)

    def _remove(self, found: Found) -> None:
        old = local_of(found) if found.index is not None else None
        opening = opening_of(old) if old else ""
        rest = tuple(
            local for index, local in enumerate(self.canvas.local_descriptions) if index != found.index
        )
        # another thing of the same name stays, and so does what is told of it
        if not any(is_about(local, found) for local in rest):
            rest = tuple(without_thing(local, found.forms) for local in rest)
            rest = tuple(local for local in rest if local.description)
        scene = with_opening(self.canvas.global_description, opening, "")
        if not any(is_about(local, found) for local in rest):
            scene = global_without(scene, found.forms)
        self.canvas = Canvas(scene, rest)
        self.last = ""

    def _move_or_add(self, target: str, to: str) -> None:
        is_new = target.startswith(("a ", "an ", "some ", "two ", "three ")) and not find(
            self.canvas, target, ""
        )
        if is_new:
            self._add(f"{target} {to}")
        else:
            self._on(target, lambda found: self._move(found, to))

    def _move(self, found: Found, to: str) -> None:
        if found.index is None:
            self.missing.append(found.name)
            return
        local = local_of(found)
        moved = self._moved(local, to)
        if moved is None:
            self.missing.append(to)
            return
        new_place = where(moved.location, moved.distance_to_viewer)
        self._retell(
            found,
            with_place_told(local, moved),
            lambda text: retelling.moved(text, new_place) if retelling.mentions(text, found.forms) else text,
        )

    def _moved(self, local: LocalDescription, to: str) -> LocalDescription | None:
        """The region at its new place, or None when the place cannot be read."""
        things = [thing for thing in read_things(f"it thing {to}") if thing.phrase.noun.name != "thing"]
        spots = [thing.spot for thing in read_things(f"thing {to}")][:1]
        spot = spots[0] if spots else ANYWHERE
        if spot.relation and things:
            anchor = Thing(things[0].phrase, spot=Spot("", spot.relation, spot.anchors))
            placed = self._placed(anchor)
            return replace(
                local, location=placed.location, offset=placed.offset, distance_to_viewer=placed.distance
            )
        if spot.place in {"background", "foreground"}:
            distance = max(6.5, local.distance_to_viewer) if spot.place == "background" else 1.0
            return replace(local, distance_to_viewer=distance)
        if is_slight(to):
            return shifted(local, to)
        location = spot.place or read_location(to)
        return replace(local, location=location, offset=next(iter(OFFSETS))) if location else None

    def _describe(self, found: Found, quality: str) -> None:
        if found.index is None:
            self._requalify_mentions(found, quality)
            return
        local = local_of(found)
        color = color_of(quality)

        def retell(text: str) -> str:
            return retelling.qualified(text, found.forms, quality, is_color=bool(color))

        self._retell(found, with_quality(local, found, quality, color), retell)
        scene = self.canvas.global_description
        self.canvas = replace(self.canvas, global_description=replace(scene, tags=retell(scene.tags)))

    def _requalify_mentions(self, found: Found, quality: str) -> None:
        """A thing without a region of its own changes wherever a description names it."""
        is_color = bool(color_of(quality))

        def retell(text: str) -> str:
            return retelling.qualified(text, found.forms, quality, is_color=is_color)

        self._set(
            tuple(
                replace(
                    local,
                    description=retell(local.description),
                    detailed_descriptions=tuple(map(retell, local.detailed_descriptions)),
                )
                for local in self.canvas.local_descriptions
            )
        )
        self._retell_global(retell)

    def _swap(self, one: str, other: str) -> None:
        first, second = find(self.canvas, one, self.last), find(self.canvas, other, self.last)
        self.missing += [name for name, found in ((one, first), (other, second)) if found is None]
        if first is None or second is None or first.index is None or second.index is None:
            return
        here, there = local_of(first), local_of(second)
        self._put(first, there.location, there.offset)
        self._put(second, here.location, here.offset)
        self.done += 1

    def _put(self, found: Found, location: str, offset: str) -> None:
        """Moves a region and what is said of its place."""
        local = local_of(found)
        moved = replace(local, location=location, offset=offset)
        self._retell(found, with_place_told(local, moved), lambda text: text)

    def _inscribe(self, found: Found, words_: str) -> None:
        if found.index is None:
            self.missing.append(found.name)
            return
        local = local_of(found)
        old = retelling.inscription_of(local.description)
        self._retell(found, with_words(local, words_), lambda text: retelling.inscribed(text, old, words_))

    def _paint_background(self, color: str, said: str) -> None:
        scene = self.canvas.global_description
        self.canvas = replace(self.canvas, global_description=replace(scene, color=color))
        far = [
            (local.distance_to_viewer, index)
            for index, local in enumerate(self.canvas.local_descriptions)
            if local.distance_to_viewer >= BACKDROP_DISTANCE
        ]
        if far:
            _, index = max(far)
            head = head_of(self.canvas.local_descriptions[index].description)
            if head:
                self._describe(Found(index, self.canvas, head.text, retelling.forms_of(head.text)), said)
        self.done += 1
