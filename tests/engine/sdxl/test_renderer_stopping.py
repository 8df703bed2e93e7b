"""What the renderer leaves behind: stopped, closed, before it has its model, and after many pictures."""

import asyncio
import copy
import gc
import os
import threading
import weakref
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from engine.errors import BadSetting, Interrupted, OutOfMemory
from engine.renderer import Base, RenderStep
from engine.renderer.sdxl import SdxlOptions, renderer
from engine.renderer.sdxl.renderer import SdxlRenderer
from tests.engine.sdxl.rendering import (
    CANVAS,
    CHANGED,
    SETTINGS,
    SIZE_PX,
    TIMEOUT_S,
    before_each_step,
    painted,
    raising,
)


async def test_closing_stops_within_one_step(painter, parts):
    """The thread has let go when the iterator is closed, and the next scene is painted as ever."""
    before = await painted(painter)
    with before_each_step(parts, lambda _: None) as calls:
        async with aclosing(painter.render(CANVAS, replace(SETTINGS, steps=100))) as events:
            async for event in events:
                if event == RenderStep(2, 100):
                    break
            reached = len(calls)
        done = len(calls)
        assert await painted(painter) == before
    assert done <= max(reached, 2) + 1
    assert len(calls) == done + SETTINGS.steps


async def test_nothing_is_left_of_a_stopped_picture(painter, parts):
    """The latents are gone as soon as the iterator is closed, without a collection."""
    await painted(painter)
    with before_each_step(parts, lambda _: None) as seen:
        gc.disable()
        try:
            events = painter.render(CANVAS, replace(SETTINGS, steps=100))
            assert await anext(events) == RenderStep(1, 100)
            await events.aclose()
            assert not any(latents() is not None for latents in seen)
        finally:
            gc.enable()


async def test_scenes_wait_for_each_other(painter, parts):
    """One is painted at a time; one that is closed while it waits is never begun."""
    waiting, going_on = threading.Event(), threading.Event()

    def wait(_call):
        waiting.set()
        assert going_on.wait(TIMEOUT_S)

    with before_each_step(parts, wait) as calls:
        first = asyncio.create_task(painted(painter))
        await asyncio.to_thread(waiting.wait, TIMEOUT_S)
        second, third = (asyncio.create_task(painted(painter)) for _ in range(2))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait((second,))
        assert second.cancelled()
        going_on.set()
        assert await third == await first
    assert len(calls) == 2 * SETTINGS.steps


async def test_closing_the_renderer_breaks_off(parts):
    """Who listens is told, and a later scene finds the model loaded again."""
    loads = []

    def read(_options):
        loads.append(1)
        return parts

    painter = SdxlRenderer(SdxlOptions(device="cpu"), read=read)
    async with asyncio.timeout(TIMEOUT_S), aclosing(painter.render(CANVAS, SETTINGS)) as events:
        assert await anext(events) == RenderStep(1, 3)
        await painter.aclose()
        with pytest.raises(Interrupted):
            [event async for event in events]
        assert len(await painted(painter)) == 1
        await painter.aclose()
    assert len(loads) == 2


async def test_closing_frees_the_model(parts):
    """Nothing of it is left in memory."""
    own = replace(parts, unet=copy.deepcopy(parts.unet))
    unet, shelf = weakref.ref(own.unet), [own]
    del own
    painter = SdxlRenderer(SdxlOptions(device="cpu"), read=lambda _options: shelf.pop())
    async with asyncio.timeout(TIMEOUT_S):
        await painted(painter)
        assert unet() is not None
        await painter.aclose()
    assert unet() is None


async def test_a_model_is_loaded_once(parts):
    """Ahead by a warm-up, or by the first scene, while others wait for it too."""
    loads = []

    def read(_options):
        loads.append(threading.current_thread())
        return parts

    painter = SdxlRenderer(SdxlOptions(device="cpu"), read=read)
    async with asyncio.timeout(TIMEOUT_S), aclosing(painter):
        await asyncio.gather(painter.warm_up(), painted(painter), painted(painter))
        await painter.warm_up()
    assert len(loads) == 1
    assert loads[0] is not threading.main_thread()


async def test_a_scene_that_waits_for_the_model_shows_signs_of_life(parts, monkeypatch):
    """Steps of 0 come until the model is there; closing the iterator does not wait for it."""
    monkeypatch.setattr(renderer, "SIGN_EVERY_S", 0.01)
    there = threading.Event()

    def read(_options):
        assert there.wait(TIMEOUT_S)
        return parts

    painter = SdxlRenderer(SdxlOptions(device="cpu"), read=read)
    async with asyncio.timeout(TIMEOUT_S), aclosing(painter):
        async with aclosing(painter.render(CANVAS, SETTINGS)) as events:
            assert [await anext(events) for _ in range(3)] == [RenderStep(0, 3)] * 3
        there.set()
        assert len(await painted(painter)) == 1


def tensors():
    gc.collect()
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def resident_bytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def test_a_hundred_pictures_leave_nothing_behind(painter, parts):
    """Neither tensors nor other objects nor memory gather, whatever is painted in between."""
    base = Base(CANVAS, SETTINGS, (Image.new("RGB", SIZE_PX, "gray"),))

    async def one(number):
        settings = replace(SETTINGS, seed=number, steps=2, count=1 + number % 2)
        match number % 10:
            case 1 | 4 | 7:
                same = replace(SETTINGS, steps=2)
                await painted(painter, CHANGED, same, base=replace(base, settings=same))
            case 2:
                await painted(painter, settings=replace(settings, high_resolution=1.5))
            case 3 | 6:
                async with aclosing(painter.render(CANVAS, replace(settings, steps=50))) as events:
                    await anext(events)
            case 5:
                with pytest.raises(BadSetting):
                    await painted(painter, settings=replace(settings, sampler="magic"))
            case 8:
                with before_each_step(parts, raising(MemoryError())), pytest.raises(OutOfMemory):
                    await painted(painter, settings=settings)
            case _:
                await painted(painter, settings=settings)

    for number in range(10):
        await one(number)
    before, bytes_before = tensors(), resident_bytes()
    objects = len(gc.get_objects())
    for number in range(100):
        await one(number)
    assert tensors() == before
    assert len(gc.get_objects()) < objects + 2000
    assert resident_bytes() < bytes_before + 64 * 2**20
