"""Whatever is killed and whenever: each acknowledged order is delivered once, no finished stage repeated."""

import random
from pathlib import Path

import pytest

from tests.engine.rig.killing import kill, kill_at_random, start
from tests.engine.rig.plant import Plant
from tests.engine.rig.processes import until

RANDOM_KILLS = 10
UNHURRIED = "compose_s=0.3 paint_s=0.3"

BOUNDARIES = [
    ("llm", "begin", "worker"),
    ("llm", "begin", "bot"),
    ("llm", "end", "worker"),
    ("llm", "stored", "worker"),
    ("llm", "stored", "bot"),
    ("image", "begin", "worker"),
    ("image", "begin", "bot"),
    ("image", "painted", "worker"),
    ("image", "stored", "worker"),
    ("image", "stored", "bot"),
]


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request):
    """Of each database in turn; None is SQLite in the data folder."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None


@pytest.fixture
async def plant(tmp_path: Path, chat, nursery, database_url):
    async with Plant(tmp_path, chat, nursery, database_url=database_url) as running:
        await start(running)
        yield running


@pytest.fixture
def worker_survives(database_url):
    """On SQLite bot and worker are one tree of processes, on PostgreSQL two machines."""
    return database_url is not None


async def all_is_well(plant):
    """Waits until everything is delivered, and checks each promise."""
    try:
        await until(lambda: plant.delivered() == len(plant.acknowledged), "all is delivered")
    except AssertionError as error:
        error.add_note(plant.told())
        raise
    for message_id in plant.acknowledged:
        (result,) = plant.chat.results(message_id)
        assert (result["status"], result["seeds"]) == ("done", [7])
    assert plant.chat.duplicates() == 0
    # an edit whose answer a kill cut off is made once more, with the same result
    assert plant.chat.edit_count() - len(plant.acknowledged) <= plant.bot_kills
    assert plant.ledger.repeated() == []


async def test_a_kill_at_each_boundary_of_a_job(plant, worker_survives):
    """Bot or worker die as a stage begins, ends or is stored, and around the delivery: all is delivered."""
    await plant.submit(UNHURRIED)
    await kill(plant, "bot", worker_survives=worker_survives)
    for number, (stage, what, victim) in enumerate(BOUNDARIES):
        message_id = await plant.submit(UNHURRIED, person=f"p{number}")
        await plant.happened(message_id, stage, what)
        await kill(plant, victim, worker_survives=worker_survives)
    for is_lost in (True, False):
        message_id = await plant.submit(person="late")
        with plant.chat.holding(message_id, is_lost=is_lost) as has_come:
            await until(has_come.is_set, "its delivery has come")
            await kill(plant, "bot", worker_survives=worker_survives)
    await all_is_well(plant)
    assert plant.bot_kills + plant.worker_kills == len(BOUNDARIES) + 3


async def test_kills_at_random_times(plant, worker_survives):
    """While people go on asking, bot and worker die again and again: all is delivered."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - pytest shows it when the test fails
    await kill_at_random(plant, RANDOM_KILLS, seed, worker_survives=worker_survives)
    await all_is_well(plant)
    assert plant.bot_kills + plant.worker_kills == RANDOM_KILLS
    assert len(plant.acknowledged) >= RANDOM_KILLS / 2
