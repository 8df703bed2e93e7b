"""What chats need: posts, an inbox, preferences, favourites, notes, and a text to find scenes by."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from canvas import CanvasError, parse

revision = "0003"
down_revision = "0002"

BATCH = 200


def upgrade() -> None:
    """Adds them; the scenes that are there get the text that they are found by."""
    op.add_column("person", sa.Column("preferences", sa.JSON(), nullable=True))
    op.add_column("revision", sa.Column("search_text", sa.String(), nullable=False, server_default=""))
    _fill_search_texts()
    op.create_index(op.f("ix_turn_person_key_created_at"), "turn", ["person_key", "created_at"])
    op.drop_index(op.f("ix_turn_person_key"), "turn")
    _create_post()
    _create_received()
    _create_chat()
    _create_favourite()
    _create_note()


def downgrade() -> None:
    """Drops them."""
    for name in ("note", "favourite", "chat", "received", "post"):
        op.drop_table(name)
    op.create_index(op.f("ix_turn_person_key"), "turn", ["person_key"])
    op.drop_index(op.f("ix_turn_person_key_created_at"), "turn")
    op.drop_column("revision", "search_text")
    op.drop_column("person", "preferences")


def _create_post() -> None:
    op.create_table(
        "post",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=True),
        sa.Column("revision_id", sa.String(), nullable=True),
        sa.Column("person_id", sa.String(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("is_delivered", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_post")),
        sa.UniqueConstraint(
            "platform", "chat_id", "message_id", name=op.f("uq_post_platform_chat_id_message_id")
        ),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], name=op.f("fk_post_turn_id_turn")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_post_revision_id_revision")),
    )
    is_result = sa.text("kind = 'result'")
    op.create_index(
        "uq_post_result", "post", ["turn_id"], unique=True, sqlite_where=is_result, postgresql_where=is_result
    )
    op.create_index(op.f("ix_post_platform_person_id"), "post", ["platform", "person_id"])
    op.create_index(op.f("ix_post_turn_id"), "post", ["turn_id"])
    op.create_index(op.f("ix_post_revision_id"), "post", ["revision_id"])


def _create_received() -> None:
    op.create_table(
        "received",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_received")),
        sa.UniqueConstraint("platform", "key", name=op.f("uq_received_platform_key")),
    )
    waits = sa.text("handled_at IS NULL")
    op.create_index(
        "ix_received_unhandled",
        "received",
        ["platform", "number"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
    op.create_index(op.f("ix_received_handled_at"), "received", ["handled_at"])


def _create_chat() -> None:
    op.create_table(
        "chat",
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("preferences", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "chat_id", name=op.f("pk_chat")),
    )


def _create_favourite() -> None:
    op.create_table(
        "favourite",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("person_key", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_favourite")),
        sa.UniqueConstraint("person_key", "revision_id", name=op.f("uq_favourite_person_key_revision_id")),
        sa.ForeignKeyConstraint(["person_key"], ["person.key"], name=op.f("fk_favourite_person_key_person")),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revision.id"], name=op.f("fk_favourite_revision_id_revision")
        ),
    )
    op.create_index(op.f("ix_favourite_revision_id"), "favourite", ["revision_id"])


def _create_note() -> None:
    op.create_table(
        "note",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_note")),
    )


def _fill_search_texts() -> None:
    """Gives every scene its prompt and its global description, in folded case, some scenes at a time."""
    scene = sa.table("revision", *_columns("key", "turn_id", "code", "search_text"))
    turn = sa.table("turn", *_columns("id", "prompt"))
    some = sa.select(scene.c.key, turn.c.prompt, scene.c.code).where(scene.c.turn_id == turn.c.id)
    some = some.where(scene.c.key > sa.bindparam("last")).order_by(scene.c.key).limit(BATCH)
    change = scene.update().where(scene.c.key == sa.bindparam("of"))
    change = change.values(search_text=sa.bindparam("text"))
    bind, last = op.get_bind(), 0
    while rows := bind.execute(some, {"last": last}).all():
        texts = [(row.key, f"{row.prompt}\n{_description(row.code)}".casefold()) for row in rows]
        bind.execute(change, [{"of": key, "text": text} for key, text in texts])
        last = rows[-1].key


def _columns(*names: str) -> Iterator[sa.ColumnClause[Any]]:
    return (sa.column(name) for name in names)


def _description(code: str) -> str:
    """The global description; nothing where the code cannot be read, which is no reason not to start."""
    try:
        return parse(code).global_description.description
    except CanvasError:
        return ""
