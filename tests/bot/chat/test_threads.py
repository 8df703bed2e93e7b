"""Chats that lie in others: settings that hold in them, threads under a picture, chats that moved."""

from dataclasses import replace

from bot.chat.platform import Chat
from bot.chat.presses import Action, Press
from bot.chat.views import Filled
from bot.sections import ChatSettings
from storage.records import TurnStatus
from tests.bot.chat.platform import PLATFORM
from tests.bot.chat.stage import ChatStage
from tests.bot.chat.talking import words_of

ANN, BEN, MO, ROOM = ChatStage.ANN, ChatStage.BEN, ChatStage.MO, ChatStage.ROOM
CHANNEL = Chat(PLATFORM, "channel", within=("guild:1",))
THREAD = Chat(PLATFORM, "thread", within=("guild:1", "channel"))


async def test_settings_hold_in_what_lies_within(talking):
    """Server, channel, thread, person: the narrower wins, and named steps win over a wider preset."""

    async def set_by(scope, chat, **values):
        answer = await talking.talk.fill(MO.says(chat), Press(Action.SETTINGS, scope), Filled(values))
        assert answer.removes, words_of(answer)

    await set_by("server", CHANNEL, steps="9", guidance="3", language="zh", size="320x320")
    await set_by("here", CHANNEL, steps="12")
    await set_by("here", THREAD, guidance="4")
    await set_by("me", THREAD, size="256x256")
    settings = await talking.settings(await talking.asked(MO, THREAD))
    assert (settings.width_px, settings.steps, settings.guidance) == (256, 12, 4.0)
    settings = await talking.settings(await talking.asked(ANN, replace(CHANNEL, chat_id="other")))
    assert (settings.width_px, settings.steps, settings.guidance) == (320, 9, 3.0)
    assert "没有" in words_of(await talking.talk.cancel(ANN.says(THREAD)))
    await set_by("here", THREAD, language="en")
    assert "Nothing" in words_of(await talking.talk.cancel(BEN.says(THREAD)))


async def test_the_servers_settings_are_its_moderators(talking):
    """Others are refused, and where there is no server, it is said what there is."""
    assert "Only" in words_of(await talking.talk.settings(ANN.says(CHANNEL), "server"))
    form = (await talking.talk.settings(MO.says(CHANNEL), "server")).form
    assert form.title == "Settings of this server"
    assert "me, here" in words_of(await talking.talk.settings(MO.says(ROOM), "server"))


async def test_a_thread_goes_on_from_the_picture_that_it_was_opened_under(talking):
    """Commands and replies start there, and then at what came of them; the channel stays where it was."""
    shown = await talking.asked(chat=CHANNEL, seed=41)
    newest = await talking.asked(chat=CHANNEL, seed=42)
    thread = replace(THREAD, started_from=shown.message)
    said = BEN.says(thread)
    await talking.talk.render(said)
    first = await talking.revision(await talking.stage.result(said.key))
    assert first.conversation == thread.conversation
    assert (await talking.store.turn(first.turn_id)).status is TurnStatus.DONE
    root = await talking.store.revision(first.parent_id)
    assert (root.conversation, root.scene.settings.seed) == (thread.conversation, 41)
    said = BEN.says(thread)
    await talking.talk.refine(said, "more")
    second = await talking.revision(await talking.stage.result(said.key))
    assert second.parent_id == first.id
    reply = ANN.says(thread, replace(shown.message, chat=thread))
    await talking.talk.compose(reply, "less")
    assert (await talking.revision(await talking.stage.result(reply.key))).parent_id == root.id
    said = ANN.says(thread)
    await talking.talk.compose(said, "a new pond")
    assert (await talking.revision(await talking.stage.result(said.key))).parent_id is None
    assert (await talking.store.head(CHANNEL.conversation)).id == (await talking.revision(newest)).id


async def test_lists_follow_a_chat_that_moved(talking):
    """A group that became a supergroup is let in, or kept out, by the id that it had."""
    await talking.store.move_chat(PLATFORM, "small", "large")
    large = Chat(PLATFORM, "large", thread_id="3")
    for lists, is_served in (
        (ChatSettings(allow=(f"{PLATFORM}:small",)), True),
        (ChatSettings(allow=(f"{PLATFORM}:small/3",)), True),
        (ChatSettings(deny=(f"{PLATFORM}:small",)), False),
        (ChatSettings(allow=(f"{PLATFORM}:other",)), False),
    ):
        talking.with_settings(chats=lists)
        answer = await talking.talk.queue(ANN.says(large))
        assert ("cannot ask" not in words_of(answer)) is is_served, lists
        assert bool(await talking.talk.suggestions(ANN.says(large), "size", "")) is is_served
