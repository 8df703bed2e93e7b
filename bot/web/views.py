"""How things look after an action: values as updates of the page's components.

This module decides nothing and asks nobody; what it is given, it shows.
"""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.blocks import Block
from PIL import Image

from bot.locks import lock_line
from bot.progress import Progress
from bot.region_form import NEW_REGION, RegionForm, region_choices
from bot.replies import Words
from bot.web import markup
from bot.web.layout import Parts
from bot.web.tree import tree
from bot.web.visit import Panel, Visit
from canvas import write
from engine.backends import DIFFUSION
from engine.orders import ENLARGEMENT
from storage.records import Revision
from storage.scene import SceneSettings

Updates = dict[Block, Any]
"""Components with their new values or properties."""


class Views:
    """Updates of one page's components."""

    def __init__(self, words: Words, parts: Parts) -> None:
        self.words = words
        self.parts = parts

    def talk(self, visit: Visit) -> Updates:
        """The conversation."""
        return {self.parts.transcript: markup.transcript(visit.entries, self.words)}

    def started(self, visit: Visit, progress: Progress) -> Updates:
        """A turn runs: there is something to see, and something to cancel."""
        parts = self.parts
        return {
            **self.talk(visit),
            **self.progress(progress, None),
            parts.chips: "",
            parts.cancel: gr.update(visible=True),
            parts.writing: gr.update(visible=True, open=False),
            parts.buttons: gr.update(visible=False),
            parts.regions.group: gr.update(visible=False),
            parts.code.group: gr.update(visible=False),
            parts.history.group: gr.update(visible=False),
        }

    def progress(self, progress: Progress, preview: str | None) -> Updates:
        """A turn goes on; the stage changes where there is a new preview for it."""
        updates: Updates = {
            self.parts.status: markup.status(progress.sentence, progress.share),
            self.parts.written: progress.code,
        }
        return updates if preview is None else {**updates, self.parts.stage: preview}

    def preview(self, image: Image.Image) -> str:
        """The stage with an unfinished picture; slow enough to be done in a thread."""
        return markup.preview(image, self.words)

    def stopped(self, visit: Visit) -> Updates:
        """Nothing runs, and nothing else is known: the conversation alone."""
        parts = self.parts
        return {
            **self.talk(visit),
            parts.status: "",
            parts.cancel: gr.update(visible=False),
            parts.writing: gr.update(visible=False),
        }

    def at_rest(self, visit: Visit, head: Revision | None, history: Sequence[Revision]) -> Updates:
        """The shown picture, what can be done with it, and what is open under it.

        While a turn runs, what can be done is left as it is: a browser that is told to hide a thing and at
        once to show it may do the one after the other.
        """
        parts = self.parts
        updates: Updates = {
            **self.talk(visit),
            **self.stage(visit, head),
            parts.prompt: gr.update(placeholder=markup.invitation(self.words, is_change=head is not None)),
        }
        if visit.turn_id:
            return updates
        return {
            **updates,
            **self.stopped(visit),
            **self._buttons(visit, head, history),
            **self._panels(visit, head, history),
            parts.chips: markup.next_steps(self.words) if head else markup.starters(self.words),
        }

    def stage(self, visit: Visit, head: Revision | None) -> Updates:
        """The shown picture, with outlines while its regions are being edited."""
        if head is None:
            return {self.parts.stage: markup.empty_stage(self.words)}
        if visit.turn_id and not head.images:
            return {self.parts.stage: markup.waiting_stage()}
        region = visit.region if visit.panel == "regions" else None
        return {self.parts.stage: markup.picture(head, self.words, region)}

    def forgetting(self, *, is_asked: bool) -> Updates:
        """The question whether everything shall be removed, or the button that leads to it."""
        panel = self.parts.forget
        return {panel.ask: gr.update(visible=not is_asked), panel.group: gr.update(visible=is_asked)}

    def region_fields(self, visit: Visit, head: Revision) -> Updates:
        """The form of the chosen region; a blank one for a new region."""
        canvas, panel = head.scene.canvas, self.parts.regions
        locals_ = canvas.local_descriptions
        is_old = visit.region in range(len(locals_))
        form = RegionForm.of(locals_[visit.region]) if is_old else RegionForm()
        choices = region_choices(canvas, self.words)
        return {
            panel.chosen: gr.update(choices=choices, value=visit.region if is_old else NEW_REGION),
            panel.description: form.description,
            panel.details: form.details,
            panel.location: form.location,
            panel.offset: form.offset,
            panel.area: form.area,
            panel.color: form.color,
            panel.distance: form.distance,
            panel.locked: gr.update(
                value=lock_line(form.description) in visit.locks,
                interactive=is_old,
                visible=head.scene.settings.renderer in DIFFUSION,
            ),
            panel.apply: gr.update(interactive=is_old),
            panel.remove: gr.update(interactive=is_old),
        }

    def settings(self, settings: SceneSettings) -> Updates:
        """The settings panel at a picture's: what is made from it keeps its shape and its way."""
        return dict(self.parts.settings.values(settings))

    def _buttons(self, visit: Visit, head: Revision | None, history: Sequence[Revision]) -> Updates:
        parts = self.parts
        needs_picture = gr.update(interactive=head is not None)
        return {
            parts.buttons: gr.update(visible=bool(history)),
            parts.repaint: needs_picture,
            parts.enlarge: _enlarger(head),
            parts.undo: gr.update(interactive=head is not None and head.parent_id is not None),
            parts.open_regions: self._opener(visit, "regions", head),
            parts.open_code: self._opener(visit, "code", head),
            parts.open_history: gr.update(variant=_variant(visit, "history")),
        }

    def _opener(self, visit: Visit, panel: Panel, head: Revision | None) -> dict[str, Any]:
        return gr.update(variant=_variant(visit, panel), interactive=head is not None)

    def _panels(self, visit: Visit, head: Revision | None, history: Sequence[Revision]) -> Updates:
        parts = self.parts
        updates: Updates = {
            parts.regions.group: gr.update(visible=visit.panel == "regions" and head is not None),
            parts.code.group: gr.update(visible=visit.panel == "code" and head is not None),
            parts.history.group: gr.update(visible=visit.panel == "history"),
        }
        match visit.panel, head:
            case "regions", Revision():
                return {**updates, **self.region_fields(visit, head)}
            case "code", Revision():
                return {**updates, **self._code(head)}
            case "history", _:
                return {**updates, parts.history.tree: tree(history, head.id if head else "", self.words)}
            case _:
                return updates

    def _code(self, revision: Revision) -> Updates:
        canvas = revision.scene.canvas
        notes = markup.code_link(revision, self.words) + markup.repairs(canvas.repairs, self.words)
        return {self.parts.code.code: write(canvas), self.parts.code.notes: notes}


def _enlarger(head: Revision | None) -> dict[str, Any]:
    """The button that enlarges: for renderers that can, and pictures that are not large yet."""
    if head is None or head.scene.settings.renderer not in DIFFUSION:
        return gr.update(visible=False)
    is_small = head.scene.settings.high_resolution < ENLARGEMENT
    return gr.update(visible=True, interactive=is_small and bool(head.images))


def _variant(visit: Visit, panel: Panel) -> str:
    return "primary" if visit.panel == panel else "secondary"
