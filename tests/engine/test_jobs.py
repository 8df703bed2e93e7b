"""Jobs that outlive the engine that began them, and the one private call of DBOS that they rest on."""

import asyncio
import inspect
from dataclasses import replace

import pytest
import structlog
from dbos import DBOS

from engine.errors import GaveUp
from engine.events import Cancelled, Composed, ComposingText, Done, Failed, Stepped
from engine.jobs import JobsPlace
from engine.jobs.place import sqlite_jobs_url
from engine.orders import Adopt, Repaint, to_turn
from storage.errors import DatabaseAway
from storage.records import Place, TurnStatus
from tests.engine.conftest import eventually


def text_of(events):
    return "".join(event.text for event in events if isinstance(event, ComposingText))


async def status_of(workflow_id):
    (found,) = await DBOS.list_workflows_async(workflow_ids=[workflow_id])
    return found


async def test_composing_goes_on_after_a_restart(stage):
    """Closed in the middle of composing, the next engine composes it again; its events are heard."""
    stage.composer.gate = asyncio.Event()
    await stage.submit()
    await stage.is_composing()
    await stage.restart()
    assert stage.composer.closed == 1
    stage.composer.gate.set()
    events = await stage.heard("t1")
    assert text_of(events).endswith(stage.REPLY)
    assert sum(isinstance(event, Composed) for event in events) == 1
    assert isinstance(events[-1], Done)
    assert len(stage.composer.requests) == 2
    assert [turn.status for turn in await stage.delivered("t1")] == [TurnStatus.DONE]


async def test_painting_goes_on_after_a_restart(stage):
    """Closed in the middle of painting, only the painting is repeated; the text is heard all the same."""
    stage.renderer.gate = asyncio.Event()
    await stage.submit()
    await stage.is_painting()
    await stage.restart()
    assert stage.renderer.closed == 1
    listening = asyncio.create_task(stage.heard("t1"))
    await stage.until("t1", Stepped)
    stage.renderer.gate.set()
    events = await listening
    assert text_of(events) == stage.REPLY
    assert isinstance(events[-1], Done)
    assert (len(stage.composer.requests), len(stage.renderer.batches)) == (1, 2)
    assert len(await stage.delivered("t1")) == 1


async def test_a_batch_goes_on_after_a_restart(stage):
    """Pictures that were stored before are not painted again, and the rest has the seeds that it had."""
    stage.renderer.gate, stage.renderer.gate_from = asyncio.Event(), 1
    await stage.submit(settings=replace(stage.SMALL, count=3))
    await stage.is_painting()

    async def is_stored():
        head = await stage.store.head(stage.TAB)
        return head and head.images

    await stage.eventually(is_stored, "the first picture is stored")
    await stage.restart()
    stage.renderer.gate.set()
    done = (await stage.heard("t1"))[-1]
    assert isinstance(done, Done)
    assert [(image.index, image.seed) for image in done.revision.images] == [(0, 7), (1, 8), (2, 9)]
    assert [(seed, count) for seed, count, _ in stage.renderer.batches] == [(7, 3), (8, 2)]


async def test_what_waits_goes_on_after_a_restart(stage):
    """Turns that no one had begun are begun by the next engine, of every kind of order."""
    root = await stage.finished(stage.compose("root"))
    stage.renderer.gate = asyncio.Event()
    stage.renderer.has_begun.clear()
    await stage.submit("held", conversation=stage.OTHER_TAB)
    await stage.is_painting()
    await stage.submit("composed")
    await stage.studio.submit(Repaint("again", stage.TAB, stage.ANN, root.id, stage.SMALL))
    await stage.studio.submit(Adopt("by hand", stage.TAB, stage.ANN, stage.DUSK, stage.SMALL))
    await stage.restart()
    stage.renderer.gate.set()
    for turn_id in ("composed", "again", "by hand"):
        assert isinstance((await stage.heard(turn_id))[-1], Done)
    for turn_id in ("held", "composed", "again", "by hand"):
        assert len(await stage.delivered(turn_id)) == 1


async def test_a_turn_that_is_called_off_is_no_trouble_in_the_log(stage):
    """Whoever cancels while it is painted leaves no warning and no traceback behind."""
    stage.renderer.gate = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        await stage.submit()
        await stage.is_painting()
        await stage.studio.cancel("t1")
        assert [turn.status for turn in await stage.delivered("t1")] == [TurnStatus.CANCELLED]
        await eventually(lambda: "job_called_off" in [one["event"] for one in logs], "the job has ended")
    assert [one for one in logs if one["log_level"] != "info"] == []


async def test_a_turn_called_off_stays_so_after_a_restart(stage):
    """Nothing is composed for it by the next engine, and its end is delivered."""
    stage.composer.gate = asyncio.Event()
    await stage.submit()
    await stage.is_composing()
    await stage.studio.cancel("t1")
    await stage.restart()
    stage.composer.gate.set()
    assert await stage.heard("t1") == [Cancelled()]
    assert [turn.status for turn in await stage.delivered("t1")] == [TurnStatus.CANCELLED]
    assert len(stage.composer.requests) == 1


async def test_what_stops_every_engine_is_given_up(closed_stage):
    """A stage that no engine brings to its end is given up after so many attempts, and the person is told."""
    closed_stage.attempts = 2
    stage = await closed_stage.open()
    stage.composer.gate = asyncio.Event()
    await stage.submit()
    try:
        for _ in range(2):
            stage.composer.is_composing.clear() if stage.composer.closed else None
            await stage.is_composing()
            await stage.restart()
        (failed,) = [event for event in await stage.heard("t1") if isinstance(event, Failed)]
        assert isinstance(failed.error, GaveUp)
        assert failed.error.attempts == 2
        assert [turn.status for turn in await stage.delivered("t1")] == [TurnStatus.FAILED]
        assert len(stage.composer.requests) == 2
    finally:
        await stage.close()


async def test_a_submission_cut_off_can_be_repeated(stage):
    """A turn that was stored but never begun, because its submitter died, begins when it is repeated."""
    await stage.store.begin_turn(to_turn(stage.compose()), lambda _: Place(0, 1))
    await stage.finished(stage.compose())
    assert len(await stage.store.history(stage.TAB)) == 1


async def test_one_process_after_another_may_take_a_turn_in(stage):
    """Closed and opened again, the same turn id is still the same job."""
    done = (await stage.played(stage.compose()))[-1]
    await stage.delivered("t1")
    await stage.restart()
    await stage.submit()
    assert await stage.heard("t1") == [done]
    await stage.finished(stage.compose("t2"))
    await stage.delivered("t2")
    assert [turn.id for turn in stage.post.turns] == ["t1", "t2"]


async def test_an_engine_that_works_is_not_idle(stage):
    """Idle before and after, not while it composes or paints; waiting in a queue is idle."""
    assert stage.jobs.is_idle
    stage.composer.gate = asyncio.Event()
    await stage.submit()
    await stage.is_composing()
    assert not stage.jobs.is_idle
    stage.composer.gate.set()
    await stage.delivered("t1")
    assert stage.jobs.is_idle


async def test_dead_workers_work_is_given_back_by_a_private_call(stage):
    """DBOS's call is there as the housekeeping uses it: it queues a dead one's work, keeping its attempts."""
    parameters = inspect.signature(DBOS._recover_pending_workflows).parameters
    assert list(parameters) == ["executor_ids"]
    stage.composer.gate = asyncio.Event()
    await stage.submit()
    await stage.is_composing()
    stage.executor_id = "test-2"
    await stage.restart()
    left = await status_of("t1/compose")
    assert (left.status, left.executor_id, left.recovery_attempts) == ("PENDING", "test-1", 1)
    await asyncio.to_thread(DBOS._recover_pending_workflows, ["somebody-else"])
    assert (await status_of("t1/compose")).executor_id == "test-1"
    await asyncio.to_thread(DBOS._recover_pending_workflows, ["test-1"])

    async def was_claimed():
        found = await status_of("t1/compose")
        return (found.status, found.executor_id, found.recovery_attempts) == ("PENDING", "test-2", 2)

    await stage.eventually(was_claimed, "the work is claimed by the living one, and the attempt is counted")
    stage.composer.gate.set()
    assert isinstance((await stage.heard("t1"))[-1], Done)


async def test_a_database_that_takes_no_job_is_away(stage, monkeypatch):
    """Somebody who asks hears that the job could not be stored, in time; asking again begins it."""
    monkeypatch.setattr("engine.jobs.engine.SUBMIT_TIMEOUT_S", 0)
    with pytest.raises(DatabaseAway):
        await stage.submit()
    monkeypatch.undo()
    await stage.finished(stage.compose())


def test_a_process_has_a_plain_name(tmp_path):
    """What could not be a file's name or a lock's is refused."""
    for name in ("", "a/b", "gpu 1", "x" * 65):
        with pytest.raises(ValueError, match="no name of a process"):
            JobsPlace(sqlite_jobs_url(tmp_path), name, tmp_path)


@pytest.mark.parametrize(
    "url", ["postgresql://me@host/bot", "postgresql+psycopg://me@host/bot"], ids=["libpq", "sqlalchemy"]
)
def test_a_database_may_be_named_in_two_ways(tmp_path, url):
    """Either form gives both."""
    place = JobsPlace(url, "bot-1", tmp_path)
    assert place.is_postgres
    assert place.libpq_url == "postgresql://me@host/bot"
    assert place.sqlalchemy_url == "postgresql+psycopg://me@host/bot"
    assert not JobsPlace(sqlite_jobs_url(tmp_path), "bot-1", tmp_path).is_postgres
