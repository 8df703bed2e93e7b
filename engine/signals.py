"""What the operating system tells a process: to end, and that its settings have changed."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

END_WITHIN_S = 25
"""So long a process may take to end in good order; whatever is at work then is in the database."""

_ENDING = (signal.SIGINT, signal.SIGTERM)


@asynccontextmanager
async def until_told(within_s: int = END_WITHIN_S) -> AsyncGenerator[Coroutine[Any, Any, object]]:
    """A wait for SIGINT or SIGTERM, the first of which ends the process no more; in the main thread only.

    The second one does, at once, and so does the system when `within_s` have passed since the first.
    """
    loop, told = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        told.set()
        signal.alarm(within_s)  # also a loop that hangs is ended by it
        for number in _ENDING:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in _ENDING:
        loop.add_signal_handler(number, tell)
    waiting = told.wait()
    try:
        yield waiting
    finally:
        waiting.close()  # it may be that nobody has waited
        for number in _ENDING:
            loop.remove_signal_handler(number)


@contextmanager
def on_hangup(act: Callable[[], None]) -> Generator[None]:
    """Calls something at each SIGHUP, instead of the end of the process; in the main thread only.

    Where it means what it says, that the terminal is gone which the process was started in, the process is
    told to end.
    """
    loop, had_terminal = asyncio.get_running_loop(), os.isatty(0)

    def hear() -> None:
        if had_terminal and not os.isatty(0):
            signal.raise_signal(signal.SIGTERM)
        else:
            act()

    loop.add_signal_handler(signal.SIGHUP, hear)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
