"""The job engine of one process: it takes jobs in, and works on those that its roles are for.

A job is a workflow: compose and paint as children on the queues of those who have a model or a GPU, then the
end, which finishes the turn and delivers. What a stage made is in the store; the workflow keeps only how the
stage ended. Any process may die at any moment: whoever comes next goes on behind the last finished stage.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from types import TracebackType
from typing import Any, Self, cast

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, error
from structlog.contextvars import bound_contextvars

from engine.error_record import REPORTABLE, to_record
from engine.errors import GaveUp, Internal
from engine.events import Event
from engine.jobs.housekeeping import Retention, forget_jobs, keep_house
from engine.jobs.identity import identity
from engine.jobs.log import log_to_structlog
from engine.jobs.names import (
    APPLICATION,
    COMPOSE,
    IMAGE,
    JOB,
    JOBS,
    LLM,
    RENDER,
    STAGE_QUEUES,
    STREAM,
    VERSION,
    child_id,
    jobs_queue,
)
from engine.jobs.place import JobsPlace
from engine.jobs.slots import Slots
from engine.jobs.waiting import Endings
from engine.lasting import lasting
from engine.log_context import about
from engine.measuring import measure
from engine.orders import composes
from engine.progress import Message, ProgressWriter, as_message
from engine.stages import Stages, TurnEnded
from storage.database import spare_disk, wait_for_connections
from storage.errors import DatabaseAway, NotFound
from storage.migrations import prepare_sqlite
from storage.records import Turn, TurnStatus
from storage.store import Store

SUBMIT_TIMEOUT_S = 10
DELIVER_TIMEOUT_S = 60
IDENTITY_LOST = 3
"""The exit status of a process whose name another one has taken."""
RECOVERIES = 100
"""A workflow that was recovered so often is given up; stages are given up long before, by `Stages`."""

_MAX_PRIORITY = 2**31 - 1

Deliver = Callable[[Turn], Awaitable[None]]
"""Tells a person how their turn ended; called once at least, so it must be idempotent."""

_log = structlog.get_logger()


class JobEngine:
    """Durable jobs in this process; an async context manager, and one a process at a time."""

    def __init__(
        self,
        place: JobsPlace,
        store: Store,
        *,
        roles: frozenset[str],
        stages: Stages | None = None,
        deliveries: Mapping[str, Deliver] | None = None,
        slots: Mapping[str, int] | None = None,
        retention: Retention | None = None,
        on_progress: Callable[[], None] = lambda: None,
    ) -> None:
        """Serves some roles of `jobs`, `llm` and `image`.

        Args:
            place: Where the jobs are, and as whom this process works.
            store: The turns of the jobs.
            roles: Some of `ROLES`.
            stages: For the roles `llm` and `image`.
            deliveries: By platform, for the role `jobs`: only these platforms' jobs are taken.
            slots: How many stages are worked on at the same time, by role; one where it is not said.
            retention: How long things are kept.
            on_progress: Called whenever a backend shows that it is alive.
        """
        self._place = place
        self._store = store
        self._roles = roles
        self._stages = stages or Stages(store)
        self._deliveries = dict(deliveries or {})
        self._slots = {
            role: Slots(role, (slots or {}).get(role, 1), place, on_progress) for role in (LLM, IMAGE)
        }
        self._retention = retention or Retention()
        self._on_progress = on_progress
        self._working: set[asyncio.Task[Any]] = set()
        self._endings = Endings(place.poll_s)
        self._open = AsyncExitStack()

    @property
    def is_idle(self) -> bool:
        """Whether no stage is being worked on in this process."""
        return not any(slots.taken for slots in self._slots.values())

    @property
    def poll_s(self) -> float:
        """How often things are looked at."""
        return self._place.poll_s

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(identity(self._place, on_lost=_end_this_process))
            await self._launch(stack)
            if JOBS in self._roles:
                await stack.enter_async_context(self._endings)
                housekeeping = keep_house(self._place, self._store, self.resume, self._retention)
                await stack.enter_async_context(housekeeping)
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    # --- for the studio -------------------------------------------------------------------------------

    async def submit(self, turn: Turn, lane: int) -> None:
        """Starts the turn's job, unless it was started before; durable when it returns.

        Jobs of one person in the same lane are worked on one after the other.

        Raises:
            DatabaseAway: The job could not be stored in time.
        """
        options: dict[str, Any] = {
            "workflow_name": JOB,
            "queue_name": jobs_queue(turn.conversation.platform),
            "workflow_id": turn.id,
            "app_version": VERSION,
            "priority": _priority(turn),
            "queue_partition_key": f"{turn.person.platform}:{turn.person.platform_id}/{lane}",
        }
        async with _in_time():
            await DBOS.enqueue_workflow_with_options_async(
                cast("Any", options), turn.id, _priority(turn), composes(turn)
            )

    async def resume(self, turn: Turn) -> None:
        """Starts the job of a turn that was stored and whose submission was cut off then."""
        await self.submit(turn, 0)

    async def cancel(self, turn_id: str) -> None:
        """Stops the turn's stages within one step; its end is still delivered.

        Raises:
            DatabaseAway: They could not be reached in time; those not yet begun will not begin.
        """
        async with _in_time():
            await DBOS.cancel_workflows_async([child_id(turn_id, COMPOSE), child_id(turn_id, RENDER)])

    async def forget(self, turn_ids: Sequence[str]) -> None:
        """Removes the turns' jobs with all that they recorded."""
        await forget_jobs(turn_ids)

    async def progress(self, turn_id: str, stage: str) -> AsyncGenerator[Message]:
        """The messages of a stage from the first one, until the stage has ended.

        Nothing is heard of a stage that has not been begun or has been purged.
        """
        with suppress(error.DBOSNonExistentWorkflowError):
            stream = DBOS.read_stream_async(
                child_id(turn_id, stage), STREAM, polling_interval_sec=self._place.poll_s
            )
            async for message in stream:
                yield as_message(message)

    # --- start and end --------------------------------------------------------------------------------

    async def _launch(self, stack: AsyncExitStack) -> None:
        if not self._place.is_postgres:
            await asyncio.to_thread(prepare_sqlite, self._place.url)
            spare_disk(self._place.file)  # the turns are on the disk, and a job that is lost is started anew
        log_to_structlog()
        wait_for_connections()
        stack.push_async_callback(self._stop)
        DBOS(config=self._config())
        self._register()
        queues = [jobs_queue(platform) for platform in self._deliveries if JOBS in self._roles]
        DBOS.listen_queues([*queues, *sorted(self._roles - {JOBS})])
        DBOS.launch()  # blocks for a moment, at the start: workflows run in the loop that launches
        for queue in queues:
            await DBOS.register_queue_async(
                queue,
                partition_concurrency=1,
                polling_interval_sec=self._place.poll_s,
                on_conflict="always_update",
            )
        for role in sorted(self._roles - {JOBS}):
            await self._slots[role].register()

    def _config(self) -> DBOSConfig:
        return {
            "name": APPLICATION,
            "system_database_url": self._place.sqlalchemy_url,
            "executor_id": self._place.executor_id,
            "application_version": VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "sys_db_pool_size": 10,
            "db_engine_kwargs": {"hide_parameters": True},  # what is composed passes through there
            "notification_listener_polling_interval_sec": self._place.poll_s,
            "log_level": "WARNING",
        }

    async def _stop(self) -> None:
        """Leaves the work where it is: the next process with this identity goes on with it."""
        loop = asyncio.get_running_loop()
        # those in DBOS's own loop, where it starts what comes while this one stands still, it ends itself
        working = tuple(task for task in self._working if task.get_loop() is loop)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        for slots in self._slots.values():
            await slots.stop()
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
        # DBOS has made its own threads the loop's, and they have just ended
        loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))

    # --- workflows ------------------------------------------------------------------------------------

    def _register(self) -> None:
        """Every process knows every workflow, whatever its roles: it may have to recover one."""

        @DBOS.workflow(name=JOB, max_recovery_attempts=RECOVERIES)
        async def job(turn_id: str, priority: int, is_composed: bool) -> None:  # noqa: FBT001 - JSON
            with self._worked_on():
                stage = self._child_stage(COMPOSE, turn_id, priority) if is_composed else prepare(turn_id)
                failure = await stage or await self._child_stage(RENDER, turn_id, priority)
                await end(turn_id, failure)

        @DBOS.workflow(name=COMPOSE, max_recovery_attempts=RECOVERIES)
        async def compose(turn_id: str) -> str:
            with self._worked_on():
                return await work(COMPOSE, turn_id)

        @DBOS.workflow(name=RENDER, max_recovery_attempts=RECOVERIES)
        async def render(turn_id: str) -> str:
            with self._worked_on():
                return await work(RENDER, turn_id)

        @DBOS.step(name="work", preemptible=True)
        async def work(stage: str, turn_id: str) -> str:
            return await self._work(stage, turn_id)

        @DBOS.step(name="prepare")
        async def prepare(turn_id: str) -> str:
            return await _failure(turn_id, self._stages.compose(turn_id, _unheard))

        @DBOS.step(name="end", retries_allowed=True, interval_seconds=1, max_attempts=20, backoff_rate=1.5)
        async def end(turn_id: str, failure: str) -> None:
            await self._end(turn_id, failure)

        del job, compose, render  # they are reached by name

    @contextmanager
    def _worked_on(self) -> Generator[None]:
        """Lets the engine's end stop the workflow that runs in the block."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - DBOS runs coroutines in tasks
        self._working.add(task)
        try:
            yield
        finally:
            self._working.discard(task)

    async def _child_stage(self, stage: str, turn_id: str, priority: int) -> str:
        """Has a stage carried out by whoever serves it; returns why it failed, empty when it did not."""
        options: dict[str, Any] = {
            "workflow_name": stage,
            "queue_name": STAGE_QUEUES[stage],
            "workflow_id": child_id(turn_id, stage),
            "app_version": VERSION,
            "priority": priority,
        }
        handle = await DBOS.enqueue_workflow_with_options_async(cast("Any", options), turn_id)
        await self._endings.of(child_id(turn_id, stage))
        try:
            return str(await handle.get_result(polling_interval_sec=self._place.poll_s))
        except error.DBOSAwaitedWorkflowCancelledError:
            return _CALLED_OFF
        except error.DBOSAwaitedWorkflowMaxRecoveryAttemptsExceeded:
            return to_record(GaveUp(RECOVERIES))

    async def _work(self, stage: str, turn_id: str) -> str:
        """Carries a stage out when a slot is free; returns why it failed, empty when it did not."""
        async with ProgressWriter(_write) as progress:

            def publish(event: Event) -> None:
                self._on_progress()
                progress.publish(event)

            work = self._stages.compose if stage == COMPOSE else self._stages.paint
            return await _failure(turn_id, work(turn_id, publish, self._slots[STAGE_QUEUES[stage]].slot()))

    async def _end(self, turn_id: str, failure: str) -> None:
        """Finishes the turn, unless it was called off, and tells the person."""
        status = TurnStatus.FAILED if failure else TurnStatus.DONE
        try:
            if failure != _CALLED_OFF:
                await lasting(lambda: self._store.finish_turn(turn_id, status, error=failure))
            turn = await lasting(lambda: self._store.turn(turn_id))
        except NotFound:
            return  # forgotten meanwhile
        with about(turn_id, turn.conversation):
            await self._tell(turn)

    async def _tell(self, turn: Turn) -> None:
        """Tells the person how the turn ended, and counts it."""
        began_s = time.monotonic()
        if deliver := self._deliveries.get(turn.conversation.platform):
            async with asyncio.timeout(DELIVER_TIMEOUT_S):
                await deliver(turn)
        await measure(self._store, turn, deliver_s=time.monotonic() - began_s)


_CALLED_OFF = "called off"
"""In the place of an error's record: the turn has ended otherwise."""


async def _failure(turn_id: str, work: Awaitable[object]) -> str:
    """Does the work; returns the record of the error that it ended with, if any."""
    try:
        with bound_contextvars(turn_id=turn_id):
            await work
    except TurnEnded:
        return _CALLED_OFF
    except NotFound as missing:
        return _CALLED_OFF if missing.what == "turn" else to_record(missing)
    except REPORTABLE as failure:
        return to_record(failure)
    except Exception as failure:  # noqa: BLE001 - the last resort: person and log both hear of it
        _log.error("stage_failed", turn_id=turn_id, exc_info=failure)
        return to_record(Internal())
    return ""


@asynccontextmanager
async def _in_time() -> AsyncGenerator[None]:
    """DBOS waits for a database that is away for as long as it takes; a person does not."""
    try:
        async with asyncio.timeout(SUBMIT_TIMEOUT_S):
            yield
    except TimeoutError:
        raise DatabaseAway("the jobs' database did not answer in time") from None


async def _write(message: Message) -> None:
    await DBOS.write_stream_async(STREAM, message)


def _unheard(event: Event) -> None:
    """For what takes no time worth watching."""
    del event


def _priority(turn: Turn) -> int:
    """DBOS takes smaller numbers first, from 1."""
    return min(turn.place.start + 1, _MAX_PRIORITY)


def _end_this_process() -> None:
    """Another process has taken this one's place; two of a name must not go on, not even to tidy up."""
    _log.error("identity_lost")
    os._exit(IDENTITY_LOST)
