"""Night, rain, winter and the like: what they do to a finished canvas.

A sky is repainted or added, the ground is covered, and words that would contradict are replaced.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from canvas.colors import lab, mixed, nearest_color
from canvas.layout import rect
from canvas.model import Canvas, GlobalDescription, LocalDescription
from canvas.names import COLORS
from engine.composer.planner.inflection import lowered, sentence
from engine.composer.planner.tables import BACKDROP_DISTANCE, Hour, hours, scenes
from engine.composer.planner.telling import tags, where, with_right_articles, with_tag

_SKY = re.compile(r"\b(?:sky|skies|clouds?|heaven|canopy)\b", re.IGNORECASE)
_INSIDE = re.compile(r"\b(?:windows?|ceiling|wall|room)\b", re.IGNORECASE)
_WATER = re.compile(r"\b(?:underwater|sea floor|space|moon ground)\b", re.IGNORECASE)
_NIGHT = re.compile(r"\b(?:night|moon)\b", re.IGNORECASE)
_TIMES_OF_DAY = frozenset({"night", "day", "sunset", "sunrise"})


def hours_of(canvas: Canvas, asked: Sequence[str], at: str) -> list[str]:
    """What is asked for, the time of day last: it has the last word on the sky.

    The night that belongs to an occasion (`at`) comes along where no part of the scene shows one.
    """
    in_order = sorted(asked, key=lambda name: name in _TIMES_OF_DAY)
    is_shown = any(_NIGHT.search(local.description) for local in canvas.local_descriptions)
    if _NIGHT.search(at) and not is_shown and _TIMES_OF_DAY.isdisjoint(asked):
        in_order.append("night")
    return in_order


def apply_hour(canvas: Canvas, name: str) -> Canvas:
    """The canvas at another time of day, in another weather or season.

    The same hour twice changes nothing the second time.
    """
    hour = hours()[name]
    locals_ = tuple(_changed(local, hour) for local in canvas.local_descriptions)
    sky = _sky_index(locals_)
    if sky is not None:
        locals_ = (*locals_[:sky], _with_sky(locals_[sky], hour), *locals_[sky + 1 :])
    elif not _is_inside(locals_):
        locals_ = (*locals_, _new_sky(hour, next(iter(locals_), None)))
    return Canvas(_changed_global(canvas, hour, locals_[sky] if sky is not None else None), locals_)


def at_hour(canvas: Canvas, name: str) -> Canvas:
    """The canvas at an hour that is asked for after others: in the rain, too, the night stays dark."""
    time = _time_of_day(canvas)
    changed = apply_hour(canvas, name)
    if not time or name in _TIMES_OF_DAY:
        return changed
    return _with_weather_in_sky(apply_hour(changed, time), hours()[name])


def hours_in(canvas: Canvas) -> tuple[str, ...]:
    """The hours that a canvas was given, the time of day last."""
    tagged = set(canvas.global_description.tags.split(", "))
    return tuple(sorted(tagged & set(hours()), key=lambda name: (name in _TIMES_OF_DAY, name)))


def in_hour(text: str, name: str) -> str:
    """A text as it is told at an hour."""
    return _without_contradictions(text, hours()[name])


def _time_of_day(canvas: Canvas) -> str:
    """The time of day that shows, but for bright daylight, in which any weather may come."""
    told = next((name for name in hours_in(canvas) if name in _TIMES_OF_DAY), "")
    sky = _sky_index(canvas.local_descriptions)
    if not told and sky is not None and _NIGHT.search(canvas.local_descriptions[sky].description):
        return "night"
    return "" if told == "day" else told


def _with_weather_in_sky(canvas: Canvas, weather: Hour) -> Canvas:
    """The canvas with a sentence in its sky of what falls or drifts there."""
    locals_, sky = canvas.local_descriptions, _sky_index(canvas.local_descriptions)
    if sky is None or weather.sky_details[0] in locals_[sky].detailed_descriptions:
        return canvas
    details = (*locals_[sky].detailed_descriptions, weather.sky_details[0])
    changed = replace(locals_[sky], detailed_descriptions=details)
    return replace(canvas, local_descriptions=(*locals_[:sky], changed, *locals_[sky + 1 :]))


def _is_ground(local: LocalDescription) -> bool:
    """Whether a region is what the others stand on."""
    top, bottom, left, right = rect(local)
    return bottom >= 85 and top >= 30 and right - left >= 75 and local.distance_to_viewer >= 6


def _without_contradictions(text: str, hour: Hour) -> str:
    """A text with the words replaced that deny the hour; words in quotation marks stay."""
    if not hour.replace:
        return text
    denied = "|".join(map(re.escape, sorted(hour.replace, key=len, reverse=True)))
    pattern = re.compile(rf'"[^"]*"|(?<!\'s )(?<!s\' )\b(?:{denied})\b', re.IGNORECASE)
    replaced = pattern.sub(lambda match: _replacement(match[0], hour), text)
    return with_right_articles(replaced) if replaced != text else text


def _replacement(found: str, hour: Hour) -> str:
    if found.startswith('"'):
        return found
    new = hour.replace[found.lower()]
    return new.capitalize() if found[0].isupper() else new


def _changed(local: LocalDescription, hour: Hour) -> LocalDescription:
    details = tuple(_without_contradictions(text, hour) for text in local.detailed_descriptions)
    color = local.color
    if _is_ground(local) and not _SKY.search(local.description):
        details += (hour.ground,) if hour.ground and hour.ground not in details else ()
        color = hour.ground_color or color
    if local.distance_to_viewer >= BACKDROP_DISTANCE and not hour.ground_color:
        color = nearest_color(lab(mixed(COLORS[hour.color], COLORS[color])))
    return replace(
        local,
        description=_without_contradictions(local.description, hour),
        detailed_descriptions=details,
        tags=_without_contradictions(local.tags, hour),
        atmosphere=hour.atmosphere,
        color=color,
    )


def _sky_index(locals_: tuple[LocalDescription, ...]) -> int | None:
    """The region of the sky: far away, at the top, and told as a sky."""
    candidates = [
        index
        for index, local in enumerate(locals_)
        if local.location.startswith("on the top")
        and local.distance_to_viewer >= BACKDROP_DISTANCE
        and _SKY.search(local.description)
        and not _INSIDE.search(local.description)
    ]
    return max(candidates, key=lambda index: locals_[index].distance_to_viewer, default=None)


def _is_inside(locals_: tuple[LocalDescription, ...]) -> bool:
    """Whether there is no sky to be seen."""
    return any(
        (_INSIDE.search(local.description) and local.distance_to_viewer >= BACKDROP_DISTANCE)
        or _WATER.search(local.description)
        or local.description.startswith(_indoor_backdrops())
        for local in locals_
    )


@cache
def _indoor_backdrops() -> tuple[str, ...]:
    """What known scenes without a sky have far away, up to where a wish is filled in."""
    indoors = (scene for scene in scenes().values() if scene.is_inside)
    backdrops = (part for scene in indoors for part in scene.parts if part.is_backdrop)
    return tuple(part.what.partition("{")[0] for part in backdrops)


def _with_sky(local: LocalDescription, hour: Hour) -> LocalDescription:
    return replace(
        local,
        description=sentence(hour.sky),
        detailed_descriptions=(_sky_sentence(local, hour), *hour.sky_details),
        tags=tags((hour.sky, *hour.sky_details)),
        atmosphere=hour.atmosphere,
        color=hour.sky_color,
    )


def _new_sky(hour: Hour, pattern: LocalDescription | None) -> LocalDescription:
    sky = LocalDescription("sky", "on the top", "no offset", "a large horizontal area", 10.0)
    style, quality = (pattern.style, "High quality, with the sky in crisp detail.") if pattern else ("", "")
    return _with_sky(replace(sky, style=style, quality_meta=quality), hour)


def _sky_sentence(local: LocalDescription, hour: Hour) -> str:
    return f"{where(local.location, local.distance_to_viewer)}, {lowered(hour.sky)}."


def _changed_global(canvas: Canvas, hour: Hour, old_sky: LocalDescription | None) -> GlobalDescription:
    scene = canvas.global_description
    is_told = re.search(rf"\b{re.escape(hour.at)}\b", scene.description)
    description = _without_contradictions(_without_other_hours(scene.description, hour), hour)
    if not is_told and not re.search(rf"\b{hour.name}\b", description):
        description = f"{description.rstrip('. ')} {hour.at}."
    sky = next(
        (
            local
            for local in canvas.local_descriptions
            if old_sky
            and local.location == old_sky.location
            and local.distance_to_viewer == old_sky.distance_to_viewer
        ),
        None,
    )
    told = set(sky.detailed_descriptions if sky else ())
    details = tuple(
        _sky_sentence(old_sky, hour) if old_sky and text in told else _without_contradictions(text, hour)
        for text in scene.detailed_descriptions
    )
    if hour.atmosphere not in details:
        details += (hour.atmosphere,)
    return replace(
        scene,
        description=description,
        detailed_descriptions=details,
        tags=with_tag(_without_contradictions(scene.tags, hour), hour.name),
        color=hour.color,
    )


def _without_other_hours(text: str, hour: Hour) -> str:
    for other in hours().values():
        if other.name != hour.name and other.name in hour.replace:
            text = re.sub(rf",? {re.escape(other.at)}(?=[.,]|$| (?:at|in) )", "", text)
    return text
