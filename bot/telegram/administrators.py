"""Who looks after a chat, as Telegram says."""

import time
from typing import Final

import structlog
from telegram import Bot
from telegram.error import BadRequest, NetworkError, TelegramError

from bot.chat.platform import Chat
from bot.chat.recent import Recent
from bot.telegram.platform import is_group

REMEMBERED_S: Final = 300.0
TIMEOUT_S: Final = 5.0
_CHATS: Final = 2000

_log = structlog.get_logger()


class Administrators:
    """Asks Telegram for a chat's administrators, and again after some minutes."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._known: Recent[str, tuple[float, frozenset[int]]] = Recent(_CHATS)

    async def has(self, chat: Chat, user_id: int) -> bool:
        """Whether the user is one of the chat's; in a private chat nobody has to be."""
        return is_group(chat) and user_id in await self._of(chat.chat_id)

    async def _of(self, chat_id: str) -> frozenset[int]:
        until_s, known = self._known.get(chat_id, (0.0, frozenset[int]()))
        if time.monotonic() < until_s:
            return known
        try:
            members = await self._bot.get_chat_administrators(
                int(chat_id), connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S
            )
            known = frozenset(member.user.id for member in members)
        except TelegramError as error:  # those who were known stay so until it can be told again
            _log.info("administrators_not_told", chat_id=chat_id, why=repr(error))
            if _is_nobodys_word(error):
                return known
        self._known.note(chat_id, (time.monotonic() + REMEMBERED_S, known))
        return known


def _is_nobodys_word(error: TelegramError) -> bool:
    """Whether Telegram has not answered at all, so that the next answer may be another one."""
    return isinstance(error, NetworkError) and not isinstance(error, BadRequest)
