"""A process that composes and paints for others, which hand it jobs over the database.

It holds nothing that anybody would miss: it may be killed at any moment, and whoever comes next goes on.
"""

import asyncio
import signal
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from engine.jobs import JobEngine, JobsPlace
from engine.leash import Leash
from engine.stages import Stages
from storage.store import Store


async def serve_worker(
    store: Store,
    place: JobsPlace,
    *,
    roles: frozenset[str],
    stages: Stages,
    slots: Mapping[str, int],
    leash: Leash,
) -> None:
    """Composes (role `llm`) and paints (`image`) until SIGINT or SIGTERM; others finish what it has not.

    The leash pulses with every sign of life of a backend, and by itself while there is nothing to do. `slots`
    are by role, as `JobEngine` takes them.

    Raises:
        IdentityTaken: Another process works as the place's executor id.
        StorageFailed: The database cannot be used.
    """
    jobs = JobEngine(place, store, roles=roles, stages=stages, slots=slots, on_progress=leash.pulse)
    async with until_told() as told, jobs:
        await first_of(told, leash.idle(lambda: jobs.is_idle))


@asynccontextmanager
async def until_told() -> AsyncGenerator[Coroutine[Any, Any, object]]:
    """A wait for SIGINT or SIGTERM, which end the process no more; in the main thread only."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    waiting = told.wait()
    try:
        yield waiting
    finally:
        waiting.close()  # it may be that nobody has waited
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def first_of(*works: Coroutine[Any, Any, object]) -> None:
    """Does all of them until one has ended, and raises what that one raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
