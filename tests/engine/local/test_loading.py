"""Loading models from folders and from a hub."""

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from structlog.testing import capture_logs
from transformers import LlamaForCausalLM

from engine.composer.local.loading import LoadedModel, checkpoint
from engine.composer.local.loading import load as load_weights
from engine.composer.local.options import TransformersOptions, is_unfiltered
from engine.devices import is_out_of_memory
from engine.errors import Unavailable
from tests.engine.rig.hub import COMMIT, Hub, hub_of


@pytest.fixture
def hub(omost_folder: Path) -> Iterator[Hub]:
    with hub_of(omost_folder) as hub:
        yield hub


@pytest.fixture
def from_hub(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TransformersOptions:
    """Options that fetch from the hub on loopback into an empty cache."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return TransformersOptions("omost/tiny", mirror=hub.url, device="cpu")


@pytest.fixture
def folder(omost_folder: Path, tmp_path: Path) -> Path:
    """A copy of the model to break."""
    return Path(shutil.copytree(omost_folder, tmp_path / "model"))


def from_folder(folder: Path, **changed: object) -> TransformersOptions:
    return replace(TransformersOptions(str(folder), device="cpu"), **changed)


def load(options: TransformersOptions) -> LoadedModel:
    return load_weights(checkpoint(options), options)


def refusal(options: TransformersOptions) -> str:
    with pytest.raises(Unavailable) as caught:
        load(options)
    assert caught.value.backend == "transformers"
    return caught.value.reason


def test_a_folder_is_loaded_as_it_was_saved(omost_folder: Path) -> None:
    """Weights, tokenizer and stop tokens are the saved ones, the dtype is a CPU's, the log says how large."""
    with capture_logs() as logs:
        loaded = load(from_folder(omost_folder, offline=True))

    saved = load_file(omost_folder / "model.safetensors")
    assert torch.equal(loaded.model.state_dict()["model.norm.weight"], saved["model.norm.weight"])
    assert isinstance(loaded.model, LlamaForCausalLM)
    assert loaded.model.dtype is torch.float32
    assert not loaded.model.training
    assert loaded.stop_ids == {loaded.tokenizer.eos_token_id}
    [line] = [log for log in logs if log["event"] == "model-loaded"]
    assert line["loaded_bytes"] >= sum(weights.nbytes for weights in saved.values())


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_the_dtype_is_the_operators(dtype: str, omost_folder: Path) -> None:
    """What is asked for is loaded."""
    assert load(from_folder(omost_folder, dtype=dtype)).model.dtype is getattr(torch, dtype)


def test_the_context_is_no_longer_than_the_model_knows(omost_folder: Path) -> None:
    """Position embeddings end somewhere, whatever the configuration hopes for."""
    assert load(from_folder(omost_folder, context_tokens=100_000)).context_tokens == 4096
    assert load(from_folder(omost_folder, context_tokens=512)).context_tokens == 512


def test_a_model_comes_from_the_mirror_and_then_from_the_cache(
    from_hub: TransformersOptions, hub: Hub
) -> None:
    """It is fetched once; then neither an offline switch nor a hub that is down is in the way.

    Files that are not needed, as every model on a hub has them, are not missed.
    """
    (hub.folder / "README.md").write_text("# A model")
    fetched = load(from_hub)
    assert isinstance(fetched.model, LlamaForCausalLM)
    assert f"/omost/tiny/resolve/{COMMIT}/model.safetensors" in hub.asked

    hub.asked.clear()
    load(replace(from_hub, offline=True))
    assert hub.asked == []

    hub.fault = HTTPStatus.BAD_GATEWAY, ""
    load(from_hub)
    assert not [path for path in hub.asked if "/resolve/" in path]


def test_a_model_that_was_fetched_in_part_is_not_taken_for_whole(
    from_hub: TransformersOptions, hub: Hub
) -> None:
    """Offline it is not there; without the hub it cannot be had."""
    load(from_hub)
    weights = next(Path(constants.HF_HUB_CACHE).glob("*/snapshots/*/model.safetensors"))
    weights.unlink()
    assert refusal(replace(from_hub, offline=True)) == "model-offline"
    hub.fault = HTTPStatus.BAD_GATEWAY, ""
    assert refusal(from_hub) == "hub-unreachable"


def test_a_revision_is_pinned(from_hub: TransformersOptions, hub: Hub) -> None:
    """The revision of the options is asked for, and no other."""
    load(replace(from_hub, revision="v1"))
    assert hub.asked[0] == "/api/models/omost/tiny/revision/v1"

    assert refusal(replace(from_hub, revision="v2")) == "revision-unknown"


def test_pickles_are_not_fetched(from_hub: TransformersOptions, hub: Hub, folder: Path) -> None:
    """Of a model with both, only the safetensors come; of one with pickles alone, no weights."""
    (folder / "pytest.py").write_text("raise SystemExit")
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    hub.folder = folder
    load(from_hub)
    assert not [path for path in hub.asked if path.endswith((".bin", ".py"))]

    (folder / "model.safetensors").unlink()
    assert refusal(from_folder(folder)) == "model-without-safetensors"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ((HTTPStatus.NOT_FOUND, "RepoNotFound"), "model-unknown"),
        ((HTTPStatus.UNAUTHORIZED, "GatedRepo"), "model-gated"),
        ((HTTPStatus.FORBIDDEN, "GatedRepo"), "model-gated"),
        ((HTTPStatus.UNAUTHORIZED, ""), "model-gated"),
        ((HTTPStatus.FORBIDDEN, ""), "model-gated"),
        ((HTTPStatus.INTERNAL_SERVER_ERROR, ""), "hub-unreachable"),
        ((HTTPStatus.TOO_MANY_REQUESTS, ""), "hub-unreachable"),
    ],
)
def test_what_the_hub_refuses_is_told_apart(
    fault: tuple[HTTPStatus, str], reason: str, from_hub: TransformersOptions, hub: Hub
) -> None:
    """The operator hears what to do about it."""
    hub.fault = fault

    assert refusal(from_hub) == reason


def test_a_hub_that_is_not_there_is_said_to_be(from_hub: TransformersOptions) -> None:
    """A refused connection is no traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        nobody = replace(from_hub, mirror=f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert refusal(nobody) == "hub-unreachable"


def test_offline_the_network_is_not_touched(from_hub: TransformersOptions, hub: Hub) -> None:
    """A model that is not here is missing, and nobody is asked for it."""
    assert refusal(replace(from_hub, offline=True)) == "model-offline"
    assert hub.asked == []


@pytest.mark.parametrize("name", ["/nowhere/at/all", "a/b/c", "", "no such name!"])
def test_names_that_no_hub_has_are_unknown(name: str) -> None:
    """Neither a folder nor an id."""
    assert refusal(TransformersOptions(name, device="cpu")) == "model-unknown"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"config.json": None}, "model-unreadable"),
        ({"config.json": b"{"}, "model-unreadable"),
        ({"config.json": b"[]"}, "model-unreadable"),
        ({"config.json": b'{"model_type": "no-such-thing"}'}, "model-unreadable"),
        ({"config.json": b'{"model_type": []}'}, "model-unreadable"),
        ({"config.json": b'{"model_type": "llama", "quantization_config": "4bit"}'}, "model-unreadable"),
        ({"config.json": b'{"model_type": "llama", "max_position_embeddings": null}'}, "model-unreadable"),
        (
            {"config.json": b'{"model_type": "mine", "auto_map": {"AutoConfig": "evil.Config"}}'},
            "model-needs-code",
        ),
        ({"model.safetensors": b"\x00" * 64}, "model-unreadable"),
        ({"tokenizer.json": b"{}"}, "model-unreadable"),
        ({"tokenizer.json": None, "tokenizer_config.json": None}, "model-unreadable"),
    ],
)
def test_broken_models_are_unreadable(broken: dict[str, bytes | None], reason: str, folder: Path) -> None:
    """Whatever is wrong with the files, the operator hears it in a word and the log has the rest."""
    for name, content in broken.items():
        if content is None:
            (folder / name).unlink()
        else:
            (folder / name).write_bytes(content)

    assert refusal(from_folder(folder)) == reason


def test_weights_that_are_missing_are_not_made_up(folder: Path) -> None:
    """A random layer in the middle of a model would be found out by its pictures only."""
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})

    assert refusal(from_folder(folder)) == "model-unreadable"


def test_weights_of_another_shape_are_not_made_up(folder: Path) -> None:
    """Nor would these."""
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"] = torch.zeros(3, 5)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})

    assert refusal(from_folder(folder)) == "model-unreadable"


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_quantised_checkpoints_load_as_what_they_are(bits: str, omost_folder: Path, tmp_path: Path) -> None:
    """A model quantised while loading, saved and loaded without a word about it, computes the same."""
    bitsandbytes = pytest.importorskip("bitsandbytes")
    quantised = load(from_folder(omost_folder, quantisation=bits))
    quantised.model.save_pretrained(tmp_path / bits)
    quantised.tokenizer.save_pretrained(tmp_path / bits)
    again = load(from_folder(tmp_path / bits))

    kind = bitsandbytes.nn.Linear4bit if bits == "4bit" else bitsandbytes.nn.Linear8bitLt
    ids = torch.tensor([[5, 6, 7]])
    for loaded in (quantised, again):
        assert isinstance(loaded.model.model.layers[0].mlp.up_proj, kind)
    assert torch.equal(quantised.model(ids).logits, again.model(ids).logits)


def test_code_of_a_model_is_never_run(folder: Path, tmp_path: Path) -> None:
    """Neither for the configuration nor for the tokenizer."""
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n")
    for name in ("config.json", "tokenizer_config.json"):
        read = json.loads((folder / name).read_text())
        kind = "AutoConfig" if name == "config.json" else "AutoTokenizer"
        read["auto_map"] = {kind: "evil.Evil", "AutoModelForCausalLM": "evil.Evil"}
        (folder / name).write_text(json.dumps(read))

    with suppress(Unavailable):  # whether it loads without its code is another matter
        load(from_folder(folder))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("device", ["cuda:99", "cuda:x", "tpu", "", "cpu:1"])
def test_devices_that_are_not_there_are_said_to_be(device: str, omost_folder: Path) -> None:
    """Before anything is fetched."""
    assert refusal(from_folder(omost_folder, device=device)) == "no-such-device"


def test_bitsandbytes_is_asked_for_only_where_it_is_needed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quantising, and checkpoints that are quantised already, need it; the rest loads without."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert refusal(from_folder(folder, quantisation="4bit")) == "needs-bitsandbytes"
    assert refusal(from_folder(folder, quantisation="8bit")) == "needs-bitsandbytes"

    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (folder / "config.json").write_text(json.dumps(config))
    assert refusal(from_folder(folder)) == "needs-bitsandbytes"


def test_a_quantisation_of_null_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some programs write it into each configuration: such a model loads, and is quantised where wanted."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": None}))
    assert load(from_folder(folder)).context_tokens
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert refusal(from_folder(folder, quantisation="4bit")) == "needs-bitsandbytes"


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."), True),
        (MemoryError(), True),
        (RuntimeError("shape '[2, 3]' is invalid for input of size 5"), False),
    ],
)
def test_full_memory_is_told_from_other_failures(error: Exception, is_memory: bool) -> None:  # noqa: FBT001
    """Allocators say it in different words."""
    assert is_out_of_memory(error) is is_memory


@pytest.mark.parametrize(
    ("model", "unfiltered", "shown"),
    [
        ("lllyasviel/omost-llama-3-8b-4bits", False, False),
        ("lllyasviel/omost-dolphin-2.9-llama3-8b", True, False),
        ("/models/Omost-Dolphin", True, False),
        ("Qwen/Qwen3-8B", False, True),
        ("someone/llama-uncensored", True, True),
    ],
)
def test_models_are_known_by_their_names(model: str, *, unfiltered: bool, shown: bool) -> None:
    """Which one needs safety of one's own, and which one an example."""
    assert is_unfiltered(model) is unfiltered
    assert TransformersOptions(model).shows_example is shown
