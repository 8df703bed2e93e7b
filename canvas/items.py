"""What model text is made of: calls as they were written, and what stands between them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An argument's value that is code, not a literal. It was skipped, never run."""

    text: str


Value = str | float | tuple[str, ...] | Unreadable | None


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument as it was written; `name` is empty for a positional one."""

    name: str
    value: Value
    offset: int


@dataclass(frozen=True, slots=True)
class RawCall:
    """A call as it was written; `closed` is False where the text or the code breaks off inside of it."""

    method: str
    arguments: tuple[Argument, ...]
    offset: int
    closed: bool


@dataclass(frozen=True, slots=True)
class NewCanvas:
    """`Canvas()`: a new scene begins."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A Markdown fence: code begins or ends."""


@dataclass(frozen=True, slots=True)
class Prose:
    """Text between the calls."""

    text: str


Item = RawCall | NewCanvas | Fence | Prose
