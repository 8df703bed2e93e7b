"""What an update leads to: words and presses go to `bot.chat.talk`, and the answers back to who asked."""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

import structlog
import telegram
from telegram import Bot, ChatMemberUpdated, Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import BadRequest

from bot.chat import guide
from bot.chat.commands import COMMANDS
from bot.chat.looks import sentence
from bot.chat.platform import Chat, Incoming, Speaker
from bot.chat.talk import Talk
from bot.chat.views import Answer
from bot.replies import LANGUAGES, Words, words
from bot.telegram import explaining
from bot.telegram.answering import Answering, Tap
from bot.telegram.drafts import Drafts
from bot.telegram.forms import ACTIONS, Forms
from bot.telegram.hearing import Hearing, Pressed, Said, chat_of
from bot.telegram.menu import UNUSED
from bot.telegram.platform import NAME
from bot.telegram.refusals import says
from bot.telegram.typed import Mistyped, read_typed
from engine.errors import EngineError
from storage.records import PersonKey, Post, PostKind
from storage.store import Store

MAX_DOWNLOAD_BYTES: Final = 40_000_000
"""More than the largest picture that is ever written."""
_ALBUMS: Final = 256
_OUTSIDE: Final = (ChatMemberStatus.LEFT, ChatMemberStatus.BANNED)

_Answered = Callable[[Said], Awaitable[Answer]]

_log = structlog.get_logger()


class Conversation:
    """Leads all conversations with one bot."""

    def __init__(  # noqa: PLR0917 - its parts
        self,
        bot: Bot,
        talk: Talk,
        store: Store,
        hearing: Hearing,
        answering: Answering,
        forms: Forms,
        drafts: Drafts,
    ) -> None:
        self._bot = bot
        self._talk = talk
        self._store = store
        self._hearing = hearing
        self._answering = answering
        self._forms = forms
        self._drafts = drafts
        self._aliases = _aliases()
        self._commands = self._table()
        self._albums: deque[str] = deque(maxlen=_ALBUMS)

    async def handle(self, update: Update) -> None:
        """Does what an update asks for; returns when the person has been answered."""
        if update.callback_query:
            await self._pressed(update.callback_query)
        elif update.my_chat_member:
            await self._membership(update.my_chat_member)
        elif message := update.message or update.channel_post:
            await self._heard(message)

    async def give_up(self, update: Update) -> None:
        """Tells the person that something went wrong that cannot be helped."""
        message = update.effective_message
        if message is None:
            return
        user = update.effective_user
        speaker = Speaker(PersonKey(NAME, str(user.id if user else message.chat.id)), "")
        key, message_id = f"{NAME}:given-up:{update.update_id}", str(message.message_id)
        said = Incoming(key, speaker, chat_of(message), message_id)
        words = (await self._talk.hear(said)).words
        await self._answering.post(said, sentence(words.unexpected()))

    # --- words ----------------------------------------------------------------------------------------

    async def _heard(self, message: telegram.Message) -> None:
        here = str(message.chat.id)
        if message.migrate_to_chat_id:
            await self._store.move_chat(NAME, here, str(message.migrate_to_chat_id))
        elif message.migrate_from_chat_id:
            await self._store.move_chat(NAME, str(message.migrate_from_chat_id), here)
        elif _has_content(message) and (said := await self._hearing.said(message)):
            await self._answer(said)
        elif _is_unreadable(message) and (said := await self._hearing.said(message)):
            await self._answering.post(said.incoming, explaining.nothing_to_read(await self._words(said)))

    async def _answer(self, said: Said) -> None:
        post = await self._replied_to(said.incoming)
        if post and post.kind is PostKind.PANEL:
            post = None  # nothing is said to a panel
        if post is None:
            said = replace(said, incoming=replace(said.incoming, reply_to=None))
        if said.command:
            await self._do(said, post)
        elif not (said.is_addressed or post):
            return
        elif said.message.document:
            await self._show(said, await self._typed(said, self._opened))
        elif said.message.photo and not (said.text and post):
            await self._explain_photos(said)
        elif said.text or post:
            await self._say(said, post)

    async def _do(self, said: Said, post: Post | None) -> None:
        """Carries out a command; those that are nobody's are explained where nobody else can be meant."""
        name = self._name(said)
        if name == "omost":
            if said.message.document:
                await self._show(said, await self._typed(said, self._opened))
            else:
                await self._say(said, post)
            return
        if action := self._commands.get(name):
            await self._show(said, await self._typed(said, action))
        elif said.incoming.chat.is_private or said.is_named:
            view = explaining.unknown_command(said.command, _LISTED, await self._words(said))
            await self._answering.post(said.incoming, view)

    async def _say(self, said: Said, post: Post | None) -> None:
        """Words for a picture, or the answer to a question."""
        is_answer = post is not None and post.kind is PostKind.QUESTION
        if is_answer and post and "panel" in post.data:
            await self._show(said, await self._forms.answer(said.incoming, post, said.text))
            return
        if not is_answer:
            await self._show(said, await self._typed(said, self._composed))
            return
        answer = await self._talk.compose(said.incoming, said.text)
        await self._show(said, answer)
        if post and answer.view is None:
            await self._forms.close_question(post)

    async def _composed(self, said: Said) -> Answer:
        prompt, options = read_typed(said.text)
        answer = await self._talk.compose(said.incoming, prompt, options)
        if answer.view is None:
            self._drafts.begin(said.incoming)
        return answer

    async def _typed(self, said: Said, action: _Answered) -> Answer:
        """What comes of an action; an option that cannot be read is said, and then nothing is done."""
        try:
            return await action(said)
        except Mistyped as error:
            return Answer(view=explaining.mistyped(error, said.whole, await self._words(said)))

    async def _opened(self, said: Said) -> Answer:
        """A file is taken for a scene, which the words beside it change."""
        document = said.message.document
        assert document is not None  # noqa: S101 - the caller has looked
        prompt, options = read_typed(said.text)
        content = await self._downloaded(document)
        return await self._talk.open_file(said.incoming, document.file_name or "", content, options, prompt)

    async def _downloaded(self, document: telegram.Document) -> bytes | None:
        """What is in a file; None for one that is larger than any scene."""
        if (document.file_size or 0) > MAX_DOWNLOAD_BYTES:
            return None
        try:
            file = await self._bot.get_file(document.file_id)
            return bytes(await file.download_as_bytearray())
        except BadRequest as error:
            if says(error, "too big", "too large"):
                return None
            raise

    async def _explain_photos(self, said: Said) -> None:
        """A photo has lost its scene on the way; of an album this is said once."""
        album = said.message.media_group_id
        if album and album in self._albums:
            return
        if album:
            self._albums.append(album)
        await self._answering.post(said.incoming, guide.send_as_file(await self._words(said)))

    async def _replied_to(self, said: Incoming) -> Post | None:
        """What is known of the message that is replied to."""
        if said.reply_to is None:
            return None
        return await self._store.post(NAME, said.reply_to.chat.chat_id, said.reply_to.message_id)

    async def _show(self, said: Said, answer: Answer) -> None:
        if answer.form:
            await self._forms.open(said.incoming, answer.form)
        await self._answering.to_words(said.incoming, answer, with_toast=self._name(said) in _TOASTING)

    def _name(self, said: Said) -> str:
        """What the command is called in English, under whatever name it was typed."""
        return self._aliases.get(said.command, said.command)

    # --- commands -------------------------------------------------------------------------------------

    def _table(self) -> Mapping[str, _Answered]:
        talk = self._talk
        return {
            "start": self._hello,
            "help": self._help,
            "render": self._render,
            "refine": self._refine,
            "regions": lambda said: talk.regions(said.incoming),
            "undo": lambda said: talk.undo(said.incoming),
            "history": lambda said: talk.history(said.incoming),
            "settings": lambda said: talk.settings(said.incoming, _scope(said)),
            "queue": lambda said: talk.queue(said.incoming),
            "cancel": lambda said: talk.cancel(said.incoming),
            "favourites": lambda said: talk.favourites(said.incoming),
            "favorites": lambda said: talk.favourites(said.incoming),
            "forget": lambda said: talk.forget(said.incoming),
            "stats": lambda said: talk.stats(said.incoming),
        }

    async def _refine(self, said: Said) -> Answer:
        prompt, options = read_typed(said.text)
        return await self._talk.refine(said.incoming, prompt, options)

    async def _render(self, said: Said) -> Answer:
        prompt, options = read_typed(said.text)
        if prompt:
            return Answer(view=explaining.words_left(said.command, said.text, await self._words(said)))
        return await self._talk.render(said.incoming, options)

    async def _hello(self, said: Said) -> Answer:
        """What links bring behind the command is not looked at."""
        return Answer(view=guide.hello(await self._words(said)))

    async def _help(self, said: Said) -> Answer:
        return await self._talk.help_text(said.incoming, has_typed_options=True)

    # --- presses --------------------------------------------------------------------------------------

    async def _pressed(self, query: telegram.CallbackQuery) -> None:
        async with Tap(self._bot, query) as tap:
            pressed = await self._hearing.pressed(query)
            if pressed is None or pressed.press is None:
                return
            said = await self._in_its_topic(pressed)
            if pressed.press.action in ACTIONS:
                answer = await self._forms.press(said, pressed.press)
            else:
                answer = await self._talk.press(said, pressed.press)
            if answer.form:
                await tap.answer()
                await self._forms.open(said, answer.form)
            await self._answering.to_press(said, answer, tap)

    async def _in_its_topic(self, pressed: Pressed) -> Incoming:
        """Of a very old message Telegram tells no topic; what we know of it does."""
        said = pressed.incoming
        if isinstance(pressed.query.message, telegram.Message):
            return said
        post = await self._replied_to(said)
        thread_id = str(post.data.get("thread") or "") if post else ""
        return replace(said, chat=replace(said.chat, thread_id=thread_id))

    # --- coming and going -----------------------------------------------------------------------------

    async def _membership(self, changed: ChatMemberUpdated) -> None:
        """Greets a group that the bot is added to."""
        old, new = changed.old_chat_member.status, changed.new_chat_member.status
        _log.info("membership", chat_id=changed.chat.id, old=old, new=new)
        is_group = changed.chat.type in (ChatType.GROUP, ChatType.SUPERGROUP)
        if not is_group or old not in _OUTSIDE or new in _OUTSIDE:
            return
        user = changed.from_user
        speaker = Speaker(PersonKey(NAME, str(user.id)), user.full_name, user.language_code or "")
        names = (f"{NAME}:@{changed.chat.username}",) if changed.chat.username else ()
        chat = Chat(NAME, str(changed.chat.id), names=names)
        said = Incoming(f"{NAME}:joined:{changed.chat.id}:{changed.date.timestamp():.0f}", speaker, chat)
        try:
            self._talk.access.check_served(said)
        except EngineError:
            return  # nobody has asked there
        await self._answering.post(said, guide.hello((await self._talk.hear(said)).words))

    # --------------------------------------------------------------------------------------------------

    async def _words(self, said: Said) -> Words:
        return (await self._talk.hear(said.incoming)).words


_TOASTING: Final = frozenset(("cancel",))
"""Commands after which nothing but the toast is to be seen."""


_LISTED: Final = tuple(command.name for command in COMMANDS if command.name not in UNUSED)


def _aliases() -> Mapping[str, str]:
    """What the commands are called in other languages: who types one is understood."""
    return {
        command.name_in(words(language)).casefold(): command.name
        for language in LANGUAGES
        for command in COMMANDS
    }


def _has_content(message: telegram.Message) -> bool:
    """Whether there are words, a file or a photo; a moving picture is told as a file too, and is none."""
    if message.animation:
        return False
    return bool(message.text or message.caption or message.document or message.photo)


def _is_unreadable(message: telegram.Message) -> bool:
    """A voice, a sticker and the like, for the bot alone."""
    return message.chat.type == ChatType.PRIVATE and message.effective_attachment is not None


def _scope(said: Said) -> str:
    """Whose settings are meant: `here` for the chat's, behind the command."""
    return "here" if said.text.lower() in ("here", "chat", "群", "群组", "本群") else "me"
