"""What a picture goes on from: the pictures of the scene that was changed."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from engine.errors import Unavailable
from engine.orders import Adopt, to_turn
from engine.stages import Stages
from storage.records import Place
from storage.scene import MAX_SEED


def admit(standing):
    return Place(standing.served, standing.served + 1)


def unheard(event):
    del event


@pytest.fixture
def rendered(closed_stage):
    """Carries out an adopted canvas; returns its revision and the base that it was painted from."""
    stage, numbers = closed_stage, count(1)
    stages = Stages(stage.store, renderers={"storyboard": stage.renderer}, paint_layout=stage.layouts.paint)

    async def render(canvas, parent=None, **changed):
        settings, parent_id = replace(stage.SMALL, **changed), parent.id if parent else None
        order = Adopt(f"t{next(numbers)}", stage.TAB, stage.ANN, canvas, settings, parent_id)
        turn, _ = await stage.store.begin_turn(to_turn(order), admit)
        revision = await stages.compose(turn.id, unheard)
        await stages.paint(turn.id, unheard)
        await stage.store.finish_turn(turn.id, "done")
        return await stage.store.revision(revision.id), stage.renderer.bases[-1]

    return render


def seeds_of(base):
    """By the colours of the scripted renderer's pictures."""
    return [picture.getpixel((0, 0))[1] for picture in base.pictures]


async def test_a_new_scene_has_no_base(closed_stage, rendered):
    """There is nothing before it."""
    assert (await rendered(closed_stage.POND))[1] is None


async def test_a_child_goes_on_from_its_parent(closed_stage, rendered):
    """From its canvas, its settings, and its pictures, each from that of its own seed."""
    parent, _ = await rendered(closed_stage.POND, count=3)
    _, base = await rendered(closed_stage.DUSK, parent, count=3)
    assert (base.canvas, base.settings) == (parent.scene.canvas, parent.scene.settings)
    assert seeds_of(base) == [7, 8, 9]
    assert {picture.size for picture in base.pictures} == {(256, 320)}


async def test_more_pictures_than_before_go_on_from_the_first(closed_stage, rendered):
    """Where the parent has none of a seed."""
    parent, _ = await rendered(closed_stage.POND, count=2)
    _, base = await rendered(closed_stage.DUSK, parent, count=4)
    assert seeds_of(base) == [7, 8, 7, 7]
    assert base.settings.seed == 7


async def test_a_chosen_picture_is_gone_on_from(closed_stage, rendered):
    """Asked for with the seed of the second, the base is the second, as if it had been the first."""
    parent, _ = await rendered(closed_stage.POND, count=3)
    _, base = await rendered(closed_stage.DUSK, parent, seed=8)
    assert seeds_of(base) == [8]
    assert base.settings == replace(parent.scene.settings, seed=8)


@pytest.mark.parametrize("seed", [6, 100])
async def test_another_seed_is_seen_to_be_another(closed_stage, rendered, seed):
    """No picture has it: the base is the first, and keeps the seed that it had."""
    parent, _ = await rendered(closed_stage.POND, count=2)
    _, base = await rendered(closed_stage.DUSK, parent, seed=seed, count=2)
    assert seeds_of(base)[0] == 7
    assert base.settings.seed == 7


@pytest.mark.parametrize("seed", [7, 6])
async def test_what_is_left_of_a_batch_goes_on_as_all_of_it(closed_stage, rendered, seed):
    """Interrupted after its first picture, the second one has the base that it would have had."""
    stage = closed_stage
    parent, _ = await rendered(stage.POND, count=3)
    stage.renderer.fails_after = 1
    with pytest.raises(RuntimeError, match="out of paint"):
        await rendered(stage.DUSK, parent, seed=seed, count=3)
    whole = stage.renderer.bases[-1]
    stage.renderer.fails_after = None
    stages = Stages(stage.store, renderers={"storyboard": stage.renderer})
    await stages.paint("t2", unheard)
    rest = stage.renderer.bases[-1]
    assert stage.renderer.batches[-1][:2] == (seed + 1, 2)
    assert seeds_of(rest) == seeds_of(whole)[1:]
    assert (rest.settings.seed == seed + 1) == (whole.settings.seed == seed)


async def test_the_first_seed_follows_the_last(closed_stage, rendered):
    """A batch that goes beyond the last seed has those that its pictures can be painted again with."""
    parent, _ = await rendered(closed_stage.POND, seed=MAX_SEED, count=3)
    assert [image.seed for image in parent.images] == [MAX_SEED, 0, 1]
    child, base = await rendered(closed_stage.DUSK, parent, seed=0, count=2)
    assert [image.seed for image in child.images] == [0, 1]
    assert base.settings.seed == 0
    assert seeds_of(base) == [0, 1]


@pytest.mark.parametrize("damage", [lambda png: png[: len(png) // 2], lambda png: png[:60] + b"?" + png[61:]])
async def test_a_damaged_picture_is_no_base(closed_stage, rendered, damage):
    """Cut off or with a wrong byte: the scene is painted without it, rather than never."""
    stage = closed_stage
    parent, _ = await rendered(stage.POND)
    path = await stage.store.image_path(parent.images[0].id)
    await asyncio.to_thread(lambda: path.write_bytes(damage(path.read_bytes())))
    assert (await rendered(stage.DUSK, parent))[1] is None


async def test_one_lost_picture_takes_no_other_along(closed_stage, rendered):
    """Its place is taken by the first one that is left; the others are gone on from as ever."""
    stage = closed_stage
    parent, _ = await rendered(stage.POND, count=3)
    path = await stage.store.image_path(parent.images[1].id)
    await asyncio.to_thread(path.unlink)
    _, base = await rendered(stage.DUSK, parent, count=3)
    assert seeds_of(base) == [7, 7, 9]


async def test_a_parent_whose_pictures_are_gone_is_no_base(closed_stage, rendered):
    """Removed after their time, or lost with their file."""
    stage = closed_stage
    parent, _ = await rendered(stage.POND)
    path = await stage.store.image_path(parent.images[0].id)
    await asyncio.to_thread(path.write_bytes, b"no picture")
    assert (await rendered(stage.DUSK, parent))[1] is None
    await asyncio.to_thread(path.unlink)
    assert (await rendered(stage.DUSK, parent, seed=50))[1] is None
    other, _ = await rendered(stage.POND, seed=60)
    assert await stage.store.remove_pictures(datetime.now(UTC) + timedelta(days=1)) > 0
    assert (await rendered(stage.DUSK, other))[1] is None


class Warm:
    """A renderer that can be warmed up, and notes it."""

    def __init__(self):
        self.warmed = 0

    async def warm_up(self):
        self.warmed += 1


async def test_a_renderer_is_warmed_up_by_name(closed_stage):
    """If it loads anything; one that cannot be used says so."""
    warm, stage = Warm(), closed_stage
    stages = Stages(stage.store, renderers={"warm": warm, "storyboard": stage.renderer})
    await stages.warm_up("warm")
    await stages.warm_up("storyboard")
    assert warm.warmed == 1
    with pytest.raises(Unavailable):
        await stages.warm_up("sdxl")
