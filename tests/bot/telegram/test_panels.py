"""Panels in groups: whose they are, and how little they take of what may be sent there."""

import asyncio

import pytest

from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.groups import GroupChat
from tests.bot.telegram.house import House, after
from tests.bot.telegram.messages import Message, Person

WISH = "/omost a fair"


@pytest.fixture
def people(telegram: BotApi) -> list[Person]:
    """The group's owner, and two others."""
    return [telegram.person(name) for name in ("Ada", "Ben", "Eve")]


@pytest.fixture
def group(telegram: BotApi, people: list[Person]) -> GroupChat:
    return telegram.group("Club", *people)


@pytest.fixture
async def panel(house: House, group: GroupChat, people: list[Person]) -> Message:
    """Ben's panel of the regions of his picture."""
    _, ben, _ = people
    await group.say(ben, WISH)
    first = await after(group)
    await group.press(ben, first, "🧩")
    panel = await group.wait_for(lambda message: "a clown" in str(message.buttons))

    async def is_known() -> bool:
        return await house.store.post("telegram", str(group.id), str(panel.id)) is not None

    async with asyncio.timeout(120):
        while not await is_known():  # noqa: ASYNC110 - a row in a database
            await asyncio.sleep(0.01)
    return panel


async def test_nobody_takes_over_the_panel_of_another(
    group: GroupChat, people: list[Person], panel: Message
) -> None:
    """Who did not open it is told so, alone, and it stays as it was: for its person, and for moderators."""
    ada, ben, eve = people
    looks = len(panel.history)
    for button in ("a clown", "➕", "✖"):
        answer = await group.press(eve, panel, button)
        assert answer.is_alert
        assert "moderators" in answer.text
    assert len(panel.history) == looks
    assert not panel.is_deleted
    await group.press(ben, panel, "a clown")
    await group.until(lambda: any("✏️ Edit" in row for row in panel.buttons))
    assert (await group.press(eve, panel, "✏️ Edit")).is_alert
    await group.press(ada, panel, "✖")
    await group.until(lambda: panel.is_deleted)


async def test_a_form_belongs_to_who_opened_it(
    group: GroupChat, people: list[Person], panel: Message
) -> None:
    """Somebody else can neither fill in the form that a panel has become, nor close it."""
    _, ben, eve = people
    await group.press(ben, panel, "a clown")
    await group.until(lambda: any("✏️ Edit" in row for row in panel.buttons))
    await group.press(ben, panel, "✏️ Edit")
    await group.until(lambda: any("✅ Done" in row for row in panel.buttons))
    for button in ("colour", "✅", "✖"):
        assert (await group.press(eve, panel, button)).is_alert
    assert not panel.is_deleted
    await group.press(ben, panel, "colour")
    question = await group.wait_for(lambda message: message.forces_reply)
    refusal = await group.reply(eve, question, "blue")
    told = await group.wait_for(lambda message: message.reply_to is refusal)
    assert "moderators" in told.text
    assert "red" in panel.text


async def test_quick_presses_are_few_edits(
    telegram: BotApi, group: GroupChat, people: list[Person], panel: Message
) -> None:
    """Presses that come during an edit are all answered; of what they lead to only the newest is shown."""
    _, ben, _ = people
    late = telegram.faults.delay("editMessageText", message_id=panel.id)
    presses = [group.touch(ben, panel, "a clown")]
    await telegram.until(lambda: late.struck)
    presses += [
        group.touch(ben, panel, name) for name in ("a tent", "a clown", "a tent", "a clown", "a tent")
    ]
    await telegram.until(lambda: all(press.answer for press in presses))
    late.gate.set()
    await group.until(lambda: panel.text.startswith("a tent"))
    edits = [call for call in telegram.calls("editMessageText") if call.integer("message_id") == panel.id]
    assert len(edits) == 2


async def test_a_line_is_no_edit(
    telegram: BotApi, group: GroupChat, people: list[Person], panel: Message
) -> None:
    """What is answered in a line, or to who may not, takes nothing of what may be sent in the group."""
    _, ben, eve = people
    picture = group.bot_messages[0]
    before = len(telegram.all_calls)
    assert (await group.press(ben, picture, "⭐")).text
    assert (await group.press(eve, panel, "✖")).text
    sent = {call.method for call in telegram.all_calls[before:]} - {"getUpdates", "getChatAdministrators"}
    assert sent == {"answerCallbackQuery"}


async def test_help_that_is_too_long_goes_on_in_another_message(
    house: House, group: GroupChat, people: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is cut off: the rest follows, each message within what Telegram takes."""
    assert house
    monkeypatch.setattr("bot.telegram.answering.MAX_TEXT_UNITS", 300)
    monkeypatch.setattr("bot.telegram.showing.MAX_TEXT_UNITS", 300)
    said = await group.say(people[0], "/help")
    await group.wait_for(lambda message: "/forget" in message.text)
    await group.wait_for(lambda message: "/settings here" in message.text)
    pages = [message for message in group.bot_messages if message.reply_to is said]
    assert len(pages) > 2
    assert all(len(message.text) <= 300 and not message.text.endswith("…") for message in pages)
