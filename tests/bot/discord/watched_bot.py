"""A bot that notes what holds up its event loop: `omost-bot run` in a process of its own."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.cli import app

LIMIT_S = 0.05
"""Of the processor's time."""
WAITING_LIMIT_S = 1.0
"""Of time that it waits for something else than a processor: a file, a socket, a lock, the interpreter.

A busy disk makes anybody wait who reads a page of a program for the first time: so it is not the 50 ms.
"""

_SCHEDULE = Path("/proc/thread-self/schedstat")


def run(variables: Mapping[str, str], held_up: Path) -> None:
    """The bot with these environment variables.

    For each step of a task or callback that takes the loop's thread longer than the limits, the file gets a
    line: its end on the monotonic clock, how long it took, and what it was. The time for which a machine that
    has much else to do gives it no processor does not count.
    """
    os.environ.update(variables)
    sys.argv[1:] = ["run"]
    _watch(held_up)
    app()


def _watch(path: Path) -> None:
    plain = asyncio.Handle._run

    def timed(handle: Any) -> None:
        what, before = repr(handle), _times_s()
        plain(handle)
        wall_s, worked_s, queued_s = (now - then for now, then in zip(_times_s(), before, strict=True))
        waited_s = wall_s - worked_s - queued_s
        if worked_s > LIMIT_S or waited_s > WAITING_LIMIT_S:
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{time.monotonic()} {max(worked_s, waited_s):.3f} {what}\n")

    asyncio.Handle._run = timed


def _times_s() -> tuple[float, float, float]:
    """The wall's time, the thread's on a processor, and its time in line for one, as far as Linux tells."""
    queued_ns = int(_SCHEDULE.read_text("ascii").split()[1]) if _SCHEDULE.exists() else 0
    return time.monotonic(), time.thread_time(), queued_ns / 1e9
