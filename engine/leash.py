"""The child's end of a supervised process: it shows signs of life, and ends when whoever started it is gone.

The other end is `engine.supervisor`. Between them are two pipes: the child's standard input, on which nothing
is ever sent and whose end means that the parent is gone, and its standard output, on which each line is a
pulse.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

PULSE_EVERY_S = 1.0
"""Pulses come no closer together, however fast the work goes on."""
IDLE_PULSE_S = 0.5
"""While there is nothing to work on, the event loop itself asks for a pulse so often."""
ORPHANED = 1
"""The exit status of a child without a parent."""


class Leash:
    """What ties this process to the one that started it, as a context manager.

    Entering it takes standard output for the pulses; whatever else is printed goes to standard error from
    then on, so that no library's chatter is taken for work. A process whose standard input ends is ended at
    once, in the middle of whatever it does: what it was at is stored, and somebody else goes on with it.
    """

    def __init__(self) -> None:
        self._pipe = -1
        self._pulsed_at_s = -PULSE_EVERY_S

    def __enter__(self) -> Self:
        sys.stdout.flush()
        self._pipe = os.dup(1)  # which no process that we start inherits
        os.set_blocking(self._pipe, False)
        os.dup2(2, 1)
        threading.Thread(target=_end_with_standard_input, name="leash", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pipe, self._pipe = self._pipe, -1
        os.close(pipe)

    def pulse(self) -> None:
        """Says that the work goes on; cheap, from any thread, as often as one likes."""
        now_s = time.monotonic()
        if now_s - self._pulsed_at_s < PULSE_EVERY_S:
            return
        self._pulsed_at_s = now_s
        with suppress(OSError):  # a full pipe has pulses enough, a broken one is the other thread's business
            os.write(self._pipe, b"\n")

    async def idle(self, is_idle: Callable[[], bool]) -> None:
        """Pulses for the event loop while nothing is worked on; runs until it is cancelled.

        While something is worked on, only its progress counts, which is why a backend that hangs falls silent
        although the loop goes round.
        """
        while True:
            if is_idle():
                self.pulse()
            await asyncio.sleep(IDLE_PULSE_S)


def _end_with_standard_input() -> None:
    with suppress(OSError):  # it was never open
        while os.read(0, 4096):
            pass
    os._exit(ORPHANED)
