"""The buttons below pictures and the commands that do the same, over HTTP."""

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path
from weakref import ref

import pytest
from PIL import Image
from telegram import Bot

from bot.chat import platform as chats
from bot.chat.views import Picture, View, plain
from bot.telegram.platform import TelegramPlatform
from canvas import Canvas
from engine.renderer import Base, Economy, RenderEvent, RenderPreview, RenderStep
from storage.records import ConversationKey
from storage.scene import SceneSettings
from tests.bot.chat.talking import AnyRenderer
from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.chats import PrivateChat
from tests.bot.telegram.house import House, after, is_result
from tests.bot.telegram.messages import Message, Person
from tests.engine.conftest import eventually

WISH = "/omost a fair"


@pytest.fixture
def ada(telegram: BotApi) -> Person:
    return telegram.person("Ada")


@pytest.fixture
def chat(telegram: BotApi, ada: Person) -> PrivateChat:
    return telegram.private(ada)


@pytest.fixture
async def first(house: House, ada: Person, chat: PrivateChat) -> Message:
    """Ada's first picture; the house is open."""
    assert house
    await chat.say(ada, WISH)
    return await after(chat)


def settings_of_last(house: House) -> SceneSettings:
    return house.renderer.painted[-1][1]


async def test_a_picture_is_enlarged(house: House, ada: Person, chat: PrivateChat, first: Message) -> None:
    """⬆️ paints it once more, half as large again, with the same seed."""
    small = settings_of_last(house)
    await chat.press(ada, first, "⬆️")
    larger = await after(chat, first)
    assert larger.reply_to is first
    large = settings_of_last(house)
    assert (large.width_px, large.height_px) == (small.width_px * 1.5, small.height_px * 1.5)
    assert large.seed == small.seed


@pytest.mark.usefixtures("house")
async def test_favourites_are_kept_and_found(ada: Person, chat: PrivateChat, first: Message) -> None:
    """⭐ answers with a line alone; /favourites offers the picture, and pressing it shows it again."""
    shown = len(chat.bot_messages)
    answer = await chat.press(ada, first, "⭐")
    assert "favourites" in answer.text
    assert not answer.is_alert
    assert len(chat.bot_messages) == shown
    await chat.say(ada, "/favourites")
    panel = await chat.wait_for(lambda message: message is not first and "a fair" in str(message.buttons))
    await chat.press(ada, panel, "a fair")
    again = await after(chat, first)
    assert again.photo == first.photo
    assert "No favourite" in (await chat.press(ada, first, "⭐")).text


async def test_a_picture_is_painted_again_by_command(
    house: House, ada: Person, chat: PrivateChat, first: Message
) -> None:
    """/render takes options; words behind it are handed back, for nothing would come of them."""
    await chat.say(ada, "/render seed:77 x2")
    second = await after(chat, first)
    assert (settings_of_last(house).seed, settings_of_last(house).count) == (77, 2)
    await chat.say(ada, "/render make the tent red")
    told = await chat.wait_for(lambda message: "/refine make the tent red" in message.text)
    assert not told.photo
    assert len(house.renderer.painted) == 2
    await chat.say(ada, "/refine change the clown to a magician")
    third = await after(chat, first, second)
    assert "magician" in third.text


@pytest.mark.usefixtures("first")
async def test_regions_are_locked_added_and_removed(house: House, ada: Person, chat: PrivateChat) -> None:
    """/regions: a lock is a line and a sign; a new region is painted; 🗑 paints without one."""
    await chat.say(ada, "/regions")
    panel = await chat.wait_for(lambda message: any("clown" in str(row) for row in message.buttons))
    await chat.press(ada, panel, "clown")
    await chat.until(lambda: any("🔒" in str(row) for row in panel.buttons))
    assert (await chat.press(ada, panel, "🔒")).text.startswith("Locked")
    await chat.until(lambda: any("🔓" in str(row) for row in panel.buttons))

    await chat.press(ada, panel, "🧩")
    await chat.until(lambda: any("➕" in str(row) for row in panel.buttons))
    await chat.press(ada, panel, "➕")
    await chat.until(lambda: any("✅" in str(row) for row in panel.buttons))
    await chat.press(ada, panel, "description")
    question = await chat.wait_for(lambda message: message.forces_reply)
    await chat.reply(ada, question, "a red balloon")
    await chat.until(lambda: "a red balloon" in panel.text)
    await chat.press(ada, panel, "✅")
    await chat.until(lambda: len(house.renderer.painted) == 2 and panel.is_deleted)
    painted = house.renderer.painted[-1][0]
    assert [local.description for local in painted.local_descriptions][-1] == "a red balloon"

    newest = await chat.until(lambda: [each for each in chat.bot_messages if is_result(each)][1:])
    await chat.press(ada, newest[-1], "🧩")
    other = await chat.wait_for(lambda message: "a tent" in str(message.buttons))
    await chat.press(ada, other, "a tent")
    await chat.until(lambda: any("🗑" in str(row) for row in other.buttons))
    await chat.press(ada, other, "🗑")
    await chat.until(lambda: len(house.renderer.painted) == 3)
    rest = [local.description for local in house.renderer.painted[-1][0].local_descriptions]
    assert rest == ["a clown", "a red balloon"]


async def test_a_misspelt_colour_keeps_the_form_open(
    house: House, ada: Person, chat: PrivateChat, first: Message
) -> None:
    """It is not taken for another one: the nearest is named, and the form waits with what it holds."""
    await chat.press(ada, first, "🧩")
    panel = await chat.wait_for(lambda message: "a clown" in str(message.buttons))
    await chat.press(ada, panel, "a clown")
    await chat.until(lambda: any("✏️ Edit" in row for row in panel.buttons))
    await chat.press(ada, panel, "✏️ Edit")
    await chat.until(lambda: any("✅" in str(row) for row in panel.buttons))
    for colour, is_right in (("crimsn", False), ("crimson", True)):
        await chat.press(ada, panel, "colour")
        question = await chat.wait_for(lambda message: message.forces_reply)
        await chat.reply(ada, question, colour)
        await chat.until(lambda: colour in panel.text.split("\n")[-2])  # noqa: B023 - it is awaited
        await chat.until(lambda: question.is_deleted)  # noqa: B023
        answer = await chat.press(ada, panel, "✅")
        if not is_right:
            assert "crimson" in answer.text
            assert answer.is_alert
            assert not panel.is_deleted
    await chat.until(lambda: panel.is_deleted and len(house.renderer.painted) == 2)
    assert house.renderer.painted[-1][0].local_descriptions[0].color == "crimson"


async def test_each_picture_of_a_batch_has_its_buttons(house: House, ada: Person, chat: PrivateChat) -> None:
    """U2 shows the second larger, V3 paints neighbours of the third."""
    await chat.say(ada, "/omost x4 seed:100 a fair")
    grid = await after(chat)
    await chat.press(ada, grid, "U2")
    await chat.until(lambda: len(house.renderer.painted) == 2)
    assert (settings_of_last(house).seed, settings_of_last(house).count) == (101, 1)
    await chat.press(ada, grid, "V3")
    await chat.until(lambda: len(house.renderer.painted) == 3)
    assert (settings_of_last(house).seed, settings_of_last(house).count) == (103, 4)


async def test_a_file_of_ours_can_be_replied_to(
    house: House, ada: Person, chat: PrivateChat, first: Message
) -> None:
    """The untouched original is a result as well: a reply to it changes the scene."""
    await chat.press(ada, first, "📜")
    plan = await chat.wait_for(lambda message: "PNG" in str(message.buttons))
    await chat.press(ada, plan, "PNG")
    original = await chat.wait_for(
        lambda message: message.document and message.document.name.endswith(".png")
    )

    async def is_known() -> bool:
        return await house.store.post("telegram", str(chat.id), str(original.id)) is not None

    await eventually(is_known, "the file is remembered")
    said = await chat.reply(ada, original, "change the clown to a magician")
    changed = await after(chat, first)
    assert changed.reply_to is said
    assert "magician" in changed.text


@pytest.mark.parametrize("which", ["the plan", "its code"])
async def test_a_plan_can_be_replied_to(
    house: House, ada: Person, chat: PrivateChat, first: Message, which: str
) -> None:
    """The layout and the code are about the picture: a reply to either changes its scene."""
    await chat.press(ada, first, "📜")
    plan = await chat.wait_for(lambda message: "PNG" in str(message.buttons))
    code = await chat.wait_for(lambda message: message.document and message.document.name.endswith(".py"))
    answered = plan if which == "the plan" else code

    async def is_known() -> bool:
        return await house.store.post("telegram", str(chat.id), str(answered.id)) is not None

    await eventually(is_known, "it is remembered")
    await chat.reply(ada, answered, "change the clown to a magician")
    assert "magician" in (await after(chat, first)).text
    newest, before = (await house.store.history(ConversationKey("telegram", str(chat.id)), 2))[::-1]
    assert newest.parent_id == before.id


class _Sketching(AnyRenderer):
    """Shows what it has painted so far, and waits to be let go on."""

    async def render(
        self,
        canvas: Canvas,
        settings: SceneSettings,
        economy: Economy = Economy.NONE,
        base: Base | None = None,
    ) -> AsyncIterator[RenderEvent]:
        yield RenderStep(1, 2)
        yield RenderPreview(Image.new("RGB", (64, 80), "salmon"))
        assert self.gate
        await self.gate.wait()
        async for event in super().render(canvas, settings, economy, base):
            yield event


async def test_the_picture_is_seen_while_it_is_painted(telegram: BotApi, tmp_path: Path) -> None:
    """A preview is put into the one message as a photo, in the middle of the work."""
    house = House(telegram, tmp_path)
    house.renderer = _Sketching(gate=asyncio.Event())
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    async with house:
        await chat.say(ada, WISH)
        message = await chat.wait_for(lambda message: message.photo)
        assert not is_result(message)
        assert message.buttons == [["❌"]]
        assert "1/2" in message.text
        preview = message.photo
        assert house.renderer.gate
        house.renderer.gate.set()
        assert await after(chat) is message
        assert message.photo != preview
    assert chat.bot_messages == [message]


async def test_a_picture_is_sent_once_and_kept_by_nobody(server: BotApi, bot: Bot) -> None:
    """New words below a picture do not send it again; what nobody shows any more takes no memory."""
    ada = server.person("Ada")
    there = server.private(ada)
    await there.say(ada, "/start")
    platform, chat = TelegramPlatform(bot), chats.Chat("telegram", str(ada.id), is_private=True)
    sketch = Image.new("RGB", (64, 80), "salmon")
    picture, pixels = Picture(sketch), ref(sketch)
    del sketch
    message = chats.Message(chat, await platform.post(chat, View(plain("one"), picture), key="one"))
    await platform.edit(message, View(plain("two"), picture))
    assert there.bot_messages[0].text == "two"
    assert len(server.calls("editMessageMedia")) == 0
    del picture
    gc.collect()
    assert pixels() is None
    await platform.edit(message, View(plain("three")))
    assert there.bot_messages[0].text == "three"
    assert there.bot_messages[0].photo
