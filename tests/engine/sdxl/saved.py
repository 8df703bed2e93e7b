"""Random checkpoints as files, for whoever has a renderer load them."""

from pathlib import Path

import torch
from diffusers import EulerDiscreteScheduler
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from tests.engine.sdxl.conftest import END, SCHEDULER_CONFIG, text_config, tiny_tokenizer, tiny_unet, tiny_vae


def save_checkpoint(folder: Path) -> None:
    """An SDXL checkpoint, tiny and random, in diffusers' layout."""
    first, second = tiny_tokenizer(pad_token=END), tiny_tokenizer(pad_token="!")
    torch.manual_seed(1)
    parts = {
        "unet": tiny_unet(),
        "vae": tiny_vae(),
        "text_encoder": CLIPTextModel(text_config(first, width=24, layers=3)),
        "text_encoder_2": CLIPTextModelWithProjection(text_config(second, width=40, layers=4)),
        "tokenizer": first,
        "tokenizer_2": second,
        "scheduler": EulerDiscreteScheduler(**SCHEDULER_CONFIG),
    }
    for name, part in parts.items():
        part.save_pretrained(folder / name)


def save_lora(path: Path, network: nn.Module, *, part: str, layers: str, inner: int | None = None) -> None:
    """A random LoRA for the layers of a network whose names end so; with `inner`, for another width."""
    weights, generator = {}, torch.Generator().manual_seed(len(path.stem))
    for layer, module in network.named_modules():
        if layer.endswith(layers):
            shapes = {"lora_A": (2, inner or module.in_features), "lora_B": (module.out_features, 2)}
            for side, shape in shapes.items():
                weights[f"{part}.{layer}.{side}.weight"] = torch.randn(shape, generator=generator)
    assert weights
    save_file(weights, path)
