"""Waiting a database out: what has been worked out is kept in hand until it can be stored."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from storage.errors import DatabaseAway

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0

T = TypeVar("T")

_log = structlog.get_logger()


async def lasting(call: Callable[[], Awaitable[T]]) -> T:
    """What the call returns, tried again for as long as the database is away.

    The call must do the same when it is made twice; cancellation ends the waiting.
    """
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return await call()
        except DatabaseAway as error:
            _log.warning("database_away", detail=error.detail, next_try_s=pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
