"""The bot's process: the adapters, the studio they ask, and a worker as a child.

Everything that was acknowledged is in the database, so the process may be killed at any moment and started
again. This module knows how the parts are put together and nothing of what they say.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from bot.chat.outbox import Outbox
from bot.listening import listen, listen_if_named
from bot.observing import BotFigures, observe
from bot.reloading import Changes, reload_when_told, take_over
from bot.settings import Settings, load_settings
from bot.web import serve
from bot.worker import jobs_place, open_store, stages_of
from engine.composer.safety import Safety
from engine.jobs import JobEngine, Retention
from engine.signals import until_told
from engine.stages import Stages
from engine.studio import Studio
from engine.supervisor import Supervisor
from engine.worker import first_of
from storage.records import Turn
from storage.store import Store

ServeChats = Callable[[Settings, Studio, Outbox], Coroutine[Any, Any, None]]
"""Serves a platform's chats until it is cancelled."""


async def serve_bot(
    settings: Settings,
    worker: Sequence[str],
    *,
    has_chats: bool = True,
    on_listening: Callable[[str], None] | None = None,
    read: Callable[[], Settings] = load_settings,
) -> None:
    """Serves people until SIGINT, SIGTERM or cancellation, with a worker as a child.

    Args:
        settings: Of which some are replaced at each SIGHUP.
        worker: The child's command, as `bot.worker.worker_command` makes it.
        has_chats: Whether the chats are served beside the page.
        on_listening: Is told the page's address as soon as it answers there.
        read: Reads the settings again.

    Raises:
        SettingsError: The classifier of requests cannot be loaded, or the page has no password and needs one.
        AddressUnavailable: The page or the figures cannot be served where the settings say.
        StorageFailed: The database cannot be used.
        IdentityTaken: Another process has this one's name.
        AccountUnusable: A platform does not let the bot's account in.
        WorkerCannotStart: The worker has said on standard error why.
    """
    settings.page_password()  # what cannot be served is refused before anything is opened
    platforms = _platforms(settings) if has_chats else {}
    outboxes = {name: Outbox() for name in platforms}
    # the port comes first: where it is taken, another process may be at work on the same data
    with (
        listen(settings.web.host, settings.web.port) as listener,
        listen_if_named(settings.metrics.host, settings.metrics.port) as watched,
    ):
        async with (
            until_told() as told,
            open_store(settings) as store,
            aclosing(stages_of(settings, store)) as stages,
            _jobs(settings, store, stages, outboxes) as jobs,
            _studio(settings, store, jobs) as studio,
            Supervisor(worker, silence_s=settings.worker.silence_s) as supervisor,
        ):

            def replace(found: Settings, safety: Safety) -> Changes:
                stages.safety = studio.safety = safety
                changes = take_over(settings, found)
                studio.limits, studio.people = settings.studio_limits(), settings.studio_people()
                supervisor.hang_up()
                return changes

            page = serve(settings, studio, listener=listener, on_listening=on_listening)
            chats = (serve_chats(settings, studio, outboxes[name]) for name, serve_chats in platforms.items())
            figures = BotFigures(store, supervisor, outboxes, settings.data_dir)
            observing = [observe(figures, watched)] if watched else []
            reloading = reload_when_told(read, replace)
            await first_of(told, page, supervisor.wait(), reloading, *observing, *chats)


def _platforms(settings: Settings) -> dict[str, ServeChats]:
    """The chat platforms on which the bot has an account; the others' libraries are not loaded."""
    found: dict[str, ServeChats] = {}
    if settings.discord.token.get_secret_value():
        from bot.discord import serve_discord  # noqa: PLC0415 - only where it is used

        found["discord"] = serve_discord
    if settings.telegram_token():
        from bot.telegram import serve_telegram  # noqa: PLC0415 - only where it is used

        found["telegram"] = serve_telegram
    return found


def _studio(settings: Settings, store: Store, jobs: JobEngine) -> Studio:
    return Studio(
        store,
        jobs,
        limits=settings.studio_limits(),
        people=settings.studio_people(),
        backends=settings.backends(),
        safety=settings.studio_safety(),
    )


def _jobs(settings: Settings, store: Store, stages: Stages, outboxes: Mapping[str, Outbox]) -> JobEngine:
    return JobEngine(
        jobs_place(settings, settings.jobs.name),
        store,
        roles=frozenset({"jobs"}),
        stages=stages,
        deliveries={"web": _see_for_yourself, **{name: box.deliver for name, box in outboxes.items()}},
        retention=Retention(**settings.retention.model_dump()),
    )


async def _see_for_yourself(turn: Turn) -> None:
    """A page that is open has heard how the turn ended; one that is opened later finds it in the store."""
    del turn
