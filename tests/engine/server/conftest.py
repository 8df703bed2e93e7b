"""Composers that ask a real server on loopback, and what comes of asking."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from pydantic import SecretStr

from canvas import write
from engine.composer import Composer, ComposeRequest
from engine.composer.server import OpenAIComposer, ServerOptions
from engine.errors import Unavailable
from tests.engine.conftest import POND, TIMEOUT_S
from tests.engine.rig.llm_server import LlmServer

KEY = "sk-very-secret-0123456789"
WISH = "a frog that wears a purple hat"
REPLY = f"Here is a pond, 很安静.\n```python\n{write(POND)}```\n"

MakeComposer = Callable[..., OpenAIComposer]


@pytest.fixture
async def server() -> AsyncIterator[LlmServer]:
    async with LlmServer() as llm_server:
        yield llm_server
    assert llm_server.failures == []


@pytest.fixture
async def make(server: LlmServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeComposer]:
    """Makes composers that ask the server, without detours, and closes them at the end."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made: list[OpenAIComposer] = []

    def make_composer(**changed: object) -> OpenAIComposer:
        options = ServerOptions(server.base_url, "tiny", SecretStr(KEY), retries=2, pause_s=0.01)
        made.append(OpenAIComposer(replace(options, **changed)))
        return made[-1]

    yield make_composer
    for composer in made:
        await composer.aclose()


async def said(composer: Composer, request: ComposeRequest | None = None) -> str:
    """All that it says."""
    async with asyncio.timeout(TIMEOUT_S):
        return "".join([piece async for piece in composer.compose(request or ComposeRequest(WISH))])


async def reason(composer: Composer, request: ComposeRequest | None = None) -> str:
    """Why it says nothing."""
    with pytest.raises(Unavailable) as unavailable:
        await said(composer, request)
    assert unavailable.value.backend == "openai"
    return unavailable.value.reason


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        await event.wait()
