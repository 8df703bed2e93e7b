"""The process that composes and paints: how it is started, kept alive, and put together from the settings.

It knows neither the page nor any chat, and loads none of their libraries.
"""

import asyncio
import re
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bot.listening import listen_if_named
from bot.reloading import Changes, reload_when_told, take_over
from bot.replies import words
from bot.settings import Settings
from engine.backends import Backends
from engine.composer.safety import Safety
from engine.errors import Unavailable
from engine.jobs import JobsPlace, sqlite_jobs_url
from engine.leash import Leash
from engine.signals import on_hangup, until_told
from engine.stages import Stages
from engine.supervisor import Supervisor
from engine.worker import first_of, serve_worker
from storage.store import Store

if TYPE_CHECKING:
    from engine.composer.server import ServerOptions

_SUFFIX = "-gpu"
_HOST_CHARS = 60

_log = structlog.get_logger()


def worker_command(roles: Sequence[str], name: str, config: Path | None) -> tuple[str, ...]:
    """What starts a worker as a child, with the same settings."""
    # -P: whatever is called `bot` in the working directory is not this program
    command = (sys.executable, "-P", "-m", "bot", "worker", "--leashed")
    command += ("--roles", ",".join(roles), "--name", name)
    return (*command, "--config", str(config)) if config else command


def child_name(settings: Settings) -> str:
    """The identity of a bot's own worker."""
    return f"{settings.jobs.name}{_SUFFIX}"


def host_name() -> str:
    """The identity of this machine's worker, unless it is given one."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", socket.gethostname())[:_HOST_CHARS] + _SUFFIX


async def keep_worker(command: Sequence[str], *, silence_s: float) -> None:
    """Keeps a worker alive until SIGINT or SIGTERM; SIGHUP is passed on to it.

    Raises:
        WorkerCannotStart: The worker has said on standard error why.
    """
    async with until_told() as told, Supervisor(command, silence_s=silence_s) as supervisor:
        with on_hangup(supervisor.hang_up):
            await first_of(told, supervisor.wait())


async def work(settings: Settings, roles: Sequence[str], name: str, read: Callable[[], Settings]) -> None:
    """Composes and paints, on the leash of the process that started this one, until SIGINT or SIGTERM.

    At SIGHUP the settings are read again.

    Raises:
        SettingsError: The classifier cannot be loaded.
        AddressUnavailable: The figures cannot be served where the settings say.
        StorageFailed: The database cannot be used.
        IdentityTaken: Another process has this name.
    """
    slots = {"llm": settings.worker.llm_slots, "image": settings.worker.image_slots}
    with Leash() as leash, listen_if_named(settings.metrics.host, settings.metrics.worker_port) as watched:
        async with (
            open_store(settings) as store,
            aclosing(stages_of(settings, store)) as stages,
            _server_looked_at(settings.backends()),
        ):

            def replace(found: Settings, safety: Safety) -> Changes:
                stages.safety = safety
                return take_over(settings, found)

            working = serve_worker(
                store,
                jobs_place(settings, name),
                roles=frozenset(roles),
                stages=stages,
                slots=slots,
                leash=leash,
                renderer=settings.picture.renderer if "image" in roles else "",
            )
            observing = [_observed(store, watched)] if watched else []
            await first_of(working, reload_when_told(read, replace), *observing)


async def _observed(store: Store, listener: socket.socket) -> None:
    from bot.observing import WorkerFigures, observe  # noqa: PLC0415 - only where it is configured

    await observe(WorkerFigures(store), listener)


@asynccontextmanager
async def _server_looked_at(backends: Backends) -> AsyncGenerator[None]:
    """Tells the log at the start, beside the work, what people would be told of a model's server."""
    looking = asyncio.create_task(_look_at_server(backends.openai)) if backends.openai else None
    try:
        yield
    finally:
        if looking:
            looking.cancel()
            await asyncio.wait([looking])


async def _look_at_server(options: "ServerOptions") -> None:
    from engine.composer.server import NAME, OpenAIComposer  # noqa: PLC0415 - only where it is configured

    async with aclosing(OpenAIComposer(options)) as composer:
        if reason := await composer.health():
            _log.warning("composer_unavailable", why=words("en").error(Unavailable(NAME, reason)))


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncGenerator[Store]:
    """The configured database, its tables up to date.

    Raises:
        StorageFailed: It cannot be used.
    """
    store = await Store.open(settings.data_dir, settings.database_url(), pictures=settings.database.pictures)
    try:
        yield store
    finally:
        await store.close()


async def upgrade(settings: Settings) -> None:
    """Makes the configured database, or brings its tables up to date.

    Raises:
        StorageFailed: It cannot be used.
    """
    async with open_store(settings):
        pass


def stages_of(settings: Settings, store: Store) -> Stages:
    """The stages of a turn, with the configured composers and renderers.

    Raises:
        SettingsError: The classifier of requests cannot be loaded.
    """
    return Stages(
        store,
        backends=settings.backends(),
        safety=settings.studio_safety(),
        attempts=settings.jobs.attempts,
    )


def jobs_place(settings: Settings, name: str) -> JobsPlace:
    """Where the jobs are, for a process of that name."""
    url = settings.database_url() or sqlite_jobs_url(settings.data_dir)
    return JobsPlace(url, name, settings.data_dir.absolute(), settings.jobs.poll_s)
