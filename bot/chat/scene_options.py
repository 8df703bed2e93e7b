"""The options of a request, and how they meet what is set for the chat and the person, and earlier pictures.

Ranges are not checked here: `engine.studio` refuses what is outside of them.
"""

import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final, TypeVar

from bot.region_form import shortened
from bot.replies import LANGUAGES, words
from bot.settings import Settings
from bot.sizes import SIZES
from engine.backends import DIFFUSION
from engine.errors import BadSetting
from engine.orders import ENLARGEMENT, MAX_HIGH_RESOLUTION
from engine.renderer.sdxl.options import SAMPLERS
from engine.renderer.sdxl.presets import DRAFT, QUALITY
from storage.errors import NotFound
from storage.records import Revision
from storage.scene import MAX_SEED, MAX_SIDE_PX, MIN_SIDE_PX, SceneSettings, seed_after

PREFERRED: Final = ("width_px", "height_px", "steps", "guidance", "preset")
"""What can be set for a person or a chat, as fields of `SceneSettings`."""
VARIATIONS: Final = 4

_AREA_PX: Final = 1024 * 1024
_STEP_PX: Final = 64
_GIVEN_BY_PRESET: Final = frozenset(("steps", "guidance", "sampler"))
_Value = TypeVar("_Value")
_SIDES = re.compile(r"([0-9]{1,5})\s*[x×*]\s*([0-9]{1,5})")
_RATIO = re.compile(r"([0-9]{1,3})\s*[:：/]\s*([0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class Options:
    """What a request names beside its words; None, or an empty size, leaves it as it is.

    Attributes:
        size: As `read_size` takes it.
    """

    size: str = ""
    seed: int | None = None
    count: int | None = None
    steps: int | None = None
    guidance: float | None = None
    preset: str | None = None
    sampler: str | None = None
    loras: str | None = None
    negative_prompt: str | None = None
    strength: float | None = None
    high_resolution: float | None = None

    def changes(self) -> dict[str, float | str]:
        """The fields of `SceneSettings` that are named.

        Raises:
            BadSetting: The size cannot be read.
        """
        named = {name: value for name, value in asdict(self).items() if value is not None}
        if size := named.pop("size").strip():
            named["width_px"], named["height_px"] = read_size(size)
        return _without_preset(named)


NO_OPTIONS: Final = Options()


def read_size(text: str) -> tuple[int, int]:
    """Width and height in pixels of `896x1152`, of a shape such as `16:9`, or of a name in any language.

    Raises:
        BadSetting: It is none of those. What is too small or too large is not for this function to say.
    """
    if sides := _SIDES.fullmatch(text.strip()):
        return int(sides[1]), int(sides[2])
    if (ratio := _RATIO.fullmatch(text.strip())) and _can_be_painted(int(ratio[1]), int(ratio[2])):
        return _of_ratio(int(ratio[1]) / int(ratio[2]))
    for name, size in SIZES.items():
        if text.strip().casefold() in {words(language).text(name).casefold() for language in LANGUAGES}:
            return size
    raise BadSetting("size", shortened(text), f"896x1152, 16:9, {', '.join(SIZES)}")


def new_scene(
    settings: Settings, options: Options, *preferences: Mapping[str, object], seed: int | None = None
) -> SceneSettings:
    """The settings of a new scene: the configuration's, then each of the preferences', then the options'."""
    painted = dict(settings.scene_settings().to_dict())
    for each in preferences:
        painted |= _without_preset({name: value for name, value in each.items() if name in PREFERRED})
    painted["seed"] = new_seed() if seed is None else seed
    return SceneSettings.from_dict({**painted, **options.changes()})


def kept(painted: SceneSettings, seed: int, settings: Settings, options: Options) -> SceneSettings:
    """The settings to go on with from a picture: as it was painted, by who composes and paints today."""
    today = settings.picture
    again = replace(painted, seed=seed, count=1, composer=today.composer, renderer=today.renderer)
    return SceneSettings.from_dict({**again.to_dict(), **options.changes()})


def enlarged(painted: SceneSettings) -> SceneSettings:
    """The settings of the same picture, larger.

    Raises:
        BadSetting: It is as large as it can be.
    """
    if painted.renderer not in DIFFUSION:
        return _with_longer_sides(painted)
    if painted.high_resolution >= MAX_HIGH_RESOLUTION:
        asked = f"{painted.high_resolution * ENLARGEMENT:g}"
        raise BadSetting("high_resolution", asked, f"1-{MAX_HIGH_RESOLUTION:g}")
    larger = min(MAX_HIGH_RESOLUTION, painted.high_resolution * ENLARGEMENT)
    return replace(painted, high_resolution=larger)


def varied(painted: SceneSettings, most: int) -> SceneSettings:
    """The settings of a batch beside a picture: the next seeds, as many as one request may have."""
    return replace(painted, seed=seed_after(painted.seed, 1), count=min(VARIATIONS, most))


def check_named(options: Options, painted: SceneSettings) -> None:
    """Refuses what is named and the renderer does not have; what was preferred without a word is let be.

    Raises:
        BadSetting: It has no such preset or sampler, or none at all.
    """
    known = {"preset": (QUALITY, DRAFT), "sampler": SAMPLERS, "loras": None}
    for name, names in known.items():
        if not (value := getattr(options, name)):
            continue
        if painted.renderer not in DIFFUSION:
            raise BadSetting(name, shortened(value), "-")
        if names is not None and value not in names:
            raise BadSetting(name, shortened(value), ", ".join(names))


def seed_of(revision: Revision, index: int) -> int:
    """The seed of one of the revision's pictures, also of one that is not kept any more.

    Raises:
        NotFound: The revision has no such picture.
    """
    for image in revision.images:
        if image.index == index:
            return image.seed
    seeds = revision.scene.settings.seeds
    if index not in range(len(seeds)):
        raise NotFound("image", str(index + 1))
    return seeds[index]


def new_seed() -> int:
    """A seed that nobody has named."""
    return secrets.randbelow(MAX_SEED + 1)


def _without_preset(named: dict[str, _Value]) -> dict[str, _Value | str]:
    """What is named, without the preset of before, which would win over it."""
    is_lost = "preset" not in named and not _GIVEN_BY_PRESET.isdisjoint(named)
    return {**named, "preset": ""} if is_lost else {**named}


def _can_be_painted(width: int, height: int) -> bool:
    """Whether sides of that ratio can both be within what a side may be."""
    return 0 < max(width, height) <= min(width, height) * MAX_SIDE_PX / MIN_SIDE_PX


def _of_ratio(ratio: float) -> tuple[int, int]:
    """The size of a shape: as many pixels as the others have or fewer, in steps that renderers like."""
    width_px, height_px = math.sqrt(_AREA_PX * ratio), math.sqrt(_AREA_PX / ratio)
    scale = min(1.0, MAX_SIDE_PX / max(width_px, height_px))
    return _stepped(scale * width_px), _stepped(scale * height_px)


def _stepped(side_px: float) -> int:
    return max(MIN_SIDE_PX, min(MAX_SIDE_PX, round(side_px / _STEP_PX) * _STEP_PX))


def _with_longer_sides(painted: SceneSettings) -> SceneSettings:
    """For renderers without a high-resolution pass: the picture is drawn anew, in its shape."""
    longer_px = max(painted.width_px, painted.height_px)
    if longer_px >= MAX_SIDE_PX:
        name = "width_px" if painted.width_px == longer_px else "height_px"
        raise BadSetting(name, round(longer_px * ENLARGEMENT), f"{MIN_SIDE_PX}-{MAX_SIDE_PX}")
    scale = min(ENLARGEMENT, MAX_SIDE_PX / longer_px)
    sides = round(painted.width_px * scale), round(painted.height_px * scale)
    return replace(painted, width_px=sides[0], height_px=sides[1])
