"""What a process does beside its jobs: submissions cut off, work of the dead, and what has had its time."""

import asyncio
import time
from datetime import UTC, datetime

import pytest
from dbos import DBOS
from structlog.testing import capture_logs

from engine.events import Done
from engine.jobs import housekeeping
from engine.jobs.housekeeping import Retention, remove_old
from engine.orders import to_turn
from storage.errors import DatabaseAway, NotFound
from storage.records import Place, TurnStatus

A_MOMENT_DAYS = 1e-9


async def recorded():
    """The turns whose jobs are recorded."""
    found = await DBOS.list_workflows_async()
    return {workflow.workflow_id.split("/")[0] for workflow in found}


async def has_ended(workflow_id):
    found = await DBOS.list_workflows_async(workflow_ids=[workflow_id], status=["SUCCESS", "ERROR"])
    return bool(found)


async def ended(stage, turn_id):
    """The turn's job has ended with all that belongs to it."""
    await stage.delivered(turn_id)
    await stage.eventually(lambda: has_ended(turn_id), f"the job of {turn_id} has ended")


async def test_a_submission_cut_off_is_started(stage, monkeypatch):
    """A turn that was stored by a process that died before it could start the job is done all the same."""
    await stage.store.begin_turn(to_turn(stage.compose()), lambda _: Place(0, 1))
    monkeypatch.setattr(housekeeping, "CUT_OFF_AFTER_S", 0)
    await housekeeping._resume_cut_off(stage.store, stage.jobs.resume)
    assert isinstance((await stage.heard("t1"))[-1], Done)
    assert len(await stage.delivered("t1")) == 1


async def test_a_turn_that_cannot_be_started_is_in_nobodys_way(stage, monkeypatch):
    """Those behind it are started all the same, and the log hears which one was not."""
    for turn_id in ("t1", "t2", "t3"):
        await stage.store.begin_turn(to_turn(stage.compose(turn_id)), lambda _: Place(0, 1))
    tried = []

    async def resume(turn):
        tried.append(turn.id)
        if len(tried) == 1:
            raise ValueError("of no known kind")

    monkeypatch.setattr(housekeeping, "CUT_OFF_AFTER_S", 0)
    with capture_logs() as logs:
        await housekeeping._resume_cut_off(stage.store, resume)
    assert tried == ["t1", "t2", "t3"]
    assert [log["turn_id"] for log in logs if log["event"] == "housekeeping_failed"] == ["t1"]


async def test_while_the_database_is_away_nothing_more_is_tried(stage, monkeypatch):
    """Each try would wait for it as long as the first one; the next look tries all of them again."""
    for turn_id in ("t1", "t2"):
        await stage.store.begin_turn(to_turn(stage.compose(turn_id)), lambda _: Place(0, 1))
    tried = []

    async def resume(turn):
        tried.append(turn.id)
        raise DatabaseAway("gone")

    monkeypatch.setattr(housekeeping, "CUT_OFF_AFTER_S", 0)
    with pytest.raises(DatabaseAway):
        await housekeeping._resume_cut_off(stage.store, resume)
    assert tried == ["t1"]


async def test_a_submission_may_take_a_moment(stage):
    """A turn that was stored just now is about to be started by who stored it."""
    await stage.store.begin_turn(to_turn(stage.compose()), lambda _: Place(0, 1))
    await housekeeping._resume_cut_off(stage.store, stage.jobs.resume)
    assert await recorded() == set()


async def test_what_runs_is_not_started_again(stage, monkeypatch):
    """Turns that have a job, and turns that have ended, are left alone."""
    stage.composer.gate = asyncio.Event()
    await stage.submit("running")
    await stage.is_composing()
    await stage.store.begin_turn(to_turn(stage.compose("ended")), lambda _: Place(0, 1))
    await stage.store.finish_turn("ended", TurnStatus.CANCELLED)
    started = []

    async def resume(turn):
        started.append(turn.id)

    monkeypatch.setattr(housekeeping, "CUT_OFF_AFTER_S", 0)
    await housekeeping._resume_cut_off(stage.store, resume)
    assert started == []


async def test_the_work_of_the_dead_is_given_to_the_living(stage, monkeypatch):
    """What an engine of another name held when it died is done by this one, and nobody has to do anything."""
    monkeypatch.setattr(housekeeping, "DEAD_AFTER_S", 0.1)
    monkeypatch.setattr(housekeeping, "REAP_INTERVAL_S", 0.1)
    stage.composer.gate = asyncio.Event()
    await stage.submit()
    await stage.is_composing()
    stage.executor_id = "test-2"
    with capture_logs() as logs:
        await stage.restart()
        stage.composer.gate.set()
        assert isinstance((await stage.heard("t1"))[-1], Done)
    assert ["test-1"] in [entry["executor_ids"] for entry in logs if entry["event"] == "dead_workers_reaped"]


async def test_a_chore_that_fails_is_tried_again():
    """The failure is logged, and the chore is done the next time."""
    done = asyncio.Event()
    tries = []

    async def chore():
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError("no database")
        done.set()

    with capture_logs() as logs:
        keeping = asyncio.create_task(housekeeping._every(0, chore))
        async with asyncio.timeout(120):
            await done.wait()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert [entry["event"] for entry in logs] == ["housekeeping_failed"]


async def test_old_records_of_jobs_are_removed(stage):
    """What ended before the moment is gone with all its parts; younger and running ones stay."""
    await stage.finished(stage.compose("old"))
    await ended(stage, "old")
    moment = datetime.now(UTC)
    next_s = moment.timestamp() // 1 + 1  # SQLite's clock has whole seconds
    await stage.eventually(lambda: time.time() >= next_s, "a younger one has another second")
    await stage.finished(stage.compose("young"))
    await ended(stage, "young")
    stage.composer.gate = asyncio.Event()
    stage.composer.is_composing.clear()
    await stage.submit("running")
    await stage.is_composing()
    await housekeeping._purge(moment)
    assert await recorded() == {"young", "running"}
    assert isinstance((await stage.heard("old"))[-1], Done)
    stage.composer.gate.set()
    assert isinstance((await stage.heard("running"))[-1], Done)


async def test_records_of_jobs_are_kept_while_a_message_may_come_again(stage):
    """Within the days that they are kept nothing is removed, and 0 keeps them for ever."""
    await stage.finished(stage.compose())
    await ended(stage, "t1")
    for retention in (Retention(), Retention(jobs_days=0)):
        await remove_old(stage.store, retention)
        assert await recorded() == {"t1"}
    await remove_old(stage.store, Retention(jobs_days=A_MOMENT_DAYS))
    assert await recorded() == set()


async def test_what_was_handled_is_known_while_it_may_come_again(stage):
    """A message that was handled is no news within the days that records are kept, and forgotten after."""
    await stage.store.receive("telegram", "1", {})
    await stage.store.handled("telegram", "1")
    for retention in (Retention(), Retention(jobs_days=0)):
        await remove_old(stage.store, retention)
        assert not await stage.store.receive("telegram", "1", {})
    await remove_old(stage.store, Retention(jobs_days=A_MOMENT_DAYS))
    assert await stage.store.receive("telegram", "1", {})


async def test_old_pictures_are_removed_and_scenes_stay(stage):
    """After its time a picture is gone, and its scene can be painted again."""
    revision = await stage.finished(stage.compose())
    await remove_old(stage.store, Retention(pictures_days=1))
    assert (await stage.store.image_path(revision.images[0].id)).exists()
    await remove_old(stage.store, Retention(pictures_days=A_MOMENT_DAYS))
    with pytest.raises(NotFound):
        await stage.store.image_path(revision.images[0].id)
    assert (await stage.store.revision(revision.id)).scene == revision.scene


async def test_old_conversations_are_removed_with_their_jobs(stage):
    """After its time a conversation is gone, with what the jobs recorded of it; one that runs stays."""
    await stage.finished(stage.compose("old"))
    await ended(stage, "old")
    stage.renderer.gate = asyncio.Event()
    stage.renderer.has_begun.clear()
    await stage.submit("running", conversation=stage.OTHER_TAB)
    await stage.is_painting()
    await remove_old(stage.store, Retention(conversations_days=A_MOMENT_DAYS, jobs_days=0))
    with pytest.raises(NotFound):
        await stage.store.turn("old")
    assert await recorded() == {"running"}
    stage.renderer.gate.set()
    assert isinstance((await stage.heard("running"))[-1], Done)
