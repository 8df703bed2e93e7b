"""The bot on Telegram with everything real behind it; only the backends follow a script."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

from bot.chat.outbox import Outbox
from bot.chat.pace import Clock
from bot.chat.platform import AccountUnusable
from bot.settings import Settings
from bot.telegram import serve_telegram
from canvas import Canvas, GlobalDescription, LocalDescription, write
from engine.composer import ComposeRequest
from engine.jobs import ROLES, JobEngine, JobsPlace, sqlite_jobs_url
from engine.stages import Stages
from engine.studio import Studio
from storage.store import Store
from tests.bot.chat.talking import AnyRenderer
from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.chats import Chat
from tests.bot.telegram.messages import Message

PICTURE = {"width_px": 256, "height_px": 320}
PLATFORM = "telegram"
SPEED = 20.0
"""So much faster than the wall's the clock of sending runs, and Telegram's."""


FAIR = Canvas(
    GlobalDescription("A village fair on a sunny afternoon.", tags="fair, sunny", color="skyblue"),
    (
        LocalDescription("a clown", location="on the left", color="red", distance_to_viewer=2.0),
        LocalDescription("a tent", location="on the top-right", color="white", distance_to_viewer=8.0),
    ),
)


class FairComposer:
    """Composes a fair, with a pause before each part, and makes its clown a magician."""

    pause_s = 0.0

    async def compose(self, request: ComposeRequest) -> AsyncIterator[str]:
        scene = request.canvas or FAIR
        if request.canvas:
            first, *others = scene.local_descriptions
            magician = replace(first, description="a magician")
            scene = replace(scene, local_descriptions=(magician, *others))
        for call in write(scene).split("\n\n"):
            await asyncio.sleep(self.pause_s)
            yield call + "\n\n"


def quick_clock(speed: float = SPEED) -> Clock:
    """A clock on which time runs fast."""
    return Clock(lambda: time.monotonic() * speed, lambda seconds: asyncio.sleep(seconds / speed))


def is_result(message: Message) -> bool:
    """A finished picture with its buttons."""
    return bool(message.photo) and any("🎲" in row for row in message.buttons)


async def after(chat: Chat, *known: Message) -> Message:
    """The next finished picture in a chat."""
    return await chat.wait_for(lambda message: is_result(message) and message not in known)


class House:
    """A bot that serves the loopback server's chats; it can be ended, and opened again on the same data.

    Attributes:
        template: A folder for the data that new houses begin with; None lets each make its own.
    """

    template: ClassVar[Path | None] = None

    def __init__(self, server: BotApi, folder: Path, clock: Clock | None = None, **settings: object) -> None:
        self.server = server
        self.folder = folder
        self.composer = FairComposer()
        self.renderer = AnyRenderer()
        self.clock = clock or quick_clock(server.clock.speed)
        telegram = {"token": server.token, "api_base_url": server.url}
        telegram |= settings.pop("telegram", {})
        self.settings = Settings(data_dir=folder, **({"picture": PICTURE, "telegram": telegram} | settings))
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Opens the house; the bot may be heard of a little later."""
        await self._begin_with_template()
        async with AsyncExitStack() as stack:
            await self._open_engine(stack, self.folder)
            self.studio = await stack.enter_async_context(
                Studio(self.store, self.jobs, limits=self.settings.studio_limits())
            )
            self.serving = asyncio.create_task(
                serve_telegram(self.settings, self.studio, self.outbox, clock=self.clock)
            )
            stack.push_async_callback(self._end)
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def _open_engine(self, stack: AsyncExitStack, folder: Path) -> None:
        self.store = await Store.open(folder)
        stack.push_async_callback(self.store.close)
        stages = Stages(
            self.store, composers={"embedded": self.composer}, renderers={"storyboard": self.renderer}
        )
        self.outbox = Outbox()
        self.jobs = JobEngine(
            JobsPlace(sqlite_jobs_url(folder), "bot-1", folder, poll_s=0.05),
            self.store,
            roles=ROLES,
            stages=stages,
            deliveries={PLATFORM: self.outbox.deliver},
            slots={"llm": 8, "image": 8},
        )
        await stack.enter_async_context(self.jobs)

    async def _begin_with_template(self) -> None:
        """A new house begins with the data of one that was opened and closed, which saves a second."""
        if self.template is None or (self.folder.exists() and any(self.folder.iterdir())):
            return
        if not any(self.template.iterdir()):
            async with AsyncExitStack() as stack:
                await self._open_engine(stack, self.template)
        await asyncio.to_thread(shutil.copytree, self.template, self.folder, dirs_exist_ok=True)

    async def _end(self) -> None:
        self.serving.cancel()
        with suppress(asyncio.CancelledError, AccountUnusable):
            await self.serving
