"""Everything that people can do in a chat: what they say and press, and what they see."""

import asyncio
from dataclasses import replace

import pytest
import structlog

from bot.chat.platform import Chat, Message, NotPermitted
from bot.chat.presses import Action, Press
from bot.chat.scene_options import Options
from bot.chat.talk import Talk
from bot.chat.views import Answer, Filled
from bot.sections import ChatSettings, PeopleSettings
from canvas import write
from engine.error_record import to_record
from engine.errors import Unavailable
from storage.errors import DatabaseAway
from storage.records import Post, PostKind, TurnStatus
from tests.bot.chat.conftest import ChatStage
from tests.bot.chat.platform import PLATFORM, Person
from tests.bot.chat.talking import PANEL, Talking, button, talking_about, words_of
from tests.engine.conftest import DUSK, POND, Stage

ANN, BEN, ROOM, DEN = ChatStage.ANN, ChatStage.BEN, ChatStage.ROOM, ChatStage.DEN
MO = Person("Mo", is_moderator=True)


@pytest.fixture
async def talking(store, tmp_path):
    async with talking_about(store, tmp_path / "data") as opened:
        yield opened


async def revisions(talking, chat=ROOM):
    return await talking.store.history(chat.conversation)


# --- asking --------------------------------------------------------------------------------------------


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
    assert answer.is_private
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
    assert await talk.suggestions(ANN.says(ROOM), "scene", "") == ()


async def test_a_chat_that_takes_no_messages_is_told_privately(talking):
    """Without the permission to write there, the request is called off and the person hears why."""
    talking.platform.fail("post", NotPermitted("post"))
    said = ANN.says(ROOM)
    answer = await talking.talk.compose(said, "a pond")
    assert "permission" in words_of(answer)
    assert (await talking.store.turn(said.key)).status is TurnStatus.CANCELLED


# --- buttons -------------------------------------------------------------------------------------------


async def test_again_takes_another_seed(talking):
    """🎲 paints the same scene with the same settings and another seed."""
    first = await talking.asked(seed=5, steps=11)
    again = await talking.painted(first, Action.AGAIN)
    old, new = await talking.revision(first), await talking.revision(again)
    assert new.parent_id == old.id
    assert new.scene.canvas == old.scene.canvas
    assert new.scene.settings.seed != 5
    assert new.scene.settings.steps == 11


async def test_again_after_a_failure_asks_the_same(talking):
    """Where no scene came of a request, the button asks for the very same once more."""
    talking.stage.composer.replies = [Unavailable("embedded", "overloaded"), Stage.REPLY]
    failed = await talking.asked(prompt="mumble", steps=13)
    assert (await talking.turn(failed)).status is TurnStatus.FAILED
    shown = await talking.painted(failed, Action.AGAIN, BEN)
    turn = await talking.turn(shown)
    assert (turn.prompt, turn.person) == ("mumble", BEN.key)
    assert (await talking.settings(shown)).steps == 13


async def test_a_batch_can_be_enlarged_and_varied_one_by_one(talking):
    """U2 paints the second picture larger with its seed; V2 paints its seed's neighbours."""
    batch = await talking.asked(count=2, seed=100)
    second = Press(Action.ENLARGE, (await talking.revision(batch)).id, ("1",))
    assert batch.press(Action.ENLARGE, "1") == second
    larger = await talking.settings(await talking.painted(batch, second))
    assert (larger.seed, larger.count) == (101, 1)
    assert (larger.width_px, larger.height_px) == (384, 480)  # the storyboard has no high-resolution pass
    varied = await talking.settings(await talking.painted(batch, batch.press(Action.VARY, "1")))
    assert (varied.seed, varied.count) == (102, 4)
    texts = [shown.text for shown in talking.platform.messages()]
    assert [text for text in texts if text.startswith("Ann: Larger version of “a pond”\n")]
    assert [text for text in texts if text.startswith("Ann: Variations of “a pond”\n")]


async def test_a_picture_that_is_not_there_is_refused(talking):
    """A forged button names picture 9 of 1, a revision of another chat, no revision, no region."""
    shown = await talking.asked()
    elsewhere = await talking.asked(chat=DEN)
    here, there = await talking.revision(shown), await talking.revision(elsewhere)
    for press in (
        Press(Action.ENLARGE, here.id, ("9",)),
        Press(Action.VARY, here.id, ("x",)),
        Press(Action.AGAIN, there.id),
        Press(Action.PLAN, there.id),
        Press(Action.UNDO, "aaaaaaaaaa"),
        Press(Action.REGION, here.id, ("9",)),
        Press(Action.REGION, here.id),
        Press(Action.LOCK_REGION, here.id, ("9",)),
        Press(Action.REMOVE_REGION, here.id, ("9",)),
        Press(Action.ORIGINAL, here.id, ("4",)),
    ):
        _, answer = await talking.pressed(shown, press, BEN)
        assert "找不到" in words_of(answer), press
    assert len(await revisions(talking)) == 1


async def test_a_forged_press_takes_no_result_away(talking):
    """What stands in panels does not change a picture's message, whoever sends it from below one."""
    shown = await talking.asked()
    revision_id = (await talking.revision(shown)).id
    for press in (
        Press(Action.CLOSE),
        Press(Action.REGIONS, revision_id, ("all",)),
        Press(Action.REGION, revision_id, ("0",)),
        Press(Action.LOCK_REGION, revision_id, ("0",)),
        Press(Action.FORGET, BEN.key.platform_id, ("no",)),
        Press(Action.FORGET, BEN.key.platform_id, ("yes",)),
        Press(Action.REMOVE_REGION, revision_id, ("0",)),
    ):
        _, answer = await talking.pressed(shown, press, BEN)
        assert (answer.removes, answer.replaces) == (False, False), press
    settings = Press(Action.SETTINGS, "me")
    _, answer = await talking.fills(shown, settings, BEN, steps="9")
    assert not answer.removes


async def test_refine_by_button(talking):
    """✏️ asks what shall change, and the answer changes that picture."""
    shown = await talking.asked()
    _, answer = await talking.pressed(shown, Action.REFINE)
    assert [field.name for field in answer.form.fields] == ["prompt"]
    talking.stage.composer.replies = [Stage.DUSK_REPLY]
    said, _ = await talking.fills(shown, answer.form.press, prompt="make it dusk")
    changed = await talking.stage.result(said.key)
    assert (await talking.revision(changed)).scene.canvas == DUSK


async def test_a_question_is_answered_by_a_reply(talking):
    """Where a platform asks by messages, the reply to the question fills in the form's field."""
    shown = await talking.asked()
    press = Press(Action.REFINE, (await talking.revision(shown)).id)
    data = {"press": press.encode(), "field": "prompt"}
    await talking.store.add_post(
        Post(PLATFORM, "room", "question-1", PostKind.QUESTION, person=ANN.key, data=data)
    )
    question = Message(ROOM, "question-1")
    assert "Only the person" in words_of(await talking.talk.compose(MO.says(ROOM, question), "no"))
    said = ANN.says(ROOM, question)
    await talking.talk.compose(said, "make it dusk")
    await talking.stage.result(said.key)
    assert (await talking.store.turn(said.key)).parent_id == press.subject


async def test_undo_goes_back_and_forgets_nothing(talking):
    """↩️ shows the picture before, from which one goes on; at the first there is nothing to undo."""
    first = await talking.asked()
    second = await talking.painted(first, Action.AGAIN)
    _, answer = await talking.pressed(second, Action.UNDO)
    assert answer.toast
    shown = talking.platform.messages()[-1]
    assert second.text.startswith("Ann: “a pond”, painted again\n")
    assert shown.text.startswith("Earlier picture: “a pond”\n")
    assert shown.press(Action.AGAIN).subject == (await talking.revision(first)).id
    head = await talking.store.head(ROOM.conversation)
    assert head == await talking.revision(first)
    assert len(await revisions(talking)) == 2
    _, answer = await talking.pressed(first, Action.UNDO)
    assert "nothing to undo" in words_of(answer)
    reply = ANN.says(ROOM, shown.message)
    await talking.talk.compose(reply, "more")
    await talking.stage.ended(reply.key)
    assert (await talking.store.turn(reply.key)).parent_id == (await talking.revision(first)).id


async def test_history_leads_anywhere(talking):
    """The tree has a choice of all pictures; choosing one shows it and goes on from there."""
    first = await talking.asked(prompt="one")
    await talking.asked(prompt="two")
    answer = await talking.talk.history(ANN.says(ROOM))
    (choice,) = answer.view.choices
    assert [option.label for option in choice.options] == ["2. two", "1. one"]
    await talking.pressed(first, choice.press, ANN, choice.options[1].value)
    assert (await talking.store.head(ROOM.conversation)).prompt == "one"
    assert "/omost" in words_of(await talking.talk.history(ANN.says(DEN)))


async def test_the_plan_has_the_code(talking):
    """📜 brings the Canvas code as a file, named after the revision, and the layout."""
    shown = await talking.asked()
    _, answer = await talking.pressed(shown, Action.PLAN)
    revision = await talking.revision(shown)
    (file,) = answer.view.attachments
    assert file.name == f"omost-{revision.id}.py"
    assert file.content.decode() == write(POND)
    assert answer.view.picture
    assert answer.is_private


async def test_favourites_are_kept_and_lead_to_other_chats(talking):
    """⭐ toggles; a favourite is painted anew where it is opened, with its own settings."""
    shown = await talking.asked(seed=77)
    revision = await talking.revision(shown)
    await talking.pressed(shown, Action.FAVOURITE, BEN)
    answer = await talking.talk.favourites(BEN.says(DEN))
    (choice,) = answer.view.choices
    assert [option.value for option in choice.options] == [revision.id]
    assert answer.view.picture, "they are shown"
    said = BEN.says(DEN)
    await talking.talk.press(said, choice.press, [revision.id])
    opened = await talking.stage.result(said.key)
    copy = await talking.revision(opened)
    assert (copy.conversation, copy.parent_id) == (DEN.conversation, None)
    assert (copy.scene.canvas, copy.scene.settings.seed) == (POND, 77)
    await talking.pressed(shown, Action.FAVOURITE, BEN)
    assert not await talking.store.is_favourite(BEN.key, revision.id)


async def test_a_scene_of_another_topic_is_copied(talking):
    """Who takes a scene along into another topic of the chat leaves the first topic as it was."""
    here, there = replace(ROOM, thread_id="1"), replace(ROOM, thread_id="2")
    old = await talking.revision(await talking.asked(chat=here, prompt="one"))
    newest = await talking.revision(await talking.asked(chat=here, prompt="two"))
    said = BEN.says(there)
    await talking.talk.go(said, old.id)
    copy = await talking.revision(await talking.stage.result(said.key))
    assert (copy.conversation, copy.scene.canvas) == (there.conversation, old.scene.canvas)
    assert (await talking.store.head(here.conversation)).id == newest.id


async def test_a_strangers_scene_stays_in_its_chat(talking):
    """Who neither made nor kept a scene cannot fetch it from another chat by its id."""
    revision = await talking.revision(await talking.asked())
    answer = await talking.talk.go(MO.says(DEN), revision.id)
    assert "don't find that picture" in words_of(answer)
    assert await talking.store.turns(DEN.conversation) == ()


async def test_the_original_carries_its_scene(talking):
    """💾 sends the untouched file, which starts the same scene again wherever it is sent."""
    shown = await talking.asked(seed=31, steps=12)
    revision = await talking.revision(shown)
    await talking.pressed(shown, Press(Action.ORIGINAL, revision.id, ("0",)))
    (sent,) = talking.platform.files()
    content = sent.file.content.read_bytes()
    said = BEN.says(DEN)
    await talking.talk.open_file(said, sent.file.name, content)
    opened = await talking.revision(await talking.stage.result(said.key))
    assert opened.scene.canvas == POND
    assert (opened.scene.settings.seed, opened.scene.settings.steps) == (31, 12)
    reply = ANN.says(ROOM, sent.message)
    await talking.talk.compose(reply, "more")
    await talking.stage.ended(reply.key)
    assert (await talking.store.turn(reply.key)).parent_id == revision.id


async def test_a_hidden_original_stays_hidden(talking):
    """Where pictures are hidden at first, the file is too."""
    talking.with_settings(chats=ChatSettings(spoilers="always"))
    shown = await talking.asked()
    revision = await talking.revision(shown)
    await talking.pressed(shown, Press(Action.ORIGINAL, revision.id, ("0",)))
    assert talking.platform.files()[0].file.is_spoiler


async def test_canvas_code_takes_the_usual_settings(talking):
    """Code has no settings of its own; what is no scene is refused in words."""
    await talking.store.set_preferences(ANN.key, steps=17)
    said = ANN.says(ROOM)
    await talking.talk.open_file(said, "pond.py", write(DUSK).encode())
    revision = await talking.revision(await talking.stage.result(said.key))
    assert revision.scene.canvas == DUSK
    assert revision.scene.settings.steps == 17
    assert "pond.py" in revision.prompt
    answer = await talking.talk.open_file(ANN.says(ROOM), "notes.txt", b"buy milk")
    assert "No scene" in words_of(answer)


async def test_render_paints_the_newest_again(talking):
    """/render takes the newest picture, or the one replied to, with what it names."""
    first = await talking.asked(prompt="one", seed=1)
    await talking.asked(prompt="two", seed=2)
    said = ANN.says(ROOM)
    await talking.talk.render(said, Options(count=2, seed=50))
    newest = await talking.revision(await talking.stage.result(said.key))
    assert (newest.scene.settings.seed, newest.scene.settings.count) == (50, 2)
    reply = ANN.says(ROOM, first.message)
    await talking.talk.render(reply)
    again = await talking.revision(await talking.stage.result(reply.key))
    assert again.parent_id == (await talking.revision(first)).id
    assert "/omost" in words_of(await talking.talk.render(ANN.says(DEN)))


async def test_buttons_outlive_the_process(talking):
    """After a restart the buttons of an old message do what they did."""
    shown = await talking.asked()
    await talking.stage.restart()
    later = Talking(talking.stage)
    again = await later.painted(shown, Action.AGAIN)
    assert (await later.revision(again)).parent_id == (await later.revision(shown)).id


# --- regions -------------------------------------------------------------------------------------------


async def test_a_region_is_edited_by_name(talking):
    """🧩 lists the regions by number; the form of one changes it and nothing else, with the same seed."""
    shown = await talking.asked(seed=3)
    _, answer = await talking.pressed(shown, Action.REGIONS)
    (choice,) = answer.view.choices
    assert [option.label for option in choice.options] == ["1 · A frog on a leaf.", "2 · A heron — 苍鹭."]
    _, answer = await talking.pressed(PANEL, choice.press, ANN, "0")
    assert answer.replaces
    _, answer = await talking.pressed(PANEL, button(answer.view, Action.REGION))
    values = {field.name: field.value for field in answer.form.fields}
    assert values["description"] == "A frog on a leaf."
    assert len(answer.form.fields) <= 5
    values |= {"description": "a toad", "color": "scarlet", "location": "on the bottom"}
    said, sent = await talking.fills(PANEL, answer.form.press, **values)
    assert sent.removes
    revision = await talking.revision(await talking.stage.result(said.key))
    toad, heron = revision.scene.canvas.local_descriptions
    assert (toad.description, toad.location, toad.color) == ("a toad", "on the bottom", "red")
    assert heron == POND.local_descriptions[1]
    assert revision.scene.settings.seed == 3


async def test_one_field_of_a_region_can_be_sent_alone(talking):
    """What a form does not bring stays as it was."""
    shown = await talking.asked()
    press = Press(Action.REGION, (await talking.revision(shown)).id, ("1", "edit"))
    said, _ = await talking.fills(shown, press, distance="1,5")
    heron = (await talking.revision(await talking.stage.result(said.key))).scene.canvas.local_descriptions[1]
    assert heron == replace(POND.local_descriptions[1], distance_to_viewer=1.5)
    for wrong in ({"distance": "near"}, {"distance": "-1"}, {"description": "x" * 1001}, {"area": "?!"}):
        _, answer = await talking.fills(shown, press, **wrong)
        assert "Allowed" in words_of(answer)


async def test_a_long_description_from_elsewhere_stays_whole(talking):
    """A form that comes back as it was shown loses nothing; a list of regions is one line for each."""
    long = f"a wall\nof {'brick ' * 400}"
    canvas = replace(POND, local_descriptions=(replace(POND.local_descriptions[0], description=long),))
    said = ANN.says(ROOM)
    await talking.talk.open_file(said, "wall.py", write(canvas).encode())
    shown = await talking.stage.result(said.key)
    _, answer = await talking.pressed(shown, Action.REGIONS)
    assert answer.view.choices[0].options[0].label.startswith("1 · a wall of brick")
    press = Press(Action.REGION, (await talking.revision(shown)).id, ("0", "edit"))
    _, answer = await talking.pressed(PANEL, press)
    description = answer.form.fields[0]
    assert len(description.value) <= description.max_chars
    said, _ = await talking.fills(PANEL, press, description=description.value, color="red")
    (wall,) = (await talking.revision(await talking.stage.result(said.key))).scene.canvas.local_descriptions
    assert wall.description == " ".join(long.split())


async def test_regions_are_added_and_removed(talking):
    """A new region comes behind the others; a removed one is gone."""
    shown = await talking.asked()
    _, panel = await talking.pressed(shown, Action.REGIONS)
    _, answer = await talking.pressed(shown, button(panel.view, Action.ADD_REGION))
    values = {field.name: field.value for field in answer.form.fields}
    said, _ = await talking.fills(shown, answer.form.press, **values | {"description": "a moon"})
    added = await talking.stage.result(said.key)
    canvas = (await talking.revision(added)).scene.canvas
    assert [local.description for local in canvas.local_descriptions][2:] == ["a moon"]
    remove = Press(Action.REMOVE_REGION, (await talking.revision(added)).id, ("0",))
    removed = await talking.painted(added, remove)
    canvas = (await talking.revision(removed)).scene.canvas
    assert [local.description for local in canvas.local_descriptions] == ["A heron — 苍鹭.", "a moon"]


async def test_two_regions_are_locked_at_the_same_moment(talking):
    """Neither of two people who lock a region at once undoes what the other did."""
    shown = await talking.asked()
    revision_id = (await talking.revision(shown)).id
    presses = (Press(Action.LOCK_REGION, revision_id, (index,)) for index in "01")
    await asyncio.gather(*(talking.pressed(PANEL, press) for press in presses))
    changed = await talking.asked(reply_to=shown)
    assert (await talking.settings(changed)).locked == "A frog on a leaf.\nA heron — 苍鹭."


async def test_no_more_is_locked_than_a_change_can_take(talking):
    """Regions with very long descriptions are refused when they are locked, not at every change after it."""
    long = (replace(POND.local_descriptions[0], description=f"{number} {'x' * 1500}") for number in range(2))
    canvas = replace(POND, local_descriptions=tuple(long))
    said = ANN.says(ROOM)
    await talking.talk.open_file(said, "long.py", write(canvas).encode())
    shown = await talking.stage.result(said.key)
    revision_id = (await talking.revision(shown)).id
    first, second = (Press(Action.LOCK_REGION, revision_id, (index,)) for index in "01")
    _, answer = await talking.pressed(PANEL, first)
    assert "Locked" in words_of(answer)
    _, answer = await talking.pressed(PANEL, second)
    assert "Allowed: 0-2000" in words_of(answer)
    await talking.painted(shown, Action.AGAIN)


async def test_a_locked_region_stays_locked(talking):
    """What is locked under a picture goes with every change of it, until it is unlocked."""
    shown = await talking.asked()
    press = Press(Action.LOCK_REGION, (await talking.revision(shown)).id, ("0",))
    _, answer = await talking.pressed(shown, press)
    assert "Locked" in answer.view.plain_text
    changed = await talking.asked(reply_to=shown)
    assert (await talking.settings(changed)).locked == "A frog on a leaf."
    again = await talking.painted(changed, Action.AGAIN)
    assert (await talking.settings(again)).locked == "A frog on a leaf."
    unlock = Press(Action.LOCK_REGION, (await talking.revision(again)).id, ("0",))
    _, answer = await talking.pressed(again, unlock)
    assert "Locked" not in answer.view.plain_text
    assert (await talking.settings(await talking.asked(reply_to=again))).locked == ""


# --- waiting, settings, being forgotten ----------------------------------------------------------------


async def test_cancel_is_the_authors_and_the_moderators(talking):
    """❌ of somebody else's request is refused politely; its author's and a moderator's calls it off."""
    talking.stage.renderer.gate = asyncio.Event()
    for person in (ANN, MO):
        said = ANN.says(ROOM)
        await talking.talk.compose(said, "a pond")
        message = talking.platform.messages()[-1]
        _, answer = await talking.pressed(message, Press(Action.CANCEL), BEN)
        assert "只有" in words_of(answer)
        await talking.pressed(message, Press(Action.CANCEL), person)
        await talking.stage.ended(said.key)
        assert (await talking.store.turn(said.key)).status is TurnStatus.CANCELLED
    _, answer = await talking.pressed(message, Press(Action.CANCEL))
    assert "already" in words_of(answer)


async def test_cancel_by_command_takes_ones_own(talking):
    """/cancel calls off the person's newest request here, and nobody else's."""
    talking.stage.renderer.gate = asyncio.Event()
    said = ANN.says(ROOM)
    await talking.talk.compose(said, "a pond")
    assert "没有" in words_of(await talking.talk.cancel(BEN.says(ROOM)))
    assert words_of(await talking.talk.cancel(ANN.says(ROOM))) == "Cancelled."
    await talking.stage.ended(said.key)
    assert (await talking.store.turn(said.key)).status is TurnStatus.CANCELLED


async def test_what_waits_behind_ones_own_is_cancelled_at_once(talking):
    """Its message says so while the earlier request is still being painted."""
    talking.stage.renderer.gate = asyncio.Event()
    first, second = ANN.says(ROOM), ANN.says(ROOM)
    await talking.talk.compose(first, "a pond")
    await talking.talk.compose(second, "a lake")
    message = talking.platform.messages()[-1]
    await talking.pressed(message, Press(Action.CANCEL))
    await talking.platform.until(lambda: "Cancelled" in talking.platform.messages()[-1].text)
    assert (await talking.store.turn(first.key)).status is TurnStatus.RUNNING
    talking.stage.renderer.gate.set()
    await talking.stage.ended(second.key)
    assert len(talking.platform.messages()) == 2


async def test_the_queue_and_the_figures(talking):
    """/queue shows one's own place; /stats is for moderators."""
    talking.stage.renderer.gate = asyncio.Event()
    said = ANN.says(ROOM)
    await talking.talk.compose(said, "a pond")
    assert "yours" in words_of(await talking.talk.queue(ANN.says(ROOM)))
    stats = words_of(await talking.talk.stats(MO.says(ROOM)))
    for part in ("1 request is open", "Nothing failed today", "The data takes", "are free"):
        assert part in stats
    assert "Only" in words_of(await talking.talk.stats(ANN.says(ROOM)))
    talking.stage.renderer.gate.set()
    await talking.stage.result(said.key)
    assert "Nobody" in words_of(await talking.talk.queue(ANN.says(ROOM)))


async def test_the_figures_name_the_errors_of_today(talking):
    """/stats counts what failed today by its class."""
    talking.stage.renderer.gate = asyncio.Event()
    said = ANN.says(ROOM)
    await talking.talk.compose(said, "a pond")
    record = to_record(Unavailable("sdxl", "model-failed"))
    await talking.store.finish_turn(said.key, TurnStatus.FAILED, error=record)
    assert "Failed today: Unavailable × 1" in words_of(await talking.talk.stats(MO.says(ROOM)))
    talking.stage.renderer.gate.set()


async def test_settings_of_a_person(talking):
    """The form keeps what is sent, leaves what is not, and `as usual` takes a value back."""
    shown = await talking.asked()
    form = (await talking.talk.settings(ANN.says(ROOM))).form
    assert [field.name for field in form.fields] == ["size", "steps", "guidance", "preset", "language"]
    assert all(option.value for field in form.fields for option in field.options)
    _, answer = await talking.fills(shown, form.press, size="320x256", steps="30", language="zh")
    assert answer.toast == "您的设置已保存。"
    settings = await talking.settings(await talking.asked())
    assert (settings.width_px, settings.height_px, settings.steps) == (320, 256, 30)
    values = {field.name: field.value for field in (await talking.talk.settings(ANN.says(ROOM))).form.fields}
    assert (values["size"], values["steps"], values["language"]) == ("320x256", "30", "zh")
    await talking.fills(shown, form.press, size="-", steps="", language="-")
    assert await talking.store.preferences(ANN.key) == {}
    assert not await talking.store.language(ANN.key)


@pytest.mark.parametrize(
    "wrong", [{"steps": "many"}, {"steps": "151"}, {"guidance": "nan"}, {"size": "9x9"}, {"preset": "x"}]
)
async def test_wrong_settings_are_refused(talking, wrong):
    """What no picture could be painted with is not kept, and neither is what came with it."""
    said = ANN.says(ROOM)
    answer = await talking.talk.fill(said, Press(Action.SETTINGS, "me"), Filled({"language": "zh", **wrong}))
    assert "Allowed" in words_of(answer)
    assert await talking.store.preferences(ANN.key) == {}
    assert await talking.store.language(ANN.key) is None


async def test_settings_of_a_chat_are_its_moderators(talking):
    """Others are refused, the form as what it sends; alone with the bot everybody may."""
    press = Press(Action.SETTINGS, "here")
    refused = "Only"
    assert refused in words_of(await talking.talk.settings(ANN.says(ROOM), "here"))
    assert refused in words_of(await talking.talk.fill(ANN.says(ROOM), press, Filled({"steps": "9"})))
    assert (await talking.talk.settings(ANN.says(DEN), "here")).form
    assert (await talking.talk.settings(MO.says(ROOM), "here")).form
    await talking.talk.fill(MO.says(ROOM), press, Filled({"steps": "9"}))
    assert await talking.store.chat_preferences(PLATFORM, "room") == {"steps": 9}
    assert "Allowed" in words_of(await talking.talk.settings(MO.says(ROOM), "everywhere"))


async def test_forget_asks_first_and_takes_ones_own(talking):
    """Somebody else's press removes nothing; the person's removes all that is theirs, and only that."""
    shown = await talking.asked()
    bens = await talking.asked(BEN)
    question = await talking.talk.forget(ANN.says(ROOM))
    yes, no = button(question.view, Action.FORGET, "yes"), button(question.view, Action.FORGET, "no")
    _, answer = await talking.pressed(shown, yes, MO)
    assert "Only" in words_of(answer)
    _, answer = await talking.pressed(PANEL, no)
    assert answer == Answer(removes=True)
    assert len(await revisions(talking)) == 2
    kept = (await talking.revision(bens)).id
    _, answer = await talking.pressed(PANEL, yes)
    assert words_of(answer) == "Everything of yours has been removed."
    assert [one.id for one in await revisions(talking)] == [kept]
    assert talking.platform.messages() == [bens]


async def test_who_is_forgotten_hears_what_stays(talking):
    """Messages that the platform does not let go of are counted, and nothing else."""
    await talking.asked(count=2)
    talking.platform.fail("remove", NotPermitted("send-messages"), times=2)
    question = await talking.talk.forget(ANN.says(ROOM))
    _, answer = await talking.pressed(PANEL, button(question.view, Action.FORGET, "yes"))
    assert "2 messages of mine stay" in words_of(answer)
    assert (len(talking.platform.messages()), len(talking.platform.album())) == (0, 2)
    assert await revisions(talking) == ()


async def test_who_is_forgotten_leaves_no_work_in_progress_behind(talking):
    """The message of a picture that is being painted goes away with the request; others' stay."""
    talking.stage.renderer.gate = asyncio.Event()
    for person in (ANN, BEN):
        await talking.talk.compose(person.says(ROOM), "a pond")
    anns, bens = talking.platform.messages()
    await talking.platform.until(lambda: "Painting" in anns.text)
    question = await talking.talk.forget(ANN.says(ROOM))
    _, answer = await talking.pressed(PANEL, button(question.view, Action.FORGET, "yes"))
    assert "has been removed" in words_of(answer)
    assert talking.platform.messages() == [bens]
    assert talking.platform.removed == [anns.message]


async def test_who_is_forgotten_while_their_message_is_on_its_way_finds_none(talking):
    """A placeholder that arrives when its request has been removed is taken away again."""
    talking.platform.hold("post")
    asking = asyncio.create_task(talking.talk.compose(ANN.says(ROOM), "a pond"))
    await talking.platform.until(lambda: talking.platform.held("post"))
    question = await talking.talk.forget(ANN.says(DEN))
    await talking.pressed(PANEL, button(question.view, Action.FORGET, "yes"))
    talking.platform.let_go("post")
    await asking
    assert talking.platform.messages() == []


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
    assert await revisions(talking) == ()


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
