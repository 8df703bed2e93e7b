"""A small picture of latents, many times cheaper than the VAE's: a linear map, or a tiny autoencoder."""

from typing import Any, Final, cast

import torch
from PIL import Image
from torch import Tensor

from engine.renderer.sdxl.codec import Codec

PREVIEW_SIDE_PX: Final = 576
"""The longer side of a preview at most."""

_ENLARGED: Final = 4
_PATCH: Final = 4
_PATCHES: Final = 8


class Previews:
    """Shows what latents look like.

    Without a tiny autoencoder (TAESDXL) the colour of a pixel is a linear function of its latent. It is
    fitted to what the VAE itself makes of a mosaic of colours, once, at the first preview: that holds for any
    VAE, whatever it was trained on.
    """

    def __init__(self, codec: Codec, tiny: Any | None = None) -> None:
        """Takes the model's VAE, and a `diffusers.AutoencoderTiny` where there is one."""
        self._codec = codec
        self._tiny = tiny
        self._linear: Tensor | None = None

    @torch.no_grad()
    def picture(self, latents: Tensor) -> Image.Image:
        """A preview of clean latents [channels, height, width], of the picture's proportions."""
        pixels = self._decoded(latents) if self._tiny is not None else self._mapped(latents)
        array = (pixels.float() * 127.5 + 127.5).nan_to_num(0).clamp(0, 255).to("cpu", torch.uint8)
        picture = Image.fromarray(array.numpy())
        height, width = latents.shape[-2:]
        enlarged = min(_ENLARGED, self._codec.factor, PREVIEW_SIDE_PX / max(height, width))
        return picture.resize((round(width * enlarged), round(height * enlarged)), Image.Resampling.BICUBIC)

    def _decoded(self, latents: Tensor) -> Tensor:
        tiny: Any = self._tiny
        unscaled = latents[None].to(tiny.device, tiny.dtype) / tiny.config.scaling_factor
        return tiny.decode(unscaled, return_dict=False)[0][0].movedim(0, -1)

    def _mapped(self, latents: Tensor) -> Tensor:
        if self._linear is None:
            self._linear = fitted_map(self._codec)
        return _with_one(latents.float().cpu()) @ self._linear


def fitted_map(codec: Codec) -> Tensor:
    """The linear map from a latent and 1 to a colour that fits the VAE best, by least squares.

    Returns:
        float32 [channels + 1, 3]; the colours are between -1 and 1.
    """
    generator = torch.Generator().manual_seed(0)
    colors = torch.rand((1, 3, _PATCHES, _PATCHES), generator=generator) * 2 - 1
    cells = colors.repeat_interleave(_PATCH, -1).repeat_interleave(_PATCH, -2)
    pixels = cells.repeat_interleave(codec.factor, -1).repeat_interleave(codec.factor, -2)
    latents = codec.encode_pixels(pixels)[0].cpu()
    known = _with_one(latents).flatten(0, 1).double()
    wanted = cells[0].movedim(0, -1).flatten(0, 1).double()
    # the pseudo-inverse: a VAE with a dead channel has no single best map
    inverse: Tensor = cast("Any", torch.linalg).pinv(known)
    return (inverse @ wanted).float()


def _with_one(latents: Tensor) -> Tensor:
    """[channels, height, width] -> [height, width, channels + 1]."""
    return torch.cat([latents, torch.ones_like(latents[:1])]).movedim(0, -1)
