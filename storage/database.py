"""The database's edge: how it is opened, what SQLite and PostgreSQL do differently, whose errors come out."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Collection, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from storage.errors import DatabaseAway, StorageFailed
from storage.migrations import BUSY_TIMEOUT_S, CONNECT_TIMEOUT_S
from storage.models import Table

T = TypeVar("T")

POOL_SIZE = 8
"""Transactions at a time; each has a thread and a connection, so none waits for a connection in a thread."""

# A process that is stopped in the middle of a transaction must not keep its locks from all others, and a
# server that vanished from the net must be noticed.
_POSTGRESQL_ARGUMENTS = {
    "connect_timeout": CONNECT_TIMEOUT_S,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "options": "-c idle_in_transaction_session_timeout=10s -c lock_timeout=30s -c statement_timeout=60s",
}

# SQLSTATE: connection lost, conflict, cut off in a transaction, too many connections, lock or statement timed
# out, server going down or coming up; https://www.postgresql.org/docs/current/errcodes-appendix.html
_AWAY_STATES = ("08", "40", "25P03", "53300", "55P03", "57")


class Lock(IntEnum):
    """What is changed by one process at a time; with several locks, the smaller number is taken first."""

    TURNS = 6511579
    """Which turns and revisions there are, and where conversations stand."""
    PICTURES = 6511580
    """Which pictures there are."""


class Database:
    """An open database, in which work is done on sessions.

    Work is a plain function. It is one transaction, carried out in a thread of the database's own from its
    beginning to its commit, or to its rollback when the work raises. To enter a thread once costs a fraction
    of what an asynchronous driver does, which enters one for every step of every statement.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # what a statement changes is not looked for among the objects of the session: work reads it again
        self._sessions = sessionmaker(
            engine, expire_on_commit=False, execution_options={"synchronize_session": False}
        )
        self._threads = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="storage")
        self._waiting = {lock: asyncio.Lock() for lock in Lock}

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite's."""
        return self._engine.dialect.name == "sqlite"

    async def read(self, work: Callable[[Session], T]) -> T:
        """Does work that changes nothing; returns what it returns."""
        return await self._in_thread(work)

    async def write(self, work: Callable[[Session], T], *locks: Lock) -> T:
        """Does work that sees what all before it wrote while they held one of the same locks.

        SQLite knows a single writer: there all work that writes excludes each other.
        """

        def locked_work(session: Session) -> T:
            self._lock(session, locks)
            return work(session)

        async with self._turn(locks):
            return await self._in_thread(locked_work)

    def _lock(self, session: Session, locks: Collection[Lock]) -> None:
        """Keeps the other processes out until the transaction ends."""
        connection = session.connection()
        if self.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            for lock in sorted(locks):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({lock:d})")

    async def _in_thread(self, work: Callable[[Session], T]) -> T:
        """Returns when the transaction has ended, to a caller who is cancelled too: a thread cannot be.

        So whoever has a turn keeps it until then; the databases' own time-outs bound the waiting.
        """
        running = asyncio.get_running_loop().run_in_executor(self._threads, self._transact, work)
        cancelled: asyncio.CancelledError | None = None
        while not running.done():
            try:
                await asyncio.wait([running])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is None:
            return running.result()
        running.exception()  # nobody is left to hear of it
        raise cancelled

    def _transact(self, work: Callable[[Session], T]) -> T:
        with storage_errors(), self._sessions.begin() as session:
            return work(session)

    @asynccontextmanager
    async def _turn(self, locks: Collection[Lock]) -> AsyncGenerator[None]:
        """Lets the writers of this process wait here in a row: the databases' own waiting is less fair.

        And who waits here holds neither thread nor connection.
        """
        async with AsyncExitStack() as stack:
            for lock in [Lock.TURNS] if self.is_sqlite else sorted(locks):
                await stack.enter_async_context(self._waiting[lock])
            yield

    async def close(self) -> None:
        """Waits for what runs, and lets go of all connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()


def sqlite_url(file: Path) -> URL:
    """The URL of a SQLite database in that file."""
    return URL.create("sqlite", database=str(file))


def parse_url(url: str) -> URL:
    """A URL as people write it; of PostgreSQL's drivers the one that is installed is used.

    Raises:
        sqlalchemy.exc.ArgumentError: It is none.
    """
    parsed = make_url(url)
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def connect(url: URL) -> Engine:
    """An engine for the database; nothing is opened before its first use."""
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url,
            connect_args=_POSTGRESQL_ARGUMENTS,
            pool_pre_ping=True,
            pool_size=POOL_SIZE,
            hide_parameters=True,
        )
    # IMMEDIATE: a transaction that writes takes the lock before its first write and waits for it; a deferred
    # one that has read before it writes fails at once when another wrote in between, whatever the timeout
    arguments = {"timeout": BUSY_TIMEOUT_S, "isolation_level": "IMMEDIATE"}
    engine = create_engine(url, connect_args=arguments, pool_size=POOL_SIZE, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def dialect_of(session: Session) -> str:
    """`sqlite` or `postgresql`."""
    return session.get_bind().dialect.name


def insert(dialect: str, table: type[Table]) -> sqlite.Insert | postgresql.Insert:
    """An insert that can be told what to do where a row of the same key stands already."""
    of_dialect = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    return of_dialect[dialect](table)


@contextmanager
def storage_errors() -> Generator[None]:
    """Turns errors of the database and the disk into `StorageFailed`; into `DatabaseAway`, if it may pass."""
    try:
        yield
    except DBAPIError as error:
        raise (DatabaseAway if _is_away(error) else StorageFailed)(str(error.orig)) from error
    except (SQLAlchemyError, OSError) as error:
        raise StorageFailed(str(error)) from error


def _is_away(error: DBAPIError) -> bool:
    """Whether the same may work a moment later."""
    if error.connection_invalidated or getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return True
    state: str | None = getattr(error.orig, "sqlstate", "")
    # psycopg has the attribute on all its errors, and None in it where no server has answered
    could_not_connect = state is None and type(error).__name__ in {"OperationalError", "InterfaceError"}
    return could_not_connect or (state or "").startswith(_AWAY_STATES)


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def spare_disk(file: Path) -> None:
    """Has no later connection of this process to that SQLite database wait for the disk at each commit.

    For what can be made again from another database. A commit takes a hundredth of the time; it still
    survives the end of any process, but the last ones before a loss of power may be undone, in whole.
    """
    _SPARED.add(file.resolve())
    if not event.contains(Engine, "connect", _commit_lightly):
        event.listen(Engine, "connect", _commit_lightly)


_SPARED: set[Path] = set()


def _commit_lightly(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    file: str = connection.execute("PRAGMA database_list").fetchone()[2]
    if Path(file).resolve() in _SPARED:
        connection.execute("PRAGMA synchronous=NORMAL")


def wait_for_connections() -> None:
    """Has every connection that cannot be made count as lost, so that whoever repeats what was lost does.

    DBOS knows a failed connection by its words, and not those of a missing socket or an unknown host.
    """
    if not event.contains(Engine, "handle_error", _as_lost):
        event.listen(Engine, "handle_error", _as_lost)


def _as_lost(context: ExceptionContext) -> None:
    if context.connection is None:
        context.is_disconnect = True
