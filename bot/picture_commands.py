"""The commands that make pictures and scenes: imagine, compose, render.

What each needs is imported when it runs, so that help is instant. How a request is carried out stands in
`bot.picture_request`; here is only what can be asked for.
"""

import typer

from bot.options import (
    CanvasArgument,
    Composer,
    Config,
    Count,
    Edit,
    Enlarge,
    Guidance,
    Json,
    Lora,
    Output,
    Preset,
    Prompt,
    Renderer,
    Sampler,
    Seed,
    Size,
    Sketch,
    Steady,
    Steps,
)

_IMAGINE_EXAMPLES = """\
[bold]Examples[/bold]
  omost-bot imagine "Happy Children's Day" -o day.png
  omost-bot imagine "change the clown to a dragon" --edit day.png -o dragon.png
  omost-bot imagine "a fox in the snow" --size 1024x768 --count 3 --seed 7
  omost-bot imagine "a fox in the snow" --json | jq -r '.files[].path'"""

_COMPOSE_EXAMPLES = """\
[bold]Examples[/bold]
  omost-bot compose "a lighthouse on a cliff" > lighthouse.py
  omost-bot compose "add a dog on the left" --edit lighthouse.py | omost-bot render - -o lighthouse.png"""

_RENDER_EXAMPLES = """\
[bold]Examples[/bold]
  omost-bot render lighthouse.py -o lighthouse.png
  omost-bot render lighthouse.png -o again.png --seed 8
  omost-bot render lighthouse.png -o large.png --renderer sdxl --enlarge 1.5"""


def add_picture_commands(app: typer.Typer) -> None:
    """Adds them, in the order in which help shows them."""
    app.command(epilog=_IMAGINE_EXAMPLES)(imagine)
    app.command(epilog=_COMPOSE_EXAMPLES)(compose)
    app.command(epilog=_RENDER_EXAMPLES)(render)


def imagine(
    prompt: Prompt,
    *,
    output: Output = None,
    edit: Edit = None,
    size: Size = None,
    seed: Seed = None,
    count: Count = None,
    composer: Composer = None,
    renderer: Renderer = None,
    preset: Preset = None,
    sampler: Sampler = None,
    steps: Steps = None,
    guidance: Guidance = None,
    lora: Lora = None,
    enlarge: Enlarge = None,
    sketch: Sketch = None,
    steady: Steady = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Compose a picture and paint it, or change one with --edit.

    The picture's file name is printed. The file carries its scene: give it to --edit to go on.
    """
    from bot.picture_request import PictureRequest, chosen_settings, paint
    from bot.report import configured

    with configured(config, as_json=as_json) as (report, settings):
        chosen = chosen_settings(
            size,
            seed=seed,
            count=count,
            composer=composer,
            renderer=renderer,
            preset=preset,
            sampler=sampler,
            steps=steps,
            guidance=guidance,
            lora=lora,
            high_resolution=enlarge,
            sketch=sketch,
            steady=steady,
        )
        paint(report, settings, PictureRequest.read(prompt, edit, settings, chosen), output)


def compose(
    prompt: Prompt,
    *,
    edit: Edit = None,
    seed: Seed = None,
    composer: Composer = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Compose a scene and print its Canvas code, without painting it."""
    from bot.picture_request import PictureRequest, carried_out, chosen_settings
    from bot.report import configured
    from bot.results import note_text, result_object
    from canvas import write

    with configured(config, as_json=as_json) as (report, settings):
        chosen = chosen_settings(seed=seed, composer=composer)
        request = PictureRequest.read(prompt, edit, settings, chosen)
        result = carried_out(report, settings, request, paint=False)
        report.note(note_text(result, report.words))
        report.result(write(result.revision.scene.canvas).rstrip("\n"), result_object(result))


def render(
    canvas: CanvasArgument,
    *,
    output: Output = None,
    size: Size = None,
    seed: Seed = None,
    count: Count = None,
    renderer: Renderer = None,
    preset: Preset = None,
    sampler: Sampler = None,
    steps: Steps = None,
    guidance: Guidance = None,
    lora: Lora = None,
    enlarge: Enlarge = None,
    sketch: Sketch = None,
    as_json: Json = False,
    config: Config = None,
) -> None:
    """Paint Canvas code, or paint one of our pictures again.

    A picture is painted with the settings that it carries, unless an option says otherwise.
    """
    from bot.picture_request import PictureRequest, chosen_settings, paint
    from bot.report import configured

    with configured(config, as_json=as_json) as (report, settings):
        chosen = chosen_settings(
            size,
            seed=seed,
            count=count,
            renderer=renderer,
            preset=preset,
            sampler=sampler,
            steps=steps,
            guidance=guidance,
            lora=lora,
            high_resolution=enlarge,
            sketch=sketch,
        )
        paint(report, settings, PictureRequest.read(None, canvas, settings, chosen), output)
