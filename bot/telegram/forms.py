"""Forms, where there are none: a panel of buttons, and a question for each text.

What has been filled in so far is kept with the panel's message, so that it outlasts the process; what a form
holds is asked for anew whenever it is shown.
"""

import asyncio
from collections.abc import Mapping
from typing import Final
from weakref import WeakValueDictionary

import structlog

from bot.chat import form_panels
from bot.chat.actions import FIELD, PRESS
from bot.chat.looks import sentence
from bot.chat.platform import Chat, Incoming, Message, PlatformError, Speaker
from bot.chat.presses import Action, Press, decode
from bot.chat.talk import Talk
from bot.chat.views import NOTHING, Answer, FieldKind, Filled, Form, FormField, View
from bot.telegram.answering import Answering
from bot.telegram.platform import TelegramPlatform
from engine.errors import EngineError, NotYours
from storage.errors import NotFound, StorageError
from storage.records import JSON, Post, PostKind
from storage.store import Store

ACTIONS: Final = frozenset((Action.FIELD, Action.VALUE, Action.APPLY))
"""What is pressed in a panel of a form, and is nobody else's business."""

_VALUES: Final = "values"
_PANEL: Final = "panel"

_log = structlog.get_logger()


class Forms:
    """Shows forms and takes in what is filled in."""

    def __init__(self, talk: Talk, platform: TelegramPlatform, store: Store, answering: Answering) -> None:
        self._talk = talk
        self._platform = platform
        self._store = store
        self._answering = answering
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def open(self, said: Incoming, form: Form) -> None:
        """Shows a form: one text alone is asked for at once."""
        (first, *others) = form.fields
        if not others and first.kind is not FieldKind.CHOICE:
            await self._ask(said, form, first, {})
            return
        view = form_panels.panel(form, {}, (await self._talk.hear(said)).words)
        panel = said.reply_to
        async with self._opening(said.chat):
            if panel and await self._may_become_a_form(panel, said.speaker):
                shown = await self._answering.replace(said, panel, view)
            else:
                shown = await self._answering.post(said, view)
            if shown:
                await self._remember(shown, said, form)

    def _opening(self, chat: Chat) -> asyncio.Lock:
        """Held until a form that people see already is known here too: some press at once."""
        return self._lines.setdefault(chat.chat_id, asyncio.Lock())

    async def press(self, said: Incoming, press: Press) -> Answer:
        """Something was pressed in a form's panel."""
        try:
            panel = await self._panel(said, said.reply_to)
        except (EngineError, StorageError) as error:
            return Answer(view=sentence((await self._talk.hear(said)).words.error(error)))
        begun = decode(str(panel.data.get(PRESS)))
        values = _values(panel)
        if begun is None:
            return NOTHING
        if press.action is Action.APPLY:
            return await self._talk.fill(said, begun, Filled(values))
        answer = await self._talk.press(said, begun)
        if answer.form is None:
            return answer
        return await self._shown(said, press, panel, answer.form)

    async def answer(self, said: Incoming, question: Post, text: str) -> Answer:
        """A question of a panel was answered."""
        words = (await self._talk.hear(said)).words
        if question.person != said.speaker.person:
            return Answer(view=sentence(words.error(NotYours())))
        message = Message(Chat(said.chat.platform, question.chat_id), str(question.data[_PANEL]))
        begun = decode(str(question.data[PRESS]))
        panel = await self._store.post(message.chat.platform, message.chat.chat_id, message.message_id)
        answer = await self._talk.press(said, begun) if begun and panel else NOTHING
        if panel is None or answer.form is None:
            return answer if answer.view else Answer(view=sentence(words.error(NotFound("turn", "-"))))
        values = _values(panel) | {str(question.data[FIELD]): text}
        await self._store.set_post_data(panel, **{_VALUES: dict[str, JSON](values)})
        self._answering.show_in(message, form_panels.panel(answer.form, values, words))
        await self.close_question(question)
        return NOTHING

    async def close_question(self, question: Post) -> None:
        """A question that has been answered goes away."""
        chat = Chat(question.platform, question.chat_id)
        await self._answering.remove(Message(chat, question.message_id))
        await self._store.remove_post(question)

    # --------------------------------------------------------------------------------------------------

    async def _shown(self, said: Incoming, press: Press, panel: Post, form: Form) -> Answer:
        """The panel after a press on a field or a value."""
        words = (await self._talk.hear(said)).words
        values = _values(panel)
        if not press.args:
            return _replaced(form_panels.panel(form, values, words))
        field = _field(form, press)
        if field is None:
            return Answer(view=sentence(words.error(NotFound("turn", "-"))))
        if press.action is Action.VALUE:
            values |= {field.name: field.options[press.number(1)].value}
            await self._store.set_post_data(panel, **{_VALUES: dict[str, JSON](values)})
            return _replaced(form_panels.panel(form, values, words))
        if field.kind is FieldKind.CHOICE:
            return _replaced(form_panels.options(form, press.number(), values, words))
        await self._ask(said, form, field, values, panel)
        return NOTHING

    async def _ask(
        self,
        said: Incoming,
        form: Form,
        field: FormField,
        values: Mapping[str, str],
        panel: Post | None = None,
    ) -> None:
        """Asks for a text; what is replied is the field's value."""
        view = form_panels.question(form, field, values, (await self._talk.hear(said)).words)
        try:
            message = await self._answering.sender.in_turn(
                said.chat, lambda there: self._asked(said, there, view, field)
            )
        except PlatformError as error:
            _log.warning("question_not_asked", chat_id=said.chat.chat_id, why=repr(error))
            return
        data: dict[str, JSON] = {PRESS: form.press.encode(), FIELD: field.name}
        if panel:
            data[_PANEL] = panel.message_id
        where, kind = (message.chat.platform, message.chat.chat_id, message.message_id), PostKind.QUESTION
        await self._store.add_post(Post(*where, kind, person=said.speaker.person, data=data))

    async def _asked(self, said: Incoming, there: Chat, view: View, field: FormField) -> Message:
        speaker = said.speaker
        message_id = await self._platform.ask(
            there, view, of_id=speaker.person.platform_id, name=speaker.name, hint=field.label
        )
        return Message(there, message_id)

    async def _panel(self, said: Incoming, message: Message | None) -> Post:
        """The panel below which was pressed.

        Raises:
            NotFound: It is not known any more.
            NotYours: Somebody else opened it.
        """
        async with self._opening(said.chat):
            post = message and await self._store.post(
                said.chat.platform, message.chat.chat_id, message.message_id
            )
        if post is None or post.kind is not PostKind.PANEL:
            raise NotFound("turn", "-")
        if post.person != said.speaker.person:
            raise NotYours
        return post

    async def _may_become_a_form(self, message: Message, speaker: Speaker) -> bool:
        """Whether it is a panel of that person's: neither a picture nor another one's."""
        post = await self._store.post(message.chat.platform, message.chat.chat_id, message.message_id)
        return post is not None and post.kind is PostKind.PANEL and post.person == speaker.person

    async def _remember(self, message: Message, said: Incoming, form: Form) -> None:
        where, kind = (message.chat.platform, message.chat.chat_id, message.message_id), PostKind.PANEL
        data: dict[str, JSON] = {PRESS: form.press.encode(), _VALUES: {}}
        post = Post(*where, kind, person=said.speaker.person, data=data)
        await self._store.remove_post(post)  # another form may have been here
        await self._store.add_post(post)


def _replaced(view: View) -> Answer:
    return Answer(view=view, replaces=True)


def _values(panel: Post) -> dict[str, str]:
    values = panel.data.get(_VALUES)
    return {name: str(value) for name, value in values.items()} if isinstance(values, dict) else {}


def _field(form: Form, press: Press) -> FormField | None:
    """The field that a press names; None when the form has changed since it was shown."""
    try:
        field = form.fields[press.number()]
        if press.action is Action.VALUE:
            _ = field.options[press.number(1)]
    except (ValueError, IndexError):
        return None
    return field
