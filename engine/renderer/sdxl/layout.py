"""Which files make a checkpoint: diffusers' folder layout, by their names."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.errors import Unavailable

BACKEND: Final = "sdxl"

_STEMS: Final = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "text_encoder_2": "model",
}
_FP16: Final = "fp16"
_SMALL: Final = re.compile(
    r"(?:unet|vae|text_encoder|text_encoder_2|scheduler|tokenizer|tokenizer_2)/[^/]+\.(?:json|txt)"
    r"|model_index\.json"
)
_PICKLE: Final = re.compile(r".*\.(?:bin|ckpt|pt|pth)", re.IGNORECASE)


def names_in(folder: Path) -> list[str]:
    """The files of a folder and of those in it, as paths with slashes; no deeper, whatever folder it is."""
    found = [*folder.glob("*"), *folder.glob("*/*")]
    return sorted(path.relative_to(folder).as_posix() for path in found if path.is_file())


def is_folder_layout(names: Sequence[str]) -> bool:
    """Whether these files are a checkpoint in diffusers' layout."""
    return "unet/config.json" in names


def chosen(names: Sequence[str], *, half: bool) -> list[str]:
    """The files to fetch: one variant of each part's weights, safetensors only, or the one checkpoint.

    Args:
        names: All files, as paths with slashes.
        half: Whether the weights are used in half precision; variants stored so are preferred then.

    Raises:
        Unavailable: No SDXL checkpoint is among them.
    """
    if not is_folder_layout(names):
        return [single_file(names)]
    small = [name for name in names if _SMALL.fullmatch(name) and ".index." not in name]
    return small + [
        name
        for part in _STEMS
        for name in names
        if _weights(part, variant(names, part, half=half)).fullmatch(name)
    ]


def variant(names: Sequence[str], part: str, *, half: bool) -> str | None:
    """Which variant of a part's weights to read: the preferred one, or the one that is there.

    Raises:
        Unavailable: The part has no safetensors.
    """
    known = (_FP16, None) if half else (None, _FP16)
    for each in known:
        if any(_weights(part, each).fullmatch(name) for name in names):
            return each
    raise Unavailable(BACKEND, _why_none(names, part))


def single_file(names: Sequence[str]) -> str:
    """The one checkpoint among files that are no folder in diffusers' layout.

    Raises:
        Unavailable: There is none, or there are several.
    """
    found = [name for name in names if name.endswith(".safetensors") and "/" not in name]
    if len(found) == 1 and "config.json" not in names:
        return found[0]
    if len(found) > 1 and "config.json" not in names:
        raise Unavailable(BACKEND, "model-several-files")
    pickled = not found and any(_PICKLE.fullmatch(name) and "/" not in name for name in names)
    raise Unavailable(BACKEND, "model-without-safetensors" if pickled else "model-not-sdxl")


def is_pickle(name: str) -> bool:
    """Whether a file's name says that it can run code when it is read."""
    return _PICKLE.fullmatch(name) is not None


def _weights(part: str, variant: str | None) -> re.Pattern[str]:
    """Weights in one file, or in several with an index."""
    dotted = f".{variant}" if variant else ""
    stem, mark = _STEMS[part], re.escape(dotted)
    return re.compile(
        rf"{part}/{stem}(?:{mark}(?:-\d+-of-\d+)?\.safetensors|\.safetensors\.index{mark}\.json)"
    )


def _why_none(names: Sequence[str], part: str) -> str:
    if f"{part}/config.json" not in names:
        return "model-not-sdxl"
    here = [name for name in names if name.startswith(f"{part}/")]
    return "model-without-safetensors" if any(map(is_pickle, here)) else "model-incomplete"
