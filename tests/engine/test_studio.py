"""The way of a request through the studio, and what its listeners hear."""

import asyncio
import io
from contextlib import aclosing
from dataclasses import replace

import pytest
from PIL import Image
from structlog.testing import capture_logs

from canvas import write
from engine.composer import ComposeRequest, Exchange
from engine.events import Composed, ComposingText, Done, Preview, Queued, RegionFinished, Stepped
from engine.studio import Adopt, Compose, Repaint
from storage.errors import NotFound
from storage.records import TurnStatus
from storage.scene import Scene
from storage.scene_file import read_scene


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def text_of(events):
    return "".join(event.text for event in of(ComposingText, events))


async def test_a_prompt_becomes_a_picture(stage):
    """Text streams, the scene is seen, then the revision, steps, and at the end the pictures."""
    events = await stage.played(stage.compose(settings=replace(stage.SMALL, count=2)))
    assert text_of(events) == stage.REPLY
    assert of(RegionFinished, events)[-1].canvas == stage.POND
    (composed,) = of(Composed, events)
    assert (composed.revision.scene.canvas, composed.changes) == (stage.POND, ())
    assert events.index(composed) > events.index(of(RegionFinished, events)[-1])
    assert all(events.index(composed) < events.index(step) for step in of(Stepped, events))
    done = events[-1]
    assert isinstance(done, Done)
    assert [(image.index, image.seed) for image in done.revision.images] == [(0, 7), (1, 8)]
    assert (done.turn.status, done.turn.prompt) == (TurnStatus.DONE, "a pond")
    assert " ".join(done.turn.remark.split()) == "Here is a quiet pond. Shall I add a duck?"
    assert await stage.store.head(stage.TAB) == done.revision


async def test_each_picture_carries_its_own_scene(stage):
    """The file of the second picture of a batch holds the canvas, the second seed and a count of one."""
    revision = await stage.finished(stage.compose(settings=replace(stage.SMALL, count=2)))
    data = (await stage.store.image_path(revision.images[1].id)).read_bytes()
    assert read_scene(data) == Scene(stage.POND, replace(stage.SMALL, seed=8))
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (revision.images[1].width_px, revision.images[1].height_px) == (256, 320)


async def test_the_steps_say_which_picture(stage):
    """The steps of the second picture of a batch carry its index."""
    stage.renderer.gate, stage.renderer.gate_from = asyncio.Event(), 1
    await stage.submit(settings=replace(stage.SMALL, count=2))
    async with asyncio.timeout(120), aclosing(stage.studio.events("t1")) as events:
        async for event in events:
            if event == Stepped(1, 2, 1):
                break
    stage.renderer.gate.set()


async def test_a_change_starts_from_its_parent(stage):
    """The composer is given the scene, the exchanges before and the language; the changes are told."""
    first = await stage.finished(stage.compose())
    stage.composer.replies = [stage.DUSK_REPLY]
    settings = replace(stage.SMALL, seed=99)
    order = Compose("t2", stage.TAB, stage.ANN, " make it dusk ", settings, first.id, "zh")
    done = (await stage.played(order))[-1]
    assert isinstance(done, Done)
    history = (Exchange("a pond", write(stage.POND)),)
    assert stage.composer.requests[-1] == ComposeRequest(
        "make it dusk", stage.POND, history, language="zh", seed=99, is_first=False
    )
    assert done.revision.parent_id == first.id
    assert [change.kind for change in done.changes] == ["global"]


async def test_changes_by_hand_are_part_of_the_last_answer(stage):
    """What was changed without words stands in the history as if the composer had written it."""
    first = await stage.finished(stage.compose())
    second = await stage.finished(Adopt("t2", stage.TAB, stage.ANN, stage.DUSK, stage.SMALL, first.id))
    third = await stage.finished(Repaint("t3", stage.TAB, stage.ANN, second.id, replace(stage.SMALL, seed=8)))
    await stage.finished(stage.compose("t4", parent_id=third.id))
    assert stage.composer.requests[-1].history == (Exchange("a pond", write(stage.DUSK)),)
    assert stage.composer.requests[-1].canvas == stage.DUSK


async def test_painting_again_makes_a_child(stage):
    """A repaint has the same canvas, its own settings, no changes, and asks no composer."""
    first = await stage.finished(stage.compose())
    settings = replace(stage.SMALL, seed=1234, width_px=512)
    done = (await stage.played(Repaint("t2", stage.TAB, stage.ANN, first.id, settings)))[-1]
    assert isinstance(done, Done)
    assert (done.revision.parent_id, done.changes) == (first.id, ())
    assert done.revision.scene == Scene(stage.POND, settings)
    assert [image.seed for image in done.revision.images] == [1234]
    assert len(stage.composer.requests) == 1
    assert await stage.store.head(stage.TAB) == done.revision


async def test_a_canvas_made_by_hand_is_adopted(stage):
    """An uploaded scene is a root; a form's is a child whose changes are told. No composer is asked."""
    order = Adopt("t1", stage.TAB, stage.ANN, stage.POND, stage.SMALL, prompt="from a file")
    root = await stage.finished(order)
    assert (root.parent_id, root.prompt, root.scene.canvas) == (None, "from a file", stage.POND)
    events = await stage.played(Adopt("t2", stage.TAB, stage.ANN, stage.DUSK, stage.SMALL, root.id))
    assert [change.kind for change in of(Composed, events)[0].changes] == ["global"]
    assert stage.composer.requests == []


async def test_undo_goes_to_the_parent_and_branches_stay(stage):
    """Undo moves the head to the parent; a branch from there leaves the undone revision in the history."""
    root = await stage.finished(stage.compose("t1"))
    stage.composer.replies = [stage.DUSK_REPLY]
    undone = await stage.finished(stage.compose("t2", parent_id=root.id))
    assert await stage.studio.undo(stage.TAB) == root == await stage.store.head(stage.TAB)
    branch = await stage.finished(stage.compose("t3", parent_id=root.id))
    assert await stage.store.head(stage.TAB) == branch
    assert await stage.store.history(stage.TAB) == (root, undone, branch)


async def test_undo_stops_at_the_root(stage):
    """Without a parent there is nothing to undo, and the head stays."""
    assert await stage.studio.undo(stage.TAB) is None
    root = await stage.finished(stage.compose())
    assert await stage.studio.undo(stage.TAB) is None
    assert await stage.store.head(stage.TAB) == root


async def test_the_ways_without_a_composer_are_heard(stage):
    """A repaint and an adoption tell the revision, once, before the steps; no text is heard."""
    first = await stage.finished(stage.compose())
    orders = (
        Repaint("t2", stage.TAB, stage.ANN, first.id, stage.SMALL),
        Adopt("t3", stage.TAB, stage.ANN, stage.DUSK, stage.SMALL, first.id),
    )
    for order in orders:
        stage.renderer.gate = asyncio.Event()
        listening = asyncio.create_task(stage.heard(await stage.studio.submit(order)))
        await stage.until(order.turn_id, Stepped)
        stage.renderer.gate.set()
        events = await listening
        kinds = [type(event) for event in events if not isinstance(event, (Queued, Preview))]
        assert kinds[0] is Composed
        assert (kinds.count(Composed), kinds[-1]) == (1, Done)
        assert set(kinds) <= {Composed, Stepped, Done}


async def test_a_late_listener_hears_it_from_the_beginning(stage):
    """Who comes in the middle hears all the text and the scene, in order; after the end, the result."""
    stage.composer.gate = asyncio.Event()
    await stage.submit()
    early = asyncio.create_task(stage.heard("t1"))
    await stage.is_composing()
    late = asyncio.create_task(stage.heard("t1"))
    await stage.until("t1", ComposingText)
    stage.composer.gate.set()
    for events in (await early, await late):
        assert text_of(events) == stage.REPLY
        regions = [len(event.canvas.local_descriptions) for event in of(RegionFinished, events)]
        assert regions == sorted(regions)
        assert regions[-1] == 2
        assert len(of(Composed, events)) == 1
        assert isinstance(events[-1], Done)
    assert await stage.heard("t1") == [(await early)[-1]]


async def test_who_comes_while_it_is_painted_hears_the_text_too(stage):
    """The first listener of a turn may come when it is composed long since."""
    stage.renderer.gate = asyncio.Event()
    await stage.submit()
    await stage.is_painting()
    listening = asyncio.create_task(stage.heard("t1"))
    await stage.until("t1", Stepped)
    stage.renderer.gate.set()
    events = await listening
    assert text_of(events) == stage.REPLY
    assert len(of(Composed, events)) == 1


async def test_a_slow_listener_holds_nobody_up(stage):
    """The turn ends while one listener has read a single event, and that one still hears all text."""
    await stage.submit()
    async with aclosing(stage.studio.events("t1")) as slow:
        first = await anext(slow)
        assert isinstance((await stage.heard("t1"))[-1], Done)
        rest = [event async for event in slow]
    assert text_of([first, *rest]) == stage.REPLY
    assert isinstance(rest[-1], Done)


async def test_who_stops_listening_stops_nothing(stage):
    """A turn whose only listener has left goes on to its end, and is heard again whole."""
    stage.composer.gate = asyncio.Event()
    await stage.submit()
    await stage.until("t1", ComposingText)
    listening = asyncio.create_task(stage.heard("t1"))
    await stage.until("t1", ComposingText)
    stage.composer.gate.set()
    events = await listening
    assert text_of(events) == stage.REPLY
    assert isinstance(events[-1], Done)


async def test_a_turn_that_is_unknown_is_not_found(stage):
    """Listening to a turn that nobody submitted raises, and so does cancelling it in somebody's name."""
    with pytest.raises(NotFound):
        await stage.heard("nobody's")
    with pytest.raises(NotFound):
        await stage.studio.cancel("nobody's", by=stage.ANN)


async def test_the_end_is_delivered(stage):
    """Whoever delivers is given the turn as it ended, once."""
    revision = await stage.finished(stage.compose())
    (turn,) = await stage.delivered("t1")
    assert (turn.status, turn.revision_id, turn.person) == (TurnStatus.DONE, revision.id, stage.ANN)


async def test_a_delivery_that_fails_is_tried_again(stage):
    """A platform that does not answer at first gets the turn all the same, and once."""
    stage.post.failures = 2
    await stage.submit()
    (turn,) = await stage.delivered("t1")
    assert (turn.status, stage.post.tried) == (TurnStatus.DONE, 3)


async def test_the_scene_is_seen_while_it_is_composed(stage):
    """A small layout in the picture's proportions appears before the composer has ended."""
    stage.composer.gate = asyncio.Event()
    await stage.submit(settings=replace(stage.SMALL, width_px=1024, height_px=768))
    width_px, height_px = (await stage.until("t1", Preview)).image.size
    assert max(width_px, height_px) < 768
    assert abs(width_px / height_px - 4 / 3) < 0.02
    stage.composer.gate.set()
    assert isinstance((await stage.heard("t1"))[-1], Done)


async def test_no_layout_comes_after_the_renderers_own_preview(stage):
    """A layout that is painted too slowly is not shown over what the renderer has shown already."""
    stage.layouts.hold()
    stage.composer.gate, stage.renderer.gate = asyncio.Event(), asyncio.Event()
    await stage.submit()
    assert await asyncio.to_thread(stage.layouts.is_painting.wait, 20)
    stage.composer.gate.set()
    await stage.is_painting()  # the composing has not waited for its layout
    stage.layouts.gate.set()
    assert await asyncio.to_thread(stage.layouts.has_painted.wait, 20)
    assert (await stage.until("t1", Preview)).image.size == (8, 8)
    stage.renderer.gate.set()
    assert isinstance((await stage.heard("t1"))[-1], Done)


async def test_a_preview_that_fails_spoils_nothing(stage):
    """A layout that cannot be painted is logged; the picture is finished all the same."""
    stage.layouts.painted = None  # what is appended to it raises
    stage.composer.gate = asyncio.Event()
    with capture_logs() as logs:
        await stage.submit()
        await stage.until("t1", ComposingText)
        stage.composer.gate.set()
        assert isinstance((await stage.heard("t1"))[-1], Done)
    assert "preview_failed" in {entry["event"] for entry in logs}


async def test_what_has_ended_is_one_event(stage):
    """Of a turn that ended the result alone is heard, by whoever comes."""
    done = (await stage.played(stage.compose()))[-1]
    assert await stage.heard("t1") == [done]
    assert isinstance(done, Done)
