"""The whole story on Telegram, over HTTP: from the first words to a scene file that comes back."""

import asyncio
from pathlib import Path

import pytest

from storage.records import TurnStatus
from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.house import House, after, is_result
from tests.engine.conftest import eventually

HOLIDAY = "/omost Happy Children's Day"


@pytest.mark.usefixtures("house")
async def test_words_become_a_picture_in_one_message(telegram: BotApi) -> None:
    """`/omost` is answered at once, and that very message becomes the picture with its buttons."""
    ada = telegram.person("Ada", "de")
    chat = telegram.private(ada)
    said = await chat.say(ada, HOLIDAY)
    placeholder = await chat.wait_for(lambda message: message.reply_to is said)
    assert await chat.wait_for(is_result) is placeholder
    assert placeholder.buttons == [["🎲", "🧩", "↩️", "⬆️"], ["📜", "⭐", "✏️"]]
    assert chat.bot_messages == [placeholder]
    looks = [look.content for look in placeholder.history]
    assert "…" in looks[0].text
    assert all("Happy Children's Day" in look.text for look in looks[1:-1])


async def test_the_whole_story(telegram: BotApi, house: House) -> None:
    """A reply changes the scene, 🎲 paints it again, a region is edited, undo goes back, all is shown."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, HOLIDAY)
    first = await after(chat)

    said = await chat.reply(ada, first, "change the clown to a magician")
    second = await after(chat, first)
    assert second.reply_to is said
    assert "magician" in second.text

    assert (await chat.press(ada, second, "🎲")).text
    third = await after(chat, first, second)
    assert third.reply_to is second

    await chat.press(ada, third, "🧩")
    regions = await chat.wait_for(lambda message: "region" in message.text and message.buttons)
    await chat.press(ada, regions, "magician")
    await chat.until(lambda: any("✏️ Edit" in row for row in regions.buttons))
    await chat.press(ada, regions, "✏️ Edit")
    await chat.until(lambda: any("✅ Done" in row for row in regions.buttons))
    await chat.press(ada, regions, "colour")
    question = await chat.wait_for(lambda message: message.forces_reply)
    await chat.reply(ada, question, "crimson")
    await chat.until(lambda: "crimson" in regions.text)
    await chat.until(lambda: question.is_deleted)
    await chat.press(ada, regions, "location")
    await chat.until(lambda: any("on the right" in row for row in regions.buttons))
    await chat.press(ada, regions, "on the right")
    await chat.until(lambda: "on the right" in regions.text)
    await chat.press(ada, regions, "✅ Done")
    fourth = await after(chat, first, second, third)
    await chat.until(lambda: regions.is_deleted)
    magician = house.renderer.painted[-1][0].local_descriptions[0]
    assert (magician.color, magician.location) == ("crimson", "on the right")

    await chat.press(ada, fourth, "↩️")
    await chat.wait_for(lambda message: is_result(message) and message.id > fourth.id)

    await chat.say(ada, "/history")
    tree = await chat.wait_for(lambda message: message.photo and not is_result(message))
    assert len(tree.buttons) == 4
    shown = len(chat.bot_messages)
    await chat.press(ada, tree, "1.")
    await chat.until(lambda: len(chat.bot_messages) > shown)


async def test_the_story_goes_on_after_a_restart(telegram: BotApi, tmp_path: Path) -> None:
    """Ended in the middle of a picture and opened again: the same message, one history, and all goes on."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    async with House(telegram, tmp_path) as house:
        await chat.say(ada, HOLIDAY)
        first = await after(chat)
        house.renderer.gate = asyncio.Event()
        await chat.reply(ada, first, "change the clown to a magician")
        second = await chat.wait_for(lambda message: "Painting" in message.text)
    assert not is_result(second)
    async with House(telegram, tmp_path) as house:
        await chat.until(lambda: is_result(second))
        assert "magician" in second.text
        await chat.press(ada, second, "↩️")
        back = await after(chat, first, second)
        await chat.say(ada, "/omost x4 a fair")
        grid = await after(chat, first, second, back)
        await chat.until(lambda: [message for message in chat.bot_messages if message.media_group_id][3:])
        house.renderer.gate = asyncio.Event()
        await chat.press(ada, grid, "🎲")
        running = await chat.wait_for(lambda message: ["❌"] in message.buttons)
        await chat.press(ada, running, "❌")
        await chat.until(lambda: "Cancelled" in running.text)
        house.renderer.gate.set()
        await chat.say(ada, "/history")
        tree = await chat.wait_for(lambda message: message.photo and "go on from" in message.text)
        assert len(tree.buttons) >= 3
    assert len([message for message in chat.bot_messages if is_result(message)]) == 4


@pytest.mark.usefixtures("house")
async def test_a_change_is_asked_for(telegram: BotApi) -> None:
    """✏️ asks what to change with a forced reply, whose answer is the change."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, HOLIDAY)
    first = await after(chat)
    await chat.press(ada, first, "✏️")
    question = await chat.wait_for(lambda message: message.forces_reply)
    await chat.reply(ada, question, "change the clown to a magician")
    second = await after(chat, first)
    assert "magician" in second.text
    await chat.until(lambda: question.is_deleted)


async def test_cancelled_while_painting(telegram: BotApi, house: House) -> None:
    """❌ calls the request off within a step, and the message says so and offers another try."""
    house.renderer.gate = asyncio.Event()
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, HOLIDAY)
    running = await chat.wait_for(lambda message: "Painting" in message.text and message.buttons)
    assert (await chat.press(ada, running, "❌")).text
    await chat.until(lambda: "Cancelled" in running.text)
    assert running.buttons == [["🎲"]]
    house.renderer.gate.set()
    chat.touch(ada, running, "🎲")
    await after(chat, running)


async def test_several_pictures_are_an_album(telegram: BotApi, house: House) -> None:
    """Four pictures are a message with a grid and buttons for each, and an album to reply to."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, "/omost x4 a fair")
    grid = await after(chat)
    assert [row for row in grid.buttons if row[0] in ("U1", "V1")] == [
        ["U1", "U2", "U3", "U4"],
        ["V1", "V2", "V3", "V4"],
    ]
    await chat.until(lambda: sum(bool(message.media_group_id) for message in chat.bot_messages) == 4)
    album = [message for message in chat.bot_messages if message.media_group_id]
    assert [message.buttons for message in album] == [[]] * 4

    async def is_known() -> bool:
        return await house.store.post("telegram", str(chat.id), str(album[2].id)) is not None

    await eventually(is_known, "the album is remembered")
    await chat.reply(ada, album[2], "change the clown to a magician")
    changed = await after(chat, grid, *album)
    seeds = [settings.seed for _, settings in house.renderer.painted]
    assert seeds[-1] == seeds[0] + 2
    assert changed


async def test_a_scene_comes_back_as_a_file(telegram: BotApi, house: House) -> None:
    """The untouched original and the code of the plan can be sent in again; a photo is explained."""
    ada, bob = telegram.person("Ada"), telegram.person("Bob", "zh-hans")
    chat, other = telegram.private(ada), telegram.private(bob)
    await chat.say(ada, HOLIDAY)
    first = await after(chat)
    await chat.press(ada, first, "📜")
    plan = await chat.wait_for(
        lambda message: message.photo and any("PNG" in str(row) for row in message.buttons)
    )
    code = await chat.wait_for(lambda message: message.document and message.document.name.endswith(".py"))
    await chat.press(ada, plan, "PNG")
    original = await chat.wait_for(
        lambda message: message.document and message.document.name.endswith(".png")
    )
    assert original.document
    assert code.document
    for file in (original.document, code.document):
        known = other.bot_messages
        await other.send_document(bob, file.data, file.name)
        opened = await after(other, *known)
        assert "🎲" in opened.buttons[0]
    await other.send_photo(bob, first.photo or b"")
    await other.wait_for(lambda message: "文件" in message.text and not message.photo)
    turns = await house.store.open_turns()
    assert turns == ()
    assert (await house.store.turn(f"telegram:{chat.id}:2")).status is TurnStatus.DONE


async def test_a_slow_composer_is_watched_in_drafts(telegram: BotApi, house: House) -> None:
    """In a private chat the regions appear one by one as a draft; in a group nothing of the kind is sent."""
    house.composer.pause_s = 0.12
    ada = telegram.person("Ada")
    chat, group = telegram.private(ada), telegram.group("Club", ada)
    await chat.say(ada, HOLIDAY)
    await chat.until(lambda: any("clown" in draft.text for draft in chat.drafts))
    await after(chat)
    shown = len(telegram.calls("sendMessageDraft"))
    await group.say(ada, HOLIDAY)
    await after(group)
    assert len(telegram.calls("sendMessageDraft")) == shown


@pytest.mark.usefixtures("house")
async def test_an_address_among_the_words_shows_no_page(telegram: BotApi) -> None:
    """Telegram would show what a stranger's page says of itself, under the bot's name."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, "/omost a pond as on https://example.org/pond")
    await chat.wait_for(is_result)
    texts = [*telegram.calls("sendMessage"), *telegram.calls("editMessageText")]
    assert texts
    assert all(call.value("link_preview_options") == {"is_disabled": True} for call in texts)
