"""What can be known of a database without changing it, for whoever looks after the installation.

Nothing is made, upgraded or locked: not even the files that SQLite puts beside a database that it opens.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, NullPool, create_engine, text

from storage.database import parse_url, storage_errors
from storage.migrations import configuration

CONNECT_TIMEOUT_S: Final = 4
STATEMENT_TIMEOUT_S: Final = 4

_FILES: Final = ("omost.db*", "jobs.db*", "*.lock")
_JOBS_SCHEMA: Final = "dbos"
_MOUNTS: Final = Path("/proc/self/mounts")
_ON_THE_NET: Final = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "fuse.rclone", "ceph", "glusterfs", "afs")


@dataclass(frozen=True, slots=True)
class Tables:
    """How a database's tables stand.

    Attributes:
        found: The revision that they have; empty where there are none.
        newest: The newest one that this program knows.
        pending: How many revisions the next start adds.
        is_newer: Whether a newer version of the program made them.
    """

    found: str
    newest: str
    pending: int
    is_newer: bool


@dataclass(frozen=True, slots=True)
class Sqlite:
    """A database in files.

    Attributes:
        file: Where it is, or will be.
        version: Of the library.
        tables: None where there is no file yet.
        not_writable: Files beside it, itself included, that may not be written.
        network: The kind of file system, where it is one of the net; else empty.
    """

    file: Path
    version: str
    tables: Tables | None
    not_writable: tuple[str, ...]
    network: str


@dataclass(frozen=True, slots=True)
class Postgres:
    """A database on a server.

    Attributes:
        version: As the server names it, `16.2`.
        version_number: As a number, `160002`.
        has_pooler: Whether something stands between that hands connections on.
        lacks: What may not be done: `create-tables`, `create-schema`, `write`.
        free_connections: How many more may be made.
        at_work: The names of the bot's processes that are connected.
        ahead_s: By how much the server's clock is ahead of this machine's.
    """

    version: str
    version_number: int
    encoding: str
    tables: Tables
    has_pooler: bool
    lacks: tuple[str, ...]
    free_connections: int
    at_work: tuple[str, ...]
    ahead_s: float


def inspect_sqlite(data_dir: Path) -> Sqlite:
    """Looks at the database in a folder; blocking.

    Raises:
        StorageFailed: The file cannot be read, or is no database.
    """
    file = data_dir / "omost.db"
    closed = tuple(path.name for path in _files(data_dir) if not os.access(path, os.R_OK | os.W_OK))
    with storage_errors():
        engine = create_engine(_read_only(file), poolclass=NullPool)
        version: str = cast("Any", engine.dialect).dbapi.sqlite_version
        tables = None
        if file.exists() and file.name not in closed:
            with engine.connect() as connection:
                tables = _tables(connection)
    return Sqlite(file, version, tables, closed, _network(data_dir))


def inspect_postgres(url: str) -> Postgres:
    """Asks a server; blocking.

    Raises:
        StorageFailed: It does not answer, or does not let the bot in.
    """
    with storage_errors():
        options = f"-c statement_timeout={STATEMENT_TIMEOUT_S}s -c default_transaction_read_only=on"
        arguments = {"connect_timeout": CONNECT_TIMEOUT_S, "options": options}
        engine = create_engine(
            parse_url(url), poolclass=NullPool, connect_args=arguments, hide_parameters=True
        )
        with engine.connect() as connection:
            return _postgres(connection)


def _postgres(connection: Connection) -> Postgres:
    asked: dict[str, Any] = dict(connection.execute(text(_QUESTIONS)).mappings().one())
    told_at_s = time.time()
    own: int = cast("Any", connection.connection.driver_connection).info.backend_pid
    names = connection.execute(text(_AT_WORK)).scalars()
    return Postgres(
        version=str(asked["version"]).split(" ")[0],
        version_number=int(asked["version_number"]),
        encoding=asked["encoding"],
        tables=_tables(connection),
        has_pooler=own != asked["pid"],
        lacks=tuple(_lacking(asked)),
        free_connections=asked["most_connections"] - asked["connections"],
        at_work=tuple(str(name).removeprefix("omost-bot ") for name in names),
        ahead_s=float(asked["epoch_s"]) - told_at_s,
    )


_QUESTIONS: Final = f"""
SELECT current_setting('server_version') AS version,
       current_setting('server_version_num') AS version_number,
       current_setting('server_encoding') AS encoding,
       pg_backend_pid() AS pid,
       pg_is_in_recovery() AS is_copy,
       has_schema_privilege(coalesce(current_schema(), 'public'), 'CREATE') AS may_create_tables,
       has_database_privilege(current_database(), 'CREATE')
         OR coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace
                      WHERE nspname = '{_JOBS_SCHEMA}'), false) AS may_create_schema,
       current_setting('max_connections')::int
         - current_setting('superuser_reserved_connections')::int AS most_connections,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int AS connections,
       extract(epoch FROM clock_timestamp()) AS epoch_s
"""  # noqa: S608 - nothing in it comes from elsewhere
_AT_WORK: Final = (
    "SELECT DISTINCT application_name FROM pg_stat_activity "
    "WHERE application_name LIKE 'omost-bot %' AND datname = current_database() ORDER BY 1"
)


def _lacking(asked: dict[str, Any]) -> Iterator[str]:
    if asked["is_copy"]:
        yield "write"
    if not asked["may_create_tables"]:
        yield "create-tables"
    if not asked["may_create_schema"]:
        yield "create-schema"


def _tables(connection: Connection) -> Tables:
    script = ScriptDirectory.from_config(configuration(connection))
    found = MigrationContext.configure(connection).get_current_revision() or ""
    known = [each.revision for each in script.walk_revisions()]  # the newest first
    is_newer = bool(found) and found not in known
    pending = 0 if is_newer else known.index(found) if found else len(known)
    return Tables(found, known[0], pending, is_newer)


def _read_only(file: Path) -> URL:
    """Without a log beside it nobody has it open: then none is made either."""
    log = file.with_name(f"{file.name}-wal")
    is_open = log.exists() and log.stat().st_size > 0
    query = {"uri": "true", "mode": "ro"} | ({} if is_open else {"immutable": "1"})
    return URL.create("sqlite", database=file.absolute().as_uri(), query=query)


def _files(folder: Path) -> list[Path]:
    return sorted(path for pattern in _FILES for path in folder.glob(pattern))


def _network(folder: Path) -> str:
    """The kind of the file system that a folder is, or will be, on; empty unless it is one of the net."""
    if not _MOUNTS.is_file():
        return ""
    place, longest, kind = str(folder.resolve()), -1, ""
    for line in _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
        _, mount, found, *_ = line.split(" ")
        mount = mount.replace("\\040", " ")  # as a space is written there
        inside = place == mount or place.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= longest:
            longest, kind = len(mount), found
    return kind if kind.startswith(_ON_THE_NET) else ""
