"""The plan of a storyboard: what stands where, in pixels, before anything is painted.

`planning.plan` makes it and `painting` paints it; tests and tools read it instead of guessing at pixels.
"""

from dataclasses import dataclass
from typing import Literal

from canvas.model import Canvas
from engine.renderer.storyboard.backdrop import Backdrop
from engine.renderer.storyboard.drawing import Drawing, Rgb
from engine.renderer.storyboard.placing import Box


@dataclass(frozen=True, slots=True)
class Area:
    """A stretch of scenery.

    Attributes:
        region: Index into `Canvas.local_descriptions`.
        soft: Which edges fade: left, top, right, bottom.
        seen: The part of its box that no nearer area hides.
    """

    region: int
    kind: str
    drawing: Drawing
    box: Box
    soft: tuple[bool, bool, bool, bool]
    seen: Box


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing in the picture.

    Attributes:
        region: Index into `Canvas.local_descriptions`, or None for decoration of the whole.
        role: `hero` is the region's subject; a `detail` stands small beside it.
        grounded: Whether it stands on something and throws a shadow.
        pale: How much of the air between lies over it, 0 to 1.
        wash: The colour around and under it: the region's, or None.
        glowing: Whether it gives light, and no darkness or air dims it.
    """

    region: int | None
    role: Literal["hero", "detail", "decor"]
    drawing: Drawing
    box: Box
    grounded: bool
    flip: bool = False
    pale: float = 0.0
    wash: Rgb | None = None
    glowing: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """A line of text in a quiet box; `box` includes its margin."""

    region: int | None
    text: str
    box: Box
    size_px: int


@dataclass(frozen=True, slots=True)
class Sign:
    """Words on a banner, sign or plate: centred lines."""

    region: int
    lines: tuple[str, ...]
    box: Box
    size_px: int
    color: Rgb


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole storyboard.

    Attributes:
        layers: Areas, figures and signs in painting order.
        labels: Beside the figures; the caption is apart.
        caption: The strip at the bottom.
    """

    width_px: int
    height_px: int
    seed: int
    canvas: Canvas
    backdrop: Backdrop
    layers: tuple[Area | Figure | Sign, ...]
    labels: tuple[Label, ...]
    caption: Label

    @property
    def heroes(self) -> tuple[Figure, ...]:
        """The regions' subjects, without scenery."""
        return tuple(layer for layer in self.layers if isinstance(layer, Figure) and layer.role == "hero")
