"""The renderer over SDXL's own classes, tiny and random: events, edits, and what it leaves behind."""

import asyncio
import copy
import gc
import os
import threading
import weakref
from contextlib import aclosing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from structlog.testing import capture_logs

from canvas import Canvas, GlobalDescription, LocalDescription
from canvas.layout import GRID_CELLS, rect
from engine.errors import BadSetting, Interrupted, LoraDoesNotFit, OutOfMemory, Unavailable
from engine.events import Economised
from engine.orders import Adopt, to_turn
from engine.renderer import Base, Economy, RenderedImage, RenderPreview, RenderStep
from engine.renderer.sdxl import SdxlOptions, renderer
from engine.renderer.sdxl.model import native_px
from engine.renderer.sdxl.presets import SizeRange
from engine.renderer.sdxl.renderer import SdxlRenderer
from engine.renderer.sdxl.sampling import SAMPLERS
from engine.stages import Stages
from storage.records import Place
from storage.scene import SceneSettings
from tests.engine.sdxl.saved import save_lora
from tests.engine.sdxl.small_vae import save_tiny_autoencoder

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TIMEOUT_S = 60
SIZE_PX = (56, 72)
"""What 896 x 1152 is for a model that was made for 64 x 64."""

KNIGHT = LocalDescription("a knight", location="on the left", area="a small square area", color="silver")
DRAGON = LocalDescription("a dragon", location="on the right", area="a small square area", color="green")
CANVAS = Canvas(GlobalDescription("a castle at night", tags="castle"), (KNIGHT, DRAGON))
CHANGED = replace(CANVAS, local_descriptions=(KNIGHT, replace(DRAGON, description="a red dragon")))
SETTINGS = SceneSettings(seed=7, steps=3, renderer="sdxl")
LARGER = replace(SETTINGS, high_resolution=1.5)


@pytest.fixture
async def painter(parts):
    sdxl = SdxlRenderer(SdxlOptions(device="cpu"), read=lambda _options: parts)
    async with aclosing(sdxl):
        yield sdxl


async def events_of(painter, canvas=CANVAS, settings=SETTINGS, **named):
    async with asyncio.timeout(TIMEOUT_S), aclosing(painter.render(canvas, settings, **named)) as events:
        return [event async for event in events]


def of_kind(kind, events):
    return [event for event in events if isinstance(event, kind)]


async def painted(painter, canvas=CANVAS, settings=SETTINGS, **named):
    """The finished pictures."""
    events = await events_of(painter, canvas, settings, **named)
    return [event.image for event in of_kind(RenderedImage, events)]


@contextmanager
def before_each_step(parts, act):
    """Does something before each call of the model, in the thread that paints; it is told its number."""
    calls = []

    def count(_unet, given):
        calls.append(weakref.ref(given[0]))
        act(len(calls))

    watching = parts.unet.register_forward_pre_hook(count)
    try:
        yield calls
    finally:
        watching.remove()


def difference(one, other):
    return np.abs(np.asarray(one).astype(int) - np.asarray(other)).max(-1)


def tensors():
    gc.collect()
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


# --- events ---------------------------------------------------------------------------------------------


async def test_steps_previews_and_pictures(painter):
    """A step after each step, some previews on the way, and each picture with its seed."""
    events = await events_of(painter, settings=replace(SETTINGS, steps=20, count=2))
    assert of_kind(RenderStep, events) == [RenderStep(step, 20) for step in range(1, 21)]
    pictures = of_kind(RenderedImage, events)
    assert [(picture.index, picture.seed, picture.image.size) for picture in pictures] == [
        (0, 7, SIZE_PX),
        (1, 8, SIZE_PX),
    ]
    assert events[-2:] == pictures
    previews = of_kind(RenderPreview, events)
    assert 3 <= len(previews) <= 6
    assert len({preview.image.tobytes() for preview in previews}) == len(previews)
    assert all(abs(preview.image.width / preview.image.height - 56 / 72) < 0.1 for preview in previews)


async def test_a_scene_is_painted_alike_again(painter):
    """The same seed gives the same picture; image k of a batch is that of seed + k."""
    batch = await painted(painter, settings=replace(SETTINGS, count=2))
    assert await painted(painter, settings=replace(SETTINGS, count=2)) == batch
    (second,) = await painted(painter, settings=replace(SETTINGS, seed=8))
    assert difference(batch[1], second).max() <= 2
    assert difference(*batch).max() > 20


async def test_pictures_that_hardly_fit_are_painted_one_by_one(painter, parts):
    """With the greatest economy, the model sees one picture at a time, and the pictures are alike."""
    settings = replace(SETTINGS, count=2)
    together = await painted(painter, settings=settings, economy=Economy.TILED)
    with before_each_step(parts, lambda _: None) as calls:
        apart = await events_of(painter, settings=settings, economy=Economy.ONE_BY_ONE)
    assert len(calls) == 2 * SETTINGS.steps
    assert [step.step for step in of_kind(RenderStep, apart)] == [1, 2, 3, 1, 2, 3]
    pictures = [event.image for event in of_kind(RenderedImage, apart)]
    assert [difference(*pair).max() <= 2 for pair in zip(together, pictures, strict=True)] == [True, True]


async def test_a_thrifty_picture_is_decoded_in_tiles(painter, parts):
    """From the first economy on."""
    seen = []
    watching = parts.vae.decoder.register_forward_pre_hook(lambda _vae, given: seen.append(given[0].shape))
    try:
        await painted(painter, economy=Economy.TILED)
    finally:
        watching.remove()
    assert len(seen) > 1


@pytest.mark.parametrize(
    "asked", [(896, 1152), (1152, 896), (100_000, 100_000), (100_000, 1), (1, 1), (333, 777), (0, -5)]
)
async def test_any_size_becomes_a_good_one(painter, asked):
    """The picture is in a size that the model paints well, whatever was asked for."""
    width_px, height_px = asked
    (picture,) = await painted(painter, settings=replace(SETTINGS, width_px=width_px, height_px=height_px))
    assert SizeRange.around(64).holds(*picture.size)


@pytest.mark.parametrize(("sample_size", "side_px"), [(16, 64), ([16, 16], 64), ((9, 16), 48), (None, 1024)])
def test_what_a_checkpoint_was_trained_with(parts, sample_size, side_px):
    """Its configuration names a side of the latents, or height and width; without it, it is SDXL's own."""
    unet = copy.deepcopy(parts.unet)
    unet.register_to_config(sample_size=sample_size)
    assert native_px(replace(parts, unet=unet)) == side_px


@pytest.mark.parametrize("regions", [0, 40])
async def test_any_number_of_regions(painter, regions):
    """None at all, or more than anybody can see."""
    canvas = replace(CANVAS, local_descriptions=(KNIGHT,) * regions)
    assert len(await painted(painter, canvas, replace(SETTINGS, steps=2))) == 1


@pytest.mark.parametrize(
    ("changed", "setting", "allowed"),
    [
        ({"sampler": "magic"}, "sampler", ", ".join(SAMPLERS)),
        ({"preset": "magic"}, "preset", "quality"),
        ({"preset": "draft"}, "preset", "quality"),
        ({"loras": "magic"}, "loras", "-"),
        ({"loras": "a:much"}, "loras", "-2-2"),
    ],
)
async def test_what_there_is_not_is_refused(painter, changed, setting, allowed):
    """With what there is."""
    with pytest.raises(BadSetting) as caught:
        await painted(painter, settings=replace(SETTINGS, **changed))
    assert (caught.value.name, caught.value.allowed) == (setting, allowed)


async def test_settings_reach_the_painting(painter):
    """Each of them makes another picture."""
    plain = await painted(painter)
    for changed in (
        {"steps": 4},
        {"guidance": 1.0},
        {"negative_prompt": "red"},
        {"sampler": "euler"},
        {"strength": 0.6},
        {"seed": 8},
    ):
        assert await painted(painter, settings=replace(SETTINGS, **changed)) != plain, changed
    under, deep = (
        replace(DRAGON, distance_to_viewer=1.0),
        replace(CANVAS, local_descriptions=(KNIGHT, DRAGON)),
    )
    over = replace(deep, local_descriptions=(replace(DRAGON, distance_to_viewer=9.0), under))
    assert await painted(painter, over, replace(SETTINGS, depth=True)) != await painted(painter, over)


async def test_a_preset_wins_over_what_it_sets(painter):
    """`quality` is its own sampler, steps and guidance, whatever else is said."""
    named = replace(SETTINGS, preset="quality", sampler="euler", guidance=9.0)
    spelt_out = replace(SETTINGS, sampler="dpmpp_2m_karras", steps=25, guidance=5.0)
    assert await painted(painter, settings=named) == await painted(painter, settings=spelt_out)


# --- previews -------------------------------------------------------------------------------------------


async def previews(parts, **named):
    """What a picture looks like on its way."""
    painter = SdxlRenderer(SdxlOptions(device="cpu", **named), read=lambda _options: parts)
    async with aclosing(painter):
        return [event.image for event in of_kind(RenderPreview, await events_of(painter))]


async def test_a_tiny_autoencoder_draws_the_previews(parts, tmp_path):
    """Where one is named; without it, and with a broken one, a linear map does."""
    save_tiny_autoencoder(tmp_path)
    mapped, drawn = await previews(parts), await previews(parts, previews=str(tmp_path))
    assert len(drawn) == len(mapped) > 0
    assert drawn != mapped
    (tmp_path / "diffusion_pytorch_model.safetensors").write_bytes(b"broken")
    assert await previews(parts, previews=str(tmp_path)) == mapped


# --- LoRA -----------------------------------------------------------------------------------------------


def lora_file(folder, name, network, *, part="unet", layers="attn2.to_q", inner=None):
    """A LoRA for the queries of all cross attentions; with `inner`, for a model of another width."""
    save_lora(folder / f"{name}.safetensors", network, part=part, layers=layers, inner=inner)


@pytest.fixture
async def with_loras(parts, tmp_path):
    """A renderer with the LoRA `ink`, that of the preset `draft`, and two others.

    `poem` acts on the texts alone, `wide` does not fit.
    """
    lora_file(tmp_path, "ink", parts.unet)
    lora_file(tmp_path, "poem", parts.text_encoder_2, part="text_encoder_2", layers="self_attn.q_proj")
    lora_file(tmp_path, "Hyper-SDXL-8steps-CFG-lora", parts.unet)
    lora_file(tmp_path, "wide", parts.unet, inner=7)
    parts = copy.deepcopy(parts)
    sdxl = SdxlRenderer(SdxlOptions(device="cpu", loras=str(tmp_path)), read=lambda _options: parts)
    async with aclosing(sdxl):
        yield sdxl


async def test_loras_act_and_come_off_again(with_loras):
    """Each picture is painted with those that it names, as strongly as it says."""
    plain = await painted(with_loras)
    ink = await painted(with_loras, settings=replace(SETTINGS, loras="ink"))
    assert plain != ink != await painted(with_loras, settings=replace(SETTINGS, loras="ink:0.5"))
    assert await painted(with_loras) == plain


async def test_a_lora_of_the_texts_acts_and_comes_off_again(with_loras):
    """What was known of the texts with or without it is forgotten: nobody paints with the other's."""
    plain = await painted(with_loras)
    poem = await painted(with_loras, settings=replace(SETTINGS, loras="poem"))
    assert difference(plain[0], poem[0]).max() > 5
    half = await painted(with_loras, settings=replace(SETTINGS, loras="poem:0.5"))
    assert half != poem
    assert await painted(with_loras) == plain
    assert await painted(with_loras, settings=replace(SETTINGS, loras="poem")) == poem


async def test_a_lora_that_does_not_fit_is_refused(with_loras):
    """By name, and the next picture is painted without it."""
    plain = await painted(with_loras)
    with pytest.raises(LoraDoesNotFit) as caught:
        await painted(with_loras, settings=replace(SETTINGS, loras="ink, wide"))
    assert caught.value.name == "wide"
    assert await painted(with_loras) == plain


async def test_the_draft_preset_brings_its_lora(with_loras):
    """As if sampler, steps, guidance and LoRA had been named; its own weight wins."""
    draft = await painted(with_loras, settings=replace(SETTINGS, preset="draft"))
    spelt_out = replace(SETTINGS, sampler="ddim_trailing", steps=8, loras="Hyper-SDXL-8steps-CFG-lora")
    assert await painted(with_loras, settings=spelt_out) == draft
    twice = replace(SETTINGS, preset="draft", loras="Hyper-SDXL-8steps-CFG-lora:0.1")
    assert await painted(with_loras, settings=twice) == draft


# --- edits ----------------------------------------------------------------------------------------------


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


# --- stopping -------------------------------------------------------------------------------------------


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


# --- faults ---------------------------------------------------------------------------------------------


def raising(error, at=2):
    def act(call):
        if call == at:
            raise error

    return act


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


async def test_a_memory_that_a_lora_fills_is_not_the_lora_s_fault(with_loras, monkeypatch):
    """It is reported as such, and the next picture has the LoRA on."""

    def fill(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    inked = replace(SETTINGS, loras="ink")
    plain = await painted(with_loras)
    with monkeypatch.context() as patch:
        patch.setattr("engine.renderer.sdxl.loras.load_file", fill)
        with pytest.raises(OutOfMemory):
            await painted(with_loras, settings=inked)
    assert await painted(with_loras) == plain
    assert await painted(with_loras, settings=inked) != plain


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


# --- over time ------------------------------------------------------------------------------------------


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
