"""A language model's files: a folder of this machine, or the hub's."""

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from engine.composer.local.options import TransformersOptions
from engine.errors import Unavailable
from engine.hub import HubModel, fetch

_FILES: Final = ("*.json", "*.safetensors", "*.jinja", "*.txt", "tokenizer.model")


def model_folder(options: TransformersOptions) -> Path:
    """The folder with the model's files, fetched where they are not there yet.

    Weights are fetched as safetensors only, never as pickles, and no code is.

    Raises:
        Unavailable: There is no such model, or it cannot be had; the reason says why.
    """
    folder = Path(options.model).expanduser()
    if not options.model or not folder.is_dir():
        model = HubModel(options.model, options.revision, options.mirror, options.offline)
        folder = fetch(model, wanted, "transformers")
    if not any(folder.glob("*.safetensors")):
        raise Unavailable("transformers", _why_no_weights(folder))
    return folder


def wanted(names: Sequence[str]) -> list[str]:
    """Those of a model's files that are used."""
    return [name for name in names if any(fnmatch(name, pattern) for pattern in _FILES)]


def _why_no_weights(folder: Path) -> str:
    return "model-without-safetensors" if (folder / "config.json").is_file() else "model-unreadable"
