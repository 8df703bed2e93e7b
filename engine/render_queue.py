"""The queue before the renderer: first come, first served, so many at once.

Knows nothing of what is painted. Lives in one event loop.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class _Ticket:
    moved: Callable[[int], None]
    turn: asyncio.Event = field(default_factory=asyncio.Event)


class RenderQueue:
    """So many slots, and those who wait for one.

    Example:
        queue = RenderQueue(slots=1)
        async with queue.slot(moved=lambda position: print(f"{position} in the queue")):
            ...
    """

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._waiting: list[_Ticket] = []

    @asynccontextmanager
    async def slot(self, moved: Callable[[int], None]) -> AsyncGenerator[None]:
        """Waits for a slot and holds it.

        Args:
            moved: Called with the place in the queue whenever that changes; 1 is next. Never called when a
                slot is free at once.
        """
        await self._take(moved)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, moved: Callable[[int], None]) -> None:
        if self._free:
            self._free -= 1
            return
        ticket = _Ticket(moved)
        self._waiting.append(ticket)
        moved(len(self._waiting))
        try:
            await ticket.turn.wait()
        except asyncio.CancelledError:
            if ticket in self._waiting:
                self._leave(ticket)
            else:  # the slot came at the same moment
                self._give_back()
            raise

    def _give_back(self) -> None:
        """Hands the slot to the first in the queue, or keeps it free."""
        if self._waiting:
            first = self._waiting[0]
            self._leave(first)
            first.turn.set()
        else:
            self._free += 1

    def _leave(self, ticket: _Ticket) -> None:
        place = self._waiting.index(ticket)
        del self._waiting[place]
        for position, behind in enumerate(self._waiting[place:], start=place + 1):
            behind.moved(position)
