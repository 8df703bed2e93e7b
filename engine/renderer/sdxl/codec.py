"""Pictures to latents and back, by the model's VAE. Knows nothing of how latents come about."""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

TILE_PX: Final = 512
"""The side of a tile: a whole 1024 px picture, the VAE's own tile, takes several gigabytes."""


class Codec:
    """A VAE that makes latents of pictures, and pictures of latents, one after the other.

    In float16 SDXL's VAE overflows on some pictures: those are done again in float32.

    Attributes:
        factor: How many pixels wide and high a latent is.
    """

    def __init__(
        self,
        vae: Any,
        factor: int,
        device: torch.device,
        at_hand: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Takes the VAE and what has it on the device while it is used."""
        self._vae = vae
        self._at_hand = at_hand
        self._device = device
        self.factor = factor

    def encode(self, pictures: Sequence[Image.Image], *, tiled: bool = False) -> Tensor:
        """The latents of pictures of one size: the most probable ones, scaled as the UNet knows them.

        Returns:
            float32 [pictures, channels, height, width].
        """
        return torch.cat([self.encode_pixels(_pixels(picture), tiled=tiled) for picture in pictures])

    def encode_pixels(self, pixels: Tensor, *, tiled: bool = False) -> Tensor:
        """The latents of float32 pixels [1, 3, height, width] between -1 and 1."""

        def encode(dtype: torch.dtype) -> Tensor:
            encoded = self._vae.encode(pixels.to(self._device, dtype))
            return encoded.latent_dist.mode().float() * self._vae.config.scaling_factor

        with self._at_hand(), self._tiles(tiled=tiled):
            return self._finite(encode)

    def decode(self, latents: Tensor, *, tiled: bool = False) -> list[Image.Image]:
        """The pictures of latents [pictures, channels, height, width]."""
        return [_picture(self._decode(one, tiled=tiled)) for one in torch.split(latents, 1)]

    def _decode(self, latents: Tensor, *, tiled: bool) -> Tensor:
        def decode(dtype: torch.dtype) -> Tensor:
            unscaled = (latents.float() / self._vae.config.scaling_factor).to(self._device, dtype)
            return self._vae.decode(unscaled, return_dict=False)[0].float()

        with self._at_hand(), self._tiles(tiled=tiled):
            return self._finite(decode)

    def _finite(self, run: Callable[[torch.dtype], Tensor]) -> Tensor:
        """What `run` gives in the VAE's precision, or in float32 where it overflows.

        Raises:
            FloatingPointError: Not even that is finite: the latents or the weights are broken.
        """
        dtype: torch.dtype = self._vae.dtype
        if not (dtype == torch.float16 and self._vae.config.force_upcast):
            result = run(dtype)
            if _is_finite(result):
                return result
        if dtype != torch.float32:
            with self._in_float32():
                result = run(torch.float32)
            if _is_finite(result):
                return result
        raise FloatingPointError("the VAE's result is not finite")

    @contextmanager
    def _in_float32(self) -> Generator[None]:
        """Going there and back loses nothing: every half is a float32 too."""
        dtype = self._vae.dtype
        try:
            self._vae.to(torch.float32)  # may find no room half-way
            yield
        finally:
            self._vae.to(dtype)

    @contextmanager
    def _tiles(self, *, tiled: bool) -> Generator[None]:
        vae = self._vae
        before = (vae.use_tiling, vae.tile_sample_min_size, vae.tile_latent_min_size)
        if tiled:
            tile_px = min(TILE_PX, vae.tile_sample_min_size)
            vae.use_tiling, vae.tile_sample_min_size = True, tile_px
            vae.tile_latent_min_size = tile_px // self.factor
        try:
            yield
        finally:
            vae.use_tiling, vae.tile_sample_min_size, vae.tile_latent_min_size = before


def _is_finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())


def _pixels(picture: Image.Image) -> Tensor:
    array = np.asarray(picture.convert("RGB"), dtype=np.float32)
    return torch.as_tensor(array / 127.5 - 1).movedim(-1, 0)[None]


def _picture(pixels: Tensor) -> Image.Image:
    """Cut to whole numbers, not rounded, as in the reference."""
    array = (pixels[0] * 127.5 + 127.5).clamp(0, 255).movedim(0, -1).to("cpu", torch.uint8)
    return Image.fromarray(array.numpy())
