"""One description changed: another thing in it, another quality, size, distance or place.

Every function takes a description and gives one; which of them a person means is `finding`'s work.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random

from canvas.model import Canvas, GlobalDescription, LocalDescription
from canvas.names import AREAS, OFFSETS
from canvas.reading import read_color, read_location, read_offset
from engine.composer.planner import retelling
from engine.composer.planner.asked import Thing
from engine.composer.planner.finding import Found
from engine.composer.planner.inflection import lowered, sentence, singular
from engine.composer.planner.phrases import Phrase
from engine.composer.planner.placing import Placement
from engine.composer.planner.reading import read_things
from engine.composer.planner.scenes import details_of
from engine.composer.planner.tables import BACKDROP_DISTANCE, belongings, words
from engine.composer.planner.telling import head_of, tags, where, with_tag
from engine.composer.planner.vocabulary import cut, gerunds

_MAX_DISTANCE = 12.0
_BLANK_SIGNS = {"sign", "banner", "poster"}
_STEPS = {"up", "down", "upwards", "downwards", "left", "right"}


def local_of(found: Found) -> LocalDescription:
    """The region that was found."""
    return local_at(found.canvas, found.index)


def local_at(canvas: Canvas, index: int | None) -> LocalDescription:
    """The region at an index; the first where there is none."""
    return canvas.local_descriptions[index or 0]


def placement_of(local: LocalDescription) -> Placement:
    """Where a region stands."""
    return Placement(local.location, local.offset, local.area, local.distance_to_viewer)


def with_other_thing(local: LocalDescription, found: Found, thing: Thing, rng: Random) -> LocalDescription:
    """The region of another thing: in the same place, with sentences of its own."""
    phrase = thing.phrase
    old_head = head_of(local.description)
    same_kind = old_head is not None and old_head.noun is not None and old_head.noun.kind == phrase.noun.kind
    is_bare = not (thing.tail or thing.inscription)
    description = retelling.renamed(local.description, found.forms, phrase) if same_kind and is_bare else ""
    if not description or not retelling.mentions(description, (phrase.head,)):
        description = sentence(thing.text)
    opening = f"{where(local.location, local.distance_to_viewer)}, {lowered(description)}"
    details = (opening, *details_of(thing, rng))
    return replace(
        local,
        description=description,
        detailed_descriptions=details,
        tags=with_tag(tags(details), phrase.bare),
        quality_meta=retelling.renamed(local.quality_meta, found.forms, phrase),
        atmosphere=retelling.renamed(local.atmosphere, found.forms, phrase),
        style=retelling.renamed(local.style, found.forms, phrase),
        color=phrase.color or _color_told(local, description, phrase),
    )


def _color_told(local: LocalDescription, description: str, phrase: Phrase) -> str:
    """The colour of a region's new thing: the old one's where the words keep it, else its own."""
    is_kept = re.search(rf"\b{re.escape(local.color)}\b", description) is not None
    return phrase.noun.color if phrase.is_known and not is_kept else local.color


def renamed_region(local: LocalDescription, forms: tuple[str, ...], phrase: Phrase) -> LocalDescription:
    """The region with another thing in its texts wherever they name the old one."""
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


def without_thing(local: LocalDescription, forms: tuple[str, ...]) -> LocalDescription:
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


def with_quality(local: LocalDescription, found: Found, quality: str, color: str) -> LocalDescription:
    """The region with a colour or another quality of its thing."""

    def retell(text: str) -> str:
        return retelling.qualified(text, found.forms, quality, is_color=bool(color))

    first, rest = local.detailed_descriptions[:1], local.detailed_descriptions[1:]
    if color:
        rest = retelling.without_other_colors(rest, quality)
    return replace(
        local,
        description=retell(_at_rest(local.description, found, quality)),
        detailed_descriptions=(*(retell(_at_rest(text, found, quality)) for text in first), *rest),
        tags=retell(local.tags)
        if retelling.mentions(local.tags, found.forms)
        else with_tag(local.tags, quality),
        color=color or local.color,
    )


def _at_rest(text: str, found: Found, quality: str) -> str:
    """A text in which a thing no longer does what it did, when it is told to do something else."""
    if quality not in gerunds().values():
        return text
    forms = "|".join(map(re.escape, found.forms))
    return re.sub(rf"\b({forms}) [a-z]+ing\b[^,.]*", r"\1", text, count=1, flags=re.IGNORECASE)


def with_words(local: LocalDescription, words_: str) -> LocalDescription:
    """The region of a sign that says something else."""
    old = retelling.inscription_of(local.description)

    def retell(text: str) -> str:
        return retelling.inscribed(text, old, words_)

    new = retell(local.description)
    if not old:
        head = head_of(local.description)
        new = retelling.with_inscription(local.description, head.text if head else "", words_)
    opening = f"{where(local.location, local.distance_to_viewer)}, {lowered(new)}"
    details = (opening, *map(retell, local.detailed_descriptions[1:]))
    return replace(local, description=new, detailed_descriptions=details, tags=retell(local.tags))


def with_belonging(local: LocalDescription, found: Found, joint: str, phrase: Phrase) -> LocalDescription:
    """The region of a being that wears or has something; what it has already is only told anew."""
    description = dressed(local.description, found, joint, phrase)
    opening = f"{where(local.location, local.distance_to_viewer)}, {lowered(description)}"
    return replace(
        local,
        description=description,
        detailed_descriptions=(opening, *local.detailed_descriptions[1:]),
        tags=with_tag(local.tags, phrase.bare),
    )


def dressed(text: str, found: Found, joint: str, phrase: Phrase) -> str:
    """A text in which a being wears or has something; what it has there already is only told anew."""
    own = retelling.forms_of(phrase.head)
    if not retelling.mentions(text, own):
        return retelling.dressed(text, found.forms, joint, phrase.text)
    quality = " ".join(phrase.modifiers)
    return retelling.qualified(text, own, quality, is_color=bool(phrase.color)) if quality else text


def joint_of(thing: Thing) -> str:
    """How a thing is told with its owner; empty for what stands beside them, as known things mostly do."""
    usual = "" if thing.phrase.is_known else "with"
    return "" if thing.inscription else belongings().get(thing.phrase.noun.name, usual)


def words_for_sign(found: Found, new: str) -> str:
    """What a sign is to say whose successor is nothing but a quotation; empty for anything else."""
    quotation = re.fullmatch(r'"([^"]+)"', new)
    if quotation is None or found.index is None:
        return ""
    description = local_of(found).description
    head = head_of(description)
    is_blank_sign = head is not None and head.noun is not None and head.noun.name in _BLANK_SIGNS
    return quotation[1] if is_blank_sign or retelling.inscription_of(description) else ""


def resized(local: LocalDescription, step: int, found: Found) -> LocalDescription:
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
    return replace(changed, area=areas[index]) if 0 <= index < len(areas) else approached(changed, step)


def approached(local: LocalDescription, step: int) -> LocalDescription:
    """The region two steps nearer (1) or farther (-1)."""
    distance = local.distance_to_viewer
    if step > 0:
        nearer = distance - 2 if distance > 3 else distance / 2
        return replace(local, distance_to_viewer=max(0.25, nearer))
    return replace(local, distance_to_viewer=min(max(_MAX_DISTANCE, distance), distance + 2))


def with_place_told(old: LocalDescription, new: LocalDescription) -> LocalDescription:
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


def is_slight(to: str) -> bool:
    """Whether a place asks for a small step only: "up a bit", "left"."""
    said = to.split()
    return bool({"slightly", "bit", "little"} & set(said)) or not _STEPS.isdisjoint(said[:1])


def shifted(local: LocalDescription, to: str) -> LocalDescription | None:
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


def new_region(canvas: Canvas, thing: Thing, placed: Placement, rng: Random) -> LocalDescription:
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
        with_tag(tags(details), thing.phrase.bare),
        pattern.atmosphere if pattern else "",
        pattern.style if pattern else "",
        f"High quality, with the {thing.phrase.head} in crisp detail.",
        thing.phrase.color or thing.phrase.noun.color,
    )


def counted_in(description: str, found: Found) -> Phrase | None:
    """What a description counts, "three red balloons", or None where it does not count them."""
    phrase = next((thing.phrase for thing in read_things(description)), None)
    return phrase if phrase and phrase.number > 1 and phrase.head in found.forms else None


def recounted(text: str, old: Phrase, number: int) -> str:
    """A text with another number of the things that it counts."""
    head = singular(old.head) if number == 1 else old.head
    new = replace(old, number=number, words=(*old.modifiers, head), head=head).text

    def put(match: re.Match[str]) -> str:
        return new.capitalize() if match[0][0].isupper() else new

    return re.sub(rf"\b{re.escape(old.text)}\b", put, text, flags=re.IGNORECASE)


def retold(local: LocalDescription, retell: Callable[[str], str]) -> LocalDescription:
    """A region with its description and details in other words."""
    details = tuple(map(retell, local.detailed_descriptions))
    return replace(local, description=retell(local.description), detailed_descriptions=details)


def color_of(quality: str) -> str:
    """The canvas colour that a quality names, or empty."""
    return (read_color(quality) or "") if any(word.is_color for word in cut(quality)) else ""


def is_about(local: LocalDescription, found: Found) -> bool:
    """Whether a region is about what was found."""
    head = head_of(local.description)
    return head is not None and head.text in found.forms


def own_tags(old: LocalDescription, others: tuple[LocalDescription, ...]) -> frozenset[str]:
    """Tags that only the old region had."""
    shared = {tag for local in others for tag in local.tags.split(", ")}
    return frozenset(old.tags.split(", ")) - shared


def opening_of(local: LocalDescription) -> str:
    """The first of a region's details, which the global ones repeat; empty where there is none."""
    return next(iter(local.detailed_descriptions), "")


# --- the whole


def with_opening(scene: GlobalDescription, old: str, new: str) -> GlobalDescription:
    """The global description with another sentence for a region's opening, or without it."""
    if not old:
        return scene
    details = (new if text == old else text for text in scene.detailed_descriptions)
    return replace(scene, detailed_descriptions=tuple(text for text in details if text))


def with_successor(
    scene: GlobalDescription, old: LocalDescription, new: LocalDescription
) -> GlobalDescription:
    """The global description with the opening and the inscription of the region that took another's place."""
    scene = with_opening(scene, opening_of(old), opening_of(new))
    was, now = (retelling.inscription_of(local.description) for local in (old, new))
    return replace(
        scene,
        description=retelling.inscribed(scene.description, was, now),
        detailed_descriptions=tuple(
            retelling.inscribed(text, was, now) for text in scene.detailed_descriptions
        ),
    )


def renamed_global(
    scene: GlobalDescription, forms: tuple[str, ...], phrase: Phrase, gone: frozenset[str]
) -> GlobalDescription:
    """The global description of a scene with another thing; `gone` are tags that only the old one had."""
    kept = ", ".join(tag for tag in scene.tags.split(", ") if tag not in gone)
    is_tagged = retelling.mentions(kept, forms)
    return replace(
        scene,
        description=retelling.renamed(scene.description, forms, phrase),
        detailed_descriptions=retelling.with_renamed_sentences(scene.detailed_descriptions, forms, phrase),
        tags=retelling.renamed(kept, forms, phrase) if is_tagged else with_tag(kept, phrase.bare),
    )


def global_without(scene: GlobalDescription, forms: tuple[str, ...]) -> GlobalDescription:
    """The global description of a scene from which a thing went."""
    told = retelling.mentions(scene.description, forms)
    description = retelling.without(scene.description, forms) if told else ""
    return replace(
        scene,
        description=description or scene.description,
        detailed_descriptions=retelling.without_sentences(scene.detailed_descriptions, forms),
        tags=retelling.without_tags(scene.tags, forms),
    )
