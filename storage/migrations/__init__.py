"""Bringing a database's tables up to date, with Alembic, on SQLite and PostgreSQL.

The revisions in `versions` are part of the package, so an installed program needs no file beside it. To write
the next one: change `storage.models`, then `python -m storage.migrations "what changes"`.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.pool import NullPool

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
        url: In SQLAlchemy's form, of a synchronous or an asynchronous driver.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: The database cannot be used.
    """
    engine = create_engine(_synchronous(make_url(url)), poolclass=NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(_LOCKS[connection.dialect.name])
        command.upgrade(configuration(connection), "head")
        connection.commit()


def configuration(connection: Connection) -> Config:
    """Alembic's configuration, without an ini file, for a connection that is open."""
    config = Config()
    # a percent sign in the path is no interpolation
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _synchronous(url: URL) -> URL:
    return url.set(drivername="sqlite") if url.get_backend_name() == "sqlite" else url
