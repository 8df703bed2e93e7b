"""A lock that is given in the order in which it was asked for."""

import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager

_POLL_S = 0.05


class Cancelled(Exception):
    """Whoever asked for a turn wants it no more."""


class FairLock:
    """Mutual exclusion without overtaking, between threads.

    `threading.Lock` lets the thread that gave it back have it again at once, so that one conversation could
    keep a model for itself. Here it is handed to the one that waits longest.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._is_held = False

    @property
    def waiting(self) -> int:
        """How many threads wait."""
        with self._guard:
            return len(self._waiting)

    @contextmanager
    def turn(self, is_cancelled: Callable[[], bool] = lambda: False) -> Generator[None]:
        """Waits for a turn, and has the lock for the time of it.

        Raises:
            Cancelled: The caller had cancelled, or did so while it waited.
        """
        self._acquire(is_cancelled)
        try:
            yield
        finally:
            with self._guard:
                self._hand_on()

    def _acquire(self, is_cancelled: Callable[[], bool]) -> None:
        if is_cancelled():
            raise Cancelled
        with self._guard:
            if not self._is_held:
                self._is_held = True
                return
            turn = threading.Event()
            self._waiting.append(turn)
        while not turn.wait(_POLL_S):
            if is_cancelled():
                self._leave(turn)
                raise Cancelled

    def _leave(self, turn: threading.Event) -> None:
        with self._guard:
            if turn.is_set():  # it came meanwhile
                self._hand_on()
            else:
                self._waiting.remove(turn)

    def _hand_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()  # it stays held, by the next one
        else:
            self._is_held = False
