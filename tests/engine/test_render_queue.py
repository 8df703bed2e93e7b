"""The queue before the renderer."""

import asyncio

import pytest

from engine.render_queue import RenderQueue


class Visitor:
    """Takes a slot, notes its places in the queue, and leaves when it is told to."""

    def __init__(self, queue: RenderQueue) -> None:
        self.places: list[int] = []
        self.is_in = asyncio.Event()
        self.may_leave = asyncio.Event()
        self.task = asyncio.create_task(self._visit(queue))

    async def _visit(self, queue: RenderQueue) -> None:
        async with queue.slot(self.places.append):
            self.is_in.set()
            await self.may_leave.wait()

    async def leave(self) -> None:
        self.may_leave.set()
        await self.task


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_places_are_told_whenever_they_change():
    """Each one that waits hears its place, and again when somebody before it has gone in."""
    queue = RenderQueue(slots=2)
    visitors = [Visitor(queue) for _ in range(5)]
    await settle()
    assert [visitor.places for visitor in visitors] == [[], [], [1], [2], [3]]
    await visitors[0].leave()
    await settle()
    assert [visitor.places for visitor in visitors] == [[], [], [1], [2, 1], [3, 2]]
    assert [visitor.is_in.is_set() for visitor in visitors] == [True, True, True, False, False]
    for visitor in visitors[1:]:
        await visitor.leave()


@pytest.mark.parametrize("leaving", [[1], [2], [1, 2], [0, 1], [0, 1, 2], [2, 0]])
async def test_whoever_is_cancelled_keeps_no_slot(leaving: list[int]):
    """Those that are called off at the same moment, inside or waiting, leave the queue in working order."""
    queue = RenderQueue(slots=1)
    visitors = [Visitor(queue) for _ in range(4)]
    await settle()
    for index in leaving:
        visitors[index].task.cancel()
    await settle()
    inside = [visitor for visitor in visitors if visitor.is_in.is_set() and not visitor.task.done()]
    assert len(inside) == 1
    staying = [visitor for index, visitor in enumerate(visitors) if index not in leaving]
    for visitor in staying:
        async with asyncio.timeout(5):
            await visitor.is_in.wait()
        await visitor.leave()
    assert staying[-1].places[-1:] == [1]
    last = Visitor(queue)
    await settle()
    assert last.places == []
    await last.leave()


async def test_a_slot_given_in_the_moment_of_a_cancel_goes_on():
    """A slot handed to one that is cancelled before it wakes goes to the next."""
    queue = RenderQueue(slots=1)
    inside, unlucky, behind = (Visitor(queue) for _ in range(3))
    await settle()
    inside.may_leave.set()
    await asyncio.sleep(0)  # inside has left and handed on its slot; the next one has not run yet
    unlucky.task.cancel()
    async with asyncio.timeout(5):
        await behind.is_in.wait()
    await behind.leave()
    await asyncio.wait([inside.task, unlucky.task])
