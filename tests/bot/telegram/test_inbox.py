"""Updates that are handled one after the other, and the end of that."""

import asyncio
import inspect

from bot.telegram.inbox import InOrder


async def test_what_waits_for_its_turn_at_the_end_is_never_begun() -> None:
    """Nor is it left half made, of which the interpreter would complain; the next start takes it up."""
    order, is_begun, begun = InOrder(), asyncio.Event(), list[int]()

    async def handled(number: int) -> None:
        begun.append(number)
        is_begun.set()
        await asyncio.Event().wait()

    handlings = [handled(number) for number in range(2)]
    tasks = [asyncio.create_task(order.do_process_update(None, each)) for each in handlings]
    await is_begun.wait()
    await order.stop()
    assert begun == [0]
    assert all(task.cancelled() for task in tasks)
    assert [inspect.getcoroutinestate(each) for each in handlings] == [inspect.CORO_CLOSED] * 2
