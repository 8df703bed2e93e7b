"""A lock that is given in the order in which it was asked for."""

import threading
from collections import deque
from types import TracebackType


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

    def __enter__(self) -> None:
        with self._guard:
            if not self._is_held:
                self._is_held = True
                return
            turn = threading.Event()
            self._waiting.append(turn)
        turn.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()  # it stays held, by the next one
            else:
                self._is_held = False
