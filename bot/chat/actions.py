"""What each action does: the same for a command, a button and a form that came back.

Everything raises what goes wrong; `bot.chat.talk` puts it into words.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from bot.chat import guide, looks, overviews, pictures
from bot.chat.access import Access
from bot.chat.heard import Heard
from bot.chat.messages import Messages
from bot.chat.moving import Moving
from bot.chat.panels import Panels, is_panel
from bot.chat.preferences import Preferences
from bot.chat.presses import Action, Press, decode
from bot.chat.regions import Regions
from bot.chat.requests import Requests
from bot.chat.scene_options import NO_OPTIONS, Options
from bot.chat.small_talk import small_talk
from bot.chat.subjects import Subject, Subjects
from bot.chat.views import NOTHING, Answer, FieldKind, Filled, Form, FormField
from bot.settings import Settings
from engine.errors import NotYours
from engine.measuring import failures_today
from engine.studio import Studio
from storage.errors import NotAScene, NotFound
from storage.records import Post, PostKind, Turn, TurnStatus
from storage.room import room
from storage.scene import Scene
from storage.scene_file import read_scene

PROMPT: Final = "prompt"
"""The one field of the form that asks what shall change."""
PRESS, FIELD = "press", "field"
"""What a question's post notes: whose form it asks for, and which field of it."""

_Pressed = Callable[[Heard, Press], Awaitable[Answer]]


class Actions:
    """What people do in the chats of one platform."""

    def __init__(self, studio: Studio, messages: Messages, settings: Settings, access: Access) -> None:
        self.subjects = Subjects(studio.store)
        self.preferences = Preferences(studio.store, settings, access)
        self.panels = Panels(studio.store, access)
        self._requests = Requests(studio, messages, settings, access, self.subjects, self.preferences)
        self.regions = Regions(studio.store, self._requests, self.subjects)
        self.moving = Moving(studio.store, messages.reposts, access, self.subjects, self._requests)
        self._studio = studio
        self._store = studio.store
        self._messages = messages
        self._access = access
        self._data_dir = settings.data_dir
        self._by_press = self._table()

    # --- asking for pictures --------------------------------------------------------------------------

    async def compose(self, heard: Heard, prompt: str, options: Options) -> Answer:
        """A new scene, a change or its undoing, or the answer to a question or a greeting."""
        post = await self.subjects.message(heard.said)
        if post and post.kind is PostKind.QUESTION:
            return await self._reply(heard, post, prompt)
        match small_talk(prompt):
            case "hello":
                return Answer(view=guide.hello(heard.words))
            case "thanks":
                return Answer(view=guide.thanks(heard.words))
            case "undo":
                return await self.moving.undo(heard, await self.subjects.meant(heard.said))
            case None:
                pass
        subject = await self.subjects.shown(post) if post else None
        if subject is None:
            await self._requests.new_scene(heard, prompt, options)
            return heard.begun()
        return await self.refine(heard, await self._here(heard, subject), prompt, options)

    async def refine(self, heard: Heard, subject: Subject, prompt: str, options: Options) -> Answer:
        """A change of a picture, or it taken back; without words, the form that asks for them."""
        if not prompt.strip():
            return self._form_of_change(heard, subject)
        if small_talk(prompt) == "undo":
            return await self.moving.undo(heard, subject)
        await self._requests.refine(heard, subject, prompt, options)
        return heard.begun()

    async def repaint(self, heard: Heard, subject: Subject, options: Options) -> Answer:
        """A picture's scene, painted again."""
        await self._requests.repaint(heard, subject, options)
        return heard.begun()

    async def open_file(
        self, heard: Heard, name: str, content: bytes | None, options: Options, prompt: str
    ) -> Answer:
        """A scene from elsewhere, painted here, changed as the words say; of no scene, the words alone.

        Raises:
            NotAScene: The file holds none, and there are no words.
        """
        try:
            scene = await asyncio.to_thread(_scene_of, content)
        except NotAScene:
            if not prompt:
                raise
            answer = await self.compose(heard, prompt, options)
            unread = heard.words.text("There is no scene in the file, so I go by your words alone.")
            return answer if answer.view or answer.form else replace(answer, view=looks.sentence(unread))
        await self._requests.open_scene(heard, name, scene, options, prompt)
        return heard.begun()

    # --- waiting --------------------------------------------------------------------------------------

    async def queue(self, heard: Heard) -> Answer:
        """Who waits, and how long."""
        return Answer(view=overviews.queue(await self._studio.queue(), heard.person, heard.words))

    async def stats(self, heard: Heard) -> Answer:
        """What is open, what requests take, what went wrong today, and how much room is left.

        Raises:
            NotModerator: Nobody else is told.
        """
        self._access.check_moderates(heard.speaker)
        open_turns, durations = await self._store.open_turns(), await self._store.durations()
        failures = await failures_today(self._store)
        taken = await asyncio.to_thread(room, self._data_dir)
        return Answer(view=guide.stats(open_turns, durations, failures, taken, heard.words))

    async def cancel(self, heard: Heard) -> Answer:
        """Calls off the request whose message is replied to, or the person's newest one here.

        Raises:
            NotYours: Somebody else asked for it.
        """
        turn = await self._running(heard)
        if turn is None:
            return heard.answer(heard.words.text("Nothing of yours is being worked on here."))
        return await self._called_off(heard, turn)

    async def _called_off(self, heard: Heard, turn: Turn) -> Answer:
        self._access.check_may_end(heard.speaker, turn.person)
        if not await self._studio.cancel(turn.id):
            return Answer(toast=heard.words.text("It has ended already."))
        await self._messages.called_off(turn.id)
        return Answer(toast=heard.words.text("Cancelled."))

    async def _running(self, heard: Heard) -> Turn | None:
        if heard.said.reply_to:
            return await self.subjects.turn(heard.said)
        turns = await self._store.turns(heard.chat.conversation)
        own = (turn for turn in reversed(turns) if turn.person == heard.person)
        return next((turn for turn in own if turn.status is TurnStatus.RUNNING), None)

    # --- pressing and filling in ----------------------------------------------------------------------

    async def press(self, heard: Heard, press: Press) -> Answer:
        """A button was pressed or something was chosen, which is then the last argument.

        Raises:
            NotYours: It stands in somebody else's panel.
        """
        pressed = await self._pressed(heard, press)
        handler = self._by_press.get(press.action)
        return _spared(await handler(heard, press), pressed) if handler else NOTHING

    async def fill(self, heard: Heard, press: Press, filled: Filled) -> Answer:
        """A form came back; what it lacks stays as it is.

        Raises:
            NotYours: It is of somebody else's panel.
        """
        pressed = await self._pressed(heard, press)
        return _spared(await self._filled(heard, press, filled), pressed)

    async def _pressed(self, heard: Heard, press: Press) -> Post | None:
        """What is known of the message that was pressed; raises `NotYours` for somebody else's panel."""
        pressed = await self.subjects.message(heard.said)
        self.panels.check(heard, pressed, press.action)
        return pressed

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
            await self._requests.again(heard, await self._scene(heard, press))
        else:
            await self._requests.repeat(heard, await self.subjects.turn(heard.said))
        return heard.begun()

    async def _vary(self, heard: Heard, press: Press) -> Answer:
        await self._requests.vary(heard, await self._subject(heard, press))
        return heard.begun()

    async def _enlarge(self, heard: Heard, press: Press) -> Answer:
        await self._requests.enlarge(heard, await self._subject(heard, press))
        return heard.begun()

    async def _ask_for_change(self, heard: Heard, press: Press) -> Answer:
        return self._form_of_change(heard, await self._subject(heard, press))

    def _form_of_change(self, heard: Heard, subject: Subject) -> Answer:
        """Asks what shall change."""
        press = Press(Action.REFINE, subject.revision.id, (str(subject.index),))
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
        return await self.moving.undo(heard, await self._scene(heard, press))

    async def _go(self, heard: Heard, press: Press) -> Answer:
        return await self.moving.go(heard, press.args[-1] if press.args else press.subject, NO_OPTIONS)

    async def _plan(self, heard: Heard, press: Press) -> Answer:
        revision = (await self._scene(heard, press)).revision
        settings, canvas = revision.scene.settings, revision.scene.canvas
        layout = await asyncio.to_thread(pictures.layout, canvas, settings.width_px, settings.height_px)
        return Answer(view=overviews.plan(revision, layout, heard.words))

    async def _favourite(self, heard: Heard, press: Press) -> Answer:
        return await self.moving.toggle_favourite(heard, (await self._scene(heard, press)).revision)

    async def _original(self, heard: Heard, press: Press) -> Answer:
        return await self.moving.send_original(heard, await self._subject(heard, press))

    async def _cancel(self, heard: Heard, press: Press) -> Answer:
        if not press.subject:
            return await self._called_off(heard, await self.subjects.turn(heard.said))
        turn_id = ":".join((press.subject, *press.args))
        return await self._called_off(heard, await self.subjects.turn_of_chat(heard.chat, turn_id))

    async def _settings(self, heard: Heard, press: Press) -> Answer:
        return await self.preferences.ask(heard, press.subject)

    async def _forget(self, heard: Heard, press: Press) -> Answer:
        if press.subject != heard.person.platform_id:
            raise NotYours
        if press.args[:1] != (looks.YES,):
            return Answer(removes=True)
        left = await self._messages.forget(heard.person, keep=heard.said.reply_to)
        said = heard.words.text("Everything of yours has been removed.")
        if left:
            said += " " + heard.words.count(
                "{number} message of mine stays in the chats: you can ask to have it deleted there.",
                "{number} messages of mine stay in the chats: you can ask to have them deleted there.",
                left,
            )
        return Answer(view=looks.sentence(said), replaces=True)

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


def _scene_of(content: bytes | None) -> Scene:
    if content is None:
        raise NotAScene("too-large")
    return read_scene(content)


def _spared(answer: Answer, pressed: Post | None) -> Answer:
    """The answer, which changes panels only."""
    return answer if is_panel(pressed) else replace(answer, removes=False, replaces=False)
