"""What each action does: the same for a command, a button and a form that came back.

Everything raises what goes wrong; `bot.chat.talk` puts it into words.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from bot.captions import title
from bot.chat import guide, looks, pictures
from bot.chat.access import Access
from bot.chat.heard import Heard
from bot.chat.messages import Messages
from bot.chat.preferences import Preferences
from bot.chat.presses import Action, Press, decode
from bot.chat.regions import Regions
from bot.chat.requests import Requests
from bot.chat.scene_options import NO_OPTIONS, Options
from bot.chat.subjects import Subject, Subjects, is_had_in
from bot.chat.views import NOTHING, Answer, FieldKind, Filled, Form, FormField
from bot.settings import Settings
from engine.errors import EmptyPrompt, NotYours
from engine.studio import Studio
from storage.errors import NotFound
from storage.records import ConversationKey, Post, PostKind, Revision, Turn, TurnStatus
from storage.scene import Scene

SHOWN_IN_HISTORY: Final = looks.MAX_OPTIONS
PROMPT: Final = "prompt"
"""The one field of the form that asks what shall change."""
PRESS, FIELD = "press", "field"
"""What a question's post notes: whose form it asks for, and which field of it."""
YES: Final = "yes"

_Pressed = Callable[[Heard, Press], Awaitable[Answer]]


class Actions:
    """What people do in the chats of one platform."""

    def __init__(self, studio: Studio, messages: Messages, settings: Settings, access: Access) -> None:
        self.subjects = Subjects(studio.store)
        self.preferences = Preferences(studio.store, settings, access)
        self._requests = Requests(studio, messages, settings, access, self.subjects)
        self.regions = Regions(self._requests, self.subjects)
        self._studio = studio
        self._store = studio.store
        self._messages = messages
        self._access = access
        self._by_press = self._table()

    # --- asking for pictures --------------------------------------------------------------------------

    async def compose(self, heard: Heard, prompt: str, options: Options) -> Answer:
        """A new scene, a change of what is replied to, or the answer to a question."""
        post = await self.subjects.message(heard.said)
        if post and post.kind is PostKind.QUESTION:
            return await self._reply(heard, post, prompt)
        subject = await self.subjects.shown(post) if post else None
        if subject is None:
            await self._requests.new_scene(heard, prompt, options)
            return heard.begun()
        return await self.refine(heard, await self._here(heard, subject), prompt, options)

    async def refine(self, heard: Heard, subject: Subject, prompt: str, options: Options) -> Answer:
        """A change of a picture."""
        await self._requests.refine(heard, subject, prompt, options)
        return heard.begun()

    async def repaint(self, heard: Heard, subject: Subject, options: Options) -> Answer:
        """A picture's scene, painted again."""
        await self._requests.repaint(heard, subject, options)
        return heard.begun()

    async def open_scene(self, heard: Heard, name: str, scene: Scene, options: Options) -> Answer:
        """A scene from elsewhere, painted here."""
        await self._requests.open_scene(heard, name, scene, options)
        return heard.begun()

    # --- moving among pictures ------------------------------------------------------------------------

    async def undo(self, heard: Heard, subject: Subject) -> Answer:
        """Back to what a picture was made from; nothing is ever deleted."""
        revision = subject.revision
        if revision.parent_id is None:
            return heard.answer(heard.words.text("This is the first picture: there is nothing to undo."))
        return await self._move(heard, await self._store.revision(revision.parent_id))

    async def go(self, heard: Heard, revision_id: str, options: Options) -> Answer:
        """On from a scene of this conversation; or with a copy of another one's.

        That is another topic's of this chat, or from elsewhere one's own or a favourite.

        Raises:
            NotFound: It is none of those.
        """
        revision = await self._store.revision(revision_id)
        if revision.conversation == heard.chat.conversation:
            return await self._move(heard, revision)
        if not await self._may_copy(heard, revision):
            raise NotFound("revision", revision_id)
        return await self.open_scene(heard, title(revision), revision.scene, options)

    async def history(self, heard: Heard, conversation: ConversationKey) -> Answer:
        """The tree of the conversation's pictures, to go on from one of them."""
        revisions = await self._store.history(conversation)
        if not revisions:
            raise EmptyPrompt
        head = await self._store.head(conversation)
        current_id = head.id if head else ""
        newest = revisions[-SHOWN_IN_HISTORY:]
        first_number = len(revisions) - len(newest) + 1
        small = await asyncio.to_thread(pictures.thumbnails, await self._paths(newest))
        tree = await asyncio.to_thread(pictures.tree, newest, small, current_id, first_number)
        is_spoiler = self._access.hides_pictures(heard.chat)
        view = looks.history(
            newest, current_id, tree, heard.words, first_number=first_number, is_spoiler=is_spoiler
        )
        return Answer(view=view)

    async def _move(self, heard: Heard, revision: Revision) -> Answer:
        """Makes a revision the one that the conversation goes on from, and shows it again."""
        await self._store.move_head(revision.conversation, revision.id)
        await self._messages.show(
            revision,
            heard.chat,
            key=heard.said.key,
            said=heard.said,
            language=heard.words.language,
            is_spoiler=self._access.hides_pictures(heard.chat),
        )
        return Answer(toast=heard.words.text("Now you go on from this picture."))

    async def _may_copy(self, heard: Heard, revision: Revision) -> bool:
        """Whether the person can see the revision."""
        if is_had_in(revision, heard.chat) or await self.subjects.author(revision) == heard.person:
            return True
        return await self._store.is_favourite(heard.person, revision.id)

    async def _paths(self, revisions: tuple[Revision, ...]) -> dict[str, Path]:
        """The files of the revisions' first pictures; of those that are still kept."""
        paths: dict[str, Path] = {}
        for revision in revisions:
            with suppress(NotFound):
                if revision.images:
                    paths[revision.id] = await self._store.image_path(revision.images[0].id)
        return paths

    # --- waiting --------------------------------------------------------------------------------------

    async def queue(self, heard: Heard) -> Answer:
        """Who waits, and how long."""
        return Answer(view=looks.queue(await self._studio.queue(), heard.person, heard.words))

    async def stats(self, heard: Heard) -> Answer:
        """What is open, and what requests take.

        Raises:
            NotModerator: Nobody else is told.
        """
        self._access.check_moderates(heard.speaker)
        open_turns, durations = await self._store.open_turns(), await self._store.durations()
        return Answer(view=guide.stats(open_turns, durations, heard.words))

    async def cancel(self, heard: Heard) -> Answer:
        """Calls off the request whose message is replied to, or the person's newest one here.

        Raises:
            NotYours: Somebody else asked for it.
        """
        turn = await self._running(heard)
        if turn is None:
            return heard.answer(heard.words.text("Nothing of yours is being worked on here."))
        self._access.check_may_end(heard.speaker, turn.person)
        if not await self._studio.cancel(turn.id):
            return Answer(toast=heard.words.text("It has ended already."))
        await self._messages.called_off(turn.id)
        return Answer(toast=heard.words.text("Cancelling …"))

    async def _running(self, heard: Heard) -> Turn | None:
        if heard.said.reply_to:
            return await self.subjects.turn(heard.said)
        turns = await self._store.turns(heard.chat.conversation)
        own = (turn for turn in reversed(turns) if turn.person == heard.person)
        return next((turn for turn in own if turn.status is TurnStatus.RUNNING), None)

    # --- pressing and filling in ----------------------------------------------------------------------

    async def press(self, heard: Heard, press: Press) -> Answer:
        """A button was pressed or something was chosen, which is then the last argument."""
        handler = self._by_press.get(press.action)
        return await self._spared(heard, await handler(heard, press)) if handler else NOTHING

    async def fill(self, heard: Heard, press: Press, filled: Filled) -> Answer:
        """A form came back; what it lacks stays as it is."""
        return await self._spared(heard, await self._filled(heard, press, filled))

    async def _filled(self, heard: Heard, press: Press, filled: Filled) -> Answer:
        match press.action:
            case Action.SETTINGS:
                return await self.preferences.set(heard, press.subject, filled)
            case Action.REFINE:
                prompt = filled.values.get(PROMPT, "")
                return await self.refine(heard, await self._subject(heard, press), prompt, NO_OPTIONS)
            case Action.REGION:
                return await self.regions.change(heard, await self._scene(heard, press), press, filled)
            case Action.ADD_REGION:
                return await self.regions.add(heard, await self._scene(heard, press), filled)
            case _:
                return NOTHING

    async def _spared(self, heard: Heard, answer: Answer) -> Answer:
        """The answer, which changes panels only: people can send any press from below any message."""
        if not (answer.removes or answer.replaces):
            return answer
        post = await self.subjects.message(heard.said)
        is_panel = post is None or post.kind in (PostKind.PANEL, PostKind.QUESTION)
        return answer if is_panel else replace(answer, removes=False, replaces=False)

    def _table(self) -> Mapping[Action, _Pressed]:
        return {
            Action.AGAIN: self._again,
            Action.VARY: self._vary,
            Action.ENLARGE: self._enlarge,
            Action.REFINE: self._ask_for_change,
            Action.REGIONS: self._choose_region,
            Action.REGION: self._region,
            Action.ADD_REGION: self._add_region,
            Action.REMOVE_REGION: self._remove_region,
            Action.LOCK_REGION: self._lock_region,
            Action.UNDO: self._undo,
            Action.HISTORY: self._history,
            Action.GO: self._go,
            Action.PLAN: self._plan,
            Action.FAVOURITE: self._favourite,
            Action.ORIGINAL: self._original,
            Action.CANCEL: self._cancel,
            Action.SETTINGS: self._settings,
            Action.FORGET: self._forget,
            Action.CLOSE: self._close,
        }

    async def _again(self, heard: Heard, press: Press) -> Answer:
        if press.subject:
            return await self.repaint(heard, await self._scene(heard, press), NO_OPTIONS)
        await self._requests.repeat(heard, await self.subjects.turn(heard.said))
        return heard.begun()

    async def _vary(self, heard: Heard, press: Press) -> Answer:
        await self._requests.vary(heard, await self._subject(heard, press))
        return heard.begun()

    async def _enlarge(self, heard: Heard, press: Press) -> Answer:
        await self._requests.enlarge(heard, await self._subject(heard, press))
        return heard.begun()

    async def _ask_for_change(self, heard: Heard, press: Press) -> Answer:
        subject = await self._subject(heard, press)
        press = replace(press, subject=subject.revision.id, args=(str(subject.index),))
        label = heard.words.text("Say what to change …")
        prompt = FormField(
            PROMPT, label, "", FieldKind.LINES, is_required=True, max_chars=self._studio.limits.prompt_chars
        )
        return Answer(form=Form(heard.words.text("Change the picture"), press, (prompt,)))

    async def _choose_region(self, heard: Heard, press: Press) -> Answer:
        answer = await self.regions.choose(heard, await self._scene(heard, press))
        return replace(answer, replaces=bool(press.args))

    async def _region(self, heard: Heard, press: Press) -> Answer:
        return await self.regions.show(heard, await self._scene(heard, press), press)

    async def _add_region(self, heard: Heard, press: Press) -> Answer:
        await self._scene(heard, press)
        return self.regions.ask_for_new(heard, press)

    async def _remove_region(self, heard: Heard, press: Press) -> Answer:
        return await self.regions.remove(heard, await self._scene(heard, press), press)

    async def _lock_region(self, heard: Heard, press: Press) -> Answer:
        return await self.regions.toggle_lock(heard, await self._scene(heard, press), press)

    async def _undo(self, heard: Heard, press: Press) -> Answer:
        return await self.undo(heard, await self._scene(heard, press))

    async def _history(self, heard: Heard, press: Press) -> Answer:
        conversation = heard.chat.conversation
        if press.subject:
            conversation = (await self._scene(heard, press)).revision.conversation
        return await self.history(heard, conversation)

    async def _go(self, heard: Heard, press: Press) -> Answer:
        return await self.go(heard, press.args[-1] if press.args else press.subject, NO_OPTIONS)

    async def _plan(self, heard: Heard, press: Press) -> Answer:
        revision = (await self._scene(heard, press)).revision
        settings, canvas = revision.scene.settings, revision.scene.canvas
        layout = await asyncio.to_thread(pictures.layout, canvas, settings.width_px, settings.height_px)
        return Answer(view=looks.plan(revision, layout, heard.words))

    async def _favourite(self, heard: Heard, press: Press) -> Answer:
        revision_id = (await self._scene(heard, press)).revision.id
        is_new = not await self._store.is_favourite(heard.person, revision_id)
        await self._store.set_favourite(heard.person, revision_id, is_new)
        if is_new:
            return Answer(toast=heard.words.text("⭐ One of your favourites now: /favourites shows them."))
        return Answer(toast=heard.words.text("No favourite any more."))

    async def _original(self, heard: Heard, press: Press) -> Answer:
        subject = await self._subject(heard, press)
        await self._messages.send_original(
            subject.revision,
            subject.index,
            heard.chat,
            key=heard.said.key,
            said=heard.said,
            is_spoiler=self._access.hides_pictures(heard.chat),
        )
        return NOTHING

    async def _cancel(self, heard: Heard, press: Press) -> Answer:
        del press
        if heard.said.reply_to is None:
            raise NotFound("turn", "-")
        return await self.cancel(heard)

    async def _settings(self, heard: Heard, press: Press) -> Answer:
        return await self.preferences.ask(heard, press.subject)

    async def _forget(self, heard: Heard, press: Press) -> Answer:
        if press.subject != heard.person.platform_id:
            raise NotYours
        if press.args[:1] != (YES,):
            return Answer(removes=True)
        await self._messages.forget(heard.person)
        said = looks.sentence(heard.words.text("Everything of yours has been removed."))
        return Answer(view=said, replaces=True)

    async def _close(self, heard: Heard, press: Press) -> Answer:
        del heard, press
        return Answer(removes=True)

    # --------------------------------------------------------------------------------------------------

    async def _reply(self, heard: Heard, question: Post, text: str) -> Answer:
        """The answer to a question: one field of a form."""
        if question.person not in (None, heard.person):
            raise NotYours
        press, field = decode(str(question.data.get(PRESS))), str(question.data.get(FIELD))
        return await self.fill(heard, press, Filled({field: text})) if press else NOTHING

    async def _here(self, heard: Heard, subject: Subject) -> Subject:
        return await self.subjects.of_chat(heard.chat, subject.revision.id, subject.index)

    async def _scene(self, heard: Heard, press: Press) -> Subject:
        """The revision that a press names, by its first picture; without a name, the message's."""
        if not press.subject:
            return await self.subjects.pointed_at(heard.said)
        return await self.subjects.of_chat(heard.chat, press.subject)

    async def _subject(self, heard: Heard, press: Press) -> Subject:
        """The picture that a press names: of a batch, its first argument says which."""
        if not press.subject:
            return await self.subjects.pointed_at(heard.said)
        try:
            index = press.number() if press.args else 0
        except ValueError:
            raise NotFound("image", press.args[0]) from None
        return await self.subjects.of_chat(heard.chat, press.subject, index)
