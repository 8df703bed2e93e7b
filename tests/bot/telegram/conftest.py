"""A Bot API server on loopback and the real python-telegram-bot in front of it."""

import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from telegram import Bot

from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.clients import bot_of
from tests.bot.telegram.house import SPEED, House


@pytest.fixture(autouse=True)
def _durations_as_timedeltas(monkeypatch: pytest.MonkeyPatch) -> None:
    """A RetryAfter that tells whole seconds warns of a later version as soon as it is made."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


@pytest.fixture(autouse=True)
def _cut_short() -> Iterator[None]:
    """A socket is left to the collector by httpx when a request is cancelled in the middle of it.

    It is collected here, or it would be held against whatever test comes later.
    """
    yield
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "unclosed", ResourceWarning)
        gc.collect()


@pytest.fixture
async def server() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest.fixture
async def bot(server: BotApi) -> AsyncIterator[Bot]:
    """A client of the server without any handlers."""
    async with bot_of(server) as bot:
        yield bot


@pytest.fixture
async def telegram() -> AsyncIterator[BotApi]:
    """A server on whose clock time runs fast, for the whole bot."""
    async with BotApi(speed=SPEED, rate_jitter_s=0.1) as server:
        yield server


@pytest.fixture
async def house(telegram: BotApi, tmp_path: Path) -> AsyncIterator[House]:
    """The bot; nothing it sent was too early or unknown to Telegram."""
    async with House(telegram, tmp_path / "data") as house:
        yield house
    assert telegram.unknown_methods == []
    assert telegram.rate_violations == []
