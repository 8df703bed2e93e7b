"""What takes long to make, made when it is first needed."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Lazily(Generic[T]):
    """Makes something once, in a thread of its own that does not keep the process from ending.

    Whoever stops waiting for it does not stop the making: the next one finds it there. What could not be made
    is tried again. For any number of threads and event loops.

    >>> model = Lazily(lambda: load("/models/some"), "model-loading")
    """

    def __init__(self, make: Callable[[], T], thread_name: str) -> None:
        self._make = make
        self._thread_name = thread_name
        self._guard = threading.Lock()
        self._making: Future[T] | None = None

    async def get(self) -> T:
        """Waits until it is made; raises what the making raised."""
        with self._guard:
            if self._making is None or (self._making.done() and self._making.exception()):
                self._making = self._begun()
            making = self._making
        return await asyncio.shield(asyncio.wrap_future(making))

    def drop(self) -> bool:
        """Lets go of it; the next one who needs it has it made again. Whether its making had ended."""
        with self._guard:
            making, self._making = self._making, None
        return making is not None and making.done()

    def _begun(self) -> Future[T]:
        making: Future[T] = Future()

        def make() -> None:
            try:
                making.set_result(self._make())
            except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
                making.set_exception(error)

        threading.Thread(target=make, name=self._thread_name, daemon=True).start()
        return making
