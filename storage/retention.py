"""Forgetting: what is removed when its time is over, or when a person asks for it.

Functions on a session that `storage.store` has opened and that holds the locks of turns and pictures. Each
takes `BATCH` rows at most, so that others need not wait long, and leaves references that all lead somewhere.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session, aliased

from storage import inbox, keys
from storage.models import (
    ConversationRow,
    FavouriteRow,
    ImageRow,
    PersonRow,
    PostRow,
    RevisionRow,
    TurnRow,
    UsageRow,
)
from storage.pictures import Pictures
from storage.records import PersonKey, TurnStatus

BATCH = 200


def remove_images(session: Session, pictures: Pictures, before: datetime) -> int:
    """Removes the oldest images from before that moment; returns how many there were."""
    query = select(ImageRow.id, ImageRow.file_key).where(ImageRow.created_at < before)
    rows = session.execute(query.order_by(ImageRow.created_at).limit(BATCH)).all()
    session.execute(delete(ImageRow).where(ImageRow.id.in_([image_id for image_id, _ in rows])))
    pictures.remove_unnamed(session, {key for _, key in rows})
    return len(rows)


def remove_outlived(session: Session, pictures: Pictures, before: datetime) -> Sequence[str]:
    """Removes turns of conversations in which nothing is running or younger; with the last, their traces.

    Returns:
        The ids of the turns.
    """
    other = aliased(TurnRow)
    is_alive = (other.created_at >= before) | (other.status == TurnStatus.RUNNING)
    # asked once for all turns: for each of them, those of its conversation would be looked through
    alive = select(other.conversation_key).where(is_alive).distinct()
    outlived = select(TurnRow.id).where(TurnRow.conversation_key.not_in(alive)).limit(BATCH)
    turn_ids = session.scalars(outlived).all()
    if turn_ids:
        _remove_turns(session, pictures, turn_ids)
    else:
        _remove_traces(session, before)
    return turn_ids


def forget(session: Session, pictures: Pictures, person: PersonKey) -> Sequence[str]:
    """Removes turns that the person asked for; when there is none left, the person.

    Returns:
        The ids of the turns.
    """
    person_key = keys.known_person_key(session, person)
    turn_ids = session.scalars(select(TurnRow.id).where(TurnRow.person_key == person_key).limit(BATCH)).all()
    if turn_ids:
        _remove_turns(session, pictures, turn_ids)
    else:
        _remove_person(session, person, person_key)
    return turn_ids


def _remove_turns(session: Session, pictures: Pictures, turn_ids: Sequence[str]) -> None:
    """Removes those turns, what they made, and the conversations that they leave empty.

    What others made of it stays: their revisions become roots. A head moves to its nearest ancestor that is
    left. The rows of the turns are locked first, so that nobody finishes one meanwhile.
    """
    turns = TurnRow.id.in_(turn_ids)
    locked = session.scalars(select(TurnRow.conversation_key).where(turns).with_for_update())
    conversations = set(locked)
    made = session.scalars(select(RevisionRow.id).where(RevisionRow.turn_id.in_(turn_ids)))
    revision_ids = set(made)
    _move_heads(session, conversations, revision_ids)
    for table in (RevisionRow, TurnRow):
        session.execute(update(table).where(table.parent_id.in_(revision_ids)).values(parent_id=None))
    images = delete(ImageRow).where(ImageRow.revision_id.in_(revision_ids)).returning(ImageRow.file_key)
    file_keys = set(session.scalars(images))
    shows_them = PostRow.turn_id.in_(turn_ids) | PostRow.revision_id.in_(revision_ids)
    session.execute(delete(PostRow).where(shows_them))
    session.execute(delete(FavouriteRow).where(FavouriteRow.revision_id.in_(revision_ids)))
    session.execute(delete(RevisionRow).where(RevisionRow.id.in_(revision_ids)))
    session.execute(delete(TurnRow).where(turns))
    is_used = exists().where(TurnRow.conversation_key == ConversationRow.key)
    empty = delete(ConversationRow).where(ConversationRow.key.in_(conversations), ~is_used)
    session.execute(empty)
    pictures.remove_unnamed(session, file_keys)


def _remove_person(session: Session, person: PersonKey, person_key: int | None) -> None:
    """Removes a person who has no turns: what they set, used, liked and sent, and what was sent to them.

    Much of it can be there without a row of the person.
    """
    is_theirs = (PostRow.platform == person.platform, PostRow.person_id == person.platform_id)
    session.execute(delete(PostRow).where(*is_theirs))
    inbox.forget(session, person)
    for table in (UsageRow, FavouriteRow):
        session.execute(delete(table).where(table.person_key == person_key))
    session.execute(delete(PersonRow).where(PersonRow.key == person_key))


def _remove_traces(session: Session, before: datetime) -> None:
    """Removes usage and messages without a scene from before, and the people of whom nothing else is left."""
    session.execute(delete(UsageRow).where(UsageRow.day < before.date()))
    shows_nothing = PostRow.turn_id.is_(None) & PostRow.revision_id.is_(None)
    session.execute(delete(PostRow).where(shows_nothing, PostRow.created_at < before))
    is_used = exists().where(UsageRow.person_key == PersonRow.key)
    has_asked = exists().where(TurnRow.person_key == PersonRow.key)
    has_liked = exists().where(FavouriteRow.person_key == PersonRow.key)
    has_set = PersonRow.language.is_not(None) | PersonRow.preferences.is_not(None)
    session.execute(delete(PersonRow).where(~is_used, ~has_asked, ~has_liked, ~has_set))


def _move_heads(session: Session, conversations: Collection[int], gone: Collection[str]) -> None:
    """Moves the heads that go to their nearest ancestor that stays; to none where there is none."""
    heads = select(ConversationRow.key, ConversationRow.head_id)
    heads = heads.where(ConversationRow.key.in_(conversations), ConversationRow.head_id.in_(gone))
    for key, head_id in session.execute(heads).all():
        tree = select(RevisionRow.id, RevisionRow.parent_id).where(RevisionRow.conversation_key == key)
        parents = {row.id: row.parent_id for row in session.execute(tree)}
        head = _surviving(head_id, parents, gone)
        session.execute(update(ConversationRow).where(ConversationRow.key == key).values(head_id=head))


def _surviving(head_id: str | None, parents: Mapping[str, str | None], gone: Collection[str]) -> str | None:
    while head_id is not None and head_id in gone:
        head_id = parents[head_id]
    return head_id
