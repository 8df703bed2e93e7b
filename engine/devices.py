"""The devices that models run on: which are here, how much of their memory is free. Imports torch."""

import os
import re
from pathlib import Path
from typing import Final

import torch

from engine.errors import Unavailable

_DEVICE: Final = re.compile(r"cpu|mps|cuda(?::(\d+))?")
_NO_MEMORY: Final = re.compile(r"out of memory|can't allocate memory", re.IGNORECASE)
_AVAILABLE: Final = re.compile(r"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)
_MEMINFO: Final = Path("/proc/meminfo")


def device_named(name: str, backend: str) -> torch.device:
    """The device of a name; for `auto` the first GPU, or the CPU where there is none.

    Raises:
        Unavailable: It is not here.
    """
    if name == "auto":
        gpu = next((kind for kind in ("cuda", "mps") if _count(kind)), "cpu")
        return torch.device(gpu)
    asked = _DEVICE.fullmatch(name)
    if asked is None or int(asked[1] or 0) >= _count(name.partition(":")[0]):
        raise Unavailable(backend, "no-such-device")
    return torch.device(name)


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 natively."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def free_bytes(device: torch.device) -> int:
    """How much more fits into a device's memory, what torch keeps ready for itself included."""
    match device.type:
        case "cuda":
            kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
            return torch.cuda.mem_get_info(device)[0] + kept
        case "mps":
            return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        case _:
            return _free_host_bytes()


def empty_caches() -> None:
    """Gives back to the devices what torch keeps of their memory ready for itself."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device's memory is full, however its allocator says so."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and _NO_MEMORY.search(str(error)) is not None


def _count(kind: str) -> int:
    match kind:
        case "cuda":
            return torch.cuda.device_count()
        case "mps":
            return int(torch.backends.mps.is_available())
        case _:
            return 1


def _free_host_bytes() -> int:
    """What the system says; half of all memory where it says nothing."""
    if _MEMINFO.is_file() and (found := _AVAILABLE.search(_MEMINFO.read_text(encoding="ascii"))):
        return int(found[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
