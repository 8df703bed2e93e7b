"""Loading checkpoints from folders and single files."""

import shutil
import socket
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from structlog.testing import capture_logs
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from engine.renderer.sdxl.folder import CONFIG
from engine.renderer.sdxl.loading import Parts, load
from engine.renderer.sdxl.options import SdxlOptions
from engine.renderer.sdxl.single_file import clip_tokenizers
from tests.engine.sdxl.checkpoints import NETWORKS, from_folder, refusal, rename
from tests.engine.sdxl.original import save_original


def assert_same_weights(loaded: Parts, expected: Parts) -> None:
    for name in NETWORKS:
        found, wanted = getattr(loaded, name).state_dict(), getattr(expected, name).state_dict()
        assert found.keys() == wanted.keys(), name
        for key, value in wanted.items():
            assert torch.equal(found[key], value), f"{name}: {key}"


def assert_same_tokens(loaded: Parts, expected: Parts) -> None:
    words = ["a red dragon over the castle!!", "ünïcode 龙"]
    for name in ("tokenizer", "tokenizer_2"):
        how = {"padding": "max_length", "max_length": 77}
        assert (
            getattr(loaded, name)(words, **how).input_ids == getattr(expected, name)(words, **how).input_ids
        )


def test_a_folder_is_loaded_as_it_was_saved(saved: Path, parts: Parts) -> None:
    """Weights, tokens and schedule are the saved ones, the VAE tells a latent's size, the log each part."""
    with capture_logs() as logs:
        loaded = load(from_folder(saved))

    assert_same_weights(loaded, parts)
    assert_same_tokens(loaded, parts)
    assert loaded.scheduler_config["beta_end"] == 0.012
    assert loaded.vae_scale_factor == 4
    assert (loaded.device.type, loaded.dtype) == ("cpu", torch.float32)
    assert not any(network.training for network in loaded.networks().values())
    assert {line["part"] for line in logs if line["event"] == "part-loaded"} == set(NETWORKS)


def test_the_second_text_encoder_keeps_its_projection(saved: Path, parts: Parts) -> None:
    """The pooled vector is the projected one that SDXL was trained with."""
    loaded = load(from_folder(saved))

    assert isinstance(loaded.text_encoder_2, CLIPTextModelWithProjection)
    ids = torch.tensor([loaded.tokenizer_2("a red dragon", padding="max_length", max_length=77).input_ids])
    with torch.no_grad():
        found, wanted = (each.text_encoder_2(ids).text_embeds for each in (loaded, parts))
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_the_dtype_is_the_operators_but_for_the_vae(dtype: str, saved: Path) -> None:
    """Float16 would break the VAE; on a device without bfloat16 it is float32 then."""
    loaded = load(from_folder(saved, dtype=dtype))

    wanted = getattr(torch, dtype)
    assert {loaded.unet.dtype, loaded.text_encoder.dtype, loaded.text_encoder_2.dtype} == {wanted}
    assert loaded.vae.dtype is (torch.float32 if dtype == "float16" else wanted)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("suffix", [".safetensors", ".fp16.safetensors"])
def test_the_variant_that_is_there_is_read(suffix: str, dtype: str, folder: Path) -> None:
    """With only one variant on the disk it is that one, whatever would be better."""
    rename(folder, ".safetensors", suffix)

    assert load(from_folder(folder, dtype=dtype)).dtype is getattr(torch, dtype)


def test_of_two_variants_the_fitting_one_is_read(folder: Path) -> None:
    """Half precision reads the half precision files, full precision the full ones."""
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    marked = {name: torch.zeros_like(value, dtype=torch.float16) for name, value in load_file(path).items()}
    save_file(marked, path.with_suffix(".fp16.safetensors"), metadata={"format": "pt"})

    assert load(from_folder(folder, dtype="float16")).unet.conv_in.weight.abs().max() == 0
    assert load(from_folder(folder, dtype="float32")).unet.conv_in.weight.abs().max() > 0


def test_weights_in_several_files_are_one(parts: Parts, folder: Path) -> None:
    """Sharded parts are read by their index."""
    shutil.rmtree(folder / "unet")
    parts.unet.save_pretrained(folder / "unet", max_shard_size="50KB")
    assert len(list((folder / "unet").glob("*-of-*.safetensors"))) > 1

    assert_same_weights(load(from_folder(folder)), parts)


def test_one_file_is_loaded_as_the_folder_is(from_file: SdxlOptions, parts: Parts) -> None:
    """The authors' layout has the same weights under other names; the network is not asked."""
    with no_network():
        loaded = load(from_file)

    assert_same_weights(loaded, parts)
    assert_same_tokens(loaded, parts)
    assert loaded.scheduler_config["prediction_type"] == "epsilon"
    assert loaded.vae_scale_factor == 4


def test_one_file_in_a_folder_is_found(from_file: SdxlOptions, file: Path) -> None:
    """A folder with nothing but a checkpoint means the checkpoint; with several, none."""
    assert load(replace(from_file, model=str(file.parent))).unet.config.in_channels == 4


def test_several_files_are_not_guessed_among(file: Path, tmp_path: Path) -> None:
    """The operator names the one."""
    shutil.copy(file, tmp_path / "one.safetensors")
    shutil.copy(file, tmp_path / "two.safetensors")

    assert refusal(from_folder(tmp_path)) == "model-several-files"


def test_a_file_says_how_its_noise_was(parts: Parts, saved: Path, tmp_path: Path) -> None:
    """Checkpoints trained to predict velocity, down to no signal at all, carry two marks."""
    mark = torch.zeros(0)
    save_original(parts, tmp_path / "v.safetensors", v_pred=mark, ztsnr=mark)

    config = load(
        SdxlOptions(str(tmp_path / "v.safetensors"), config=str(saved), device="cpu")
    ).scheduler_config
    assert config["prediction_type"] == "v_prediction"
    assert config["rescale_betas_zero_snr"] is True


def test_sdxls_own_tokenizers_are_carried_along() -> None:
    """The vocabulary is CLIP's: known words have the known numbers, each tokenizer its own padding."""
    first, second = clip_tokenizers()

    assert len(first) == len(second) == 49408
    assert first("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert (first.pad_token_id, second.pad_token_id) == (49407, 0)
    assert first.decode(first("Ünïcode 龙, 12!").input_ids, skip_special_tokens=True) == "ünïcode 龙 , 1 2 !"


def test_sdxls_own_configuration_is_carried_along() -> None:
    """The networks that it describes have as many weights as SDXL's."""
    with torch.device("meta"):
        found = [
            UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(CONFIG, subfolder="unet")),
            AutoencoderKL.from_config(AutoencoderKL.load_config(CONFIG, subfolder="vae")),
            CLIPTextModel(CLIPTextConfig.from_pretrained(CONFIG / "text_encoder")),
            CLIPTextModelWithProjection(CLIPTextConfig.from_pretrained(CONFIG / "text_encoder_2")),
        ]
    counts = [sum(weight.numel() for weight in network.parameters()) for network in found]
    assert counts == [2_567_463_684, 83_653_863, 123_060_480, 694_659_840]


def test_a_file_of_another_shape_needs_its_configuration(file: Path) -> None:
    """SDXL's own configuration does not fit a tiny checkpoint, and that is said."""
    assert refusal(SdxlOptions(str(file), device="cpu")) == "model-unreadable"


@contextmanager
def no_network():
    """Nobody connects anywhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was asked"))
        yield
