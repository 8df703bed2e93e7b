"""Loading checkpoints from folders, single files and a hub."""

import json
import shutil
import socket
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from structlog.testing import capture_logs
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from engine.errors import Unavailable
from engine.renderer.sdxl.folder import CONFIG
from engine.renderer.sdxl.loading import Parts, load
from engine.renderer.sdxl.options import SdxlOptions
from engine.renderer.sdxl.single_file import clip_tokenizers
from tests.engine.rig.hub import COMMIT, hub_of
from tests.engine.sdxl.original import save_original

NETWORKS = ("unet", "vae", "text_encoder", "text_encoder_2")


@pytest.fixture(scope="session")
def saved(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in diffusers' layout."""
    folder = tmp_path_factory.mktemp("models") / "sdxl-tiny"
    save_folder(parts, folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(saved, tmp_path / "model"))


@pytest.fixture(scope="session")
def file(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file in the authors' layout."""
    path = tmp_path_factory.mktemp("files") / "tiny.safetensors"
    save_original(parts, path)
    return path


@pytest.fixture
def from_file(file: Path, saved: Path) -> SdxlOptions:
    return SdxlOptions(str(file), config=str(saved), device="cpu", offline=True)


@pytest.fixture
def hub(folder: Path):
    with hub_of(folder) as hub:
        yield hub


@pytest.fixture
def from_hub(hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SdxlOptions:
    """Options that fetch from the hub on loopback into an empty cache."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return SdxlOptions("omost/tiny", mirror=hub.url, device="cpu")


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


def rename(folder: Path, old: str, new: str) -> None:
    for part in NETWORKS:
        for path in (folder / part).glob(f"*{old}"):
            path.rename(path.with_name(path.name.removesuffix(old) + new))


def rewrite(path: Path, **changed: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


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


def test_a_model_comes_from_the_mirror_and_then_from_the_cache(from_hub: SdxlOptions, hub) -> None:
    """It is fetched once; then neither an offline switch nor a hub that is down is in the way.

    Files that are not needed, as every model on a hub has them, are not missed.
    """
    (hub.folder / "README.md").write_text("# A model")
    load(from_hub)
    assert f"/omost/tiny/resolve/{COMMIT}/unet/diffusion_pytorch_model.safetensors" in hub.asked

    hub.asked.clear()
    load(replace(from_hub, offline=True))
    assert hub.asked == []

    hub.fault = HTTPStatus.BAD_GATEWAY, ""
    load(from_hub)
    assert not [path for path in hub.asked if "/resolve/" in path]


def test_a_model_that_was_fetched_in_part_is_not_taken_for_whole(from_hub: SdxlOptions, hub) -> None:
    """Offline it is not there; without the hub it cannot be had."""
    load(from_hub)
    weights = next(Path(constants.HF_HUB_CACHE).glob("*/snapshots/*/unet/*.safetensors"))
    weights.unlink()
    assert refusal(replace(from_hub, offline=True)) == "model-offline"
    hub.fault = HTTPStatus.BAD_GATEWAY, ""
    assert refusal(from_hub) == "hub-unreachable"


def test_only_what_is_read_is_fetched(from_hub: SdxlOptions, hub, folder: Path) -> None:
    """Neither pickles and code, nor the other variant, nor the same checkpoint as one file."""
    for part in NETWORKS:
        for path in (folder / part).glob("*.safetensors"):
            shutil.copy(path, path.with_suffix(".fp16.safetensors"))
            path.with_suffix(".bin").write_bytes(b"\x80\x04.")
    shutil.copy(folder / "unet" / "diffusion_pytorch_model.safetensors", folder / "all.safetensors")
    (folder / "unet" / "model.py").write_text("raise SystemExit")

    load(from_hub)

    fetched = {path.rpartition(f"{COMMIT}/")[2] for path in hub.asked if "/resolve/" in path}
    weights = {f"{part}/diffusion_pytorch_model.safetensors" for part in ("unet", "vae")}
    weights |= {f"{part}/model.safetensors" for part in ("text_encoder", "text_encoder_2")}
    assert {name for name in fetched if not name.endswith((".json", ".txt"))} == weights


def test_one_file_comes_from_the_hub(
    from_hub: SdxlOptions, hub, from_file: SdxlOptions, tmp_path: Path
) -> None:
    """A repository that has only a checkpoint in one file will do."""
    only = tmp_path / "only"
    only.mkdir()
    shutil.copy(from_file.model, only)
    hub.folder = only

    load(replace(from_hub, config=from_file.config))
    assert f"/omost/tiny/resolve/{COMMIT}/tiny.safetensors" in hub.asked


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ((HTTPStatus.NOT_FOUND, "RepoNotFound"), "model-unknown"),
        ((HTTPStatus.UNAUTHORIZED, "GatedRepo"), "model-gated"),
        ((HTTPStatus.FORBIDDEN, ""), "model-gated"),
        ((HTTPStatus.INTERNAL_SERVER_ERROR, ""), "hub-unreachable"),
    ],
)
def test_what_the_hub_refuses_is_told_apart(fault, reason: str, from_hub: SdxlOptions, hub) -> None:
    """The operator hears what to do about it."""
    hub.fault = fault

    assert refusal(from_hub) == reason


def test_a_revision_is_pinned(from_hub: SdxlOptions, hub) -> None:
    """The revision of the options is asked for, and no other."""
    load(replace(from_hub, revision="v1"))
    assert hub.asked[0] == "/api/models/omost/tiny/revision/v1"

    assert refusal(replace(from_hub, revision="v2")) == "revision-unknown"


def test_a_hub_that_is_not_there_is_said_to_be(from_hub: SdxlOptions) -> None:
    """A refused connection is no traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        nobody = replace(from_hub, mirror=f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert refusal(nobody) == "hub-unreachable"


def test_offline_the_network_is_not_touched(from_hub: SdxlOptions, hub) -> None:
    """A model that is not here is missing, and nobody is asked for it."""
    assert refusal(replace(from_hub, offline=True)) == "model-offline"
    assert hub.asked == []


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


@pytest.mark.parametrize("name", ["", "a/b/c", "/nowhere/at/all"])
def test_what_can_be_no_model_is_unknown(name: str, from_hub: SdxlOptions, hub) -> None:
    """Nobody is asked for it."""
    assert refusal(replace(from_hub, model=name)) == "model-unknown"
    assert hub.asked == []


def test_a_file_that_is_not_there_is_not_asked_of_the_hub() -> None:
    """A path with a slip in it is a path nevertheless."""
    assert refusal(SdxlOptions("nowhere/model.safetensors", device="cpu")) == "model-unknown"


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "mps", ""])
def test_a_device_that_is_not_here_is_refused(name: str, saved: Path) -> None:
    """Nothing falls back in silence."""
    assert refusal(from_folder(saved, device=name)) == "no-such-device"


@contextmanager
def no_network():
    """Nobody connects anywhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was asked"))
        yield
