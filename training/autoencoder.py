"""Trains the VAE: eight pixels wide and high to a latent of four channels, as SDXL's.

On dense crops: pictures with much background lose their colours. Afterwards the latents are brought to mean 0
and variance 1 by the two 1 x 1 convolutions at the bottleneck.
"""

import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final, cast

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from PIL import Image
from torch import Tensor
from torch.nn import functional

from training.shapes import COLORS, KINDS, Shape, picture

FACTOR: Final = 8
CROP_PX: Final = 64
BATCH: Final = 5
LEARNING_RATE: Final = 1e-3
_KL: Final = 1e-4
_KEPT: Final = 10
_CONSTANT: Final = 3.0
_LOG_VARIANCE: Final = -6.0
_BETAS: Final = (0.9, 0.98)

Log = Callable[[str], None]


def new_vae() -> Any:
    """SDXL's class, tiny. It begins as what is learnt first: the mean colour of each latent's patch."""
    vae = cast("Any", AutoencoderKL)(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 32, 48, 64),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=1,  # more would lose the colours of plain areas
        sample_size=128,
        scaling_factor=1.0,
        force_upcast=False,
    )
    _start_linear(vae)
    return vae


def train_vae(vae: Any, seconds: float, seed: int, log: Log) -> None:
    """Trains for so long, then centres the latents."""
    optimizer: Any = torch.optim.AdamW(vae.parameters(), lr=LEARNING_RATE, betas=_BETAS, weight_decay=1e-4)
    began_s, batches, done, step, mean = time.monotonic(), _batches(seed), 0.0, 0, 0.0
    vae.train()
    while done < 1:
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1, (step + 1) / 50) * max(0.01, 1 - done**2)
        loss, error = _loss(vae, next(batches))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        step += 1
        mean += (error - mean) / min(step, 50)
        done = (time.monotonic() - began_s) / seconds
        if step % 100 == 0:
            log(f"vae step {step}, {done:.0%} of the time, {-10 * np.log10(mean / 4):.1f} dB")
    vae.eval()
    _center(vae, torch.cat([next(batches) for _ in range(20)]))


def pixels(image: Image.Image) -> Tensor:
    """float32 [3, height, width] between -1 and 1."""
    return torch.as_tensor(np.asarray(image, dtype=np.float32) / 127.5 - 1).movedim(-1, 0)


def _loss(vae: Any, crops: Tensor) -> tuple[Any, float]:
    """What is minimised, and the mean squared error: pixels, colours of areas, and a little of order."""
    posterior = vae.encode(crops).latent_dist
    decoded = vae.decode(posterior.sample()).sample
    coarse = functional.avg_pool2d(decoded - crops, FACTOR)
    squared = functional.mse_loss(decoded, crops)
    kl = posterior.kl().mean() / posterior.mean[0].numel()
    loss = functional.l1_loss(decoded, crops) + 2 * squared + coarse.abs().mean() + _KL * kl
    return loss, squared.item()


def _batches(seed: int) -> Iterator[Tensor]:
    rng = Random(seed)
    while True:
        yield torch.stack([pixels(dense_crop(rng)) for _ in range(BATCH)])


def dense_crop(rng: Random) -> Image.Image:
    """Many shapes of many sizes, most of them in the palette's colours."""
    kinds = [kind for kind in KINDS if kind != "band"]
    shapes: list[Shape] = []
    for _ in range(rng.randint(1, 6)):
        width, height = rng.randint(25, 100), rng.randint(25, 100)
        left, top = rng.randint(-20, 70), rng.randint(-20, 70)
        shapes.append(Shape(rng.choice(kinds), _color(rng), (top, top + height, left, left + width)))
    return picture(_color(rng), shapes, CROP_PX, CROP_PX)


@torch.no_grad()
def _start_linear(vae: Any) -> None:
    """Colours pass through unchanged, each as itself and as its negative: silu(x) - silu(-x) = x.

    A constant beside them keeps the last normalization from depending much on the picture.
    """
    for name, module in vae.named_modules():
        if name.endswith(("conv2", "to_out.0")):
            module.weight.zero_()
            module.bias.zero_()
        elif name.endswith(("conv_shortcut", "upsamplers.0.conv", "downsamplers.0.conv")):
            _pass_through(module, averaged=name.endswith("downsamplers.0.conv"))
    for part, first in ((vae.encoder, 3), (vae.decoder, 4)):
        _branch_out(part.conv_in, first)
    _read_out(vae.encoder.conv_out)
    _read_out(vae.decoder.conv_out)
    vae.encoder.conv_out.weight[4:] = 0
    vae.encoder.conv_out.bias[4:] = _LOG_VARIANCE
    for module in (vae.quant_conv, vae.post_quant_conv):
        module.weight.copy_(torch.eye(len(module.weight))[:, :, None, None])
        module.bias.zero_()


def _pass_through(convolution: Any, *, averaged: bool) -> None:
    """The first channels go through a convolution as they are, or as the mean of four places."""
    weight = convolution.weight
    weight[:_KEPT] = 0
    convolution.bias[:_KEPT] = 0
    middle = weight.shape[-1] // 2
    for channel in range(_KEPT):
        if averaged:
            weight[channel, channel, :2, :2] = 0.25
        else:
            weight[channel, channel, middle, middle] = 1


def _branch_out(convolution: Any, count: int) -> None:
    """Each of the channels that come in as itself and as its negative, then the constant so too."""
    convolution.weight[:_KEPT] = 0
    convolution.bias[:_KEPT] = 0
    for channel in range(count):
        convolution.weight[2 * channel, channel, 1, 1] = 1
        convolution.weight[2 * channel + 1, channel, 1, 1] = -1
    convolution.bias[_KEPT - 2], convolution.bias[_KEPT - 1] = _CONSTANT, -_CONSTANT


def _read_out(convolution: Any) -> None:
    """The first three channels that go out are the pairs' differences."""
    scale = _CONSTANT * (2 / convolution.in_channels) ** 0.5
    convolution.weight[:3] = 0
    for channel in range(3):
        convolution.weight[channel, 2 * channel, 1, 1] = scale
        convolution.weight[channel, 2 * channel + 1, 1, 1] = -scale
    convolution.bias[:3] = 0


def _color(rng: Random) -> tuple[int, int, int]:
    if rng.random() < 0.6:
        return rng.choice(list(COLORS.values()))
    return rng.randrange(256), rng.randrange(256), rng.randrange(256)


@torch.no_grad()
def _center(vae: Any, crops: Tensor) -> None:
    """Folds the latents' mean and spread into the convolutions on both sides of them."""
    latents = vae.encode(crops).latent_dist.mode()
    mean, std = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    channels = len(mean)
    quant, post = vae.quant_conv, vae.post_quant_conv
    post.bias += (post.weight[:, :, 0, 0] * mean).sum(1)
    post.weight *= std[None, :, None, None]
    quant.weight[:channels] /= std[:, None, None, None]
    quant.bias[:channels] = (quant.bias[:channels] - mean) / std
    quant.bias[channels:] -= 2 * std.log()  # the logarithm of the variance
