"""The bot on a Discord of its own: client, studio, jobs and store are real, the backends follow a script."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import pytest
from discord.http import Route
from pydantic import SecretStr

from bot.chat.outbox import Outbox
from bot.chat.platform import Budget
from bot.discord import serve_discord
from bot.sections import DiscordSettings, PictureSettings
from bot.settings import Settings
from engine.jobs import ROLES, JobEngine, JobsPlace, sqlite_jobs_url
from engine.stages import Stages
from engine.studio import Studio
from storage.records import ConversationKey, TurnStatus
from storage.store import Store
from tests.bot.chat.talking import AnyRenderer
from tests.bot.discord.gateway import Gateway, discord_on_loopback
from tests.bot.discord.people import Person, labels_of
from tests.bot.discord.world import BOT_ID, CATEGORY, Asked, Channel, World
from tests.engine.conftest import ScriptedComposer, Stage, eventually

FORM_WITHIN_S = 30.0


class DiscordStage:
    """A server with a channel and two people, and the bot that serves them."""

    def __init__(self, world: World, gateway: Gateway, store: Store, folder: Path) -> None:
        self.world, self.gateway, self.store, self.folder = world, gateway, store, folder
        self.guild_id = world.guild()
        self.category = world.channel(self.guild_id, CATEGORY, name="pictures")
        self.room = world.channel(self.guild_id, parent_id=self.category.id)
        self.ann = Person(world, 501, "Ann")
        self.ben = Person(world, 502, "Ben", locale="zh-CN")
        self.composer = ScriptedComposer([Stage.REPLY])
        self.renderer = AnyRenderer()
        self.settings = Settings(
            data_dir=folder,
            picture=PictureSettings(width_px=256, height_px=320),
            discord=DiscordSettings(token=SecretStr("a-token"), api_base_url=f"{world.url}/api/v10"),
        )
        self._open = AsyncExitStack()
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> Self:
        """Starts the bot, and waits until it listens."""
        stages = Stages(
            self.store,
            composers={"embedded": self.composer},
            renderers={"storyboard": self.renderer},
        )
        place = JobsPlace(sqlite_jobs_url(self.folder), "test-1", self.folder, poll_s=0.05)
        outbox = Outbox()
        deliveries = {"discord": outbox.deliver}
        jobs = JobEngine(place, self.store, roles=ROLES, stages=stages, deliveries=deliveries)
        settings = self.settings
        studio = Studio(
            self.store,
            jobs,
            limits=settings.studio_limits(),
            people=settings.studio_people(),
            backends=settings.backends(),
            safety=settings.studio_safety(),
        )
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(jobs)
            self.studio = await stack.enter_async_context(studio)
            self._serving = asyncio.create_task(serve_discord(self.settings, self.studio, outbox))
            self._open = stack.pop_all()
        self._serving.add_done_callback(lambda _task: self.world.change())
        before = len(self.world.presences)
        await self.world.until(
            lambda: self._serving.done() or len(self.world.presences) > before, "it listens"
        )
        if self._serving.done():
            await self._serving
        return self

    async def stop(self) -> None:
        """Ends it in good order."""
        serving, self._serving = self._serving, None
        if serving:
            serving.cancel()
            await asyncio.wait({serving})
        await self._open.aclose()

    async def restart(self) -> None:
        """Ends it and starts another one."""
        await self.stop()
        await self.start()

    def hold(self) -> None:
        """Nothing is painted to its end from now on."""
        self.renderer.gate = asyncio.Event()

    def go_on(self) -> None:
        """What was held is painted."""
        assert self.renderer.gate
        self.renderer.gate.set()

    # --- what is seen ---------------------------------------------------------------------------------

    def by_bot(self, channel: Channel | None = None) -> list[dict[str, Any]]:
        """The bot's messages that everybody sees, oldest first."""
        messages = (channel or self.room).messages.values()
        return [each for each in messages if each["author"]["id"] == str(BOT_ID)]

    def results(self, channel: Channel | None = None) -> list[dict[str, Any]]:
        """Its messages with a picture and the buttons of a result."""
        return [each for each in self.by_bot(channel) if each["attachments"] and "🎲" in labels_of(each)]

    async def result(self, number: int = 1, channel: Channel | None = None) -> dict[str, Any]:
        """The result of that number, when it is there."""
        await self.world.until(lambda: len(self.results(channel)) >= number, f"{number} results")
        return self.results(channel)[number - 1]

    async def answer(self, asked: Asked) -> dict[str, Any]:
        """What the person alone is answered, when it says something."""

        def found() -> dict[str, Any] | None:
            ids = [*asked.followups, *([asked.original] if asked.original else [])]
            told = (self.world.find(asked.channel.id, each) for each in ids)
            return next((each for each in told if each and each["content"]), None)

        await self.world.until(found, "an answer")
        message = found()
        assert message
        return message

    async def form(self, asked: Asked) -> Asked:
        """The interaction, when it has been answered with a form."""
        await self.world.until(lambda: asked.responses, "a form")
        assert asked.modal
        return asked

    async def ended(self) -> None:
        """Waits until nothing runs any more."""

        async def is_quiet() -> bool:
            return not await self.store.open_turns()

        await eventually(is_quiet, "nothing runs")

    async def turns(self, channel: Channel | None = None) -> list[TurnStatus]:
        """How the requests of a channel stand."""
        key = ConversationKey("discord", str((channel or self.room).id))
        return [turn.status for turn in await self.store.turns(key)]


@pytest.fixture
async def world(monkeypatch) -> AsyncIterator[tuple[World, Gateway]]:
    """Here a channel's seconds are tenths of seconds, for Discord and for the bot alike.

    And as Discord waits here longer for an acknowledgement than elsewhere, so does the bot for a form: on a
    machine that has much to do it is the very first response nevertheless.
    """
    monkeypatch.setattr("bot.discord.answering.AHEAD_FOR_S", FORM_WITHIN_S)
    monkeypatch.setattr("bot.discord.platform.CHAT_BUDGET", Budget(5, 0.5))
    monkeypatch.setattr("bot.discord.platform.EDIT_EVERY_S", 0.2)
    monkeypatch.setattr("bot.discord.client.READY_AFTER_S", 0.02)
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    async with discord_on_loopback() as found:
        found[0].bucket_s = 0.5
        yield found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "data")
    yield opened
    await opened.close()


@pytest.fixture
async def scene(world: tuple[World, Gateway], store: Store, tmp_path: Path) -> AsyncIterator[DiscordStage]:
    """Nothing runs yet."""
    opened = DiscordStage(*world, store, tmp_path / "data")
    yield opened
    await opened.stop()
    assert opened.world.wrongs == []


@pytest.fixture
async def stage(scene: DiscordStage) -> DiscordStage:
    """The bot listens."""
    return await scene.start()
