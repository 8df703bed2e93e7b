"""The picture's frame and its parts: the measures and the random sources that planning shares."""

from dataclasses import dataclass
from random import Random
from typing import Final

from canvas.layout import GRID_CELLS, Rect, Region
from canvas.model import LocalDescription
from engine.renderer.storyboard.placing import Box
from engine.renderer.storyboard.subjects import Subject

MIN_TYPE_PX: Final = 10


@dataclass(frozen=True, slots=True)
class Frame:
    """The picture's measures, and random sources that do not depend on the order of use."""

    width_px: int
    height_px: int
    seed: int

    @property
    def unit_px(self) -> float:
        """A hundredth of the shorter side."""
        return min(self.width_px, self.height_px) / 100

    @property
    def type_px(self) -> int:
        """The type size of labels and the caption."""
        return round(min(30, max(MIN_TYPE_PX, self.unit_px * 1.9)))

    @property
    def floor_px(self) -> int:
        """Where the caption begins."""
        return self.height_px - round(self.type_px * 1.9)

    def rng(self, *purpose: object) -> Random:
        """A random source for one purpose."""
        return Random(f"{self.seed}:{purpose}")

    def box(self, cells: Rect) -> Box:
        """Cells of the grid in pixels, kept above the caption."""
        top, bottom, left, right = cells
        x, y = self.width_px / GRID_CELLS, self.height_px / GRID_CELLS
        return round(left * x), round(top * y), round(right * x), min(round(bottom * y), self.floor_px)


@dataclass(frozen=True, slots=True)
class Part:
    """A region with what it shows."""

    region: Region
    subject: Subject
    local: LocalDescription

    @property
    def is_scenery(self) -> bool:
        """Whether it is painted as an area."""
        return self.subject.thing is not None and self.subject.thing.kind == "scenery"

    @property
    def is_sign(self) -> bool:
        """Whether it is a banner or a plate with words."""
        thing = self.subject.thing
        return thing is None or (thing.kind == "prop" and thing.name == "banner")
