"""The studio: the one path of every request, whoever brings it.

An adapter submits an order and listens to its events; the studio checks, stores, composes, queues and paints.
It knows no chat platform and has no words for people.
"""

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Self

from engine.composer import Composer
from engine.events import Event
from engine.orders import Adopt, Compose, Limits, Order, Repaint
from engine.renderer import Renderer
from storage.store import ConversationKey, Revision, Store

__all__ = ["Adopt", "Compose", "Limits", "Order", "Repaint", "Studio"]


class Studio:
    """Takes orders and carries them out in this process.

    Use it as an async context manager: entering it fails the turns that a crash left running, leaving it
    cancels what runs. The store stays open.

    Attributes:
        store: For reading.
        limits: What one order may ask for.

    Example:
        async with Studio(store) as studio:
            await studio.submit(Compose("web:1", ConversationKey("web", "tab"), "a lighthouse at dusk"))
            async for event in studio.events("web:1"):
                ...
    """

    def __init__(
        self,
        store: Store,
        *,
        limits: Limits = Limits(),
        composers: Mapping[str, Composer] | None = None,
        renderers: Mapping[str, Renderer] | None = None,
    ) -> None:
        self.store = store
        self.limits = limits

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def submit(self, order: Order) -> str:
        """Stores the order and starts it; the same turn id again starts nothing new.

        Returns:
            The turn id.

        Raises:
            Refused: The order is outside of the limits, or the conversation is `Busy`.
            NotFound: The revision to start from is not one of the conversation.
            Unavailable: The composer or renderer cannot be used here.
        """
        raise NotImplementedError

    def events(self, turn_id: str) -> AsyncIterator[Event]:
        """The turn's events from the first one; the last is `Done`, `Failed` or `Cancelled`.

        Whoever listens late or slowly hears previews, steps and queue places that were superseded no more. Of
        a turn that ended some time ago only the last event is heard. Closing the iterator stops nothing but
        the listening.

        Raises:
            NotFound: There is no such turn.
        """
        raise NotImplementedError

    async def cancel(self, turn_id: str) -> bool:
        """Calls the turn off and waits until it has stopped; False when it had ended already."""
        raise NotImplementedError

    async def undo(self, conversation: ConversationKey) -> Revision | None:
        """Moves the conversation's head to its parent and returns that; None when there is no parent.

        Nothing is ever deleted: what was undone stays in the history. At the root, the head stays.
        """
        raise NotImplementedError
