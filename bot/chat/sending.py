"""What people wait for, sent in its turn: placeholders, results, albums.

Waits where the platform wants it, and goes along when a chat gets another id. What cannot be done, and what
may have been done or not, the caller hears of: nothing is sent a second time here, only edited.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

import structlog

from bot.chat.pace import Pace
from bot.chat.platform import Chat, ChatGone, ChatMoved, Message, Platform, SlowDown, Unsure
from bot.chat.views import Attachment, Picture, View
from storage.store import Store

EDIT_ATTEMPTS: Final = 5
_MOVES: Final = 5

_Before = Callable[[], Awaitable[object]]
_Sent = TypeVar("_Sent")

_log = structlog.get_logger()


class Sender:
    """Sends and edits on one platform, for all chats there."""

    def __init__(self, platform: Platform, store: Store, pace: Pace) -> None:
        self._platform = platform
        self._store = store
        self._pace = pace
        self._moved: dict[str, str] = {}

    @property
    def max_caption_units(self) -> int:
        """Of the words with a picture, as the platform has it."""
        return self._platform.max_caption_units

    def now(self, chat: Chat) -> Chat:
        """The chat with the id that it has now."""
        while chat.chat_id in self._moved:
            chat = replace(chat, chat_id=self._moved[chat.chat_id])
        return chat

    async def post(
        self, chat: Chat, view: View, *, key: str, reply_to: str = "", before: _Before | None = None
    ) -> Message:
        """Sends a message; `before` is awaited when it is its turn, just before it goes.

        Raises:
            PlatformError: It was not sent, or with `Unsure` perhaps.
        """

        async def send(there: Chat) -> Message:
            if before:
                await before()
            message_id = await self._platform.post(there, view, key=key, reply_to=reply_to)
            return Message(there, message_id)

        return await self.in_turn(chat, send)

    async def edit(self, message: Message, view: View) -> None:
        """Makes a message look like that, and tries again where nobody knows whether it does.

        Raises:
            PlatformError: It cannot be edited.
        """
        for attempt in range(EDIT_ATTEMPTS):
            try:
                await self.in_turn(message.chat, lambda there: self._edited(message, view, there))
            except Unsure:
                if attempt + 1 == EDIT_ATTEMPTS:
                    raise
                await self._pace.clock.sleep(2.0**attempt)
            else:
                return

    async def edit_aside(self, message: Message, view: View) -> None:
        """Edits once, without waiting for a turn: whoever calls has asked `Pace.take_spare`."""
        try:
            await self._edited(message, view, self.now(message.chat))
        except ChatMoved as error:
            await self._move(self.now(message.chat), error.chat_id)
            await self._edited(message, view, self.now(message.chat))

    async def remove(self, message: Message) -> None:
        """Removes a message of ours, which counts for no budget."""
        await self.in_turn(
            message.chat, lambda there: self._platform.remove(Message(there, message.message_id)), 0
        )

    async def post_pictures(
        self,
        chat: Chat,
        pictures: Sequence[Picture],
        *,
        key: str,
        reply_to: str = "",
        before: _Before,
    ) -> tuple[Message, ...]:
        """Sends pictures side by side; `before` is as for `post`."""

        async def send(there: Chat) -> tuple[Message, ...]:
            await before()
            ids = await self._platform.post_pictures(there, pictures, key=key, reply_to=reply_to)
            return tuple(Message(there, message_id) for message_id in ids)

        return await self.in_turn(chat, send, len(pictures))

    async def post_file(
        self, chat: Chat, file: Attachment, *, key: str, reply_to: str = "", before: _Before | None = None
    ) -> Message:
        """Sends a file as it is; `before` is as for `post`."""

        async def send(there: Chat) -> Message:
            if before:
                await before()
            (message_id,) = await self._platform.post_files(there, (file,), key=key, reply_to=reply_to)
            return Message(there, message_id)

        return await self.in_turn(chat, send)

    async def _edited(self, message: Message, view: View, there: Chat) -> None:
        await self._platform.edit(Message(there, message.message_id), view)

    async def in_turn(self, chat: Chat, send: Callable[[Chat], Awaitable[_Sent]], count: int = 1) -> _Sent:
        """Sends when it is its turn there; waits as long as the platform wants it to."""
        moves = 0
        while moves < _MOVES:
            there = self.now(chat)
            await self._pace.turn(there, count)
            try:
                return await send(there)
            except SlowDown as error:
                _log.warning("platform_slows_down", chat_id=there.chat_id, after_s=error.after_s)
                self._pace.slow_down(there, error.after_s)
            except ChatMoved as error:
                moves += 1
                await self._move(there, error.chat_id)
        raise ChatGone

    async def _move(self, chat: Chat, new_chat_id: str) -> None:
        """Gives all that belongs to the chat to its new id."""
        _log.info("chat_moved", chat_id=chat.chat_id, new_chat_id=new_chat_id)
        await self._store.move_chat(self._platform.name, chat.chat_id, new_chat_id)
        if self.now(Chat(chat.platform, new_chat_id)).chat_id != chat.chat_id:  # never in a circle
            self._moved[chat.chat_id] = new_chat_id
