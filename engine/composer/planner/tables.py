"""The planner's knowledge, read from the tables in `data/` when it is first asked for.

Knows nothing of prompts; the tables say in their heads what their entries mean.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from canvas.names import LOCATIONS
from engine.composer.planner.inflection import plural

BACKDROP_DISTANCE = 7.0
"""From this distance on, a part of a scene is backdrop: it stays when the prompt brings its own figures."""


BEINGS = frozenset({"person", "creature", "animal", "bird", "fish"})
"""The kinds of those who may do, wear and have something."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A thing the planner knows.

    Attributes:
        size: -1 small, 0 usual, 1 large beside others of its kind.
    """

    name: str
    kind: str
    color: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """How things of a kind enter a scene; `areas` by size from small to large."""

    areas: tuple[str, ...]
    distance: float
    where: str
    home: tuple[str, ...]
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One region of a known scene."""

    what: str
    location: str
    offset: str
    area: str
    distance: float
    color: str
    details: tuple[str, ...]

    @property
    def is_backdrop(self) -> bool:
        """Whether it stays behind the prompt's own figures."""
        return self.distance >= BACKDROP_DISTANCE


@dataclass(frozen=True, slots=True)
class SceneIdea:
    """A known occasion, place, subject or idea and what people expect of it.

    Attributes:
        kind: `occasions`, `settings`, `subjects` or `ideas`: the table it stands in.
        at: How a sentence says that something is there.
        greeting: What a banner would say, or empty.
        is_inside: Whether there is no sky to see.
    """

    name: str
    kind: str
    say: tuple[str, ...]
    at: str
    picture: str
    mood: str
    color: str
    greeting: str
    is_inside: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Mood:
    """A feeling and how it is told. `color` is empty where the mood leaves the scene's."""

    say: tuple[str, ...]
    color: str
    atmosphere: tuple[str, ...]
    style: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hour:
    """A time of day, weather or season and what it does to a scene.

    Attributes:
        replace: Words that would contradict it, with what stands in their place.
        ground: A sentence for what lies at the bottom, or empty.
    """

    name: str
    say: tuple[str, ...]
    at: str
    color: str
    sky: str
    sky_details: tuple[str, ...]
    sky_color: str
    ground: str
    ground_color: str
    atmosphere: str
    replace: Mapping[str, str]


def table(name: str) -> dict[str, Any]:
    """One of the files in `data/`, as it stands."""
    text = (
        resources.files(__name__.rpartition(".")[0])
        .joinpath("data", f"{name}.toml")
        .read_text(encoding="utf-8")
    )
    return tomllib.loads(text)


@cache
def words() -> dict[str, Any]:
    """Small words, verbs, adjectives, Chinese and emoji: `data/words.toml`."""
    return table("words")


@cache
def kinds() -> Mapping[str, Kind]:
    """The kinds of things by name."""
    return {
        name: Kind(
            tuple(entry["areas"]),
            float(entry["distance"]),
            entry["where"],
            tuple(entry["home"]),
            tuple(entry["details"]),
        )
        for name, entry in table("kinds").items()
        if name != "homes"
    }


@cache
def homes() -> Mapping[str, str]:
    """The scene where a noun is at home, for nouns that have one of their own."""
    lists: dict[str, str] = table("kinds")["homes"]
    return {spaced(noun): scene for scene, nouns in lists.items() for noun in nouns.split()}


@cache
def nouns() -> Mapping[str, Noun]:
    """Every known noun by its name."""
    tables = table("nouns")
    sizes: dict[str, str] = tables.pop("size")
    large, small = (set(sizes[size].split()) for size in ("large", "small"))
    return {
        spaced(name): Noun(spaced(name), kind, entry[0], (name in large) - (name in small))
        for kind, entries in tables.items()
        for name, entry in entries.items()
    }


@cache
def noun_forms() -> Mapping[str, Noun]:
    """Every way to say a known noun in English: names and synonyms, singular and plural."""
    forms: dict[str, Noun] = {}
    for kind, entries in table("nouns").items():
        if kind == "size":
            continue
        for name, entry in entries.items():
            for said in (name, *(entry[2].split() if len(entry) > 2 else ())):
                noun = nouns()[spaced(name)]
                forms.setdefault(spaced(said), noun)
                forms.setdefault(plural(spaced(said)), noun)
                # people write "butterflys"
                forms.setdefault(f"{spaced(said)}s", noun)
    return forms


@cache
def chinese_nouns() -> Mapping[str, str]:
    """The English name of every known Chinese noun."""
    return {
        chinese: spaced(name)
        for kind, entries in table("nouns").items()
        if kind != "size"
        for name, entry in entries.items()
        for chinese in entry[1].split()
    }


@cache
def belongings() -> Mapping[str, str]:
    """The nouns that are told with their owner, each with the word that ties it to the owner."""
    lists: dict[str, str] = words()["belongings"]
    return {spaced(noun): joint for joint, said in lists.items() for noun in said.split()}


@cache
def kin() -> tuple[frozenset[str], ...]:
    """Nouns that people use for each other."""
    return tuple(frozenset(map(spaced, group.split())) for group in words()["kin"])


@cache
def scenes() -> Mapping[str, SceneIdea]:
    """Every known scene by name."""
    return {
        name: _scene(name, kind, entry)
        for kind in ("occasions", "settings", "subjects", "ideas")
        for name, entry in table(kind).items()
    }


@cache
def moods() -> Mapping[str, Mood]:
    """The moods by name."""
    return {
        name: Mood(
            tuple(spaced(word) for word in entry["say"].split()),
            entry.get("color", ""),
            tuple(entry["atmosphere"]),
            tuple(entry["style"]),
        )
        for name, entry in table("moods")["mood"].items()
    }


@cache
def hours() -> Mapping[str, Hour]:
    """Times of day, weathers and seasons by name."""
    return {name: _hour(name, entry) for name, entry in table("moods")["hour"].items()}


@cache
def styles() -> Mapping[str, tuple[str, ...]]:
    """The sentence of each style and what people call it."""
    return {sentence: tuple(say.split("; ")) for sentence, say in table("moods")["style"].items()}


def spaced(name: str) -> str:
    """A name of several words as it is said."""
    return name.replace("_", " ")


def _scene(name: str, kind: str, entry: dict[str, Any]) -> SceneIdea:
    return SceneIdea(
        name,
        kind,
        tuple(entry["say"].split("; ")),
        entry["at"],
        entry["picture"],
        entry["mood"],
        entry["color"],
        entry.get("greeting", ""),
        entry.get("inside", False),
        tuple(_part(part) for part in entry["parts"]),
    )


def _part(texts: list[str]) -> Part:
    where, what, *details = texts
    place, area, distance, color = where.split("; ")
    location, _, direction = place.partition(" + ")
    size, shape = area.split()
    return Part(
        what,
        next(name for name in LOCATIONS if name.endswith(f"the {location}")),
        f"slightly to the {direction}" if direction else "no offset",
        f"a {'medium-sized' if size == 'medium' else size} {shape} area",
        float(distance),
        color,
        tuple(details),
    )


def _hour(name: str, entry: dict[str, Any]) -> Hour:
    return Hour(
        name,
        tuple(entry["say"].split("; ")),
        entry["at"],
        entry["color"],
        entry["sky"],
        tuple(entry["sky_details"]),
        entry["sky_color"],
        entry.get("ground", ""),
        entry.get("ground_color", ""),
        entry["atmosphere"],
        entry["replace"],
    )
