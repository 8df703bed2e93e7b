"""Loading a tiny autoencoder for previews (TAESDXL): from the hub or a folder, safetensors only.

A preview is a courtesy. One that cannot be had is logged, and nothing else comes of it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import structlog
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

from engine.errors import Unavailable
from engine.hub import HubModel, fetch
from engine.renderer.sdxl.folder import read_network
from engine.renderer.sdxl.layout import BACKEND
from engine.renderer.sdxl.loading import UNREADABLE, Parts, weight_bytes
from engine.renderer.sdxl.options import SdxlOptions

_FILES: Final = frozenset(("config.json", "diffusion_pytorch_model.safetensors"))
_TRIAL_LATENTS: Final = 8

_log = structlog.get_logger()


def load_preview_vae(options: SdxlOptions, parts: Parts) -> AutoencoderTiny | None:
    """The tiny autoencoder that the options name, on the checkpoint's device.

    Returns:
        None where none is named, and where it cannot be had, read or used with the checkpoint's latents.
    """
    if not options.previews:
        return None
    try:
        tiny = _read(_source(options), parts)
        _try_out(tiny, parts)
    except (*UNREADABLE, Unavailable, RuntimeError, MemoryError) as error:
        _log.warning("previews-not-loaded", model=options.previews, exc_info=error)
        return None
    _log.info("previews-loaded", model=options.previews, loaded_bytes=weight_bytes(tiny))
    return tiny


def _source(options: SdxlOptions) -> Path:
    path = Path(options.previews).expanduser()
    if path.is_dir():
        return path
    return fetch(HubModel(options.previews, mirror=options.mirror, offline=options.offline), _chosen, BACKEND)


def _chosen(names: Sequence[str]) -> list[str]:
    return sorted(_FILES.intersection(names))


def _read(folder: Path, parts: Parts) -> AutoencoderTiny:
    tiny = cast("AutoencoderTiny", read_network(AutoencoderTiny, folder, torch_dtype=parts.dtype))
    tiny.eval().requires_grad_(requires_grad=False)
    return cast("AutoencoderTiny", cast("Any", tiny).to(parts.device))


@torch.no_grad()
def _try_out(tiny: AutoencoderTiny, parts: Parts) -> None:
    """Whether it makes pictures of the checkpoint's latents."""
    channels: int = cast("Any", parts.unet.config).in_channels
    shape = (1, channels, _TRIAL_LATENTS, _TRIAL_LATENTS)
    latents = torch.zeros(shape, device=parts.device, dtype=parts.dtype)
    pixels: torch.Tensor = cast("Any", tiny).decode(latents, return_dict=False)[0]
    if pixels.shape[:2] != (1, 3) or not torch.isfinite(pixels).all():
        raise ValueError("what it makes of latents is no picture")
