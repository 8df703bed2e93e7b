"""The one message of each turn, in a chat that fails in every way that chats fail, and over restarts."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from bot.chat.messages import ATTEMPTS
from bot.chat.platform import (
    Chat,
    ChatGone,
    MessageGone,
    NotPermitted,
    PlatformError,
    SlowDown,
    TooLarge,
    Unsure,
)
from bot.chat.presses import Action
from storage.records import ConversationKey, TurnStatus
from tests.bot.chat.platform import Person, Shown


def results(stage) -> list[str]:
    """The texts of all messages that look like a result: those with a picture and more than one button."""
    return [found.text for found in stage.platform.messages() if len(found.buttons) > 1]


async def test_a_placeholder_that_perhaps_arrived_is_not_sent_again(stage):
    """After a time-out the turn goes on; its result is in one message, whatever became of the placeholder."""
    stage.platform.fail("post", Unsure(), has_effect=True)
    stage.renderer.gate = asyncio.Event()
    said, order = await stage.submitted()
    for _ in range(2):
        await stage.begin(said, order)
    assert stage.platform.counted("post") == 1
    stage.renderer.gate.set()
    shown = await stage.result(order.turn_id)
    assert len(results(stage)) == 1
    assert shown.reply_to == said.message_id


async def test_a_message_that_was_removed_comes_back_as_the_result(stage):
    """Whoever removes the placeholder gets the picture all the same, in reply to what was asked."""
    stage.renderer.gate = asyncio.Event()
    turn_id = await stage.ask()
    stage.platform.lose(stage.platform.messages()[0].message)
    stage.renderer.gate.set()
    shown = await stage.result(turn_id)
    assert shown.reply_to == f"ann-{stage.ANN.said}"
    assert len(results(stage)) == 1


@pytest.mark.parametrize("is_watched", [True, False])
async def test_a_chat_that_moves_takes_its_messages_along(stage, is_watched):
    """A group that gets another id hears the result there, whether progress or the result finds it out."""
    stage.renderer.gate = asyncio.Event()
    turn_id = await stage.ask()
    if not is_watched:
        await stage.messages._unwatch(turn_id)
    stage.platform.move("room", "bigroom")
    stage.renderer.gate.set()
    shown = await stage.result(turn_id)
    assert shown.message.chat.chat_id == "bigroom"
    assert len(results(stage)) == 1
    assert await stage.store.head(ConversationKey(stage.platform.name, "bigroom"))
    post = await stage.store.post_of_turn(turn_id)
    assert post.chat_id == "bigroom"
    assert post.data["delivered"] is True


async def test_a_chat_that_is_gone_ends_it_quietly(stage):
    """Nobody is there any more: nothing is tried again, not even after a restart."""
    stage.renderer.gate = asyncio.Event()
    turn_id = await stage.ask()
    stage.platform.close("room")
    stage.renderer.gate.set()
    await stage.ended(turn_id)
    calls = len(stage.platform.calls)
    await stage.restart()
    assert len(stage.platform.calls) == calls
    assert await stage.store.open_posts(stage.platform.name) == ()


@pytest.mark.parametrize("error", [NotPermitted("send-pictures"), ChatGone()])
async def test_where_nothing_may_be_said_the_turn_is_called_off(stage, error):
    """A placeholder that is refused for good is an answer for who asked, not work for the painter."""
    stage.platform.fail("post", error, times=2)
    said, order = await stage.submitted()
    with pytest.raises(type(error)):
        await stage.begin(said, order)
    assert (await stage.ended(order.turn_id)).status is TurnStatus.CANCELLED
    assert stage.platform.messages() == []


async def test_the_final_edit_waits_when_the_platform_slows_down(stage):
    """A flood limit of minutes delays the result, and nothing is lost or tried meanwhile."""
    stage.renderer.gate = asyncio.Event()
    turn_id = await stage.ask()
    await stage.renderer.has_begun.wait()
    stage.platform.fail("edit", SlowDown(300.0))
    stage.renderer.gate.set()
    shown = await stage.result(turn_id)
    assert shown.press(Action.AGAIN)
    edits = [call.at_s for call in stage.platform.calls if call.method == "edit"]
    failed = max(range(len(edits) - 1), key=lambda index: edits[index + 1] - edits[index])
    assert edits[failed + 1] - edits[failed] >= 300.0


async def test_a_picture_that_is_too_large_is_explained(stage):
    """The words and the buttons come where the picture does not fit, with the reason."""
    stage.renderer.gate = asyncio.Event()
    turn_id = await stage.ask()
    await stage.renderer.has_begun.wait()
    await stage.messages._unwatch(turn_id)
    stage.platform.fail("edit", TooLarge())
    stage.renderer.gate.set()
    shown = await stage.result(turn_id)
    assert "too large" in shown.text
    assert shown.view.picture is None
    assert shown.press(Action.AGAIN)


async def test_what_is_refused_again_and_again_goes_without_its_picture(stage):
    """A result that the platform will not take ends as words, not as progress that stands still."""
    stage.renderer.gate = asyncio.Event()
    turn_id = await stage.ask()
    await stage.renderer.has_begun.wait()
    await stage.messages._unwatch(turn_id)
    stage.platform.fail("edit", PlatformError(), times=ATTEMPTS - 1)
    stage.renderer.gate.set()
    shown = await stage.result(turn_id)
    assert shown.view.picture is None
    assert shown.press(Action.AGAIN)


@pytest.mark.parametrize("has_effect", [False, True])
async def test_an_edit_that_nobody_knows_of_is_made_again(stage, has_effect):
    """Editing twice is editing once."""
    stage.platform.fail("edit", Unsure(), times=3, has_effect=has_effect)
    turn_id = await stage.ask()
    await stage.result(turn_id)
    assert len(results(stage)) == 1


async def tried_again(stage):
    """Waits until a delivery has been tried that was begun after this."""
    before = stage.platform.counted("edit")
    await stage.platform.until(lambda: stage.platform.counted("edit") >= before + 2, "two more tries")


async def test_pictures_that_are_not_kept_any_more_are_words(stage):
    """A result whose pictures were removed before it was delivered says so, and can be painted again."""
    stage.platform.fail("edit", PlatformError(), times=10_000)
    turn_id = await stage.ask()
    revision_id = (await stage.done(turn_id)).revision_id
    await stage.store.remove_pictures(datetime.now(UTC) + timedelta(days=1))
    await tried_again(stage)
    stage.platform.heal()
    shown = await stage.result(turn_id)
    assert shown.text.endswith("This picture is no longer kept.")
    assert shown.press(Action.AGAIN).subject == revision_id


async def test_damaged_pictures_are_words(stage):
    """A batch of which a file cannot be read any more ends in words, and can be painted again."""
    stage.platform.fail("edit", PlatformError(), times=10_000)
    turn_id = await stage.ask(count=2)
    revision = await stage.store.revision((await stage.done(turn_id)).revision_id)
    (await stage.store.image_path(revision.images[1].id)).write_bytes(b"no picture")
    await tried_again(stage)
    stage.platform.heal()
    shown = await stage.result(turn_id)
    assert shown.text.endswith("This picture is no longer kept.")
    assert shown.press(Action.AGAIN).subject == revision.id


async def test_a_message_that_comes_after_the_end_says_how_it_ended(stage):
    """An update that comes again when its turn is over, and nobody could be told, does not start over."""
    stage.platform.fail("post", NotPermitted("send-messages"), times=2)
    said, order = await stage.submitted()
    with pytest.raises(NotPermitted):
        await stage.begin(said, order)
    await stage.ended(order.turn_id)
    await stage.begin(said, order)
    await stage.platform.until(lambda: stage.platform.messages()[0].text.endswith("Cancelled."))


# --- restarts -----------------------------------------------------------------------------------------


async def test_a_restart_in_the_middle_ends_in_the_same_message(stage):
    """The process ends while it is painted; the next one goes on in the same message."""
    stage.renderer.gate = asyncio.Event()
    turn_id = await stage.ask()
    await stage.renderer.has_begun.wait()
    message = stage.platform.messages()[0]
    await stage.restart()
    await stage.platform.until(lambda: "Painting" in message.text)
    stage.renderer.gate.set()
    assert await stage.result(turn_id) is message
    assert len(stage.platform.shown) == 1


async def test_a_result_that_was_not_delivered_is_delivered_after_a_restart(stage):
    """The turn ended while the platform was away; the next process makes the message the result."""
    stage.platform.fail("edit", PlatformError(), times=10_000)
    turn_id = await stage.ask(count=2)
    await stage.done(turn_id)
    message = stage.platform.messages()[0]
    await stage.close()
    stage.platform.heal()
    await stage.open()
    assert [post.turn_id for post in await stage.store.open_posts(stage.platform.name)] == [turn_id]
    await stage.messages.resume()
    assert await stage.result(turn_id) is message
    assert len(results(stage)) == 1
    assert len(stage.platform.album()) == 2


async def test_nothing_is_delivered_after_the_end(stage):
    """A delivery that comes when the messages are closed is refused, so that it is made again."""
    turn_id = await stage.ask()
    await stage.result(turn_id)
    async with stage.messages:
        pass
    with pytest.raises(PlatformError):
        await stage.messages.deliver(await stage.store.turn(turn_id))


async def test_a_turn_without_a_message_still_gets_its_result(stage):
    """The process ended between storing the turn and posting: the result is a message of its own."""
    _, order = await stage.submitted()
    shown = await stage.result(order.turn_id)
    assert shown.press(Action.AGAIN)
    assert shown.message.chat == Chat(stage.platform.name, "room")


# --- whatever happens ---------------------------------------------------------------------------------


def mishaps(chance: random.Random) -> list[tuple[str, PlatformError, bool]]:
    """Some faults of one chat: the method, the error, and whether the call has its effect nevertheless."""
    posting = [(Unsure(), False), (Unsure(), True), (SlowDown(30.0), False), (PlatformError(), False)]
    editing = [*posting, (TooLarge(), False), (NotPermitted("send-pictures"), False), (MessageGone(), False)]
    found = [("post", *chance.choice(posting)) for _ in range(chance.randrange(3))]
    found += [("edit", *chance.choice(editing)) for _ in range(chance.randrange(6))]
    return found + [("post_pictures", *chance.choice(posting)) for _ in range(chance.randrange(2))]


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_each_turn_ends_in_one_result(stage, seed):
    """Lost answers, floods, removed messages, a moved chat, a restart: one result for each turn."""
    chance = random.Random(seed)
    chats = [Chat(stage.platform.name, f"chat-{number}") for number in range(10)]
    stage.renderer.gate = asyncio.Event()
    for chat in chats:
        for method, error, has_effect in mishaps(chance):
            stage.platform.fail(method, error, has_effect=has_effect, chat_id=chat.chat_id)
    asked = [stage.ask(Person(chat.chat_id), chat, count=chance.choice([1, 2])) for chat in chats]
    turn_ids = await asyncio.gather(*asked)
    stage.platform.move("chat-0", "chat-0-moved")
    stage.platform.close("chat-1")
    for found in stage.platform.messages("chat-2"):
        stage.platform.lose(found.message)
    await stage.restart()
    stage.renderer.gate.set()
    for turn_id in turn_ids:
        await stage.messages.deliver(await stage.done(turn_id))
        await stage.messages.deliver(await stage.done(turn_id))
    found = {chat.chat_id: len(endings(stage, chat.chat_id)) for chat in chats}
    found["chat-0"] += len(endings(stage, "chat-0-moved"))
    assert found == {chat.chat_id: int(chat.chat_id != "chat-1") for chat in chats}


def endings(stage, chat_id: str) -> list[Shown]:
    """The messages in the chat that tell how a turn ended."""
    actions = [
        (found, {button.press.action for button in found.buttons})
        for found in stage.platform.messages(chat_id)
    ]
    return [found for found, pressed in actions if Action.AGAIN in pressed]
