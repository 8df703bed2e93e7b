"""Alembic's environment: runs revisions on the connection that `storage.migrations.upgrade` opened."""

from typing import Any, Literal, cast

from alembic import context
from sqlalchemy import Connection, TypeDecorator

from storage.models import Table


def run() -> None:
    """Runs what Alembic asks for, in the transaction that is open on the connection."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        render_as_batch=True,  # SQLite cannot alter a table in place
        transactional_ddl=True,
        render_item=_in_a_draft,
    )
    with context.begin_transaction():
        context.run_migrations()


def _in_a_draft(kind: str, item: object, context: object) -> str | Literal[False]:
    """What a draft says of a type of ours: what is under it. A released migration knows no later models."""
    del context
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{cast('TypeDecorator[Any]', item).impl!r}"
    return False


if __name__ == "env_py":  # the name under which Alembic loads this file; a plain import does nothing
    run()
