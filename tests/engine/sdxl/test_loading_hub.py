"""Loading checkpoints from a hub: fetched once, in parts, and refused."""

import shutil
import socket
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest
from huggingface_hub import constants

from engine.renderer.sdxl.loading import load
from engine.renderer.sdxl.options import SdxlOptions
from tests.engine.rig.hub import COMMIT
from tests.engine.sdxl.checkpoints import NETWORKS, refusal


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


@pytest.mark.parametrize("name", ["", "a/b/c", "/nowhere/at/all"])
def test_what_can_be_no_model_is_unknown(name: str, from_hub: SdxlOptions, hub) -> None:
    """Nobody is asked for it."""
    assert refusal(replace(from_hub, model=name)) == "model-unknown"
    assert hub.asked == []
