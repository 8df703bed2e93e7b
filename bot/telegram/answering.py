"""Shows people the answers to what they said and pressed, each at most once and in its turn."""

import asyncio
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

import structlog
from telegram import Bot, CallbackQuery
from telegram.error import BadRequest, TelegramError

from bot.chat.looks import sentence
from bot.chat.platform import Incoming, Message, PlatformError
from bot.chat.sending import Sender
from bot.chat.talk import Talk
from bot.chat.views import Answer, View
from bot.telegram.in_place import InPlace
from bot.telegram.platform import is_group
from bot.telegram.refusals import TOO_OLD, says
from bot.telegram.showing import MAX_CAPTION_UNITS, MAX_TEXT_UNITS, MAX_TOAST_CHARS, paged

LATE_S: Final = 1.5
"""A press is answered by then, with nothing if need be: the button's clock must not run on."""
TIMEOUT_S: Final = 10.0

_log = structlog.get_logger()


class Tap:
    """A press of a button, which is answered once, and soon.

    An async context manager: leaving it answers with nothing, if nothing has been answered.
    """

    def __init__(self, bot: Bot, query: CallbackQuery) -> None:
        self._bot = bot
        self._query = query
        self._is_answered = False
        self._is_late = False
        self._waiting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._waiting = asyncio.create_task(self._answer_late())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._waiting:
            if not self._is_late:  # else it is about to answer
                self._waiting.cancel()
            await asyncio.wait({self._waiting}, timeout=TIMEOUT_S)
        await self.answer()

    async def answer(self, text: str = "", *, is_alert: bool = False) -> bool:
        """Shows the person a short text, or nothing; False when it is too late for that."""
        if self._is_answered:
            return False
        self._is_answered = True
        try:
            await self._bot.answer_callback_query(
                self._query.id, text or None, show_alert=is_alert, read_timeout=TIMEOUT_S
            )
        except BadRequest as error:
            if not says(error, *TOO_OLD):
                _log.warning("press_not_answered", why=repr(error))
            return False
        except TelegramError as error:
            _log.info("press_not_answered", why=repr(error))
            return False
        return True

    async def _answer_late(self) -> None:
        await asyncio.sleep(LATE_S)
        self._is_late = True
        await self.answer()


class Answering:
    """Shows answers; what cannot be shown is logged, for there is nobody else to tell."""

    def __init__(self, sender: Sender, in_place: InPlace, talk: Talk) -> None:
        self.sender = sender
        self._in_place = in_place
        self._talk = talk

    async def to_words(self, said: Incoming, answer: Answer, *, with_toast: bool = False) -> None:
        """Answers what was said; of a toast only where nothing else can be seen of what was done."""
        if answer.view:
            await self._post_panel(said, answer.view)
        elif answer.toast and with_toast:
            await self.post(said, sentence(answer.toast))

    async def to_press(self, said: Incoming, answer: Answer, tap: Tap) -> None:
        """Answers a press: the toast at once, words that fit as a box, anything else as a message."""
        if answer.view and not answer.replaces and (words := _boxed(answer)):
            if not await tap.answer(words, is_alert=True):
                await self.post(said, answer.view)
            return
        await tap.answer(answer.toast[:MAX_TOAST_CHARS])
        if answer.view and answer.replaces and said.reply_to:
            self.show_in(said.reply_to, answer.view)
        elif answer.view:
            await self._post_panel(said, answer.view)
        if answer.removes and said.reply_to:
            await self.remove(said.reply_to)

    async def post(self, said: Incoming, view: View) -> Message | None:
        """Posts a view, and its files behind it; None where that was not possible.

        A text that is too long for one message goes on in others.
        """
        try:
            message = await self._post_pages(said, view)
            await self._note(said, view, message)
            for index, file in enumerate(view.attachments):
                key, reply_to = f"{said.key}:file:{index}", message.message_id
                sent = await self.sender.post_file(message.chat, file, key=key, reply_to=reply_to)
                await self._note(said, view, sent)
        except PlatformError as error:
            _log.warning("answer_not_shown", chat_id=said.chat.chat_id, why=repr(error))
            return None
        return message

    async def _note(self, said: Incoming, view: View, message: Message) -> None:
        """Lets replies to the message find what it is about."""
        if view.about:
            await self._talk.remember_panel(said, message, view.about)

    def show_in(self, panel: Message, view: View) -> None:
        """Makes a panel look like this as soon as that may be; returns at once."""
        self._in_place.show(panel, view)

    async def replace(self, said: Incoming, panel: Message, view: View) -> Message | None:
        """Makes a panel look like this; where it is gone, it is posted anew."""
        if await self._in_place.show(panel, view):
            return panel
        return await self.post(said, view)

    async def remove(self, message: Message) -> None:
        """Removes a message of ours."""
        self._in_place.let_go(message)
        try:
            await self.sender.remove(message)
        except PlatformError as error:
            _log.info("message_not_removed", chat_id=message.chat.chat_id, why=repr(error))

    async def _post_panel(self, said: Incoming, view: View) -> None:
        """Posts a view; what has buttons belongs to who asked for it."""
        message = await self.post(said, view)
        if message and not view.about and (view.rows or view.choices):
            await self._talk.remember_panel(said, message)

    async def _post_pages(self, said: Incoming, view: View) -> Message:
        """Posts a view; the message that has its picture or, of texts alone, its buttons is returned."""
        most = MAX_CAPTION_UNITS if view.picture else MAX_TEXT_UNITS
        pages = [View(text, is_quiet=view.is_quiet) for text in paged(view.text, most)]
        main = 0 if view.picture else len(pages) - 1
        pages[main] = replace(pages[main], picture=view.picture, rows=view.rows, choices=view.choices)
        reply_to = said.message_id if is_group(said.chat) else ""
        key = f"{said.key}:answer"
        sent = [
            await self.sender.post(said.chat, page, key=f"{key}:{number}", reply_to=reply_to)
            for number, page in enumerate(pages)
        ]
        return sent[main]


def _boxed(answer: Answer) -> str:
    """The words of an answer that fits into a box that only who pressed sees."""
    view = answer.view
    if view is None or view.picture or view.rows or view.choices or view.attachments:
        return ""
    text = view.plain_text
    return text if len(text) <= MAX_TOAST_CHARS else ""
