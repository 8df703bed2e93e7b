"""Keeps who queues work on a GPU near to what the GPU has done.

A GPU takes work by the hundred steps before the first of them is done: whoever counts what was queued tells
of progress that is none, and what is cancelled goes on for seconds.
"""

from collections.abc import Callable
from typing import Protocol, Self

import torch


class Mark(Protocol):
    """A place in a device's queue, as `torch.cuda.Event`."""

    def synchronize(self) -> None:
        """Waits until the device has got there."""


class Pace:
    """Lets at most one step be under way on the device while the next one is queued.

    One is enough to keep the device busy. Where work is done at once, nothing is waited for.
    """

    def __init__(self, mark: Callable[[], Mark] | None) -> None:
        """Takes what marks the end of a device's queue; None for a device without one."""
        self._mark = mark
        self._before: Mark | None = None

    @classmethod
    def on(cls, device: torch.device) -> Self:
        """For a device: only CUDA's have a queue that is waited for."""
        return cls((lambda: _cuda_mark(device)) if device.type == "cuda" else None)

    def step(self) -> None:
        """A step has been queued; returns when the one before it is done."""
        if self._mark is None:
            return
        before, self._before = self._before, self._mark()
        if before is not None:
            before.synchronize()


def _cuda_mark(device: torch.device) -> Mark:
    event = torch.cuda.Event(blocking=True)  # sleeps instead of taking a core to wait
    event.record(torch.cuda.current_stream(device))
    return event
