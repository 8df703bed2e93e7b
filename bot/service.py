"""The bot's process: the adapters, the studio they ask, and a worker as a child.

Everything that was acknowledged is in the database, so the process may be killed at any moment and started
again. This module knows how the parts are put together and nothing of what they say.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from bot.chat.outbox import Outbox
from bot.settings import Settings
from bot.web import listen, serve
from bot.worker import jobs_place, open_store, stages_of
from engine.jobs import JobEngine, Retention
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
) -> None:
    """Serves people until SIGINT, SIGTERM or cancellation, with a worker as a child.

    `worker` is the child's command, as `bot.worker.worker_command` makes it; `on_listening` is told the
    page's address as soon as it answers there. Without `has_chats` the page alone is served.

    Raises:
        SettingsError: The classifier of requests cannot be loaded.
        AddressUnavailable: The page cannot be served where the settings say.
        StorageFailed: The database cannot be used.
        IdentityTaken: Another process has this one's name.
        AccountUnusable: A platform does not let the bot's account in.
        WorkerCannotStart: The worker has said on standard error why.
    """
    platforms = _platforms(settings) if has_chats else {}
    outboxes = {name: Outbox() for name in platforms}
    # the port comes first: where it is taken, another process may be at work on the same data
    with listen(settings.web.host, settings.web.port) as listener:
        async with (
            open_store(settings) as store,
            _jobs(settings, store, outboxes) as jobs,
            _studio(settings, store, jobs) as studio,
            Supervisor(worker, silence_s=settings.worker.silence_s) as supervisor,
        ):
            page = serve(settings, studio, listener=listener, on_listening=on_listening)
            chats = (serve_chats(settings, studio, outboxes[name]) for name, serve_chats in platforms.items())
            await first_of(page, supervisor.wait(), *chats)


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


def _jobs(settings: Settings, store: Store, outboxes: Mapping[str, Outbox]) -> JobEngine:
    return JobEngine(
        jobs_place(settings, settings.jobs.name),
        store,
        roles=frozenset({"jobs"}),
        stages=stages_of(settings, store),
        deliveries={"web": _see_for_yourself, **{name: box.deliver for name, box in outboxes.items()}},
        retention=Retention(**settings.retention.model_dump()),
    )


async def _see_for_yourself(turn: Turn) -> None:
    """A page that is open has heard how the turn ended; one that is opened later finds it in the store."""
    del turn
