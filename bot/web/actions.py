"""What happens when something is typed, clicked or opened on the page.

Each action streams the components that it changes. Whatever goes wrong is said in the conversation, in words.
This module knows no tensors and no SQL, only the studio.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import fields, replace
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr
import structlog

from bot.replies import Words
from bot.settings import Settings
from bot.web import forms, markup
from bot.web.forms import RegionForm, SettingsForm
from bot.web.layout import Parts
from bot.web.progress import Progress
from bot.web.views import Updates, Views
from bot.web.visit import PLATFORM, Answered, Asked, Panel, Told, Visit
from canvas import Canvas, CanvasError, LocalDescription
from engine.errors import Busy, EmptyPrompt, EngineError
from engine.events import Cancelled, Done, Failed
from engine.studio import Adopt, Compose, Order, Repaint, Studio
from storage.errors import NotFound, StorageError
from storage.scene import Scene, SceneSettings
from storage.scene_file import read_scene
from storage.store import Revision

_Action = Callable[..., AsyncIterator[Updates]]
_REGION_FIELDS = len(fields(RegionForm))

_log = structlog.get_logger()


def _spoken(action: _Action) -> _Action:
    """Whatever goes wrong in the action is said in the conversation."""

    @wraps(action)
    async def spoken(self: "Actions", visit: Visit, *inputs: Any) -> AsyncIterator[Updates]:
        try:
            async for updates in action(self, visit, *inputs):
                yield updates
        except (EngineError, StorageError, CanvasError) as error:
            yield self.trouble(visit, error)
        except Exception as error:  # noqa: BLE001 - the adapter's last resort: person and log both hear of it
            _log.exception("page_action_failed", action=action.__name__)
            yield self.trouble(visit, error)

    return spoken


class Actions:
    """The handlers of one page; the first argument of each is the visit of the tab that it is for."""

    def __init__(self, studio: Studio, settings: Settings, words: Words, parts: Parts) -> None:
        self.studio = studio
        self.settings = settings
        self.words = words
        self.parts = parts
        self.views = Views(words, parts)

    def trouble(self, visit: Visit, error: Exception) -> Updates:
        """Says what went wrong and what to do about it; what runs goes on, what is shown stays."""
        visit.say(Told(self.words.error(error), is_trouble=True))
        return self.views.talk(visit) if visit.turn_id else self.views.stopped(visit)

    # --- making pictures ------------------------------------------------------------------------------

    @_spoken
    async def send(self, visit: Visit, prompt: str, *panel: Any) -> AsyncIterator[Updates]:
        """Composes what was typed: a new scene, or a change of the shown one."""
        async for updates in self._compose(visit, prompt, SettingsForm(*panel)):
            yield updates

    @_spoken
    async def try_out(self, visit: Visit, event: gr.EventData, *panel: Any) -> AsyncIterator[Updates]:
        """Composes the sentence of a chip."""
        async for updates in self._compose(visit, str(event.prompt), SettingsForm(*panel)):
            yield updates

    @_spoken
    async def repaint(self, visit: Visit, *panel: Any) -> AsyncIterator[Updates]:
        """Paints the shown scene with another seed, and with what else the settings panel says."""
        head = await self._head(visit)
        settings = SettingsForm(*panel).again(head.scene.settings, self.settings)
        order = Repaint(_new_id(), visit.conversation, head.id, settings, self.words.language)
        async for updates in self._carry_out(visit, order, self.words.text("Paint again")):
            yield updates

    @_spoken
    async def apply_region(self, visit: Visit, index: int, *inputs: Any) -> AsyncIterator[Updates]:
        """Changes the chosen region to what the form says."""
        head = await self._head(visit)
        form, panel = RegionForm(*inputs[:_REGION_FIELDS]), SettingsForm(*inputs[_REGION_FIELDS:])
        local = form.local_description(_region(head, index))
        said = self.words.text("Region changed: {name}", name=local.description)
        canvas = forms.with_region(head.scene.canvas, index, local)
        async for updates in self._adopt(visit, head, canvas, said, panel):
            yield updates

    @_spoken
    async def add_region(self, visit: Visit, *inputs: Any) -> AsyncIterator[Updates]:
        """Adds the region that the form describes."""
        head = await self._head(visit)
        form, panel = RegionForm(*inputs[:_REGION_FIELDS]), SettingsForm(*inputs[_REGION_FIELDS:])
        local = form.local_description(None)
        said = self.words.text("Region added: {name}", name=local.description)
        visit.region = len(head.scene.canvas.local_descriptions)
        canvas = forms.with_region(head.scene.canvas, visit.region, local)
        async for updates in self._adopt(visit, head, canvas, said, panel):
            yield updates

    @_spoken
    async def remove_region(self, visit: Visit, index: int, *panel: Any) -> AsyncIterator[Updates]:
        """Removes the chosen region."""
        head = await self._head(visit)
        said = self.words.text("Region removed: {name}", name=_region(head, index).description)
        visit.region = 0
        canvas = forms.without_region(head.scene.canvas, index)
        async for updates in self._adopt(visit, head, canvas, said, SettingsForm(*panel)):
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
        order = Adopt(_new_id(), visit.conversation, scene.canvas, settings, None, said, self.words.language)
        async for updates in self._carry_out(visit, order, said):
            yield updates
        yield self.views.size(settings)

    # --- moving among the pictures --------------------------------------------------------------------

    @_spoken
    async def choose(self, visit: Visit, event: gr.EventData) -> AsyncIterator[Updates]:
        """Makes an earlier picture the shown one: the next words start from there."""
        _refuse_while_busy(visit)
        # the id comes from a browser: the store refuses those of other conversations
        await self.studio.store.move_head(visit.conversation, str(event.revision))
        yield {**await self._at_rest(visit), **await self._size_of_head(visit)}

    @_spoken
    async def undo(self, visit: Visit) -> AsyncIterator[Updates]:
        """Goes back to the picture that the shown one was made from."""
        _refuse_while_busy(visit)
        if await self.studio.undo(visit.conversation) is None:
            visit.say(Told(self.words.text("This is the first picture: there is nothing to undo.")))
        yield {**await self._at_rest(visit), **await self._size_of_head(visit)}

    @_spoken
    async def new_scene(self, visit: Visit) -> AsyncIterator[Updates]:
        """Starts over; the pictures so far stay in the history."""
        _refuse_while_busy(visit)
        if await self.studio.store.head(visit.conversation):
            await self.studio.store.move_head(visit.conversation, None)
            visit.say(Told(self.words.text("A new scene. The pictures so far stay in the history.")))
        visit.panel = ""
        yield await self._at_rest(visit)

    @_spoken
    async def cancel(self, visit: Visit) -> AsyncIterator[Updates]:
        """Calls the running turn off; the action that follows its events shows what came of it."""
        yield {self.parts.status: markup.status(self.words.text("Cancelling …"))}
        if not await self.studio.cancel(visit.turn_id):
            yield self.views.stopped(visit)  # it had ended by itself

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
        yield {**self.views.region_fields(visit, head.scene.canvas), **self.views.stage(visit, head)}

    # --------------------------------------------------------------------------------------------------

    async def _compose(self, visit: Visit, prompt: str, panel: SettingsForm) -> AsyncIterator[Updates]:
        head = await self.studio.store.head(visit.conversation)
        seed, parent_id = (head.scene.settings.seed, head.id) if head else (None, None)
        settings = panel.scene_settings(self.settings, seed)
        order = Compose(_new_id(), visit.conversation, prompt, settings, parent_id, self.words.language)
        async for updates in self._carry_out(visit, order, prompt.strip()):
            yield updates

    async def _adopt(
        self, visit: Visit, head: Revision, canvas: Canvas, said: str, panel: SettingsForm
    ) -> AsyncIterator[Updates]:
        settings = panel.scene_settings(self.settings, head.scene.settings.seed)
        order = Adopt(_new_id(), visit.conversation, canvas, settings, head.id, said, self.words.language)
        async for updates in self._carry_out(visit, order, said):
            yield updates

    async def _carry_out(self, visit: Visit, order: Order, said: str) -> AsyncIterator[Updates]:
        """Submits the order and shows its events; a refused order changes nothing on the page."""
        await self.studio.submit(order)
        visit.say(Asked(said))
        visit.turn_id = order.turn_id
        try:
            async for updates in self._follow(visit, order):
                yield updates
        finally:
            visit.turn_id = ""
        yield await self._at_rest(visit)

    async def _follow(self, visit: Visit, order: Order) -> AsyncIterator[Updates]:
        progress = Progress(self.words, order.settings.count)
        prompt = order.prompt if isinstance(order, Compose) else ""
        yield self.views.started(visit, progress, takes_prompt=bool(prompt))
        async with aclosing(self.studio.events(order.turn_id)) as events:
            async for event in events:
                if isinstance(event, Done | Failed | Cancelled):
                    yield self._ended(visit, event, prompt)
                elif progress.note(event):
                    yield await self._progress(progress)

    def _ended(self, visit: Visit, end: Done | Failed | Cancelled, prompt: str) -> Updates:
        """Says how it ended; words that came to nothing go back into their box."""
        match end:
            case Done(turn, revision, changes):
                visit.say(Answered(revision, turn.remark, changes))
                prompt = ""
            case Failed(error):
                visit.say(Told(self.words.error(error), is_trouble=True))
            case Cancelled():
                visit.say(Told(self.words.text("Cancelled.")))
        return {self.parts.returned: prompt}

    async def _progress(self, progress: Progress) -> Updates:
        image = progress.taken_image()
        stage = await asyncio.to_thread(self.views.preview, image) if image else None
        return self.views.progress(progress, stage)

    async def _toggle(self, visit: Visit, panel: Panel) -> Updates:
        visit.panel = "" if visit.panel == panel else panel
        return await self._at_rest(visit)

    async def _at_rest(self, visit: Visit) -> Updates:
        store = self.studio.store
        head, history = await store.head(visit.conversation), await store.history(visit.conversation)
        return self.views.at_rest(visit, head, history)

    async def _size_of_head(self, visit: Visit) -> Updates:
        head = await self.studio.store.head(visit.conversation)
        return self.views.size(head.scene.settings) if head else {}

    async def _head(self, visit: Visit) -> Revision:
        head = await self.studio.store.head(visit.conversation)
        if head is None:
            raise EmptyPrompt  # the buttons say so too: they are greyed
        return head


def _refuse_while_busy(visit: Visit) -> None:
    if visit.turn_id:
        raise Busy


def _region(revision: Revision, index: int) -> LocalDescription:
    locals_ = revision.scene.canvas.local_descriptions
    if index not in range(len(locals_)):
        raise NotFound("region", str(index))
    return locals_[index]


def _new_id() -> str:
    return f"{PLATFORM}:{uuid.uuid4().hex}"


def _read_upload(path: Path) -> Scene:
    """The scene in the browser's copy of a file, which is not kept."""
    try:
        return read_scene(path.read_bytes())
    finally:
        path.unlink(missing_ok=True)
