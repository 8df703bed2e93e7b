"""The figures of the bot's own process: the queue, its worker, the chats, the room on the disk."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from prometheus_client import Metric

from bot.chat.outbox import Outbox
from bot.observing.asking import Asking
from bot.observing.figures import gauge
from engine.supervisor import Supervisor
from storage.errors import StorageError
from storage.records import OpenTurn, TurnStage
from storage.room import free_bytes
from storage.store import Store

NO_ANSWER = "does not answer"
NO_SIGN_OF_LIFE = "has given no sign of life"
NOT_CONNECTED = "is not connected"


class BotFigures:
    """What a bot knows of itself, its database and its worker."""

    def __init__(
        self, store: Store, supervisor: Supervisor, outboxes: Mapping[str, Outbox], data_dir: Path
    ) -> None:
        self._open_turns = Asking(store.open_turns, nothing=StorageError)
        self._free = Asking(lambda: asyncio.to_thread(free_bytes, data_dir), nothing=OSError)
        self._supervisor = supervisor
        self._outboxes = outboxes

    async def troubles(self) -> dict[str, str]:
        """What is wrong with the database, the worker and each chat platform."""
        has_answered = await self._open_turns.answer() is not None
        chats = {name: "" if box.is_connected else NOT_CONNECTED for name, box in self._outboxes.items()}
        return {
            "database": "" if has_answered else NO_ANSWER,
            "worker": NO_SIGN_OF_LIFE if self._supervisor.silent_s is None else "",
            **chats,
        }

    async def gauges(self) -> Iterable[Metric]:
        """Figures of this moment; those that nobody answers for are left out."""
        turns, free = await asyncio.gather(self._open_turns.answer(), self._free.answer())
        silent_s = self._supervisor.silent_s
        told = [
            gauge("omost_database_up", "1 while the database answers.", {"": turns is not None}),
            gauge("omost_worker_up", "1 while the worker gives signs of life.", {"": silent_s is not None}),
            gauge(
                "omost_worker_silent_seconds",
                "Since the worker's last sign of life.",
                {} if silent_s is None else {"": silent_s},
            ),
            gauge(
                "omost_platform_connected",
                "1 while a chat platform can be heard.",
                {name: box.is_connected for name, box in self._outboxes.items()},
                "platform",
            ),
            gauge(
                "omost_data_free_bytes",
                "Room where the data lies.",
                {} if free is None else {"": free},
            ),
        ]
        return [*told, *_queue(turns)]


def _queue(turns: Sequence[OpenTurn] | None) -> Iterable[Metric]:
    counts = Counter(turn.stage for turn in turns or ())
    waiting_s = [turn.stage_s for turn in turns or () if turn.stage is TurnStage.WAITING]
    has_answered = turns is not None
    yield gauge(
        "omost_open_requests",
        "Requests that wait or are worked on, by how far they have come.",
        {stage.value: counts[stage] for stage in TurnStage} if has_answered else {},
        "stage",
    )
    yield gauge(
        "omost_longest_wait_seconds",
        "How long the request has waited that has waited longest and not been begun.",
        {"": max(waiting_s, default=0.0)} if has_answered else {},
    )
