"""Durable jobs: turns know their person, request, place and stage; usage; pictures in the database."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0002"
down_revision = "0001"

INTERRUPTED = '{"error": "Interrupted", "data": {}}'

_DOUBLE: TypeEngine[Any] = sa.Double()

_COLUMNS: dict[str, TypeEngine[Any]] = {
    "person_key": sa.Integer(),
    "request": sa.JSON(),
    "pictures": sa.Integer(),
    "place_start": sa.BigInteger(),
    "place_finish": sa.BigInteger(),
    "stage": sa.String(),
    "stage_at": sa.DateTime(timezone=True),
    "attempts": sa.Integer(),
    "economy": sa.Integer(),
    "compose_s": _DOUBLE,
    "paint_s": _DOUBLE,
    "ended_at": sa.DateTime(timezone=True),
}


def upgrade() -> None:
    """Adds them. Turns from before belong to nobody; those that ran are failed, as they cannot go on."""
    with op.batch_alter_table("person") as person:
        person.alter_column("language", existing_type=sa.String(), nullable=True)
        person.add_column(sa.Column("last_finish", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index(op.f("ix_person_last_finish"), "person", ["last_finish"])
    _create_usage()
    _create_picture()
    for name, kind in _COLUMNS.items():
        op.add_column("turn", sa.Column(name, kind, nullable=True))
    _fill_turns()
    with op.batch_alter_table("turn") as turn:
        for name, kind in _COLUMNS.items():
            turn.alter_column(name, existing_type=kind, nullable=name == "ended_at")
        turn.create_foreign_key(op.f("fk_turn_person_key_person"), "person", ["person_key"], ["key"])
    op.create_index(op.f("ix_turn_person_key"), "turn", ["person_key"])
    op.create_index(op.f("ix_turn_parent_id"), "turn", ["parent_id"])
    op.create_index(op.f("ix_turn_ended_at"), "turn", ["ended_at"])
    op.create_index(op.f("ix_conversation_head_id"), "conversation", ["head_id"])


def downgrade() -> None:
    """Drops them, and with them the people who have chosen no language."""
    op.drop_index(op.f("ix_conversation_head_id"), "conversation")
    for name in ("ix_turn_ended_at", "ix_turn_parent_id", "ix_turn_person_key"):
        op.drop_index(op.f(name), "turn")
    with op.batch_alter_table("turn") as turn:
        turn.drop_constraint(op.f("fk_turn_person_key_person"), type_="foreignkey")
        for name in _COLUMNS:
            turn.drop_column(name)
    op.drop_table("picture")
    op.drop_table("usage")
    op.execute("DELETE FROM person WHERE language IS NULL")
    op.drop_index(op.f("ix_person_last_finish"), "person")
    with op.batch_alter_table("person") as person:
        person.drop_column("last_finish")
        person.alter_column("language", existing_type=sa.String(), nullable=False)


def _create_usage() -> None:
    op.create_table(
        "usage",
        sa.Column("person_key", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("pictures", sa.Integer(), nullable=False),
        sa.Column("gpu_s", _DOUBLE, nullable=False),
        sa.PrimaryKeyConstraint("person_key", "day", name=op.f("pk_usage")),
        sa.ForeignKeyConstraint(["person_key"], ["person.key"], name=op.f("fk_usage_person_key_person")),
    )


def _create_picture() -> None:
    op.create_table(
        "picture",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_picture")),
    )


def _fill_turns() -> None:
    """Gives the turns that are there what they lack."""
    person = sa.table("person", sa.column("key"), sa.column("platform"), sa.column("platform_id"))
    turn = sa.table("turn", *(sa.column(name, kind) for name, kind in _COLUMNS.items()))
    for name in ("status", "error", "created_at"):
        turn.append_column(sa.column(name))
    nobody = sa.select(sa.literal(""), sa.literal("")).where(sa.exists().select_from(turn))
    op.execute(person.insert().from_select(["platform", "platform_id"], nobody))
    key = sa.select(person.c.key).where(person.c.platform == "", person.c.platform_id == "")
    filled: dict[str, Any] = {
        "person_key": key.scalar_subquery(),
        "request": {},
        "pictures": 1,
        "place_start": 0,
        "place_finish": 0,
        "stage": "waiting",
        "stage_at": turn.c.created_at,
        "attempts": 0,
        "economy": 0,
        "compose_s": 0.0,
        "paint_s": 0.0,
        "ended_at": turn.c.created_at,
    }
    op.execute(turn.update().values(filled))
    op.execute(turn.update().where(turn.c.status == "running").values(status="failed", error=INTERRUPTED))
