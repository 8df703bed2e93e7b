"""The one sentence that tells a whole scene.

Knows how things and scenes are said together. The sentence stands before every region's own words when they
are encoded, so it is short.
"""

import re
from dataclasses import replace

from engine.composer.planner.asked import Reading, Thing
from engine.composer.planner.inflection import listed, sentence, singular
from engine.composer.planner.tables import SceneIdea, scenes

_MAX_NAMED = 4
_RELATION_WORDS = {
    "beside": "next to",
    "before": "in front of",
    "left": "to the left of",
    "right": "to the right of",
}


def title(reading: Reading, lead: SceneIdea) -> str:
    """One short sentence for the whole: it stands before every region's own words when they are encoded."""
    setting = next((scenes()[n] for n in reading.scenes[1:] if scenes()[n].kind == "settings"), None)
    if not reading.things:
        picture = filled(lead.picture, reading).rstrip(".")
        return sentence(f"{picture} {setting.at}" if setting and lead.kind == "occasions" else picture)
    places = [scenes()[name] for name in reading.scenes if scenes()[name].kind in {"occasions", "settings"}]
    shown = tuple(thing for thing in reading.things if not any(names_scene(place, thing) for place in places))
    if not shown:
        return title(replace(reading, things=()), lead)
    at = " ".join(part.at for part in (lead, setting) if part)
    return sentence(f"{listed(_told_together(shown))} {at}")


def _told_together(things: tuple[Thing, ...]) -> tuple[str, ...]:
    """The things in words for the title, related ones in one phrase: "a girl under a tree"."""
    told: list[str] = []
    joint: str = ""
    for thing in things:
        text = thing.text
        if joint:
            told[-1] = f"{told[-1]} {joint} {text}"
        elif not any(re.search(rf"\b{re.escape(text)}\b", other) for other in told):
            told.append(text)
        joint = "and" if joint == "between" else _joint(thing, things)  # between a sofa and a bed
    return tuple(told) if len(told) <= _MAX_NAMED else (*told[: _MAX_NAMED - 1], "many other things")


def _joint(thing: Thing, things: tuple[Thing, ...]) -> str:
    """The word that ties a thing to the next one, or empty."""
    following = things[things.index(thing) + 1 :][:1]
    is_next = bool(following) and following[0].phrase.noun.name in thing.spot.anchors
    return _RELATION_WORDS.get(thing.spot.relation, thing.spot.relation) if is_next else ""


def filled(text: str, reading: Reading, lead: SceneIdea | None = None) -> str:
    """A table's text with the wish and the idea filled in."""
    greeting = reading.greeting or (lead.greeting if lead else "")
    theme = reading.theme or "the idea"
    return text.replace("{greeting}", greeting).replace("{idea}", theme).replace("{Idea}", theme.capitalize())


def names_scene(scene: SceneIdea, thing: Thing) -> bool:
    """Whether a thing is what a scene is called by."""
    called = {thing.phrase.noun.name, singular(thing.phrase.head)}
    return any(singular(say) in called for say in scene.say)
