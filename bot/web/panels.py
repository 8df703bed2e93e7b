"""The panels that hold a form: the settings of the next picture, and one region of the scene.

What is typed into them is `bot.web.forms`; where they stand on the page is `bot.web.layout`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from bot.region_form import RegionForm
from bot.replies import Words
from bot.settings import Settings
from bot.sizes import OWN_SIZE, SIZES, size_name
from bot.web import markup
from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS
from engine.backends import DIFFUSION, Backend
from engine.orders import MAX_GUIDANCE, MAX_STEPS
from engine.renderer.sdxl.options import SAMPLERS
from engine.renderer.sdxl.presets import DRAFT, QUALITY
from storage.scene import SceneSettings


@dataclass(frozen=True, slots=True)
class DiffusionPanel:
    """What means something to renderers that go from noise to a picture, and is hidden for others."""

    group: gr.Column
    preset: gr.Radio
    sampler: gr.Dropdown
    steps: gr.Number
    guidance: gr.Number
    loras: gr.Textbox
    negative_prompt: gr.Textbox
    steady: gr.Checkbox
    sketch: gr.Checkbox
    depth: gr.Checkbox

    @property
    def inputs(self) -> list[Component]:
        """The last fields of `SettingsForm`."""
        return [
            self.preset,
            self.sampler,
            self.steps,
            self.guidance,
            self.loras,
            self.negative_prompt,
            self.steady,
            self.sketch,
            self.depth,
        ]

    def values(self, settings: SceneSettings) -> dict[Block, object]:
        """What the panel shows after a picture that was painted so."""
        return {
            self.preset: _among(_values(self.preset), settings.preset),
            self.sampler: _among(_values(self.sampler), settings.sampler),
            self.steps: settings.steps,
            self.guidance: settings.guidance,
            self.loras: settings.loras,
            self.negative_prompt: settings.negative_prompt,
            self.steady: settings.steady,
            self.sketch: settings.strength < 1,
            self.depth: settings.depth,
        }


@dataclass(frozen=True, slots=True)
class SettingsPanel:
    """The settings of the next picture, in the order in which `SettingsForm` takes them."""

    size: gr.Dropdown
    width_px: gr.Number
    height_px: gr.Number
    seed: gr.Textbox
    count: gr.Number
    composer: gr.Radio
    renderer: gr.Radio
    diffusion: DiffusionPanel

    @property
    def inputs(self) -> list[Component]:
        """The fields of `SettingsForm`."""
        general = [self.width_px, self.height_px, self.seed, self.count, self.composer, self.renderer]
        return [*general, *self.diffusion.inputs]

    def values(self, settings: SceneSettings) -> dict[Block, object]:
        """What the panel shows after a picture that was painted so, but for its seed and count."""
        sides = (settings.width_px, settings.height_px)
        size = {self.size: size_name(*sides), self.width_px: sides[0], self.height_px: sides[1]}
        if settings.renderer not in _values(self.renderer):
            return {**size, **self.diffusion.values(settings)}
        is_diffusion = gr.update(visible=settings.renderer in DIFFUSION)
        renderer = {self.renderer: settings.renderer, self.diffusion.group: is_diffusion}
        return {**size, **renderer, **self.diffusion.values(settings)}


@dataclass(frozen=True, slots=True)
class RegionPanel:
    """The form of one region, its fields in the order in which `RegionForm` takes them."""

    group: gr.Column
    chosen: gr.Dropdown
    description: gr.Textbox
    details: gr.Textbox
    location: gr.Dropdown
    offset: gr.Dropdown
    area: gr.Dropdown
    color: gr.Dropdown
    distance: gr.Number
    locked: gr.Checkbox
    apply: gr.Button
    add: gr.Button
    remove: gr.Button

    @property
    def inputs(self) -> list[Component]:
        """The fields of `RegionForm`."""
        return [
            self.description,
            self.details,
            self.location,
            self.offset,
            self.area,
            self.color,
            self.distance,
        ]


def html(value: str = "", *, elem_id: str | None = None, clicks: bool = False) -> gr.HTML:
    """Our own HTML, in our own style; with `clicks`, what is marked in it can be clicked."""
    return gr.HTML(
        value, elem_id=elem_id, apply_default_css=False, js_on_load=markup.CLICKS if clicks else None
    )


def icon(name: str) -> list[str]:
    """The classes that put an icon before a label."""
    return ["drawn", f"drawn-{name}"]


def settings_panel(words: Words, settings: Settings) -> SettingsPanel:
    """Makes the settings panel inside the current `gr.Blocks`."""
    sizes = [(f"{words.text(name)} · {width} × {height}", name) for name, (width, height) in SIZES.items()]
    sides = (settings.picture.width_px, settings.picture.height_px)
    with gr.Row():
        size = gr.Dropdown(
            [*sizes, (words.text("Own size"), OWN_SIZE)],
            value=size_name(*sides),
            label=words.text("Size"),
            scale=2,
            min_width=150,
        )
        width_px = gr.Number(sides[0], label=words.text("Width (px)"), min_width=80, elem_id="width")
        height_px = gr.Number(sides[1], label=words.text("Height (px)"), min_width=80, elem_id="height")
    with gr.Row():
        seed = gr.Textbox(
            "",
            label=words.text("Seed"),
            placeholder=words.text("random"),
            info=words.text("Empty: random for a new scene, kept when you change it."),
            elem_id="seed",
        )
        count = gr.Number(1, label=words.text("Pictures"), info=f"1–{settings.limits.count}", elem_id="count")
    backends = settings.backends()
    with gr.Row():
        composer = _backend(words.text("Composer"), backends.composers, settings.picture.composer, words)
        renderer = _backend(words.text("Renderer"), backends.renderers, settings.picture.renderer, words)
    diffusion = _diffusion_panel(words, settings, is_shown=renderer.value in DIFFUSION)
    return SettingsPanel(size, width_px, height_px, seed, count, composer, renderer, diffusion)


def _diffusion_panel(words: Words, settings: Settings, *, is_shown: bool) -> DiffusionPanel:
    picture = settings.scene_settings()
    with gr.Column(visible=is_shown, elem_id="diffusion") as group:
        preset, sampler, steps, guidance = _way(words, settings)
        loras = gr.Textbox(
            picture.loras,
            label="LoRA",
            info=words.text("name or name:weight, with commas between"),
            visible=bool(settings.sdxl.loras),
            elem_id="loras",
        )
        negative = gr.Textbox(picture.negative_prompt, label=words.text("What to avoid"), max_lines=3)
        with gr.Row():
            steady = gr.Checkbox(
                picture.steady,
                label=words.text("Leave what I do not change"),
                elem_id="steady",
                min_width=150,
            )
            sketch = gr.Checkbox(
                picture.strength < 1, label=words.text("Begin with the colours"), min_width=150
            )
            depth = gr.Checkbox(picture.depth, label=words.text("Near covers far"), min_width=150)
    return DiffusionPanel(group, preset, sampler, steps, guidance, loras, negative, steady, sketch, depth)


def _way(words: Words, settings: Settings) -> tuple[gr.Radio, gr.Dropdown, gr.Number, gr.Number]:
    """How one gets from noise to the picture: by a preset, or by sampler, steps and guidance."""
    picture = settings.scene_settings()
    presets = [(words.text("As below"), ""), (words.text("Quality"), QUALITY)]
    if settings.sdxl.loras:  # a draft needs one of them
        presets.append((words.text("Draft"), DRAFT))
    preset = gr.Radio(
        presets,
        value=_among([name for _, name in presets], picture.preset),
        label=words.text("Preset"),
        elem_id="preset",
    )
    samplers = [(words.text("The usual one"), ""), *((name, name) for name in SAMPLERS)]
    with gr.Row():
        sampler = gr.Dropdown(
            samplers,
            value=_among([name for _, name in samplers], picture.sampler),
            label=words.text("Sampler"),
            scale=2,
            min_width=150,
        )
        steps = gr.Number(picture.steps, label=words.text("Steps"), info=f"1–{MAX_STEPS}", min_width=80)
        guidance = gr.Number(
            picture.guidance, label=words.text("Guidance"), info=f"0–{MAX_GUIDANCE:g}", min_width=80
        )
    return preset, sampler, steps, guidance


def _values(choice: gr.Radio | gr.Dropdown) -> list[str]:
    """What can be chosen."""
    return [value for _, value in cast("Any", choice).choices]


def _among(known: Sequence[str], value: str) -> str:
    """The value where it can be chosen; one that a file brought may not be."""
    return value if value in known else ""


def _backend(label: str, backends: tuple[Backend, ...], chosen: str, words: Words) -> gr.Radio:
    """A choice of those that can be used, with the others and their reasons below."""
    usable = [backend.name for backend in backends if not backend.reason]
    with gr.Column(min_width=180):
        choice = gr.Radio(usable, value=chosen if chosen in usable else usable[0], label=label)
        html(markup.missing_backends(backends, words))
    return choice


def region_panel(words: Words) -> RegionPanel:
    """Makes the form of the regions inside the current `gr.Blocks`."""
    blank = RegionForm()
    with gr.Column(visible=False, elem_id="regions") as group:
        chosen = gr.Dropdown([], label=words.text("Region"), elem_id="region")
        description = gr.Textbox("", label=words.text("What it shows"), lines=1, elem_id="region-description")
        details = gr.Textbox("", label=words.text("Details, one a line"), lines=2, max_lines=6)
        with gr.Row():
            location = _names(words.text("Location"), LOCATIONS, blank.location)
            offset = _names(words.text("Offset"), OFFSETS, blank.offset)
        with gr.Row():
            area = _names(words.text("Size of the region"), AREAS, blank.area)
            color = _names(words.text("Colour"), COLORS, blank.color)
            distance = gr.Number(
                blank.distance, label=words.text("Distance to the viewer"), min_width=120, elem_id="distance"
            )
        locked = gr.Checkbox(
            False, label=words.text("Locked: changes must not touch it"), elem_id="locked", visible=False
        )
        with gr.Row():
            apply = gr.Button(words.text("Apply"), variant="primary", size="sm", min_width=90)
            add = gr.Button(words.text("Add region"), size="sm", min_width=90)
            remove = gr.Button(words.text("Remove"), variant="stop", size="sm", min_width=90)
    return RegionPanel(
        group,
        chosen,
        description,
        details,
        location,
        offset,
        area,
        color,
        distance,
        locked,
        apply,
        add,
        remove,
    )


def _names(label: str, names: Any, value: str) -> gr.Dropdown:
    return gr.Dropdown(list(names), value=value, label=label, allow_custom_value=True, min_width=150)
