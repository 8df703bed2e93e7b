"""New scenes: what a prompt names, joined with what people expect of the occasion or the place.

Knows how things and a known scene come together; reading, placing and telling are others' work.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from canvas.model import Canvas
from engine.composer.planner.asked import ANYWHERE, Reading, Thing
from engine.composer.planner.hours import apply_hour, hours_of
from engine.composer.planner.inflection import is_plural, listed, plural, sentence
from engine.composer.planner.phrases import of_groups
from engine.composer.planner.placing import Placement, Wish, overlap, place, with_inverse_relations
from engine.composer.planner.tables import (
    BACKDROP_DISTANCE,
    Noun,
    Part,
    SceneIdea,
    homes,
    kinds,
    moods,
    scenes,
)
from engine.composer.planner.telling import (
    Draft,
    Tone,
    head_of,
    tell_local,
    tell_scene,
    with_right_articles,
)
from engine.composer.planner.titles import filled, names_scene, title
from engine.composer.planner.vocabulary import color_words

MAX_REGIONS = 8
_USUAL_REGIONS = 6
_MAX_NAMED_REGIONS = 6
_COVERED = 0.5
_GROUND_DISTANCE = 5
# of other kinds the scenes tell what holds there only
_TOLD_EVERYWHERE = frozenset({"creature", "animal", "bird", "fish", "vehicle", "flyer"})
_MINOR_KINDS = frozenset({"food", "object", "sky", "ground"})
_ACTS = re.compile(r" (?!ceiling|evening|morning|king|ring|string|wing)[a-z]+ing\b")
_MIRRORED = {"left": "right", "right": "left"}


@dataclass(slots=True)
class _Stage:
    """A scene while it is put together."""

    drafts: list[Draft]
    rng: Random
    greeting: str


def new_scene(reading: Reading, seed: int) -> Canvas:
    """The canvas for what a prompt asks for; the same for the same reading and seed."""
    rng = Random(f"{seed}:{reading}")
    lead, is_asked_for = _lead(reading, rng)
    stage = _Stage(_parts(lead, reading, rng), rng, reading.greeting or lead.greeting)
    _add_things(stage, reading, lead)
    _add_banner(stage, reading)
    _clear(stage, is_asked_for=is_asked_for)
    mood = reading.mood or lead.mood
    tone = Tone.of(mood, reading.style, rng)
    canvas = Canvas(
        tell_scene(
            title(reading, lead),
            filled(lead.picture, reading),
            stage.drafts,
            tone,
            _background(reading, lead),
        ),
        tuple(tell_local(draft, tone, rng) for draft in stage.drafts),
    )
    for hour in hours_of(canvas, reading.hours, lead.at):
        canvas = apply_hour(canvas, hour)
    return canvas


# --- the known scene behind it


def _lead(reading: Reading, rng: Random) -> tuple[SceneIdea, bool]:
    """The scene that sets the stage, and whether the prompt asked for it."""
    if reading.scenes:
        return scenes()[reading.scenes[0]], True
    if reading.things:
        return scenes()[_home(reading.things, rng)], False
    if reading.theme:
        return scenes()["idea"], True
    return scenes()["landscape"], True


def _home(things: Sequence[Thing], rng: Random) -> str:
    """Where the things would be found: of the first that has a place of its own, else of its kind."""
    for thing in things:
        if thing.phrase.noun.name in homes():
            return homes()[thing.phrase.noun.name]
    known = next((thing for thing in things if thing.phrase.is_known), things[0])
    return rng.choice(kinds()[known.phrase.noun.kind].home)


def _parts(lead: SceneIdea, reading: Reading, rng: Random) -> list[Draft]:
    """The parts of the leading scene; another place in the prompt brings its own backdrop."""
    parts = list(lead.parts)
    setting = next((scenes()[n] for n in reading.scenes[1:] if scenes()[n].kind == "settings"), None)
    if setting and lead.kind == "occasions":
        parts = [part for part in parts if not _is_scenery(part)]
        parts += [part for part in setting.parts if part.is_backdrop]
    drafts = [_draft(part, reading, lead) for part in parts]
    for name in reading.scenes[1:3]:
        other = scenes()[name]
        is_told = any(names_scene(other, thing) for thing in reading.things)
        if not is_told and (other.kind in (lead.kind, "ideas")):
            drafts.append(_guest(other, reading))
    if rng.random() < 0.5 and not any(thing.spot.place for thing in reading.things):
        drafts = [_mirrored(draft) for draft in drafts]
    return drafts


def _is_scenery(part: Part) -> bool:
    """Whether another place would take this part's place: backdrop, or a ground in front of it."""
    return part.is_backdrop or (part.location == "on the bottom" and part.distance >= _GROUND_DISTANCE)


def _draft(part: Part, reading: Reading, lead: SceneIdea) -> Draft:
    what = filled(part.what, reading, lead)
    head = head_of(what)
    return Draft(
        what,
        head.text if head else what.rpartition(" ")[2],
        Placement(part.location, part.offset, part.area, part.distance),
        part.color,
        tuple(filled(text, reading, lead) for text in part.details),
    )


def _guest(other: SceneIdea, reading: Reading) -> Draft:
    """What a second scene of the same sort lends: the part that is most itself."""
    sayings = re.compile(rf"\b(?:{'|'.join(re.escape(say) for say in other.say)})\b", re.IGNORECASE)
    part = next((part for part in other.parts if sayings.search(part.what)), other.parts[0])
    draft = _draft(part, reading, other)
    draft.is_named = True
    free = Placement("on the right", "slightly to the upper", draft.placement.area, draft.placement.distance)
    draft.placement = free if "center" in draft.placement.location else draft.placement
    return draft


def _mirrored(draft: Draft) -> Draft:
    location, offset = (
        re.sub(r"left|right", lambda side: _MIRRORED[side[0]], name)
        for name in (draft.placement.location, draft.placement.offset)
    )
    if re.search(r"\b(?:left|right)\b", " ".join(draft.details)):
        return draft
    draft.placement = replace(draft.placement, location=location, offset=offset)
    return draft


# --- the things of the prompt


def _add_things(stage: _Stage, reading: Reading, lead: SceneIdea) -> None:
    """Each thing joins the part that shows it already, or gets a region of its own."""
    fresh = [thing for thing in reading.things if not _joined(stage, thing, reading)]
    if not fresh:
        return
    _make_room(stage, len(fresh), keeps_hero=lead.kind == "occasions")
    hero_is_free = not any(d.is_named and d.placement.location == "in the center" for d in stage.drafts)
    placed: dict[str, Placement] = {
        head.noun.name: draft.placement
        for draft in stage.drafts
        if (head := head_of(draft.what)) and head.noun
    }
    fresh = with_inverse_relations(fresh, placed)
    for group in _grouped(fresh, _MAX_NAMED_REGIONS - sum(draft.is_named for draft in stage.drafts)):
        draft = _placed(stage, group, placed, reading, is_hero=hero_is_free and group[0] is fresh[0])
        stage.drafts.insert(0 if group[0] is fresh[0] else 1, draft)


def _joined(stage: _Stage, thing: Thing, reading: Reading) -> bool:
    """Whether a part of the scene shows the thing already; it takes over what the prompt says of it."""
    for draft in stage.drafts:
        head = head_of(draft.what)
        if head and head.noun and head.noun.name == thing.phrase.noun.name and not draft.is_named:
            if any(names_scene(scenes()[name], thing) for name in reading.scenes) and _is_bare(thing):
                draft.is_named = True
            else:
                _take_over(stage, draft, thing, head.text)
            return True
    is_plain = _is_bare(thing)
    stands_for_scene = any(names_scene(scenes()[name], thing) for name in reading.scenes)
    is_anchor = any(thing.phrase.noun.name in other.spot.anchors for other in reading.things)
    is_plain = is_plain and not is_anchor
    for draft in stage.drafts:
        form = _form_in(draft.what, thing.phrase.noun)
        is_backdrop = draft.placement.distance >= BACKDROP_DISTANCE
        is_minor = is_backdrop or thing.phrase.noun.kind in _MINOR_KINDS
        if form and ((is_plain and is_minor) or (stands_for_scene and is_backdrop)):
            if thing.phrase.modifiers:
                draft.what = _with_modifiers(draft.what, form, thing)
            draft.is_named = True
            return True
    # a place that no part names is the scene itself
    lead = scenes()[reading.scenes[0]] if reading.scenes else None
    is_scene = lead is not None and lead.kind != "ideas" and names_scene(lead, thing)
    return is_scene and not (is_anchor or thing.tail or thing.spot != ANYWHERE)


def _is_bare(thing: Thing) -> bool:
    """Whether the prompt says nothing of a thing but its name."""
    said = thing.phrase.modifiers or thing.tail or thing.inscription or thing.phrase.number > 1
    return not said and thing.spot == ANYWHERE


def _form_in(text: str, noun: Noun) -> str | None:
    """How a noun is said in a text: its form there, or None."""
    for form in _forms(noun):
        if re.search(rf"\b{re.escape(form)}\b", text, re.IGNORECASE):
            return form
    return None


def _forms(noun: Noun) -> tuple[str, ...]:
    return (noun.name, plural(noun.name))


def _take_over(stage: _Stage, draft: Draft, thing: Thing, form: str) -> None:
    same_number = is_plural(form) == (thing.phrase.is_plural or is_plural(thing.phrase.head))
    is_told = thing.tail and not (_is_posture(thing.tail) and not _ACTS.search(draft.what))
    if same_number and not is_told and not thing.inscription and not thing.phrase.group:
        draft.what = _with_modifiers(draft.what, form, thing)
    else:
        draft.what = sentence(thing.text)[:-1]
        if not same_number:
            draft.details = details_of(thing, stage.rng)
    draft.color = thing.phrase.color or draft.color
    draft.head = thing.phrase.head
    draft.is_named = True
    if thing.spot.place:
        draft.placement = place(
            Wish(thing.phrase.noun, thing.spot, _size(thing)),
            [d.placement for d in _figures(stage)],
            stage.rng,
        )


def _with_modifiers(what: str, form: str, thing: Thing) -> str:
    """The sentence with the thing's adjectives before its noun; another colour there gives way."""
    head = re.search(rf"\b{re.escape(form)}\b", what, re.IGNORECASE)
    if not head:
        return what
    before, after = what[: head.start()], what[head.end() :]
    if thing.phrase.color:
        before = re.sub(rf"\b(?:{'|'.join(sorted(color_words(), key=len, reverse=True))}) $", "", before)
    said = (*thing.phrase.modifiers, *([thing.tail] if _is_posture(thing.tail) else []))
    new = " ".join(word for word in said if word.lower() not in before.lower().split())
    same_number = is_plural(form) == is_plural(thing.phrase.head)
    noun = thing.phrase.head if same_number else form
    return sentence(with_right_articles(f"{before}{new} {noun}{after}".replace("  ", " ")))[:-1]


def _is_posture(tail: str) -> bool:
    """Whether a thing's tail is a verb alone, which may stand before it as well: a sleeping cat."""
    return tail.endswith("ing") and " " not in tail


def _make_room(stage: _Stage, count: int, *, keeps_hero: bool) -> None:
    """Figures that the prompt did not name leave the middle, and the stage when it gets full."""
    stage.drafts = [
        draft
        for draft in stage.drafts
        if draft.is_named
        or draft.placement.distance >= BACKDROP_DISTANCE
        or keeps_hero
        or draft.placement.location != "in the center"
    ]
    while len(stage.drafts) + count > _USUAL_REGIONS:
        extra = [d for d in stage.drafts if not d.is_named and d.placement.distance < BACKDROP_DISTANCE]
        spare = [draft for draft in extra if "{" not in draft.what and "reads" not in draft.what] or extra
        if not spare:
            break
        stage.drafts.remove(spare[-1])


def _grouped(things: list[Thing], most: int) -> list[tuple[Thing, ...]]:
    """The things in at most so many groups; those with a place of their own stay alone if they can."""
    most = max(1, most)
    size, rest = divmod(len(things), most)
    if len(things) <= most:
        return [(thing,) for thing in things]
    groups: list[tuple[Thing, ...]] = []
    start = 0
    for index in range(most):
        # the larger groups come last, so that the first thing stands alone where possible
        end = start + size + (1 if index >= most - rest else 0)
        groups.append(tuple(things[start:end]))
        start = end
    return groups


def _placed(
    stage: _Stage, group: tuple[Thing, ...], placed: dict[str, Placement], reading: Reading, *, is_hero: bool
) -> Draft:
    first = group[0]
    noun = first.phrase.noun
    anchors = tuple(placed[name] for name in first.spot.anchors if name in placed)
    anchors = tuple(anchor for anchor in anchors if anchor.distance < BACKDROP_DISTANCE)
    spot = first.spot if first.spot.place or anchors else ANYWHERE
    is_alone = is_hero and len(reading.things) == 1
    wish = Wish(noun, spot, _size(first) + is_alone, is_hero and spot == ANYWHERE, anchors)
    placement = place(wish, [draft.placement for draft in _figures(stage)], stage.rng)
    placed[noun.name] = placement
    what = listed(tuple(thing.text for thing in group))
    return Draft(
        sentence(what)[:-1],
        first.phrase.head,
        placement,
        first.phrase.color or noun.color,
        details_of(first, stage.rng),
        is_named=True,
        is_new=True,
    )


def _figures(stage: _Stage) -> list[Draft]:
    """The drafts that need a spot of their own: named ones, and banners, which must stay readable."""
    return [
        draft
        for draft in stage.drafts
        if draft.placement.distance < BACKDROP_DISTANCE and (draft.is_named or "reads" in draft.what)
    ]


def _size(thing: Thing) -> int:
    """How much larger than its kind a thing is wanted; several of a kind take more room."""
    many = thing.phrase.number != 1 or thing.phrase.head in of_groups()
    return thing.phrase.said_size + bool(many and thing.phrase.noun.size < 1)


def details_of(thing: Thing, rng: Random) -> tuple[str, ...]:
    """Sentences about a thing: one that a known scene has for it, and what is true of its kind."""
    noun = thing.phrase.noun
    details = list(kinds()[noun.kind].details)
    rng.shuffle(details)
    own = _known_details().get((noun.name, thing.phrase.is_plural), ()) if thing.phrase.is_known else ()
    return (*own[:1], *details[:2])


@cache
def _known_details() -> dict[tuple[str, bool], tuple[str, ...]]:
    """What the known scenes tell of their things, by noun and whether it is several; subjects tell best."""
    found: dict[tuple[str, bool], tuple[str, ...]] = {}
    best_first = sorted(scenes().values(), key=lambda scene: scene.kind != "subjects")
    for part in (part for scene in best_first for part in scene.parts):
        head = head_of(part.what)
        if head and head.noun and head.noun.kind in _TOLD_EVERYWHERE and "{" not in part.what:
            found.setdefault((head.noun.name, is_plural(head.text)), part.details)
    return found


# --- banner, crowding, title


def _add_banner(stage: _Stage, reading: Reading) -> None:
    """A wish stands on a banner, if no part of the scene carries it already."""
    wish = reading.greeting
    if not wish or any(wish in draft.what for draft in stage.drafts):
        return
    stage.drafts.append(
        Draft(
            f'A large banner that reads "{wish}"',
            "banner",
            Placement("on the top", "no offset", "a small horizontal area", 3.0),
            "gold",
            ("The letters are big, round and easy to read.", "Ribbons flutter on both of its ends."),
            is_named=True,
        )
    )


def _clear(stage: _Stage, *, is_asked_for: bool) -> None:
    """Figures that nobody named give way to those that the prompt names."""
    named = [draft for draft in _figures(stage) if draft.is_new]
    for draft in list(stage.drafts):
        is_spare = not draft.is_named and draft.placement.distance < BACKDROP_DISTANCE
        covered = sum(overlap(draft.placement.rect, other.placement.rect) for other in named)
        if is_spare and covered > _COVERED and "reads" not in draft.what and len(stage.drafts) > 4:
            stage.drafts.remove(draft)
    while len(stage.drafts) > (MAX_REGIONS if is_asked_for else MAX_REGIONS - 1):
        stage.drafts.remove(next((d for d in reversed(stage.drafts) if not d.is_named), stage.drafts[-1]))


def _background(reading: Reading, lead: SceneIdea) -> str:
    return reading.color or (moods()[reading.mood].color if reading.mood else "") or lead.color
