"""LoRA files: found by name in one folder, laid over a checkpoint, and taken off again.

A layer with a LoRA computes its own and the LoRA's share side by side, so that the checkpoint's weights stay
as they are and are exactly themselves again afterwards.
"""

import math
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import structlog
import torch
from diffusers.loaders.lora_pipeline import StableDiffusionXLLoraLoaderMixin
from diffusers.utils import state_dict_utils
from safetensors import SafetensorError
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]
from torch import nn

from engine.devices import is_out_of_memory
from engine.errors import BadSetting, LoraDoesNotFit
from engine.renderer.sdxl.loading import Parts

MAX_WEIGHT: Final = 2.0

_SUFFIX: Final = ".safetensors"
_NAME: Final = re.compile(r"[^\W_][\w .+()-]*")
_LAYER: Final = re.compile(r"\.lora_[AB]\.(?:weight|bias)$")
_MISFITS: Final = (
    AttributeError,
    IndexError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    SafetensorError,
)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Lora:
    """A LoRA and how strongly it acts; 1 is as it was trained."""

    name: str
    weight: float = 1.0


def parse_loras(text: str) -> tuple[Lora, ...]:
    """LoRAs from their text form, `name` or `name:weight`, with commas between.

    Raises:
        BadSetting: A weight is no number, or beyond `MAX_WEIGHT`; or a name comes twice.
    """
    loras = tuple(_parsed(part.strip()) for part in text.split(",") if part.strip())
    names = [lora.name for lora in loras]
    for name in names:
        if names.count(name) > 1:
            raise BadSetting("loras", name, "1x")
    return loras


def _parsed(text: str) -> Lora:
    name, colon, weight = text.rpartition(":")
    if not colon:
        return Lora(text)
    try:
        value = float(weight)
    except ValueError:
        value = math.nan
    if not abs(value) <= MAX_WEIGHT:
        raise BadSetting("loras", text, f"-{MAX_WEIGHT:g}-{MAX_WEIGHT:g}")
    return Lora(name.strip(), value)


class LoraFolder:
    """The folder with LoRA files. A name is a file's name without its ending, never a path."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def names(self) -> tuple[str, ...]:
        """All that are there now, sorted."""
        if self._folder is None or not self._folder.is_dir():
            return ()
        found = (path.stem for path in self._folder.glob(f"*{_SUFFIX}") if path.is_file())
        return tuple(sorted(name for name in found if _NAME.fullmatch(name)))

    def path(self, name: str) -> Path:
        """The file of a LoRA.

        Raises:
            BadSetting: There is none of that name; it says which there are.
        """
        known = self.names()
        if self._folder is None or name not in known:
            raise BadSetting("loras", name, ", ".join(known) or "-")
        return self._folder / f"{name}{_SUFFIX}"


class Loras:
    """Lays LoRAs over a checkpoint. Not for several threads at once."""

    def __init__(self, parts: Parts, folder: LoraFolder) -> None:
        self._parts = parts
        self._folder = folder
        self._worn: tuple[Lora, ...] = ()
        self._loader = _Loader(parts)

    @property
    def worn(self) -> tuple[Lora, ...]:
        """Those that act now. What was computed from texts with others does not hold any more."""
        return self._worn

    def wear(self, loras: Sequence[Lora]) -> None:
        """From now on exactly these act; none of them gives back the bare checkpoint.

        Raises:
            BadSetting: One is not there; what acts is as before.
            LoraDoesNotFit: One does not fit the checkpoint, which is bare then.
        """
        wanted = tuple(loras)
        if wanted == self._worn:
            return
        paths = [self._folder.path(lora.name) for lora in wanted]
        self._strip()
        try:
            for number, (lora, path) in enumerate(zip(wanted, paths, strict=True)):
                self._put_on(f"lora-{number}", lora, path)
            if wanted:
                names = [f"lora-{number}" for number in range(len(wanted))]
                cast("Any", self._loader).set_adapters(names, [lora.weight for lora in wanted])
        except BaseException:
            self._strip()
            raise
        self._worn = wanted

    def _put_on(self, adapter: str, lora: Lora, path: Path) -> None:
        try:
            weights, alphas = cast("Any", self._loader).lora_state_dict(
                load_file(path), unet_config=self._parts.unet.config
            )
            if not weights:
                raise ValueError("there is nothing in it")
            if strangers := self._strangers(weights):
                raise ValueError(f"layers that the checkpoint does not have: {strangers[:3]}")
            self._loader.load(adapter, weights, alphas)
        except _MISFITS as error:
            if is_out_of_memory(error):
                raise
            _log.warning("lora-does-not-fit", lora=lora.name, error=str(error)[:500])
            raise LoraDoesNotFit(lora.name) from error

    def _strip(self) -> None:
        self._worn = ()
        self._loader.unload_lora_weights()

    def _strangers(self, weights: dict[str, torch.Tensor]) -> list[str]:
        """Layers of a LoRA that are none of the checkpoint's; the loader would pass over them in silence."""
        known = {_flat(f"{part}.{layer}") for part, network in self._layered() for layer in _layers(network)}
        asked = {_LAYER.sub("", name) for name in _renamed(weights)}
        return sorted(layer for layer in asked if _flat(layer) not in known)

    def _layered(self) -> list[tuple[str, nn.Module]]:
        return [(name, net) for name, net in self._parts.networks().items() if name != "vae"]


class _Loader(StableDiffusionXLLoraLoaderMixin):
    """What diffusers needs of a pipeline to load LoRAs."""

    def __init__(self, parts: Parts) -> None:
        self.unet = parts.unet
        self.text_encoder = parts.text_encoder
        self.text_encoder_2 = parts.text_encoder_2

    def load(self, adapter: str, weights: dict[str, torch.Tensor], alphas: dict[str, float] | None) -> None:
        """Adds an adapter to the networks that it has layers for."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"peft\.")  # several at once are meant
            self._load(adapter, weights, alphas)

    def _load(self, adapter: str, weights: dict[str, torch.Tensor], alphas: dict[str, float] | None) -> None:
        if any(name.startswith("unet.") for name in weights):
            cast("Any", self.load_lora_into_unet)(weights, alphas, self.unet, adapter_name=adapter)
        for part, network in (("text_encoder", self.text_encoder), ("text_encoder_2", self.text_encoder_2)):
            if any(name.startswith(f"{part}.") for name in weights):
                cast("Any", self.load_lora_into_text_encoder)(
                    weights, alphas, network, prefix=part, adapter_name=adapter
                )


def _layers(network: nn.Module) -> list[str]:
    return [name for name, _ in cast("Iterator[tuple[str, nn.Module]]", network.named_modules())]


def _renamed(weights: dict[str, torch.Tensor]) -> list[str]:
    """The weights' names as peft has them, whoever wrote the file."""
    unet = {name: value for name, value in weights.items() if name.startswith("unet.")}
    text = {name: value for name, value in weights.items() if name not in unet}
    if not any(".lora_A." in name for name in unet):
        unet = cast("Any", state_dict_utils.convert_unet_state_dict_to_peft)(unet)
    if text:
        text = cast("Any", state_dict_utils.convert_state_dict_to_diffusers)(text)
        text = cast("Any", state_dict_utils.convert_state_dict_to_peft)(text)
    return [*unet, *text]


def _flat(layer: str) -> str:
    """A layer's name, whichever version of transformers named it."""
    return layer.replace(".text_model.", ".")
