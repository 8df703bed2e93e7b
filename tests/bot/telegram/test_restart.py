"""A bot that is killed at any point and started again: each request becomes one result, in one message."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.house import House, is_result
from tests.bot.telegram.process import serve

PATIENCE_S = 120
WISH = "/omost a fair"


_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.bot.telegram.process"])  # so that each need not import everything


@asynccontextmanager
async def bot(telegram: BotApi, folder: Path) -> AsyncIterator[None]:
    """A bot process, which is killed in the end."""
    process = _PROCESSES.Process(target=serve, args=(str(folder), telegram.url, telegram.token), daemon=True)
    await asyncio.to_thread(process.start)
    try:
        yield
    finally:
        process.kill()
        await asyncio.to_thread(process.join)


async def test_killed_while_painting(telegram: BotApi, tmp_path: Path) -> None:
    """`kill -9` in the middle of painting: the same message becomes the result, once."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, WISH)
    async with bot(telegram, tmp_path):
        message = await chat.wait_for(lambda message: "Painting" in message.text, PATIENCE_S)
    assert not is_result(message)
    async with bot(telegram, tmp_path):
        await chat.until(lambda: is_result(message), PATIENCE_S)
        await chat.say(ada, "/queue")
        await chat.wait_for(lambda message: not message.photo, PATIENCE_S)
    assert [message for message in chat.bot_messages if message.photo] == [message]


async def test_killed_before_anything_was_answered(telegram: BotApi, tmp_path: Path) -> None:
    """An update that was acknowledged and not handled is handled by the next process."""
    telegram.faults.lose("sendMessage", times=100)
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, WISH)
    async with bot(telegram, tmp_path):
        await telegram.until(lambda: telegram.calls("sendMessage"), PATIENCE_S)
        await telegram.updates.confirmed(PATIENCE_S)
    telegram.faults.clear()
    async with bot(telegram, tmp_path):
        await chat.wait_for(is_result, PATIENCE_S)
    assert len([message for message in chat.bot_messages if is_result(message)]) == 1


async def test_an_orderly_end_leaves_nothing_behind(telegram: BotApi, tmp_path: Path) -> None:
    """A bot that is ended while it paints goes on with the same message when it is opened again."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    async with House(telegram, tmp_path) as house:
        house.renderer.gate = asyncio.Event()
        await chat.say(ada, WISH)
        message = await chat.wait_for(lambda message: "Painting" in message.text)
    assert not is_result(message)
    async with House(telegram, tmp_path):
        await chat.until(lambda: is_result(message))
    assert chat.bot_messages == [message]
