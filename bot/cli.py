"""The commands.

What a command needs is imported when it runs, so that help is instant. What a command does stands in
`bot.picture_request` and `bot.service`, how its result is printed in `bot.report`; this module and
`bot.options` know only what is asked for.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    Leashed,
    Lora,
    Output,
    Preset,
    Prompt,
    Renderer,
    Roles,
    Sampler,
    Seed,
    Size,
    Sketch,
    Steady,
    Steps,
    WorkerName,
)

if TYPE_CHECKING:
    from bot.report import Report
    from bot.settings import Settings

_EXIT_STATUSES = """\
[bold]Exit status[/bold]
  0  done
  1  the request was refused, the input is no scene, or doctor found what has to be mended
  2  the command line, a file name or the settings are wrong
  3  a backend or the database cannot be used, or the process's name is taken
130  interrupted
141  whoever read the output stopped reading"""

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

_CHECK_EXAMPLES = """\
[bold]Examples[/bold]
  omost-bot canvas check lighthouse.py
  omost-bot compose "a lighthouse on a cliff" | omost-bot canvas check - --json"""

_CONFIG_EXAMPLES = """\
[bold]Examples[/bold]
  omost-bot config > config.toml"""

_DOCTOR_EPILOG = """\
[bold]Examples[/bold]
  omost-bot doctor
  omost-bot doctor --json | jq -r '.checks[] | select(.status != "ok") | .summary'

[bold]Exit status[/bold]
  0  it can run, though perhaps with warnings
  1  it cannot run like this"""

_RUN_EXAMPLES = """\
[bold]Examples[/bold]
  omost-bot run
  omost-bot run --config /etc/omost-bot.toml"""

_WORKER_EXAMPLES = """\
[bold]Examples[/bold]
  omost-bot worker --config worker.toml
  omost-bot worker --roles image --name gpu-2"""

app = typer.Typer(
    help="Compose pictures by talking.",
    epilog=_EXIT_STATUSES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
canvas_app = typer.Typer(no_args_is_help=True)
db_app = typer.Typer(no_args_is_help=True)
app.add_typer(canvas_app, name="canvas", help="Look at Canvas code.")
app.add_typer(db_app, name="db", help="Look after the database.")


def _print_version(asked: bool) -> None:  # noqa: FBT001 - Typer calls it so
    from importlib.metadata import version

    if asked:
        typer.echo(f"omost-bot {version('omost-bot')}")
        raise typer.Exit


@app.callback()
def _main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Compose pictures by talking."""
    del version


@app.command(epilog=_IMAGINE_EXAMPLES)
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

    with _command(config, as_json=as_json) as (report, settings):
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


@app.command(epilog=_COMPOSE_EXAMPLES)
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
    from bot.results import note_text, result_object
    from canvas import write

    with _command(config, as_json=as_json) as (report, settings):
        chosen = chosen_settings(seed=seed, composer=composer)
        request = PictureRequest.read(prompt, edit, settings, chosen)
        result = carried_out(report, settings, request, paint=False)
        report.note(note_text(result, report.words))
        report.result(write(result.revision.scene.canvas).rstrip("\n"), result_object(result))


@app.command(epilog=_RENDER_EXAMPLES)
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

    with _command(config, as_json=as_json) as (report, settings):
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


@canvas_app.command("check", epilog=_CHECK_EXAMPLES)
def canvas_check(canvas: CanvasArgument, *, as_json: Json = False, config: Config = None) -> None:
    """Read Canvas code and say what is in it and what was repaired; exit status 1 if it is none."""
    from bot.results import scene_object, scene_text
    from bot.scene_input import scene_from

    with _command(config, as_json=as_json) as (report, settings):
        found = scene_from(canvas, settings.scene_settings()).scene.canvas
        report.result(scene_text(canvas, found, report.words), {"file": canvas, **scene_object(found)})


@db_app.command("upgrade")
def db_upgrade(config: Config = None) -> None:
    """Make the database, or bring its tables up to date; every start of the bot does the same."""
    from bot.worker import upgrade

    with _command(config, as_json=False) as (report, settings):
        asyncio.run(upgrade(settings))
        words = report.words
        here = words.text("The database in {folder} is up to date.", folder=settings.data_dir)
        report.result(words.text("The database is up to date.") if settings.database_url() else here, {})


@app.command("config", epilog=_CONFIG_EXAMPLES)
def config_sample() -> None:
    """Print a config.toml in which every option stands with its default and what it means."""
    from bot.settings import sample_config

    typer.echo(sample_config(), nl=False)


@app.command(epilog=_DOCTOR_EPILOG)
def doctor(*, as_json: Json = False, config: Config = None) -> None:
    """Look whether the bot can run here, and say what to do where it cannot; nothing is changed.

    Settings, database, disk, GPU, models, the accounts on Telegram and Discord, ports, fonts, clock.
    """
    from bot.doctor import examine
    from bot.doctor.printing import end_with, print_examination
    from bot.log import configure_log
    from bot.report import reporting

    configure_log("critical")
    with reporting(as_json=as_json):
        print_examination(found := examine(config), as_json=as_json)
    end_with(found)


@app.command(epilog=_RUN_EXAMPLES)
def run(config: Config = None) -> None:
    """Run the bot until Ctrl-C: the chat page, the chats that have a token, and a worker that paints.

    Requests that were taken in before a stop or a crash are carried out by the next run.
    """
    _serve(config)


@app.command()
def web(config: Config = None) -> None:
    """Serve the chat page alone until Ctrl-C, with a worker that composes and paints."""
    _serve(config, has_chats=False)


@app.command(epilog=_WORKER_EXAMPLES)
def worker(
    *, roles: Roles = None, name: WorkerName = None, leashed: Leashed = False, config: Config = None
) -> None:
    """Compose and paint for a bot on the same database, from any machine, until Ctrl-C.

    The work is done by a child process, which is started again when it dies or falls silent.
    """
    from bot.settings import load_settings, settings_file
    from bot.worker import host_name, keep_worker, work, worker_command

    with _service(config) as (_, settings):
        chosen, named = roles.names if roles else settings.worker.roles, name or host_name()
        if leashed:
            asyncio.run(work(settings, chosen, named, partial(load_settings, settings_file(config))))
        else:
            command = worker_command(chosen, named, config)
            asyncio.run(keep_worker(command, silence_s=settings.worker.silence_s))


def _serve(config: Path | None, *, has_chats: bool = True) -> None:
    from bot.chat.platform import AccountUnusable
    from bot.report import ExitStatus
    from bot.service import serve_bot
    from bot.settings import load_settings, settings_file
    from bot.worker import child_name, worker_command

    with _service(config) as (report, settings):

        def announce(address: str) -> None:
            report.result(report.words.text("The page is at {address}; Ctrl-C ends it.", address=address), {})

        child = worker_command(settings.worker.roles, child_name(settings), config)
        read = partial(load_settings, settings_file(config))
        try:
            asyncio.run(serve_bot(settings, child, has_chats=has_chats, on_listening=announce, read=read))
        except AccountUnusable as error:
            sentence = report.words.text(
                "{platform} cannot be served: {reason}.",
                platform=error.platform.capitalize(),
                reason=report.words.named(error.reason),
            )
            report.note(sentence)
            raise typer.Exit(ExitStatus.UNAVAILABLE) from error


@contextmanager
def _command(config: Path | None, *, as_json: bool) -> "Generator[tuple[Report, Settings]]":
    from bot.log import configure_log
    from bot.replies import words
    from bot.report import reporting
    from bot.settings import load_settings

    with reporting(as_json=as_json) as report:
        settings = load_settings(config)
        report.words = words(settings.language)
        configure_log("warning", secrets=settings.secrets())
        yield report, settings


@contextmanager
def _service(config: Path | None) -> "Generator[tuple[Report, Settings]]":
    """Like `_command`, for what runs on and on; adds the ways in which that cannot begin."""
    from bot.listening import AddressUnavailable
    from bot.log import configure_log
    from bot.report import ExitStatus
    from bot.settings import SettingsError
    from engine.jobs import IdentityTaken
    from engine.supervisor import WorkerCannotStart

    with _command(config, as_json=False) as (report, settings):
        log = settings.log
        configure_log(log.level, style=log.format, prompts=log.prompts, secrets=settings.secrets())
        try:
            yield report, settings
        except AddressUnavailable as error:
            sentence = report.words.text(
                "Nothing can be served at {host}:{port}: {reason}. Choose another port in the settings.",
                host=error.host,
                port=error.port,
                reason=error.reason,
            )
            raise SettingsError(sentence) from error
        except IdentityTaken as error:
            sentence = report.words.text(
                "Another process works on this database as “{name}”. End it, or choose another name: name "
                "under [jobs] in the settings, or --name for a worker.",
                name=error.executor_id,
            )
            report.note(sentence)
            raise typer.Exit(ExitStatus.UNAVAILABLE) from error
        except WorkerCannotStart as error:  # it has said why
            raise typer.Exit(error.status) from error
