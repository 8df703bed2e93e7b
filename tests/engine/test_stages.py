"""The two stages of a turn: begun as often as needed, done once, whatever stops them in the middle."""

import asyncio
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest

from engine.errors import GaveUp, OutOfMemory
from engine.events import Composed, Economised, Stepped
from engine.orders import Adopt, Repaint, to_turn
from engine.renderer import Economy
from engine.stages import Stages, TurnEnded
from storage.errors import DatabaseAway, StorageFailed
from storage.records import Place, TurnStage, TurnStatus
from storage.store import Store


def admit(standing):
    return Place(standing.served, standing.served + 1)


def stages_of(stage, store=None, attempts=5):
    return Stages(
        store or stage.store,
        composers={"embedded": stage.composer},
        renderers={"storyboard": stage.renderer},
        paint_layout=stage.layouts.paint,
        attempts=attempts,
    )


async def begun(stage, order):
    turn, _ = await stage.store.begin_turn(to_turn(order), admit)
    return turn.id


async def cut_off(work, reached, and_then=None):
    """Work that is stopped as soon as something is reached, as a process that dies would."""
    task = asyncio.create_task(work)
    async with asyncio.timeout(120):
        await reached.wait()
    if and_then:
        await and_then()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


async def has_pictures(stage, revision):
    return (await stage.store.revision(revision.id)).images


def unheard(event):
    del event


async def test_a_stage_done_is_not_done_again(closed_stage):
    """Composing twice gives one revision, and painting twice one set of pictures, each worked on once."""
    stage, heard = closed_stage, []
    stages = stages_of(stage)
    turn_id = await begun(stage, stage.compose())
    first = await stages.compose(turn_id, heard.append)
    assert await stages.compose(turn_id, heard.append) == first
    await stages.paint(turn_id, heard.append)
    painted = await stage.store.revision(first.id)
    await stages.paint(turn_id, heard.append)
    assert await stage.store.revision(first.id) == painted
    assert (len(stage.composer.requests), len(stage.renderer.batches)) == (1, 1)
    assert sum(isinstance(event, Composed) for event in heard) == 1


async def test_a_batch_goes_on_behind_the_last_picture(closed_stage):
    """Cut off after the first of three pictures, the second is painted next, with its own seed and index."""
    stage, heard = closed_stage, []
    stages = stages_of(stage)
    turn_id = await begun(stage, stage.compose(settings=replace(stage.SMALL, count=3)))
    revision = await stages.compose(turn_id, unheard)
    stage.renderer.gate, stage.renderer.gate_from = asyncio.Event(), 1

    async def first_is_stored():
        await stage.eventually(partial(has_pictures, stage, revision), "a picture is stored")

    await cut_off(stages.paint(turn_id, unheard), stage.renderer.has_begun, first_is_stored)
    first = (await stage.store.revision(revision.id)).images
    assert [image.index for image in first] == [0]
    stage.renderer.gate = None
    await stages.paint(turn_id, heard.append)
    images = (await stage.store.revision(revision.id)).images
    assert images[0] == first[0]
    assert [(image.index, image.seed) for image in images] == [(0, 7), (1, 8), (2, 9)]
    assert [(seed, count) for seed, count, _ in stage.renderer.batches] == [(7, 3), (8, 2)]
    assert {event.index for event in heard if isinstance(event, Stepped)} == {1, 2}


async def test_the_economy_that_fitted_is_remembered(closed_stage):
    """Cut off after it had become thrifty, the painting goes on as thriftily and not from the start."""
    stage, heard = closed_stage, []
    stages = stages_of(stage)
    turn_id = await begun(stage, stage.compose())
    await stages.compose(turn_id, unheard)
    stage.renderer.needs, stage.renderer.gate = Economy.TILED, asyncio.Event()
    await cut_off(stages.paint(turn_id, heard.append), stage.renderer.has_begun)
    assert [event.economy for event in heard if isinstance(event, Economised)] == [Economy.TILED]
    stage.renderer.gate = None
    await stages.paint(turn_id, unheard)
    economies = [economy for _, _, economy in stage.renderer.batches]
    assert economies == [Economy.NONE, Economy.TILED, Economy.TILED]


async def test_the_end_of_the_ladder(closed_stage):
    """What fits at no economy raises after the last one, each tried once."""
    stage = closed_stage
    stages = stages_of(stage)
    turn_id = await begun(stage, stage.compose())
    await stages.compose(turn_id, unheard)
    stage.renderer.is_bottomless = True
    with pytest.raises(OutOfMemory):
        await stages.paint(turn_id, unheard)
    assert [economy for _, _, economy in stage.renderer.batches] == list(Economy)


async def test_what_stops_its_worker_again_and_again_is_given_up(closed_stage):
    """Begun as often as is allowed and never ended, a stage is not begun again; the other stage is new."""
    stage = closed_stage
    stages = stages_of(stage, attempts=2)
    turn_id = await begun(stage, stage.compose())
    for _ in range(2):
        stage.composer.gate = asyncio.Event()
        stage.composer.is_composing.clear()
        await cut_off(stages.compose(turn_id, unheard), stage.composer.is_composing)
    with pytest.raises(GaveUp) as caught:
        await stages.compose(turn_id, unheard)
    assert caught.value.attempts == 2
    assert len(stage.composer.requests) == 2
    stage.composer.gate = None
    await stages_of(stage, attempts=9).compose(turn_id, unheard)
    await stages.paint(turn_id, unheard)


async def test_a_turn_that_has_ended_is_left_alone(closed_stage):
    """A stage of a turn that was called off does nothing."""
    stage = closed_stage
    stages = stages_of(stage)
    turn_id = await begun(stage, stage.compose())
    await stage.store.finish_turn(turn_id, TurnStatus.CANCELLED)
    for work in (stages.compose, stages.paint):
        with pytest.raises(TurnEnded):
            await work(turn_id, unheard)
    assert (stage.composer.requests, stage.renderer.batches) == ([], [])


async def test_every_kind_of_order_has_its_scene(closed_stage):
    """Adopted canvases and repainted parents need no composer."""
    stage = closed_stage
    stages = stages_of(stage)
    adopted = await begun(stage, Adopt("t1", stage.TAB, stage.ANN, stage.POND, stage.SMALL))
    root = await stages.compose(adopted, unheard)
    assert root.scene.canvas == stage.POND
    again = Repaint("t2", stage.TAB, stage.ANN, root.id, replace(stage.SMALL, seed=9))
    child = await stages.compose(await begun(stage, again), unheard)
    assert (child.parent_id, child.scene.canvas, child.scene.settings.seed) == (root.id, stage.POND, 9)
    assert stage.composer.requests == []


class AbsentStore(Store):
    """A store that is away whenever something is asked of it for the first time; or it fails for good."""

    failure: type[StorageFailed] = DatabaseAway

    def fail_first(self, what):
        self.asked[what] += 1
        if self.asked[what] == 1 or self.failure is StorageFailed:
            raise self.failure("the connection is closed")

    async def begin_stage(self, turn_id, stage):
        self.fail_first(f"begin {stage}")
        return await super().begin_stage(turn_id, stage)

    async def revision(self, revision_id):
        self.fail_first("revision")
        return await super().revision(revision_id)

    async def add_revision(self, turn_id, *args, **named):
        self.fail_first("add_revision")
        return await super().add_revision(turn_id, *args, **named)

    async def add_image(self, revision_id, **named):
        self.fail_first(f"add_image {named['index']}")
        return await super().add_image(revision_id, **named)

    async def set_economy(self, turn_id, economy):
        self.fail_first("set_economy")
        await super().set_economy(turn_id, economy)


@pytest.fixture
async def absent_store(tmp_path):
    opened = await AbsentStore.open(tmp_path / "data")
    opened.asked = Counter()
    yield opened
    await opened.close()


async def test_a_database_that_is_away_is_waited_for(closed_stage, absent_store):
    """Whatever call fails for lack of the database is made again, and nothing is worked out twice for it."""
    stage = closed_stage
    stage.renderer.needs = Economy.TILED
    stages = stages_of(stage, absent_store)
    turn_id = await begun(stage, stage.compose(settings=replace(stage.SMALL, count=2)))
    revision = await stages.compose(turn_id, unheard)
    await stages.paint(turn_id, unheard)
    assert len(absent_store.asked) == 7
    assert min(absent_store.asked.values()) == 2
    assert [image.seed for image in (await stage.store.revision(revision.id)).images] == [7, 8]
    assert (len(stage.composer.requests), len(stage.renderer.batches)) == (1, 2)
    turn = await stage.store.turn(turn_id)
    assert (turn.stage, turn.attempts, turn.economy) == (TurnStage.PAINTING, 1, Economy.TILED)


async def test_a_database_that_refuses_is_not_waited_for(closed_stage, absent_store):
    """A disk that is full does not get emptier by asking."""
    absent_store.failure = StorageFailed
    turn_id = await begun(closed_stage, closed_stage.compose())
    with pytest.raises(StorageFailed):
        await stages_of(closed_stage, absent_store).compose(turn_id, unheard)
    assert dict(absent_store.asked) == {"begin composing": 1}


async def test_one_backend_that_does_not_close_keeps_no_other_open(closed_stage):
    """What holds connections or models is closed, all of it, and the fault of one is told."""

    class Held:
        def __init__(self, fault=None):
            self.is_closed = False
            self._fault = fault

        async def aclose(self):
            self.is_closed = True
            if self._fault:
                raise self._fault

    composer, broken, renderer = Held(), Held(ConnectionError("gone")), Held()
    stages = Stages(
        closed_stage.store, composers={"server": composer}, renderers={"broken": broken, "sdxl": renderer}
    )
    with pytest.raises(ConnectionError, match="gone"):
        await stages.aclose()
    assert composer.is_closed
    assert broken.is_closed
    assert renderer.is_closed
