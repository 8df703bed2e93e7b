"""Trains the UNet and the text encoders together.

The attention is `engine.renderer.sdxl.attention`'s, for batches in which every picture has texts and places
of its own, and with gradients. The model predicts v: at the highest noise, where the text alone decides on
colours and places, that is the picture itself.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Final, cast

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor

from canvas.layout import GRID_CELLS
from training.texts import WIDTHS, Told, encoded, untold

SCHEDULER_CONFIG: Final = {
    "_class_name": "EulerDiscreteScheduler",
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "timestep_spacing": "leading",
    "steps_offset": 1,
}
"""SDXL's noise."""

BATCH: Final = 16
LEARNING_RATE: Final = 1e-3
DROPOUT: Final = 0.1
_WARM_UP_STEPS: Final = 100
_EMA: Final = 0.997
_MOST_SNR: Final = 5.0
_HIGH_NOISE: Final = 750
_SHARES: Final = (0.15, 0.25)
"""Of samples with nothing but noise to begin with, and of those with much of it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture and one way to tell it.

    Attributes:
        latents: float16 [4, height, width].
    """

    latents: Tensor
    told: Told


def new_unet() -> Any:
    """SDXL's class and kinds of blocks, tiny."""
    return cast("Any", UNet2DConditionModel)(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(48, 80, 88),
        layers_per_block=1,
        transformer_layers_per_block=1,
        attention_head_dim=(2, 4, 4),  # heads, as SDXL's configuration names them
        cross_attention_dim=sum(WIDTHS),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=16,
        projection_class_embeddings_input_dim=6 * 16 + WIDTHS[1],
        norm_num_groups=8,
    )


class Trainer:
    """What is trained, its running average, and the optimizer.

    Args:
        unet: As `new_unet` makes it.
        encoders: Both text encoders.
        pads: What pads each of their texts.
        factor: Pixels to a latent.
        seed: Of noise and order.
    """

    def __init__(
        self, unet: Any, encoders: tuple[Any, Any], pads: tuple[int, int], factor: int, seed: int
    ) -> None:
        self.networks = torch.nn.ModuleDict(
            {"unet": unet, "text_encoder": encoders[0], "text_encoder_2": encoders[1]}
        )
        self._pads = pads
        self._factor = factor
        self.step = 0
        self.rng = Random(seed)
        self._generator = torch.Generator().manual_seed(seed)
        self._average = [parameter.detach().clone() for parameter in self.networks.parameters()]
        self._optimizer: Any = torch.optim.AdamW(
            self.networks.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01, fused=True
        )
        self._attention = BatchAttention()
        unet.set_attn_processor(
            {
                name: self._attention if name.endswith(".attn2.processor") else processor
                for name, processor in unet.attn_processors.items()
            }
        )

    def train_step(self, batch: Sequence[Sample], nothing: Sequence[Told], done: float) -> float:
        """One step down; `done` of the time is over. The loss."""
        for group in self._optimizer.param_groups:
            group["lr"] = LEARNING_RATE * _learning_share(self.step, done)
        loss: Any = self._loss(batch, nothing)
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.networks.parameters(), 1.0)
        self._optimizer.step()
        self.step += 1
        keep = min(_EMA, self.step / (self.step + 20))
        with torch.no_grad():
            for average, parameter in zip(self._average, self.networks.parameters(), strict=True):
                average.lerp_(parameter, 1 - keep)
        return loss.item()

    def state(self) -> dict[str, Any]:
        """Everything that is needed to go on."""
        return {
            "networks": self.networks.state_dict(),
            "average": self._average,
            "optimizer": self._optimizer.state_dict(),
            "step": self.step,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Goes on from there; the order of the samples begins anew."""
        self.networks.load_state_dict(state["networks"])
        self._average = state["average"]
        self._optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        self.rng.seed(self.step)
        self._generator.manual_seed(self.step)

    def swap_average(self) -> None:
        """Puts the average in place of the weights, or back."""
        with torch.no_grad():
            for average, parameter in zip(self._average, self.networks.parameters(), strict=True):
                held = parameter.clone()
                parameter.copy_(average)
                average.copy_(held)

    def _loss(self, batch: Sequence[Sample], nothing: Sequence[Told]) -> Tensor:
        latents = torch.stack([sample.latents for sample in batch]).float()
        told = [
            untold(self.rng.choice(nothing), sample.told) if self.rng.random() < DROPOUT else sample.told
            for sample in batch
        ]
        ids, rects = torch.stack([one.ids for one in told]), torch.stack([one.rects for one in told])
        timesteps, noisy, wanted, weights = self._noised(latents)
        predicted = self.predicted(noisy, timesteps, ids, rects)
        return (weights * (predicted - wanted).square().mean((1, 2, 3))).mean()

    def predicted(self, noisy: Tensor, timesteps: Tensor, ids: Tensor, rects: Tensor) -> Tensor:
        """The model's v: of latents [pictures, 4, height, width], bags [pictures, bags, 77] and places."""
        networks: Any = self.networks
        states, pooled = encoded(networks["text_encoder"], networks["text_encoder_2"], self._pads, ids)
        height, width = noisy.shape[-2:]
        self._attention.place(rects, (height, width))
        size = [height * self._factor, width * self._factor]
        time_ids = torch.tensor([[*size, 0, 0, *size]]).expand(len(noisy), -1)
        return networks["unet"](
            noisy,
            timesteps,
            encoder_hidden_states=states.flatten(1, 2),
            added_cond_kwargs={"text_embeds": pooled[:, 0], "time_ids": time_ids},
            return_dict=False,
        )[0]

    def _noised(self, latents: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Timesteps, what the model sees, the v it should predict, and weights (min-SNR)."""
        count, generator = len(latents), self._generator
        dice = torch.rand(count, generator=generator)
        timesteps = torch.randint(0, 1000, (count,), generator=generator)
        high = torch.randint(_HIGH_NOISE, 1000, (count,), generator=generator)
        pure, much = dice < _SHARES[0], dice < sum(_SHARES)
        timesteps = timesteps.where(~much, high).where(~pure, torch.tensor(999))
        power = _signal_power()[timesteps]
        signal, spread = power.sqrt().view(-1, 1, 1, 1), (1 - power).sqrt().view(-1, 1, 1, 1)
        noise = torch.randn(latents.shape, generator=generator)
        # painting starts from noise alone, without the trace of a picture that is left at the last level
        seen = spread * noise + signal * latents * (~pure).view(-1, 1, 1, 1)
        wanted = signal * (seen - signal * latents) / spread - spread * latents
        snr = power / (1 - power)
        return timesteps, seen, wanted, (1 + snr).clamp(max=1 + _MOST_SNR) / (1 + snr)


class BatchAttention:
    """Cross attention in which every picture of a batch reads its own regions' texts."""

    def __init__(self) -> None:
        self._biases: dict[int, Tensor] = {}
        self._scales: dict[int, Tensor] = {}

    def place(self, rects: Tensor, size: tuple[int, int]) -> None:
        """Says where bags count: [pictures, bags, 4], for latents of (height, width)."""
        self._biases, self._scales = {}, {}
        for depth in range(3):
            height, width = (-(-side // 2**depth) for side in size)
            masks = _masks(rects, height, width)
            share = masks.mean(-1)
            scale = torch.where(share > 0, 1 / share, 1.0)
            bias = torch.zeros_like(masks).masked_fill(masks < 0.5, -math.inf)
            tokens = 77
            self._scales[height * width] = scale.repeat_interleave(tokens, 1)[:, None, :, None]
            self._biases[height * width] = bias.repeat_interleave(tokens, 1).transpose(1, 2)[:, None]

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Attends: [batch, places, features] to the same."""
        del attention_mask
        query, key, value = (
            features.unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for features in (
                attn.to_q(hidden_states),
                attn.to_k(encoder_hidden_states),
                attn.to_v(encoder_hidden_states),
            )
        )
        places = hidden_states.shape[1]
        scores = query @ (key * self._scales[places]).transpose(2, 3) * query.shape[-1] ** -0.5
        attended = (scores + self._biases[places]).softmax(-1) @ value
        return attn.to_out[1](attn.to_out[0](attended.transpose(1, 2).flatten(2)))


def batches(samples: Sequence[Sample], rng: Random) -> Iterator[list[Sample]]:
    """Batches without end, each of one size of pictures and one number of bags, in random order."""
    alike: dict[tuple[int, ...], list[Sample]] = defaultdict(list)
    for sample in samples:
        alike[*sample.latents.shape, len(sample.told.ids)].append(sample)
    while True:
        epoch: list[list[Sample]] = []
        for group in alike.values():
            rng.shuffle(group)
            epoch += [group[start : start + BATCH] for start in range(0, len(group), BATCH)]
        rng.shuffle(epoch)
        yield from epoch


def _masks(rects: Tensor, height: int, width: int) -> Tensor:
    """Where each rectangle lies, as the nearest cells say: float32 [pictures, bags, places]."""
    rows, columns = ((torch.arange(side) + 0.5) * GRID_CELLS / side for side in (height, width))
    top, bottom, left, right = (side[..., None] for side in rects.unbind(-1))
    down = (rows.floor() >= top) & (rows.floor() < bottom)
    across = (columns.floor() >= left) & (columns.floor() < right)
    return (down[..., :, None] & across[..., None, :]).flatten(-2).float()


def _learning_share(step: int, done: float) -> float:
    """Warm up, hold, and come down along a cosine in the last 60 %."""
    late = max(0.0, (done - 0.4) / 0.6)
    return min(1, (step + 1) / _WARM_UP_STEPS) * max(0.01, (1 + math.cos(math.pi * min(1, late))) / 2)


@cache
def _signal_power() -> Tensor:
    """float32 [1000]: the share of the picture in what is seen at each timestep."""
    start, end = SCHEDULER_CONFIG["beta_start"], SCHEDULER_CONFIG["beta_end"]
    betas = torch.linspace(float(start) ** 0.5, float(end) ** 0.5, 1000, dtype=torch.float64).square()
    return (1 - betas).cumprod(0).float()
