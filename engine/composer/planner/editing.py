"""Applying a person's changes to a canvas; everything that they did not ask for stays as it is.

Knows the canvas and its texts. What the person's words ask for is `instructions`' work.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from canvas.model import Canvas, LocalDescription
from canvas.names import AREAS, OFFSETS
from canvas.reading import read_color, read_location, read_offset
from engine.composer.planner import retelling
from engine.composer.planner.finding import Found, find, names_of, shown_name
from engine.composer.planner.hours import apply_hour
from engine.composer.planner.inflection import listed, lowered, sentence
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
from engine.composer.planner.reading import Spot, Thing, first_words, read_things
from engine.composer.planner.scenes import details_of
from engine.composer.planner.tables import BACKDROP_DISTANCE, kinds, words
from engine.composer.planner.telling import head_of, tags, where
from engine.composer.planner.vocabulary import cut
from engine.errors import NotUnderstood

MAX_REGIONS = 12
_MAX_DISTANCE = 12.0


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

    def apply(self, edit: Edit) -> None:
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
                self._on(target, lambda found: self._change(found, _resized(_local(found), step, found)))
            case Approach(target, step):
                self._on(target, lambda found: self._change(found, _approached(_local(found), step)))
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
        act(found)
        self.done += 1

    def _change(self, found: Found, local: LocalDescription) -> None:
        """Puts a changed region in its place."""
        if found.index is None:
            return
        locals_ = self.canvas.local_descriptions
        self._set((*locals_[: found.index], local, *locals_[found.index + 1 :]))

    def _set(self, locals_: tuple[LocalDescription, ...]) -> None:
        self.canvas = replace(self.canvas, local_descriptions=locals_, repairs=())

    def _retell_global(self, old_opening: str, new_opening: str, retell: Callable[[str], str]) -> None:
        """The global texts, where they repeat a region's opening in its new words, else retold."""
        scene = self.canvas.global_description
        details = tuple(
            new_opening if text == old_opening and old_opening else retell(text)
            for text in scene.detailed_descriptions
        )
        scene = replace(
            scene, description=retell(scene.description) or scene.description, detailed_descriptions=details
        )
        self.canvas = replace(self.canvas, global_description=scene)

    # --- changing

    def _replace(self, found: Found, new: str) -> None:
        things = read_things(new)
        if not things:
            self.missing.append(new)
            return
        thing = things[0]
        phrase = thing.phrase
        self.last = phrase.noun.name
        old = _local(found) if found.index is not None else None
        if old is not None:
            self._change(found, _replaced(old, found, thing, self.rng))
        self._rename_elsewhere(found, phrase, old)
        if len(things) > 1:
            for other in things[1:]:
                self._add_thing(other)

    def _rename_elsewhere(self, found: Found, phrase: Phrase, old: LocalDescription | None) -> None:
        opening = next(iter(old.detailed_descriptions), "") if old else ""
        new_opening = next(iter(_local_at(self.canvas, found.index).detailed_descriptions), "") if old else ""
        locals_ = tuple(
            local if index == found.index else _renamed_local(local, found.forms, phrase)
            for index, local in enumerate(self.canvas.local_descriptions)
        )
        scene = self.canvas.global_description
        details = tuple(
            new_opening if opening and text == opening else text for text in scene.detailed_descriptions
        )
        gone = _own_tags(old, locals_) if old else frozenset[str]()
        kept = ", ".join(tag for tag in scene.tags.split(", ") if tag not in gone)
        scene = replace(
            scene,
            description=retelling.renamed(scene.description, found.forms, phrase),
            detailed_descriptions=retelling.with_renamed_sentences(details, found.forms, phrase),
            tags=retelling.renamed(kept, found.forms, phrase)
            if retelling.mentions(kept, found.forms)
            else _with_tag(kept, phrase.bare),
        )
        self._set(locals_)
        self.canvas = replace(self.canvas, global_description=scene)

    def _add(self, text: str) -> None:
        things = read_things(text)
        standing = [thing for thing in things if not self._is_anchor(thing, things)]
        if not standing:
            self.missing.append(text)
            return
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
        local = _new_local(self.canvas, thing, self._placed(thing), self.rng)
        scene = self.canvas.global_description
        joint = " and " if ", with " in scene.description else ", with "
        scene = replace(
            scene,
            description=sentence(f"{scene.description.rstrip('. ')}{joint}{lowered(thing.phrase.text)}"),
            detailed_descriptions=(*scene.detailed_descriptions, local.detailed_descriptions[0]),
            tags=_with_tag(scene.tags, thing.phrase.bare),
        )
        self.canvas = Canvas(scene, (*self.canvas.local_descriptions, local))
        self.last = thing.phrase.noun.name
        self.done += 1

    def _placed(self, thing: Thing) -> Placement:
        anchors = tuple(
            _placement(_local(found))
            for anchor in thing.spot.anchors
            if (found := find(self.canvas, anchor, "")) and found.index is not None
        )
        spot = thing.spot if thing.spot.place or anchors else Spot()
        taken = [
            _placement(local)
            for local in self.canvas.local_descriptions
            if local.distance_to_viewer < BACKDROP_DISTANCE
        ]
        return place(Wish(thing.phrase.noun, spot, _size(thing), anchors=anchors), taken, self.rng)

    def _remove(self, found: Found) -> None:
        old = _local(found) if found.index is not None else None
        opening = next(iter(old.detailed_descriptions), "") if old else ""
        rest = tuple(
            local for index, local in enumerate(self.canvas.local_descriptions) if index != found.index
        )
        # another thing of the same name stays, and so does what is told of it
        if not any(_is_about(local, found) for local in rest):
            rest = tuple(_without(local, found.forms) for local in rest)
            rest = tuple(local for local in rest if local.description)
        scene = self.canvas.global_description
        is_gone = not any(_is_about(local, found) for local in rest)
        details = tuple(text for text in scene.detailed_descriptions if not opening or text != opening)
        if is_gone:
            details = retelling.without_sentences(details, found.forms)
            scene = replace(
                scene,
                description=retelling.without(scene.description, found.forms) or scene.description
                if retelling.mentions(scene.description, found.forms)
                else scene.description,
                tags=retelling.without_tags(scene.tags, found.forms),
            )
        self.canvas = Canvas(replace(scene, detailed_descriptions=details), rest)
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
        local = _local(found)
        moved = self._moved(local, to)
        if moved is None:
            self.missing.append(to)
            return
        self._change(found, _with_place_told(local, moved))
        new_place = where(moved.location, moved.distance_to_viewer)

        def retell(text: str) -> str:
            return retelling.moved(text, new_place) if retelling.mentions(text, found.forms) else text

        opening = next(iter(local.detailed_descriptions), "")
        new_opening = next(iter(_local_at(self.canvas, found.index).detailed_descriptions), "")
        self._retell_global(opening, new_opening, retell)

    def _moved(self, local: LocalDescription, to: str) -> LocalDescription | None:
        """The region at its new place, or None when the place cannot be read."""
        things = [thing for thing in read_things(f"it thing {to}") if thing.phrase.noun.name != "thing"]
        spots = [thing.spot for thing in read_things(f"thing {to}")][:1]
        spot = spots[0] if spots else Spot()
        if spot.relation and things:
            anchor = Thing(things[0].phrase, spot=Spot("", spot.relation, spot.anchors))
            placed = self._placed(anchor)
            return replace(
                local, location=placed.location, offset=placed.offset, distance_to_viewer=placed.distance
            )
        if spot.place in {"background", "foreground"}:
            distance = max(6.5, local.distance_to_viewer) if spot.place == "background" else 1.0
            return replace(local, distance_to_viewer=distance)
        if _is_slight(to):
            return _shifted(local, to)
        location = spot.place or read_location(to)
        return replace(local, location=location, offset=next(iter(OFFSETS))) if location else None

    def _describe(self, found: Found, quality: str) -> None:
        if found.index is None:
            self._requalify_mentions(found, quality)
            return
        local = _local(found)
        color = _color(quality)
        self._change(found, _described(local, found, quality, color))
        opening = next(iter(local.detailed_descriptions), "")
        new_opening = next(iter(_local_at(self.canvas, found.index).detailed_descriptions), "")
        self._retell_global(
            opening,
            new_opening,
            lambda text: retelling.qualified(text, found.forms, quality, is_color=bool(color)),
        )
        scene = self.canvas.global_description
        told = retelling.qualified(scene.tags, found.forms, quality, is_color=bool(color))
        self.canvas = replace(self.canvas, global_description=replace(scene, tags=told))

    def _requalify_mentions(self, found: Found, quality: str) -> None:
        """A thing without a region of its own changes wherever a description names it."""
        is_color = bool(_color(quality))

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
        self._retell_global("", "", retell)

    def _swap(self, one: str, other: str) -> None:
        first, second = find(self.canvas, one, self.last), find(self.canvas, other, self.last)
        self.missing += [name for name, found in ((one, first), (other, second)) if found is None]
        if first is None or second is None or first.index is None or second.index is None:
            return
        here, there = _local(first), _local(second)
        self._put(first, there.location, there.offset)
        self._put(second, here.location, here.offset)
        self.done += 1

    def _put(self, found: Found, location: str, offset: str) -> None:
        """Moves a region and what is said of its place."""
        local = _local(found)
        self._change(found, _with_place_told(local, replace(local, location=location, offset=offset)))
        opening = next(iter(local.detailed_descriptions), "")
        new_opening = next(iter(_local_at(self.canvas, found.index).detailed_descriptions), "")
        self._retell_global(opening, new_opening, lambda text: text)

    def _inscribe(self, found: Found, words_: str) -> None:
        if found.index is None:
            self.missing.append(found.name)
            return
        local = _local(found)
        old = retelling.inscription_of(local.description)

        def retell(text: str) -> str:
            return retelling.inscribed(text, old, words_)

        new = retell(local.description)
        if not old:
            head = head_of(local.description)
            new = retelling.with_inscription(local.description, head.text if head else "", words_)
        opening = next(iter(local.detailed_descriptions), "")
        details = (
            f"{where(local.location, local.distance_to_viewer)}, {lowered(new)}",
            *map(retell, local.detailed_descriptions[1:]),
        )
        self._change(
            found, replace(local, description=new, detailed_descriptions=details, tags=retell(local.tags))
        )
        self._retell_global(opening, details[0], retell)

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


# --- regions changed


def _local(found: Found) -> LocalDescription:
    return _local_at(found.canvas, found.index)


def _local_at(canvas: Canvas, index: int | None) -> LocalDescription:
    return canvas.local_descriptions[index or 0]


def _placement(local: LocalDescription) -> Placement:
    return Placement(local.location, local.offset, local.area, local.distance_to_viewer)


def _replaced(local: LocalDescription, found: Found, thing: Thing, rng: Random) -> LocalDescription:
    """The region of another thing: in the same place, with sentences of its own."""
    phrase = thing.phrase
    old_head = head_of(local.description)
    same_kind = old_head is not None and old_head.noun is not None and old_head.noun.kind == phrase.noun.kind
    description = (
        retelling.renamed(local.description, found.forms, phrase) if same_kind and not thing.tail else ""
    )
    if not description or not retelling.mentions(description, (phrase.head,)):
        description = sentence(thing.text)
    opening = f"{where(local.location, local.distance_to_viewer)}, {lowered(description)}"
    details = (opening, *details_of(thing, rng))
    return replace(
        local,
        description=description,
        detailed_descriptions=details,
        tags=_with_tag(tags(details), phrase.bare),
        quality_meta=retelling.renamed(local.quality_meta, found.forms, phrase),
        atmosphere=retelling.renamed(local.atmosphere, found.forms, phrase),
        style=retelling.renamed(local.style, found.forms, phrase),
        color=phrase.color or (phrase.noun.color if phrase.is_known else local.color),
    )


def _renamed_local(local: LocalDescription, forms: tuple[str, ...], phrase: Phrase) -> LocalDescription:
    texts = (
        local.description,
        *local.detailed_descriptions,
        local.tags,
        local.atmosphere,
        local.style,
        local.quality_meta,
    )
    if not any(retelling.mentions(text, forms) for text in texts):
        return local
    return replace(
        local,
        description=retelling.renamed(local.description, forms, phrase),
        detailed_descriptions=tuple(
            retelling.renamed(text, forms, phrase) for text in local.detailed_descriptions
        ),
        tags=retelling.renamed(local.tags, forms, phrase),
        atmosphere=retelling.renamed(local.atmosphere, forms, phrase),
        style=retelling.renamed(local.style, forms, phrase),
        quality_meta=retelling.renamed(local.quality_meta, forms, phrase),
    )


def _without(local: LocalDescription, forms: tuple[str, ...]) -> LocalDescription:
    """A region whose texts no longer name a thing that went."""
    texts = (local.description, *local.detailed_descriptions, local.tags)
    if not any(retelling.mentions(text, forms) for text in texts):
        return local
    description = (
        retelling.without(local.description, forms)
        if retelling.mentions(local.description, forms)
        else local.description
    )
    details = retelling.without_sentences(local.detailed_descriptions, forms)
    if description != local.description and description:
        opening = f"{where(local.location, local.distance_to_viewer)}, {lowered(description)}"
        details = (opening, *details)
    return replace(
        local,
        description=description,
        detailed_descriptions=details,
        tags=retelling.without_tags(local.tags, forms),
    )


def _described(local: LocalDescription, found: Found, quality: str, color: str) -> LocalDescription:
    def retell(text: str) -> str:
        return retelling.qualified(text, found.forms, quality, is_color=bool(color))

    first, rest = local.detailed_descriptions[:1], local.detailed_descriptions[1:]
    if color:
        rest = retelling.without_other_colors(rest, quality)
    return replace(
        local,
        description=retell(local.description),
        detailed_descriptions=(*map(retell, first), *rest),
        tags=retell(local.tags)
        if retelling.mentions(local.tags, found.forms)
        else _with_tag(local.tags, quality),
        color=color or local.color,
    )


def _resized(local: LocalDescription, step: int, found: Found) -> LocalDescription:
    """The area of the next size in the same shape; the largest goes nearer instead."""
    areas = list(AREAS)
    index = areas.index(local.area) + 3 * step
    sizes = words()["adjectives"]
    contrary = frozenset(sizes["smaller" if step > 0 else "bigger"].split())
    description = retelling.without_adjectives(local.description, found.forms, contrary)
    changed = replace(
        local,
        description=description,
        detailed_descriptions=tuple(
            retelling.without_adjectives(text, found.forms, contrary) for text in local.detailed_descriptions
        ),
    )
    return replace(changed, area=areas[index]) if 0 <= index < len(areas) else _approached(changed, step)


def _approached(local: LocalDescription, step: int) -> LocalDescription:
    distance = local.distance_to_viewer
    if step > 0:
        nearer = distance - 2 if distance > 3 else distance / 2
        return replace(local, distance_to_viewer=max(0.25, nearer))
    return replace(local, distance_to_viewer=min(max(_MAX_DISTANCE, distance), distance + 2))


def _with_place_told(old: LocalDescription, new: LocalDescription) -> LocalDescription:
    """The region's details with its new place in words."""
    if old.location == new.location and (old.distance_to_viewer >= BACKDROP_DISTANCE) == (
        new.distance_to_viewer >= BACKDROP_DISTANCE
    ):
        return new
    place_ = where(new.location, new.distance_to_viewer)
    return replace(
        new,
        description=retelling.moved(new.description, place_),
        detailed_descriptions=tuple(retelling.moved(text, place_) for text in new.detailed_descriptions),
    )


def _is_slight(to: str) -> bool:
    said = {word.text for word in cut(to)}
    slight = {"slightly", "bit", "little"} & set(to.split())
    return (
        bool(slight) or to.split()[0] in {"up", "down", "upwards", "downwards", "left", "right"} or not said
    )


def _shifted(local: LocalDescription, to: str) -> LocalDescription | None:
    """A step of ten cells; a region that is shifted that way already goes to the next place."""
    step = read_offset(to)
    if step is None:
        return None
    (x, y), (old_x, old_y) = OFFSETS[step], OFFSETS[local.offset]
    total = (max(-10, min(10, old_x + x)), max(-10, min(10, old_y + y)))
    if total == (old_x, old_y):
        location = read_location(to)
        return replace(local, location=location, offset=next(iter(OFFSETS))) if location else None
    return replace(local, offset=next(name for name, cells in OFFSETS.items() if cells == total))


def _new_local(canvas: Canvas, thing: Thing, placed: Placement, rng: Random) -> LocalDescription:
    """A region for a new thing, in the tone of those that are there."""
    pattern = next(iter(canvas.local_descriptions), None)
    description = sentence(thing.text)
    opening = f"{where(placed.location, placed.distance)}, {lowered(description)}"
    details = (opening, *details_of(thing, rng))
    return LocalDescription(
        description,
        placed.location,
        placed.offset,
        placed.area,
        placed.distance,
        details,
        _with_tag(tags(details), thing.phrase.bare),
        pattern.atmosphere if pattern else "",
        pattern.style if pattern else "",
        f"High quality, with the {thing.phrase.head} in crisp detail.",
        thing.phrase.color or thing.phrase.noun.color,
    )


def _size(thing: Thing) -> int:
    sizes = words()["adjectives"]
    said = set(thing.phrase.modifiers)
    smallest = -1 if len(kinds()[thing.phrase.noun.kind].areas) > 1 else 0
    bigger, smaller = said & set(sizes["bigger"].split()), said & set(sizes["smaller"].split())
    return 1 if bigger else smallest if smaller else 0


def _color(quality: str) -> str:
    return (read_color(quality) or "") if any(word.is_color for word in cut(quality)) else ""


def _is_about(local: LocalDescription, found: Found) -> bool:
    head = head_of(local.description)
    return head is not None and head.text in found.forms


def _own_tags(old: LocalDescription, others: tuple[LocalDescription, ...]) -> frozenset[str]:
    """Tags that only the old region had."""
    shared = {tag for local in others for tag in local.tags.split(", ")}
    return frozenset(old.tags.split(", ")) - shared


def _with_tag(tag_list: str, tag: str) -> str:
    return tag_list if tag in tag_list.split(", ") else f"{tag_list}, {tag}".strip(", ")


def known_names(canvas: Canvas) -> str:
    """The names of the things in a scene, for people."""
    return listed(tuple(shown_name(local) for local in canvas.local_descriptions))
