"""One region of a scene as a form shows it, wherever the form is, and scenes with a region changed.

People and programs send anything, so nothing is taken for granted here: what the language does not know is
refused with the field's name.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.replies import Words
from canvas.model import Canvas, LocalDescription
from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS
from canvas.reading import known_color, read_area, read_color, read_location, read_offset
from engine.errors import BadSetting
from storage.errors import NotFound

NEW_REGION = -1
LABEL_CHARS = 44

_TEXTS = ("description", "details", "location", "offset", "area", "color")


@dataclass(frozen=True, slots=True)
class RegionForm:
    """The region form as it was sent; names are what a person chose or typed."""

    description: str = ""
    details: str = ""
    location: str = "in the center"
    offset: str = "no offset"
    area: str = "a medium-sized square area"
    color: str = "white"
    distance: float | None = 5.0

    def __post_init__(self) -> None:
        for name in _TEXTS:
            object.__setattr__(self, name, as_text(getattr(self, name)))

    @classmethod
    def of(cls, local: LocalDescription) -> "RegionForm":
        """The form that shows a region."""
        return cls(
            description=local.description,
            details="\n".join(local.detailed_descriptions),
            location=local.location,
            offset=local.offset,
            area=local.area,
            color=local.color,
            distance=local.distance_to_viewer,
        )

    def local_description(self, base: LocalDescription | None) -> LocalDescription:
        """The region that the form describes; what the form does not show is taken from `base`.

        Raises:
            BadSetting: The description is empty, a name is not one of the language, or the distance is not
                above 0.
        """
        description = " ".join(self.description.split())
        if not description:
            raise BadSetting("description", "", "1-2000")
        return replace(
            base or LocalDescription(description),
            description=description,
            detailed_descriptions=tuple(line.strip() for line in self.details.splitlines() if line.strip()),
            location=_name("location", self.location, read_location(self.location), LOCATIONS),
            offset=_name("offset", self.offset, read_offset(self.offset), OFFSETS),
            area=_name("area", self.area, read_area(self.area), AREAS),
            color=_color(self.color),
            distance_to_viewer=self._distance(),
        )

    def _distance(self) -> float:
        if self.distance is None or not (math.isfinite(self.distance) and self.distance > 0):
            raise BadSetting("distance_to_viewer", shown_number(self.distance), "> 0")
        return float(self.distance)


def region_of(canvas: Canvas, index: int) -> LocalDescription:
    """The region at an index of `Canvas.local_descriptions`.

    Raises:
        NotFound: There is none.
    """
    locals_ = canvas.local_descriptions
    if index not in range(len(locals_)):
        raise NotFound("region", str(index))
    return locals_[index]


def region_choices(canvas: Canvas, words: Words) -> list[tuple[str, int]]:
    """The regions by number and name, and the entry for a new one."""
    named = [
        (f"{index + 1} · {shortened(local.description)}", index)
        for index, local in enumerate(canvas.local_descriptions)
    ]
    return [*named, (words.text("New region"), NEW_REGION)]


def with_region(canvas: Canvas, index: int, local: LocalDescription) -> Canvas:
    """The canvas with a region in the place of another, or behind the last one."""
    old = canvas.local_descriptions
    return replace(canvas, local_descriptions=(*old[:index], local, *old[index + 1 :]), repairs=())


def without_region(canvas: Canvas, index: int) -> Canvas:
    """The canvas with a region removed."""
    old = canvas.local_descriptions
    return replace(canvas, local_descriptions=(*old[:index], *old[index + 1 :]), repairs=())


def shortened(text: str) -> str:
    """The text in at most `LABEL_CHARS` characters."""
    return text if len(text) <= LABEL_CHARS else text[: LABEL_CHARS - 1].rstrip() + "…"


def as_text(sent: object) -> str:
    """What was sent for a text field: a null is an empty text."""
    return "" if sent is None else str(sent)


def shown_number(value: float | None) -> object:
    """A number field's value for a message about it: a dash where it is empty."""
    return "—" if value is None else value


def _color(typed: str) -> str:
    """The colour's name; of a misspelt one the nearest is offered first, and never taken unasked."""
    known = known_color(typed)
    guess = read_color(typed)
    names = dict.fromkeys((guess, *COLORS)) if guess else COLORS
    return _name("color", typed, known, dict.fromkeys(names))


def _name(setting: str, typed: str, read: str | None, known: Mapping[str, object]) -> str:
    if read is None:
        raise BadSetting(setting, typed, ", ".join(list(known)[:9]) + (" …" if len(known) > 9 else ""))
    return read
