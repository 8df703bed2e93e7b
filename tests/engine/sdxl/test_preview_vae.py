"""Loading the tiny autoencoder of previews: from folders and a hub, and what is not one."""

import json
from http import HTTPStatus

import pytest
import torch
from huggingface_hub import constants
from structlog.testing import capture_logs

from engine.renderer.sdxl.options import SdxlOptions
from engine.renderer.sdxl.preview_vae import load_preview_vae
from tests.engine.rig.hub import hub_of
from tests.engine.sdxl.small_vae import save_tiny_autoencoder

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "taesdxl"
    save_tiny_autoencoder(folder)
    return folder


def loaded(parts, name, **named):
    return load_preview_vae(SdxlOptions(device="cpu", previews=str(name), **named), parts)


def assert_refused(parts, name, **named):
    """Nothing is loaded, nothing is raised, and the log says which and why."""
    with capture_logs() as logs:
        assert loaded(parts, name, **named) is None
    (line,) = (log for log in logs if log["event"] == "previews-not-loaded")
    assert (line["log_level"], line["model"]) == ("warning", str(name))
    assert isinstance(line["exc_info"], Exception)


def assert_same_weights(found, wanted):
    weights = found.state_dict()
    assert weights.keys() == wanted.state_dict().keys()
    assert all(torch.equal(weights[name], weight) for name, weight in wanted.state_dict().items())


def test_without_a_name_none_is_loaded(parts):
    """And nothing is said."""
    with capture_logs() as logs:
        assert load_preview_vae(SdxlOptions(device="cpu"), parts) is None
    assert logs == []


def test_one_in_a_folder_is_loaded_as_it_was_saved(parts, tmp_path):
    """Ready to be used: it is not in training, and its weights are where the checkpoint's are."""
    saved = save_tiny_autoencoder(tmp_path)
    found = loaded(parts, tmp_path)
    assert_same_weights(found, saved)
    assert not found.training
    assert (found.device, found.dtype) == (parts.device, parts.dtype)


def test_one_comes_from_the_mirror_and_then_from_the_cache(parts, tmp_path, monkeypatch):
    """Only what is read is fetched, no pickle; then the offline switch is not in the way."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    saved = save_tiny_autoencoder(tmp_path / "taesdxl")
    (tmp_path / "taesdxl" / "taesdxl_decoder.pth").write_bytes(b"never read")
    with hub_of(tmp_path / "taesdxl") as hub:
        assert_same_weights(loaded(parts, "omost/tiny", mirror=hub.url), saved)
        fetched = {path.rpartition("/")[2] for path in hub.asked if "/resolve/" in path}
        assert fetched == {"config.json", WEIGHTS}
        hub.asked.clear()
        assert_same_weights(loaded(parts, "omost/tiny", mirror=hub.url, offline=True), saved)
        assert hub.asked == []


def test_one_that_cannot_be_had_is_no_error(parts, tmp_path, monkeypatch):
    """Offline and not here, a hub that is down, a name that is none."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    assert_refused(parts, "omost/tiny", offline=True)
    with hub_of(tmp_path) as hub:
        assert_refused(parts, "no/such/model", mirror=hub.url)
        hub.fault = HTTPStatus.BAD_GATEWAY, ""
        assert_refused(parts, "omost/tiny", mirror=hub.url)


@pytest.mark.parametrize(
    "broken", ["no weights", "cut off", "only a pickle", "no configuration", "another kind", "not a number"]
)
def test_a_broken_one_is_no_error(parts, folder, broken):
    """A preview is a courtesy."""
    weights, config = folder / WEIGHTS, folder / "config.json"
    match broken:
        case "no weights":
            weights.unlink()
        case "cut off":
            weights.write_bytes(weights.read_bytes()[:1000])
        case "only a pickle":
            weights.rename(weights.with_suffix(".bin"))
        case "no configuration":
            config.unlink()
        case "another kind":
            parts.vae.save_pretrained(folder)
        case "not a number":
            broken = save_tiny_autoencoder(folder)
            torch.nn.init.constant_(broken.decoder.layers[-1].bias, torch.nan)
            broken.save_pretrained(folder)
    assert_refused(parts, folder)


def test_one_for_other_latents_is_no_error(parts, tmp_path):
    """As that of SD 3 with its sixteen channels."""
    save_tiny_autoencoder(tmp_path, latent_channels=16)
    assert json.loads((tmp_path / "config.json").read_text())["latent_channels"] == 16
    assert_refused(parts, tmp_path)
