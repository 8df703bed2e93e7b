"""A conversation that begins with another one's picture, as a thread under a result does.

Functions on a session that `storage.store` has opened.
"""

from typing import Any

from sqlalchemy import bindparam, insert, inspect, select, update
from sqlalchemy.orm import Session

from storage import keys, results
from storage.errors import NotFound
from storage.models import ConversationRow, ImageRow, RevisionRow, TurnRow, now
from storage.records import ConversationKey, Revision, TurnStatus

_REVISION = select(RevisionRow).where(RevisionRow.id == bindparam("id"))
_TURN = select(TurnRow).where(TurnRow.id == bindparam("id"))
_FIRST_HEAD = (
    update(ConversationRow)
    .where(ConversationRow.key == bindparam("conversation"), ConversationRow.head_id.is_(None))
    .values(head_id=bindparam("head"))
)


def branch(session: Session, conversation: ConversationKey, revision_id: str) -> Revision:
    """Copies the revision and its pictures, once; in a session that holds the locks of turns and pictures."""
    turn_id = f"{conversation.platform}:{conversation.chat_id}:from:{revision_id}"
    copy_id = keys.made_revision(session, turn_id)
    if copy_id is None:
        copy_id = _copy(session, conversation, revision_id, turn_id)
    return results.revision(session, copy_id)


def _copy(session: Session, conversation: ConversationKey, revision_id: str, turn_id: str) -> str:
    """The copy's id. Its turn has ended and took nothing."""
    original = session.scalar(_REVISION, {"id": revision_id})
    if original is None:
        raise NotFound("revision", revision_id)
    key, copy_id = keys.conversation_key(session, conversation), keys.new_id()
    turn = session.scalars(_TURN, {"id": original.turn_id}).one()
    belongs = {"conversation_key": key, "parent_id": None}
    ended = {"id": turn_id, "status": TurnStatus.DONE, "compose_s": 0.0, "paint_s": 0.0}
    moments = {"created_at": now(), "stage_at": now(), "ended_at": now()}
    session.execute(insert(TurnRow), {**_columns(turn), **belongs, **ended, **moments})
    made = {"id": copy_id, "turn_id": turn_id, "created_at": now()}
    session.execute(insert(RevisionRow), {**_columns(original, "key"), **belongs, **made})
    for image in original.images:
        session.execute(insert(ImageRow), {**_columns(image), "id": keys.new_id(), "revision_id": copy_id})
    session.execute(_FIRST_HEAD, {"conversation": key, "head": copy_id})
    return copy_id


def _columns(row: TurnRow | RevisionRow | ImageRow, *without: str) -> dict[str, Any]:
    names = (column.key for column in inspect(type(row)).column_attrs)
    return {name: getattr(row, name) for name in names if name not in without}
