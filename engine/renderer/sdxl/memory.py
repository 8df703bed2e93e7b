"""The weights of a checkpoint on their device, by a plan.

Weights that come and go have their masters in the host's memory, pinned where that makes copies fast. They
are copied to the device and dropped there, never copied back.
"""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import structlog
import torch
from torch import nn

from engine.devices import free_bytes
from engine.renderer.sdxl.loading import Parts, weight_bytes
from engine.renderer.sdxl.options import Memory
from engine.renderer.sdxl.plan import Plan, choose_plan

_log = structlog.get_logger()


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
