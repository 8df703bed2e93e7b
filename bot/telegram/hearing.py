"""What updates of Telegram mean: who says or presses what, where, and whether it is for the bot.

A person who writes as a chat, such as an anonymous administrator, is that chat. Other bots are not heard.
"""

import re
from dataclasses import dataclass
from typing import Final

import telegram
from telegram import CallbackQuery, MaybeInaccessibleMessage, Update, User
from telegram.constants import ChatType

from bot.chat.platform import BEHIND_NAME, Chat, Incoming, Message, Speaker
from bot.chat.presses import Press, decode
from bot.telegram.administrators import Administrators
from bot.telegram.platform import NAME
from storage.records import PersonKey

STAND_INS: Final = frozenset((1087968824, 136817688, 777000))
"""Telegram's own accounts that stand for whoever writes as a group or channel."""

_OF_A_NAME: Final = re.compile(r"[A-Za-z0-9_]")
"""What names are made of; Chinese words follow one without a space."""
_COMMAND: Final = re.compile(r"/(\w{1,32})(?:@(\w+))?(?:\s+|$)")


@dataclass(frozen=True, slots=True)
class Said:
    """Words, or a file, that somebody sent.

    Attributes:
        command: Without its slash; empty where there is none.
        text: What stands behind the command or the bot's name.
        is_addressed: Whether it is surely for the bot: said in private, by command, or with its name.
        is_named: Whether the bot's name stands behind the command.
    """

    incoming: Incoming
    command: str
    text: str
    is_addressed: bool
    message: telegram.Message
    is_named: bool = False

    @property
    def whole(self) -> str:
        """All that was written."""
        return self.message.text or self.message.caption or ""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button that somebody pressed; without a press it is none of ours."""

    incoming: Incoming
    press: Press | None
    query: CallbackQuery


def where(update: Update) -> str:
    """What must be handled one after the other: a chat's messages, or the presses below one message."""
    query = update.callback_query
    if query and query.message:
        return f"{query.message.chat.id}/{query.message.message_id}"
    return str(update.effective_chat.id) if update.effective_chat else ""


def who(update: Update) -> PersonKey | None:
    """Who is behind an update, as they are stored."""
    message = update.effective_message
    if message and not update.callback_query and (speaker := _voice(message)):
        return PersonKey(NAME, str(speaker))
    user = update.effective_user
    return PersonKey(NAME, str(user.id)) if user else None


class Hearing:
    """Understands updates for one bot."""

    def __init__(self, me: User, administrators: Administrators) -> None:
        self._me = me
        self._administrators = administrators

    async def said(self, message: telegram.Message) -> Said | None:
        """What a message says; None where it is not for the bot, or nobody's that it hears."""
        speaker_id = _voice(message)
        if speaker_id is None or message.is_automatic_forward or message.via_bot == self._me:
            return None
        words = message.text or message.caption or ""
        command = _COMMAND.match(words)
        if command and (command[2] or self._name).lower() != self._name:
            return None  # another bot's
        name, text = (command[1].lower(), words[command.end() :]) if command else ("", self._unnamed(words))
        is_addressed = bool(command) or message.chat.type == ChatType.PRIVATE or text != words
        incoming = await self._incoming(message, speaker_id)
        is_named = bool(command and command[2])
        return Said(incoming, name, text.strip(), is_addressed, message, is_named)

    async def pressed(self, query: CallbackQuery) -> Pressed | None:
        """What a press means; None where its message is not told."""
        message = query.message
        if message is None:
            return None
        chat = chat_of(message)
        speaker = await self._speaker(query.from_user, chat)
        below = Message(chat, str(message.message_id))
        incoming = Incoming(f"{NAME}:press:{query.id}", speaker, chat, str(message.message_id), below)
        return Pressed(incoming, decode(query.data or ""), query)

    async def _incoming(self, message: telegram.Message, speaker_id: int) -> Incoming:
        chat = chat_of(message)
        if message.from_user and message.from_user.id == speaker_id:
            speaker = await self._speaker(message.from_user, chat)
        else:
            speaker = _chats_voice(message, speaker_id)
        replied = message.reply_to_message
        reply_to = None
        if replied and self._is_own(replied):
            reply_to = Message(chat, str(replied.message_id))
        key = f"{NAME}:{message.chat.id}:{message.message_id}"
        return Incoming(key, speaker, chat, str(message.message_id), reply_to)

    async def _speaker(self, user: User, chat: Chat) -> Speaker:
        is_moderator = await self._administrators.has(chat, user.id)
        person = PersonKey(NAME, str(user.id))
        return Speaker(person, user.full_name, user.language_code or "", is_moderator)

    def _is_own(self, message: telegram.Message) -> bool:
        """Whether it is one of the bot's; in a channel, what it posts is the channel's."""
        if message.forum_topic_created or message.is_automatic_forward:
            return False
        if message.from_user:
            return message.from_user.id == self._me.id
        return message.sender_chat == message.chat

    @property
    def _name(self) -> str:
        return (self._me.username or "").lower()

    def _unnamed(self, words: str) -> str:
        """The words without the bot's name before them."""
        name = f"@{self._name}"
        is_named = words.lower().startswith(name) and not _OF_A_NAME.match(words, len(name))
        return words[len(name) :].lstrip(BEHIND_NAME) if is_named else words


def chat_of(message: MaybeInaccessibleMessage) -> Chat:
    """Where a message stands; only topics of forums are threads."""
    chat = message.chat
    thread_id = ""
    if isinstance(message, telegram.Message) and message.is_topic_message and message.message_thread_id:
        thread_id = str(message.message_thread_id)
    names = (f"{NAME}:@{chat.username}",) if chat.username else ()
    return Chat(NAME, str(chat.id), thread_id, chat.type == ChatType.PRIVATE, names)


def _voice(message: telegram.Message) -> int | None:
    """Whose words they are: a user's, or a chat's in whose name they stand; None for another bot's."""
    user, chat = message.from_user, message.sender_chat
    if chat and (user is None or user.id in STAND_INS):
        return chat.id
    if user is None or user.is_bot or user.id in STAND_INS:
        return None
    return user.id


def _chats_voice(message: telegram.Message, chat_id: int) -> Speaker:
    """Who writes in the name of the very chat that they write in looks after it."""
    title = message.sender_chat.title if message.sender_chat else None
    person = PersonKey(NAME, str(chat_id))
    return Speaker(person, title or "", is_moderator=chat_id == message.chat.id)
