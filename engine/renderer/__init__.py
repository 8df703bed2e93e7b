"""Renderers paint a canvas."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from PIL import Image

from canvas.model import Canvas
from storage.scene import SceneSettings


@dataclass(frozen=True, slots=True)
class RenderStep:
    """Step `step` of `steps` is done."""

    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class RenderPreview:
    """What the picture looks like so far; smaller than the picture, as a rule."""

    image: Image.Image


@dataclass(frozen=True, slots=True)
class RenderedImage:
    """Image `index` of the batch, finished."""

    index: int
    seed: int
    image: Image.Image


RenderEvent = RenderStep | RenderPreview | RenderedImage


@dataclass(frozen=True, slots=True)
class Base:
    """What a scene was before the change: a renderer can leave untouched what did not change.

    Attributes:
        canvas: As it was.
        settings: With which the pictures were painted.
        pictures: One for each image of the batch: image k goes on from picture k.
    """

    canvas: Canvas
    settings: SceneSettings
    pictures: tuple[Image.Image, ...]


class Economy(IntEnum):
    """How thriftily memory is used, for a picture that did not fit; each costs time, none costs looks."""

    NONE = 0
    TILED = 1
    """Latents are decoded tile by tile."""
    ONE_BY_ONE = 2
    """And the images of a batch are painted one after the other."""


class Renderer(Protocol):
    """Paints a canvas with its settings.

    The same canvas, settings and seed give the same picture; an image does not depend on its batch.
    """

    def render(
        self,
        canvas: Canvas,
        settings: SceneSettings,
        economy: Economy = Economy.NONE,
        base: Base | None = None,
    ) -> AsyncIterator[RenderEvent]:
        """Paints `settings.count` images; image k has `settings.seeds[k]`.

        Given a base, a renderer that can do so keeps of it what did not change; others paint everything.

        Closing the iterator stops the work within one step.

        Raises:
            OutOfMemory: The images do not fit; a caller may try a greater economy.
            Refused: The canvas or the settings are beyond this renderer.
            Unavailable: The backend cannot be used.
        """
        ...
