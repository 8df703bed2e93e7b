"""Forgetting: what is removed when its time is over, or when a person asks for it.

Functions on a session that `storage.store` has opened and that holds the locks of turns and pictures. Each
takes `BATCH` rows at most, so that others need not wait long, and leaves references that all lead somewhere.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from storage.models import ConversationRow, ImageRow, PersonRow, RevisionRow, TurnRow, UsageRow
from storage.pictures import Pictures
from storage.records import TurnStatus

BATCH = 200


async def remove_images(session: AsyncSession, pictures: Pictures, before: datetime) -> int:
    """Removes the oldest images from before that moment; returns how many there were."""
    query = select(ImageRow.id, ImageRow.file_key).where(ImageRow.created_at < before)
    rows = (await session.execute(query.order_by(ImageRow.created_at).limit(BATCH))).all()
    await session.execute(delete(ImageRow).where(ImageRow.id.in_([image_id for image_id, _ in rows])))
    await pictures.remove_unnamed(session, {key for _, key in rows})
    return len(rows)


async def outlived_turns(session: AsyncSession, before: datetime) -> Sequence[str]:
    """Turns of conversations in which nothing is running or younger."""
    other = aliased(TurnRow)
    is_alive = (other.created_at >= before) | (other.status == TurnStatus.RUNNING)
    has_life = exists().where(other.conversation_key == TurnRow.conversation_key, is_alive)
    return (await session.scalars(select(TurnRow.id).where(~has_life).limit(BATCH))).all()


async def turns_of_person(session: AsyncSession, person_key: int) -> Sequence[str]:
    """What the person asked for."""
    query = select(TurnRow.id).where(TurnRow.person_key == person_key)
    return (await session.scalars(query.limit(BATCH))).all()


async def remove_turns(session: AsyncSession, pictures: Pictures, turn_ids: Sequence[str]) -> None:
    """Removes those turns, what they made, and the conversations that they leave empty.

    What others made of it stays: their revisions become roots. A head moves to its nearest ancestor that is
    left. The rows of the turns are locked first, so that nobody finishes one meanwhile.
    """
    turns = TurnRow.id.in_(turn_ids)
    locked = await session.scalars(select(TurnRow.conversation_key).where(turns).with_for_update())
    conversations = set(locked)
    made = await session.scalars(select(RevisionRow.id).where(RevisionRow.turn_id.in_(turn_ids)))
    revision_ids = set(made)
    await _move_heads(session, conversations, revision_ids)
    for table in (RevisionRow, TurnRow):
        await session.execute(update(table).where(table.parent_id.in_(revision_ids)).values(parent_id=None))
    images = delete(ImageRow).where(ImageRow.revision_id.in_(revision_ids)).returning(ImageRow.file_key)
    file_keys = set(await session.scalars(images))
    await session.execute(delete(RevisionRow).where(RevisionRow.id.in_(revision_ids)))
    await session.execute(delete(TurnRow).where(turns))
    is_used = exists().where(TurnRow.conversation_key == ConversationRow.key)
    empty = delete(ConversationRow).where(ConversationRow.key.in_(conversations), ~is_used)
    await session.execute(empty)
    await pictures.remove_unnamed(session, file_keys)


async def remove_person(session: AsyncSession, person_key: int) -> None:
    """Removes a person who has no turns: preferences, usage, and the place in the fair order."""
    await session.execute(delete(UsageRow).where(UsageRow.person_key == person_key))
    await session.execute(delete(PersonRow).where(PersonRow.key == person_key))


async def remove_traces(session: AsyncSession, before: datetime) -> None:
    """Removes the usage of earlier days, and the people of whom nothing else is left."""
    await session.execute(delete(UsageRow).where(UsageRow.day < before.date()))
    is_used = exists().where(UsageRow.person_key == PersonRow.key)
    has_asked = exists().where(TurnRow.person_key == PersonRow.key)
    await session.execute(delete(PersonRow).where(PersonRow.language.is_(None), ~is_used, ~has_asked))


async def _move_heads(session: AsyncSession, conversations: Collection[int], gone: Collection[str]) -> None:
    """Moves the heads that go to their nearest ancestor that stays; to none where there is none."""
    heads = select(ConversationRow.key, ConversationRow.head_id)
    heads = heads.where(ConversationRow.key.in_(conversations), ConversationRow.head_id.in_(gone))
    for key, head_id in (await session.execute(heads)).all():
        tree = select(RevisionRow.id, RevisionRow.parent_id).where(RevisionRow.conversation_key == key)
        parents = {row.id: row.parent_id for row in await session.execute(tree)}
        head = _surviving(head_id, parents, gone)
        await session.execute(update(ConversationRow).where(ConversationRow.key == key).values(head_id=head))


def _surviving(head_id: str | None, parents: Mapping[str, str | None], gone: Collection[str]) -> str | None:
    while head_id is not None and head_id in gone:
        head_id = parents[head_id]
    return head_id
