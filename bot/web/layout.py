"""What stands where on the page: the components, their labels and their look.

What they do is `bot.web.actions`. All labels are in the one language that the page is built for;
`bot.web.server` builds a page for each.
"""

from base64 import b64encode
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.themes import Base

from bot.replies import LANGUAGE_NAMES, Words
from bot.settings import Settings
from bot.web import markup
from bot.web.panels import (
    DiffusionPanel,
    RegionPanel,
    SettingsPanel,
    html,
    icon,
    region_panel,
    settings_panel,
)
from bot.web.visit import Visit

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class ForgetPanel:
    """The removal of everything of the visitor's, with the question that comes before it."""

    ask: gr.Button
    group: gr.Column
    confirm: gr.Button
    keep: gr.Button


@dataclass(frozen=True, slots=True)
class CodePanel:
    """The Canvas code of the shown scene."""

    group: gr.Column
    code: gr.Code
    notes: gr.HTML


@dataclass(frozen=True, slots=True)
class HistoryPanel:
    """The version tree."""

    group: gr.Column
    tree: gr.HTML


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything on the page that a handler reads or changes."""

    visit: gr.State
    new_scene: gr.Button
    transcript: gr.HTML
    chips: gr.HTML
    prompt: gr.Textbox
    returned: gr.Textbox
    send: gr.Button
    upload: gr.UploadButton
    settings: SettingsPanel
    forget: ForgetPanel
    status: gr.HTML
    cancel: gr.Button
    stage: gr.HTML
    writing: gr.Accordion
    written: gr.Code
    buttons: gr.Row
    repaint: gr.Button
    enlarge: gr.Button
    undo: gr.Button
    open_regions: gr.Button
    open_code: gr.Button
    open_history: gr.Button
    regions: RegionPanel
    code: CodePanel
    history: HistoryPanel

    @property
    def diffusion(self) -> DiffusionPanel:
        """The part of the settings that is for some renderers only."""
        return self.settings.diffusion

    @property
    def outputs(self) -> list[Block]:
        """What an action may change: everything but the visit, which is changed in place."""
        groups = (self, self.settings, self.diffusion, self.forget, self.regions, self.code, self.history)
        parts = [getattr(group, field.name) for group in groups for field in fields(group)]
        return [part for part in parts if isinstance(part, Block) and not isinstance(part, gr.State)]


def lay_out(words: Words, settings: Settings) -> Parts:
    """Makes the components inside the current `gr.Blocks`."""
    visit = gr.State(Visit())
    new_scene = _header(words, settings)
    with gr.Row(elem_id="desk"):
        with gr.Column(elem_id="chat"):
            chat = _chat(words, settings)
        with gr.Column(elem_id="easel"):
            easel = _easel(words)
    return Parts(visit=visit, new_scene=new_scene, **chat, **easel)


def style() -> str:
    """The style sheet with the icons inside, which therefore look the same on every machine."""
    icons = (_icon_rule(file) for file in sorted((_HERE / "icons").glob("*.svg")))
    return "\n".join([(_HERE / "style.css").read_text(encoding="utf-8"), *icons])


def theme() -> Base:
    """Calm colours and the fonts of the person's own system: nothing is fetched from anywhere."""
    sans = [
        "ui-sans-serif",
        "system-ui",
        "Segoe UI",
        "PingFang SC",
        "Microsoft YaHei",
        "Noto Sans SC",
        "sans-serif",
    ]
    mono = ["ui-monospace", "SF Mono", "Consolas", "DejaVu Sans Mono", "monospace"]
    return Base(
        primary_hue="indigo", secondary_hue="indigo", neutral_hue="stone", font=sans, font_mono=mono
    ).set(  # pyright: ignore[reportUnknownMemberType] - Gradio has no types here
        block_border_width="0px",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_secondary_background_fill="*neutral_100",
        button_secondary_background_fill_hover="*neutral_200",
        button_small_radius="*radius_lg",
        button_small_text_size="*text_sm",
        button_small_padding="*spacing_md *spacing_lg",
    )


def _icon_rule(file: Path) -> str:
    data = b64encode(file.read_bytes()).decode()
    return f".drawn-{file.stem} {{ --icon: url('data:image/svg+xml;base64,{data}'); }}"


def _header(words: Words, settings: Settings) -> gr.Button:
    tagline = words.text("Compose pictures by talking")
    # the page in the settings' language stands at /, the others in folders
    home = "./" if words.language == settings.language else "../"
    with gr.Row(elem_id="header"):
        html(markup.brand(tagline), elem_id="brand")
        new_scene = gr.Button(
            words.text("New scene"),
            elem_id="new-scene",
            elem_classes=icon("sparkles"),
            size="sm",
            scale=0,
            min_width=110,
        )
        html(markup.languages(LANGUAGE_NAMES, words, home), elem_id="languages")
    return new_scene


def _chat(words: Words, settings: Settings) -> dict[str, Any]:
    transcript = html(markup.transcript((), words), elem_id="transcript", clicks=True)
    chips = html(markup.starters(words), elem_id="chips", clicks=True)
    with gr.Row(elem_id="say"):
        prompt = gr.Textbox(
            "",
            label=words.text("Your words"),
            placeholder=markup.invitation(words, is_change=False),
            show_label=False,
            container=False,
            lines=1,
            max_lines=5,
            autofocus=True,
            elem_id="prompt",
        )
        send = gr.Button(words.text("Send"), variant="primary", elem_id="send", scale=0)
    # refused words come back through this field, and only into an empty box
    returned = gr.Textbox("", visible="hidden", elem_id="returned", label="returned")
    with gr.Accordion(words.text("Settings"), open=False, elem_id="settings", elem_classes=icon("gear")):
        panel = settings_panel(words, settings)
        forget = _forget_panel(words)
    upload = gr.UploadButton(
        words.text("Open a scene file"),
        elem_id="upload",
        elem_classes=icon("paperclip"),
        size="sm",
        type="filepath",
    )
    return {
        "transcript": transcript,
        "chips": chips,
        "prompt": prompt,
        "returned": returned,
        "send": send,
        "upload": upload,
        "settings": panel,
        "forget": forget,
    }


def _forget_panel(words: Words) -> ForgetPanel:
    ask = gr.Button(words.text("Forget me"), size="sm", elem_id="forget")
    with gr.Column(visible=False) as group:
        html(
            markup.warning(
                words.text(
                    "Your conversation and your pictures are removed for good; what runs is cancelled."
                )
            )
        )
        with gr.Row():
            confirm = gr.Button(words.text("Remove everything"), variant="stop", size="sm", min_width=90)
            keep = gr.Button(words.text("Keep"), size="sm", min_width=90)
    return ForgetPanel(ask, group, confirm, keep)


def _easel(words: Words) -> dict[str, Any]:
    with gr.Row(elem_id="now"):
        status = html("", elem_id="status")
        cancel = gr.Button(
            words.text("Cancel"),
            variant="stop",
            size="sm",
            visible=False,
            scale=0,
            min_width=90,
            elem_id="cancel",
        )
    stage = html(markup.empty_stage(words), elem_id="stage")
    with gr.Accordion(
        words.text("The code as it is being written"),
        open=False,
        visible=False,
        elem_id="writing",
        elem_classes=icon("scroll"),
    ) as writing:
        written = gr.Code(language="python", show_label=False, max_lines=18, interactive=False, buttons=[])
    with gr.Row(visible=False, elem_id="buttons") as buttons:
        repaint = _button("dice", words.text("Paint again"))
        enlarge = _button("enlarge", words.text("Enlarge"))
        undo = _button("undo", words.text("Undo"))
        open_regions = _button("puzzle", words.text("Regions"))
        open_code = _button("scroll", words.text("Code"))
        open_history = _button("clock", words.text("History"))
    return {
        "status": status,
        "cancel": cancel,
        "stage": stage,
        "writing": writing,
        "written": written,
        "buttons": buttons,
        "repaint": repaint,
        "enlarge": enlarge,
        "undo": undo,
        "open_regions": open_regions,
        "open_code": open_code,
        "open_history": open_history,
        "regions": region_panel(words),
        "code": _code_panel(),
        "history": _history_panel(),
    }


def _button(drawing: str, label: str) -> gr.Button:
    return gr.Button(label, size="sm", min_width=96, elem_classes=icon(drawing))


def _code_panel() -> CodePanel:
    with gr.Column(visible=False, elem_id="code") as group:
        notes = html()
        code = gr.Code(language="python", show_label=False, max_lines=28, interactive=False, buttons=["copy"])
    return CodePanel(group, code, notes)


def _history_panel() -> HistoryPanel:
    with gr.Column(visible=False, elem_id="history") as group:
        tree = html(clicks=True)
    return HistoryPanel(group, tree)
