"""The tiny trained pipeline: what it was made for, and that it is loaded as any other checkpoint."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch

from engine.renderer.sdxl.attention import RegionAttention
from engine.renderer.sdxl.conditioning import Conditioner
from engine.renderer.sdxl.loading import load
from engine.renderer.sdxl.options import SdxlOptions
from engine.renderer.sdxl.painting import Painter
from storage.scene import NEGATIVE_PROMPT
from training import probe
from training.denoiser import Trainer
from training.scenes import scene, told_in_regions
from training.texts import bare, tokens, untold

TINY = Path(__file__).parents[3] / "engine" / "renderer" / "sdxl" / "tiny"
SETTINGS = replace(probe.SETTINGS, steps=10)
LAYOUTS = 16
MOST_BYTES = 10_000_000


@pytest.fixture(scope="module")
def tiny():
    return load(SdxlOptions(model=str(TINY), device="cpu", offline=True))


@pytest.fixture(scope="module")
def painter(tiny):
    return Painter(tiny)


@pytest.fixture(scope="module")
def shares(painter):
    return probe.shares(painter, probe.layouts(LAYOUTS, seed=77), SETTINGS, ("regions", "swapped", "words"))


def test_regions_have_their_colors(shares):
    """In layouts that were not trained on, most regions show the colour that was asked for."""
    assert shares["regions"] >= 0.8


def test_a_swap_is_followed(shares):
    """When two regions' texts change places, so do the colours: the noise does not decide."""
    assert shares["swapped"] >= 0.8


def test_regions_say_more_than_words(shares):
    """The same scenes in one prompt that says the places in words are right a third as often at most."""
    assert shares["regions"] >= 3 * shares["words"]


def test_is_sdxl(tiny):
    """Two text encoders side by side, the size as a condition, a VAE of factor 8, 16 x 16 latents."""
    assert tiny.unet.config.addition_embed_type == "text_time"
    assert tiny.text_encoder.config.hidden_size + tiny.text_encoder_2.config.hidden_size == (
        tiny.unet.config.cross_attention_dim
    )
    assert (tiny.vae_scale_factor, tiny.unet.config.sample_size) == (8, 16)
    ids = [tokenizer("a zebra, 13 km").input_ids for tokenizer in (tiny.tokenizer, tiny.tokenizer_2)]
    assert ids[0] == ids[1]
    assert tiny.tokenizer_2.pad_token == "!"


def test_is_a_few_megabytes():
    """Weights in half precision, nothing that is not needed, and words about what it is."""
    files = [path for path in TINY.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".safetensors", ".md"}
    assert 1_000_000 < sum(path.stat().st_size for path in files) < MOST_BYTES
    assert all(".fp16." in path.name for path in files if path.suffix == ".safetensors")
    assert "python -m training.tiny" in (TINY / "README.md").read_text(encoding="utf-8")
    assert not any("_name_or_path" in path.read_text() for path in files if path.suffix == ".json")
    assert json.loads((TINY / "model_index.json").read_text())["_class_name"] == "StableDiffusionXLPipeline"


def test_measured_layouts_are_not_trained_on():
    """No scene to train on has the things and places of one that is measured."""
    rng = Random(0)
    trained = {_layout(scene(rng)) for _ in range(2000)}
    measured = {
        tuple(sorted((local.description.lower(), local.location) for local in one.regions.local_descriptions))
        for one in probe.layouts(48, seed=2026)
    }
    assert len(measured) > 40
    assert not measured & trained
    assert not any(scene(rng).is_held_out for _ in range(500))


@torch.no_grad()
def test_training_attends_as_painting_does(tiny):
    """A step of the training predicts what the painter's own conditioning and attention predict."""
    rng = Random(3)
    while len((one := scene(rng)).things) < 3:
        pass
    canvas = told_in_regions(one, rng)
    latents, timestep = (
        torch.randn(1, 4, 18, 14, generator=torch.Generator().manual_seed(1)),
        torch.tensor([700]),
    )
    told = tokens(canvas, tiny.tokenizer)
    nothing = untold(bare(NEGATIVE_PROMPT, tiny.tokenizer), told)
    painted = _painters_prediction(tiny, canvas, latents, timestep)
    before = dict(tiny.unet.attn_processors)
    try:
        encoders = tiny.text_encoder, tiny.text_encoder_2
        pads = tiny.tokenizer.pad_token_id, tiny.tokenizer_2.pad_token_id
        trainer = Trainer(tiny.unet, encoders, pads, tiny.vae_scale_factor, seed=0)
        trained = trainer.predicted(
            latents.repeat(2, 1, 1, 1),
            timestep.expand(2),
            torch.stack([told.ids, nothing.ids]),
            torch.stack([told.rects, nothing.rects]),
        )
    finally:
        tiny.unet.set_attn_processor(before)
    assert painted.std() > 0.1
    torch.testing.assert_close(trained, painted, atol=1e-4, rtol=0)


def _painters_prediction(tiny, canvas, latents, timestep):
    """Of the canvas and of the negative prompt, in one call."""
    conditioning = Conditioner(tiny).condition(canvas, NEGATIVE_PROMPT)
    height, width = latents.shape[-2:]
    size_px = [height * tiny.vae_scale_factor, width * tiny.vae_scale_factor]
    attention = RegionAttention(tiny.unet)
    attention.prepare(conditioning, height, width, 1)
    try:
        return tiny.unet(
            latents.repeat(2, 1, 1, 1),
            timestep,
            encoder_hidden_states=conditioning.negative.expand(2, -1, -1),
            added_cond_kwargs={
                "text_embeds": torch.stack([conditioning.pooled, conditioning.negative_pooled]),
                "time_ids": torch.tensor([[*size_px, 0, 0, *size_px]], dtype=torch.float32).expand(2, -1),
            },
            return_dict=False,
        )[0]
    finally:
        attention.clear()


def _layout(scene):
    return tuple(sorted((thing.name.lower(), thing.location) for thing in scene.things))
