"""A process that composes and paints for others, which hand it jobs over the database.

It holds nothing that anybody would miss: it may be killed at any moment, and whoever comes next goes on.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog

from engine.jobs import JobEngine, JobsPlace
from engine.leash import Leash
from engine.signals import until_told
from engine.stages import Stages
from storage.store import Store

_log = structlog.get_logger()


async def serve_worker(
    store: Store,
    place: JobsPlace,
    *,
    roles: frozenset[str],
    stages: Stages,
    slots: Mapping[str, int],
    leash: Leash,
    renderer: str = "",
) -> None:
    """Composes (role `llm`) and paints (`image`) until SIGINT or SIGTERM; others finish what it has not.

    A renderer that is named is warmed up beside the work. The leash pulses with every sign of life of a
    backend, and by itself while there is nothing to do. `slots` are by role, as `JobEngine` takes them.

    Raises:
        IdentityTaken: Another process works as the place's executor id.
        StorageFailed: The database cannot be used.
    """
    jobs = JobEngine(place, store, roles=roles, stages=stages, slots=slots, on_progress=leash.pulse)
    async with until_told() as told, jobs, _warmed_up(stages, renderer):
        await first_of(told, leash.idle(lambda: jobs.is_idle))


@asynccontextmanager
async def _warmed_up(stages: Stages, renderer: str) -> AsyncGenerator[None]:
    warming = asyncio.create_task(_warm_up(stages, renderer)) if renderer else None
    try:
        yield
    finally:
        if warming:
            warming.cancel()
            await asyncio.wait([warming])


async def _warm_up(stages: Stages, renderer: str) -> None:
    try:
        await stages.warm_up(renderer)
    except Exception as error:  # noqa: BLE001 - whoever wants a picture is told; the rest of the work goes on
        _log.warning("renderer_not_warm", renderer=renderer, exc_info=error)


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
