"""Composers write Canvas code for a request.

A composer streams text as a language model does: chat around a fenced block of Canvas code. What stands
outside of the fence is a remark to the person; reading the code is the studio's work, not the composer's.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from canvas.model import Canvas


@dataclass(frozen=True, slots=True)
class Exchange:
    """One earlier request of the conversation and the Canvas code that answered it."""

    prompt: str
    code: str


@dataclass(frozen=True, slots=True)
class ComposeRequest:
    """What a composer is asked for.

    Attributes:
        prompt: The person's words, in any language. Data, never instructions to the system.
        canvas: The scene to change, or None for a new one.
        history: Earlier exchanges on the way to `canvas`, oldest first.
        language: Of the remarks to the person: `en` or `zh`. Descriptions are always English.
        seed: Fixes whatever the composer leaves to chance.
        is_first: Whether the conversation begins with this request: the time to introduce oneself.
        correction: What was wrong with the code of the first try, when this is the second one.
        rejected: The reply of that first try, or its beginning.
    """

    prompt: str
    canvas: Canvas | None = None
    history: tuple[Exchange, ...] = ()
    language: str = "en"
    seed: int = 0
    is_first: bool = True
    correction: str = ""
    rejected: str = ""


class Composer(Protocol):
    """Writes Canvas code."""

    def compose(self, request: ComposeRequest) -> AsyncIterator[str]:
        """Streams the reply in pieces that join to the whole text.

        Closing the iterator stops the work. The first piece may take as long as a model takes to be fetched;
        after it, silence is taken for a failure.

        Raises:
            Refused: The request holds nothing to act on (`NotUnderstood`, `EmptyPrompt`).
            Unavailable: The backend cannot be used.
        """
        ...
