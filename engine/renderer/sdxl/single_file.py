"""Checkpoints in one safetensors file, in the original layout of SDXL's authors.

Such a file has weights only. What it does not say, the configurations and the vocabulary, lies in `data`.
"""

import gzip
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import torch
from diffusers.loaders import single_file_utils
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors import SafetensorError, safe_open
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from engine.errors import Unavailable
from engine.renderer.sdxl.folder import CONFIG, Folder
from engine.renderer.sdxl.layout import BACKEND

_UNET: Final = "model.diffusion_model."
_VAE: Final = "first_stage_model."
_TEXT: Final = "conditioner.embedders.0."
_TEXT_2: Final = "conditioner.embedders.1."
_SIGNS: Final = (f"{_UNET}input_blocks.0.0.weight", f"{_UNET}label_emb.0.0.weight")
_REFINER: Final = "conditioner.embedders.0.model."  # has only the second text encoder, in the first's place
_OTHER_NOISE: Final = "edm_mean"  # Playground 2.5: SDXL's shape, another noise
_START, _END = "<|startoftext|>", "<|endoftext|>"

_Clip = TypeVar("_Clip", CLIPTextModel, CLIPTextModelWithProjection)


class SingleFile:
    """One file, opened; its parts are read one at a time.

    Args:
        path: The file.
        config: A folder in diffusers' layout with the parts' configurations.

    Raises:
        Unavailable: The file is no checkpoint of SDXL's base.
    """

    def __init__(self, path: Path, config: Path) -> None:
        self._path = path
        self._config = config
        self._names = _names(path)
        if not set(_SIGNS) <= self._names or _OTHER_NOISE in self._names or self._has(_REFINER):
            raise Unavailable(BACKEND, "model-not-sdxl")
        if not all(map(self._has, (_VAE, _TEXT, _TEXT_2))):
            raise Unavailable(BACKEND, "model-incomplete")

    def unet(self, dtype: torch.dtype) -> UNet2DConditionModel:
        """The network that denoises."""
        return cast("UNet2DConditionModel", self._diffusers(UNet2DConditionModel, _UNET, "unet", dtype))

    def vae(self, dtype: torch.dtype) -> AutoencoderKL:
        """What turns latents into pictures and back."""
        return cast("AutoencoderKL", self._diffusers(AutoencoderKL, _VAE, "vae", dtype))

    def text_encoder(self, dtype: torch.dtype) -> CLIPTextModel:
        """CLIP's, of the first half of the features."""
        return self._clip(CLIPTextModel, _TEXT, "text_encoder", dtype)

    def text_encoder_2(self, dtype: torch.dtype) -> CLIPTextModelWithProjection:
        """OpenCLIP's, of the second half and of the pooled vector."""
        return self._clip(CLIPTextModelWithProjection, _TEXT_2, "text_encoder_2", dtype)

    def tokenizers(self) -> tuple[CLIPTokenizer, CLIPTokenizer]:
        """Those of the two text encoders; SDXL's own go with SDXL's own configuration."""
        return clip_tokenizers() if self._config == CONFIG else Folder(self._config).tokenizers()

    def scheduler_config(self) -> dict[str, Any]:
        """What is known of the noise; some files say that they were trained with another one."""
        config = Folder(self._config).scheduler_config()
        if "v_pred" in self._names:
            config["prediction_type"] = "v_prediction"
        if "ztsnr" in self._names:
            config["rescale_betas_zero_snr"] = True
        return config

    def _has(self, prefix: str) -> bool:
        return any(name.startswith(prefix) for name in self._names)

    def _diffusers(self, kind: Any, prefix: str, subfolder: str, dtype: torch.dtype) -> object:
        return kind.from_single_file(
            self._weights(prefix),
            config=str(self._config),
            subfolder=subfolder,
            torch_dtype=dtype,
            local_files_only=True,
        )

    def _clip(self, kind: type[_Clip], prefix: str, subfolder: str, dtype: torch.dtype) -> _Clip:
        return cast("Any", single_file_utils.create_diffusers_clip_model_from_ldm)(
            kind,
            self._weights(prefix),
            subfolder=subfolder,
            config=str(self._config),
            torch_dtype=dtype,
            local_files_only=True,
        )

    def _weights(self, prefix: str) -> dict[str, torch.Tensor]:
        with cast("Any", safe_open)(self._path, "pt") as weights:
            return {name: weights.get_tensor(name) for name in self._names if name.startswith(prefix)}


def clip_tokenizers() -> tuple[CLIPTokenizer, CLIPTokenizer]:
    """SDXL's two tokenizers: the same vocabulary, padded with its end or with `!`."""
    text = gzip.decompress((CONFIG / "clip_merges.txt.gz").read_bytes()).decode()
    merges = text.splitlines()
    pieces = [*_byte_letters(), *(merge.replace(" ", "") for merge in merges), _START, _END]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    pairs = [tuple(merge.split(" ")) for merge in merges]
    first, second = (
        cast("Any", CLIPTokenizer)(vocab=vocabulary, merges=pairs, pad_token=pad, model_max_length=77)
        for pad in (_END, "!")
    )
    return first, second


def _byte_letters() -> list[str]:
    """A printable letter for each byte, printable bytes first, and each again as the end of a word."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = range(256 - len(printable))
    letters = [chr(byte) for byte in printable] + [chr(256 + number) for number in others]
    return letters + [f"{letter}</w>" for letter in letters]


def _names(path: Path) -> frozenset[str]:
    try:
        with cast("Any", safe_open)(path, "pt") as weights:
            return frozenset(weights.keys())
    except (SafetensorError, OSError) as error:
        raise Unavailable(BACKEND, "model-unreadable") from error
