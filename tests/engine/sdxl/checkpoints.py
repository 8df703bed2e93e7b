"""Checkpoints in folders: saved, changed, and refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from diffusers import EulerDiscreteScheduler

from engine.errors import Unavailable
from engine.renderer.sdxl.loading import Parts, load
from engine.renderer.sdxl.options import SdxlOptions

NETWORKS = ("unet", "vae", "text_encoder", "text_encoder_2")


def save_folder(parts: Parts, folder: Path) -> None:
    for name in (*NETWORKS, "tokenizer", "tokenizer_2"):
        getattr(parts, name).save_pretrained(folder / name)
    EulerDiscreteScheduler(**parts.scheduler_config).save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text('{"_class_name": "StableDiffusionXLPipeline"}')


def from_folder(folder: Path, **changed: object) -> SdxlOptions:
    return replace(SdxlOptions(str(folder), device="cpu", offline=True), **changed)


def refusal(options: SdxlOptions) -> str:
    with pytest.raises(Unavailable) as caught:
        load(options)
    assert caught.value.backend == "sdxl"
    return caught.value.reason


def rename(folder: Path, old: str, new: str) -> None:
    for part in NETWORKS:
        for path in (folder / part).glob(f"*{old}"):
            path.rename(path.with_name(path.name.removesuffix(old) + new))


def rewrite(path: Path, **changed: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
