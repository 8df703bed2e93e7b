"""Finding rows by what others call them, and making those that a conversation or a person needs.

Functions on a session that `storage.store` has opened.
"""

import base64
import secrets
from dataclasses import asdict

from sqlalchemy import ColumnElement, and_, bindparam, select
from sqlalchemy.orm import Session

from storage.database import dialect_of, insert
from storage.errors import NotFound
from storage.models import ConversationRow, PersonRow, RevisionRow
from storage.records import ConversationKey, PersonKey

ID_CHARS = 10

# parameters bear the names of the fields of the keys
IS_CONVERSATION: ColumnElement[bool] = and_(
    ConversationRow.platform == bindparam("platform"), ConversationRow.chat_id == bindparam("chat_id")
)
IS_PERSON: ColumnElement[bool] = and_(
    PersonRow.platform == bindparam("platform"), PersonRow.platform_id == bindparam("platform_id")
)
_CONVERSATION = select(ConversationRow.key).where(IS_CONVERSATION)
_PERSON = select(PersonRow.key).where(IS_PERSON)
_MADE = select(RevisionRow.id).where(RevisionRow.turn_id == bindparam("turn_id"))
_REVISION = select(RevisionRow.conversation_key).where(RevisionRow.id == bindparam("id"))


def new_id() -> str:
    """50 random bits, in characters that are fit for file names and buttons."""
    return base64.b32encode(secrets.token_bytes(10)).decode("ascii")[:ID_CHARS].lower()


def conversation_key(session: Session, conversation: ConversationKey) -> int:
    """The key of the conversation's row, which is made when there is none."""
    names = asdict(conversation)
    key = session.scalar(_CONVERSATION, names)
    if key is None:
        session.execute(insert(dialect_of(session), ConversationRow).on_conflict_do_nothing(), names)
        key = session.execute(_CONVERSATION, names).scalar_one()
    return key


def person_key(session: Session, person: PersonKey) -> int:
    """The key of the person's row, which is made when there is none."""
    key = known_person_key(session, person)
    if key is None:
        names = asdict(person)
        session.execute(
            insert(dialect_of(session), PersonRow).on_conflict_do_nothing(), {**names, "last_finish": 0}
        )
        key = session.execute(_PERSON, names).scalar_one()
    return key


def known_person_key(session: Session, person: PersonKey) -> int | None:
    """The key of the person's row; None when there is none."""
    return session.scalar(_PERSON, asdict(person))


def made_revision(session: Session, turn_id: str) -> str | None:
    """The id of the revision that the turn made; None while there is none."""
    return session.scalar(_MADE, {"turn_id": turn_id})


def check_revision(session: Session, conversation_key: int, revision_id: str) -> None:
    """Raises `NotFound` for what is no revision of the conversation."""
    if session.scalar(_REVISION, {"id": revision_id}) != conversation_key:
        raise NotFound("revision", revision_id)
