"""People who talk to the bot in a chat in memory, and what they see there."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from bot.chat.platform import Chat, Incoming, Message
from bot.chat.presses import Action, Press, decode
from bot.chat.scene_options import Options
from bot.chat.talk import Talk
from bot.chat.views import Answer, Filled, View
from bot.settings import PictureSettings, Settings
from canvas import Canvas
from engine.renderer import Base, Economy, RenderedImage, RenderEvent, RenderStep
from storage.records import Revision, Turn
from storage.scene import SceneSettings
from storage.store import Store
from tests.bot.chat.platform import Person, Shown
from tests.bot.chat.stage import ChatStage


@dataclass
class AnyRenderer:
    """Paints whatever canvas in one colour, behind a gate if there is one, and remembers what it painted."""

    gate: asyncio.Event | None = None
    painted: list[tuple[Canvas, SceneSettings]] = field(default_factory=list)

    async def render(
        self,
        canvas: Canvas,
        settings: SceneSettings,
        economy: Economy = Economy.NONE,
        base: Base | None = None,
    ) -> AsyncIterator[RenderEvent]:
        del economy, base
        self.painted.append((canvas, settings))
        yield RenderStep(1, 1)
        if self.gate:
            await self.gate.wait()
        for index in range(settings.count):
            image = Image.new("RGB", (settings.width_px, settings.height_px), "teal")
            yield RenderedImage(index, settings.seeds[index], image)


class Talking:
    """Somebody says and presses things, and waits for what comes of it."""

    def __init__(self, stage: ChatStage) -> None:
        self.stage = stage
        self.store = stage.store
        self.platform = stage.platform
        self.talk = Talk(stage.platform, stage.studio, stage.messages, stage.settings)

    async def asked(
        self,
        person: Person = ChatStage.ANN,
        chat: Chat = ChatStage.ROOM,
        prompt: str = "a pond",
        reply_to: Shown | None = None,
        **options: object,
    ) -> Shown:
        """What comes of somebody's words."""
        said = person.says(chat, reply_to.message if reply_to else None)
        answer = await self.talk.compose(said, prompt, Options(**options))
        assert answer.view is None, answer.view.plain_text
        return await self.stage.result(said.key)

    async def pressed(
        self, shown: Shown, press: Press | Action, person: Person = ChatStage.ANN, *values: str
    ) -> tuple[Incoming, Answer]:
        """Somebody presses a button of a message."""
        if isinstance(press, Action):
            press = shown.press(press)
        said = person.presses(shown)
        return said, await self.talk.press(said, press, values)

    async def painted(self, shown: Shown, press: Press | Action, person: Person = ChatStage.ANN) -> Shown:
        """What comes of pressing a button that paints."""
        said, answer = await self.pressed(shown, press, person)
        assert answer.view is None, answer.view.plain_text
        return await self.stage.result(said.key)

    def with_settings(self, **tables: object) -> None:
        """Another bot in the same chat, with other settings."""
        settings = self.stage.settings.model_copy(update=tables)
        self.talk = Talk(self.platform, self.stage.studio, self.stage.messages, settings)

    async def turn(self, shown: Shown) -> Turn:
        """The turn whose message it is."""
        post = await self.store.post(self.platform.name, shown.message.chat.chat_id, shown.message.message_id)
        assert post
        assert post.turn_id
        return await self.store.turn(post.turn_id)

    async def revision(self, shown: Shown) -> Revision:
        """The revision that a message shows."""
        turn = await self.turn(shown)
        assert turn.revision_id
        return await self.store.revision(turn.revision_id)

    async def revisions(self, chat: Chat = ChatStage.ROOM) -> tuple[Revision, ...]:
        """All that was painted in a chat."""
        return await self.store.history(chat.conversation)

    async def settings(self, shown: Shown) -> SceneSettings:
        """What the picture was painted with."""
        return (await self.revision(shown)).scene.settings

    async def fills(
        self, shown: Shown, press: Press, person: Person = ChatStage.ANN, **values: str
    ) -> tuple[Incoming, Answer]:
        """Somebody sends a form."""
        said = person.presses(shown)
        return said, await self.talk.fill(said, press, Filled(values))


@asynccontextmanager
async def talking_about(store: Store, folder: Path) -> AsyncGenerator[Talking]:
    """People can talk, about small pictures that are painted at once."""
    stage = ChatStage(store, folder)
    stage.renderer = AnyRenderer()
    stage.settings = Settings(data_dir=folder, picture=PictureSettings(width_px=256, height_px=320))
    await stage.open()
    yield Talking(stage)
    await stage.close()


PANEL = Shown(Message(ChatStage.ROOM, "panel"))
"""Below it is pressed what stands in a panel: nobody remembers which message that is."""


def words_of(answer: Answer) -> str:
    """What somebody was answered."""
    return answer.view.plain_text if answer.view else answer.toast


def button(view: View, action: Action, *args: str) -> Press:
    """The press of a panel's button, as it comes back from the platform."""
    for each in (one.press for row in view.rows for one in row):
        if each.action is action and each.args[: len(args)] == args:
            assert decode(each.encode()) == each
            return each
    raise AssertionError(f"no {action} {args} in {view}")
