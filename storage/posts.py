"""Which message of a chat shows what; each turn has one result, whatever process posts it.

Functions on a session that `storage.store` has opened. Knows nothing of how a platform shows a message.
"""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from storage import queue
from storage.errors import NotFound
from storage.models import PersonRow, PostRow, RevisionRow, TurnRow, now
from storage.preferences import merged
from storage.records import JSON, PersonKey, Post, PostKind

UNDELIVERED = timedelta(days=7)
"""So long after the end of its turn a result is still delivered."""

_IS_POST = (
    PostRow.platform == bindparam("of_platform"),
    PostRow.chat_id == bindparam("of_chat"),
    PostRow.message_id == bindparam("of_message"),
)
_POST = select(PostRow).where(*_IS_POST)
_RESULT = select(PostRow).where(PostRow.turn_id == bindparam("turn_id"), PostRow.kind == PostKind.RESULT)
_LATELY = select(TurnRow.id).where(queue.IS_OPEN | (TurnRow.ended_at >= bindparam("since")))
_OPEN = (
    select(PostRow)
    .join(TurnRow, PostRow.turn_id == TurnRow.id)
    .where(PostRow.turn_id.in_(_LATELY), queue.IS_OPEN | ~PostRow.is_delivered)  # few: those are looked up
    .where(PostRow.platform == bindparam("of_platform"), PostRow.kind == PostKind.RESULT)
    .order_by(PostRow.key)
)
_TURNS_OF = (
    select(TurnRow.id)
    .join(PersonRow, TurnRow.person_key == PersonRow.key)
    .where(PersonRow.platform == bindparam("of_platform"), PersonRow.platform_id == bindparam("of_person"))
)
_OF_PERSON = (
    select(PostRow)
    .where(PostRow.platform == bindparam("of_platform"))
    .where((PostRow.person_id == bindparam("of_person")) | PostRow.turn_id.in_(_TURNS_OF))
    .order_by(PostRow.key.desc())
)
_TURN = select(TurnRow.id).where(TurnRow.id == bindparam("id"))
_REVISION = select(RevisionRow.id).where(RevisionRow.id == bindparam("id"))


def add(session: Session, new: Post) -> Post:
    """Remembers a message, unless it or its turn's result is known; in a session that holds `Lock.TURNS`."""
    known = post(session, new.platform, new.chat_id, new.message_id)
    if known is not None and new.turn_id not in (None, known.turn_id):
        remove(session, known)  # of before its chat moved, where the platform began to count anew
        known = None
    if new.kind is PostKind.RESULT and new.turn_id is not None:
        known = of_turn(session, new.turn_id) or known
    if known is not None:
        return known
    for what, query, name in (("turn", _TURN, new.turn_id), ("revision", _REVISION, new.revision_id)):
        if name is not None and session.scalar(query, {"id": name}) is None:
            raise NotFound(what, name)
    session.execute(insert(PostRow), _columns(new))
    return new


def set_data(session: Session, changed: Post, data: Mapping[str, JSON]) -> Post | None:
    """Adds to what is noted with the message; None when that is not known."""
    row = session.scalar(_POST.with_for_update(), _names(changed))
    if row is None:
        return None
    row.data = merged(row.data, data)
    row.is_delivered = row.data.get("delivered") is True
    return _post_of(row)


def post(session: Session, platform: str, chat_id: str, message_id: str) -> Post | None:
    """The message of that id, when it is known."""
    names = {"of_platform": platform, "of_chat": chat_id, "of_message": message_id}
    row = session.scalar(_POST, names)
    return None if row is None else _post_of(row)


def of_turn(session: Session, turn_id: str) -> Post | None:
    """The turn's result."""
    row = session.scalar(_RESULT, {"turn_id": turn_id})
    return None if row is None else _post_of(row)


def of_person(session: Session, person: PersonKey) -> tuple[Post, ...]:
    """The messages for the person, and those that show their turns; newest first."""
    names = {"of_platform": person.platform, "of_person": person.platform_id}
    return tuple(_post_of(row) for row in session.scalars(_OF_PERSON, names))


def open_posts(session: Session, platform: str) -> tuple[Post, ...]:
    """The results of turns that run, and those that are undelivered since their turns ended; oldest first."""
    rows = session.scalars(_OPEN, {"of_platform": platform, "since": now() - UNDELIVERED})
    return tuple(_post_of(row) for row in rows)


def remove(session: Session, gone: Post) -> None:
    """Forgets the message."""
    session.execute(delete(PostRow).where(*_IS_POST), _names(gone))


def move_chat(session: Session, platform: str, old_chat_id: str, new_chat_id: str) -> None:
    """Gives the messages of a chat to another; of two with the same id, the other's stays."""
    of_chat = select(PostRow.message_id).where(PostRow.platform == platform, PostRow.chat_id == new_chat_id)
    is_old = (PostRow.platform == platform, PostRow.chat_id == old_chat_id)
    session.execute(delete(PostRow).where(*is_old, PostRow.message_id.in_(of_chat)))
    session.execute(update(PostRow).where(*is_old).values(chat_id=new_chat_id))


def _names(of: Post) -> dict[str, str]:
    return {"of_platform": of.platform, "of_chat": of.chat_id, "of_message": of.message_id}


def _columns(new: Post) -> dict[str, object]:
    return {
        "platform": new.platform,
        "chat_id": new.chat_id,
        "message_id": new.message_id,
        "kind": new.kind,
        "turn_id": new.turn_id,
        "revision_id": new.revision_id,
        "person_id": new.person and new.person.platform_id,
        "data": dict(new.data),
        "is_delivered": new.data.get("delivered") is True,
    }


def _post_of(row: PostRow) -> Post:
    return Post(
        platform=row.platform,
        chat_id=row.chat_id,
        message_id=row.message_id,
        kind=PostKind(row.kind),
        turn_id=row.turn_id,
        revision_id=row.revision_id,
        person=None if row.person_id is None else PersonKey(row.platform, row.person_id),
        data=row.data,
    )
