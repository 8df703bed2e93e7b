"""A clock that tests may speed up or turn forward, and waiting for something to become true."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


class Clock:
    """Unix time that runs `speed` times as fast as the wall's and can be turned forward.

    With a speed of 0 it stands still until it is.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._ahead_s = 0.0
        self._epoch_s = time.time()
        self._started_s = time.monotonic()

    def now_s(self) -> float:
        return self._epoch_s + self._ahead_s + (time.monotonic() - self._started_s) * self.speed

    def advance(self, by_s: float) -> None:
        """Lets that much time pass at once."""
        self._ahead_s += by_s

    def on_the_wall_s(self, duration_s: float) -> float:
        """How long that is for who lives beside this clock."""
        return duration_s / self.speed if self.speed else duration_s


class Changes:
    """Wakes those who wait for something in this event loop to become true."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def notify(self) -> None:
        """Something has changed: everybody looks again."""
        for woken in self._waiting:
            woken.set()

    async def until(self, look: Callable[[], Value], timeout_s: float | None) -> Value:
        """What `look` returns as soon as that is true; TimeoutError when it does not become so in time."""
        woken = asyncio.Event()
        self._waiting.add(woken)
        try:
            async with asyncio.timeout(timeout_s):
                while not (value := look()):
                    woken.clear()
                    await woken.wait()
                return value
        finally:
            self._waiting.discard(woken)
