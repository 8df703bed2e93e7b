"""The renderer over SDXL's own classes, tiny and random: what an edit changes, and what it leaves."""

from dataclasses import replace

import numpy as np
import pytest

from canvas.layout import GRID_CELLS, rect
from engine.renderer import Base, RenderedImage, RenderStep
from tests.engine.sdxl.rendering import (
    CANVAS,
    CHANGED,
    DRAGON,
    KNIGHT,
    LARGER,
    SETTINGS,
    SIZE_PX,
    before_each_step,
    difference,
    events_of,
    of_kind,
    painted,
)


def beyond(region, size_px, margin_px):
    """Which pixels lie outside of a region and a margin around it."""
    outside = np.ones(size_px[::-1], dtype=bool)
    top, bottom, left, right = rect(region)
    rows, columns = (
        slice(max(0, start * side // GRID_CELLS - margin_px), -(-end * side // GRID_CELLS) + margin_px)
        for start, end, side in ((top, bottom, size_px[1]), (left, right, size_px[0]))
    )
    outside[rows, columns] = False
    return outside


@pytest.mark.parametrize("settings", [SETTINGS, LARGER, replace(SETTINGS, strength=0.95)])
async def test_an_edit_leaves_the_rest_as_it_was(painter, settings):
    """To the pixel, outside of the changed region and its seam, in both images; inside it is another."""
    settings = replace(settings, count=2)
    before = await painted(painter, settings=settings)
    base = Base(CANVAS, settings, tuple(before))
    after = await painted(painter, CHANGED, settings, base=base)
    (width_px, height_px) = before[0].size
    outside = beyond(DRAGON, (width_px, height_px), round(0.04 * width_px))
    assert outside.mean() > 0.4
    for one, other in zip(before, after, strict=True):
        changed = difference(one, other)
        assert changed[outside].max() == 0
        assert changed[~outside].max() > 5
    everything = await painted(painter, CHANGED, settings)
    assert difference(before[0], everything[0])[outside].max() > 5


async def test_an_edit_of_an_edit_leaves_the_rest_as_it_was(painter):
    """The picture goes on from the edited one."""
    (first,) = await painted(painter)
    (second,) = await painted(painter, CHANGED, base=Base(CANVAS, SETTINGS, (first,)))
    again = replace(CHANGED, local_descriptions=(KNIGHT, replace(DRAGON, description="a blue dragon")))
    (third,) = await painted(painter, again, base=Base(CHANGED, SETTINGS, (second,)))
    outside = beyond(DRAGON, SIZE_PX, 2)
    assert difference(first, third)[outside].max() == 0
    assert difference(second, third).max() > 5


async def test_without_steadiness_everything_is_painted(painter):
    """As if there were no picture before; so it is with one of another size."""
    settings = replace(SETTINGS, steady=False)
    everything = await painted(painter, CHANGED)
    (before,) = await painted(painter)
    assert await painted(painter, CHANGED, settings, base=Base(CANVAS, SETTINGS, (before,))) == everything
    tiny = Base(CANVAS, SETTINGS, (before.resize((40, 40)),))
    assert await painted(painter, CHANGED, base=tiny) == everything


async def test_a_locked_region_outlasts_another_seed(painter):
    """What was locked by hand is the same to the pixel; the rest is another picture."""
    (before,) = await painted(painter)
    settings = replace(SETTINGS, seed=8, locked="a knight")
    (after,) = await painted(painter, settings=settings, base=Base(CANVAS, SETTINGS, (before,)))
    locked = ~beyond(KNIGHT, SIZE_PX, 0)
    assert difference(before, after)[locked].max() == 0
    assert difference(before, after)[beyond(KNIGHT, SIZE_PX, 2)].mean() > 5


async def test_a_picture_is_enlarged_as_it_is(painter, parts):
    """It becomes what it would have become at once, without its first pass; what was edited stays so."""
    (at_once,) = await painted(painter, settings=LARGER)
    (small,) = await painted(painter)
    with before_each_step(parts, lambda _: None) as calls:
        events = await events_of(painter, settings=LARGER, base=Base(CANVAS, SETTINGS, (small,)))
    assert of_kind(RenderedImage, events)[0].image == at_once
    assert len(calls) == 20
    assert of_kind(RenderStep, events)[-1] == RenderStep(20, 20)
    edited = small.copy()
    edited.paste("red", (0, 0, 20, 20))
    (other,) = await painted(painter, settings=LARGER, base=Base(CANVAS, SETTINGS, (edited,)))
    assert other.size == at_once.size == (80, 112)
    assert difference(other, at_once).max() > 5
