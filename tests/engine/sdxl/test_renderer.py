"""The renderer over SDXL's own classes, tiny and random: events, settings, previews and LoRA."""

import copy
from contextlib import aclosing
from dataclasses import replace

import pytest
import torch

from engine.errors import BadSetting, LoraDoesNotFit, OutOfMemory
from engine.renderer import Economy, RenderedImage, RenderPreview, RenderStep
from engine.renderer.sdxl import SdxlOptions
from engine.renderer.sdxl.model import native_px
from engine.renderer.sdxl.presets import SizeRange
from engine.renderer.sdxl.renderer import SdxlRenderer
from engine.renderer.sdxl.sampling import SAMPLERS
from tests.engine.sdxl.rendering import (
    CANVAS,
    DRAGON,
    KNIGHT,
    SETTINGS,
    SIZE_PX,
    before_each_step,
    difference,
    events_of,
    of_kind,
    painted,
)
from tests.engine.sdxl.saved import save_lora
from tests.engine.sdxl.small_vae import save_tiny_autoencoder


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
