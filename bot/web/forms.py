"""What stands in the page's settings panel, as a value: the settings of the next picture.

Browsers send anything, so nothing is taken for granted here: an empty field, a fraction or a name that the
language does not know is refused with the setting's name. This module knows no Gradio.
"""

import math
import secrets
from dataclasses import dataclass, replace

from bot.region_form import as_text, shortened, shown_number
from bot.settings import Settings
from engine.errors import BadSetting
from engine.orders import MAX_GUIDANCE, MAX_STEPS, SKETCH_STRENGTH
from storage.scene import MAX_SEED, MAX_SIDE_PX, MIN_SIDE_PX, SceneSettings

_SEED_DIGITS = len(str(MAX_SEED))
_PLAIN = SceneSettings()
_TEXTS = ("seed", "loras", "negative_prompt")


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """The settings panel as the browser sent it."""

    width_px: float | None
    height_px: float | None
    seed: str
    count: float | None
    composer: str
    renderer: str
    preset: str = _PLAIN.preset
    sampler: str = _PLAIN.sampler
    steps: float | None = _PLAIN.steps
    guidance: float | None = _PLAIN.guidance
    loras: str = _PLAIN.loras
    negative_prompt: str = _PLAIN.negative_prompt
    steady: bool = _PLAIN.steady
    sketch: bool = False
    depth: bool = _PLAIN.depth

    def __post_init__(self) -> None:
        for name in _TEXTS:
            object.__setattr__(self, name, as_text(getattr(self, name)))

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
            **self._diffusion(settings),
        )

    def again(self, painted: SceneSettings, settings: Settings) -> SceneSettings:
        """The settings to paint a scene again with: a new seed, unless the panel names one that is new."""
        form = replace(self, seed="") if self.seed.strip() == str(painted.seed) else self
        return form.scene_settings(settings)

    def _diffusion(self, settings: Settings) -> dict[str, int | float | str]:
        """What means something to some renderers only."""
        return {
            "preset": self.preset,
            "sampler": self.sampler,
            "steps": whole_number("steps", self.steps, f"1-{MAX_STEPS}"),
            "guidance": _number("guidance", self.guidance, f"0-{MAX_GUIDANCE:g}"),
            "loras": self.loras.strip(),
            "negative_prompt": self.negative_prompt.strip(),
            "steady": self.steady,
            "strength": self._strength(settings),
            "depth": self.depth,
        }

    def _strength(self, settings: Settings) -> float:
        if not self.sketch:
            return 1.0
        return settings.picture.strength if settings.picture.strength < 1 else SKETCH_STRENGTH

    def _seed(self, otherwise: int | None) -> int:
        typed = self.seed.strip()
        if not typed:
            return secrets.randbelow(MAX_SEED + 1) if otherwise is None else otherwise
        if not (typed.isascii() and typed.isdigit() and len(typed) <= _SEED_DIGITS):
            raise BadSetting("seed", shortened(typed), f"0-{MAX_SEED}")
        return int(typed)


def whole_number(name: str, value: float | None, allowed: str) -> int:
    """A number field's value.

    Raises:
        BadSetting: The field is empty, or holds a fraction.
    """
    if value is None or not math.isfinite(value) or value != int(value):
        raise BadSetting(name, shown_number(value), allowed)
    return int(value)


def _number(name: str, value: float | None, allowed: str) -> float:
    if value is None or not math.isfinite(value):
        raise BadSetting(name, shown_number(value), allowed)
    return float(value)
