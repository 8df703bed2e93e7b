"""The first tables: people, conversations, turns, revisions and images."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes them; references that go round in a circle are added when all tables are there."""
    _create_person()
    _create_conversation()
    _create_turn()
    _create_revision()
    _create_image()
    _close_circles()
    _create_indices()


def downgrade() -> None:
    """Drops them, the circular references first."""
    with op.batch_alter_table("conversation") as conversation:
        conversation.drop_constraint(op.f("fk_conversation_head_id_revision"), type_="foreignkey")
    with op.batch_alter_table("turn") as turn:
        turn.drop_constraint(op.f("fk_turn_parent_id_revision"), type_="foreignkey")
    for name in ("image", "revision", "turn", "conversation", "person"):
        op.drop_table(name)


def _create_person() -> None:
    op.create_table(
        "person",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("platform_id", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_person")),
        sa.UniqueConstraint("platform", "platform_id", name=op.f("uq_person_platform_platform_id")),
    )


def _create_conversation() -> None:
    op.create_table(
        "conversation",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("head_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_conversation")),
        sa.UniqueConstraint("platform", "chat_id", name=op.f("uq_conversation_platform_chat_id")),
    )


def _create_turn() -> None:
    op.create_table(
        "turn",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("conversation_key", sa.Integer(), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("parent_id", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("remark", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_key"], ["conversation.key"], name=op.f("fk_turn_conversation_key_conversation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn")),
    )


def _create_revision() -> None:
    op.create_table(
        "revision",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("conversation_key", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("parent_id", sa.String(), nullable=True),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("repairs", sa.JSON(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_revision")),
        sa.UniqueConstraint("id", name=op.f("uq_revision_id")),
        sa.UniqueConstraint("turn_id", name=op.f("uq_revision_turn_id")),
        sa.ForeignKeyConstraint(
            ["conversation_key"], ["conversation.key"], name=op.f("fk_revision_conversation_key_conversation")
        ),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], name=op.f("fk_revision_turn_id_turn")),
        sa.ForeignKeyConstraint(["parent_id"], ["revision.id"], name=op.f("fk_revision_parent_id_revision")),
    )


def _create_image() -> None:
    op.create_table(
        "image",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("revision_id", sa.String(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("file_key", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
        sa.UniqueConstraint("revision_id", "index", name=op.f("uq_image_revision_id_index")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_image_revision_id_revision")),
    )


def _close_circles() -> None:
    """A conversation and a turn refer to a revision, which refers to them."""
    with op.batch_alter_table("conversation") as conversation:
        conversation.create_foreign_key(
            op.f("fk_conversation_head_id_revision"), "revision", ["head_id"], ["id"]
        )
    with op.batch_alter_table("turn") as turn:
        turn.create_foreign_key(op.f("fk_turn_parent_id_revision"), "revision", ["parent_id"], ["id"])


def _create_indices() -> None:
    op.create_index(op.f("ix_turn_conversation_key"), "turn", ["conversation_key"])
    op.create_index(op.f("ix_turn_status"), "turn", ["status"])
    op.create_index(op.f("ix_revision_conversation_key"), "revision", ["conversation_key"])
    op.create_index(op.f("ix_revision_parent_id"), "revision", ["parent_id"])
    op.create_index(op.f("ix_image_file_key"), "image", ["file_key"])
