"""Everything that people can do in a chat, whatever the platform.

An adapter hands what it hears to `Talk` and shows the answer, which is words in the speaker's language also
when something went wrong. What comes of a request is shown to everybody by `bot.chat.messages`.
"""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import structlog

from bot.chat import guide, looks
from bot.chat.access import Access
from bot.chat.actions import Actions
from bot.chat.heard import Heard
from bot.chat.messages import Messages
from bot.chat.platform import Incoming, Message, Platform, PlatformError
from bot.chat.presses import Action, Press
from bot.chat.scene_options import NO_OPTIONS, Options
from bot.chat.suggestions import Suggestions
from bot.chat.views import Answer, Filled, Option
from bot.replies import LANGUAGES, words
from bot.settings import Settings
from canvas.errors import CanvasError
from engine.errors import EngineError
from engine.log_context import about
from engine.metrics import count_error
from engine.studio import Studio
from storage.errors import StorageError

_P = ParamSpec("_P")
_Action = Callable[Concatenate["Talk", Heard, _P], Awaitable[Answer]]
_Method = Callable[Concatenate["Talk", Incoming, _P], Coroutine[Any, Any, Answer]]

_log = structlog.get_logger()


def _answered(action: _Action[_P]) -> _Method[_P]:
    """Makes a method of an action for those who are served; whatever goes wrong is answered in words."""

    async def served(self: "Talk", heard: Heard, *args: _P.args, **kwargs: _P.kwargs) -> Answer:
        self.access.check_served(heard.said)
        return await action(self, heard, *args, **kwargs)

    return wraps(action)(_answered_to_all(served))


def _answered_to_all(action: _Action[_P]) -> _Method[_P]:
    """Like `_answered`, for what also those can do who are not served."""

    @wraps(action)
    async def answered(self: "Talk", said: Incoming, *args: _P.args, **kwargs: _P.kwargs) -> Answer:
        with about(said.key, said.chat.conversation):
            heard = Heard(said, words(said.speaker.locale or self.language))
            try:
                heard = await self.hear(said)
                return await action(self, heard, *args, **kwargs)
            except Exception as error:  # noqa: BLE001 - the adapter's last resort: person and log both hear of it
                return _trouble(heard, error)

    return answered


def _trouble(heard: Heard, error: Exception) -> Answer:
    """What went wrong, in words; who looks after the bot finds what nobody foresaw in the log."""
    count_error(error)
    match error:
        case EngineError() | StorageError() | CanvasError():
            return heard.answer(heard.words.error(error))
        case PlatformError():
            _log.warning("not_sent", why=repr(error))
            return heard.answer(looks.trouble(error, heard.words))
        case _:
            _log.error("talk_failed", exc_info=error)
            return heard.answer(heard.words.unexpected())


class Talk:
    """What can be said and pressed in chats; every method returns an answer and raises nothing.

    `said.key` is the id of the turn that comes of it, if one does: the same again starts nothing new.

    Attributes:
        access: Who may do what.
        platform: The platform's name.
        language: Of who has chosen none and whose program tells none.
    """

    def __init__(self, platform: Platform, studio: Studio, messages: Messages, settings: Settings) -> None:
        self.access = Access(settings)
        self.platform = platform.name
        self._store = studio.store
        self.language = settings.language
        self._actions = Actions(studio, messages, settings, self.access)
        self._suggestions = Suggestions(studio.store, settings)
        for language in LANGUAGES:
            words(language)  # reads a catalogue, which must not happen while people wait

    async def hear(self, said: Incoming) -> Heard:
        """What was said, with the words of the speaker's language, and the former names of a chat that moved.

        Raises:
            StorageError: Which those are could not be read.
        """
        spoken = words(await self._actions.preferences.language(said))
        lists = self.access.chats
        if not (lists.allow or lists.deny):
            return Heard(said, spoken)
        former = await self._store.former_chat_ids(said.chat.platform, said.chat.chat_id)
        return Heard(replace(said, chat=said.chat.formerly(former)), spoken)

    # --- asking for pictures --------------------------------------------------------------------------

    @_answered
    async def compose(self, heard: Heard, prompt: str, options: Options = NO_OPTIONS) -> Answer:
        """A new scene; as the reply to a picture, a change of it; as the reply to a question, its answer.

        Greetings and thanks are answered, and ask for nothing.
        """
        return await self._actions.compose(heard, prompt, options)

    @_answered
    async def refine(self, heard: Heard, prompt: str, options: Options = NO_OPTIONS) -> Answer:
        """A change of the picture that is replied to, or of the newest one; without words, their form."""
        return await self._actions.refine(
            heard, await self._actions.subjects.meant(heard.said), prompt, options
        )

    @_answered
    async def render(self, heard: Heard, options: Options = NO_OPTIONS) -> Answer:
        """The picture that is replied to, or the newest one, painted again."""
        return await self._actions.repaint(heard, await self._actions.subjects.meant(heard.said), options)

    @_answered
    async def open_file(
        self,
        heard: Heard,
        name: str,
        content: bytes | None,
        options: Options = NO_OPTIONS,
        prompt: str = "",
    ) -> Answer:
        """A new scene from one of our pictures, or from Canvas code; with words, changed as they say.

        `content` is None for a file that is larger than a scene can be. A file without a scene is left out
        where there are words.
        """
        return await self._actions.open_file(heard, name, content, options, prompt.strip())

    @_answered
    async def not_fetched(self, heard: Heard, error: PlatformError) -> Answer:
        """Why a file that somebody sent did not come."""
        return heard.answer(looks.trouble(error, heard.words))

    @_answered
    async def regions(self, heard: Heard, index: str = "") -> Answer:
        """The regions of the picture that is replied to, or of the newest one; or one of them."""
        subject = await self._actions.subjects.meant(heard.said)
        if not index:
            return await self._actions.regions.choose(heard, subject)
        press = Press(Action.REGION, subject.revision.id, (index,))
        return await self._actions.regions.show(heard, subject, press)

    # --- moving among pictures ------------------------------------------------------------------------

    @_answered
    async def undo(self, heard: Heard) -> Answer:
        """Back to the picture that the one replied to, or the newest one, was made from."""
        return await self._actions.moving.undo(heard, await self._actions.subjects.meant(heard.said))

    @_answered
    async def go(self, heard: Heard, revision_id: str, options: Options = NO_OPTIONS) -> Answer:
        """On from an earlier scene: one of this chat's, or one's own from elsewhere."""
        return await self._actions.moving.go(heard, revision_id, options)

    @_answered
    async def history(self, heard: Heard) -> Answer:
        """The tree of the conversation's pictures."""
        return await self._actions.moving.history(heard)

    @_answered
    async def favourites(self, heard: Heard) -> Answer:
        """What the person has put aside."""
        return await self._actions.moving.favourites(heard)

    # --- waiting --------------------------------------------------------------------------------------

    @_answered
    async def queue(self, heard: Heard) -> Answer:
        """Who waits, and how long."""
        return await self._actions.queue(heard)

    @_answered
    async def cancel(self, heard: Heard) -> Answer:
        """Calls off the request that is replied to, or the person's newest one here."""
        return await self._actions.cancel(heard)

    # --- settings and data ----------------------------------------------------------------------------

    @_answered
    async def settings(self, heard: Heard, scope: str = "me") -> Answer:
        """The form of the person's settings (`me`), of the chat's (`here`), or of its server's (`server`)."""
        return await self._actions.preferences.ask(heard, scope)

    @_answered_to_all
    async def forget(self, heard: Heard) -> Answer:
        """Asks whether everything of the person shall be removed."""
        return Answer(view=looks.forget_question(heard.person, heard.words))

    @_answered
    async def stats(self, heard: Heard) -> Answer:
        """For moderators: what is open, and what requests take."""
        return await self._actions.stats(heard)

    @_answered_to_all
    async def help_text(self, heard: Heard, *, has_typed_options: bool = False) -> Answer:
        """What can be done; with options that are typed, also how."""
        return Answer(view=guide.help_text(heard.words, has_typed_options=has_typed_options))

    async def suggestions(self, said: Incoming, what: str, typed: str) -> tuple[Option, ...]:
        """What can be completed; nothing where something goes wrong."""
        try:
            heard = await self.hear(said)
            self.access.check_served(heard.said)
            return await self._suggestions.of(heard, what, typed)
        except (EngineError, StorageError):
            return ()

    async def remember_panel(self, said: Incoming, message: Message, about: str = "") -> None:
        """Notes that a message with controls is the panel of who said that: nobody else may change it.

        One `about` a revision is none of those: a reply to it goes on from there.
        """
        try:
            await self._actions.panels.remember(said, message, about)
        except StorageError as error:
            _log.warning("panel_not_remembered", chat_id=message.chat.chat_id, why=repr(error))

    # --- pressing -------------------------------------------------------------------------------------

    @_answered_to_all
    async def press(self, heard: Heard, press: Press, values: Sequence[str] = ()) -> Answer:
        """A button was pressed, or something chosen: then `values` are added to the press's arguments."""
        if press.action not in (Action.FORGET, Action.CLOSE):
            self.access.check_served(heard.said)
        return await self._actions.press(heard, replace(press, args=(*press.args, *values)))

    @_answered
    async def fill(self, heard: Heard, press: Press, filled: Filled) -> Answer:
        """A form came back; what it lacks stays as it is."""
        return await self._actions.fill(heard, press, filled)
