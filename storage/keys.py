"""Finding rows by what others call them, and making those that a conversation or a person needs.

Functions on a session that `storage.store` has opened.
"""

import base64
import secrets
from dataclasses import asdict

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import insert_new
from storage.errors import NotFound
from storage.models import ConversationRow, PersonRow, RevisionRow, TurnRow
from storage.records import ConversationKey, PersonKey, Turn
from storage.rows import TURNS, turn_of

ID_CHARS = 10


def new_id() -> str:
    """50 random bits, in characters that are fit for file names and buttons."""
    return base64.b32encode(secrets.token_bytes(10)).decode("ascii")[:ID_CHARS].lower()


def is_conversation(conversation: ConversationKey) -> ColumnElement[bool]:
    """The condition that a row is of that conversation."""
    return and_(
        ConversationRow.platform == conversation.platform, ConversationRow.chat_id == conversation.chat_id
    )


def is_person(person: PersonKey) -> ColumnElement[bool]:
    """The condition that a row is of that person."""
    return and_(PersonRow.platform == person.platform, PersonRow.platform_id == person.platform_id)


async def conversation_key(session: AsyncSession, conversation: ConversationKey) -> int:
    """The key of the conversation's row, which is made when there is none."""
    query = select(ConversationRow.key).where(is_conversation(conversation))
    key = await session.scalar(query)
    if key is None:
        await session.execute(insert_new(session, ConversationRow, asdict(conversation)))
        key = (await session.execute(query)).scalar_one()
    return key


async def person_key(session: AsyncSession, person: PersonKey) -> int:
    """The key of the person's row, which is made when there is none."""
    query = select(PersonRow.key).where(is_person(person))
    key = await session.scalar(query)
    if key is None:
        await session.execute(insert_new(session, PersonRow, {**asdict(person), "last_finish": 0}))
        key = (await session.execute(query)).scalar_one()
    return key


async def turn(session: AsyncSession, turn_id: str) -> Turn:
    """The turn of that id."""
    row = (await session.execute(TURNS.where(TurnRow.id == turn_id))).one_or_none()
    if row is None:
        raise NotFound("turn", turn_id)
    return turn_of(row)


async def locked_turn(session: AsyncSession, turn_id: str) -> TurnRow:
    """The turn's row, which nobody else changes until this session ends."""
    row = await session.scalar(select(TurnRow).where(TurnRow.id == turn_id).with_for_update())
    if row is None:
        raise NotFound("turn", turn_id)
    return row


async def check_revision(session: AsyncSession, conversation_key: int, revision_id: str) -> None:
    """Raises `NotFound` for what is no revision of the conversation."""
    owner = await session.scalar(select(RevisionRow.conversation_key).where(RevisionRow.id == revision_id))
    if owner != conversation_key:
        raise NotFound("revision", revision_id)


async def set_head(session: AsyncSession, conversation_key: int, revision_id: str | None) -> None:
    """Makes the conversation stand at that revision."""
    conversation = update(ConversationRow).where(ConversationRow.key == conversation_key)
    await session.execute(conversation.values(head_id=revision_id))
