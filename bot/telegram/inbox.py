"""Updates are stored before Telegram hears that they have arrived, and kept until they have been handled.

Handled is each of them once, also when it comes again, and after a crash in the middle of it; what belongs
together is handled in the order of arrival.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, cast
from weakref import WeakValueDictionary

import structlog
from telegram import Bot, Update
from telegram.error import NetworkError
from telegram.ext import BaseUpdateProcessor

from bot.telegram.hearing import where, who
from bot.telegram.platform import NAME
from storage.errors import StorageError
from storage.store import Store

ATTEMPTS: Final = 3
"""So often the handling of an update is begun; then it is given up."""
CONCURRENT: Final = 1024
PAUSE_S: Final = 1.0

Handle = Callable[[Update], Awaitable[None]]

_log = structlog.get_logger()


class Inbox(asyncio.Queue[object]):
    """The queue between Telegram and the handlers; whoever puts an update has it stored.

    Attributes:
        store: Where.
    """

    def __init__(self, store: Store, bot: Bot) -> None:
        super().__init__()
        self.store = store
        self._bot = bot

    async def put(self, item: object) -> None:
        """Stores an update, and queues it unless it is known; anything else is only queued.

        Raises:
            NetworkError: It could not be stored, so Telegram has to send it again.
        """
        if isinstance(item, Update):
            try:
                is_new = await self.store.receive(NAME, self.key(item), item.to_dict(), person=who(item))
            except StorageError as error:
                _log.warning("update_not_stored", update_id=item.update_id, why=repr(error))
                raise NetworkError(f"not stored: {error!r}") from error
            except Exception as error:  # noqa: BLE001 - one that nobody foresaw must not keep the others out
                _log.error("update_lost", update_id=item.update_id, exc_info=error)
                return
            if not is_new:
                return
        await super().put(item)

    async def take_up(self) -> None:
        """Queues what had arrived before and has not been handled."""
        for received in await self.store.unhandled(NAME):
            try:
                update = Update.de_json(dict(received.payload), self._bot)
            except Exception as error:  # noqa: BLE001 - stored by another version, and not to keep this one out
                _log.error("update_lost", key=received.key, exc_info=error)
                await self.store.handled(NAME, received.key)
            else:
                await super().put(update)

    def key(self, update: Update) -> str:
        """Under which an update is stored: each bot counts its own."""
        return f"{self._bot.id}:{update.update_id}"


class InOrder(BaseUpdateProcessor):
    """Lets updates be handled at the same time, but not two of the same place; `stop` ends them all."""

    def __init__(self) -> None:
        super().__init__(CONCURRENT)
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._working: set[asyncio.Task[Any]] = set()
        self._is_stopping = False

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Awaits the handling when it is its turn."""
        handling = cast("Coroutine[Any, Any, Any]", coroutine)
        if self._is_stopping:
            handling.close()
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._working.add(task)
        line = self._lines.setdefault(where(update) if isinstance(update, Update) else "", asyncio.Lock())
        try:
            async with line:
                await handling
        finally:
            handling.close()  # also one that was still waiting for its turn
            self._working.discard(task)

    async def stop(self) -> None:
        """Ends what is being handled and begins nothing more; the next start takes it up again."""
        self._is_stopping = True
        working = list(self._working)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    async def initialize(self) -> None:
        """Nothing to be made ready."""

    async def shutdown(self) -> None:
        """Nothing to be closed."""


class Handling:
    """Handles updates that have been stored."""

    def __init__(self, store: Store, inbox: Inbox, handle: Handle, give_up: Handle) -> None:
        """Takes what handles an update, and what tells the person that this has failed for good."""
        self._store = store
        self._inbox = inbox
        self._handle = handle
        self._give_up = give_up

    async def __call__(self, update: Update, context: object = None) -> None:
        """Handles an update unless that has been done; returns when it is, or has been given up."""
        del context
        key = self._inbox.key(update)
        while True:
            try:
                received = await self._store.begin_handling(NAME, key)
                if received is None:
                    return
                if await self._is_done(update, received.attempts):
                    await self._store.handled(NAME, key)
                    return
            except StorageError as error:  # it waits until it can be noted
                _log.warning("update_not_noted", update_id=update.update_id, why=repr(error))
            await asyncio.sleep(PAUSE_S)

    async def _is_done(self, update: Update, attempts: int) -> bool:
        if attempts > ATTEMPTS:  # each time before, the process died of it
            _log.error("update_given_up", update_id=update.update_id)
            await self._told(update)
            return True
        try:
            await self._handle(update)
        except Exception as error:  # noqa: BLE001 - the adapter's last resort
            is_last = attempts == ATTEMPTS
            _log.error("update_failed", update_id=update.update_id, is_given_up=is_last, exc_info=error)
            if is_last:
                await self._told(update)
            return is_last
        return True

    async def _told(self, update: Update) -> None:
        try:
            await self._give_up(update)
        except Exception as error:  # noqa: BLE001 - then the log alone hears of it
            _log.warning("not_told", update_id=update.update_id, why=repr(error))
