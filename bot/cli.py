"""The commands, and those of them that are short: canvas check, config, db upgrade, doctor.

The others stand in `bot.picture_commands` and `bot.service_commands`. What a command needs is imported when
it runs, so that help is instant. These modules and `bot.options` know only what is asked for; how a result is
printed stands in `bot.report`.
"""

import asyncio
from typing import Annotated

import typer

from bot.options import CanvasArgument, Config, Json
from bot.picture_commands import add_picture_commands
from bot.service_commands import add_service_commands

_EXIT_STATUSES = """\
[bold]Exit status[/bold]
  0  done
  1  the request was refused, the input is no scene, or doctor found what has to be mended
  2  the command line, a file name or the settings are wrong, a refused token included
  3  a backend or the database cannot be used, or the process's name is taken
130  interrupted
141  whoever read the output stopped reading"""

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


add_picture_commands(app)  # help shows them in this order


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


add_service_commands(app)


@canvas_app.command("check", epilog=_CHECK_EXAMPLES)
def canvas_check(canvas: CanvasArgument, *, as_json: Json = False, config: Config = None) -> None:
    """Read Canvas code and say what is in it and what was repaired; exit status 1 if it is none."""
    from bot.report import configured
    from bot.results import scene_object, scene_text
    from bot.scene_input import scene_from

    with configured(config, as_json=as_json) as (report, settings):
        found = scene_from(canvas, settings.scene_settings()).scene.canvas
        report.result(scene_text(canvas, found, report.words), {"file": canvas, **scene_object(found)})


@db_app.command("upgrade")
def db_upgrade(config: Config = None) -> None:
    """Make the database, or bring its tables up to date; every start of the bot does the same."""
    from bot.report import configured
    from bot.worker import upgrade

    with configured(config, as_json=False) as (report, settings):
        asyncio.run(upgrade(settings))
        words = report.words
        here = words.text("The database in {folder} is up to date.", folder=settings.data_dir)
        report.result(words.text("The database is up to date.") if settings.database_url() else here, {})
