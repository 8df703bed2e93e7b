"""What has ended is handed to a platform's messages, also before they are there: jobs start first."""

import asyncio

from bot.chat.messages import Messages
from storage.records import Turn


class Outbox:
    """The delivery of one platform, for the job engine.

    Attributes:
        is_connected: Whether the platform can be heard at this moment, as far as its adapter knows.
    """

    def __init__(self) -> None:
        self.is_connected = False
        self._messages: Messages | None = None
        self._is_open = asyncio.Event()

    def open(self, messages: Messages) -> None:
        """From now on it is delivered; what waited goes first."""
        self._messages = messages
        self._is_open.set()

    async def deliver(self, turn: Turn) -> None:
        """Waits until the platform can be reached, and makes the turn's message its result.

        Raises:
            PlatformError: As `Messages.deliver` does.
            StorageError: Likewise.
        """
        await self._is_open.wait()
        assert self._messages is not None  # noqa: S101 - it is open
        await self._messages.deliver(turn)
