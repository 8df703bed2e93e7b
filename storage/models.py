"""The tables, as SQLAlchemy maps them; nobody outside of this package uses them.

Internal keys are integers that count up, so that order of insertion is an order even when the clock is set
back; what others refer to are the text ids beside them.
"""

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, stored in UTC and aware of it when read; SQLite forgets time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> datetime | None:
        """To UTC; a naive time is a mistake and raises ValueError."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SafeText(TypeDecorator[str]):
    """Text without the two things that come in through JSON and that a database refuses.

    SQLite takes no lone surrogates, PostgreSQL takes no NUL.
    """

    impl = String
    cache_ok = True

    def process_bind_param(
        self,
        value: str | None,
        dialect: Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> str | None:
        """With a question mark for each lone surrogate, and nothing for a NUL."""
        return value and value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


class Table(DeclarativeBase):
    """What all tables share: the names of constraints and the types of columns."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: SafeText,
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[dict[str, Any]]: JSON,
    }


class PersonRow(Table):
    """A person on one platform, what they prefer, and where their last turn ends in the fair order."""

    __tablename__ = "person"
    __table_args__ = (UniqueConstraint("platform", "platform_id"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str]
    platform_id: Mapped[str]
    language: Mapped[str | None]
    preferences: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    last_finish: Mapped[int] = mapped_column(BigInteger, index=True, default=0)


class UsageRow(Table):
    """What was made for a person on one day, in UTC."""

    __tablename__ = "usage"

    person_key: Mapped[int] = mapped_column(ForeignKey("person.key"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    pictures: Mapped[int] = mapped_column(default=0)
    gpu_s: Mapped[float] = mapped_column(default=0.0)


class ConversationRow(Table):
    """A conversation and the revision where it stands."""

    __tablename__ = "conversation"
    __table_args__ = (UniqueConstraint("platform", "chat_id"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str]
    chat_id: Mapped[str]
    # use_alter: conversation and revision refer to each other
    head_id: Mapped[str | None] = mapped_column(ForeignKey("revision.id", use_alter=True), index=True)


class TurnRow(Table):
    """One request; its id is the caller's idempotency key."""

    __tablename__ = "turn"
    __table_args__ = (Index(None, "person_key", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    conversation_key: Mapped[int] = mapped_column(ForeignKey("conversation.key"), index=True)
    person_key: Mapped[int] = mapped_column(ForeignKey("person.key"))
    prompt: Mapped[str]
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("revision.id", use_alter=True), index=True)
    request: Mapped[dict[str, Any]]
    pictures: Mapped[int]
    place_start: Mapped[int] = mapped_column(BigInteger)
    place_finish: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(index=True)
    stage: Mapped[str]
    stage_at: Mapped[datetime] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    economy: Mapped[int] = mapped_column(default=0)
    compose_s: Mapped[float] = mapped_column(default=0.0)
    paint_s: Mapped[float] = mapped_column(default=0.0)
    remark: Mapped[str] = mapped_column(default="")
    error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None] = mapped_column(index=True)


class RevisionRow(Table):
    """A scene: canonical Canvas code, the repairs it took, the settings; `parent_id` makes the tree.

    `search_text` is what a person finds it by: prompt and global description in folded case.
    """

    __tablename__ = "revision"

    key: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    conversation_key: Mapped[int] = mapped_column(ForeignKey("conversation.key"), index=True)
    turn_id: Mapped[str] = mapped_column(ForeignKey("turn.id"), unique=True)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("revision.id"), index=True)
    code: Mapped[str]
    repairs: Mapped[list[dict[str, Any]]]
    settings: Mapped[dict[str, Any]]
    search_text: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)

    images: Mapped[list["ImageRow"]] = relationship(lazy="selectin", order_by="ImageRow.index")


class ImageRow(Table):
    """A finished picture; `file_key` finds its bytes."""

    __tablename__ = "image"
    __table_args__ = (
        UniqueConstraint("revision_id", "index"),
        Index(None, "file_key"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    revision_id: Mapped[str] = mapped_column(ForeignKey("revision.id"))
    index: Mapped[int]
    seed: Mapped[int] = mapped_column(BigInteger)  # up to 2**32
    width_px: Mapped[int]
    height_px: Mapped[int]
    file_key: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class PictureRow(Table):
    """The bytes of a picture, for installations whose processes share no disk; the key is their digest."""

    __tablename__ = "picture"

    key: Mapped[str] = mapped_column(primary_key=True)
    png: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=now)


_IS_RESULT = text("kind = 'result'")
_IS_UNHANDLED = text("handled_at IS NULL")


class PostRow(Table):
    """A message of ours in a chat; `is_delivered` repeats what its data says, for the look-up."""

    __tablename__ = "post"
    __table_args__ = (
        UniqueConstraint("platform", "chat_id", "message_id"),
        Index("uq_post_result", "turn_id", unique=True, sqlite_where=_IS_RESULT, postgresql_where=_IS_RESULT),
        Index(None, "platform", "person_id"),
    )

    key: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str]
    chat_id: Mapped[str]
    message_id: Mapped[str]
    kind: Mapped[str]
    turn_id: Mapped[str | None] = mapped_column(ForeignKey("turn.id"), index=True)
    revision_id: Mapped[str | None] = mapped_column(ForeignKey("revision.id"), index=True)
    person_id: Mapped[str | None]  # the platform's: to get a message is no reason for a row of one's own
    data: Mapped[dict[str, Any]]
    is_delivered: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)


class ReceivedRow(Table):
    """Something that a platform sent; once it is handled, only its key is kept."""

    __tablename__ = "received"
    __table_args__ = (
        UniqueConstraint("platform", "key"),
        Index(
            "ix_received_unhandled",
            "platform",
            "number",
            sqlite_where=_IS_UNHANDLED,
            postgresql_where=_IS_UNHANDLED,
        ),
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    platform: Mapped[str]
    key: Mapped[str]
    payload: Mapped[dict[str, Any]]
    person_id: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime] = mapped_column(default=now)
    handled_at: Mapped[datetime | None] = mapped_column(index=True)


class ChatRow(Table):
    """What has been set for a chat."""

    __tablename__ = "chat"

    platform: Mapped[str] = mapped_column(primary_key=True)
    chat_id: Mapped[str] = mapped_column(primary_key=True)
    preferences: Mapped[dict[str, Any]]


class FavouriteRow(Table):
    """A scene that a person wants to find again."""

    __tablename__ = "favourite"
    __table_args__ = (UniqueConstraint("person_key", "revision_id"),)

    key: Mapped[int] = mapped_column(primary_key=True)
    person_key: Mapped[int] = mapped_column(ForeignKey("person.key"))
    revision_id: Mapped[str] = mapped_column(ForeignKey("revision.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class NoteRow(Table):
    """A small thing that an installation remembers."""

    __tablename__ = "note"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
