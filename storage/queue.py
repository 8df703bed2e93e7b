"""Turns as a queue: who is admitted, in which order they are served, what they take and what was used.

Functions on a session that `storage.store` has opened.
"""

from datetime import date
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import insert_new
from storage.models import ImageRow, PersonRow, RevisionRow, TurnRow, UsageRow, now
from storage.records import (
    Admit,
    Durations,
    NewTurn,
    OpenTurn,
    PersonKey,
    Place,
    Standing,
    TurnStage,
    TurnStatus,
)

MEASURED_TURNS = 50
"""So many of the newest finished turns say how long one takes."""

_IS_OPEN = TurnRow.status == TurnStatus.RUNNING


async def add_turn(
    session: AsyncSession, new: NewTurn, conversation_key: int, person_key: int, admit: Admit
) -> None:
    """Finds the turn's place and stores it as running; in a session that holds `Lock.TURNS`."""
    place = admit(await standing(session, person_key))
    session.add(
        TurnRow(
            id=new.id,
            conversation_key=conversation_key,
            person_key=person_key,
            prompt=new.prompt,
            parent_id=new.parent_id,
            request=dict(new.request),
            pictures=new.pictures,
            place_start=place.start,
            place_finish=place.finish,
            status=TurnStatus.RUNNING,
            stage=TurnStage.WAITING,
        )
    )
    behind = PersonRow.key == person_key, PersonRow.last_finish < place.finish
    await session.execute(update(PersonRow).where(*behind).values(last_finish=place.finish))
    await session.flush()


async def standing(session: AsyncSession, person_key: int) -> Standing:
    """What `Admit` decides on.

    The greatest finish of each person is kept with the person, so it survives the removal of their turns;
    `served` without open turns is the greatest of those. Who is forgotten takes theirs along: the order among
    all others stays. The pictures of open turns count, less those already painted, which usage counts.
    """
    is_own = TurnRow.person_key == person_key
    painted = (
        select(func.count(ImageRow.id))
        .join(RevisionRow, ImageRow.revision_id == RevisionRow.id)
        .join(TurnRow, RevisionRow.turn_id == TurnRow.id)
        .where(_IS_OPEN, is_own)
        .correlate(None)
    )
    is_today = UsageRow.person_key == person_key, UsageRow.day == _today()
    query = select(
        func.count().filter(is_own).label("own_open"),
        func.count().label("all_open"),
        func.sum(TurnRow.pictures).filter(is_own).label("asked"),
        painted.scalar_subquery().label("painted"),
        select(UsageRow.pictures).where(*is_today).scalar_subquery().label("used_pictures"),
        select(UsageRow.gpu_s).where(*is_today).scalar_subquery().label("used_gpu_s"),
        select(func.max(PersonRow.last_finish)).scalar_subquery().label("last_finish"),
        select(PersonRow.last_finish)
        .where(PersonRow.key == person_key)
        .scalar_subquery()
        .label("own_finish"),
    ).where(_IS_OPEN)
    found = (await session.execute(query)).one()
    starts = (await session.scalars(select(TurnRow.place_start).where(_IS_OPEN))).all()
    unpainted = max(0, (found.asked or 0) - found.painted)
    return Standing(
        own_open=found.own_open,
        all_open=found.all_open,
        served=min(starts) if starts else found.last_finish or 0,
        own_finish=found.own_finish or 0,
        pictures_today=unpainted + (found.used_pictures or 0),
        gpu_s_today=found.used_gpu_s or 0.0,
        open_starts=tuple(starts),
    )


async def open_turns(session: AsyncSession) -> tuple[OpenTurn, ...]:
    """Those that run or wait, in the fair order."""
    query = (
        select(
            TurnRow.id,
            PersonRow.platform,
            PersonRow.platform_id,
            TurnRow.place_start,
            TurnRow.place_finish,
            TurnRow.stage,
            TurnRow.stage_at,
            TurnRow.pictures,
        )
        .join(PersonRow, TurnRow.person_key == PersonRow.key)
        .where(_IS_OPEN)
        .order_by(TurnRow.place_start, TurnRow.created_at, TurnRow.id)
    )
    moment = now()
    return tuple(
        OpenTurn(
            id=turn_id,
            person=PersonKey(platform, platform_id),
            place=Place(start, finish),
            stage=TurnStage(stage),
            stage_s=max(0.0, (moment - stage_at).total_seconds()),
            pictures=pictures,
        )
        for turn_id, platform, platform_id, start, finish, stage, stage_at, pictures in await session.execute(
            query
        )
    )


async def durations(session: AsyncSession) -> Durations:
    """The means over the newest turns that were done and measured."""
    was_measured = (TurnRow.compose_s > 0) | (TurnRow.paint_s > 0)
    newest = (
        select(TurnRow.compose_s, TurnRow.paint_s, TurnRow.pictures)
        .where(TurnRow.status == TurnStatus.DONE, was_measured)
        .order_by(TurnRow.ended_at.desc())
        .limit(MEASURED_TURNS)
    )
    turns = (await session.execute(newest)).all()
    composing = [compose_s for compose_s, _, _ in turns if compose_s > 0]
    painting = [(paint_s, pictures) for _, paint_s, pictures in turns if paint_s > 0 and pictures > 0]
    paint_s, pictures = sum(seconds for seconds, _ in painting), sum(count for _, count in painting)
    return Durations(
        compose_s=sum(composing) / len(composing) if composing else None,
        picture_s=paint_s / pictures if pictures else None,
    )


async def count_usage(
    session: AsyncSession, person_key: int, *, pictures: int = 0, gpu_s: float = 0.0
) -> None:
    """Adds to what was made for the person today."""
    day: dict[str, Any] = {"person_key": person_key, "day": _today()}
    await session.execute(insert_new(session, UsageRow, {**day, "pictures": 0, "gpu_s": 0.0}))
    more = {"pictures": UsageRow.pictures + pictures, "gpu_s": UsageRow.gpu_s + gpu_s}
    await session.execute(update(UsageRow).filter_by(**day).values(more))


def _today() -> date:
    return now().date()
