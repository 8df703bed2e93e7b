"""What comes of a turn: its revision and its images, each stored once however often a stage is repeated.

Functions on a session that `storage.store` has opened.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import bindparam, func, insert, literal, select, update
from sqlalchemy.orm import Session

from storage import keys, queue
from storage.errors import NotFound
from storage.models import ConversationRow, ImageRow, RevisionRow, TurnRow, now
from storage.records import ConversationKey, Revision, StoredImage, TurnStage, TurnStatus
from storage.rows import REVISIONS, RevisionQuery, image_of, revision_of

LINEAGE = 100
"""More than the context of most language models holds."""

# statements that are built once: building costs as much as carrying out
_REVISION = REVISIONS.where(RevisionRow.id == bindparam("id"))
_HEAD = REVISIONS.where(keys.IS_CONVERSATION, RevisionRow.id == ConversationRow.head_id)
_HISTORY = REVISIONS.where(keys.IS_CONVERSATION)
_NEWEST = _HISTORY.order_by(None).order_by(RevisionRow.key.desc()).limit(bindparam("limit"))
_COUNT = (
    select(func.count(RevisionRow.key))
    .join(ConversationRow, RevisionRow.conversation_key == ConversationRow.key)
    .where(keys.IS_CONVERSATION)
)
_LOCKED_TURN = select(TurnRow).where(TurnRow.id == bindparam("turn_id")).with_for_update()
_HEAD_MOVED = (
    update(ConversationRow)
    .where(ConversationRow.key == bindparam("conversation"))
    .values(head_id=bindparam("head"))
)
_NEW_REVISION = insert(RevisionRow)
_NEW_IMAGE = insert(ImageRow)
_FILE_KEY = select(ImageRow.file_key).where(ImageRow.id == bindparam("id"))
_MAKER = (
    select(TurnRow.id, TurnRow.person_key)
    .join(RevisionRow, RevisionRow.turn_id == TurnRow.id)
    .where(RevisionRow.id == bindparam("revision_id"))
)
_PAINTED = select(ImageRow).where(
    ImageRow.revision_id == bindparam("revision_id"), ImageRow.index == bindparam("place")
)
_PAINTING_TOOK = (
    update(TurnRow)
    .where(TurnRow.id == bindparam("turn_id"))
    .values(paint_s=TurnRow.paint_s + bindparam("took_s"))
)


def add_revision(
    session: Session, turn_id: str, columns: Mapping[str, Any], *, remark: str, compose_s: float
) -> Revision:
    """Stores the turn's revision, unless it has one; in a session that holds `Lock.TURNS`."""
    turn = session.scalar(_LOCKED_TURN, {"turn_id": turn_id})
    if turn is None:
        raise NotFound("turn", turn_id)
    revision_id = keys.made_revision(session, turn_id)
    if revision_id is None:
        revision_id = keys.new_id()
        _add_revision(session, turn, {"id": revision_id, **columns})
        queue.count_usage(session, turn.person_key, gpu_s=compose_s)
        turn.remark, turn.compose_s = remark, turn.compose_s + compose_s
        if turn.stage in {TurnStage.WAITING, TurnStage.COMPOSING}:
            turn.stage, turn.stage_at, turn.attempts = TurnStage.COMPOSED, now(), 0
    return revision(session, revision_id)


def _add_revision(session: Session, turn: TurnRow, columns: Mapping[str, Any]) -> None:
    """Stores the revision; it is the conversation's head, unless its turn has ended."""
    if columns["parent_id"] is not None:
        keys.check_revision(session, turn.conversation_key, columns["parent_id"])
    owner = {"turn_id": turn.id, "conversation_key": turn.conversation_key}
    search_text = f"{turn.prompt.casefold()}\n{columns['search_text']}"
    session.execute(_NEW_REVISION, {**columns, **owner, "search_text": search_text})
    if turn.status == TurnStatus.RUNNING:
        session.execute(_HEAD_MOVED, {"conversation": turn.conversation_key, "head": columns["id"]})


def add_image(session: Session, image: StoredImage, *, paint_s: float) -> StoredImage:
    """Stores an image, in a session that holds `Lock.PICTURES`; returns the one that has its place."""
    turn = session.execute(_MAKER, {"revision_id": image.revision_id}).one_or_none()
    if turn is None:
        raise NotFound("revision", image.revision_id)
    painted = session.scalar(_PAINTED, {"revision_id": image.revision_id, "place": image.index})
    if painted is not None:
        return image_of(painted)
    session.execute(_NEW_IMAGE, asdict(image))
    session.execute(_PAINTING_TOOK, {"turn_id": turn.id, "took_s": paint_s})
    queue.count_usage(session, turn.person_key, pictures=1, gpu_s=paint_s)
    return image


def file_key(session: Session, image_id: str) -> str:
    """What names the bytes of that image."""
    key = session.scalar(_FILE_KEY, {"id": image_id})
    if key is None:
        raise NotFound("image", image_id)
    return key


def move_head(session: Session, conversation: ConversationKey, revision_id: str | None) -> None:
    """Makes the conversation stand at its revision, or at none; in a session that holds `Lock.TURNS`."""
    key = keys.conversation_key(session, conversation)
    if revision_id is not None:
        keys.check_revision(session, key, revision_id)
    session.execute(_HEAD_MOVED, {"conversation": key, "head": revision_id})


def revision(session: Session, revision_id: str) -> Revision:
    """The revision of that id, with its pictures."""
    found = _revisions(session, _REVISION, {"id": revision_id})
    if not found:
        raise NotFound("revision", revision_id)
    return found[0]


def head(session: Session, conversation: ConversationKey) -> Revision | None:
    """Where the conversation stands; None when nothing has been composed."""
    found = _revisions(session, _HEAD, asdict(conversation))
    return found[0] if found else None


def history(session: Session, conversation: ConversationKey, limit: int | None) -> tuple[Revision, ...]:
    """The newest revisions of the conversation, or its whole version tree; oldest first."""
    if limit is None:
        return _revisions(session, _HISTORY, asdict(conversation))
    return _revisions(session, _NEWEST, {**asdict(conversation), "limit": limit})[::-1]


def count(session: Session, conversation: ConversationKey) -> int:
    """How many revisions the conversation has."""
    return session.scalar(_COUNT, asdict(conversation)) or 0


def lineage(session: Session, revision_id: str) -> tuple[Revision, ...]:
    """The way from the root to that revision; of a long one the root and the newest `LINEAGE`."""
    found = _revisions(session, _LINEAGE, {"id": revision_id})
    if not found:
        raise NotFound("revision", revision_id)
    return found


def _lineage() -> RevisionQuery:
    node = select(RevisionRow.id, RevisionRow.parent_id, literal(1).label("place"))
    way = node.where(RevisionRow.id == bindparam("id")).cte("way", recursive=True)
    before = select(RevisionRow.id, RevisionRow.parent_id, way.c.place + 1)
    way = way.union_all(before.where(RevisionRow.id == way.c.parent_id))
    # scenes are read and parsed, so not those of thousands of changes
    is_told = (way.c.place <= LINEAGE) | way.c.parent_id.is_(None)
    return REVISIONS.where(RevisionRow.id.in_(select(way.c.id).where(is_told)))


_LINEAGE = _lineage()


def _revisions(session: Session, query: RevisionQuery, named: Mapping[str, object]) -> tuple[Revision, ...]:
    return tuple(revision_of(row) for row in session.execute(query, named))
