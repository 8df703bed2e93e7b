"""Who may work beside whom: what has been cut off before works alone, so that a crash has one suspect.

A process that dies takes everything along that it was working on, the guilty and the innocent. All of it is
begun again, and all of it counts an attempt; if it were begun side by side again, the innocent would be given
up together with the guilty.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Quarantine:
    """Lets work go on side by side, and suspects one at a time with nothing beside them."""

    def __init__(self) -> None:
        self._working = 0
        self._suspects = 0
        self._has_changed = asyncio.Event()

    @asynccontextmanager
    async def passed(self, *, is_suspect: bool) -> AsyncGenerator[None]:
        """Waits until the work may begin; it goes on until the block ends.

        A suspect waits for what is being worked on, and whoever comes later waits for the suspects.
        """
        self._suspects += is_suspect
        try:
            while self._working if is_suspect else self._suspects:
                await self._has_changed.wait()
            self._working += 1
            try:
                yield
            finally:
                self._working -= 1
                self._tell()
        finally:
            self._suspects -= is_suspect
            self._tell()

    def _tell(self) -> None:
        # who waits holds the event that is set now; who waits next finds a fresh one
        self._has_changed.set()
        self._has_changed = asyncio.Event()
