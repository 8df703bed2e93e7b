"""The commands that run until they are told to end: run, web, worker.

What each needs is imported when it runs, so that help is instant. What they do stands in `bot.service` and
`bot.worker`; here is what can be asked for, and what is said when it cannot begin.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bot.options import Config, Leashed, Roles, WorkerName

if TYPE_CHECKING:
    from bot.report import Report
    from bot.settings import Settings

_RUN_EXAMPLES = """\
[bold]Examples[/bold]
  omost-bot run
  omost-bot run --config /etc/omost-bot.toml"""

_WORKER_EXAMPLES = """\
[bold]Examples[/bold]
  omost-bot worker --config worker.toml
  omost-bot worker --roles image --name gpu-2"""


def add_service_commands(app: typer.Typer) -> None:
    """Adds them, in the order in which help shows them."""
    app.command(epilog=_RUN_EXAMPLES)(run)
    app.command()(web)
    app.command(epilog=_WORKER_EXAMPLES)(worker)


def run(config: Config = None) -> None:
    """Run the bot until Ctrl-C: the chat page, the chats that have a token, and a worker that paints.

    Requests that were taken in before a stop or a crash are carried out by the next run.
    """
    _serve(config)


def web(config: Config = None) -> None:
    """Serve the chat page alone until Ctrl-C, with a worker that composes and paints."""
    _serve(config, has_chats=False)


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
            status = ExitStatus.USAGE if error.needs_settings else ExitStatus.UNAVAILABLE
            raise typer.Exit(status) from error


@contextmanager
def _service(config: Path | None) -> "Generator[tuple[Report, Settings]]":
    """Like `configured`, for what runs on and on; adds the ways in which that cannot begin."""
    from bot.listening import AddressUnavailable
    from bot.log import configure_log
    from bot.report import ExitStatus, configured
    from bot.settings import SettingsError
    from engine.jobs import IdentityTaken
    from engine.supervisor import WorkerCannotStart

    with configured(config, as_json=False) as (report, settings):
        log = settings.log
        configure_log(log.level, style=log.format, prompts=log.prompts, secrets=settings.secrets())
        try:
            yield report, settings
        except AddressUnavailable as error:
            sentence = report.words.text(
                "Nothing can be served at {host}:{port}: {reason}. "
                "Choose another host or port in the settings.",
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
