"""Suspects work alone, everybody else side by side."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from engine.quarantine import Quarantine

PATIENCE_S = 120


class Ward:
    """People who enter a quarantine and leave it when they are told to."""

    def __init__(self) -> None:
        self.quarantine = Quarantine()
        self.inside: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.leave: dict[str, asyncio.Event] = {}

    async def enter(self, name: str, *, is_suspect: bool = False) -> None:
        """Begins to enter, and returns when nothing moves any more."""
        self.leave[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._stay(name, is_suspect=is_suspect))
        await self.rest()

    async def send_away(self, name: str) -> None:
        self.leave[name].set()
        async with asyncio.timeout(PATIENCE_S):
            await self.tasks[name]
        await self.rest()

    async def rest(self) -> None:
        for _ in range(10):  # everything here runs in one loop and waits for nothing outside
            await asyncio.sleep(0)

    async def _stay(self, name: str, *, is_suspect: bool) -> None:
        async with self.quarantine.passed(is_suspect=is_suspect):
            self.inside.append(name)
            await self.leave[name].wait()
        self.inside.remove(name)


@pytest.fixture
async def ward():
    opened = Ward()
    async with AsyncExitStack() as stack:
        yield opened
        for task in opened.tasks.values():
            task.cancel()
        stack.push_async_callback(asyncio.gather, *opened.tasks.values(), return_exceptions=True)


async def test_the_unsuspected_work_side_by_side(ward):
    """Nobody waits where nobody is suspected."""
    await ward.enter("a")
    await ward.enter("b")
    assert ward.inside == ["a", "b"]


async def test_a_suspect_works_alone(ward):
    """A suspect waits for those who work, and those who come later wait for the suspect."""
    await ward.enter("a")
    await ward.enter("suspect", is_suspect=True)
    await ward.enter("later")
    assert ward.inside == ["a"]
    await ward.send_away("a")
    assert ward.inside == ["suspect"]
    await ward.send_away("suspect")
    assert ward.inside == ["later"]


async def test_suspects_work_one_after_the_other(ward):
    """Of two suspects one waits, and so does everybody else until both have left."""
    await ward.enter("one", is_suspect=True)
    await ward.enter("two", is_suspect=True)
    await ward.enter("later")
    assert ward.inside == ["one"]
    await ward.send_away("one")
    assert ward.inside == ["two"]
    await ward.send_away("two")
    assert ward.inside == ["later"]


async def test_a_suspect_who_gives_up_holds_nobody_up(ward):
    """Cancelled while it waits, a suspect lets the others in."""
    await ward.enter("a")
    await ward.enter("suspect", is_suspect=True)
    await ward.enter("later")
    ward.tasks["suspect"].cancel()
    await ward.rest()
    assert ward.inside == ["a", "later"]
