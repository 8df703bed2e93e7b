"""The database's edge: how it is opened, what SQLite and PostgreSQL do differently, whose errors come out."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from enum import IntEnum
from pathlib import Path
from sqlite3 import SQLITE_BUSY
from typing import Any

from sqlalchemy import URL, Insert, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from storage.errors import DatabaseAway, StorageFailed
from storage.migrations import BUSY_TIMEOUT_S, CONNECT_TIMEOUT_S
from storage.models import Table

POOL_TIMEOUT_S = 10

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
    """An open database. A session is one transaction, committed when its context is left without an error."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._waiting = {lock: asyncio.Lock() for lock in Lock}

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite's."""
        return self._engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncSession]:
        """A session that changes nothing."""
        async with storage_errors(), self._sessions.begin() as session:
            yield session

    @asynccontextmanager
    async def writing(self, *locks: Lock) -> AsyncGenerator[AsyncSession]:
        """A session that sees what all before it wrote while they held one of the same locks.

        SQLite knows a single writer: there all sessions for writing exclude each other.
        """
        async with self._turn(locks), storage_errors(), self._sessions.begin() as session:
            connection = await session.connection()
            if self.is_sqlite:
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                for lock in sorted(locks):
                    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({lock:d})")
            yield session

    @asynccontextmanager
    async def _turn(self, locks: Collection[Lock]) -> AsyncGenerator[None]:
        """Lets the writers of this process wait here in a row: the databases' own waiting is less fair.

        And who waits here holds no connection.
        """
        async with AsyncExitStack() as stack:
            for lock in [Lock.TURNS] if self.is_sqlite else sorted(locks):
                await stack.enter_async_context(self._waiting[lock])
            yield

    async def close(self) -> None:
        """Lets go of all connections."""
        await self._engine.dispose()


def sqlite_url(file: Path) -> URL:
    """The URL of a SQLite database in that file."""
    return URL.create("sqlite+aiosqlite", database=str(file))


def parse_url(url: str) -> URL:
    """A URL as people write it; of PostgreSQL's drivers the one that is installed is used.

    Raises:
        sqlalchemy.exc.ArgumentError: It is none.
    """
    parsed = make_url(url)
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def connect(url: URL) -> AsyncEngine:
    """An engine for the database; nothing is opened before its first use."""
    if url.get_backend_name() != "sqlite":
        return create_async_engine(
            url,
            connect_args=_POSTGRESQL_ARGUMENTS,
            pool_pre_ping=True,
            pool_timeout=POOL_TIMEOUT_S,
            hide_parameters=True,
        )
    # IMMEDIATE: a transaction that writes takes the lock before its first write and waits for it; a deferred
    # one that has read before it writes fails at once when another wrote in between, whatever the timeout
    arguments = {"timeout": BUSY_TIMEOUT_S, "isolation_level": "IMMEDIATE"}
    driver = url.set(drivername="sqlite+aiosqlite")
    engine = create_async_engine(driver, connect_args=arguments, hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "invalidate", _let_go)
    return engine


def insert_new(session: AsyncSession, table: type[Table], values: dict[str, Any]) -> Insert:
    """An insert that does nothing where a row of the same key stands already."""
    of_dialect = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    return of_dialect[session.get_bind().dialect.name](table).values(values).on_conflict_do_nothing()


@asynccontextmanager
async def storage_errors() -> AsyncGenerator[None]:
    """Turns errors of the database and the disk into `StorageFailed`; into `DatabaseAway`, if it may pass."""
    try:
        yield
    except DBAPIError as error:
        raise (DatabaseAway if _is_away(error) else StorageFailed)(str(error.orig)) from error
    except PoolTimeout as error:
        raise DatabaseAway(str(error)) from error
    except (SQLAlchemyError, OSError) as error:
        raise StorageFailed(str(error)) from error


def _is_away(error: DBAPIError) -> bool:
    """Whether the same may work a moment later."""
    if error.connection_invalidated or getattr(error.orig, "sqlite_errorcode", None) == SQLITE_BUSY:
        return True
    state: str | None = getattr(error.orig, "sqlstate", "")
    # psycopg has the attribute on all its errors, and None in it where no server has answered
    could_not_connect = state is None and type(error).__name__ in {"OperationalError", "InterfaceError"}
    return could_not_connect or (state or "").startswith(_AWAY_STATES)


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _let_go(connection: DBAPIConnection, _: ConnectionPoolEntry, __: BaseException | None) -> None:
    """Rolls back before a connection is closed whose user was cancelled.

    A connection that is closed in the middle of reading keeps its transaction, and so the lock of the whole
    database, for as long as anything refers to the cursor. The error that led here is raised afterwards.
    """
    with suppress(Exception, asyncio.CancelledError):
        connection.rollback()


def wait_for_connections() -> None:
    """Has every connection that cannot be made count as lost, so that whoever repeats what was lost does.

    DBOS knows a failed connection by its words, and not those of a missing socket or an unknown host.
    """
    if not event.contains(Engine, "handle_error", _as_lost):
        event.listen(Engine, "handle_error", _as_lost)


def _as_lost(context: ExceptionContext) -> None:
    if context.connection is None:
        context.is_disconnect = True
