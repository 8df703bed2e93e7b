"""From noise to latents: schedules and samplers by name, and the loop over the steps.

Each sampler is a scheduler of diffusers. The latents are float32 whatever the model computes in. Every image
has a generator of its own, so that it does not depend on its batch. Knows neither texts nor pictures.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_euler_ancestral_discrete import EulerAncestralDiscreteScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from diffusers.schedulers.scheduling_lcm import LCMScheduler
from diffusers.schedulers.scheduling_tcd import TCDScheduler
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from torch import Tensor

DEFAULT_SAMPLER: Final = "dpmpp_2m_karras"

Denoise = Callable[[Tensor, Tensor], Tensor]
"""What the model predicts, float32, for latents scaled to its input and a timestep."""

OnStep = Callable[[int, int, Tensor], None]
"""Hears of each step: its number from 1, how many there are, and what the latents will probably become.

Raising an exception stops the sampling.
"""

_SDXL: Final[Mapping[str, object]] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
}
_OF_THE_MODEL: Final = frozenset({*_SDXL, "trained_betas", "rescale_betas_zero_snr"})
"""What the checkpoint decides; the rest is the sampler's."""

_DPMPP_2M: Final[Mapping[str, object]] = {
    "algorithm_type": "dpmsolver++",
    "solver_order": 2,
    "solver_type": "midpoint",
    "use_karras_sigmas": True,
    "final_sigmas_type": "zero",
}
_LEADING: Final[Mapping[str, object]] = {"timestep_spacing": "leading", "steps_offset": 1}
_TRAILING: Final[Mapping[str, object]] = {"timestep_spacing": "trailing"}

_SAMPLERS: Final[Mapping[str, tuple[type, Mapping[str, object]]]] = {
    DEFAULT_SAMPLER: (DPMSolverMultistepScheduler, _DPMPP_2M),
    # the multistep one: one pass of the model a step, as with the others
    "dpmpp_sde": (DPMSolverMultistepScheduler, {**_DPMPP_2M, "algorithm_type": "sde-dpmsolver++"}),
    "euler": (EulerDiscreteScheduler, _LEADING),
    "euler_a": (EulerAncestralDiscreteScheduler, _LEADING),
    "unipc": (UniPCMultistepScheduler, _LEADING),
    # for models distilled to few steps
    "euler_trailing": (EulerDiscreteScheduler, _TRAILING),
    "ddim_trailing": (DDIMScheduler, {**_TRAILING, "clip_sample": False, "set_alpha_to_one": False}),
    "lcm": (LCMScheduler, {}),
    "tcd": (TCDScheduler, {}),
}

SAMPLERS: Final = tuple(_SAMPLERS)


class UnknownSampler(ValueError):
    """There is no sampler of this name.

    Attributes:
        name: What was asked for.
        known: The names that there are.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"no sampler {name!r}; there are {', '.join(SAMPLERS)}")
        self.name = name
        self.known = SAMPLERS


@dataclass(frozen=True, slots=True)
class Kept:
    """Latents that stay as they are, but for a part.

    Attributes:
        latents: float32 [1 or images, channels, height, width], without noise.
        mask: float32 [1, 1, height, width], 1 where it is painted anew, 0 where it stays, between in a seam.
    """

    latents: Tensor
    mask: Tensor

    def blend(self, painted: Tensor, kept: Tensor) -> Tensor:
        """What was painted where the mask says so, over what is kept."""
        return torch.lerp(kept, painted, self.mask)


class Schedule:
    """The noise levels of one pass and the solver that goes down them. It is used once.

    Attributes:
        timesteps: What the model is told at each step; on the CPU, where reading them waits for no device.
    """

    def __init__(self, scheduler: Any, steps: int) -> None:
        """Takes the last `steps` of the scheduler's timesteps."""
        first = len(scheduler.timesteps) - steps
        if hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(first)
        self._scheduler = scheduler
        self._is_stochastic = "generator" in inspect.signature(scheduler.step).parameters
        self.timesteps = cast("Tensor", scheduler.timesteps)[first:]

    def noised(self, latents: Tensor, noise: Tensor, step: int) -> Tensor:
        """Clean latents with the noise they would have before `step`, which is the next one to be taken.

        After the last step that is none.
        """
        if step == len(self.timesteps):
            return latents.expand_as(noise)
        timesteps = self.timesteps[step].expand(len(noise))
        return self._scheduler.add_noise(latents.expand_as(noise), noise, timesteps)

    def scaled(self, latents: Tensor, step: int) -> Tensor:
        """The latents as the model wants to see them: of variance 1."""
        return self._scheduler.scale_model_input(latents, self.timesteps[step])

    def clean(self, scaled: Tensor, prediction: Tensor, step: int) -> Tensor:
        """The latents without the noise that the model sees in them, to look at."""
        alpha = self._scheduler.alphas_cumprod[round(self.timesteps[step].item())].item()
        signal, noise = alpha**0.5, (1 - alpha) ** 0.5
        if self._scheduler.config.prediction_type == "v_prediction":
            return signal * scaled - noise * prediction
        return (scaled - noise * prediction) / signal

    def stepped(
        self, prediction: Tensor, latents: Tensor, step: int, generators: Sequence[torch.Generator]
    ) -> Tensor:
        """The latents one noise level lower."""
        stochastic = {"generator": list(generators)} if self._is_stochastic else {}
        timestep = self.timesteps[step]
        return self._scheduler.step(prediction, timestep, latents, return_dict=False, **stochastic)[0]


def schedule(name: str, steps: int, strength: float, scheduler_config: Mapping[str, object]) -> Schedule:
    """The schedule of a sampler.

    Args:
        name: One of `SAMPLERS`.
        steps: How many steps are taken, up to half of the noise levels that the model was trained on.
        strength: The share of the noise levels that is gone down: 1 starts from nothing but noise.
        scheduler_config: Of the checkpoint; what it does not say is as in SDXL.

    Raises:
        UnknownSampler: There is no such sampler.
    """
    if name not in _SAMPLERS:
        raise UnknownSampler(name)
    kind, settings = cast("tuple[Any, Mapping[str, object]]", _SAMPLERS[name])
    of_the_model = {key: scheduler_config[key] for key in _OF_THE_MODEL & scheduler_config.keys()}
    known = inspect.signature(kind.__init__).parameters
    wanted = {**_SDXL, **of_the_model, **settings}
    scheduler: Any = kind(**{key: value for key, value in wanted.items() if key in known})
    most = scheduler.config.num_train_timesteps // 2  # closer together, some samplers meet one level twice
    levels = min(max(steps, int(steps / strength)), most)
    if "original_inference_steps" in known:  # of the distillation: no more can be taken
        original = max(levels, scheduler.config.original_inference_steps)
        scheduler.set_timesteps(levels, original_inference_steps=original)
    else:
        scheduler.set_timesteps(levels)
    return Schedule(scheduler, min(steps, levels))


def sample(
    plan: Schedule,
    initial: Tensor,
    denoise: Denoise,
    generators: Sequence[torch.Generator],
    *,
    on_step: OnStep,
    kept: Kept | None = None,
) -> Tensor:
    """Goes down the schedule from noisy latents to clean ones.

    Args:
        plan: The schedule; it cannot be used again.
        initial: float32 [1 or images, channels, height, width], what the noise is added to.
        denoise: The model.
        generators: One for each image, on the CPU; they go on from where they are.
        on_step: Hears of each step.
        kept: What is put back, with the noise of its level, after each step.

    Returns:
        float32 [images, channels, height, width].
    """
    noise = _noise(generators, initial)
    latents = plan.noised(initial, noise, 0)
    if kept:
        latents = kept.blend(latents, plan.noised(kept.latents, noise, 0))
    steps = len(plan.timesteps)
    for step in range(steps):
        scaled = plan.scaled(latents, step)
        prediction = denoise(scaled, plan.timesteps[step])
        clean = plan.clean(scaled, prediction, step)
        latents = plan.stepped(prediction, latents, step, generators)
        if kept:
            latents = kept.blend(latents, plan.noised(kept.latents, noise, step + 1))
            clean = kept.blend(clean, kept.latents.expand_as(clean))
        on_step(step + 1, steps, latents if step + 1 == steps else clean)
    return latents


def _noise(generators: Sequence[torch.Generator], like: Tensor) -> Tensor:
    """Drawn on the CPU in float32: a seed means the same picture on every device."""
    drawn = [torch.randn((1, *like.shape[1:]), generator=generator) for generator in generators]
    return torch.cat(drawn).to(like.device)
