"""Who a process is: one living holder of a name, and the name is free as soon as the holder is dead."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from engine.jobs import IdentityTaken, JobsPlace, sqlite_jobs_url
from engine.jobs.identity import _LOCK_CLASS, _key, free_ids, identity

HOLDER = """
import asyncio, sys
from pathlib import Path
from engine.jobs import JobsPlace
from engine.jobs.identity import identity

async def main(url, executor_id, folder):
    async with identity(JobsPlace(url, executor_id, Path(folder)), on_lost=lambda: None):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""
ROOT = Path(__file__).parents[2]


def unexpected():
    raise AssertionError("nobody has taken it")


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    return sqlite_jobs_url(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def place(url, tmp_path):
    return JobsPlace(url, "bot-1", tmp_path)


@asynccontextmanager
async def held_elsewhere(place):
    """Another process holds the place's id."""
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, place.url, place.executor_id, place.folder, stdout=PIPE, cwd=ROOT
    )
    try:
        async with asyncio.timeout(120):
            assert await holder.stdout.readline() == b"held\n"
        yield holder
    finally:
        if holder.returncode is None:
            holder.kill()
        await holder.communicate()


async def test_a_second_holder_is_refused(place, monkeypatch):
    """While a living process has the name, no other one gets it; another name is free."""
    monkeypatch.setattr("engine.jobs.identity.PATIENCE_S", 0.2)
    async with held_elsewhere(place):
        with pytest.raises(IdentityTaken) as caught:
            async with identity(place, unexpected):
                pytest.fail("two of a name")
        assert caught.value.executor_id == "bot-1"
        async with identity(JobsPlace(place.url, "bot-2", place.folder), unexpected):
            pass


async def test_a_name_is_free_when_its_holder_is_killed(place):
    """After SIGKILL the successor takes the name without anybody's help."""
    async with held_elsewhere(place) as holder:
        holder.kill()
        async with asyncio.timeout(120), identity(place, unexpected):
            assert await asyncio.to_thread(free_ids, place, {"bot-1"}) == set()


async def test_the_successor_waits_a_moment(place):
    """A new process that comes before the old one has ended gets the name when that ends."""
    async with held_elsewhere(place) as holder, asyncio.timeout(120), asyncio.TaskGroup() as group:
        group.create_task(_take(place))
        await asyncio.sleep(0)
        holder.kill()


async def _take(place):
    async with identity(place, unexpected):
        pass


async def test_who_is_gone_can_be_asked(place, eventually):
    """Of some names, those that no living process holds; asking takes none of them."""
    async with held_elsewhere(place) as holder:
        for _ in range(2):
            assert await asyncio.to_thread(free_ids, place, {"bot-1", "bot-2"}) == {"bot-2"}
        holder.kill()
        await holder.wait()

        async def is_free():
            return "bot-1" in await asyncio.to_thread(free_ids, place, {"bot-1"})

        await eventually(is_free, "the name is free")
    async with identity(place, unexpected):
        pass


async def test_a_name_is_given_back_at_the_end(place):
    """One process may have it again and again."""
    for _ in range(2):
        async with identity(place, unexpected):
            pass
    assert await asyncio.to_thread(free_ids, place, {"bot-1"}) == {"bot-1"}


async def test_a_name_is_given_back_by_whichever_thread(place):
    """The loop may have got other threads meanwhile, as from DBOS."""
    async with identity(place, unexpected):
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
    assert await asyncio.to_thread(free_ids, place, {"bot-1"}) == {"bot-1"}


@pytest.fixture
def pg_place(postgres_url, tmp_path):
    return JobsPlace(postgres_url, "bot-1", tmp_path)


def end_sessions(place):
    """Breaks the holder's connection, as a server that restarts does."""
    with psycopg.connect(place.libpq_url, autocommit=True) as connection:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        assert connection.execute(query, [f"omost-bot {place.executor_id}"]).fetchall()


async def test_a_broken_connection_is_made_again(pg_place, monkeypatch, eventually):
    """The name is taken again on a new connection as soon as the break is noticed."""
    monkeypatch.setattr("engine.jobs.identity.PING_S", 0.1)
    async with identity(pg_place, unexpected):
        await asyncio.to_thread(end_sessions, pg_place)

        async def is_held():
            return not await asyncio.to_thread(free_ids, pg_place, {"bot-1"})

        await eventually(is_held, "the name is held again")


async def steal(place, thief):
    """Breaks the holder's connection; the other one has the name when this returns."""
    query = "SELECT pg_advisory_lock(%s, %s)"
    waiting = asyncio.to_thread(thief.execute, query, (_LOCK_CLASS, _key(place.executor_id)))
    taking = asyncio.create_task(waiting)
    await asyncio.to_thread(end_sessions, place)
    await taking


async def test_who_has_lost_the_name_is_told(pg_place, monkeypatch, eventually):
    """When somebody else has taken it during a break, the former holder hears of it and may end itself."""
    monkeypatch.setattr("engine.jobs.identity.PING_S", 0.1)
    lost = []
    async with identity(pg_place, lambda: lost.append("bot-1")):
        monkeypatch.setattr("engine.jobs.identity.PATIENCE_S", 0.3)
        with psycopg.connect(pg_place.libpq_url, autocommit=True) as thief:
            await steal(pg_place, thief)
            await eventually(lambda: lost, "the loss is told")


async def test_who_gives_the_name_up_has_not_lost_it(pg_place, monkeypatch, eventually):
    """A process that ends while it tries to get the name back ends in good order."""
    monkeypatch.setattr("engine.jobs.identity.PING_S", 0.1)
    lost = []
    with psycopg.connect(pg_place.libpq_url, autocommit=True) as thief:
        async with identity(pg_place, lambda: lost.append("bot-1")):
            await steal(pg_place, thief)

            def tries_again():
                query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
                return thief.execute(query, [f"omost-bot {pg_place.executor_id}"]).fetchone()[0]

            await eventually(lambda: asyncio.to_thread(tries_again), "it tries again")
    assert not lost
