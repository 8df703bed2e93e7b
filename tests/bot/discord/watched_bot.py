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


def run(variables: Mapping[str, str], held_up: Path) -> None:
    """The bot with these environment variables.

    For each step of a task or callback that takes the loop's thread longer than `LIMIT_S`, the file gets a
    line: its end on the monotonic clock, how long it took, and what it was. Its processor's time is what
    counts, so that a machine that has much else to do holds up nothing.
    """
    os.environ.update(variables)
    sys.argv[1:] = ["run"]
    _watch(held_up)
    app()


def _watch(path: Path) -> None:
    plain = asyncio.Handle._run

    def timed(handle: Any) -> None:
        what, began_s = repr(handle), time.thread_time()
        plain(handle)
        took_s = time.thread_time() - began_s
        if took_s > LIMIT_S:
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{time.monotonic()} {took_s:.3f} {what}\n")

    asyncio.Handle._run = timed
