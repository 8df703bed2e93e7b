"""The reference's sampler as its formulas say, one at a time: the oracle. Uses nothing of the project's.

After lllyasviel/Omost, `lib_omost/pipeline.py`, and k-diffusion's `sample_dpmpp_2m`.
"""

import itertools

import numpy as np
import torch
from PIL import Image


class NaiveModel:
    """Karras et al.'s denoiser around a model that predicts noise, two calls a step."""

    def __init__(self, positive, negative, guidance):
        betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
        kept = torch.cumprod(1 - betas, dim=0)
        self.sigmas = ((1 - kept) / kept) ** 0.5
        self.positive, self.negative, self.guidance = positive, negative, guidance

    def karras(self, count, rho=7):
        ramp = torch.linspace(0, 1, count, dtype=torch.float64)
        low, high = self.sigmas[0] ** (1 / rho), self.sigmas[-1] ** (1 / rho)
        return torch.cat([(high + ramp * (low - high)) ** rho, torch.zeros(1, dtype=torch.float64)])

    def timestep(self, sigma):
        return (sigma.log() - self.sigmas.log()).abs().argmin()

    def __call__(self, latents, sigma):
        scaled = (latents.double() / (sigma**2 + 1) ** 0.5).float()
        timestep = self.timestep(sigma)
        positive, negative = self.positive(scaled, timestep), self.negative(scaled, timestep)
        noise = negative + self.guidance * (positive - negative)
        return latents - noise.double() * sigma


def naive_sigmas(model, steps, strength):
    return model.karras(int(steps / strength))[-(steps + 1) :]


def naive_sample(model, initial, noise, steps, strength=1.0):
    """DPM++ 2M: the first and the last step of first order."""
    sigmas = naive_sigmas(model, steps, strength)
    latents = initial.double() + noise.double() * sigmas[0]
    before, last_sigma = None, None
    for now, then in itertools.pairwise(sigmas[:-1]):
        denoised = model(latents, now)
        distance = now.log() - then.log()
        if before is None:
            aim = denoised
        else:
            ratio = (last_sigma.log() - now.log()) / distance
            aim = (1 + 1 / (2 * ratio)) * denoised - (1 / (2 * ratio)) * before
        latents = (then / now) * latents - torch.expm1(-distance) * aim
        before, last_sigma = denoised, now
    return model(latents, sigmas[-2]).float()


def naive_noise(generators, height, width):
    """The reference draws a batch at once; each image here is a batch of one with a seed of its own."""
    return torch.cat([torch.randn(1, 4, height, width, generator=generator) for generator in generators])


def naive_decode(vae, latents):
    pixels = vae.decode(latents / vae.config.scaling_factor).sample
    return [
        (one * 127.5 + 127.5).movedim(0, -1).detach().numpy().clip(0, 255).astype(np.uint8) for one in pixels
    ]


def naive_encode(vae, pictures):
    pixels = torch.from_numpy(np.stack(pictures)).float().movedim(-1, 1) / 127.5 - 1
    return vae.encode(pixels).latent_dist.mode() * vae.config.scaling_factor


def naive_enlarged(picture, scale):
    height, width, _ = picture.shape
    size = int(round(width * scale / 64) * 64), int(round(height * scale / 64) * 64)
    return np.array(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
