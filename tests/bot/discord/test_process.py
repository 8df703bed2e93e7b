"""The bot as a process of its own on Discord, with its worker: killed, started again, and never held up."""

import asyncio
import multiprocessing
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import pytest_asyncio

from tests.bot.discord import watched_bot
from tests.bot.discord.gateway import discord_on_loopback
from tests.bot.discord.people import Person, labels_of
from tests.bot.discord.world import BOT_ID, Channel, World

START_S = 240
"""A loaded machine imports slowly."""


@dataclass(frozen=True)
class Story:
    """What was seen of a bot that was killed while it painted, and of the next one, which painted once more.

    Attributes:
        placeholder: The message that the first one posted.
        results: The messages with results in the end, oldest first.
        wrongs: What Discord does not allow.
        held_up: What took the second one's event loop too long since it was asked for something.
    """

    placeholder: int
    results: list[int]
    syncs: int
    wrongs: list[str]
    held_up: list[str]


@asynccontextmanager
async def running(world: World, folder: Path) -> AsyncIterator[BaseProcess]:
    """A bot that listens; killed in the end, with its worker."""
    variables = {
        "OMOST_DATA_DIR": str(folder),
        "OMOST_WEB__PORT": "0",
        "OMOST_DISCORD__TOKEN": "a-token",
        "OMOST_DISCORD__API_BASE_URL": f"{world.url}/api/v10",
    }
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(["bot.service", "bot.discord"])  # it imports once for both
    before = len(world.presences)
    bot = forks.Process(target=watched_bot.run, args=(variables, folder / "held-up"))
    bot.start()
    try:
        await world.until(lambda: len(world.presences) > before, "the bot listens", START_S)
        yield bot
    finally:
        bot.kill()
        await asyncio.to_thread(bot.join)


def results(channel: Channel) -> list[int]:
    mine = (each for each in channel.messages.values() if each["author"]["id"] == str(BOT_ID))
    return [int(each["id"]) for each in mine if "🎲" in labels_of(each)]


def held_up_since(began_s: float, folder: Path) -> list[str]:
    path = folder / "held-up"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line for line in lines if float(line.split(" ")[0]) > began_s]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("bot")
    async with discord_on_loopback() as (world, _):
        room = world.channel(world.guild())
        ann = Person(world, 501, "Ann")
        async with running(world, folder) as bot:
            ann.slash(room, "omost", prompt="a lighthouse at dawn")
            await world.until(lambda: room.messages, "the placeholder", START_S)
            bot.kill()
            await asyncio.to_thread(bot.join)
        (placeholder,) = room.messages
        assert not results(room)
        async with running(world, folder):
            await world.until(lambda: results(room), "the result", START_S)
            began_s = time.monotonic()
            ann.press(room, room.messages[placeholder], "🎲")
            await world.until(lambda: len(results(room)) == 2, "another result", START_S)
            ann.slash(room, "omost", prompt="a fox in the snow", count=2)
            await world.until(lambda: len(results(room)) == 3, "a third one", START_S)
        held_up = held_up_since(began_s, folder)
        return Story(placeholder, results(room), world.syncs, world.wrongs, held_up)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_bot_that_is_killed_delivers_after_its_start(story: Story):
    """`kill -9` behind the acknowledgement: the next process makes the same message the result, once."""
    assert story.results[0] == story.placeholder
    assert len(story.results) == 3
    assert story.syncs == 1
    assert story.wrongs == []


@pytest.mark.asyncio(loop_scope="module")
async def test_nothing_holds_up_the_loop_while_pictures_are_painted(story: Story):
    """No step of any task takes the bot's event loop more than 50 ms, from the request to the result."""
    assert story.held_up == []
