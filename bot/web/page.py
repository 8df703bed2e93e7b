"""The page as a whole: which action belongs to which component."""

import json
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.components import Component
from gradio.state_holder import SessionState

from bot.replies import words
from bot.settings import Settings
from bot.sizes import OWN_SIZE, SIZES
from bot.web.actions import Actions
from bot.web.layout import Parts, lay_out
from engine.backends import DIFFUSION
from engine.studio import Studio

CACHE_S = 3600
TABS = 300
"""So many are remembered, each with 0.2 MB and more; the one used longest ago begins anew."""

_RETURN_WORDS = "(returned, typed) => [typed.trim() ? typed : returned, '']"


class LeanBlocks(gr.Blocks):
    """Blocks of which a tab holds each component once.

    Gradio puts a new component, with an id of its own, in the place of each that an event may change, and
    keeps it under that id too as soon as it is an input: with each event a tab would hold a hundred more.
    """

    async def postprocess_data(
        self, block_fn: BlockFunction, predictions: list[Any] | dict[Any, Any], state: SessionState | None
    ) -> list[Any]:
        """As Gradio's; what was put in a component's place then has its id."""
        outputs = await super().postprocess_data(block_fn, predictions, state)  # pyright: ignore[reportUnknownMemberType]
        for part in block_fn.outputs:
            own_id = part._id  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            if state is not None and not part.stateful and own_id in state:
                state[own_id]._id = own_id  # noqa: SLF001
        return outputs


def build_page(studio: Studio, settings: Settings, language: str | None = None) -> gr.Blocks:
    """The chat page.

    Everything on it is in one language, the settings' where none is named. The page serves no pictures by
    itself: `bot.web.server` answers their addresses beside it.
    """
    spoken = words(language or settings.language)
    with LeanBlocks(
        title="Omost", analytics_enabled=False, fill_width=True, delete_cache=(CACHE_S, CACHE_S)
    ) as page:
        page.state_session_capacity = TABS
        parts = lay_out(spoken, settings)
        _connect(page, parts, Actions(studio, settings, spoken, parts))
    # handlers wait most of the time: the studio decides how much runs at once, not this queue
    return page.queue(default_concurrency_limit=None)


def _connect(page: gr.Blocks, parts: Parts, actions: Actions) -> None:
    def on(listen: Any, action: Any, *inputs: Component) -> None:
        listen(
            action,
            [parts.visit, *inputs],
            parts.outputs,
            show_progress="hidden",
            trigger_mode="multiple",
            api_visibility="private",
        )

    panel, regions = parts.settings.inputs, parts.regions
    on(page.load, actions.open)
    on(parts.prompt.submit, actions.send, parts.prompt, *panel)
    on(parts.send.click, actions.send, parts.prompt, *panel)
    on(_clicked(parts.chips, "prompt"), actions.try_out, *panel)
    on(parts.upload.upload, actions.open_scene, parts.upload, *panel)
    on(parts.cancel.click, actions.cancel)
    on(parts.new_scene.click, actions.new_scene)
    on(parts.repaint.click, actions.repaint, *panel)
    on(parts.enlarge.click, actions.enlarge)
    on(parts.undo.click, actions.undo)
    on(_clicked(parts.transcript, "revision"), actions.choose)
    on(_clicked(parts.history.tree, "revision"), actions.choose)
    on(parts.open_regions.click, actions.toggle_regions)
    on(parts.open_code.click, actions.toggle_code)
    on(parts.open_history.click, actions.toggle_history)
    on(regions.chosen.input, actions.choose_region, regions.chosen)
    on(regions.locked.input, actions.lock_region, regions.chosen, regions.locked)
    on(regions.apply.click, actions.apply_region, regions.chosen, *regions.inputs, *panel)
    on(regions.add.click, actions.add_region, *regions.inputs, *panel)
    on(regions.remove.click, actions.remove_region, regions.chosen, *panel)
    on(parts.forget.ask.click, actions.ask_to_forget)
    on(parts.forget.keep.click, actions.keep)
    on(parts.forget.confirm.click, actions.forget)
    _connect_fields(parts)


def _clicked(html: gr.HTML, marked: str) -> Any:
    """The listener for clicks on what is marked with `data-<marked>` in our own HTML."""
    return getattr(html, marked)


def _connect_fields(parts: Parts) -> None:
    """What depends on another field alone; most of it the browser does by itself."""
    parts.returned.change(
        None, [parts.returned, parts.prompt], [parts.prompt, parts.returned], js=_RETURN_WORDS
    )
    panel = parts.settings
    panel.renderer.input(
        _diffusion_group,
        panel.renderer,
        panel.diffusion.group,
        show_progress="hidden",
        api_visibility="private",
    )
    sides = [panel.width_px, panel.height_px]
    choose = f"(name, width, height) => ({json.dumps(dict(SIZES))})[name] ?? [width, height]"
    panel.size.input(None, [panel.size, *sides], sides, js=choose)
    for side in sides:
        side.input(None, None, panel.size, js=f"() => '{OWN_SIZE}'")


def _diffusion_group(renderer: str) -> dict[str, Any]:
    """The settings that mean something to some renderers only, shown for these."""
    return gr.update(visible=renderer in DIFFUSION)
