"""What Telegram says when it does not do something, as the errors that all platforms share."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.chat.platform import (
    ChatGone,
    ChatMoved,
    MessageGone,
    NotPermitted,
    PlatformError,
    SlowDown,
    TooLarge,
    Unsure,
)

RETRY_S: Final = 5.0
"""Telegram cannot be reached: so long until the next attempt."""

_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

_MESSAGE_GONE: Final = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message identifier is not specified",
)
_CHAT_GONE: Final = (
    "chat not found",
    "peer_id_invalid",
    "channel_private",
    "group chat was deactivated",
    "user is deactivated",
    "message thread not found",
    "topic_deleted",
)
_TOO_LARGE: Final = (
    "too big",
    "too large",
    "photo_invalid_dimensions",
    "image_process_failed",
    "photo_save_file_invalid",
)
_MISSING: Final = (
    ("send photos", "send-pictures"),
    ("chat_send_photos_forbidden", "send-pictures"),
    ("send documents", "attach-files"),
    ("chat_send_docs_forbidden", "attach-files"),
    ("send media", "send-pictures"),
    ("topic_closed", "write-in-topic"),
    ("administrator rights", "post-in-channel"),
    ("not enough rights", "send-messages"),
    ("no rights to send", "send-messages"),
    ("chat_write_forbidden", "send-messages"),
    ("chat_restricted", "send-messages"),
)
"""A part of Telegram's words, and what the bot lacks; the first that fits counts."""

NO_TEXT: Final = "no text in the message to edit"
NOT_MODIFIED: Final = "message is not modified"
TOO_OLD: Final = ("query is too old", "query id is invalid", "query_id_invalid")


@contextmanager
def refusals_named() -> Generator[None]:
    """Raises what Telegram's library raises as the errors of `bot.chat.platform`."""
    try:
        yield
    except TelegramError as error:
        raise named(error) from error


def says(error: TelegramError, *words: str) -> bool:
    """Whether Telegram's description has any of the words in it."""
    told = error.message.lower()
    return any(word in told for word in words)


def named(error: TelegramError) -> PlatformError:
    """The shared error for one of Telegram's."""
    match error:
        case RetryAfter():
            return SlowDown(_seconds(error.retry_after))
        case ChatMigrated():
            return ChatMoved(str(error.new_chat_id))
        case Forbidden():
            return ChatGone(error.message)
        case BadRequest():
            return _bad_request(error)
        case NetworkError():  # also TimedOut
            return _on_the_way(error)
        case _:
            return PlatformError(repr(error))


def _on_the_way(error: NetworkError) -> PlatformError:
    if isinstance(error.__cause__, _NEVER_SENT):
        return SlowDown(RETRY_S)
    return TooLarge(error.message) if says(error, "entity too large") else Unsure(repr(error))


def _bad_request(error: BadRequest) -> PlatformError:
    if says(error, *_MESSAGE_GONE):
        return MessageGone(error.message)
    for words, missing in _MISSING:
        if says(error, words):
            return NotPermitted(missing)
    if says(error, *_CHAT_GONE):
        return ChatGone(error.message)
    if says(error, *_TOO_LARGE):
        return TooLarge(error.message)
    return PlatformError(error.message)


def _seconds(duration: float | timedelta) -> float:
    return duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
