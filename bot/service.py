"""The bot's process: the adapters, the studio they ask, and a worker as a child.

Everything that was acknowledged is in the database, so the process may be killed at any moment and started
again. This module knows how the parts are put together and nothing of what they say.
"""

from collections.abc import Callable, Sequence

from bot.settings import Settings
from bot.web import listen, serve
from bot.worker import jobs_place, open_store, stages_of
from engine.jobs import JobEngine, Retention
from engine.studio import Studio
from engine.supervisor import Supervisor
from engine.worker import first_of
from storage.records import Turn
from storage.store import Store


async def serve_bot(
    settings: Settings, worker: Sequence[str], *, on_listening: Callable[[str], None] | None = None
) -> None:
    """Serves people until SIGINT, SIGTERM or cancellation, with a worker as a child.

    `worker` is the child's command, as `bot.worker.worker_command` makes it; `on_listening` is told the
    page's address as soon as it answers there.

    Raises:
        SettingsError: The classifier of requests cannot be loaded.
        AddressUnavailable: The page cannot be served where the settings say.
        StorageFailed: The database cannot be used.
        IdentityTaken: Another process has this one's name.
        WorkerCannotStart: The worker has said on standard error why.
    """
    # the port comes first: where it is taken, another process may be at work on the same data
    with listen(settings.web.host, settings.web.port) as listener:
        async with (
            open_store(settings) as store,
            _jobs(settings, store) as jobs,
            _studio(settings, store, jobs) as studio,
            Supervisor(worker, silence_s=settings.worker.silence_s) as supervisor,
        ):
            page = serve(settings, studio, listener=listener, on_listening=on_listening)
            await first_of(page, supervisor.wait())


def _studio(settings: Settings, store: Store, jobs: JobEngine) -> Studio:
    return Studio(
        store,
        jobs,
        limits=settings.studio_limits(),
        people=settings.studio_people(),
        backends=settings.backends(),
        safety=settings.studio_safety(),
    )


def _jobs(settings: Settings, store: Store) -> JobEngine:
    return JobEngine(
        jobs_place(settings, settings.jobs.name),
        store,
        roles=frozenset({"jobs"}),
        stages=stages_of(settings, store),
        deliveries={"web": _see_for_yourself},
        retention=Retention(**settings.retention.model_dump()),
    )


async def _see_for_yourself(turn: Turn) -> None:
    """A page that is open has heard how the turn ended; one that is opened later finds it in the store."""
    del turn
