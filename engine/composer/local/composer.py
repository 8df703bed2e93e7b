"""The composer on this machine: answers of a language model, streamed out of its thread.

Imports torch and `transformers` when it is first used, not before.
"""

import asyncio
import contextvars
import math
import threading
import time
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

from engine.composer import ComposeRequest
from engine.composer.local.options import TransformersOptions
from engine.errors import EmptyPrompt, Unavailable
from engine.lazily import Lazily

if TYPE_CHECKING:
    from engine.composer.local.writer import Writer

_PIECES_UNDER_WAY: Final = 64

_PULSE_EVERY_S: Final = 1.0

_MOST_AT_ONCE: Final = 64
"""Answers; those beyond the conversations that are kept wait in their thread."""


class TransformersComposer:
    """Composes with a model that `transformers` runs.

    >>> composer = TransformersComposer(TransformersOptions("/models/omost-llama-3-8b"))
    """

    def __init__(self, options: TransformersOptions | None = None) -> None:
        """Loads nothing yet."""
        chosen = options or TransformersOptions()
        self._threads = _threads()
        self._under_way: set[_Handover] = set()
        self._writer = Lazily(lambda: _writer(chosen), "model-loading")

    async def compose(self, request: ComposeRequest) -> AsyncGenerator[str]:
        """Streams the answer in whole characters; the first call loads the model.

        Nothing comes before the model runs; from then on, while it reads a long prompt, empty pieces do.
        Closing the iterator stops the model within one pass and waits for it. Loading goes on meanwhile: the
        next request finds the model there.

        Raises:
            EmptyPrompt: The prompt is blank.
            PromptTooLong: It does not fit into the model's context.
            SceneTooLong: The scene does not.
            Unavailable: The model cannot be had, loaded or run; the reason says why.
        """
        if not request.prompt.strip():
            raise EmptyPrompt
        writer = await self._writer.get()
        handover = _Handover()
        self._under_way.add(handover)
        carry = partial(handover.carry, writer.write(request, handover.is_cancelled))
        with_ids = partial(contextvars.copy_context().run, carry)  # in what the thread logs
        writing = asyncio.get_running_loop().run_in_executor(self._threads, with_ids)
        writing.add_done_callback(handover.end)
        try:
            while (piece := await handover.next()) is not None:
                yield piece
            await writing
        finally:
            handover.cancel()
            self._under_way.discard(handover)
            await asyncio.wait((writing,))
            writing.exception()  # has been raised, or nobody waits for it any more

    async def aclose(self) -> None:
        """Lets go of the model, which a later request loads again; answers under way break off."""
        self._writer.drop()
        threads, self._threads = self._threads, _threads()
        for handover in self._under_way:
            handover.cancel()
        await asyncio.to_thread(threads.shutdown)


class _Handover:
    """Pieces of text on their way out of a thread, of which a few may be under way."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self._room = threading.Semaphore(_PIECES_UNDER_WAY)
        self._cancelled = threading.Event()

    def is_cancelled(self) -> bool:
        """Whether nobody waits for the pieces any more."""
        return self._cancelled.is_set()

    def carry(self, pieces: Generator[str]) -> None:
        """Takes the pieces over as they come, empty ones at most now and then; in the thread."""
        pulse_s = -math.inf
        with closing(pieces):
            for piece in pieces:
                now_s = time.monotonic()
                if piece or now_s - pulse_s >= _PULSE_EVERY_S:
                    pulse_s = now_s
                    self._room.acquire()
                    self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)
                if self.is_cancelled():
                    return

    def end(self, _writing: "asyncio.Future[None]") -> None:
        """Says that no piece will follow; in the loop."""
        self._pieces.put_nowait(None)

    async def next(self) -> str | None:
        """The next piece, or None at the end."""
        piece = await self._pieces.get()
        self._room.release()
        return piece

    def cancel(self) -> None:
        """Stops the thread, also where it waits for room."""
        self._cancelled.set()
        self._room.release()


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_MOST_AT_ONCE, "composer")


def _writer(options: TransformersOptions) -> "Writer":
    try:
        from engine.composer.local.writer import Writer  # noqa: PLC0415 - lazily, as the module says
    except ImportError as error:
        raise Unavailable("transformers", "needs-gpu-extra") from error
    return Writer.from_options(options)
