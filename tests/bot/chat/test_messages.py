"""The one message of each turn: placeholder, progress, and the result with its pictures."""

import asyncio
from io import BytesIO

import pytest
from PIL import Image

from bot.chat.platform import (
    Unsure,
)
from bot.chat.presses import Action
from bot.replies import words
from engine.errors import Unavailable
from storage.errors import NotFound
from storage.records import PostKind
from storage.scene_file import read_scene
from tests.engine.conftest import Stage


async def test_a_placeholder_becomes_the_result(stage):
    """The message that is posted at once becomes the picture with its buttons, in reply to the words."""
    turn_id = await stage.ask()
    first = stage.platform.messages()[0]
    assert first.looks[0].plain_text == "Ann: “a pond”\n\nStarting …"
    assert first.looks[0].rows[0][0].press.action is Action.CANCEL
    shown = await stage.result(turn_id)
    assert shown is first
    assert shown.reply_to == f"ann-{stage.ANN.said}"
    assert shown.view.picture.source.is_file()
    assert "seed 7" in shown.text
    assert "Shall I add a duck?" in shown.text
    revision_id = (await stage.store.turn(turn_id)).revision_id
    assert shown.press(Action.AGAIN).subject == revision_id
    assert len(stage.platform.shown) == 1


async def test_progress_is_shown_on_the_way(stage):
    """While it is painted, the message says so, shows the preview and can be called off."""
    stage.renderer.gate = asyncio.Event()
    turn_id = await stage.ask(prompt="a quiet pond")
    message = stage.platform.messages()[0]
    await stage.platform.until(lambda: "Painting" in message.text and message.view.picture)
    assert isinstance(message.view.picture.source, Image.Image)
    assert "a quiet pond" in message.text
    press = message.press(Action.CANCEL)
    assert ":".join((press.subject, *press.args)) == turn_id
    stage.renderer.gate.set()
    assert (await stage.result(turn_id)).view.picture.name.startswith("omost-")


async def test_the_chat_speaks_the_language_of_who_asked(stage):
    """Placeholder and result are in the person's language."""
    turn_id = await stage.ask(stage.BEN)
    assert "Starting …" not in stage.platform.messages()[0].looks[0].plain_text
    assert "7" in (await stage.result(turn_id)).text
    assert "seed" not in (await stage.result(turn_id)).text


async def test_opening_twice_posts_once(stage):
    """A repeated update posts nothing new, also when both come at the same time."""
    stage.platform.hold("post")
    said, order = await stage.submitted()
    both = [asyncio.create_task(stage.begin(said, order)) for _ in range(2)]
    await stage.platform.until(lambda: stage.platform.held("post"))
    stage.platform.let_go("post")
    await asyncio.gather(*both)
    await stage.ended(order.turn_id)
    assert stage.platform.counted("post") == 1


async def test_a_second_delivery_does_nothing(stage):
    """Deliveries come at least once; the chat hears once."""
    turn_id = await stage.ask(count=2)
    await stage.result(turn_id)
    calls = list(stage.platform.calls)
    await stage.messages.deliver(await stage.store.turn(turn_id))
    assert stage.platform.calls == calls


async def test_a_batch_is_a_grid_with_an_album(stage):
    """Four pictures are one grid with buttons for each, and an album in reply, remembered one by one."""
    turn_id = await stage.ask(count=4)
    shown = await stage.result(turn_id)
    with Image.open(BytesIO(shown.view.picture.source)) as grid:
        assert grid.size == (512, 640)
    made = await stage.store.revision((await stage.store.turn(turn_id)).revision_id)
    assert read_scene(shown.view.picture.source) == made.scene, "the grid opens the scene too"
    labels = [button.label for button in shown.buttons]
    assert labels[-8:] == ["U1", "U2", "U3", "U4", "V1", "V2", "V3", "V4"]
    assert shown.press(Action.VARY, "2").number() == 2
    album = stage.platform.album()
    assert [one.reply_to for one in album] == [shown.message.message_id] * 4
    for index, one in enumerate(album):
        post = await stage.store.post(stage.platform.name, "room", one.message.message_id)
        assert post.kind is PostKind.PICTURE
        assert post.data["index"] == index
        assert post.revision_id == (await stage.store.turn(turn_id)).revision_id


async def test_a_platform_may_show_the_grid_alone(stage):
    """Where batches are not shown apart, no album follows."""
    stage.platform.shows_batches_apart = False
    shown = await stage.result(await stage.ask(count=2))
    assert shown.press(Action.ENLARGE, "1")
    assert stage.platform.counted("post_pictures") == 0


@pytest.mark.parametrize(("max_units", "is_whole"), [(1024, False), (2000, True)])
async def test_the_composers_words_have_the_room_that_the_platform_has(stage, max_units, is_whole):
    """What fits into a caption of one platform's is cut on another, also where it is shown once more."""
    stage.platform.max_caption_units = max_units
    remark = "A long story. " * 100
    stage.composer.replies = [f"{Stage.REPLY}\n{remark}The end."]
    shown = await stage.result(await stage.ask())
    assert ("The end." in shown.text) is is_whole
    assert "A long story." in shown.text
    assert len(shown.text) <= max_units
    said = stage.ANN.says(stage.ROOM)
    revision = await stage.store.revision(shown.press(Action.AGAIN).subject)
    await stage.messages.reposts.show(revision, said, words("en"), is_spoiler=False)
    assert ("The end." in stage.platform.messages()[-1].text) is is_whole


async def test_the_result_waits_for_progress_that_is_under_way(stage):
    """However slow the platform is with an edit, the result comes after it, and nothing comes after that."""
    stage.renderer.gate = asyncio.Event()
    stage.platform.hold("edit")
    turn_id = await stage.ask()
    await stage.renderer.has_begun.wait()
    await stage.platform.until(lambda: stage.platform.held("edit"))
    stage.renderer.gate.set()
    await stage.done(turn_id)
    assert stage.platform.held("edit") == 1
    stage.platform.let_go("edit")
    shown = await stage.result(turn_id)
    assert shown.press(Action.AGAIN)
    edits = stage.platform.counted("edit")
    await stage.time.sleep(60.0)
    assert stage.platform.counted("edit") == edits


async def test_an_album_is_never_sent_twice(stage):
    """Where nobody knows whether the album arrived, the grid has to do."""
    stage.platform.fail("post_pictures", Unsure(), has_effect=True)
    turn_id = await stage.ask(count=2)
    await stage.result(turn_id)
    assert stage.platform.counted("post_pictures") == 1
    assert len(stage.platform.album()) == 2


async def test_a_failed_turn_says_why_and_can_be_asked_again(stage):
    """That a composer does not answer is said in the same message, with a way to try again."""
    stage.composer.replies = [Unavailable("embedded", "overloaded")]
    turn_id = await stage.ask()
    shown = await stage.result(turn_id)
    assert "too much to do" in shown.text
    assert shown.press(Action.AGAIN).subject == ""
    assert shown.view.picture is None


async def test_a_cancelled_turn_says_so(stage):
    """Calling it off ends the progress in the same message."""
    stage.renderer.gate = asyncio.Event()
    turn_id = await stage.ask()
    await stage.renderer.has_begun.wait()
    await stage.studio.cancel(turn_id)
    shown = await stage.result(turn_id)
    assert shown.text.endswith("Cancelled.")
    revision_id = (await stage.store.turn(turn_id)).revision_id
    assert shown.press(Action.AGAIN).subject == revision_id, "the scene is there and can be painted"


async def test_a_hidden_picture_stays_hidden(stage):
    """What is marked when it is asked for is hidden in the result, the grid and the album."""
    said = stage.ANN.says(stage.ROOM)
    order = stage.order(said, count=2)
    await stage.studio.submit(order)
    await stage.messages.open(order.turn_id, said.chat, said=said, language="en", is_spoiler=True)
    assert (await stage.result(order.turn_id)).view.picture.is_spoiler
    assert all(part.picture.is_spoiler for part in stage.platform.album())


async def test_a_picture_is_shown_again_and_its_file_is_the_original(stage):
    """A revision can be posted anew with its buttons, its file is sent untouched; both can be replied to."""
    turn_id = await stage.ask()
    await stage.result(turn_id)
    revision = await stage.store.revision((await stage.store.turn(turn_id)).revision_id)
    said = stage.BEN.says(stage.ROOM)
    reposts = stage.messages.reposts
    await reposts.show(revision, said, words("en"), is_spoiler=False)
    await reposts.send_original(revision, 0, said, is_spoiler=False)
    again, file = stage.platform.messages()[-1], stage.platform.files()[0]
    assert again.reply_to == file.reply_to == said.message_id
    assert again.press(Action.AGAIN).subject == revision.id
    assert file.file.name == f"omost-{revision.id}.png"
    assert read_scene(file.file.content.read_bytes()).canvas == revision.scene.canvas
    for shown in (again, file):
        post = await stage.store.post(stage.platform.name, "room", shown.message.message_id)
        assert (post.kind, post.revision_id) == (PostKind.PICTURE, revision.id)
    with pytest.raises(NotFound):
        await reposts.send_original(revision, 1, said, is_spoiler=False)
