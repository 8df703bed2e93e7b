"""Region attention: the reference's maths in one call, at every size, and nothing left behind."""

import copy
from dataclasses import replace

import pytest
import torch

from engine.renderer.sdxl.attention import COVERED_WEIGHT, RegionAttention
from engine.renderer.sdxl.conditioning import Conditioning, KeyRange
from tests.engine.sdxl import naive

WHOLE = (0, 90, 0, 90)
RECTS = (WHOLE, (0, 50, 0, 90), (30, 90, 20, 60), (40, 85, 55, 90))
FEATURES, POOLED = 64, 40


def scene(rects=RECTS, bags=(2, 1, 3, 1), seed=0, covered_by=None):
    """Random texts: not from encoders, and large enough for sharp attention."""
    generator = torch.Generator().manual_seed(seed)

    def noise(*shape):
        return torch.randn(shape, generator=generator)

    ends = [77 * sum(bags[: number + 1]) for number in range(len(bags))]
    keys = tuple(map(KeyRange, (0, *ends), ends, rects, covered_by or [()] * len(rects)))
    return Conditioning(
        2 * noise(ends[-1], FEATURES), keys, noise(POOLED), 2 * noise(77, FEATURES), noise(POOLED)
    )


def latents_of(height, width, images=1, seed=5):
    return torch.randn(images, 4, height, width, generator=torch.Generator().manual_seed(seed))


TIME_IDS = torch.tensor([[64.0, 48.0, 0.0, 0.0, 64.0, 48.0]])


@torch.no_grad()
def predict(unet, conditioning, latents, *, guided=True, timestep=500):
    """One call: (positive, negative), or positive alone."""
    sides = 2 if guided else 1
    pooled = torch.stack([conditioning.pooled, conditioning.negative_pooled][:sides])
    images = len(latents)
    added = {
        "text_embeds": pooled.repeat_interleave(images, 0).to(latents.dtype),
        "time_ids": TIME_IDS.expand(sides * images, -1).to(latents.dtype),
    }
    texts = torch.zeros(sides * images, 1, FEATURES, dtype=latents.dtype)
    together = unet(latents.repeat(sides, 1, 1, 1), timestep, texts, added_cond_kwargs=added).sample
    return together.chunk(sides)


def ours(unet, conditioning, latents, **more):
    attention = RegionAttention(unet)
    attention.prepare(conditioning, *latents.shape[-2:], len(latents))
    try:
        return predict(unet, conditioning, latents, **more)
    finally:
        attention.clear()


def theirs(unet, conditioning, latents):
    return naive.predict_both(unet, latents, 500, naive.of(conditioning), time_ids=TIME_IDS)


def attributes_of(unet):
    """The names of all that the cross-attention layers hold."""
    return {name: set(vars(layer)) | set(dict(layer.named_buffers())) for name, layer in unet.named_modules()}


def assert_near(found, expected, tolerance=1e-4):
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (24, 12), (17, 13), (7, 22), (1, 1)], ids=str)
def test_equals_two_calls_with_explicit_scores(unet, height, width):
    """Positive and negative of one call are the naive ones, at even and at odd sizes."""
    latents = latents_of(height, width)
    assert_near(ours(unet, scene(), latents), theirs(unet, scene(), latents))


def test_every_layer_equals_the_naive_one(unet):
    """Layer by layer, for the same queries: sizes of a half and a quarter, down, in the middle and up."""
    height, width, conditioning = 17, 22, scene()
    attention = RegionAttention(unet)
    attention.prepare(conditioning, height, width, images=1)
    layers = {name: unit for name, unit in unet.named_modules() if name.endswith("attn2")}
    oracle = naive.NaiveAttention(naive.of(conditioning).conditions, (height, width))
    places = {"down_blocks.1": 9 * 11, "up_blocks.1": 9 * 11}
    for name, layer in layers.items():
        count = places.get(".".join(name.split(".")[:2]), 5 * 6)
        query = torch.randn(1, count, layer.to_q.in_features, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            assert_near(layer(query), oracle(layer, query), 1e-5)
    attention.clear()
    assert len(layers) == 11


def test_the_oracle_notices(unet):
    """A missing scale, a moved mask and another text are all far beyond the tolerance."""
    latents = latents_of(16, 16)
    expected = theirs(unet, scene(), latents)[0]
    moved = (WHOLE, *[(top, bottom, left, right - 10) for top, bottom, left, right in RECTS[1:]])
    for other in (scene(rects=(WHOLE,) * 4), scene(rects=moved), scene(seed=1)):
        assert (ours(unet, other, latents)[0] - expected).abs().max() > 1e-3


def test_an_image_does_not_depend_on_its_batch(unet):
    """Three images at once are three images, both sides of each."""
    latents = latents_of(16, 12, images=3)
    together = ours(unet, scene(), latents)
    for index in range(3):
        alone = ours(unet, scene(), latents[index : index + 1])
        assert_near([side[index : index + 1] for side in together], list(alone), 1e-5)
    assert_near(together, theirs(unet, scene(), latents))


def test_without_guidance_only_positive_ones(unet):
    """A batch of as many as there are images has no negative side."""
    latents = latents_of(16, 12, images=2)
    (positive,) = ours(unet, scene(), latents, guided=False)
    assert_near(positive, theirs(unet, scene(), latents)[0])


@pytest.mark.parametrize("bags", [(1, 1, 1, 1), (3, 1, 1, 1), (13, 5, 3, 2)], ids=str)
@pytest.mark.parametrize("key_bucket", [1, 8, 256])
def test_padding_keys_change_nothing(unet, bags, key_bucket):
    """However many keys are added to fill a bucket, the picture is the same."""
    conditioning, latents = scene(bags=bags), latents_of(12, 12)
    attention = RegionAttention(unet, key_bucket=key_bucket)
    attention.prepare(conditioning, 12, 12, images=1)
    found = predict(unet, conditioning, latents)
    attention.clear()
    assert_near(found, theirs(unet, conditioning, latents))


@pytest.mark.parametrize(
    "rect",
    [(0, 0, 0, 90), (30, 30, 40, 40), (90, 90, 0, 90), (0, 1, 0, 1), (44, 45, 0, 90), (60, 40, 10, 20)],
    ids=str,
)
def test_regions_of_no_area_are_left_out(unet, rect):
    """A region without area, or one that no place of a layer falls into, gives the picture without it."""
    conditioning = scene(rects=(*RECTS[:3], rect))
    latents = latents_of(8, 8)
    found = ours(unet, conditioning, latents)
    assert all(side.isfinite().all() for side in found)
    assert_near(found, theirs(unet, conditioning, latents))


def test_the_first_condition_covers_everything(unet):
    """Without a text for every place nothing is prepared, and the UNet stays as it was."""
    before = dict(unet.attn_processors)
    attention = RegionAttention(unet)
    for conditioning in (scene(rects=((0, 89, 0, 90), *RECTS[1:])), replace(scene(), keys=())):
        with pytest.raises(ValueError, match="whole picture"):
            attention.prepare(conditioning, 8, 8, images=1)
    assert unet.attn_processors == before


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_near(unet, dtype):
    """In float16 and bfloat16 the result is finite and near that of float32."""
    half = copy.deepcopy(unet).to(dtype)
    conditioning, latents = scene(), latents_of(12, 12)
    small = scene(rects=(*RECTS[:3], (40, 46, 40, 46)))
    for one in (conditioning, small):
        exact = ours(unet, one, latents)
        for found, expected in zip(ours(half, one, latents.to(dtype)), exact, strict=True):
            assert found.isfinite().all()
            error = (found.float() - expected).square().mean().sqrt() / expected.square().mean().sqrt()
            assert error < (0.02 if dtype == torch.float16 else 0.1)


def test_keys_stay_finite_in_half_precision(unet):
    """A small region scales loud keys beyond float16: they are cut at its end."""
    half = copy.deepcopy(unet).to(torch.float16)
    loud = scene(rects=(*RECTS[:3], (0, 20, 0, 20)))
    attention = RegionAttention(half)
    attention.prepare(replace(loud, positive=loud.positive * 2000), 8, 8, images=1)
    largest = max(layer.region_key.abs().max() for layer in half.modules() if hasattr(layer, "region_key"))
    assert largest == torch.finfo(torch.float16).max
    attention.clear()


def test_texts_are_projected_once(unet):
    """Keys and values are made when prepared, none in a step."""
    calls = []
    hooks = [
        layer.register_forward_hook(lambda *_: calls.append(1))
        for name, layer in unet.named_modules()
        if name.endswith(("attn2.to_k", "attn2.to_v"))
    ]
    conditioning, latents = scene(), latents_of(8, 8)
    attention = RegionAttention(unet)
    attention.prepare(conditioning, 8, 8, images=1)
    prepared = len(calls)
    for timestep in (900, 500, 100):
        predict(unet, conditioning, latents, timestep=timestep)
    attention.clear()
    for hook in hooks:
        hook.remove()
    assert prepared == len(calls) == 11 * 2 * 2  # layers, keys and values, positive and negative


def test_the_unet_is_left_as_it_was(unet):
    """Processors, attributes, saved weights and results are those of before; clearing twice is harmless."""
    latents = latents_of(8, 8)
    processors, attributes, saved = dict(unet.attn_processors), attributes_of(unet), list(unet.state_dict())
    expected = predict(unet, scene(), latents)
    attention = RegionAttention(unet)
    attention.clear()
    for size in (8, 12):
        attention.prepare(scene(), size, size, images=1)
        assert list(unet.state_dict()) == saved
    attention.clear()
    attention.clear()
    assert unet.attn_processors == processors
    assert attributes_of(unet) == attributes
    assert torch.equal(torch.cat(predict(unet, scene(), latents)), torch.cat(expected))


def test_a_preparation_that_fails_leaves_nothing(unet):
    """Texts of another model are refused by its own layers; the UNet stays usable."""
    processors, attributes = dict(unet.attn_processors), attributes_of(unet)
    with pytest.raises(RuntimeError):
        RegionAttention(unet).prepare(replace(scene(), negative=torch.randn(77, 13)), 8, 8, images=1)
    assert unet.attn_processors == processors
    assert attributes_of(unet) == attributes


def test_preparing_again_replaces(unet):
    """Another scene, size and number of images take the place of the earlier ones."""
    attention = RegionAttention(unet)
    attention.prepare(scene(seed=3, bags=(9, 1, 1, 1)), 16, 16, images=2)
    attention.prepare(scene(), 12, 8, images=1)
    latents = latents_of(12, 8)
    found = predict(unet, scene(), latents)
    attention.clear()
    assert_near(found, theirs(unet, scene(), latents))


def test_latents_of_another_size_are_refused(unet):
    """A size that was not prepared is an error, never a picture with wrong regions."""
    attention = RegionAttention(unet)
    attention.prepare(scene(), 16, 16, images=1)
    with pytest.raises(RuntimeError):
        predict(unet, scene(), latents_of(16, 12))
    attention.clear()


def test_depth_softens_what_is_covered(unet):
    """Where a nearer region covers a text it weighs less, by the named share; elsewhere nothing changes."""
    rects = (WHOLE, (0, 90, 0, 90))
    plain, deep = (
        scene(rects, (1, 1), covered_by=covered) for covered in ([(), ()], [(), ((0, 90, 0, 45),)])
    )
    layer = unet.get_submodule("down_blocks.1.attentions.0.transformer_blocks.0.attn2")
    biases = []
    for conditioning in (plain, deep):
        attention = RegionAttention(unet)
        attention.prepare(conditioning, 8, 8, images=1)
        biases.append(layer.region_bias.view(4, 4, -1)[..., :154].clone())
        attention.clear()
    weight = (biases[1] - biases[0]).exp()
    expected = torch.ones(4, 4, 154)
    expected[:, :2, 77:] = COVERED_WEIGHT
    assert_near(weight, expected, 1e-6)
    latents = latents_of(16, 16)
    assert (ours(unet, plain, latents)[0] - ours(unet, deep, latents)[0]).abs().max() > 1e-3
