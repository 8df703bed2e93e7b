"""How much memory a language model will take on its device, told before it is loaded. No torch."""

import json
from pathlib import Path
from typing import Any, Final, cast

from engine.composer.local.options import TransformersOptions

_CACHE_BYTES_PER_TOKEN: Final = 131_072
"""Keys and values of a Llama 3 with eight thousand million weights, in 16-bit numbers."""
_QUANTISED: Final = {"none": 1.0, "8bit": 0.565, "4bit": 0.375}
"""What is left of 16-bit weights; embeddings and norms are not quantised."""
_NUMBER_BYTES: Final = 2
_OMOST_BYTES: Final = {
    "omost-llama-3-8b": 16_100_000_000,
    "omost-llama-3-8b-4bits": 6_000_000_000,
    "omost-phi-3-mini-128k": 7_600_000_000,
    "omost-dolphin-2.9-llama3-8b": 16_100_000_000,
}


def footprint_bytes(options: TransformersOptions, weights_bytes: int, folder: Path | None) -> int:
    """The weights with the keys and values of all conversations that are kept.

    Args:
        options: How it is loaded.
        weights_bytes: Of the model's files.
        folder: The model's files, where they are here; else a model of eight thousand million weights is
            taken for granted.
    """
    kept_tokens = options.context_tokens * options.conversations
    return int(weights_bytes * _QUANTISED[options.quantisation]) + kept_tokens * _cache_bytes(folder)


def _cache_bytes(folder: Path | None) -> int:
    """Of one token."""
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_bytes()) if folder else {}
        heads = config["num_attention_heads"]
        head = config.get("head_dim") or config["hidden_size"] // heads
        layers, shared = config["num_hidden_layers"], config.get("num_key_value_heads") or heads
        return cast("int", 2 * layers * shared * head * _NUMBER_BYTES)
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return _CACHE_BYTES_PER_TOKEN


def known_weights_bytes(model: str) -> int:
    """The size of the files of a model of Omost's; 0 for any other."""
    return _OMOST_BYTES.get(model.rpartition("/")[2], 0)
