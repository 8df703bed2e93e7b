"""Watching the queue: one question at a time, however many watch, and none while nobody does."""

import asyncio

import pytest
from structlog.testing import capture_logs

from engine.orders import to_turn
from engine.watch import QueueWatch
from storage.errors import DatabaseAway
from storage.records import Place, TurnStage, TurnStatus
from storage.store import Store


class CountingStore(Store):
    """Counts how often the queue is asked for and how many ask at once; fails or takes long when it shall."""

    looks = at_once = most_at_once = 0
    failure: Exception | None = None
    gate: asyncio.Event | None = None

    async def open_turns(self):
        self.looks += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.failure:
                raise self.failure
            found = await super().open_turns()
            if self.gate:
                await self.gate.wait()
            return found
        finally:
            self.at_once -= 1


@pytest.fixture
async def counting(tmp_path):
    opened = await CountingStore.open(tmp_path / "data")
    yield opened
    await opened.close()


@pytest.fixture
def watch(counting):
    return QueueWatch(counting, poll_s=0.01)


async def begin(store, stage, name, start=0):
    order = stage.compose(name)
    await store.begin_turn(to_turn(order), lambda _: Place(start, start + 1))


async def seen(watch, turn_id):
    async with asyncio.timeout(120):
        return await watch.next(turn_id)


async def test_who_watches_sees_the_queue_move(counting, watch, closed_stage):
    """Each look tells the place and the stage as they are; of what has ended, nothing."""
    await begin(counting, closed_stage, "first")
    await begin(counting, closed_stage, "second", start=5)
    async with watch.watching():
        assert (await seen(watch, "second")).position == 2
        await counting.begin_stage("first", TurnStage.PAINTING)
        async with asyncio.timeout(120):
            while (await watch.next("first")).turn.stage is not TurnStage.PAINTING:
                pass
        assert (await seen(watch, "second")).position == 1
        await counting.finish_turn("second", TurnStatus.CANCELLED)
        async with asyncio.timeout(120):
            while await watch.next("second"):
                pass
        assert await seen(watch, "nobody's") is None


async def test_many_watchers_ask_one_question(counting, watch, closed_stage):
    """Fifty who watch are told by the same looks."""
    await begin(counting, closed_stage, "t1")

    async def see_thrice():
        async with watch.watching():
            for _ in range(3):
                assert (await seen(watch, "t1")).position == 1

    await asyncio.gather(*(see_thrice() for _ in range(50)))
    assert counting.most_at_once == 1
    assert counting.looks < 50


async def test_nobody_watches_nothing_is_asked(counting, watch, closed_stage):
    """When the last one has left, the looking ends; it begins again with the next one."""
    await begin(counting, closed_stage, "t1")
    async with watch.watching():
        async with watch.watching():
            await seen(watch, "t1")
        await seen(watch, "t1")
    looks = counting.looks
    await asyncio.sleep(0.1)  # ten looks, if there were any
    assert counting.looks == looks
    async with watch.watching():
        assert (await seen(watch, "t1")).position == 1


async def test_who_comes_during_a_look_is_seen_by_the_next_one(counting, watch, closed_stage):
    """A look that was begun before a turn was stored does not say that it has ended."""
    await begin(counting, closed_stage, "first")
    counting.gate = asyncio.Event()
    async with watch.watching():
        await closed_stage.eventually(lambda: counting.at_once, "a look is under way")
        await begin(counting, closed_stage, "second", start=5)
        waiting = asyncio.create_task(seen(watch, "second"))
        await asyncio.sleep(0)
        counting.gate.set()
        assert (await waiting).position == 2


@pytest.mark.parametrize("failure", [DatabaseAway("the connection is closed"), KeyError("unforeseen")])
async def test_what_cannot_be_seen_is_waited_for(counting, watch, closed_stage, failure):
    """Whoever watches goes on waiting, and sees the queue when it can be seen again."""
    await begin(counting, closed_stage, "t1")
    with capture_logs() as logs:
        async with watch.watching():
            await seen(watch, "t1")
            counting.failure = failure
            waiting = asyncio.create_task(seen(watch, "t1"))
            await closed_stage.eventually(lambda: logs, "it was not seen")
            counting.failure = None
            assert (await waiting).position == 1
    assert {entry["event"] for entry in logs} == {"queue_not_seen"}
