"""Writing the sentences of a canvas: descriptions, details, tags and tone.

Knows how things are told, not which things a scene needs.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from canvas.model import GlobalDescription, LocalDescription
from engine.composer.planner.inflection import article, lowered, sentence
from engine.composer.planner.phrases import of_groups
from engine.composer.planner.placing import Placement
from engine.composer.planner.tables import BACKDROP_DISTANCE, moods
from engine.composer.planner.vocabulary import Word, cut, gerunds

MAX_TAGS = 24
MOOD_ENDING = ": that is the mood of the whole picture."
_WHERE = {
    "in the center": "In the center of the image",
    "on the left": "On the left side of the image",
    "on the right": "On the right side of the image",
    "on the top": "At the top of the image",
    "on the bottom": "At the bottom of the image",
    "on the top-left": "In the top-left corner of the image",
    "on the top-right": "In the top-right corner of the image",
    "on the bottom-left": "In the bottom-left corner of the image",
    "on the bottom-right": "In the bottom-right corner of the image",
}
_QUALITY = (
    "High quality, with {head} in crisp detail.",
    "Finely detailed, with clear textures on {head}.",
    "Sharp focus and careful rendering of {head}.",
)
_ARTICLES = re.compile(r"\b([Aa])n? ([\w'\-]+)")


@dataclass(slots=True)
class Draft:
    """A region on its way into the canvas.

    Attributes:
        what: Its sentence, without a full stop.
        head: The noun it is about, for quality and tags.
        is_named: Whether the prompt asked for it.
        is_new: Whether it has its place from the prompt, and not from a known scene.
    """

    what: str
    head: str
    placement: Placement
    color: str
    details: tuple[str, ...]
    is_named: bool = False
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Tone:
    """How the whole picture feels and is drawn."""

    mood: str
    atmosphere: str
    style: str

    @classmethod
    def of(cls, mood: str, style: str, rng: Random) -> "Tone":
        """A tone for a mood, in a style of its own or the mood's."""
        chosen = moods()[mood]
        return cls(mood, rng.choice(chosen.atmosphere), style or rng.choice(chosen.style))


def tell_local(draft: Draft, tone: Tone, rng: Random) -> LocalDescription:
    """The region in the words of the language."""
    placed = draft.placement
    opening = f"{where(placed.location, placed.distance)}, {lowered(draft.what)}."
    return LocalDescription(
        description=sentence(draft.what),
        location=placed.location,
        offset=placed.offset,
        area=placed.area,
        distance_to_viewer=placed.distance,
        detailed_descriptions=(opening, *draft.details),
        tags=tags((draft.what, *draft.details), "" if head_of(draft.what) else draft.head, tone.mood),
        atmosphere=tone.atmosphere,
        style=tone.style,
        quality_meta=rng.choice(_QUALITY).format(head=f"the {draft.head}"),
        color=draft.color,
    )


def tell_scene(
    description: str, picture: str, drafts: Iterable[Draft], tone: Tone, color: str
) -> GlobalDescription:
    """The global description over its regions."""
    parts = tuple(drafts)
    sentences = [f"{where(d.placement.location, d.placement.distance)}, {lowered(d.what)}." for d in parts]
    opening = () if picture == description else (picture,)
    return GlobalDescription(
        description=description,
        detailed_descriptions=(
            *opening,
            *sentences,
            mood_sentence(tone.atmosphere),
        ),
        tags=tags((description, *(draft.what for draft in parts)), tone.mood),
        color=color,
    )


def mood_sentence(atmosphere: str) -> str:
    """How the global description tells the air of the whole."""
    return f"{atmosphere[:-1]}{MOOD_ENDING}"


def where(location: str, distance: float) -> str:
    """How a sentence begins that tells of something in that place."""
    if distance >= BACKDROP_DISTANCE and location == "in the center":
        return "In the background"
    return _WHERE[location]


def tags(texts: Iterable[str], *more: str) -> str:
    """The nouns of some sentences with the adjectives before them, each once."""
    found: dict[str, None] = {}
    for text in texts:
        adjective = ""
        for word in cut(text):
            if word.noun and not word.is_color and not word.role:
                found.setdefault(f"{adjective} {word.text}".strip())
            adjective = word.text if _describes(word) else ""
    return ", ".join([*list(found)[:MAX_TAGS], *(tag for tag in more if tag)])


def with_tag(tag_list: str, tag: str) -> str:
    """A tag list with one more tag."""
    return tag_list if tag in tag_list.split(", ") else f"{tag_list}, {tag}".strip(", ")


def head_of(text: str) -> Word | None:
    """The noun that a sentence is about: the first known one that is not a mere group of something."""
    words = cut(text)
    for index, word in enumerate(words):
        follower = words[index + 1] if index + 1 < len(words) else None
        is_of = follower is not None and (follower.relation == "of" or follower.text == "with")
        is_group = word.text in of_groups() and is_of
        is_act = follower is not None and follower.text in gerunds().values() and word.is_being
        is_modifier = follower is not None and bool(follower.noun) and not is_act
        if word.noun and not is_group and not is_modifier:
            return word
    return None


def with_right_articles(text: str) -> str:
    """The text with "a" and "an" as the words after them ask."""
    return _ARTICLES.sub(lambda m: f"{m[1]}{article(m[2])[1:]} {m[2]}", text)


def _describes(word: Word) -> bool:
    return word.role == "adjective" or word.is_color or bool(word.mood)
