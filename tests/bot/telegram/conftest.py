"""A Bot API server on loopback and the real python-telegram-bot in front of it."""

import functools
import gc
import inspect
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from httpx._transports import default as _default
from telegram import Bot

from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.clients import bot_of
from tests.bot.telegram.house import SPEED, House


@pytest.fixture(autouse=True)
def _durations_as_timedeltas(monkeypatch: pytest.MonkeyPatch) -> None:
    """A RetryAfter that tells whole seconds warns of a later version as soon as it is made."""
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


@pytest.fixture(scope="package", autouse=True)
def _made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What each bot would make anew: its first data, whom it trusts; and how its log looks."""
    House.template = tmp_path_factory.mktemp("template")
    gc.collect()
    gc.freeze()  # so that collecting looks only at what tests leave behind
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.stdlib.add_log_level, plain])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_default, "create_ssl_context", functools.cache(_default.create_ssl_context))
        yield
    structlog.reset_defaults()
    gc.unfreeze()
    House.template = None


@pytest.fixture(autouse=True)
def _cut_short(request: pytest.FixtureRequest) -> Iterator[None]:
    """A socket is left to the collector by httpx when a request is cancelled in the middle of it.

    It is collected here, or it would be held against whatever test comes later.
    """
    yield
    if not inspect.iscoroutinefunction(request.function):
        return
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
    async with BotApi(speed=SPEED, rate_jitter_s=1.0) as server:
        yield server


@pytest.fixture
async def house(telegram: BotApi, tmp_path: Path) -> AsyncIterator[House]:
    """The bot; nothing it sent was too early or unknown to Telegram."""
    async with House(telegram, tmp_path / "data") as house:
        yield house
    assert telegram.unknown_methods == []
    assert telegram.rate_violations == []
