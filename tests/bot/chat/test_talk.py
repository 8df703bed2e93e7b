"""What comes of what people say in a chat, and who may say what."""

import asyncio
from dataclasses import replace

import pytest
import structlog

from bot.chat.platform import Chat, ChatGone, Message, NotPermitted
from bot.chat.presses import Action, Press
from bot.chat.talk import Talk
from bot.chat.views import Filled
from bot.sections import ChatSettings, PeopleSettings
from canvas import write
from storage.errors import DatabaseAway
from storage.records import TurnStatus
from tests.bot.chat.platform import PLATFORM
from tests.bot.chat.stage import ChatStage
from tests.bot.chat.talking import PANEL, button, words_of
from tests.engine.conftest import DUSK, POND, Stage

ANN, BEN, MO, ROOM, DEN = ChatStage.ANN, ChatStage.BEN, ChatStage.MO, ChatStage.ROOM, ChatStage.DEN


async def test_words_become_a_picture(talking):
    """What somebody says becomes the one message with the picture, in the configured size."""
    shown = await talking.asked(prompt="a pond")
    revision = await talking.revision(shown)
    assert revision.scene.canvas == POND
    assert (revision.scene.settings.width_px, revision.scene.settings.height_px) == (256, 320)
    assert revision.prompt == "a pond"
    assert len(talking.platform.messages()) == 1


async def test_a_reply_changes_that_very_picture(talking):
    """A reply starts at the picture that it answers, also when there are newer ones."""
    first = await talking.asked(seed=41)
    await talking.asked(seed=42)
    talking.stage.composer.replies = [Stage.DUSK_REPLY]
    changed = await talking.asked(BEN, prompt="make it dusk", reply_to=first)
    revision = await talking.revision(changed)
    assert revision.parent_id == (await talking.revision(first)).id
    assert revision.scene.canvas == DUSK
    assert revision.scene.settings.seed == 41
    assert (await talking.turn(changed)).person == BEN.key


async def test_a_reply_to_one_of_several_starts_at_that_one(talking):
    """Of a batch, the reply's picture gives the seed, and one picture comes of it."""
    await talking.asked(count=3, seed=10)
    post = await talking.store.post(PLATFORM, "room", talking.platform.album()[2].message.message_id)
    assert post.data["index"] == 2
    changed = await talking.asked(reply_to=talking.platform.album()[2])
    settings = await talking.settings(changed)
    assert (settings.seed, settings.count) == (12, 1)


async def test_a_reply_to_something_else_is_a_new_scene(talking):
    """Whoever answers a message that shows no picture asks for a new one."""
    said = ANN.says(ROOM, Message(ROOM, "12345"))
    await talking.talk.compose(said, "a pond")
    await talking.stage.result(said.key)
    assert (await talking.store.turn(said.key)).parent_id is None


async def test_a_reply_to_work_in_progress_waits(talking):
    """What is not painted yet cannot be changed; the answer says so, and nothing is begun."""
    talking.stage.renderer.gate = asyncio.Event()
    first = ANN.says(ROOM)
    await talking.talk.compose(first, "a pond")
    answer = await talking.talk.compose(ANN.says(ROOM, talking.platform.messages()[0].message), "more")
    assert "still being worked on" in words_of(answer)
    talking.stage.renderer.gate.set()
    await talking.stage.result(first.key)
    assert len(await talking.store.turns(ROOM.conversation)) == 1


async def test_the_same_update_again_starts_nothing_new(talking):
    """A repeated update, also at the same time, is one request and one message."""
    said = ANN.says(ROOM)
    await asyncio.gather(*(talking.talk.compose(said, "a pond") for _ in range(3)))
    await talking.stage.result(said.key)
    await talking.talk.compose(said, "a pond")
    assert len(await talking.store.turns(ROOM.conversation)) == 1
    assert talking.platform.counted("post") == 1
    assert len(talking.stage.composer.requests) == 1


async def test_what_was_cut_off_is_finished(talking):
    """A turn that was stored before the process died gets its message when the update comes again."""
    said, _ = await talking.stage.submitted()
    assert talking.platform.messages() == []
    await talking.talk.compose(said, "a pond")
    shown = await talking.stage.result(said.key)
    assert shown.view.picture
    assert len(talking.platform.messages()) == 1


async def test_a_refused_request_is_answered_alone(talking):
    """Nobody else sees that somebody said nothing; nothing is stored."""
    answer = await talking.talk.compose(ANN.says(ROOM), "   ")
    assert "nothing to paint" in words_of(answer)
    assert talking.platform.messages() == []
    assert await talking.store.turns(ROOM.conversation) == ()


async def test_answers_are_in_the_speakers_language(talking):
    """The person's own choice goes before the chat's, that before their program's."""
    said = BEN.says(ROOM)
    assert words_of(await talking.talk.compose(said, " ")).startswith("还没有")
    await talking.store.set_chat_preferences(PLATFORM, "room", language="en")
    assert "nothing to paint" in words_of(await talking.talk.compose(BEN.says(ROOM), " "))
    await talking.store.set_language(BEN.key, "zh")
    assert words_of(await talking.talk.compose(BEN.says(ROOM), " ")).startswith("还没有")
    nobody = replace(ANN.says(DEN), speaker=replace(ANN.speaker, locale="pt-BR"))
    assert "nothing to paint" in words_of(await talking.talk.compose(nobody, " "))


async def test_options_win_over_preferences(talking):
    """Configuration, then the chat's settings, then the person's, then what the request names."""
    await talking.store.set_chat_preferences(PLATFORM, "room", width_px=384, height_px=384, steps=7)
    await talking.store.set_preferences(ANN.key, steps=9, guidance=3.5)
    settings = await talking.settings(await talking.asked(guidance=2.5))
    assert (settings.width_px, settings.height_px, settings.steps, settings.guidance) == (384, 384, 9, 2.5)
    others = await talking.settings(await talking.asked(BEN))
    assert (others.steps, others.guidance) == (7, 5.0)
    assert (await talking.settings(await talking.asked(size="256x256"))).width_px == 256


async def test_an_unforeseen_error_is_answered_and_logged(talking):
    """The person hears that it is not their doing; the log has the request's key and no words of theirs."""

    class Broken:
        limits = talking.stage.studio.limits

        async def submit(self, *_: object) -> str:
            raise RuntimeError("secret")

        store = talking.store

    talk = Talk(talking.platform, Broken(), talking.stage.messages, talking.stage.settings)
    with structlog.testing.capture_logs() as logs:
        answer = await talk.compose(ANN.says(ROOM), "my secret wish")
    assert "not your doing" in words_of(answer)
    assert [one["event"] for one in logs] == ["talk_failed"]
    assert "wish" not in str(logs)


async def test_trouble_with_the_database_is_answered(talking):
    """Nothing can be looked up, not even the person's language; they hear it in their program's."""

    class Away:
        def __getattr__(self, name: str):
            async def away(*_: object, **__: object) -> None:
                raise DatabaseAway(name)

            return away

    class Stranded:
        limits, store = talking.stage.studio.limits, Away()

    talk = Talk(talking.platform, Stranded(), talking.stage.messages, talking.stage.settings)
    assert "数据库" in words_of(await talk.compose(BEN.says(ROOM), "a pond"))
    assert "database" in words_of(await talk.press(ANN.says(ROOM), Press(Action.AGAIN, "aaaaaaaaaa")))
    assert "database" in words_of(await talk.not_fetched(ANN.says(ROOM), ChatGone()))
    assert await talk.suggestions(ANN.says(ROOM), "scene", "") == ()


async def test_a_chat_that_takes_no_messages_is_told_privately(talking):
    """Without the permission to write there, the request is called off and the person hears why."""
    talking.platform.fail("post", NotPermitted("post"))
    said = ANN.says(ROOM)
    answer = await talking.talk.compose(said, "a pond")
    assert "permission" in words_of(answer)
    assert (await talking.store.turn(said.key)).status is TurnStatus.CANCELLED


async def test_a_file_that_does_not_come_is_told(talking):
    """Why it was not fetched is said in the person's language."""
    for person, word in ((ANN, "permission"), (BEN, "权限")):
        assert word in words_of(await talking.talk.not_fetched(person.says(ROOM), NotPermitted("post")))


# --- who may -------------------------------------------------------------------------------------------


async def test_who_is_not_served_can_do_nothing_but_be_forgotten(talking):
    """A person or a chat that the lists leave out is refused everything else, buttons and forms too."""
    shown = await talking.asked()
    revision = await talking.revision(shown)
    talking.with_settings(people=PeopleSettings(deny=(f"{PLATFORM}:ann",)))
    said, press = ANN.says(ROOM), Press(Action.AGAIN, revision.id)
    for answer in (
        await talking.talk.compose(said, "a pond"),
        await talking.talk.press(said, press),
        await talking.talk.fill(said, Press(Action.REFINE, revision.id), Filled({"prompt": "more"})),
        await talking.talk.open_file(said, "pond.py", write(POND).encode()),
        await talking.talk.undo(said),
    ):
        assert "cannot ask for pictures here" in words_of(answer)
    assert await talking.talk.suggestions(said, "size", "") == ()
    question = await talking.talk.forget(said)
    await talking.talk.press(said, button(question.view, Action.FORGET, "yes"))
    assert await talking.revisions() == ()


async def test_only_authors_branch_where_the_operator_wants_it(talking):
    """With `branch = "author"` others cannot go on from a picture; its author and moderators can."""
    shown = await talking.asked()
    talking.with_settings(chats=ChatSettings(branch="author"))
    answer = await talking.talk.compose(BEN.says(ROOM, shown.message), "more")
    assert "只有" in words_of(answer)
    _, answer = await talking.pressed(shown, Action.AGAIN, BEN)
    assert "只有" in words_of(answer)
    await talking.painted(shown, Action.AGAIN, MO)
    await talking.asked(reply_to=shown)


@pytest.mark.parametrize(
    ("spoilers", "restricted", "hidden"),
    [
        ("off", True, False),
        ("restricted", True, True),
        ("restricted", False, False),
        ("always", False, True),
    ],
)
async def test_pictures_are_hidden_where_the_operator_wants_it(talking, spoilers, restricted, hidden):
    """Spoilers are for no chats, for those that are kept for adults, or for all."""
    talking.with_settings(chats=ChatSettings(spoilers=spoilers))
    chat = Chat(PLATFORM, "late", is_restricted=restricted)
    shown = await talking.asked(chat=chat)
    assert shown.view.picture.is_spoiler is hidden


async def test_others_move_nothing_where_only_authors_branch(talking):
    """Where the conversation goes on from stays as it is: neither back, nor to an earlier picture."""
    first = await talking.asked()
    second = await talking.asked(reply_to=first)
    talking.with_settings(chats=ChatSettings(branch="author"))
    go = Press(Action.GO, (await talking.revision(first)).id)
    for press in (second.press(Action.UNDO), go):
        _, answer = await talking.pressed(second, press, BEN)
        assert "只有" in words_of(answer)
        assert (await talking.store.head(ROOM.conversation)).id == (await talking.revision(second)).id
    await talking.pressed(second, go, MO)
    assert (await talking.store.head(ROOM.conversation)).id == (await talking.revision(first)).id


async def test_others_lock_nothing_where_only_authors_branch(talking):
    """What a lock keeps from changing is the picture's author's to say, and the moderators'."""
    shown = await talking.asked()
    talking.with_settings(chats=ChatSettings(branch="author"))
    lock = Press(Action.LOCK_REGION, (await talking.revision(shown)).id, ("0",))
    _, answer = await talking.pressed(PANEL, lock, BEN)
    assert "只有" in words_of(answer)
    for person in (ANN, MO):
        _, answer = await talking.pressed(PANEL, lock, person)
        assert "ocked" in answer.toast


async def test_suggestions_complete_what_is_typed(talking):
    """Sizes, regions of the newest scene, one's own scenes; nothing for what is not known."""
    await talking.asked(prompt="a quiet pond")
    said = ANN.says(ROOM)
    sizes = await talking.talk.suggestions(said, "size", "port")
    assert [option.value for option in sizes] == ["896x1152"]
    regions = await talking.talk.suggestions(said, "region", "frog")
    assert [option.value for option in regions] == ["0"]
    (scene,) = await talking.talk.suggestions(said, "scene", "QUIET")
    assert scene.label == "a quiet pond"
    assert await talking.talk.suggestions(BEN.says(ROOM), "scene", "") == ()
    assert await talking.talk.suggestions(said, "nonsense", "") == ()


async def test_threads_are_conversations_of_their_own(talking):
    """The newest picture of a thread is its own, while buttons work across the threads of one chat."""
    thread = replace(ROOM, thread_id="7")
    shown = await talking.asked(chat=thread)
    assert "/omost" in words_of(await talking.talk.render(ANN.says(ROOM)))
    said = ANN.says(ROOM, shown.message)
    await talking.talk.press(said, shown.press(Action.AGAIN))
    await talking.stage.ended(said.key)
    assert (await talking.store.turn(said.key)).conversation == thread.conversation
