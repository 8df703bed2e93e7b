"""What comes of a turn: its revision and its images, each stored once however often a stage is repeated.

Functions on a session that `storage.store` has opened.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage import keys, queue
from storage.errors import NotFound
from storage.models import ImageRow, RevisionRow, TurnRow, now
from storage.records import TurnStage, TurnStatus


async def revision_of(session: AsyncSession, turn_id: str) -> str | None:
    """The id of the revision that the turn has made."""
    return await session.scalar(select(RevisionRow.id).where(RevisionRow.turn_id == turn_id))


async def add_revision(
    session: AsyncSession, turn: TurnRow, revision: RevisionRow, *, remark: str, compose_s: float
) -> None:
    """Stores the revision of a turn that has none, in a session that holds `Lock.TURNS`."""
    if revision.parent_id is not None:
        await keys.check_revision(session, turn.conversation_key, revision.parent_id)
    session.add(revision)
    turn.remark = remark
    turn.compose_s += compose_s
    if turn.stage in {TurnStage.WAITING, TurnStage.COMPOSING}:
        turn.stage, turn.stage_at, turn.attempts = TurnStage.COMPOSED, now(), 0
    await session.flush()
    if turn.status == TurnStatus.RUNNING:
        await keys.set_head(session, turn.conversation_key, revision.id)
    await queue.count_usage(session, turn.person_key, gpu_s=compose_s)


async def add_image(session: AsyncSession, image: ImageRow, *, paint_s: float) -> ImageRow:
    """Stores an image, in a session that holds `Lock.PICTURES`; returns the one that has its place."""
    turn_id = await session.scalar(select(RevisionRow.turn_id).where(RevisionRow.id == image.revision_id))
    if turn_id is None:
        raise NotFound("revision", image.revision_id)
    turn = await keys.locked_turn(session, turn_id)
    place = ImageRow.revision_id == image.revision_id, ImageRow.index == image.index
    painted = await session.scalar(select(ImageRow).where(*place))
    if painted is not None:
        return painted
    session.add(image)
    turn.paint_s += paint_s
    await session.flush()
    await queue.count_usage(session, turn.person_key, pictures=1, gpu_s=paint_s)
    return image
