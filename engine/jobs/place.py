"""Where the jobs are kept, and as whom a process works on them."""

import re
from dataclasses import dataclass
from pathlib import Path

EMBEDDED_POLL_S = 0.3

_EXECUTOR_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class JobsPlace:
    """The database of the jobs and the identity of a process that works on them.

    Attributes:
        url: `sqlite:////folder/jobs.db`, or `postgresql://...` in SQLAlchemy's or libpq's form.
        executor_id: The process's name, letters, digits and `._-`; a restarted process takes the same one.
        folder: For the identity locks, where the database is SQLite.
        poll_s: How often the queues are looked at.
    """

    url: str
    executor_id: str
    folder: Path
    poll_s: float = EMBEDDED_POLL_S

    def __post_init__(self) -> None:
        if not _EXECUTOR_ID.fullmatch(self.executor_id):
            raise ValueError(f"{self.executor_id!r} is no name of a process: letters, digits and ._- only")

    @property
    def is_postgres(self) -> bool:
        """Whether many machines can share the jobs."""
        return self.url.startswith("postgresql")

    @property
    def file(self) -> Path:
        """The database's file, where it is SQLite's."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def libpq_url(self) -> str:
        """The URL without SQLAlchemy's driver in it."""
        return re.sub(r"^postgresql\+\w+://", "postgresql://", self.url)

    @property
    def sqlalchemy_url(self) -> str:
        """The URL with the driver in it."""
        return re.sub(r"^postgresql://", "postgresql+psycopg://", self.url)


def sqlite_jobs_url(data_dir: Path) -> str:
    """The jobs' own SQLite file beside the application's, which migrations must not touch."""
    return f"sqlite:///{(data_dir / 'jobs.db').absolute()}"
