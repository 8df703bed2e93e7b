"""What a process with the role `jobs` does beside its jobs, so that no person has to.

It gives back what dead workers held, starts jobs whose submission was cut off, and removes old records.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from dbos import DBOS

from engine.jobs.identity import PING_S, free_ids
from engine.jobs.names import COMPOSE, RENDER, child_id
from engine.jobs.place import JobsPlace
from storage.errors import DatabaseAway
from storage.records import Turn, TurnStatus
from storage.store import Store

REAP_INTERVAL_S = 2.0
DEAD_AFTER_S = 2 * PING_S
"""How long a lock must be free: a living holder takes it again within this after a break of the database."""
RESUME_INTERVAL_S = 30.0
CUT_OFF_AFTER_S = 15.0
REMOVE_INTERVAL_S = 3600.0
BATCH = 500
_OPEN = ("ENQUEUED", "PENDING", "DELAYED")
NOTICED_AFTER_S = 3.0
"""How long it takes at most until a process stops working on a workflow that was cancelled.

One that was deleted before that would be worked on to its end, and waited for without end.
"""

_MAYBE_WORKED_ON = ["ENQUEUED", "PENDING", "DELAYED", "CANCELLED"]

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept, in days; 0 keeps them for ever.

    Attributes:
        pictures_days: Pictures; their scenes stay and can be painted again.
        conversations_days: Whole conversations, since the last request in them.
        jobs_days: Records of jobs that have ended and of messages that were handled; as long as a platform
            may bring a message once more.
    """

    pictures_days: float = 0.0
    conversations_days: float = 0.0
    jobs_days: float = 3.0


@asynccontextmanager
async def keep_house(
    place: JobsPlace, store: Store, resume: Callable[[Turn], Awaitable[None]], retention: Retention
) -> AsyncGenerator[None]:
    """Keeps house until the block ends.

    Args:
        place: Whose jobs.
        store: The turns of those jobs.
        resume: Starts the job of a turn that has none.
        retention: What is removed when.
    """
    reaper = _Reaper(place)
    tasks = [
        asyncio.create_task(_every(REAP_INTERVAL_S, reaper.reap)),
        asyncio.create_task(_every(RESUME_INTERVAL_S, lambda: _resume_cut_off(store, resume))),
        asyncio.create_task(_every(REMOVE_INTERVAL_S, lambda: remove_old(store, retention))),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _every(interval_s: float, chore: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await chore()
        except Exception as error:  # noqa: BLE001 - a chore that fails is tried again
            _log.warning("housekeeping_failed", exc_info=error)
        await asyncio.sleep(interval_s)


class _Reaper:
    """Gives the work of processes that are gone back to the queues."""

    def __init__(self, place: JobsPlace) -> None:
        self._place = place
        self._free_since_s: dict[str, float] = {}

    async def reap(self) -> None:
        """Looks once; a process counts as dead when its lock has been free for a while."""
        holders = await _holders() - {self._place.executor_id}
        free = await asyncio.to_thread(free_ids, self._place, holders) if holders else set[str]()
        now_s = time.monotonic()
        self._free_since_s = {one: self._free_since_s.get(one, now_s) for one in free}
        dead = [one for one, since_s in self._free_since_s.items() if now_s - since_s >= DEAD_AFTER_S]
        if dead:
            # resuming them by DBOS's public call would take their count of attempts away
            await asyncio.to_thread(DBOS._recover_pending_workflows, dead)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            _log.warning("dead_workers_reaped", executor_ids=dead)
            for one in dead:
                del self._free_since_s[one]


async def _holders() -> set[str]:
    """The executor ids that have claimed something."""
    claimed = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
    return {workflow.executor_id for workflow in claimed if workflow.executor_id}


async def _resume_cut_off(store: Store, resume: Callable[[Turn], Awaitable[None]]) -> None:
    """Starts jobs for turns that have none: its process died before it could start it, or the job broke."""
    waiting = [turn.id for turn in await store.open_turns() if turn.stage_s >= CUT_OFF_AFTER_S]
    if not waiting:
        return
    found = await DBOS.list_workflows_async(workflow_ids=waiting, load_input=False, load_output=False)
    at_work = {workflow.workflow_id for workflow in found if workflow.status in _OPEN}
    for turn_id in waiting:
        if turn_id in at_work:
            continue
        try:
            await _start_anew(store, turn_id, resume)
        except DatabaseAway:
            raise  # for the others it is away as well
        except Exception as error:  # noqa: BLE001 - one turn is in nobody's way
            _log.warning("housekeeping_failed", turn_id=turn_id, exc_info=error)


async def _start_anew(store: Store, turn_id: str, resume: Callable[[Turn], Awaitable[None]]) -> None:
    """Starts the turn's job; what its stages have done is in the store."""
    turn = await store.turn(turn_id)
    if turn.status is TurnStatus.RUNNING:
        _log.warning("job_started_anew", turn_id=turn_id)
        await forget_jobs([turn_id])
        await resume(turn)


async def remove_old(store: Store, retention: Retention) -> None:
    """Removes what has been kept long enough, and files that belong to nothing any more."""
    if retention.pictures_days:
        await store.remove_pictures(_days_ago(retention.pictures_days))
    if retention.conversations_days:
        turn_ids = await store.remove_conversations(_days_ago(retention.conversations_days))
        await forget_jobs(turn_ids)
    if retention.jobs_days:
        await _purge(_days_ago(retention.jobs_days))
        await store.remove_handled(_days_ago(retention.jobs_days))
    await store.sweep_files()


async def forget_jobs(turn_ids: Sequence[str]) -> None:
    """Removes the turns' jobs with all that they recorded; running ones are called off."""
    for start in range(0, len(turn_ids), BATCH):
        batch = turn_ids[start : start + BATCH]
        names = [name for one in batch for name in (one, child_id(one, COMPOSE), child_id(one, RENDER))]
        if await DBOS.list_workflows_async(
            workflow_ids=names, status=_MAYBE_WORKED_ON, load_input=False, load_output=False
        ):
            await DBOS.cancel_workflows_async(names)
            await asyncio.sleep(NOTICED_AFTER_S)
        await DBOS.delete_workflows_async(names)


async def _purge(before: datetime) -> None:
    while old := await DBOS.list_workflows_async(
        completed_before=before.isoformat(), load_input=False, load_output=False, limit=BATCH
    ):
        await DBOS.delete_workflows_async([workflow.workflow_id for workflow in old])


def _days_ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)
