"""Questions whose answer may never come: to a database that is away, to a driver that hangs."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

ANSWER_S: Final = 2.0
"""So long an answer is waited for; those who watch wait little longer."""

T = TypeVar("T")


class Asking(Generic[T]):
    """A question that is asked once at a time, however often and by however many its answer is wanted.

    A thread that waits for the answer cannot be cancelled; so it is left waiting, and there is one at most.
    """

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, T]], *, nothing: type[Exception]) -> None:
        """Takes an error of the kind `nothing` for no answer."""
        self._ask = ask
        self._nothing = nothing
        self._asked: asyncio.Task[T] | None = None

    async def answer(self) -> T | None:
        """The answer; None where there was none in time."""
        if self._asked is None or self._asked.done():
            self._asked = asyncio.create_task(self._ask())
            self._asked.add_done_callback(_heard)
        asked = self._asked
        await asyncio.wait({asked}, timeout=ANSWER_S)
        if not asked.done() or isinstance(asked.exception(), self._nothing):
            return None
        return asked.result()


def _heard(asked: "asyncio.Task[Any]") -> None:
    """An answer that nobody waited for to the end is no mistake, whatever it is."""
    if not asked.cancelled():
        asked.exception()
