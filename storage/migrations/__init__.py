"""Bringing a database's tables up to date, with Alembic, on SQLite and PostgreSQL.

The revisions in `versions` are part of the package, so an installed program needs no file beside it. To write
the next one: change `storage.models`, then `python -m storage.migrations "what changes"`.
"""

import sqlite3
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

BUSY_TIMEOUT_S = 30
BUSY_RETRY_S = 0.02
CONNECT_TIMEOUT_S = 5

_LOCKS = {
    # Python's driver opens no transaction before CREATE TABLE; without one, two would do it at once
    "sqlite": "BEGIN IMMEDIATE",
    # any number that nobody else uses; the lock is let go at the end of the transaction
    "postgresql": "SELECT pg_advisory_xact_lock(6511578)",
}


def upgrade(url: str | URL) -> None:
    """Runs the revisions that the database lacks; blocking.

    Two processes may do it at the same time: the second waits and then finds nothing to do.

    Args:
        url: In SQLAlchemy's form.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database cannot be used.
    """
    prepare_sqlite(url)
    with _engine(url).connect() as connection:
        connection.exec_driver_sql(_LOCKS[connection.dialect.name])
        command.upgrade(configuration(connection), "head")
        connection.commit()


def prepare_sqlite(url: str | URL) -> None:
    """Makes a database of SQLite, if there is none, and has its readers not wait for the writer; blocking.

    The file remembers it. Of other databases nothing is asked.
    """
    if make_url(url).get_backend_name() == "sqlite":
        with _engine(url).connect() as connection:
            _switch_log(connection)


def configuration(connection: Connection) -> Config:
    """Alembic's configuration, without an ini file, for a connection that is open."""
    config = Config()
    # a percent sign in the path is no interpolation
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _engine(url: str | URL) -> Engine:
    """An engine without a pool."""
    target = make_url(url)
    if target.get_backend_name() != "sqlite":
        return create_engine(target, poolclass=NullPool, connect_args={"connect_timeout": CONNECT_TIMEOUT_S})
    return create_engine(target, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT_S})


def _switch_log(connection: Connection) -> None:
    """Has it keep a write-ahead log; that is refused at once while another process does the same."""
    give_up_s = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        except OperationalError as error:
            is_busy = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > give_up_s:
                raise
            time.sleep(BUSY_RETRY_S)
        else:
            return
