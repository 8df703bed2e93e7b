"""What Telegram and the way to it do wrong, and what the bot makes of it: one result, whatever happens."""

import asyncio

import pytest

from storage.errors import NotFound
from storage.records import TurnStatus
from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.house import House, after, is_result
from tests.bot.telegram.refusals import bad_request
from tests.engine.conftest import eventually

A_MONTH_S = 30 * 24 * 3600
WISH = "/omost a fair"


async def test_a_repeated_update_does_nothing(telegram: BotApi, house: House) -> None:
    """Updates that come again, also the press of a button, lead to nothing new."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, WISH)
    first = await after(chat)
    await chat.press(ada, first, "🎲")
    second = await after(chat, first)
    telegram.updates.repeat(*telegram.updates.all)
    await telegram.updates.confirmed()
    await chat.say(ada, "/queue")
    await chat.wait_for(lambda message: not message.photo and not message.is_deleted)
    assert [message for message in chat.bot_messages if message.photo] == [first, second]
    assert len(house.renderer.painted) == 2


@pytest.mark.usefixtures("house")
async def test_updates_may_come_in_any_order(telegram: BotApi) -> None:
    """Requests of several chats that arrive backwards all become pictures."""
    people = [telegram.person(name) for name in ("Ada", "Bob", "Cleo")]
    telegram.updates.hold()
    for person in people:
        await telegram.private(person).say(person, WISH)
    telegram.updates.release()
    for person in people:
        await after(telegram.private(person))


@pytest.mark.usefixtures("house")
async def test_a_placeholder_whose_answer_is_lost_is_not_sent_twice(telegram: BotApi) -> None:
    """The time-out after which the message did arrive: there is one result."""
    telegram.faults.drop_answer("sendMessage")
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, WISH)
    await after(chat)
    assert len([message for message in chat.bot_messages if is_result(message)]) == 1


@pytest.mark.parametrize("method", ["editMessageText", "editMessageMedia"])
@pytest.mark.usefixtures("house")
async def test_an_edit_whose_answer_is_lost_is_made_again(telegram: BotApi, method: str) -> None:
    """Edits may be made twice; the result stands in the one message."""
    telegram.faults.drop_answer(method)
    telegram.faults.fail(method, code=502)
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, WISH)
    result = await after(chat)
    assert chat.bot_messages == [result]


@pytest.mark.usefixtures("house")
async def test_flood_control_delays_and_loses_nothing(telegram: BotApi) -> None:
    """A RetryAfter silences the chat for as long as it says, and the result comes all the same."""
    telegram.faults.flood("sendMessage", retry_after_s=2)
    telegram.faults.flood("editMessageMedia", retry_after_s=2)
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, WISH)
    result = await after(chat)
    assert chat.bot_messages == [result]
    sent = [call for call in telegram.all_calls if call.integer("chat_id") == chat.id]
    refused_at_s = [call.at_s for call in sent if call.code == 429]
    assert len(refused_at_s) == 2
    assert not [call for call in sent for at_s in refused_at_s if at_s < call.at_s < at_s + 2]


async def test_a_removed_message_is_replaced(telegram: BotApi, house: House) -> None:
    """Somebody deletes the message while it is painted: the result comes as another one."""
    house.renderer.gate = asyncio.Event()
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, WISH)
    placeholder = await chat.wait_for(lambda message: "Painting" in message.text)
    await chat.delete(placeholder)
    house.renderer.gate.set()
    assert await after(chat) is not placeholder


@pytest.mark.usefixtures("house")
async def test_a_month_old_button_works(telegram: BotApi) -> None:
    """Its message is told by its number alone, and still it paints again."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, WISH)
    first = await after(chat)
    telegram.clock.advance(A_MONTH_S)
    await chat.press(ada, first, "🎲", is_inaccessible=True)
    assert (await after(chat, first)).reply_to is first


@pytest.mark.usefixtures("house")
async def test_a_press_that_is_too_old_is_carried_out(telegram: BotApi) -> None:
    """Telegram takes no answer any more; what was asked for is done."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, WISH)
    first = await after(chat)
    telegram.updates.hold()
    press = chat.touch(ada, first, "🎲")
    telegram.clock.advance(3600)
    telegram.updates.release()
    await after(chat, first)
    assert press.answer is None


async def test_a_group_that_becomes_a_supergroup_goes_on(telegram: BotApi, house: House) -> None:
    """What is painted while a group migrates arrives in the new one, and can be changed there."""
    house.renderer.gate = asyncio.Event()
    ada = telegram.person("Ada")
    group = telegram.group("Club", ada, kind="group")
    await group.say(ada, WISH)
    await group.wait_for(lambda message: message.text)
    new = group.migrate()
    house.renderer.gate.set()
    first = await after(new)
    await new.reply(ada, first, "change the clown to a magician")
    second = await after(new, first)
    assert "magician" in second.text


async def test_a_chat_that_is_gone_holds_nobody_up(telegram: BotApi, house: House) -> None:
    """Blocked by one person and removed from a group, the bot serves the others."""
    house.renderer.gate = asyncio.Event()
    ada, bob = telegram.person("Ada"), telegram.person("Bob")
    chat, group = telegram.private(ada), telegram.group("Club", bob)
    await chat.say(ada, WISH)
    await group.say(bob, WISH)
    for place in (chat, group):
        await place.wait_for(lambda message: message.text)
    chat.block()
    group.kick_bot()
    house.renderer.gate.set()
    other = telegram.private(bob)
    await other.say(bob, WISH)
    await after(other)
    assert not [message for place in (chat, group) for message in place.bot_messages if message.photo]


@pytest.mark.usefixtures("house")
async def test_missing_permissions_are_said(telegram: BotApi) -> None:
    """Where no pictures may be sent, the message says so; where nothing may be, all is quiet."""
    ada = telegram.person("Ada")
    group = telegram.group("Club", ada)
    group.restrict_bot("text")
    await group.say(ada, WISH)
    telegram.faults.refuse(
        "editMessageMedia", bad_request("not enough rights to send photos to the chat"), times=20
    )
    told = await group.wait_for(lambda message: "permission" in message.text)
    assert "to send pictures" in told.text
    assert any("🎲" in row for row in told.buttons)


async def test_a_closed_topic_ends_quietly(telegram: BotApi, house: House) -> None:
    """A request from a topic that is closed meanwhile is called off; another topic is served."""
    ada = telegram.person("Ada")
    forum = telegram.forum("Club", ada)
    one, two = forum.open_topic("one"), forum.open_topic("two")
    telegram.updates.hold()
    said = await forum.say(ada, WISH, topic=one)
    forum.close_topic(one)
    await forum.say(ada, WISH, topic=two)
    house.renderer.gate = asyncio.Event()
    telegram.updates.release(lambda updates: updates)

    async def is_called_off() -> bool:
        try:
            turn = await house.store.turn(f"telegram:{forum.id}:{said.id}")
        except NotFound:  # not yet
            return False
        return turn.status is TurnStatus.CANCELLED

    await eventually(is_called_off, "the request in the closed topic is called off")
    house.renderer.gate.set()
    result = await after(forum)
    assert result.thread_id == two.id
    assert forum.bot_messages == [result]


async def test_what_breaks_each_time_is_given_up(
    telegram: BotApi, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update that cannot be handled is given up after three attempts, and the person is told."""
    monkeypatch.setattr("bot.telegram.inbox.PAUSE_S", 0.05)
    telegram.faults.refuse("getFile", bad_request("wrong file_id"), times=100)
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.send_document(ada, b"x", "scene.py")
    await chat.wait_for(lambda message: "unexpected" in message.text)
    assert len(telegram.calls("getFile")) == 3

    async def is_handled() -> bool:
        return await house.store.unhandled("telegram") == ()

    await eventually(is_handled, "the update is given up")
