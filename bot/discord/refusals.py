"""What Discord refuses, as the errors of `bot.chat.platform`."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
import discord

from bot.chat.platform import (
    ChatGone,
    MessageGone,
    NotPermitted,
    PlatformError,
    SlowDown,
    TooLarge,
    Unsure,
)

CALL_TIMEOUT_S: Final = 60.0
"""No call waits longer: an upload on a slow line, or a limit that the library waits for."""

UNKNOWN_CHANNEL: Final = 10003
UNKNOWN_MESSAGE: Final = 10008
UNKNOWN_WEBHOOK: Final = 10015
UNKNOWN_INTERACTION: Final = 10062
MANY_OLD_EDITS: Final = 30046
TOO_LARGE: Final = 40005
ALREADY_ACKNOWLEDGED: Final = 40060
NO_ACCESS: Final = 50001
CANNOT_MESSAGE: Final = 50007
NO_PERMISSION: Final = 50013
TOKEN_EXPIRED: Final = 50027
THREAD_ARCHIVED: Final = 50083
THREAD_LOCKED: Final = 160005
NO_HISTORY: Final = 160002


class ThreadArchived(NotPermitted):
    """Nothing changes in a thread that nobody has written in for long, until it is opened again."""

    def __init__(self) -> None:
        super().__init__("send-messages")


_KINDS: Final = {
    UNKNOWN_CHANNEL: ChatGone,
    CANNOT_MESSAGE: ChatGone,
    UNKNOWN_MESSAGE: MessageGone,
    MANY_OLD_EDITS: MessageGone,
    UNKNOWN_WEBHOOK: MessageGone,
    TOKEN_EXPIRED: MessageGone,
    TOO_LARGE: TooLarge,
    THREAD_ARCHIVED: ThreadArchived,
}
_MISSING: Final = {
    NO_ACCESS: "view-channel",
    NO_PERMISSION: "send-messages",
    THREAD_LOCKED: "send-messages",
    NO_HISTORY: "read-history",
}
_TOO_MANY, _TOO_LARGE, _SERVER = 429, 413, 500


@asynccontextmanager
async def translated(missing: str = "") -> AsyncGenerator[None]:
    """Raises the platform's errors for Discord's.

    Args:
        missing: The permission that is known to be missing there, if one is.
    """
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            yield
    except discord.RateLimited as error:
        raise SlowDown(error.retry_after) from error
    except discord.HTTPException as error:
        raise _translation(error, missing) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Unsure(repr(error)) from error


def _translation(error: discord.HTTPException, missing: str) -> PlatformError:
    if error.status >= _SERVER:
        return Unsure(str(error.status))
    if error.status == _TOO_MANY:
        return SlowDown(_retry_after_s(error))
    if error.status == _TOO_LARGE:
        return TooLarge()
    if error.code in _KINDS:
        return _KINDS[error.code]()
    if error.code in _MISSING or isinstance(error, discord.Forbidden):
        return NotPermitted(_missing(error.code, missing))
    return PlatformError(f"{error.status} {error.code}")


def _retry_after_s(error: discord.HTTPException) -> float:
    try:
        return float(error.response.headers.get("Retry-After", ""))
    except ValueError:
        return 5.0


def _missing(code: int, known: str) -> str:
    """Discord says of one permission only that it is missing; of others, that one is."""
    return "read-history" if code == NO_HISTORY else known or _MISSING.get(code, "send-messages")
