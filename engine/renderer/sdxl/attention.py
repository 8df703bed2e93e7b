"""Cross attention in which every region of the picture reads its own text.

The maths is the reference's (lllyasviel/Omost, `lib_omost/pipeline.py`): one softmax over the keys of all
conditions, scores divided by each region's share of the picture, keys of other regions blocked. The share
belongs to the key, so keys are divided by it; what is blocked is one bias for each size of layer; keys and
values do not depend on the timestep, so they are made once. No score matrix is ever kept.

Knows neither text nor sampling.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

import torch
from torch import Tensor
from torch.nn import functional

from canvas.conditions import WHOLE_GRID
from canvas.layout import GRID_CELLS, Rect
from engine.renderer.sdxl.conditioning import Conditioning, KeyRange

KEY_BUCKET: Final = 64
"""Numbers of keys are rounded up to a multiple of this, as fast kernels want it."""

COVERED_WEIGHT: Final = 0.3
"""What weight a text keeps where a nearer region covers it, as its colour does in the colour sketch."""

# attributes of the layers: as buffers, whose sizes torch takes for fixed, each scene would be compiled anew
_PREPARED: Final = ("region_key", "region_value", "region_bias", "negative_key", "negative_value")


class RegionAttention:
    """The cross attention of a UNet, while it paints one scene.

    Between `prepare` and `clear` the UNet reads the prepared texts, whatever `encoder_hidden_states` it is
    given: the first `images` of its batch the regions' texts, those behind them, if any, the negative one. So
    the batch is (positive ..., negative ...), or positive ones only. Its latents have the prepared size.

    The UNet's weights are on one device from `prepare` on. LoRA weights are set before it: they are in the
    keys. It takes no part in gradients.

    Args:
        unet: A `UNet2DConditionModel` as SDXL has it.
        key_bucket: Numbers of keys are rounded up to a multiple of this; a multiple of 8 suits fast kernels.
    """

    def __init__(self, unet: Any, *, key_bucket: int = KEY_BUCKET) -> None:
        self._unet = unet
        self._key_bucket = key_bucket
        self._before: dict[str, Any] = {}

    @torch.no_grad()
    def prepare(self, conditioning: Conditioning, latent_height: int, latent_width: int, images: int) -> None:
        """Makes keys, values and biases for latents of a size, and installs them in place of earlier ones.

        Raises:
            ValueError: The first condition is not of the whole picture; without it a place could be left
                with nothing to read.
        """
        if not conditioning.keys or conditioning.keys[0].rect != WHOLE_GRID:
            raise ValueError("the first condition must cover the whole picture")
        self.clear()
        self._before = dict(self._unet.attn_processors)
        try:
            self._fill(conditioning, latent_height, latent_width)
        except BaseException:
            self.clear()
            raise
        processor = RegionAttnProcessor(images)
        self._unet.set_attn_processor(
            {name: processor if _crosses(name) else old for name, old in self._before.items()}
        )

    def clear(self) -> None:
        """Leaves the UNet as it was before `prepare`; without one it does nothing."""
        if not self._before:
            return
        for _, layer in self._layers():
            for name in _PREPARED:
                if hasattr(layer, name):
                    delattr(layer, name)
        self._unet.set_attn_processor(dict(self._before))
        self._before = {}

    def _fill(self, conditioning: Conditioning, latent_height: int, latent_width: int) -> None:
        device, dtype = self._unet.device, self._unet.dtype
        length = -(-len(conditioning.positive) // self._key_bucket) * self._key_bucket
        padding = length - len(conditioning.positive)
        positive = functional.pad(conditioning.positive.to(device, dtype), (0, 0, 0, padding))
        negative = conditioning.negative.to(device, dtype)
        levels: dict[int, _Level] = {}
        for name, layer in self._layers():
            depth = self._depth(name)
            if depth not in levels:
                size = _halved(latent_height, depth), _halved(latent_width, depth)
                levels[depth] = _level(conditioning.keys, length, size, device, dtype)
            key, value = _heads(layer, positive)
            prepared = (
                _folded(key, levels[depth].scale),
                value,
                levels[depth].bias,
                *_heads(layer, negative),
            )
            for prepared_name, tensor in zip(_PREPARED, prepared, strict=True):
                setattr(layer, prepared_name, tensor)

    def _layers(self) -> Iterable[tuple[str, Any]]:
        """The cross-attention layers by name."""
        for name in self._unet.attn_processors:
            if _crosses(name):
                layer = name.removesuffix(".processor")
                yield layer, self._unet.get_submodule(layer)

    def _depth(self, layer_name: str) -> int:
        """How often the latents are halved on the way to a layer: by each block down but the last."""
        last = len(self._unet.config.down_block_types) - 1
        match layer_name.split(".")[:2]:
            case ["down_blocks", index]:
                return int(index)
            case ["up_blocks", index]:
                return last - int(index)
            case _:
                return last


class RegionAttnProcessor:
    """What `diffusers` calls for a cross-attention layer; all tensors are attributes of the layer.

    Args:
        images: How many of the batch, from its start, read the regions' texts.
    """

    def __init__(self, images: int) -> None:
        self.images = images

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Attends: [batch, places, features] to the same. Neither texts nor a mask are taken from outside."""
        del encoder_hidden_states, attention_mask
        query = attn.to_q(hidden_states).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
        attended = _attend(query[: self.images], attn.region_key, attn.region_value, attn.region_bias)
        if len(query) > self.images:
            negative = _attend(query[self.images :], attn.negative_key, attn.negative_value)
            attended = torch.cat([attended, negative])
        return attn.to_out[1](attn.to_out[0](attended.transpose(1, 2).flatten(2)))


@dataclass(frozen=True, slots=True)
class _Level:
    """What all layers of one size share.

    Attributes:
        scale: float32 [keys]: one divided by the share of the places that the key's region has.
        bias: [places, keys], added to the scores.
    """

    scale: Tensor
    bias: Tensor


def _level(
    keys: Sequence[KeyRange], length: int, size: tuple[int, int], device: torch.device, dtype: torch.dtype
) -> _Level:
    """The scale and the bias for layers of (height, width) places.

    A region that vanishes at this size, and the padding behind the last key, are blocked everywhere.
    """
    nowhere = len(keys)
    owner = torch.full((length,), nowhere)
    for number, one in enumerate(keys):
        owner[one.start : one.end] = number
    mask = cache(_mask)  # many may cover the same
    masks = torch.stack([mask(one.rect, size) for one in keys] + [torch.zeros(size)]).flatten(1)
    share = masks.mean(1)
    scale = torch.where(share > 0, 1 / share, 1.0)  # 1 / 0 is put aside
    bias = torch.where(masks > 0.5, 0.0, -math.inf)
    for number, one in enumerate(keys):
        for rect in one.covered_by:
            bias[number] += math.log(COVERED_WEIGHT) * mask(rect, size).flatten()
    return _Level(scale[owner].to(device), bias.to(device, dtype).t()[:, owner.to(device)].contiguous())


def _mask(rect: Rect, size: tuple[int, int]) -> Tensor:
    """1 within a rectangle of the grid, 0 elsewhere: float32 [height, width]."""
    top, bottom, left, right = rect
    grid = torch.zeros(1, 1, GRID_CELLS, GRID_CELLS)
    grid[..., top:bottom, left:right] = 1
    return functional.interpolate(grid, size, mode="nearest-exact")[0, 0]


def _heads(layer: Any, text: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values of a text, each [1, heads, tokens, features of a head]."""
    key, value = (
        cast("Tensor", project(text)).view(len(text), layer.heads, -1).transpose(0, 1).contiguous()
        for project in (layer.to_k, layer.to_v)
    )
    return key[None], value[None]


def _folded(key: Tensor, scale: Tensor) -> Tensor:
    """Keys that score as if the scores were scaled; finite, however small a region."""
    limit = torch.finfo(key.dtype).max
    return (key.float() * scale[:, None]).clamp(-limit, limit).to(key.dtype)


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """The same keys for each picture of a batch, without copies of them."""
    each = (len(query), -1, -1, -1)
    return functional.scaled_dot_product_attention(query, key.expand(each), value.expand(each), bias)


def _crosses(processor_name: str) -> bool:
    return processor_name.endswith(".attn2.processor")


def _halved(size: int, times: int) -> int:
    """A side after so many down-samplings, each of which rounds up."""
    return -(-size // 2**times)
