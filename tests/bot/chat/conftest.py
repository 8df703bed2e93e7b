"""What tests of the chat core are given: a chat in memory, and people who talk in it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.store import Store
from tests.bot.chat.stage import ChatStage, QuickClock
from tests.bot.chat.talking import Talking, talking_about


@pytest.fixture
def quick_clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "data")
    yield opened
    await opened.close()


@pytest.fixture
async def stage(store: Store, tmp_path: Path) -> AsyncIterator[ChatStage]:
    opened = await ChatStage(store, tmp_path / "data").open()
    yield opened
    await opened.close()


@pytest.fixture
async def talking(store: Store, tmp_path: Path) -> AsyncIterator[Talking]:
    """People who talk about small pictures that are painted at once."""
    async with talking_about(store, tmp_path / "data") as opened:
        yield opened
