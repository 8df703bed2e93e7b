"""What a listener hears of a request, in this order, until `Done`, `Failed` or `Cancelled` ends the stream.

Events carry values, never words for people, and know nothing of chat.
"""

from dataclasses import dataclass

from PIL import Image

from canvas.changes import Change
from canvas.model import Canvas
from engine.renderer import Economy
from storage.records import Revision, Turn


@dataclass(frozen=True, slots=True)
class ComposingText:
    """The next piece of the composer's reply; the pieces join to the whole text."""

    text: str


@dataclass(frozen=True, slots=True)
class RegionFinished:
    """The scene so far, after each call that closed, global or local."""

    canvas: Canvas


@dataclass(frozen=True, slots=True)
class Preview:
    """What the picture looks like so far: a small storyboard, later the renderer's own preview."""

    image: Image.Image


@dataclass(frozen=True, slots=True)
class Composed:
    """The scene is stored; nothing is painted yet.

    Attributes:
        changes: What differs from the parent; empty for a new scene.
    """

    revision: Revision
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Queued:
    """The place in the queue has changed: 1 is next.

    Attributes:
        wait_s: Seconds until the pictures are there, from measured times; None while nothing is measured.
    """

    position: int
    wait_s: int | None = None


@dataclass(frozen=True, slots=True)
class Stepped:
    """Step `step` of `steps` of image `index` of the batch is done."""

    step: int
    steps: int
    index: int


@dataclass(frozen=True, slots=True)
class Economised:
    """The picture did not fit into the memory and is painted once more, more thriftily."""

    economy: Economy


@dataclass(frozen=True, slots=True)
class Done:
    """Everything is painted and stored.

    Attributes:
        turn: With the composer's remark.
        revision: With its pictures.
        changes: What differs from the parent; empty for a new scene.
    """

    turn: Turn
    revision: Revision
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """It came to nothing. What was composed before stays as a revision.

    Attributes:
        error: An `EngineError`, a `StorageError` or a `CanvasError`, which adapters turn into words.
    """

    error: Exception


@dataclass(frozen=True, slots=True)
class Cancelled:
    """It was called off. What was composed before stays as a revision."""


Event = (
    ComposingText
    | RegionFinished
    | Preview
    | Composed
    | Queued
    | Stepped
    | Economised
    | Done
    | Failed
    | Cancelled
)
