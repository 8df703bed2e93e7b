"""The stages that one process works on at the same time, and how many more it claims beside them.

A process that claims only what it can work on rests until its next look at the queue after every stage. One
that claims more need not, but keeps what it claimed from others and from who comes before it in the fair
order. So as many are claimed as end within some looks: none where a stage takes seconds.
"""

import asyncio
import contextvars
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import structlog
from dbos import DBOS

from engine.jobs.place import JobsPlace

MOST_AHEAD = 16
LOOKS_AHEAD = 4
"""A stage that was worked on is claimed for a while longer, until its end is stored."""
NEWEST_SHARE = 0.3
"""How much the newest stage counts in the mean of what stages take."""

_log = structlog.get_logger()


class Slots:
    """The slots of one role, `llm` or `image`."""

    def __init__(self, role: str, count: int, place: JobsPlace, on_taken: Callable[[], None]) -> None:
        self._role = role
        self._count = count
        self._place = place
        self._on_taken = on_taken
        self._free = asyncio.Semaphore(count)
        self._taken = 0
        self._mean_s: float | None = None
        self._ahead = 0
        self._registering: asyncio.Task[None] | None = None

    @property
    def taken(self) -> int:
        """How many stages are being worked on."""
        return self._taken

    async def register(self) -> None:
        """Tells the queue how many stages this process claims."""
        await DBOS.register_queue_async(
            self._role,
            worker_concurrency=self._count + self._ahead,
            polling_interval_sec=self._place.poll_s,
            on_conflict="always_update",
        )

    async def stop(self) -> None:
        """Waits for what was told to the queue last."""
        if self._registering:
            await asyncio.wait([self._registering])

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None]:
        """Waits for a slot and holds it, first come, first served."""
        async with self._free:
            self._taken += 1
            self._on_taken()
            began_s = time.monotonic()
            try:
                yield
            finally:
                self._taken -= 1
                self._measure(time.monotonic() - began_s)

    def _measure(self, took_s: float) -> None:
        mean_s = took_s if self._mean_s is None else self._mean_s
        self._mean_s = mean_s + NEWEST_SHARE * (took_s - mean_s)
        ended = int(LOOKS_AHEAD * self._place.poll_s / max(self._mean_s, 1e-3))
        ahead = min(MOST_AHEAD, 1 << ended.bit_length() >> 1)  # in powers of two: the queue is told seldom
        # the queue has one number for all workers: theirs have stages of the same kind
        if ahead != self._ahead:
            self._ahead = ahead
            if self._registering is None or self._registering.done():
                # outside of the stage's own context, where it would be taken for a part of the workflow
                self._registering = asyncio.create_task(
                    self._register_newest(), context=contextvars.Context()
                )

    async def _register_newest(self) -> None:
        """Tells the queue, and once more where the number has changed meanwhile."""
        told: int | None = None
        while told != self._ahead:
            told = self._ahead
            try:
                await self.register()
            except Exception as error:  # noqa: BLE001 - the queue goes by what it knows until the next change
                _log.warning("queue_not_told", role=self._role, exc_info=error)
