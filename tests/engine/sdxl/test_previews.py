"""Small pictures of latents."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from engine.renderer.sdxl.codec import Codec
from engine.renderer.sdxl.previews import PREVIEW_SIDE_PX, Previews
from tests.engine.sdxl.small_vae import tiny_autoencoder


@pytest.fixture
def codec(vae):
    return Codec(vae, 4, torch.device("cpu"))


class LinearVae:
    """Mixes the mean color of 4 x 4 pixels into four channels: roughly what a trained VAE does."""

    use_tiling, tile_sample_min_size, tile_latent_min_size = False, 64, 16
    dtype = torch.float32
    config = SimpleNamespace(scaling_factor=0.13025, force_upcast=False)

    def encode(self, pixels):
        mixed = functional.avg_pool2d(pixels, 4).movedim(1, -1) @ torch.randn(
            3, 4, generator=torch.Generator().manual_seed(3)
        )
        latents = (mixed * 7 + torch.tensor([1.0, -3.0, 0.5, 9.0])).movedim(-1, 1)
        return SimpleNamespace(latent_dist=SimpleNamespace(mode=lambda: latents))


@torch.no_grad()
def test_the_linear_map_knows_the_vaes_colors():
    """The colours of a picture come back from its latents, where they are."""
    left, right = (220, 40, 30), (30, 60, 210)
    picture = Image.new("RGB", (128, 64), left)
    picture.paste(right, (64, 0, 128, 64))
    codec = Codec(LinearVae(), 4, torch.device("cpu"))
    preview = np.asarray(Previews(codec).picture(codec.encode([picture])[0])).astype(int)
    assert np.abs(preview[:, :56] - left).max() <= 1
    assert np.abs(preview[:, 72:] - right).max() <= 1


@torch.no_grad()
def test_the_map_is_fitted_once_and_is_always_the_same(codec, vae):
    """The VAE is asked at the first preview only; two previewers agree."""
    calls = []
    hook = vae.encoder.register_forward_pre_hook(lambda *_: calls.append(1))
    try:
        previews, latents = Previews(codec), torch.randn(4, 16, 32)
        assert not calls
        assert previews.picture(latents) == previews.picture(latents)
        assert len(calls) == 1
    finally:
        hook.remove()
    assert previews.picture(latents) == Previews(codec).picture(latents)


@pytest.mark.parametrize(
    ("latent_size", "size"), [((16, 32), (128, 64)), ((300, 150), (PREVIEW_SIDE_PX // 2, PREVIEW_SIDE_PX))]
)
def test_previews_are_small_and_in_proportion(codec, latent_size, size):
    """No larger than the picture, and no larger than a preview need be."""
    assert Previews(codec).picture(torch.zeros(4, *latent_size)).size == size


def test_broken_latents_are_no_error(codec):
    """A preview is a courtesy: it shows what it can."""
    Previews(codec).picture(torch.full((4, 16, 16), torch.nan))


@torch.no_grad()
def test_a_tiny_autoencoder_is_used_where_there_is_one(codec):
    """Its picture is the preview, scaled to a preview's size."""
    tiny = tiny_autoencoder()
    latents = torch.randn(4, 16, 32)
    preview = Previews(codec, tiny).picture(latents)
    pixels = tiny.decode(latents[None]).sample[0].movedim(0, -1)
    theirs = (pixels * 127.5 + 127.5).clamp(0, 255).to(torch.uint8).numpy()
    assert preview == Image.fromarray(theirs).resize(preview.size, Image.Resampling.BICUBIC)
    assert preview != Previews(codec).picture(latents)
