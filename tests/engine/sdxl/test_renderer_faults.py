"""Memories that are full and models that break: what the renderer says, and what it keeps of them."""

import asyncio
import copy
import gc
import weakref
from contextlib import aclosing
from dataclasses import replace

import pytest
import torch
from structlog.testing import capture_logs

from engine.errors import OutOfMemory, Unavailable
from engine.events import Economised
from engine.orders import Adopt, to_turn
from engine.renderer import Economy
from engine.renderer.sdxl import SdxlOptions
from engine.renderer.sdxl.renderer import SdxlRenderer
from engine.stages import Stages
from storage.records import Place
from tests.engine.sdxl.rendering import (
    CANVAS,
    SETTINGS,
    TIMEOUT_S,
    before_each_step,
    painted,
    raising,
)


@pytest.mark.parametrize(
    "full",
    [torch.OutOfMemoryError("CUDA out of memory."), MemoryError(), RuntimeError("can't allocate memory")],
)
async def test_a_full_memory_is_reported_when_all_is_free(painter, parts, full):
    """The picture's tensors are gone when the error arrives; a thriftier try works."""
    await painted(painter)
    with before_each_step(parts, raising(full)) as seen:
        gc.disable()
        try:
            with pytest.raises(OutOfMemory):
                await painted(painter)
            assert [latents() for latents in seen] == [None] * 2
        finally:
            gc.enable()
        assert len(await painted(painter, economy=Economy.TILED)) == 1


async def test_a_picture_that_did_not_fit_is_painted_more_thriftily(painter, parts, closed_stage):
    """A turn whose first try filled the memory has its pictures in the end, and the person was told."""
    heard, stage = [], closed_stage
    stages = Stages(stage.store, renderers={"sdxl": painter})
    order = Adopt("t1", stage.TAB, stage.ANN, CANVAS, replace(SETTINGS, count=2))
    await stage.store.begin_turn(to_turn(order), lambda standing: Place(standing.served, standing.served + 1))
    revision = await stages.compose("t1", heard.append)
    with before_each_step(parts, raising(torch.OutOfMemoryError("CUDA out of memory."))):
        await stages.paint("t1", heard.append)
    assert [event.economy for event in heard if isinstance(event, Economised)] == [Economy.TILED]
    images = (await stage.store.revision(revision.id)).images
    assert [(image.seed, image.width_px, image.height_px) for image in images] == [(7, 56, 72), (8, 56, 72)]


@pytest.mark.parametrize(
    "fault", [RuntimeError("an illegal memory access"), FloatingPointError("not finite")]
)
async def test_a_model_that_breaks_down_is_unavailable(painter, parts, fault):
    """With a reason that says so, and nothing hangs on the error."""
    with (
        before_each_step(parts, raising(fault)),
        capture_logs() as logs,
        pytest.raises(Unavailable) as caught,
    ):
        await painted(painter)
    assert [log["exc_info"] for log in logs if log["event"] == "model-failed"] == [fault]
    assert caught.value.reason == "model-failed"
    assert caught.value.__context__ is None
    assert len(await painted(painter)) == 1


async def test_a_model_that_cannot_be_loaded_is_tried_again(parts):
    """Its reason reaches whoever wants a picture; the next one may have more luck."""
    shelf = [parts, Unavailable("sdxl", "model-not-found")]

    def read(_options):
        taken = shelf.pop()
        if isinstance(taken, Exception):
            raise taken
        return taken

    painter = SdxlRenderer(SdxlOptions(device="cpu"), read=read)
    async with asyncio.timeout(TIMEOUT_S), aclosing(painter):
        with pytest.raises(Unavailable) as caught:
            await painted(painter)
        assert caught.value.reason == "model-not-found"
        assert len(await painted(painter)) == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda: torch.OutOfMemoryError("CUDA out of memory."), "not-enough-memory"),
        (lambda: RuntimeError("an illegal memory access"), "model-failed"),
        (lambda: Unavailable("sdxl", "not-enough-memory"), "not-enough-memory"),
    ],
)
async def test_a_model_that_does_not_get_onto_its_device_is_let_go(parts, monkeypatch, fault, reason):
    """Its error says why, by the renderer's name, and keeps none of its gigabytes."""
    own = replace(parts, unet=copy.deepcopy(parts.unet))
    unet, shelf = weakref.ref(own.unet), [own]
    del own

    def full(*_):
        raise fault()

    monkeypatch.setattr("engine.renderer.sdxl.model.Residence", full)
    options = SdxlOptions(device="cpu", backend="tiny")
    painter = SdxlRenderer(options, read=lambda _options: shelf.pop())
    async with asyncio.timeout(TIMEOUT_S), aclosing(painter):
        with capture_logs() as logs, pytest.raises(Unavailable) as caught:
            await painted(painter)
        assert (caught.value.backend, caught.value.reason) == ("tiny", reason)
        logs.clear()  # which hold the error
        gc.collect()
        assert unet() is None


async def test_errors_name_the_renderer_as_it_is_configured(parts, tmp_path):
    """While it is loaded and while it paints: whoever chose `tiny` is not told of another."""
    options = SdxlOptions(str(tmp_path), device="cpu", backend="tiny")
    with pytest.raises(Unavailable) as caught:
        await SdxlRenderer(options).warm_up()
    assert (caught.value.backend, caught.value.reason) == ("tiny", "model-not-sdxl")
    painter = SdxlRenderer(options, read=lambda _options: parts)
    async with aclosing(painter):
        with before_each_step(parts, raising(RuntimeError("broken"))), pytest.raises(Unavailable) as caught:
            await painted(painter)
    assert (caught.value.backend, caught.value.reason) == ("tiny", "model-failed")
