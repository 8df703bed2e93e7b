"""A chat in memory with the real studio, jobs and store behind it; only the backends follow a script."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self

from bot.chat.messages import Messages
from bot.chat.pace import Clock
from bot.chat.platform import Chat, Incoming
from bot.replies import language_of
from bot.settings import Settings
from engine.jobs import ROLES, JobEngine, JobsPlace, sqlite_jobs_url
from engine.stages import Stages
from engine.studio import Compose, Studio
from storage.records import Turn, TurnStatus
from storage.scene import SceneSettings
from storage.store import Store
from tests.bot.chat.platform import PLATFORM, Person, RecordingPlatform, Shown
from tests.engine.conftest import ScriptedComposer, ScriptedLayouts, ScriptedRenderer, Stage, eventually

ROUNDS = 20
"""So many times round the event loop everybody has time for what they do at a moment of the quick clock."""


class QuickClock:
    """A clock that jumps from one pause's end to the next, as soon as nobody has anything left to do."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._count = 0
        self._sleepers: list[tuple[float, int]] = []

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        sleeper = (self.now_s + seconds, self._count)
        self._sleepers.append(sleeper)
        try:
            rounds = 0
            while rounds < ROUNDS:
                await asyncio.sleep(0)
                rounds = rounds + 1 if min(self._sleepers) == sleeper else 0
            self.now_s = max(self.now_s, sleeper[0])
        finally:
            self._sleepers.remove(sleeper)

    @property
    def clock(self) -> Clock:
        return Clock(self.now, self.sleep)


class ChatStage:
    """A platform, a studio, and what tests do with them."""

    ANN, BEN = Person("Ann"), Person("Ben", locale="zh-CN")
    MO = Person("Mo", is_moderator=True)
    ROOM = Chat(PLATFORM, "room")
    DEN = Chat(PLATFORM, "den", is_private=True)
    SMALL = SceneSettings(width_px=256, height_px=320, seed=7)

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.time = QuickClock()
        self.platform = RecordingPlatform(clock=self.time.now)
        self.composer = ScriptedComposer([Stage.REPLY])
        self.renderer = ScriptedRenderer()
        self.settings = Settings(data_dir=folder)
        self.delivered: list[str] = []
        self._open = AsyncExitStack()

    async def open(self) -> Self:
        """The job engine, the studio and the messages, on the store and in the chat as they are."""
        stages = Stages(
            self.store,
            composers={"embedded": self.composer},
            renderers={"storyboard": self.renderer},
            paint_layout=ScriptedLayouts().paint,
        )
        place = JobsPlace(sqlite_jobs_url(self.folder), "test-1", self.folder, poll_s=0.05)
        deliveries = {PLATFORM: self._deliver}
        self.jobs = JobEngine(place, self.store, roles=ROLES, stages=stages, deliveries=deliveries)
        self.studio = Studio(self.store, self.jobs)
        self.messages = Messages(self.platform, self.studio, self.settings, clock=self.time.clock)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.jobs)
            await stack.enter_async_context(self.studio)
            await stack.enter_async_context(self.messages)
            self._open = stack.pop_all()
        return self

    async def close(self) -> None:
        """Ends them in good order; the chat and the store stay."""
        await self._open.aclose()

    async def restart(self) -> None:
        """Closes all and opens others, which go on with what was under way."""
        await self.close()
        await self.open()
        await self.messages.resume()

    def order(self, said: Incoming, prompt: str = "a pond", **changed: object) -> Compose:
        """What somebody asks for in what they say."""
        settings = replace(self.SMALL, **changed)
        person, language = said.speaker.person, language_of(said.speaker.locale)
        return Compose(said.key, said.chat.conversation, person, prompt, settings, language=language)

    async def submitted(self, person: Person = ANN, chat: Chat = ROOM) -> tuple[Incoming, Compose]:
        """Somebody has asked, and no message has been posted."""
        said = person.says(chat)
        order = self.order(said)
        await self.studio.submit(order)
        return said, order

    async def ask(
        self, person: Person = ANN, chat: Chat = ROOM, prompt: str = "a pond", **changed: object
    ) -> str:
        """Somebody asks for a picture; returns the turn's id when its message is open."""
        said = person.says(chat)
        order = self.order(said, prompt, **changed)
        await self.studio.submit(order)
        await self.begin(said, order)
        return order.turn_id

    async def begin(self, said: Incoming, order: Compose) -> None:
        """Posts the message of what was asked."""
        await self.messages.open(
            order.turn_id, said.chat, said=said, language=order.language, is_spoiler=False
        )

    async def done(self, turn_id: str) -> Turn:
        """Waits until nothing is left to be done of the turn but telling it."""

        async def has_ended() -> bool:
            return (await self.store.turn(turn_id)).status is not TurnStatus.RUNNING

        await eventually(has_ended, f"{turn_id} has ended")
        return await self.store.turn(turn_id)

    async def ended(self, turn_id: str) -> Turn:
        """Waits until the turn has ended and its delivery is over."""
        await eventually(lambda: turn_id in self.delivered, f"{turn_id} is delivered")
        turn = await self.store.turn(turn_id)
        assert turn.status is not TurnStatus.RUNNING
        return turn

    async def result(self, turn_id: str) -> Shown:
        """The turn's message when its delivery is over."""
        await self.ended(turn_id)
        post = await self.store.post_of_turn(turn_id)
        assert post is not None, "the turn has a message"
        found = [one for one in self.platform.messages() if one.message.message_id == post.message_id]
        assert found, "the message is there"
        return found[0]

    async def _deliver(self, turn: Turn) -> None:
        await self.messages.deliver(turn)
        self.delivered.append(turn.id)
