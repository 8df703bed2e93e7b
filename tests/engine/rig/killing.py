"""Kills at random times, beside people who go on asking."""

import asyncio
import random

from tests.engine.rig.plant import Plant
from tests.engine.rig.processes import until

WORKER = "gpu-1"
PAUSE_S = (0.1, 2.5)


async def start(plant: Plant) -> None:
    """Starts a bot and a worker of its own machine."""
    await plant.start_bot()
    await plant.start_worker(WORKER)


async def kill(plant: Plant, victim: str, *, worker_survives: bool) -> None:
    """Kills bot or worker and starts what died again at once.

    Args:
        plant: With both of them running.
        victim: `bot` or `worker`.
        worker_survives: Whether the worker outlives the bot, as on a machine of its own; a child of the bot's
            is orphaned, and ends by itself.
    """
    if victim == "worker":
        await plant.kill_worker(WORKER)
        await plant.start_worker(WORKER)
        return
    await plant.kill_bot()
    if worker_survives:
        await plant.start_bot()
    else:
        await plant.workers[WORKER].close()
        await start(plant)


async def kill_at_random(plant: Plant, kills: int, seed: int, *, worker_survives: bool) -> None:
    """Kills so many times, while somebody asks for a picture every now and then, a dozen people in turn.

    Every other kill waits until one more order is acknowledged: a slow machine gets something done, too.
    """
    chance = random.Random(seed)
    is_over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_keep_asking(plant, random.Random(seed + 1), is_over))
        for number in range(kills):
            if number % 2:
                before = len(plant.acknowledged)
                await until(lambda before=before: len(plant.acknowledged) > before, "one more is taken")
            await asyncio.sleep(chance.uniform(*PAUSE_S))
            await kill(plant, chance.choice(("bot", "worker")), worker_survives=worker_survives)
        is_over.set()


async def _keep_asking(plant: Plant, chance: random.Random, is_over: asyncio.Event) -> None:
    number = 0
    while not is_over.is_set():
        number += 1
        words = f"compose_s={chance.uniform(0.02, 0.3):.2f} paint_s={chance.uniform(0.02, 0.5):.2f}"
        await plant.submit(words, person=f"p{number % 12}")
        await asyncio.sleep(chance.uniform(0.1, 1.5))
