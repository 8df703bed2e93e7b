"""One thing of a canvas added, removed, replaced or told anew, with all texts that speak of it.

Every function takes a canvas and gives one. Which thing a person means, and what is said where it is not
there, is `editing`'s work.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random

from canvas.model import Canvas, LocalDescription
from engine.composer.planner import retelling
from engine.composer.planner.arranging import placed
from engine.composer.planner.asked import Thing
from engine.composer.planner.finding import Found
from engine.composer.planner.inflection import lowered, sentence
from engine.composer.planner.phrases import Phrase
from engine.composer.planner.regions import (
    color_of,
    counted_in,
    dressed,
    global_without,
    is_about,
    joint_of,
    local_at,
    new_region,
    opening_of,
    own_tags,
    recounted,
    renamed_global,
    renamed_region,
    resized,
    retold,
    with_belonging,
    with_opening,
    with_other_thing,
    with_place_told,
    with_quality,
    with_successor,
    without_thing,
)
from engine.composer.planner.tables import BACKDROP_DISTANCE
from engine.composer.planner.telling import head_of, where, with_tag

_LISTED = re.compile(r"(?:^|, )(?!wearing )[^,]*, with [^,]*$")


def with_region(canvas: Canvas, index: int | None, local: LocalDescription) -> Canvas:
    """The canvas with another region at an index; as it is where there is none."""
    if index is None:
        return canvas
    locals_ = canvas.local_descriptions
    return _with_regions(canvas, (*locals_[:index], local, *locals_[index + 1 :]))


def with_told_region(
    canvas: Canvas, found: Found, local: LocalDescription, retell: Callable[[str], str]
) -> Canvas:
    """The canvas with another region in the place of the found one; the global texts follow.

    Where they repeat the region's opening they take over its new words, else they are retold.
    """
    old, new = opening_of(local_at(canvas, found.index)), opening_of(local)
    changed = with_region(canvas, found.index, local)
    return _with_retold_global(changed, lambda text: new if old and text == old else retell(text))


def _with_regions(canvas: Canvas, locals_: tuple[LocalDescription, ...]) -> Canvas:
    return replace(canvas, local_descriptions=locals_, repairs=())


def _with_retold_global(canvas: Canvas, retell: Callable[[str], str]) -> Canvas:
    scene = canvas.global_description
    scene = replace(
        scene,
        description=retell(scene.description) or scene.description,
        detailed_descriptions=tuple(retell(text) for text in scene.detailed_descriptions),
    )
    return replace(canvas, global_description=scene)


def with_thing(canvas: Canvas, thing: Thing, rng: Random) -> Canvas:
    """The canvas with a region for a new thing, which the title names last."""
    local = new_region(canvas, thing, placed(canvas, thing, rng), rng)
    scene = canvas.global_description
    joint = " and " if _LISTED.search(scene.description) else ", with "
    scene = replace(
        scene,
        description=sentence(f"{scene.description.rstrip('. ')}{joint}{lowered(thing.phrase.text)}"),
        detailed_descriptions=(*scene.detailed_descriptions, local.detailed_descriptions[0]),
        tags=with_tag(scene.tags, thing.phrase.bare),
    )
    return Canvas(scene, (*canvas.local_descriptions, local))


def replaced(canvas: Canvas, found: Found, thing: Thing, rng: Random) -> Canvas:
    """The canvas with another thing in the place of the found one, wherever it is spoken of."""
    old = local_at(canvas, found.index) if found.index is not None else None
    if old is not None:
        canvas = with_region(canvas, found.index, with_other_thing(old, found, thing, rng))
    return _renamed_elsewhere(canvas, found, thing.phrase, old)


def _renamed_elsewhere(canvas: Canvas, found: Found, phrase: Phrase, old: LocalDescription | None) -> Canvas:
    locals_ = tuple(
        local if index == found.index else renamed_region(local, found.forms, phrase)
        for index, local in enumerate(canvas.local_descriptions)
    )
    scene = canvas.global_description
    if old:
        scene = with_successor(scene, old, local_at(canvas, found.index))
    gone = own_tags(old, locals_) if old else frozenset[str]()
    return Canvas(renamed_global(scene, found.forms, phrase, gone), locals_)


def removed(canvas: Canvas, found: Found, most: int) -> Canvas:
    """The canvas without a thing; of several that are counted at most so many go, where that is not 0."""
    old = local_at(canvas, found.index) if found.index is not None else None
    counted = counted_in(old.description, found) if old else None
    if old and counted and 0 < most < counted.number:
        retell = partial(recounted, old=counted, number=counted.number - most)
        return with_told_region(canvas, found, retold(old, retell), retell)
    rest = tuple(local for index, local in enumerate(canvas.local_descriptions) if index != found.index)
    scene = with_opening(canvas.global_description, opening_of(old) if old else "", "")
    # another thing of the same name stays, and so does what is told of it
    if any(is_about(local, found) for local in rest):
        return Canvas(scene, rest)
    rest = tuple(without_thing(local, found.forms) for local in rest)
    return Canvas(global_without(scene, found.forms), tuple(local for local in rest if local.description))


def described(canvas: Canvas, found: Found, quality: str) -> Canvas:
    """The canvas with a colour or another quality of a thing, wherever it is named."""
    color = color_of(quality)

    def retell(text: str) -> str:
        return retelling.qualified(text, found.forms, quality, is_color=bool(color))

    if found.index is None:
        locals_ = tuple(retold(local, retell) for local in canvas.local_descriptions)
        return _with_retold_global(_with_regions(canvas, locals_), retell)
    local = local_at(canvas, found.index)
    canvas = with_told_region(canvas, found, with_quality(local, found, quality, color), retell)
    scene = canvas.global_description
    return replace(canvas, global_description=replace(scene, tags=retell(scene.tags)))


def scaled(canvas: Canvas, found: Found, step: int) -> Canvas:
    """The canvas with a larger (1) or smaller (-1) thing; one without a region is called so."""
    if found.index is None:
        return described(canvas, found, "big" if step > 0 else "small")
    return with_region(canvas, found.index, resized(local_at(canvas, found.index), step, found))


def clad(canvas: Canvas, owner: Found, things: tuple[Thing, ...]) -> Canvas:
    """The canvas in which somebody wears or has some things, in their region and in the title."""
    for thing in things:
        joint, phrase = joint_of(thing), thing.phrase
        old = local_at(canvas, owner.index)
        local = with_belonging(old, owner, joint, phrase)
        if local == old:
            continue
        canvas = with_told_region(canvas, owner, local, lambda text: text)
        scene = canvas.global_description
        title = dressed(scene.description, owner, joint, phrase)
        scene = replace(scene, description=title, tags=with_tag(scene.tags, phrase.bare))
        canvas = replace(canvas, global_description=scene)
    return canvas


def with_moved(canvas: Canvas, found: Found, new: LocalDescription) -> Canvas:
    """The canvas with a region at another place, and nothing that tells of the old one."""
    new_place = where(new.location, new.distance_to_viewer)
    return with_told_region(
        canvas,
        found,
        with_place_told(local_at(canvas, found.index), new),
        lambda text: retelling.moved(text, new_place) if retelling.mentions(text, found.forms) else text,
    )


def swapped(canvas: Canvas, first: Found, second: Found) -> Canvas:
    """The canvas in which two regions have each other's places."""
    here, there = local_at(canvas, first.index), local_at(canvas, second.index)
    for found, old, new in ((first, here, there), (second, there, here)):
        local = replace(old, location=new.location, offset=new.offset)
        canvas = with_told_region(canvas, found, with_place_told(old, local), lambda text: text)
    return canvas


def with_background(canvas: Canvas, color: str, said: str) -> Canvas:
    """The canvas in another colour behind everything, and so is what is farthest away."""
    canvas = replace(canvas, global_description=replace(canvas.global_description, color=color))
    far = [
        (local.distance_to_viewer, index)
        for index, local in enumerate(canvas.local_descriptions)
        if local.distance_to_viewer >= BACKDROP_DISTANCE
    ]
    if not far:
        return canvas
    _, index = max(far)
    head = head_of(canvas.local_descriptions[index].description)
    return (
        described(canvas, Found(index, canvas, head.text, retelling.forms_of(head.text)), said)
        if head
        else canvas
    )
