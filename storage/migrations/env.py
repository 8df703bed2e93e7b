"""Alembic's environment: runs revisions on the connection that `storage.migrations.upgrade` opened."""

from alembic import context
from sqlalchemy import Connection

from storage.models import Table


def run() -> None:
    """Runs what Alembic asks for, in the transaction that is open on the connection."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        render_as_batch=True,  # SQLite cannot alter a table in place
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":  # the name under which Alembic loads this file; a plain import does nothing
    run()
