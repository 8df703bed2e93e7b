"""The changes that a person can ask for, as values.

Knows neither the words they were asked in nor how a canvas takes them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Replace:
    """Something else in the place of a thing."""

    target: str
    new: str


@dataclass(frozen=True, slots=True)
class Add:
    """New things, with their places in the text."""

    text: str


@dataclass(frozen=True, slots=True)
class Give:
    """Something that a being wears, has or holds from now on."""

    target: str
    text: str


@dataclass(frozen=True, slots=True)
class Remove:
    """A thing goes, or several."""

    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """A thing goes elsewhere; `to` is told in words."""

    target: str
    to: str


@dataclass(frozen=True, slots=True)
class Resize:
    """A thing gets larger (1) or smaller (-1)."""

    target: str
    step: int


@dataclass(frozen=True, slots=True)
class Approach:
    """A thing comes nearer (1) or goes farther away (-1)."""

    target: str
    step: int


@dataclass(frozen=True, slots=True)
class Describe:
    """A thing gets a colour or another quality."""

    target: str
    words: str


@dataclass(frozen=True, slots=True)
class Swap:
    """Two things change places."""

    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Inscribe:
    """A sign gets other words."""

    target: str
    words: str


@dataclass(frozen=True, slots=True)
class SetHour:
    """Another time of day, weather or season."""

    hour: str


@dataclass(frozen=True, slots=True)
class SetScene:
    """Another place or occasion for what the scene shows, with what belongs there."""

    text: str


@dataclass(frozen=True, slots=True)
class SetTone:
    """Another mood or style of the whole; `said` is for a thing that "it" may mean instead."""

    mood: str
    style: str
    said: str


@dataclass(frozen=True, slots=True)
class PaintBackground:
    """Another colour behind everything; `color` is a name of the language."""

    color: str
    words: str


Edit = (
    Replace
    | Add
    | Give
    | Remove
    | Move
    | Resize
    | Approach
    | Describe
    | Swap
    | Inscribe
    | SetHour
    | SetScene
    | SetTone
    | PaintBackground
)
