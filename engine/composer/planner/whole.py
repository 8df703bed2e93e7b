"""Changes of the whole picture: another place, another mood or style.

Knows canvases; what a person's words ask for is `instructions`' work.
"""

import re
from dataclasses import replace
from functools import cache
from random import Random

from canvas.model import Canvas, GlobalDescription, LocalDescription
from engine.composer.planner.asked import Reading
from engine.composer.planner.hours import apply_hour, hours_in, in_hour
from engine.composer.planner.inflection import sentence
from engine.composer.planner.regions import opening_of, own_tags
from engine.composer.planner.retelling import forms_of, mentions
from engine.composer.planner.scenes import new_scene
from engine.composer.planner.tables import (
    BACKDROP_DISTANCE,
    SceneIdea,
    hours,
    moods,
    noun_forms,
    scenes,
    styles,
)
from engine.composer.planner.telling import MOOD_ENDING, Tone, head_of, mood_sentence, tags, with_tag
from engine.composer.planner.vocabulary import Word

_USUAL_REGIONS = 6
_GROUND_DISTANCE = 5
_WHERE_AT_END = re.compile(r" (?:at home|(?:in|on|by) (?:an?|the) (?!.*\bday\b)[\w -]+)$")
_SCENERY_KINDS = frozenset({"ground", "landform", "sky"})


def with_tone(canvas: Canvas, mood: str, style: str, rng: Random) -> Canvas:
    """The canvas in another mood, style or both; an empty one stays, but a mood brings its usual style.

    A style that was asked for before, as a watercolor, outlasts a new mood.
    """
    old = next((local.style for local in canvas.local_descriptions), "")
    tone = Tone.of(mood, style or (old if old in styles() else ""), rng) if mood else None
    locals_ = tuple(
        replace(
            local,
            atmosphere=tone.atmosphere if tone else local.atmosphere,
            style=tone.style if tone else style,
            tags=_with_mood_tag(local.tags, mood),
        )
        for local in canvas.local_descriptions
    )
    scene = canvas.global_description
    return Canvas(_in_mood(scene, tone) if tone else scene, locals_)


def _in_mood(scene: GlobalDescription, tone: Tone) -> GlobalDescription:
    details = tuple(text for text in scene.detailed_descriptions if not text.endswith(MOOD_ENDING))
    return replace(
        scene,
        detailed_descriptions=(*details, mood_sentence(tone.atmosphere)),
        tags=_with_mood_tag(scene.tags, tone.mood),
        color=moods()[tone.mood].color or scene.color,
    )


def _with_mood_tag(tag_list: str, mood: str) -> str:
    """A tag list with a mood in the place of any other; without one as it is."""
    kept = ", ".join(tag for tag in tag_list.split(", ") if tag not in moods())
    return with_tag(kept, mood) if mood else tag_list


# --- another place


def in_scene(canvas: Canvas, reading: Reading, rng: Random) -> Canvas:
    """The figures of a canvas at the first place or occasion of a reading.

    The old backdrop gives way, and so do figures that only came with it, but not those of an occasion. Hours
    stay as they are.
    """
    place = scenes()[reading.scenes[0]]
    stage = new_scene(Reading(scenes=(place.name,)), rng.getrandbits(16))
    kept = tuple(local for local in canvas.local_descriptions if _stays(local, canvas))
    brought = _brought(stage, kept)
    scene = _global_at(canvas, place, kept, brought)
    moved = Canvas(scene, (*kept, *_in_tone_of(canvas, brought)))
    for hour in hours_in(canvas):
        moved = apply_hour(moved, hour)
    return moved


def _is_scenery(local: LocalDescription) -> bool:
    on_ground = local.location == "on the bottom" and local.distance_to_viewer >= _GROUND_DISTANCE
    return local.distance_to_viewer >= BACKDROP_DISTANCE or on_ground


def _stays(local: LocalDescription, canvas: Canvas) -> bool:
    """Whether a region comes along: a figure that is told in the title, or that no known place has."""
    head = head_of(local.description)
    kind = head.noun.kind if head and head.noun else ""
    if _is_scenery(local) or kind in _SCENERY_KINDS:
        return kind == "sky" and local.area.startswith("a small")
    is_told = head is not None and mentions(canvas.global_description.description, _all_forms(head))
    return is_told or local.description not in _known_parts()


def _all_forms(head: Word) -> tuple[str, ...]:
    """The forms of a noun and of the words that mean the same."""
    return forms_of(head.text, *(form for form, noun in noun_forms().items() if noun is head.noun))


def _brought(stage: Canvas, kept: tuple[LocalDescription, ...]) -> tuple[LocalDescription, ...]:
    """What the new place brings: its backdrop, and figures of its own where there is room."""
    taken = {"in the center", *(local.location for local in kept)}
    backdrop = tuple(local for local in stage.local_descriptions if _is_scenery(local))
    there = {head.noun for local in kept if (head := head_of(local.description))}
    figures = tuple(
        local
        for local in stage.local_descriptions
        if not (_is_scenery(local) or local.location in taken)
        and ((head := head_of(local.description)) is None or head.noun not in there)
    )
    return (*figures[: max(0, _USUAL_REGIONS - len(kept) - len(backdrop))], *backdrop)


def _in_tone_of(canvas: Canvas, locals_: tuple[LocalDescription, ...]) -> tuple[LocalDescription, ...]:
    pattern = next(iter(canvas.local_descriptions), None)
    if pattern is None:
        return locals_
    return tuple(replace(local, atmosphere=pattern.atmosphere, style=pattern.style) for local in locals_)


def _global_at(
    canvas: Canvas,
    place: SceneIdea,
    kept: tuple[LocalDescription, ...],
    brought: tuple[LocalDescription, ...],
) -> GlobalDescription:
    scene = canvas.global_description
    gone = tuple(local for local in canvas.local_descriptions if local not in kept)
    lost = {*map(opening_of, gone), *_pictures()}
    details = tuple(text for text in scene.detailed_descriptions if text not in lost)
    old_tags = {tag for local in gone for tag in own_tags(local, kept)}
    own = ", ".join(tag for tag in scene.tags.split(", ") if tag not in old_tags)
    for tag in tags(local.description for local in brought).split(", "):
        own = with_tag(own, tag)
    return replace(
        scene,
        description=_title_at(_without_ground(scene.description, gone), place),
        detailed_descriptions=(*map(opening_of, brought), *details),
        tags=own,
        color=place.color,
    )


def _title_at(title: str, place: SceneIdea) -> str:
    """The title with another place: "Two children in a garden" becomes "Two children on a beach"."""
    picture = next((text for text in _pictures() if title.startswith(text.rstrip("."))), "")
    if picture:
        return sentence(f"{place.picture.rstrip('.')}{title.removeprefix(picture.rstrip('.'))}")
    occasion = next((text for text in _occasions() if title.startswith(text)), "")
    if occasion:
        return sentence(f"{_WHERE_AT_END.sub('', occasion)} {place.at}{title.removeprefix(occasion)}")
    at = next((text for text in _places() if re.search(rf"\b{re.escape(text)}\b", title)), "")
    if at:
        return title.replace(at, place.at, 1)
    return sentence(f"{title.rstrip('. ')} {place.at}")


def _without_ground(title: str, gone: tuple[LocalDescription, ...]) -> str:
    """The title without the ground that went: "A unicorn in a meadow in a fairy tale"."""
    for head in filter(None, (head_of(local.description) for local in gone)):
        if head.noun and head.noun.kind in _SCENERY_KINDS:
            forms = "|".join(map(re.escape, _all_forms(head)))
            title = re.sub(
                rf" (?:in|on|by|at|near) (?:an? |the )?(?:{forms})(?= (?:in|on|by|at)\b)", "", title
            )
    return title


@cache
def _known_parts() -> frozenset[str]:
    """The descriptions of all parts of known scenes, at any hour; those of an occasion come along with it."""
    known = [scene for scene in scenes().values() if scene.kind != "occasions"]
    parts = [sentence(part.what) for scene in known for part in scene.parts]
    return frozenset(text for part in parts for text in _at_any_hour(part))


@cache
def _places() -> tuple[str, ...]:
    """How titles say where something is, at any hour, the longest first."""
    found = {text for scene in scenes().values() for text in _at_any_hour(scene.at)}
    return tuple(sorted(found, key=len, reverse=True))


@cache
def _pictures() -> tuple[str, ...]:
    """The titles of known places in which the prompt named nothing else, at any hour."""
    places = [scene for scene in scenes().values() if scene.kind == "settings"]
    return tuple(text for scene in places for text in _at_any_hour(scene.picture))


@cache
def _occasions() -> tuple[str, ...]:
    """The titles of known occasions, at any hour, without their full stops."""
    known = [scene for scene in scenes().values() if scene.kind == "occasions"]
    return tuple(text.rstrip(".") for scene in known for text in _at_any_hour(scene.picture))


def _at_any_hour(text: str) -> set[str]:
    return {text, *(in_hour(text, name) for name in hours())}
