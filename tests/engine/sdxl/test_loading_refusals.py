"""Folders, files and devices that the renderer cannot load, each refused for its reason."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.renderer.sdxl.options import SdxlOptions
from tests.engine.sdxl.checkpoints import from_folder, refusal, rename, rewrite


def language_model(folder: Path) -> None:
    for part in folder.iterdir():
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    save_file({"model.norm.weight": torch.ones(4)}, folder / "model.safetensors")


def sd_15(folder: Path) -> None:
    shutil.rmtree(folder / "text_encoder_2")
    shutil.rmtree(folder / "tokenizer_2")
    rewrite(folder / "unet" / "config.json", addition_embed_type=None)


def refiner(folder: Path) -> None:
    shutil.rmtree(folder / "text_encoder")


def other_inputs(folder: Path) -> None:
    """Each part is whole, but the UNet wants more beside the text than SDXL gives it."""
    rewrite(folder / "unet" / "config.json", addition_time_embed_dim=16)


def other_vae(folder: Path) -> None:
    rewrite(folder / "vae" / "config.json", _class_name="AutoencoderTiny")


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def pickles(folder: Path) -> None:
    rename(folder, ".safetensors", ".bin")


def no_weights(folder: Path) -> None:
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()


def truncated(folder: Path) -> None:
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def a_weight_missing(folder: Path) -> None:
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    del weights["conv_in.weight"]
    save_file(weights, path, metadata={"format": "pt"})


def a_text_weight_missing(folder: Path) -> None:
    path = folder / "text_encoder_2" / "model.safetensors"
    weights = load_file(path)
    del weights["text_projection.weight"]
    save_file(weights, path, metadata={"format": "pt"})


def broken_configuration(folder: Path) -> None:
    (folder / "unet" / "config.json").write_text("{")


def list_as_configuration(folder: Path) -> None:
    (folder / "vae" / "config.json").write_text("[]")


def text_without_a_size(folder: Path) -> None:
    rewrite(folder / "text_encoder" / "config.json", hidden_size=None)


def text_quantised_by_a_word(folder: Path) -> None:
    rewrite(folder / "text_encoder" / "config.json", quantization_config="4bit")


def vae_without_blocks(folder: Path) -> None:
    rewrite(folder / "vae" / "config.json", block_out_channels=None)


def no_tokenizer(folder: Path) -> None:
    shutil.rmtree(folder / "tokenizer_2")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (language_model, "model-not-sdxl"),
        (sd_15, "model-not-sdxl"),
        (refiner, "model-not-sdxl"),
        (other_inputs, "model-not-sdxl"),
        (other_vae, "model-not-sdxl"),
        (empty, "model-not-sdxl"),
        (pickles, "model-without-safetensors"),
        (no_weights, "model-incomplete"),
        (truncated, "model-unreadable"),
        (a_weight_missing, "model-unreadable"),
        (a_text_weight_missing, "model-unreadable"),
        (broken_configuration, "model-unreadable"),
        (list_as_configuration, "model-unreadable"),
        (text_without_a_size, "model-unreadable"),
        (text_quantised_by_a_word, "model-unreadable"),
        (vae_without_blocks, "model-unreadable"),
        (no_tokenizer, "model-unreadable"),
    ],
)
def test_a_folder_that_is_no_checkpoint_is_refused(change, reason: str, folder: Path) -> None:
    """Each for a reason of its own, and never with a traceback."""
    change(folder)

    assert refusal(from_folder(folder)) == reason


def without(path: Path, *prefixes: str) -> None:
    weights = load_file(path)
    save_file({name: value for name, value in weights.items() if not name.startswith(prefixes)}, path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.write_bytes(b"\x00" * 999), "model-unreadable"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1000]), "model-unreadable"),
        (lambda path: path.write_bytes(b""), "model-unreadable"),
        (lambda path: without(path, "model.diffusion_model.label_emb"), "model-not-sdxl"),
        (lambda path: save_file({"model.norm.weight": torch.ones(4)}, path), "model-not-sdxl"),
        (lambda path: without(path, "first_stage_model"), "model-incomplete"),
        (lambda path: without(path, "conditioner"), "model-incomplete"),
        (lambda path: without(path, "model.diffusion_model.input_blocks.1"), "model-unreadable"),
        (lambda path: without(path, "conditioner.embedders.1.model.ln_final"), "model-incomplete"),
    ],
    ids=["noise", "truncated", "empty", "sd15", "llm", "no-vae", "no-text", "holes", "hole-in-text"],
)
def test_a_file_that_is_no_checkpoint_is_refused(
    change, reason: str, from_file: SdxlOptions, tmp_path: Path
) -> None:
    """Each for a reason of its own, and never with a traceback."""
    path = Path(shutil.copy(from_file.model, tmp_path / "broken.safetensors"))
    change(path)

    assert refusal(replace(from_file, model=str(path))) == reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [("model.ckpt", "model-without-safetensors"), ("model.txt", "model-unreadable")],
)
def test_other_files_are_not_even_opened(name: str, reason: str, tmp_path: Path) -> None:
    """Pickles could run code."""
    (tmp_path / name).write_bytes(b"\x80\x04.")

    assert refusal(SdxlOptions(str(tmp_path / name), device="cpu")) == reason


def test_a_file_that_is_not_there_is_not_asked_of_the_hub() -> None:
    """A path with a slip in it is a path nevertheless."""
    assert refusal(SdxlOptions("nowhere/model.safetensors", device="cpu")) == "model-unknown"


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "mps", ""])
def test_a_device_that_is_not_here_is_refused(name: str, saved: Path) -> None:
    """Nothing falls back in silence."""
    assert refusal(from_folder(saved, device=name)) == "no-such-device"
