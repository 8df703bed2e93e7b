"""Loading a language model and its tokenizer onto a device.

Weights are safetensors, code of the model's own is never run. Knows nothing of how it will be used.
"""

import importlib.util
import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import structlog
import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.utils import logging as transformers_logging

from engine.composer.local.hub import model_folder
from engine.composer.local.options import TransformersOptions
from engine.devices import device_named, has_bfloat16, is_out_of_memory
from engine.errors import Unavailable

_UNREADABLE: Final = (
    AttributeError,  # of a value of another type than `transformers` looks for
    ImportError,
    KeyError,
    OSError,
    TypeError,
    ValueError,
    SafetensorError,
    StrictDataclassError,
)
"""What reading a model's files may raise when they are broken."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model's files on this machine, and what can be known of it before its weights are loaded."""

    folder: Path
    config: dict[str, Any]
    device: torch.device
    tokenizer: PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in the memory of its device.

    Attributes:
        stop_ids: What ends an answer, by the model's own configuration.
        context_tokens: The longest conversation that it knows.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    stop_ids: frozenset[int]
    context_tokens: int


def checkpoint(options: TransformersOptions) -> Checkpoint:
    """Fetches the model if need be, and reads everything but its weights.

    Raises:
        Unavailable: It cannot be had or used here; the reason says why.
    """
    device = device_named(options.device, "transformers")
    folder = model_folder(options)
    config = _read_json(folder / "config.json")
    with _refused(options):
        _check_config(config, options)
        tokenizer = cast("Any", AutoTokenizer).from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    return Checkpoint(folder, config, device, cast("PreTrainedTokenizerBase", tokenizer))


def load(found: Checkpoint, options: TransformersOptions) -> LoadedModel:
    """Loads the weights.

    Raises:
        Unavailable: They cannot be loaded here; the reason says why.
    """
    began_s = time.monotonic()
    _log.info("loading-model", model=options.model, device=str(found.device))
    with _refused(options):
        model = _with_weights(found, options)
    _log.info(
        "model-loaded",
        model=options.model,
        took_s=round(time.monotonic() - began_s, 1),
        loaded_bytes=model.get_memory_footprint(),
    )
    return LoadedModel(model, found.tokenizer, _stop_ids(model), _context_tokens(model, options))


@contextmanager
def _refused(options: TransformersOptions) -> Generator[None]:
    """Says in a word what went wrong; the log has the rest."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        reason = "not-enough-memory" if is_out_of_memory(error) else "model-unreadable"
        raise _unavailable(reason, options, error) from error
    except _UNREADABLE as error:
        raise _unavailable("model-unreadable", options, error) from error


def _with_weights(found: Checkpoint, options: TransformersOptions) -> PreTrainedModel:
    transformers_logging.disable_progress_bar()  # a log is no terminal
    dtype = _dtype(options, found.device)
    quantised = {} if found.config.get("quantization_config") else _quantisation(options, dtype)
    model, info = cast("Any", AutoModelForCausalLM).from_pretrained(
        found.folder,
        dtype=dtype,
        device_map={"": found.device},
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        output_loading_info=True,
        **quantised,
    )
    if made_up := [*info["missing_keys"], *info["mismatched_keys"]]:  # filled at random
        raise ValueError(f"weights that are missing or of another shape: {made_up[:3]}")
    return cast("PreTrainedModel", model.eval())


def _dtype(options: TransformersOptions, device: torch.device) -> torch.dtype:
    if options.dtype != "auto":
        return cast("torch.dtype", getattr(torch, options.dtype))
    if device.type == "cpu":
        return torch.float32
    return torch.bfloat16 if has_bfloat16(device) else torch.float16


def _quantisation(options: TransformersOptions, dtype: torch.dtype) -> dict[str, BitsAndBytesConfig]:
    """The argument that quantises while loading; given as None it would undo a checkpoint's own."""
    match options.quantisation:
        case "4bit":
            bits = BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
            )
        case "8bit":
            bits = BitsAndBytesConfig(load_in_8bit=True)
        case _:
            return {}
    return {"quantization_config": bits}


def _check_config(config: dict[str, Any], options: TransformersOptions) -> None:
    if config.get("model_type") not in CONFIG_MAPPING:
        raise Unavailable("transformers", "model-needs-code" if "auto_map" in config else "model-unreadable")
    match config:
        case {"quantization_config": {"quant_method": "bitsandbytes"}}:
            wants_it = True
        case _:
            wants_it = options.quantisation != "none"
    if wants_it and importlib.util.find_spec("bitsandbytes") is None:
        raise Unavailable("transformers", "needs-bitsandbytes")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        read: object = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Unavailable("transformers", "model-unreadable") from error
    if not isinstance(read, dict):
        raise Unavailable("transformers", "model-unreadable")
    return cast("dict[str, Any]", read)


def _stop_ids(model: PreTrainedModel) -> frozenset[int]:
    eos: int | list[int] | None = getattr(model.generation_config, "eos_token_id", None)
    return frozenset({eos} if isinstance(eos, int) else eos or ())


def _context_tokens(model: PreTrainedModel, options: TransformersOptions) -> int:
    known = cast("int", getattr(model.config, "max_position_embeddings", options.context_tokens))
    return min(options.context_tokens, known)


def _unavailable(reason: str, options: TransformersOptions, error: Exception) -> Unavailable:
    _log.error("model-not-loaded", model=options.model, reason=reason, exc_info=error)
    return Unavailable("transformers", reason)
