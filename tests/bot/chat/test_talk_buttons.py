"""What the buttons below a picture do, and the commands and files that do the same."""

from dataclasses import replace

from bot.chat.platform import Message
from bot.chat.presses import Action, Press
from bot.chat.scene_options import Options
from bot.sections import ChatSettings
from canvas import write
from engine.errors import Unavailable
from storage.records import Post, PostKind, TurnStatus
from tests.bot.chat.platform import PLATFORM
from tests.bot.chat.stage import ChatStage
from tests.bot.chat.talking import Talking, words_of
from tests.engine.conftest import DUSK, POND, Stage

ANN, BEN, MO, ROOM, DEN = ChatStage.ANN, ChatStage.BEN, ChatStage.MO, ChatStage.ROOM, ChatStage.DEN


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
    assert len(await talking.revisions()) == 1


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
    assert len(await talking.revisions()) == 2
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
