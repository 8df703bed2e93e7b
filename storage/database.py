"""The database's edge: how it is opened, what SQLite and PostgreSQL do differently, whose errors come out."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Insert, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from storage.errors import StorageFailed
from storage.migrations import BUSY_TIMEOUT_S
from storage.models import Table


def sqlite_url(file: Path) -> URL:
    """The URL of a SQLite database in that file."""
    return URL.create("sqlite+aiosqlite", database=str(file))


def connect(url: URL) -> AsyncEngine:
    """An engine for the database; nothing is opened before its first use."""
    if url.get_backend_name() != "sqlite":
        return create_async_engine(url, hide_parameters=True)
    # IMMEDIATE: a transaction that writes takes the lock before its first write and waits for it; a deferred
    # one that has read before it writes fails at once when another wrote in between, whatever the timeout
    arguments = {"timeout": BUSY_TIMEOUT_S, "isolation_level": "IMMEDIATE"}
    driver = url.set(drivername="sqlite+aiosqlite")
    engine = create_async_engine(driver, connect_args=arguments, hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def insert_new(session: AsyncSession, table: type[Table], values: dict[str, Any]) -> Insert:
    """An insert that does nothing where a row of the same key stands already."""
    of_dialect = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    return of_dialect[session.get_bind().dialect.name](table).values(values).on_conflict_do_nothing()


@asynccontextmanager
async def storage_errors() -> AsyncGenerator[None]:
    """Turns errors of the database and the disk into `StorageFailed`."""
    try:
        yield
    except DBAPIError as error:
        raise StorageFailed(str(error.orig)) from error
    except (SQLAlchemyError, OSError) as error:
        raise StorageFailed(str(error)) from error


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
