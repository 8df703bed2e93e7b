"""What figures of models are read from: a clock of steps, peaks of memory, what a device can do at best."""

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

PLAIN_SIDE = 8192
"""Of the matrices whose multiplication shows what the device can do."""


class Enough(Exception):
    """So many steps were wanted."""


class Clock:
    """Times steps: in seconds of the wall on a GPU, of the own thread on a CPU.

    Args:
        device: Where the steps run.
        limit: After so many of them `Enough` is raised.
        around: What is entered after the step of that number and left with the next one.
    """

    def __init__(self, device: torch.device, limit: int = 0, around: dict[int, Any] | None = None) -> None:
        self._device = device
        self._limit = limit
        self._around = around or {}
        self._ticks: list[float] = []

    def start(self) -> None:
        """Now it begins."""
        self._ticks = []

    def tick(self) -> None:
        """A step is done."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self._ticks.append(time.perf_counter() if self._device.type == "cuda" else time.process_time())
        done = len(self._ticks)
        if done - 1 in self._around:
            self._around[done - 1].__exit__(None, None, None)
        if done in self._around:
            self._around[done].__enter__()
        if done == self._limit:
            raise Enough

    @property
    def step_s(self) -> float:
        """The shortest step, which is the least disturbed one; the first, with what comes before, is none."""
        return min(after - before for before, after in zip(self._ticks, self._ticks[1:], strict=False))


def reset_peak(device: torch.device) -> None:
    """Forgets how much memory was taken up to now."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    else:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # of the resident set


def peak_bytes(device: torch.device) -> int:
    """The most memory since then: of a GPU what tensors took, else of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def plain_flops_per_s(device: torch.device, dtype: torch.dtype) -> float:
    """What the device does in plain multiplications of matrices."""
    left, right = (torch.randn(PLAIN_SIDE, PLAIN_SIDE, device=device, dtype=dtype) for _ in range(2))
    times = [timed_s(lambda: torch.matmul(left, right)) for _ in range(20)]
    return 2 * PLAIN_SIDE**3 / min(times)


def timed_s(run: Callable[[], object]) -> float:
    """How long something takes on a GPU, to its end."""
    torch.cuda.synchronize()
    began_s = time.perf_counter()
    run()
    torch.cuda.synchronize()
    return time.perf_counter() - began_s


def cpu_name() -> str:
    """What the system calls the CPU."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "a CPU")
