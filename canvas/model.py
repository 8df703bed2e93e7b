"""The Canvas value: what a scene is, apart from how it is written.

Everything here is immutable and checks itself when made, so a `Canvas` that exists is valid. How code becomes
a canvas is `canvas.language`; where a description lands in the picture is `canvas.layout`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS

MAX_LOCAL_DESCRIPTIONS: Final = 128
"""More regions than anybody composes; a bound for text that is no composition."""


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing the parser mended.

    Attributes:
        line: Where it was found, counted from 1 in the text that was parsed.
        what: The argument or the part of the code, for example `location` or `string`.
        found: The text as it stood, shortened.
        used: What stands in the canvas instead; empty when the text was left out.
    """

    line: int
    what: str
    found: str
    used: str


@dataclass(frozen=True, slots=True)
class GlobalDescription:
    """What the whole picture shows.

    Attributes:
        description: One sentence.
        detailed_descriptions: Further sentences, each a prompt of its own.
        tags: Comma-separated words.
        color: A key of `canvas.names.COLORS`: the background of the colour sketch.

    Raises:
        ValueError: The colour is not a name of the language.
    """

    description: str
    detailed_descriptions: tuple[str, ...] = ()
    tags: str = ""
    color: str = "white"

    def __post_init__(self) -> None:
        _check_name("color", self.color, COLORS)


@dataclass(frozen=True, slots=True)
class LocalDescription:
    """What one region of the picture shows, in the words of the language.

    Attributes:
        location: A key of `canvas.names.LOCATIONS`.
        offset: A key of `canvas.names.OFFSETS`.
        area: A key of `canvas.names.AREAS`.
        distance_to_viewer: Positive and finite; only its order among the regions counts.
        color: A key of `canvas.names.COLORS`.

    Raises:
        ValueError: A name is not one of the language, or the distance is not positive and finite.
    """

    description: str
    location: str = "in the center"
    offset: str = "no offset"
    area: str = "a medium-sized square area"
    distance_to_viewer: float = 5.0
    detailed_descriptions: tuple[str, ...] = ()
    tags: str = ""
    atmosphere: str = ""
    style: str = ""
    quality_meta: str = ""
    color: str = "white"

    def __post_init__(self) -> None:
        _check_name("location", self.location, LOCATIONS)
        _check_name("offset", self.offset, OFFSETS)
        _check_name("area", self.area, AREAS)
        _check_name("color", self.color, COLORS)
        if not (math.isfinite(self.distance_to_viewer) and self.distance_to_viewer > 0):
            raise ValueError(
                f"distance_to_viewer must be positive and finite, not {self.distance_to_viewer!r}"
            )


@dataclass(frozen=True, slots=True)
class Canvas:
    """One scene: a global description and its local descriptions in the order they were written.

    Attributes:
        repairs: What was mended while reading it. Two canvases that differ only in repairs are equal.

    Raises:
        ValueError: There are more than `MAX_LOCAL_DESCRIPTIONS` local descriptions.
    """

    global_description: GlobalDescription
    local_descriptions: tuple[LocalDescription, ...] = ()
    repairs: tuple[Repair, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if len(self.local_descriptions) > MAX_LOCAL_DESCRIPTIONS:
            raise ValueError(f"a canvas has at most {MAX_LOCAL_DESCRIPTIONS} local descriptions")


def _check_name(what: str, name: str, table: Mapping[str, object]) -> None:
    if name not in table:
        raise ValueError(f"{what} {name!r} is not a name of the Canvas language")
