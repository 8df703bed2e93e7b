"""Requests: what was said or pressed becomes an order, and its message is opened.

Each method ends when the order is stored and its message is there, or on its way. The same key again starts
nothing new, but finishes what was cut off.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from bot.chat import scene_options
from bot.chat.access import Access
from bot.chat.heard import Heard
from bot.chat.messages import Messages
from bot.chat.platform import Chat, Incoming, TooLate
from bot.chat.preferences import Preferences
from bot.chat.scene_options import Options
from bot.chat.subjects import Subject, Subjects
from bot.locks import locked_in
from bot.region_form import shortened
from bot.settings import Settings
from canvas import Canvas
from engine.orders import from_turn
from engine.studio import Adopt, Compose, Order, Repaint, Studio
from storage.errors import NotFound
from storage.records import ConversationKey, PersonKey, PostKind, Turn, TurnStatus
from storage.scene import Scene, SceneSettings

HINTED: Final = "hinted"
"""Among a person's preferences: that they have been told how a picture is changed."""

_Whose = tuple[str, ConversationKey, PersonKey]


class Requests:
    """Makes orders and submits them."""

    def __init__(  # noqa: PLR0917 - its parts
        self,
        studio: Studio,
        messages: Messages,
        settings: Settings,
        access: Access,
        subjects: Subjects,
        preferences: Preferences,
    ) -> None:
        self._studio = studio
        self._store = studio.store
        self._messages = messages
        self._settings = settings
        self._access = access
        self._subjects = subjects
        self._preferences = preferences

    async def new_scene(self, heard: Heard, prompt: str, options: Options) -> None:
        """Composes a scene from nothing."""

        async def order() -> Order:
            settings = await self._fresh(heard, options)
            return Compose(*_whose(heard), prompt, settings, None, heard.words.language)

        await self._request(heard, order, with_hint=await self._lacks_hint(heard))

    async def refine(self, heard: Heard, subject: Subject, prompt: str, options: Options) -> None:
        """Changes a scene as the words say."""

        async def order() -> Order:
            settings = await self._kept(subject, options)
            revision = subject.revision
            return Compose(*_whose(heard, subject), prompt, settings, revision.id, heard.words.language)

        await self._request(heard, order, subject)

    async def repaint(self, heard: Heard, subject: Subject, options: Options) -> None:
        """Paints a scene again, with a new seed unless one is named."""
        if options.seed is None:
            options = replace(options, seed=scene_options.new_seed())
        await self._repaint(heard, subject, options, lambda settings: settings)

    async def again(self, heard: Heard, subject: Subject) -> None:
        """Paints a scene again with new seeds: as many pictures as there were, or as the person may have."""
        count = min(subject.revision.scene.settings.count, self._most(heard))
        await self.repaint(heard, subject, Options(count=count))

    async def vary(self, heard: Heard, subject: Subject) -> None:
        """Paints neighbours of a picture."""
        most = self._most(heard)
        await self._repaint(heard, subject, Options(), lambda kept: scene_options.varied(kept, most))

    async def enlarge(self, heard: Heard, subject: Subject) -> None:
        """Paints a picture once more, larger.

        Raises:
            BadSetting: It is as large as it can be.
        """
        await self._repaint(heard, subject, Options(), scene_options.enlarged)

    async def repeat(self, heard: Heard, turn: Turn) -> None:
        """Asks for the very same once more."""

        async def order() -> Order:
            turn_id, _, person = _whose(heard)
            whose = {"turn_id": turn_id, "conversation": turn.conversation, "person": person}
            return replace(from_turn(turn), **whose, language=heard.words.language)

        if turn.parent_id is not None:
            parent = await self._subjects.of_chat(heard.chat, turn.parent_id)
            await self._request(heard, order, parent)
        else:
            await self._request(heard, order)

    async def adopt(
        self, heard: Heard, subject: Subject, canvas: Canvas, prompt: str, locks: frozenset[str]
    ) -> None:
        """Paints a scene that was changed by hand; the locks name regions of either scene."""

        async def order() -> Order:
            settings = replace(await self._kept(subject, Options()), locked=locked_in(canvas, locks))
            parent_id = subject.revision.id
            return Adopt(*_whose(heard, subject), canvas, settings, parent_id, prompt, heard.words.language)

        await self._request(heard, order, subject)

    async def open_scene(
        self, heard: Heard, name: str, scene: Scene, options: Options, prompt: str = ""
    ) -> None:
        """Starts from a scene that comes from elsewhere, with its settings, if it has any.

        With words it is changed as they say before it is painted.
        """

        async def order() -> Order:
            if scene.settings == SceneSettings():
                settings = await self._fresh(heard, options)
            else:
                settings = scene_options.kept(scene.settings, scene.settings.seed, self._settings, options)
            if prompt:
                return Compose(*_whose(heard), prompt, settings, None, heard.words.language, scene.canvas)
            opened = heard.words.text("Opened: {name}", name=shortened(name))
            return Adopt(*_whose(heard), scene.canvas, settings, None, opened, heard.words.language)

        await self._request(heard, order)

    async def check_may_branch(self, heard: Heard, subject: Subject) -> None:
        """Raises `NotYours` where the person may not go on from the subject."""
        self._access.check_may_branch(heard.speaker, await self._subjects.author(subject.revision))

    async def _repaint(
        self,
        heard: Heard,
        subject: Subject,
        options: Options,
        changed: Callable[[SceneSettings], SceneSettings],
    ) -> None:
        async def order() -> Order:
            settings = changed(await self._kept(subject, options))
            revision = subject.revision
            return Repaint(*_whose(heard, subject), revision.id, settings, heard.words.language)

        await self._request(heard, order, subject)

    async def _request(
        self,
        heard: Heard,
        order: Callable[[], Awaitable[Order]],
        subject: Subject | None = None,
        *,
        with_hint: bool = False,
    ) -> None:
        """Submits the order, unless the same was asked for before, and opens its message.

        Raises:
            NotYours: The person may not go on from the subject.
            TooLate: The chat cannot be answered any more when it is done.
            NotPermitted: No picture can be shown there.
        """
        if not await self._is_begun(heard):
            if subject:
                await self.check_may_branch(heard, subject)
            heard.chat.check_shows_pictures()
            asked = await order()
            await self._check_in_time(heard.chat, asked.settings.count)
            await self._studio.submit(asked, heard.speaker.roles)
        await self._messages.open(
            heard.said.key,
            heard.chat,
            said=await self._answered_beside(heard.said, subject),
            language=heard.words.language,
            is_spoiler=self._access.hides_pictures(heard.chat),
            with_hint=with_hint,
        )
        if with_hint:
            await self._store.set_preferences(heard.person, **{HINTED: True})

    async def _lacks_hint(self, heard: Heard) -> bool:
        """Whether somebody who begins anew, alone with the bot, may not know how a picture is changed."""
        if not heard.chat.is_private or await self._store.head(heard.chat.conversation) is None:
            return False
        return not (await self._store.preferences(heard.person)).get(HINTED)

    async def _answered_beside(self, said: Incoming, subject: Subject | None) -> Incoming:
        """What is said in a panel, which may go away, is answered beside the picture that it changes."""
        pressed = said.reply_to
        if subject is None or pressed is None or said.message_id not in ("", pressed.message_id):
            return said
        post = await self._subjects.message(said)
        if post and post.kind in (PostKind.RESULT, PostKind.PICTURE):
            return said
        return replace(said, message_id=await self._subjects.beside(said.chat, subject))

    async def _check_in_time(self, chat: Chat, count: int) -> None:
        """Raises `TooLate` where the chat can be answered for a while only, and that is too short."""
        if not chat.answers_for_s:
            return
        durations = await self._store.durations()
        waiting_s = max((one.wait_s or 0 for one in await self._studio.queue()), default=0)
        wait_s = waiting_s + (durations.compose_s or 0) + count * (durations.picture_s or 0)
        if wait_s > chat.answers_for_s:
            raise TooLate(wait_s)

    def _most(self, heard: Heard) -> int:
        """How many pictures the person may ask for at once."""
        return self._studio.limits_of(heard.person, heard.speaker.roles).count

    async def _is_begun(self, heard: Heard) -> bool:
        """Whether this was heard before: its job is there, or is started now."""
        try:
            turn = await self._store.turn(heard.said.key)
        except NotFound:
            return False
        if turn.status is TurnStatus.RUNNING:  # perhaps stored, and cut off before its job was started
            await self._studio.submit(from_turn(turn), heard.speaker.roles)
        return True

    async def _fresh(self, heard: Heard, options: Options) -> SceneSettings:
        settings = scene_options.new_scene(self._settings, options, *await self._preferences.of_scene(heard))
        scene_options.check_named(options, settings)
        return settings

    async def _kept(self, subject: Subject, options: Options) -> SceneSettings:
        revision = subject.revision
        seed = scene_options.seed_of(revision, subject.index)
        settings = scene_options.kept(revision.scene.settings, seed, self._settings, options)
        scene_options.check_named(options, settings)
        locks = await self._subjects.locks(revision)
        return replace(settings, locked=locked_in(revision.scene.canvas, locks))


def _whose(heard: Heard, subject: Subject | None = None) -> _Whose:
    """The key, conversation and person of an order; what starts from a revision stays where that is."""
    conversation = subject.revision.conversation if subject else heard.chat.conversation
    return heard.said.key, conversation, heard.person
