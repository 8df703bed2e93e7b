"""How far whoever queues work runs ahead of a device. The device is a stand-in: nothing here needs a GPU."""

import torch

from engine.renderer.sdxl.pacing import Pace

STEPS = 8


class Device:
    """Does queued steps only when it is waited for, as a GPU that is slower than who queues."""

    def __init__(self) -> None:
        self.queued = 0
        self.done = 0

    def mark(self) -> "Place":
        return Place(self, self.queued)


class Place:
    """The end of the queue, at some time."""

    def __init__(self, device: Device, place: int) -> None:
        self._device = device
        self._place = place

    def synchronize(self) -> None:
        self._device.done = max(self._device.done, self._place)


def test_at_most_one_step_is_under_way_when_the_next_is_queued():
    """Neither more, so that a cancelled picture stops, nor none, so that the device is never idle."""
    device = Device()
    pace = Pace(device.mark)
    ahead = []
    for _ in range(STEPS):
        device.queued += 1
        pace.step()
        ahead.append(device.queued - device.done)
    assert ahead == [1] * STEPS


def test_a_cpu_is_not_waited_for():
    """It has done a step when the call returns; `Pace` asks nothing of it, and nothing of CUDA."""
    pace = Pace.on(torch.device("cpu"))
    for _ in range(STEPS):
        pace.step()
    assert not torch.cuda.is_initialized()
