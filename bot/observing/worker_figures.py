"""The figures of a process that composes and paints: its memory on the GPU, which the bot cannot see."""

import asyncio
import sys
from collections.abc import Iterable
from typing import Any

from prometheus_client import Metric

from bot.observing.asking import Asking
from bot.observing.bot_figures import NO_ANSWER
from bot.observing.figures import gauge
from storage.errors import StorageError
from storage.store import Store


class WorkerFigures:
    """What a worker knows of itself and its database."""

    def __init__(self, store: Store) -> None:
        self._open_turns = Asking(store.open_turns, nothing=StorageError)
        self._gpus = Asking(lambda: asyncio.to_thread(_gpu_bytes), nothing=RuntimeError)

    async def troubles(self) -> dict[str, str]:
        """What is wrong with the database."""
        has_answered = await self._open_turns.answer() is not None
        return {"database": "" if has_answered else NO_ANSWER}

    async def gauges(self) -> Iterable[Metric]:
        """The GPUs' memory, where a model has been loaded on one."""
        found = await self._gpus.answer() or {}
        return [
            gauge(
                f"omost_gpu_memory_{what}_bytes",
                text,
                {device: parts[index] for device, parts in found.items()},
                "device",
            )
            for index, (what, text) in enumerate(_GPU_PARTS)
        ]


_GPU_PARTS = (
    ("total", "Memory of a GPU."),
    ("used", "Memory of a GPU that is in use, whoever uses it."),
    ("allocated", "Memory of a GPU that models and pictures of this process take."),
    ("reserved", "Memory of a GPU that this process keeps, what it takes at the moment included."),
)


def _gpu_bytes() -> dict[str, tuple[int, int, int, int]]:
    """The memory of each GPU in use, in the order of `_GPU_PARTS`; torch is not loaded for it."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return {}
    found: dict[str, tuple[int, int, int, int]] = {}
    for device in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(device)
        allocated, reserved = torch.cuda.memory_allocated(device), torch.cuda.memory_reserved(device)
        found[str(device)] = (total, total - free, allocated, reserved)
    return found
