"""Settings that belong together, and the sizes that a checkpoint paints well. No torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from engine.errors import BadSetting

QUALITY: Final = "quality"
DRAFT: Final = "draft"

LEAST_ENLARGEMENT: Final = 1.05
"""Up to this a picture is not enlarged."""

SDXL_NATIVE_PX: Final = 1024
_SMALL_NATIVE_PX: Final = 512
"""Pictures of models made for less than this are what was asked for in miniature."""

_SHAPE_WEIGHT: Final = 4.0


@dataclass(frozen=True, slots=True)
class Preset:
    """A sampler with the steps and the guidance that it needs, and the LoRA that it was made with.

    Attributes:
        sampler: One of `sampling.SAMPLERS`.
        lora: The name of a LoRA file; empty for none.
        lora_weight: How strongly it acts.
    """

    sampler: str
    steps: int
    guidance: float
    lora: str = ""
    lora_weight: float = 1.0


_QUALITY: Final = Preset("dpmpp_2m_karras", 25, 5.0)

# Checkpoints distilled to few steps, as their authors publish them, best first: Hyper-SD's with guidance keep
# the negative prompt, the others were trained without one.
_DRAFTS: Final = (
    Preset("ddim_trailing", 8, 5.0, "Hyper-SDXL-8steps-CFG-lora"),
    Preset("ddim_trailing", 12, 5.0, "Hyper-SDXL-12steps-CFG-lora"),
    Preset("ddim_trailing", 8, 1.0, "Hyper-SDXL-8steps-lora"),
    Preset("euler_trailing", 8, 1.0, "sdxl_lightning_8step_lora"),
    Preset("euler_trailing", 4, 1.0, "sdxl_lightning_4step_lora"),
    Preset("tcd", 8, 1.0, "tcd-lora-sdxl"),
    Preset("lcm", 8, 1.5, "lcm-lora-sdxl"),
)


def presets(loras: Sequence[str]) -> dict[str, Preset]:
    """The presets that can be had with these LoRA files, by name.

    `quality` always can; `draft` when one of the files is known to make few steps enough.
    """
    draft = next((each for each in _DRAFTS if each.lora in loras), None)
    return {QUALITY: _QUALITY} | ({DRAFT: draft} if draft else {})


def preset(name: str, loras: Sequence[str]) -> Preset:
    """A preset by its name.

    Raises:
        BadSetting: There is none of that name, or its LoRA is not among the files.
    """
    known = presets(loras)
    if name not in known:
        raise BadSetting("preset", name, ", ".join(known))
    return known[name]


def enlarges(high_resolution: float) -> bool:
    """Whether a picture is enlarged and painted once more."""
    return high_resolution > LEAST_ENLARGEMENT


@dataclass(frozen=True, slots=True)
class SizeRange:
    """The sizes that a checkpoint paints well: about as many pixels as it was trained with, in whole steps.

    Attributes:
        native_px: The side of the square that it was trained with.
        step_px: What both sides are multiples of.
    """

    native_px: int = SDXL_NATIVE_PX
    step_px: int = 64

    @classmethod
    def around(cls, native_px: int) -> "SizeRange":
        """Those of a checkpoint that was trained with squares of this side; smaller ones in smaller steps."""
        return cls(native_px, min(64, max(1, native_px // 8)))

    @property
    def fewest_px(self) -> int:
        """Pixels of the smallest picture."""
        return self.native_px**2 // 2

    @property
    def most_px(self) -> int:
        """Pixels of the largest picture."""
        return self.native_px**2 * 2

    @property
    def longest_px(self) -> int:
        """The longest side; four times the shortest one, at most."""
        return 2 * self.native_px

    def fit(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Width and height of the good size nearest to what is asked for, in shape rather than in area.

        What is asked for is meant for SDXL: of a model for miniatures it is the same in miniature.
        """
        scale = self.native_px / SDXL_NATIVE_PX if self.native_px < _SMALL_NATIVE_PX else 1
        asked = max(width_px * scale, 1), max(height_px * scale, 1)
        sides = range(self.step_px, self.longest_px + 1, self.step_px)
        good = [size for size in product(sides, sides) if self.holds(*size)]
        return min(good, key=lambda size: self._distance(size, asked))

    def holds(self, width_px: int, height_px: int) -> bool:
        """Whether a size is one of these."""
        whole = width_px % self.step_px == 0 and height_px % self.step_px == 0
        sides_fit = max(width_px, height_px) <= min(self.longest_px, 4 * min(width_px, height_px))
        return whole and sides_fit and self.fewest_px <= width_px * height_px <= self.most_px

    def _distance(self, size: tuple[int, int], asked: tuple[float, float]) -> float:
        shape = math.log((size[0] * asked[1]) / (size[1] * asked[0]))
        wanted_area = min(max(asked[0] * asked[1], self.fewest_px), self.most_px)
        return _SHAPE_WEIGHT * abs(shape) + abs(math.log(size[0] * size[1] / wanted_area))
