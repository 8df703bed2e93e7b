"""The bot as a process of its own on Discord: killed at any moment, and started again."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bot.discord.gateway import discord_on_loopback
from tests.bot.discord.people import Person, items_of
from tests.bot.discord.world import BOT_ID, Channel, World

START_S = 240
"""A loaded machine imports slowly."""


@asynccontextmanager
async def running(world: World, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A bot that listens; killed in the end, with its worker."""
    variables = {
        "OMOST_DATA_DIR": str(folder),
        "OMOST_WEB__PORT": "0",
        "OMOST_DISCORD__TOKEN": "a-token",
        "OMOST_DISCORD__API_BASE_URL": f"{world.url}/api/v10",
    }
    before = len(world.presences)
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run"),
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await world.until(lambda: len(world.presences) > before, "the bot listens", START_S)
        yield bot
    finally:
        if bot.returncode is None:
            bot.kill()
        await bot.wait()


def results(channel: Channel) -> list[dict]:
    mine = (each for each in channel.messages.values() if each["author"]["id"] == str(BOT_ID))
    return [each for each in mine if "🎲" in [item.get("label") for item in items_of(each)]]


async def test_a_bot_that_is_killed_delivers_after_its_start(tmp_path: Path):
    """`kill -9` behind the acknowledgement: the next process makes the same message the result, once."""
    async with discord_on_loopback() as (world, gateway):
        room = world.channel(world.guild())
        ann = Person(world, 501, "Ann")
        async with running(world, tmp_path) as bot:
            ann.slash(room, "omost", prompt="a lighthouse at dawn", count=4)
            await world.until(lambda: room.messages, "the placeholder")
            bot.kill()
            await bot.wait()
        (placeholder,) = room.messages
        assert not results(room)
        async with running(world, tmp_path):
            await world.until(lambda: len(room.messages) == 5, "the result and its pictures")
            ann.press(room, results(room)[0], "🎲")
            await world.until(lambda: len(results(room)) == 2, "another result")
        assert int(results(room)[0]["id"]) == placeholder
        assert gateway.identifies == 2
        assert world.syncs == 1
        assert world.wrongs == []
