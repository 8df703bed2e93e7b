"""Whether jobs are never lost, shared fairly and cheap to keep, on stand-ins of 50 ms for model and painter.

    python benchmarks/jobs.py [--quick] [--soak] [--json] [--database-url URL]

Real processes, a bot and its worker, on SQLite in a temporary folder or on the PostgreSQL database given,
which should be an empty one. Three parts:

Idle: `idle_cpu_percent` of one core that all processes together take while there is nothing to do.
Fairness: 200 people ask for 3 pictures each, one person after the other. `ack_p99_ms` until an order is
acknowledged. `fair_wait_ratio`: of all people, the longest wait for one's first or third picture, divided by
the fair share of it, which is the time that the stand-ins need for as many pictures for everybody.
`total_to_stand_ins`: the time for all pictures, divided by what the stand-ins need for them.
Kills: bot and worker are killed at random times while people go on asking. `kills`, `repeated_stages`, and
over this part and the one before `acknowledged`, `delivered`, `duplicates`.
"""

import argparse
import asyncio
import json
import math
import random
import secrets
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # beside this file lies one with the name of a package

import psutil

from tests.engine.rig.chat import ChatPlatform
from tests.engine.rig.killing import WORKER, kill_at_random, start
from tests.engine.rig.nursery import Nursery
from tests.engine.rig.plant import Plant
from tests.engine.rig.processes import until
from tests.engine.rig.standins import TAKES_S

JOBS_PER_PERSON = 3
SETTLING_S = 3.0
LOOK_EVERY_S = 0.05
LIMITS = {"waiting_per_person": JOBS_PER_PERSON, "waiting_total": 10_000}


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    people: int = 200
    idle_s: float = 10.0
    kills: int = 20


QUICK = Size(people=40, idle_s=5.0, kills=6)
SOAK = Size(kills=50)


def main() -> None:
    """Measures and prints."""
    arguments = _arguments()
    size = QUICK if arguments.quick else SOAK if arguments.soak else Size()
    figures = asyncio.run(measure(size, arguments.database_url))
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"{size.people} people with {JOBS_PER_PERSON} jobs each, stand-ins of {TAKES_S * 1000:.0f} ms")
    for name, value in figures.items():
        print(f"  {name:20} {value:10.4g}")


async def measure(size: Size, database_url: str | None) -> dict[str, float]:
    """All figures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ChatPlatform(first_letters=f"{secrets.token_hex(4)}-") as chat,  # the database may know other runs
        Nursery() as nursery,
    ):
        calm, rough = Path(folder) / "calm", Path(folder) / "rough"
        calm.mkdir()
        rough.mkdir()
        plant = Plant(calm, chat, nursery, database_url=database_url, is_noted=False, limits=LIMITS)
        async with plant:
            await plant.start_bot(worker=WORKER)
            await plant.is_up(WORKER)
            figures = await idle(plant, size.idle_s) | await fairness(plant, size.people)
        killed = Plant(rough, chat, nursery, database_url=database_url, limits=LIMITS)
        async with killed:
            figures |= await kills(killed, size.kills, database_url)
        return figures | {
            "acknowledged": len(plant.acknowledged) + len(killed.acknowledged),
            "delivered": plant.delivered() + killed.delivered(),
            "duplicates": chat.duplicates(),
        }


async def idle(plant: Plant, idle_s: float) -> dict[str, float]:
    """What the processes take while nobody asks for anything."""
    await asyncio.sleep(SETTLING_S)
    bot = psutil.Process(plant.bots["bot-1"].pid)
    processes = [bot, *bot.children(recursive=True)]
    before_s, began_s = _cpu_s(processes), time.monotonic()
    await asyncio.sleep(idle_s)
    return {"idle_cpu_percent": 100 * (_cpu_s(processes) - before_s) / (time.monotonic() - began_s)}


async def fairness(plant: Plant, people: int) -> dict[str, float]:
    """How long people wait who all ask at the same time."""
    asked_s: dict[str, float] = {}
    messages: dict[str, list[str]] = {}
    acknowledged_s: list[float] = []
    for person in (f"person-{number}" for number in range(people)):
        asked_s[person] = time.monotonic()
        messages[person] = []
        for _ in range(JOBS_PER_PERSON):
            began_s = time.monotonic()
            messages[person].append(await plant.submit(person=person))
            acknowledged_s.append(time.monotonic() - began_s)
    needed_s = people * JOBS_PER_PERSON * TAKES_S
    everything = people * JOBS_PER_PERSON
    await until(lambda: plant.chat.edit_count() >= everything, "all", 60 + 10 * needed_s, LOOK_EVERY_S)
    delivered_s = {person: _delivered_s(plant.chat, ids) for person, ids in messages.items()}
    total_s = max(map(max, delivered_s.values())) - min(asked_s.values())
    waits = [
        (delivered_s[person][rounds - 1] - asked_s[person]) / (people * rounds * TAKES_S)
        for person in messages
        for rounds in (1, JOBS_PER_PERSON)
    ]
    return {
        "ack_p99_ms": 1000 * _percentile(acknowledged_s, 0.99),
        "fair_wait_ratio": max(waits),
        "total_to_stand_ins": total_s / needed_s,
    }


async def kills(plant: Plant, count: int, database_url: str | None) -> dict[str, float]:
    """Kills at random times; returns when everything is delivered that was acknowledged."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed of the kills: {seed}", file=sys.stderr)
    await start(plant)
    await kill_at_random(plant, count, seed, worker_survives=database_url is not None)
    await until(lambda: plant.delivered() == len(plant.acknowledged), "all is delivered", 120, LOOK_EVERY_S)
    return {
        "kills": plant.bot_kills + plant.worker_kills,
        "repeated_stages": len(plant.ledger.repeated()),
    }


def _delivered_s(chat: ChatPlatform, message_ids: list[str]) -> list[float]:
    """When the messages had their results, the earliest first."""
    return sorted(chat.edits(message_id)[0].at_s for message_id in message_ids)


def _cpu_s(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(each.user + each.system for each in times)


def _percentile(values: list[float], share: float) -> float:
    """The smallest value that so great a share of all does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--database-url", help="an empty PostgreSQL database; SQLite when there is none")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="end within a minute")
    size.add_argument("--soak", action="store_true", help="50 kills")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
