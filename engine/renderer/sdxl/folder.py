"""Checkpoints in a folder in diffusers' layout: each part with its configuration and weights."""

import json
from pathlib import Path
from typing import Any, Final, cast

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from engine.errors import Unavailable
from engine.renderer.sdxl import layout
from engine.renderer.sdxl.layout import BACKEND

CONFIG: Final = Path(__file__).parent / "data"
"""SDXL's own configuration, in the same layout."""

_SDXL: Final = ("UNet2DConditionModel", "text_time", "AutoencoderKL")


class Folder:
    """A folder; its parts are read one at a time.

    Raises:
        Unavailable: It is no folder of an SDXL checkpoint.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names = layout.names_in(path)
        unet, vae = self._json("unet/config.json"), self._json("vae/config.json")
        known = unet.get("_class_name"), unet.get("addition_embed_type"), vae.get("_class_name")
        parts = {f"{part}/config.json" for part in ("text_encoder", "text_encoder_2")}
        if known != _SDXL or not parts <= set(self._names):
            raise Unavailable(BACKEND, "model-not-sdxl")

    def unet(self, dtype: torch.dtype) -> UNet2DConditionModel:
        """The network that denoises.

        Raises:
            Unavailable: It has no safetensors; likewise the others.
        """
        return cast("UNet2DConditionModel", self._part(UNet2DConditionModel, "unet", torch_dtype=dtype))

    def vae(self, dtype: torch.dtype) -> AutoencoderKL:
        """What turns latents into pictures and back."""
        return cast("AutoencoderKL", self._part(AutoencoderKL, "vae", torch_dtype=dtype))

    def text_encoder(self, dtype: torch.dtype) -> CLIPTextModel:
        """CLIP's, of the first half of the features."""
        return cast("CLIPTextModel", self._part(CLIPTextModel, "text_encoder", dtype=dtype))

    def text_encoder_2(self, dtype: torch.dtype) -> CLIPTextModelWithProjection:
        """OpenCLIP's, of the second half and of the pooled vector."""
        part = self._part(CLIPTextModelWithProjection, "text_encoder_2", dtype=dtype)
        return cast("CLIPTextModelWithProjection", part)

    def tokenizers(self) -> tuple[CLIPTokenizer, CLIPTokenizer]:
        """Those of the two text encoders."""
        first, second = (
            cast("Any", CLIPTokenizer).from_pretrained(self._path / name, local_files_only=True)
            for name in ("tokenizer", "tokenizer_2")
        )
        return first, second

    def scheduler_config(self) -> dict[str, Any]:
        """What is known of the noise; SDXL's own where the folder says nothing."""
        name = "scheduler/scheduler_config.json"
        return self._json(name) if name in self._names else Folder(CONFIG).scheduler_config()

    def _part(self, kind: Any, part: str, **dtype: torch.dtype) -> object:
        variant = layout.variant(self._names, part, half=torch.float32 not in dtype.values())
        return read_network(kind, self._path, subfolder=part, variant=variant, **dtype)

    def _json(self, name: str) -> dict[str, Any]:
        if name not in self._names:
            raise Unavailable(BACKEND, "model-not-sdxl")
        read: object = json.loads((self._path / name).read_bytes())
        if not isinstance(read, dict):
            raise TypeError(f"{name} is no JSON object")
        return cast("dict[str, Any]", read)


def read_network(kind: Any, folder: Path, **how: object) -> object:
    """A network from its folder on this machine: safetensors only, and every weight of it.

    Args:
        kind: Its class, of diffusers or transformers.
        folder: Where its configuration and weights are.
        **how: What else its `from_pretrained` is told.

    Raises:
        ValueError: Weights are missing, or of another shape.
    """
    loaded, found = kind.from_pretrained(
        folder, use_safetensors=True, local_files_only=True, output_loading_info=True, **how
    )
    if made_up := [*found["missing_keys"], *found["mismatched_keys"]]:  # filled at random
        raise ValueError(f"weights that are missing or of another shape: {sorted(map(str, made_up))[:3]}")
    return loaded
