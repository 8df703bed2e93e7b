"""Watching the queue move, with one question at a time for all who watch."""

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import structlog

from engine.forecast import Forecast, forecasts
from storage.records import Durations
from storage.store import Store

MEASURE_EVERY = 20
"""Looks between two readings of the measured times."""

_log = structlog.get_logger()


class QueueWatch:
    """Looks at the queue every `poll_s` while somebody watches."""

    def __init__(self, store: Store, poll_s: float) -> None:
        self._store = store
        self._poll_s = poll_s
        self._watchers = 0
        self._looking: asyncio.Task[None] | None = None
        self._begun = self._seen = 0
        self._looked = asyncio.Condition()
        self._open: Mapping[str, Forecast] = {}

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator[None]:
        """Has the queue looked at until the block ends."""
        self._watchers += 1
        if self._looking is None:
            # for all who watch: it carries the ids of none of them into the log
            self._looking = asyncio.create_task(self._look_always(), context=contextvars.Context())
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers and self._looking:
                self._looking.cancel()
                self._looking = None

    async def next(self, turn_id: str) -> Forecast | None:
        """How the turn stands at the next look that is begun; None when it is not open any more."""
        begun = self._begun  # one that is under way may not know of the turn yet
        async with self._looked:
            await self._looked.wait_for(lambda: self._seen > begun)
        return self._open.get(turn_id)

    async def _look_always(self) -> None:
        durations, looks = Durations(None, None), 0
        while True:
            self._begun += 1
            try:
                if looks % MEASURE_EVERY == 0:
                    durations = await self._store.durations()
                found = forecasts(await self._store.open_turns(), durations)
            except Exception as error:  # noqa: BLE001 - whatever it is, those who watch go on waiting
                _log.warning("queue_not_seen", exc_info=error)
            else:
                looks += 1
                self._seen = self._begun
                self._open = {forecast.turn.id: forecast for forecast in found}
                async with self._looked:
                    self._looked.notify_all()
            await asyncio.sleep(self._poll_s)
