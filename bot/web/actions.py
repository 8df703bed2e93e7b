"""What happens when something is typed, clicked or opened on the page.

Each action streams the components that it changes. Whatever goes wrong is said in the conversation, in words.
This module knows no tensors and no SQL, only the studio.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import gradio as gr
import structlog

from bot.locks import lock_line, locked_in, locks_of
from bot.region_form import RegionForm, as_text, region_of, with_region, without_region
from bot.replies import Words
from bot.settings import Settings
from bot.web import markup, past
from bot.web.following import Following
from bot.web.forms import SettingsForm
from bot.web.layout import Parts
from bot.web.views import Updates, Views
from bot.web.visit import PLATFORM, Panel, Told, Visit
from bot.web.visitor import visitor_id
from canvas import Canvas, CanvasError
from engine.errors import Busy, EmptyPrompt, EngineError
from engine.log_context import about
from engine.metrics import count_error
from engine.orders import ENLARGEMENT
from engine.studio import Adopt, Compose, Order, Repaint, Studio
from storage.errors import StorageError
from storage.records import Revision
from storage.scene import Scene, SceneSettings
from storage.scene_file import read_scene

_Action = Callable[..., AsyncIterator[Updates]]
_REGION_FIELDS = len(fields(RegionForm))

_log = structlog.get_logger()


def _spoken(action: _Action) -> _Action:
    """Makes a handler of an action: the tab is brought up to date first, and follows what runs at last.

    Whatever goes wrong is said in the conversation. Gradio finds the request by its type.
    """

    async def spoken(
        self: "Actions", visit: Visit, request: gr.Request, *inputs: Any
    ) -> AsyncIterator[Updates]:
        async for updates in self.carry(action, visit, request, *inputs):
            yield updates

    return spoken


def _clicked(action: _Action) -> _Action:
    """Like `_spoken`, for an action that wants to know what in our own HTML was clicked."""

    async def clicked(
        self: "Actions", visit: Visit, request: gr.Request, event: gr.EventData, *inputs: Any
    ) -> AsyncIterator[Updates]:
        async for updates in self.carry(action, visit, request, event, *inputs):
            yield updates

    return clicked


class Actions:
    """The handlers of one page; the first argument of each is the visit of the tab that it is for."""

    def __init__(self, studio: Studio, settings: Settings, words: Words, parts: Parts) -> None:
        self.studio = studio
        self.settings = settings
        self.words = words
        self.parts = parts
        self.views = Views(words, parts)
        self.following = Following(studio, words, parts, self.views)
        self._built_with = settings.scene_settings(), settings.limits.count

    async def carry(
        self, action: _Action, visit: Visit, request: gr.Request, *inputs: Any
    ) -> AsyncIterator[Updates]:
        """Carries an action out, and shows what runs in the conversation until it has ended."""
        visit.visitor = visit.visitor or visitor_id(cast("Any", request).cookies)
        async for updates in self._said(visit, self._act(action, visit, *inputs)):
            yield updates
        async for updates in self._said(visit, self.following.follow(visit)):
            yield updates
        # Gradio sends the last one again at the end, when another action may have changed what it is about
        yield {self.parts.status: gr.update()}

    def trouble(self, visit: Visit, error: Exception) -> Updates:
        """Says what went wrong and what to do about it; what runs goes on, what is shown stays."""
        visit.say(past.failed(error, self.words))
        return self.views.talk(visit) if visit.turn_id else self.views.stopped(visit)

    # --- coming back ----------------------------------------------------------------------------------

    @_spoken
    async def open(self, visit: Visit) -> AsyncIterator[Updates]:
        """Shows the conversation so far, as whoever comes back left it, with the settings of today."""
        yield {**self._of_today(visit), **await self._moved(visit)}

    def _of_today(self, visit: Visit) -> Updates:
        """What is not as the page was built with; nothing else, for people may be choosing already."""
        picture, most = self.settings.scene_settings(), self.studio.limits_of(visit.person).count
        updates = self.views.settings(picture) if picture != self._built_with[0] else {}
        if most != self._built_with[1]:
            updates[self.parts.settings.count] = gr.update(info=f"1–{most}")
        return updates

    # --- making pictures ------------------------------------------------------------------------------

    @_spoken
    async def send(self, visit: Visit, prompt: str | None, *panel: Any) -> AsyncIterator[Updates]:
        """Composes what was typed: a new scene, or a change of the shown one."""
        yield await self._composed(visit, as_text(prompt), SettingsForm(*panel))

    @_clicked
    async def try_out(self, visit: Visit, event: gr.EventData, *panel: Any) -> AsyncIterator[Updates]:
        """Composes the sentence of a chip."""
        yield await self._composed(visit, str(event.prompt), SettingsForm(*panel))

    @_spoken
    async def repaint(self, visit: Visit, *panel: Any) -> AsyncIterator[Updates]:
        """Paints the shown scene with another seed, and with what else the settings panel says."""
        head = await self._head(visit)
        settings = SettingsForm(*panel).again(head.scene.settings, self.settings)
        order = Repaint(_new_id(), visit.conversation, visit.person, head.id, settings, self.words.language)
        yield await self._submitted(visit, order, self.words.text("Paint again"))

    @_spoken
    async def enlarge(self, visit: Visit) -> AsyncIterator[Updates]:
        """Paints the shown pictures once more, larger; in everything else they stay as they are."""
        head = await self._head(visit)
        settings = replace(head.scene.settings, high_resolution=ENLARGEMENT)
        order = Repaint(_new_id(), visit.conversation, visit.person, head.id, settings, self.words.language)
        yield await self._submitted(visit, order, self.words.text("Enlarge"))

    @_spoken
    async def apply_region(self, visit: Visit, index: int, *inputs: Any) -> AsyncIterator[Updates]:
        """Changes the chosen region to what the form says."""
        head = await self._head(visit)
        form, panel = RegionForm(*inputs[:_REGION_FIELDS]), SettingsForm(*inputs[_REGION_FIELDS:])
        old = region_of(head.scene.canvas, index)
        local = form.local_description(old)
        is_locked = lock_line(old.description) in visit.locks  # whatever it is called from now on
        lock = frozenset({lock_line(local.description)} if is_locked else ())
        said = self.words.text("Region changed: {name}", name=local.description)
        canvas = with_region(head.scene.canvas, index, local)
        settings = self._changed(head, canvas, visit.locks | lock, panel)
        updates = await self._adopted(visit, head, canvas, said, settings)
        visit.locks |= lock
        yield updates

    @_spoken
    async def add_region(self, visit: Visit, *inputs: Any) -> AsyncIterator[Updates]:
        """Adds the region that the form describes."""
        head = await self._head(visit)
        form, panel = RegionForm(*inputs[:_REGION_FIELDS]), SettingsForm(*inputs[_REGION_FIELDS:])
        local = form.local_description(None)
        said = self.words.text("Region added: {name}", name=local.description)
        index = len(head.scene.canvas.local_descriptions)
        canvas = with_region(head.scene.canvas, index, local)
        settings = self._changed(head, canvas, visit.locks, panel)
        updates = await self._adopted(visit, head, canvas, said, settings)
        visit.region = index
        yield updates

    @_spoken
    async def remove_region(self, visit: Visit, index: int, *panel: Any) -> AsyncIterator[Updates]:
        """Removes the chosen region."""
        head = await self._head(visit)
        said = self.words.text("Region removed: {name}", name=region_of(head.scene.canvas, index).description)
        canvas = without_region(head.scene.canvas, index)
        settings = self._changed(head, canvas, visit.locks, SettingsForm(*panel))
        updates = await self._adopted(visit, head, canvas, said, settings)
        visit.region = 0
        yield updates

    @_spoken
    async def open_scene(self, visit: Visit, path: str, *panel: Any) -> AsyncIterator[Updates]:
        """Starts a new scene from an uploaded file, with the file's settings as far as they can be used."""
        name = Path(path).name
        scene = await asyncio.to_thread(_read_upload, Path(path))
        settings = SettingsForm(*panel).scene_settings(self.settings)
        if scene.settings != SceneSettings():
            settings = replace(
                scene.settings,
                count=settings.count,
                composer=settings.composer,
                renderer=settings.renderer,
            )
        said = self.words.text("Opened: {name}", name=name)
        order = Adopt(
            _new_id(),
            visit.conversation,
            visit.person,
            scene.canvas,
            settings,
            prompt=said,
            language=self.words.language,
        )
        updates = await self._submitted(visit, order, said)
        visit.locks = locks_of(settings.locked)
        yield {**updates, **self.views.settings(settings)}

    # --- moving among the pictures --------------------------------------------------------------------

    @_clicked
    async def choose(self, visit: Visit, event: gr.EventData) -> AsyncIterator[Updates]:
        """Makes an earlier picture the shown one: the next words start from there."""
        _refuse_while_busy(visit)
        # the id comes from a browser: the store refuses those of other conversations
        await self.studio.store.move_head(visit.conversation, str(event.revision))
        yield await self._moved(visit)

    @_spoken
    async def undo(self, visit: Visit) -> AsyncIterator[Updates]:
        """Goes back to the picture that the shown one was made from."""
        _refuse_while_busy(visit)
        if await self.studio.undo(visit.conversation) is None:
            visit.say(Told(self.words.text("This is the first picture: there is nothing to undo.")))
        yield await self._moved(visit)

    @_spoken
    async def new_scene(self, visit: Visit) -> AsyncIterator[Updates]:
        """Starts over; the pictures so far stay in the history."""
        _refuse_while_busy(visit)
        if await self.studio.store.head(visit.conversation):
            await self.studio.store.move_head(visit.conversation, None)
            visit.say(Told(self.words.text("A new scene. The pictures so far stay in the history.")))
        visit.panel, visit.locks = "", frozenset()
        yield await self.following.at_rest(visit)

    @_spoken
    async def cancel(self, visit: Visit) -> AsyncIterator[Updates]:
        """Calls the running turn off; the action that follows its events shows what came of it."""
        yield {self.parts.status: markup.status(self.words.text("Cancelling …"))}
        if not visit.turn_id or not await self.studio.cancel(visit.turn_id, visit.person):
            yield self.views.stopped(visit)  # it had ended by itself

    # --- being forgotten ------------------------------------------------------------------------------

    @_spoken
    async def ask_to_forget(self, visit: Visit) -> AsyncIterator[Updates]:
        """Asks whether everything shall be removed."""
        del visit
        yield self.views.forgetting(is_asked=True)

    @_spoken
    async def keep(self, visit: Visit) -> AsyncIterator[Updates]:
        """Everything stays."""
        del visit
        yield self.views.forgetting(is_asked=False)

    @_spoken
    async def forget(self, visit: Visit) -> AsyncIterator[Updates]:
        """Removes everything of the visitor's, in this tab and in the store."""
        yield {**self.views.forgetting(is_asked=False), self.parts.status: markup.status("…")}
        await self.studio.forget(visit.person)
        visit.forget()
        visit.say(Told(self.words.text("Everything of yours has been removed.")))
        yield await self.following.at_rest(visit)

    # --- looking closer -------------------------------------------------------------------------------

    @_spoken
    async def toggle_regions(self, visit: Visit) -> AsyncIterator[Updates]:
        """Opens or closes the form of the regions."""
        yield await self._toggle(visit, "regions")

    @_spoken
    async def toggle_code(self, visit: Visit) -> AsyncIterator[Updates]:
        """Opens or closes the Canvas code."""
        yield await self._toggle(visit, "code")

    @_spoken
    async def toggle_history(self, visit: Visit) -> AsyncIterator[Updates]:
        """Opens or closes the version tree."""
        yield await self._toggle(visit, "history")

    @_spoken
    async def choose_region(self, visit: Visit, index: int) -> AsyncIterator[Updates]:
        """Fills the form with a region and shows where it lies."""
        visit.region = index
        head = await self._head(visit)
        yield {**self.views.region_fields(visit, head), **self.views.stage(visit, head)}

    @_spoken
    async def lock_region(self, visit: Visit, index: int, is_locked: bool) -> AsyncIterator[Updates]:  # noqa: FBT001 - as the checkbox says it
        """Keeps changes off a region, or lets them at it again."""
        head = await self._head(visit)
        line = lock_line(region_of(head.scene.canvas, index).description)
        visit.locks = visit.locks | {line} if is_locked else visit.locks - {line}
        yield {self.parts.regions.locked: is_locked}

    # --------------------------------------------------------------------------------------------------

    async def _said(self, visit: Visit, action: AsyncIterator[Updates]) -> AsyncIterator[Updates]:
        """The action's updates; whatever goes wrong in it becomes words."""
        try:
            async for updates in action:
                yield updates
        except (EngineError, StorageError, CanvasError) as error:
            count_error(error)
            yield self.trouble(visit, error)
        except Exception as error:  # noqa: BLE001 - the adapter's last resort: person and log both hear of it
            count_error(error)
            with about(visit.turn_id, visit.conversation):
                _log.exception("page_action_failed")
            yield self.trouble(visit, error)

    async def _act(self, action: _Action, visit: Visit, *inputs: Any) -> AsyncIterator[Updates]:
        if await self.following.catch_up(visit) and not visit.turn_id:
            yield await self.following.at_rest(visit)
        async for updates in action(self, visit, *inputs):
            yield updates

    async def _composed(self, visit: Visit, prompt: str, panel: SettingsForm) -> Updates:
        head = await self.studio.store.head(visit.conversation)
        settings = panel.scene_settings(self.settings)
        if head:
            settings = self._changed(head, head.scene.canvas, visit.locks, panel)
        parent_id = head.id if head else None
        order = Compose(
            _new_id(), visit.conversation, visit.person, prompt, settings, parent_id, self.words.language
        )
        return {**await self._submitted(visit, order, prompt.strip()), self.parts.prompt: ""}

    async def _adopted(
        self, visit: Visit, head: Revision, canvas: Canvas, said: str, settings: SceneSettings
    ) -> Updates:
        whose = (_new_id(), visit.conversation, visit.person)
        order = Adopt(*whose, canvas, settings, head.id, said, self.words.language)
        return await self._submitted(visit, order, said)

    def _changed(
        self, head: Revision, canvas: Canvas, locks: frozenset[str], panel: SettingsForm
    ) -> SceneSettings:
        """The settings for a change of a scene: as the panel says, as large as it is, and with its locks."""
        settings = panel.scene_settings(self.settings, head.scene.settings.seed)
        locked = locked_in(canvas, locks)
        return replace(settings, locked=locked, high_resolution=head.scene.settings.high_resolution)

    async def _submitted(self, visit: Visit, order: Order, said: str) -> Updates:
        """Submits the order, which the tab then follows; a refused one changes nothing on the page."""
        _refuse_while_busy(visit)
        visit.is_submitting = True
        try:
            await self.studio.submit(order)
        finally:
            visit.is_submitting = False
        visit.ask(order.turn_id, said)
        visit.turn_id = order.turn_id
        return self.views.talk(visit)

    async def _toggle(self, visit: Visit, panel: Panel) -> Updates:
        visit.panel = "" if visit.panel == panel else panel
        return await self.following.at_rest(visit)

    async def _moved(self, visit: Visit) -> Updates:
        """The tab at rest on another picture, with the settings panel at its size."""
        head = await self.studio.store.head(visit.conversation)
        panel = self.views.settings(head.scene.settings) if head else {}
        visit.locks = locks_of(head.scene.settings.locked) if head else frozenset()
        # at rest last: what another action says while this one waits must not be painted over
        return {**panel, **await self.following.at_rest(visit)}

    async def _head(self, visit: Visit) -> Revision:
        head = await self.studio.store.head(visit.conversation)
        if head is None:
            raise EmptyPrompt  # the buttons say so too: they are greyed
        return head


def _refuse_while_busy(visit: Visit) -> None:
    if visit.turn_id or visit.is_submitting:
        raise Busy


def _new_id() -> str:
    return f"{PLATFORM}:{uuid.uuid4().hex}"


def _read_upload(path: Path) -> Scene:
    """The scene in the browser's copy of a file, which is not kept."""
    try:
        return read_scene(path.read_bytes())
    finally:
        path.unlink(missing_ok=True)
