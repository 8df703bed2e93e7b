"""A worker process on the stand-ins: python -m tests.engine.rig.worker SITE EXECUTOR-ID.

It ends with its standard input.
"""

import asyncio
import sys

from engine.jobs import JobEngine
from engine.leash import Leash
from engine.stages import Stages
from tests.engine.rig.sites import Site, log_plainly
from tests.engine.rig.standins import StandInComposer, StandInRenderer, plain_layout


async def work(site: Site, executor_id: str, leash: Leash) -> None:
    ledger = site.ledger if site.is_noted else None
    store = await site.open_store()
    stages = Stages(
        store,
        composers={"embedded": StandInComposer(ledger, site.takes_s)},
        renderers={"storyboard": StandInRenderer(ledger, site.takes_s)},
        paint_layout=plain_layout,
        attempts=site.attempts,
    )
    jobs = JobEngine(
        site.jobs_place(executor_id),
        store,
        roles=frozenset({"llm", "image"}),
        stages=stages,
        on_progress=leash.pulse,
    )
    async with jobs:
        site.ledger.note(executor_id, "process", "up")
        await leash.idle(lambda: jobs.is_idle)


def main(site: str, executor_id: str) -> None:
    """Runs until standard input ends."""
    log_plainly()
    with Leash() as leash:
        asyncio.run(work(Site.from_json(site), executor_id, leash))


if __name__ == "__main__":
    main(*sys.argv[1:])
