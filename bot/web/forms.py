"""What stands in the page's forms, as values: the settings of the next picture, and one region of the scene.

Browsers send anything, so nothing is taken for granted here: an empty field, a fraction or a name that the
language does not know is refused with the setting's name. This module knows no Gradio.
"""

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from bot.replies import Words, later
from bot.settings import Settings
from canvas.layout import regions
from canvas.model import Canvas, LocalDescription
from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS
from canvas.reading import read_area, read_color, read_location, read_offset
from engine.errors import BadSetting
from engine.orders import MAX_SEED
from storage.scene import MAX_SIDE_PX, MIN_SIDE_PX, SceneSettings

OWN_SIZE: Final = ""
SIZES: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        later("Portrait"): (896, 1152),
        later("Tall"): (768, 1344),
        later("Square"): (1024, 1024),
        later("Landscape"): (1152, 896),
        later("Wide"): (1344, 768),
    }
)
"""Width and height in pixels: about a megapixel each, as the large image models were trained on."""

NEW_REGION = -1
LABEL_CHARS = 44
_SEED_DIGITS = len(str(MAX_SEED))


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """The settings panel as the browser sent it."""

    width_px: float | None
    height_px: float | None
    seed: str
    count: float | None
    composer: str
    renderer: str

    def scene_settings(self, settings: Settings, seed: int | None = None) -> SceneSettings:
        """The settings to paint with.

        Args:
            settings: What the panel does not name is taken from here.
            seed: Used where the panel names none; None draws one.

        Raises:
            BadSetting: A field is empty or not a whole number. Ranges are the studio's to check.
        """
        side = f"{MIN_SIDE_PX}-{MAX_SIDE_PX}"
        return settings.scene_settings(
            width_px=whole_number("width_px", self.width_px, side),
            height_px=whole_number("height_px", self.height_px, side),
            count=whole_number("count", self.count, f"1-{settings.limits.count}"),
            seed=self._seed(seed),
            composer=self.composer,
            renderer=self.renderer,
        )

    def again(self, painted: SceneSettings, settings: Settings) -> SceneSettings:
        """The settings to paint a scene again with: a new seed, unless the panel names one that is new."""
        form = replace(self, seed="") if self.seed.strip() == str(painted.seed) else self
        return form.scene_settings(settings)

    def _seed(self, otherwise: int | None) -> int:
        typed = self.seed.strip()
        if not typed:
            return secrets.randbelow(MAX_SEED + 1) if otherwise is None else otherwise
        if not (typed.isascii() and typed.isdigit() and len(typed) <= _SEED_DIGITS):
            raise BadSetting("seed", shortened(typed), f"0-{MAX_SEED}")
        return int(typed)


@dataclass(frozen=True, slots=True)
class RegionForm:
    """The region form as the browser sent it; names are what a person chose or typed."""

    description: str = ""
    details: str = ""
    location: str = "in the center"
    offset: str = "no offset"
    area: str = "a medium-sized square area"
    color: str = "white"
    distance: float | None = 5.0

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
            raise BadSetting("description", '""', "1-2000")
        return replace(
            base or LocalDescription(description),
            description=description,
            detailed_descriptions=tuple(line.strip() for line in self.details.splitlines() if line.strip()),
            location=_name("location", self.location, read_location(self.location), LOCATIONS),
            offset=_name("offset", self.offset, read_offset(self.offset), OFFSETS),
            area=_name("area", self.area, read_area(self.area), AREAS),
            color=_name("color", self.color, read_color(self.color), COLORS),
            distance_to_viewer=self._distance(),
        )

    def _distance(self) -> float:
        if self.distance is None or not (math.isfinite(self.distance) and self.distance > 0):
            raise BadSetting("distance_to_viewer", _shown(self.distance), "> 0")
        return float(self.distance)


def preset(width_px: int, height_px: int) -> str:
    """The name of a size in `SIZES`, or `OWN_SIZE`."""
    return next((name for name, size in SIZES.items() if size == (width_px, height_px)), OWN_SIZE)


def region_choices(canvas: Canvas, words: Words) -> list[tuple[str, int]]:
    """The regions by name, near to far as people think of them, and the entry for a new one."""
    near_to_far = reversed(regions(canvas))
    named = [
        (f"{region.index + 1} · {shortened(region.description)}", region.index) for region in near_to_far
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


def whole_number(name: str, value: float | None, allowed: str) -> int:
    """A number field's value.

    Raises:
        BadSetting: The field is empty, or holds a fraction.
    """
    if value is None or not math.isfinite(value) or value != int(value):
        raise BadSetting(name, _shown(value), allowed)
    return int(value)


def shortened(text: str) -> str:
    """The text in at most `LABEL_CHARS` characters."""
    return text if len(text) <= LABEL_CHARS else text[: LABEL_CHARS - 1].rstrip() + "…"


def _shown(value: float | None) -> object:
    return "—" if value is None else value


def _name(setting: str, typed: str, read: str | None, known: Mapping[str, object]) -> str:
    if read is None:
        raise BadSetting(setting, typed, ", ".join(list(known)[:9]) + (" …" if len(known) > 9 else ""))
    return read
