"""In a private chat: the scene, region by region, while a composer takes its time to write it.

Telegram shows a draft below the messages for half a minute at most, and nothing is left of it. So drafts are
sent only while somebody waits for a slow composer, and they are the first that is left out.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

import structlog
from telegram import Bot
from telegram.error import TelegramError

from bot.chat.pace import Clock
from bot.chat.platform import Incoming
from bot.telegram.showing import MAX_TEXT_UNITS, cut
from canvas import Canvas
from engine.events import Composed, Event, RegionFinished
from engine.studio import Studio
from storage.errors import StorageError

SLOW_S: Final = 3.0
"""A composer that has ended by then needs no drafts."""
INTERVAL_S: Final = 1.0
GAP_S: Final = 0.3
"""Between two drafts of all chats together."""
TIMEOUT_S: Final = 5.0

_log = structlog.get_logger()


class Drafts:
    """Shows how scenes come about, until it is closed."""

    def __init__(self, bot: Bot, studio: Studio, clock: Clock) -> None:
        self._bot = bot
        self._studio = studio
        self._clock = clock
        self._free_at_s = 0.0
        self._running: dict[str, asyncio.Task[None]] = {}

    def begin(self, said: Incoming) -> None:
        """Shows how the scene of a request in a private chat comes about; returns at once."""
        if said.chat.is_private and said.key not in self._running:
            task = asyncio.create_task(self._stream(said))
            self._running[said.key] = task
            task.add_done_callback(lambda _: self._running.pop(said.key, None))

    async def close(self) -> None:
        """Ends them all."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _stream(self, said: Incoming) -> None:
        try:
            async with aclosing(self._studio.events(said.key)) as events:
                await self._follow(said, events)
        except (TelegramError, StorageError) as error:
            _log.info("draft_not_shown", why=repr(error))
        except Exception as error:  # noqa: BLE001 - nobody waits for it
            _log.warning("draft_failed", exc_info=error)

    async def _follow(self, said: Incoming, events: AsyncIterator[Event]) -> None:
        """Sends drafts until the scene is composed."""
        next_at_s = self._clock.now() + SLOW_S
        async for event in events:
            if isinstance(event, Composed):
                return
            now_s = self._clock.now()
            if isinstance(event, RegionFinished) and now_s >= max(next_at_s, self._free_at_s):
                next_at_s, self._free_at_s = now_s + INTERVAL_S, now_s + GAP_S
                await self._send(said, event.canvas)

    async def _send(self, said: Incoming, canvas: Canvas) -> None:
        text = cut(_told(canvas), MAX_TEXT_UNITS)
        await self._bot.send_message_draft(
            int(said.chat.chat_id), int(said.message_id), text, read_timeout=TIMEOUT_S
        )


def _told(canvas: Canvas) -> str:
    """The scene so far."""
    regions = (f"• {local.description}" for local in canvas.local_descriptions)
    return "\n".join((f"📜 {canvas.global_description.description}", *regions))
