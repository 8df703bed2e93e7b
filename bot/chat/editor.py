"""One message that shows how things stand: of what comes too fast, only the newest is ever sent.

At most one edit of the message is under way; nothing is queued behind it. Progress is a courtesy: where the
platform does not want it, it is left out, and nobody hears of it.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final, Self

import structlog

from bot.chat.pace import Pace
from bot.chat.platform import Chat, PlatformError, SlowDown, Unsure
from bot.chat.views import View

LATE_S: Final = 5.0
"""So long an edit of which nobody knows may still be on its way."""

_log = structlog.get_logger()


class Editor:
    """Edits a message to the newest view that it is shown.

    An async context manager. Leaving it waits until no edit is under way; what was not sent by then never is.
    """

    def __init__(
        self, chat: Chat, edit: Callable[[View], Awaitable[None]], pace: Pace, interval_s: float
    ) -> None:
        """Takes what edits the message, and how often that may be."""
        self._chat = chat
        self._edit = edit
        self._pace = pace
        self._interval_s = interval_s
        self._newest: View | None = None
        self._shown: View | None = None
        self._has_news = asyncio.Event()
        self._leaving = asyncio.Event()
        self._editing: asyncio.Task[None] | None = None
        self._late_until_s = -math.inf

    async def __aenter__(self) -> Self:
        self._editing = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Sends nothing more; returns when no edit is under way, whoever else closes it too."""
        self._leaving.set()
        self._has_news.set()
        if self._editing:
            await asyncio.wait({self._editing})

    async def settle(self) -> None:
        """Closes it, and returns when also no edit can arrive that the platform has not answered in time."""
        await self.close()
        clock = self._pace.clock
        while (wait_s := self._late_until_s - clock.now()) > 0:
            await clock.sleep(wait_s)

    def show(self, view: View) -> None:
        """Returns at once; the view is sent when its time comes, unless a newer one is there by then."""
        self._newest = view
        self._has_news.set()

    async def _run(self) -> None:
        try:
            while not self._leaving.is_set():
                await self._step()
        except PlatformError as error:
            _log.info("progress_ended", chat_id=self._chat.chat_id, why=repr(error))
        except Exception as error:  # noqa: BLE001 - the picture does not need its progress
            _log.error("progress_failed", chat_id=self._chat.chat_id, exc_info=error)

    async def _step(self) -> None:
        """Waits for news and sends it, as far as that may be now."""
        await self._has_news.wait()
        view = self._newest
        if view is None or view == self._shown:
            self._has_news.clear()
        elif wait_s := self._pace.take_spare(self._chat):
            await self._pause(wait_s)
        elif not self._leaving.is_set():
            self._has_news.clear()
            await self._send(view)
            await self._pause(self._interval_s)

    async def _send(self, view: View) -> None:
        try:
            await self._edit(view)
            self._shown = view
        except SlowDown as error:
            self._pace.slow_down(self._chat, error.after_s)
            self._has_news.set()
        except Unsure:
            self._shown = None
            self._late_until_s = self._pace.clock.now() + LATE_S
            self._has_news.set()

    async def _pause(self, seconds: float) -> None:
        """Waits, unless the editor is left before."""
        sleeping = asyncio.ensure_future(self._pace.clock.sleep(seconds))
        leaving = asyncio.ensure_future(self._leaving.wait())
        await asyncio.wait({sleeping, leaving}, return_when=asyncio.FIRST_COMPLETED)
        sleeping.cancel()
        leaving.cancel()
