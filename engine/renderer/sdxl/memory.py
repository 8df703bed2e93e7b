"""What of a checkpoint stays on the device and what comes only while it is used.

Weights that come and go have their masters in the host's memory, pinned where that makes copies fast. They
are copied to the device and dropped there, never copied back.
"""

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import structlog
import torch
from torch import nn

from engine.devices import free_bytes
from engine.errors import Unavailable
from engine.renderer.sdxl.layout import BACKEND
from engine.renderer.sdxl.loading import Parts, weight_bytes
from engine.renderer.sdxl.options import Layout, Memory

_log = structlog.get_logger()

STEP_BYTES: Final = 1_600_000_000
"""What a step needs beside the weights: keys and values of the text, activations."""

DECODED_PX: Final = 1024 * 1152
"""A picture that should be decoded in one piece, because tiles show, however faintly."""

_DECODE_BYTES_PER_PX: Final = 1700  # for each byte of a number: the decoder's last blocks are its largest
_TILE_PX: Final = 512 * 512
_LAYOUTS: Final[tuple[Layout, ...]] = ("resident", "encoders-move", "all-move")


@dataclass(frozen=True, slots=True)
class Plan:
    """What stays where.

    Attributes:
        layout: `resident` keeps everything on the device; `encoders-move` lets all but the UNet come and go;
            `all-move` lets everything come and go, one after the other.
        resident: The networks that stay.
        pinned: Whether the masters of the others are pinned.
        untiled_px: How many pixels the VAE may decode at once.
        free_bytes: What the choice was made from.
    """

    layout: Layout
    resident: frozenset[str]
    pinned: bool
    untiled_px: int
    free_bytes: int

    def tiles(self, width_px: int, height_px: int) -> bool:
        """Whether a picture is decoded tile by tile."""
        return width_px * height_px > self.untiled_px

    def slices(self, width_px: int, height_px: int, count: int) -> bool:
        """Whether the pictures of a batch are decoded one after the other."""
        return count * width_px * height_px > self.untiled_px

    def describe(self) -> dict[str, str | int | bool]:
        """The plan as plain values, for those who look after the machine."""
        return {
            "layout": self.layout,
            "resident": ",".join(sorted(self.resident)),
            "pinned": self.pinned,
            "untiled_px": self.untiled_px,
            "free_bytes": self.free_bytes,
        }


def plan_for(parts: Parts, wanted: Memory = "auto") -> Plan:
    """The plan for a checkpoint that is in the host's memory, from what is free on its device now.

    Raises:
        Unavailable: The device is too small for it.
    """
    sizes = {name: weight_bytes(network) for name, network in parts.networks().items()}
    free, itemsize = free_bytes(parts.device), parts.vae.dtype.itemsize
    plan = choose_plan(parts.device.type, free, sizes, wanted=wanted, vae_itemsize=itemsize)
    _log.info("memory-planned", device=str(parts.device), **plan.describe())
    return plan


def choose_plan(
    kind: str, free: int, sizes: Mapping[str, int], *, wanted: Memory = "auto", vae_itemsize: int = 2
) -> Plan:
    """The fastest plan of those that fit.

    Args:
        kind: The device's type, as torch names it.
        free: Bytes of its memory; on a CPU those beside the weights, which are there already.
        sizes: Bytes of each network's weights.
        wanted: What the operator decided, or `auto`.
        vae_itemsize: Bytes of one number of the VAE.

    Raises:
        Unavailable: The device is too small.
    """
    per_px = _DECODE_BYTES_PER_PX * vae_itemsize
    if kind == "cpu":
        pixels = max(free // per_px, _TILE_PX)
        return Plan("resident", frozenset(sizes), pinned=False, untiled_px=pixels, free_bytes=free)
    layout = _layout(free, sizes, per_px, wanted)
    resident = _resident(layout, sizes)
    while_decoding = sum(sizes[name] for name in resident | {"vae"})
    return Plan(
        layout=layout,
        resident=resident,
        pinned=kind == "cuda" and layout != "resident",
        untiled_px=max((free - while_decoding) // per_px, _TILE_PX),
        free_bytes=free,
    )


def _layout(free: int, sizes: Mapping[str, int], per_px: int, wanted: Memory) -> Layout:
    known = _LAYOUTS if wanted == "auto" else (wanted,)
    for layout in known:
        easily = wanted == "auto" and layout != _LAYOUTS[-1]
        if _needed(layout, sizes, per_px * (DECODED_PX if easily else _TILE_PX)) <= free:
            return layout
    raise Unavailable(BACKEND, "not-enough-memory")


def _needed(layout: Layout, sizes: Mapping[str, int], decoding: int) -> int:
    """The most bytes that are on the device at the same time."""
    resident = _resident(layout, sizes)
    phases = (
        ({"text_encoder", "text_encoder_2"}, 0),
        ({"unet"}, STEP_BYTES),
        ({"vae"}, decoding),
    )
    return max(sum(sizes[name] for name in resident | used) + beside for used, beside in phases)


def _resident(layout: Layout, sizes: Mapping[str, int]) -> frozenset[str]:
    match layout:
        case "resident":
            return frozenset(sizes)
        case "encoders-move":
            return frozenset({"unet"})
        case "all-move":
            return frozenset()


class Masters:
    """A network whose weights stay in the host's memory and are copied to a device while it is used.

    Weights that change on the device are not kept. Not for several threads at once.
    """

    def __init__(self, network: nn.Module, device: torch.device, *, pinned: bool) -> None:
        self._network = network
        self._device = device
        self._pinned = pinned
        self._uses = 0

    @contextmanager
    def on_device(self) -> Generator[None]:
        """Has copies of the weights on the device; the network computes there. May be nested."""
        if self._uses:
            with self._counted():
                yield
            return
        masters = [
            (module, name, tensor)
            for module in self._network.modules()
            for name, tensor in _own_tensors(module)
        ]
        try:
            for module, name, master in masters:
                setattr(module, name, self._copy(master))
            with self._counted():
                yield
        finally:
            for module, name, master in masters:
                setattr(module, name, master)

    @contextmanager
    def _counted(self) -> Generator[None]:
        self._uses += 1
        try:
            yield
        finally:
            self._uses -= 1

    def _copy(self, master: torch.Tensor) -> torch.Tensor:
        if self._pinned and not master.is_pinned():
            master.data = master.data.pin_memory()
        copy = master.data.to(self._device, non_blocking=self._pinned)
        is_parameter = isinstance(master, nn.Parameter)
        return nn.Parameter(copy, requires_grad=master.requires_grad) if is_parameter else copy


class Residence:
    """Where the networks of a checkpoint are, by a plan."""

    def __init__(self, parts: Parts, plan: Plan) -> None:
        self._device = parts.device
        self._masters = {
            name: Masters(network, parts.device, pinned=plan.pinned)
            for name, network in parts.networks().items()
            if name not in plan.resident
        }
        for name in plan.resident:
            parts.networks()[name].to(parts.device)

    @contextmanager
    def on_device(self, *names: str) -> Generator[None]:
        """Has these networks on the device; those that do not stay there go afterwards."""
        with ExitStack() as stack:
            for name in names:
                if name in self._masters:
                    stack.enter_context(self._masters[name].on_device())
            yield


def _own_tensors(module: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """A module's own weights, without those of the modules in it."""
    return [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
