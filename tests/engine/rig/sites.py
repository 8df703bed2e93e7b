"""What the processes of a rig are told when they start."""

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import structlog

from engine.jobs import JobsPlace
from storage.store import Store
from tests.engine.rig.ledger import Ledger
from tests.engine.rig.standins import TAKES_S, NotingStore

PLATFORM = "chat"


@dataclass(frozen=True, slots=True)
class Site:
    """One installation: its database and how its processes behave.

    Attributes:
        folder: For everything that is written.
        chat_url: Of the stand-in platform.
        database_url: PostgreSQL, or None for SQLite in the folder.
        takes_s: How long a stage of the stand-ins takes.
        attempts: How often a stage is tried.
        silence_s: When a supervised worker that gives no sign of life is killed.
        is_noted: Whether stages are noted in the ledger.
        limits: Of `engine.orders.Limits`.
        moderators: Of `engine.people.People`.
    """

    folder: str
    chat_url: str
    database_url: str | None = None
    takes_s: float = TAKES_S
    attempts: int = 100
    silence_s: float = 60.0
    is_noted: bool = True
    limits: dict[str, int] = field(default_factory=dict)
    moderators: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Site":
        return cls(**json.loads(text))

    @property
    def ledger(self) -> Ledger:
        return Ledger(Path(self.folder) / "ledger.txt")

    def jobs_place(self, executor_id: str) -> JobsPlace:
        folder = Path(self.folder)
        return JobsPlace(self.database_url or f"sqlite:///{folder / 'jobs.db'}", executor_id, folder)

    async def open_store(self) -> Store:
        if not self.is_noted:
            return await Store.open(Path(self.folder), self.database_url)
        store = await NotingStore.open(Path(self.folder), self.database_url)
        assert isinstance(store, NotingStore)
        store.ledger = self.ledger
        return store


def log_plainly() -> None:
    """As the real program logs, on standard error; tracebacks with the values of variables take seconds."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
