"""Loading an SDXL checkpoint: from the hub, a folder in diffusers' layout, or one safetensors file.

Weights are safetensors, code of the checkpoint's own is never run. They are read into the host's memory;
`memory` brings them to the device.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import structlog
import torch
from diffusers.loaders.single_file_utils import SingleFileComponentError
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.utils import logging as diffusers_logging
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer
from transformers.utils import logging as transformers_logging

from engine.devices import device_named, has_bfloat16, is_out_of_memory
from engine.errors import Unavailable
from engine.hub import HubModel, fetch
from engine.renderer.sdxl import layout
from engine.renderer.sdxl.folder import CONFIG, Folder
from engine.renderer.sdxl.layout import BACKEND
from engine.renderer.sdxl.options import SdxlOptions
from engine.renderer.sdxl.single_file import SingleFile

_TIME_IDS: Final = 6
UNREADABLE: Final = (
    AttributeError,  # of a value of another type than the libraries look for
    ImportError,
    KeyError,
    OSError,
    TypeError,
    ValueError,
    SafetensorError,
    SingleFileComponentError,
    StrictDataclassError,
)
"""What reading a network's files may raise when they are broken."""

_Network = TypeVar("_Network", bound=nn.Module)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """A checkpoint, loaded.

    Attributes:
        tokenizer: Of `text_encoder`; `tokenizer_2` splits alike and pads with another token.
        scheduler_config: What the checkpoint says of its noise, in diffusers' words.
        vae_scale_factor: How many pixels a latent's side stands for.
        device: Where it is computed; the weights may be elsewhere between uses.
        dtype: Of the UNet and the text encoders; the VAE has its own.
    """

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    tokenizer: CLIPTokenizer
    tokenizer_2: CLIPTokenizer
    text_encoder: CLIPTextModel
    text_encoder_2: CLIPTextModelWithProjection
    scheduler_config: dict[str, Any]
    vae_scale_factor: int
    device: torch.device
    dtype: torch.dtype

    def networks(self) -> dict[str, nn.Module]:
        """Everything that has weights, by name."""
        return {
            "unet": self.unet,
            "vae": self.vae,
            "text_encoder": self.text_encoder,
            "text_encoder_2": self.text_encoder_2,
        }


def load(options: SdxlOptions) -> Parts:
    """Fetches the checkpoint if need be, and reads it into the host's memory.

    Raises:
        Unavailable: It cannot be had or loaded here, or is not SDXL; the reason says why.
    """
    device = device_named(options.device, BACKEND)
    dtype = _dtype(options, device)
    source = _source(options, half=dtype is not torch.float32)
    began_s = time.monotonic()
    _log.info("loading-model", model=options.model, device=str(device), dtype=str(dtype))
    try:
        parts = _read(source, options, device, dtype)
        _check_fit(parts)
    except (RuntimeError, MemoryError) as error:
        reason = "not-enough-memory" if is_out_of_memory(error) else "model-unreadable"
        raise _unavailable(reason, options, error) from error
    except UNREADABLE as error:
        raise _unavailable("model-unreadable", options, error) from error
    loaded_bytes = sum(weight_bytes(network) for network in parts.networks().values())
    took_s = round(time.monotonic() - began_s, 1)
    _log.info("model-loaded", model=options.model, took_s=took_s, loaded_bytes=loaded_bytes)
    return parts


def weight_bytes(network: nn.Module) -> int:
    """How much memory a network's weights take."""
    tensors = [*network.parameters(), *network.buffers()]
    return sum(tensor.nbytes for tensor in tensors)


def _source(options: SdxlOptions, *, half: bool) -> Path:
    """The checkpoint on this machine: a folder in diffusers' layout or one file."""
    path = Path(options.model).expanduser()
    if options.model and path.is_file():
        return _checked_file(path)
    if not options.model or not path.is_dir():
        if options.model.endswith(".safetensors"):
            raise Unavailable(BACKEND, "model-unknown")
        model = HubModel(options.model, options.revision, options.mirror, options.offline)
        path = fetch(model, lambda names: layout.chosen(names, half=half), BACKEND)
    names = layout.names_in(path)
    return path if layout.is_folder_layout(names) else path / layout.single_file(names)


def _checked_file(path: Path) -> Path:
    if path.suffix == ".safetensors":
        return path
    pickled = layout.is_pickle(path.name)
    raise Unavailable(BACKEND, "model-without-safetensors" if pickled else "model-unreadable")


def _read(source: Path, options: SdxlOptions, device: torch.device, dtype: torch.dtype) -> Parts:
    diffusers_logging.disable_progress_bar()  # a log is no terminal
    transformers_logging.disable_progress_bar()
    checkpoint = Folder(source) if source.is_dir() else SingleFile(source, _config(options))
    tokenizer, tokenizer_2 = checkpoint.tokenizers()
    vae = _part("vae", checkpoint.vae, _vae_dtype(dtype, device))
    return Parts(
        unet=_part("unet", checkpoint.unet, dtype),
        vae=vae,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer_2,
        text_encoder=_part("text_encoder", checkpoint.text_encoder, dtype),
        text_encoder_2=_part("text_encoder_2", checkpoint.text_encoder_2, dtype),
        scheduler_config=checkpoint.scheduler_config(),
        vae_scale_factor=2 ** (len(vae.config["block_out_channels"]) - 1),
        device=device,
        dtype=dtype,
    )


def _part(name: str, read: Callable[[torch.dtype], _Network], dtype: torch.dtype) -> _Network:
    network = read(dtype)
    if any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())):
        raise Unavailable(BACKEND, "model-incomplete")
    network.eval().requires_grad_(requires_grad=False)
    _log.info("part-loaded", part=name, dtype=str(dtype), loaded_bytes=weight_bytes(network))
    return network


def _check_fit(parts: Parts) -> None:
    """Whether the parts are SDXL's: two text encoders side by side, and the size of the picture as text."""
    unet = parts.unet.config
    first, second = cast("Any", parts.text_encoder.config), cast("Any", parts.text_encoder_2.config)
    pooled: int = second.projection_dim + _TIME_IDS * (unet["addition_time_embed_dim"] or 0)
    fits: bool = (
        unet["cross_attention_dim"] == first.hidden_size + second.hidden_size
        and unet["projection_class_embeddings_input_dim"] == pooled
        and unet["in_channels"] == unet["out_channels"] == parts.vae.config["latent_channels"]
    )
    if not fits:
        raise Unavailable(BACKEND, "model-not-sdxl")


def _config(options: SdxlOptions) -> Path:
    return Path(options.config).expanduser() if options.config else CONFIG


def _dtype(options: SdxlOptions, device: torch.device) -> torch.dtype:
    """Float16 is what SDXL is published in, and three bits nearer to float32 than bfloat16."""
    if options.dtype != "auto":
        return cast("torch.dtype", getattr(torch, options.dtype))
    return torch.float32 if device.type == "cpu" else torch.float16


def _vae_dtype(dtype: torch.dtype, device: torch.device) -> torch.dtype:
    """SDXL's VAE overflows in float16."""
    if dtype is not torch.float16:
        return dtype
    return torch.bfloat16 if has_bfloat16(device) else torch.float32


def _unavailable(reason: str, options: SdxlOptions, error: Exception) -> Unavailable:
    _log.error("model-not-loaded", model=options.model, reason=reason, exc_info=error)
    return Unavailable(BACKEND, reason)
