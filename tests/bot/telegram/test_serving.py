"""How the bot is connected: polling, webhook, a second poller, a wrong token, a Telegram that is away."""

import asyncio
import os
import socket
import sys
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from bot.chat.outbox import Outbox
from bot.chat.platform import AccountUnusable
from bot.replies import LANGUAGES
from bot.report import ExitStatus
from bot.telegram import serve_telegram
from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.house import House, after
from tests.engine.conftest import eventually
from tests.ports import free_port

WISH = "/omost a fair"


async def test_a_webhook_takes_updates_from_telegram_alone(telegram: BotApi, tmp_path: Path) -> None:
    """Each update is stored before it is taken, twice delivered is handled once, and nobody else gets in."""
    port = free_port()
    hook = {"webhook_url": f"http://127.0.0.1:{port}/hook", "webhook_port": port}
    telegram.updates.delivers_twice = True
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    async with House(telegram, tmp_path, telegram=hook) as house:
        await chat.say(ada, WISH)
        first = await after(chat)
        await chat.press(ada, first, "🎲")
        await after(chat, first)
        assert len(house.renderer.painted) == 2
        update = {"update_id": 999999, "message": {"message_id": 77, "date": 1, "chat": chat.to_json()}}
        async with aiohttp.ClientSession() as session:
            for headers in ({}, {"X-Telegram-Bot-Api-Secret-Token": "guess"}):
                async with session.post(hook["webhook_url"], json=update, headers=headers) as answer:
                    assert answer.status == 403

        async def is_handled() -> bool:
            return await house.store.unhandled("telegram") == ()

        await eventually(is_handled, "everything is handled")


async def test_a_webhook_whose_port_is_taken_is_told(telegram: BotApi, tmp_path: Path) -> None:
    """The bot does not begin where it cannot listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        hook = {"webhook_url": f"http://127.0.0.1:{port}/hook", "webhook_port": port}
        async with House(telegram, tmp_path, telegram=hook) as house:
            with pytest.raises(AccountUnusable) as refused:
                await house.serving
    assert refused.value.reason == "webhook-address-taken"


async def test_a_token_that_is_taken_back_ends_the_bot(
    telegram: BotApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a reason for which it may be started again, for perhaps it was a proxy's answer."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    async with House(telegram, tmp_path) as house:
        await chat.say(ada, "/help")
        await chat.wait_for(lambda message: "/omost" in message.text)
        monkeypatch.setattr(telegram, "token", "4242:another")
        await chat.say(ada, "/help")  # the question that is under way has an answer; the next one is refused
        with pytest.raises(AccountUnusable) as refused:
            await asyncio.wait_for(asyncio.shield(house.serving), 120)
        assert refused.value.reason == "token-revoked"
        assert not refused.value.needs_settings


async def test_of_two_pollers_the_new_one_gives_way(
    telegram: BotApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second bot with the same token ends with a reason that has words; the first one goes on."""
    monkeypatch.setattr("bot.telegram.app.CONFLICTS_AT_FIRST", 1)  # the library waits longer after each
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    async with House(telegram, tmp_path) as first:
        await chat.say(ada, "/help")
        await chat.wait_for(lambda message: "/omost" in message.text)
        with pytest.raises(AccountUnusable) as refused:
            await serve_telegram(first.settings, first.studio, Outbox(), clock=first.clock)
        assert refused.value.reason == "another-poller"
        assert not first.serving.done()
        await chat.say(ada, WISH)
        await after(chat)


async def test_a_wrong_token_is_told(telegram: BotApi, tmp_path: Path) -> None:
    """`omost-bot run` with a token that Telegram does not know ends with one sentence and its exit status."""
    variables = {
        "OMOST_TELEGRAM__TOKEN": "1:wrong",
        "OMOST_TELEGRAM__API_BASE_URL": telegram.url,
        "OMOST_WEB__PORT": "0",
        "OMOST_LOG__LEVEL": "error",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "bot", "run"),
        env={**os.environ, **variables},
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, trouble = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == ExitStatus.USAGE  # at which systemd does not try again every other second
    assert trouble.decode().splitlines() == [
        "Telegram cannot be served: it does not take the token; put the right one into the environment."
    ]


async def test_telegram_that_is_away_is_waited_for(telegram: BotApi, tmp_path: Path) -> None:
    """A server that fails or wants silence at the start, and breaks connections later, is asked again."""
    telegram.faults.fail("getMe", code=502)
    telegram.faults.flood("getMe")
    telegram.faults.lose("getUpdates")
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    async with House(telegram, tmp_path):
        await chat.say(ada, WISH)
        await after(chat)


async def test_the_menu_is_told_once(telegram: BotApi, tmp_path: Path) -> None:
    """Commands and descriptions are told in each language, and not again by the next process."""
    ada, bo = telegram.person("Ada"), telegram.person("Bo", "zh-hans")
    group = telegram.group("Club", ada, bo)
    for _ in range(2):
        async with House(telegram, tmp_path) as house:
            await telegram.private(ada).say(ada, "/help")
            await telegram.private(ada).wait_for(lambda message: "/omost" in message.text)
            await telegram.until(lambda: len(telegram.calls("setMyShortDescription")) == len(LANGUAGES))
            bot_id, _, _ = telegram.token.partition(":")
            await eventually(partial(house.store.note, f"telegram:menu:{bot_id}"), "it is known")
        telegram.private(ada).all_messages.clear()
    assert len(telegram.calls("setMyCommands")) == 3 * len(LANGUAGES)  # in private, in groups, for moderators
    names = {command["command"] for command in telegram.commands_seen_by(ada, group)}
    others = {command["command"] for command in telegram.commands_seen_by(bo, group)}
    assert names - others == {"stats"}
    assert telegram.unknown_methods == []
