"""Turns as a queue: who is admitted, in which order they are served, what they take and what was used.

Functions on a session that `storage.store` has opened.
"""

from datetime import date, datetime
from functools import cache

from sqlalchemy import Insert, and_, bindparam, func, select
from sqlalchemy.orm import Session

from storage.database import dialect_of, insert
from storage.errors import NotFound
from storage.models import ImageRow, PersonRow, RevisionRow, TurnRow, UsageRow, now
from storage.records import (
    Durations,
    OpenTurn,
    PersonKey,
    Place,
    Standing,
    Times,
    TurnStage,
    TurnStatus,
)

MEASURED_TURNS = 50
"""So many of the newest finished turns say how long one takes."""

IS_OPEN = TurnRow.status == TurnStatus.RUNNING
"""The condition that a turn runs or waits."""


# statements that are built once: building costs as much as carrying out
_IS_OWN = TurnRow.person_key == bindparam("person_key")
_IS_TODAY = and_(UsageRow.person_key == bindparam("person_key"), UsageRow.day == bindparam("day"))
_USED = select(
    select(func.count(ImageRow.id))
    .join(RevisionRow, ImageRow.revision_id == RevisionRow.id)
    .join(TurnRow, RevisionRow.turn_id == TurnRow.id)
    .where(IS_OPEN, _IS_OWN)
    .scalar_subquery()
    .label("painted"),
    select(UsageRow.pictures).where(_IS_TODAY).scalar_subquery().label("used_pictures"),
    select(UsageRow.gpu_s).where(_IS_TODAY).scalar_subquery().label("used_gpu_s"),
    select(func.max(PersonRow.last_finish)).scalar_subquery().label("last_finish"),
    select(PersonRow.last_finish)
    .where(PersonRow.key == bindparam("person_key"))
    .scalar_subquery()
    .label("own_finish"),
)
_OPEN_TURNS = select(TurnRow.person_key, TurnRow.place_start, TurnRow.pictures).where(IS_OPEN)
_IN_FAIR_ORDER = (
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
    .where(IS_OPEN)
    .order_by(TurnRow.place_start, TurnRow.created_at, TurnRow.id)
)
# not by the index of the status, which nearly all turns share: the newest are found by when they ended
_IS_DONE = func.coalesce(TurnRow.status, "") == TurnStatus.DONE
_NEWEST_MEASURED = (
    select(TurnRow.compose_s, TurnRow.paint_s, TurnRow.pictures)
    .where(_IS_DONE, TurnRow.ended_at.is_not(None), (TurnRow.compose_s > 0) | (TurnRow.paint_s > 0))
    .order_by(TurnRow.ended_at.desc())
    .limit(MEASURED_TURNS)
)
_TIMES = select(
    TurnRow.created_at,
    TurnRow.ended_at,
    TurnRow.compose_s,
    TurnRow.paint_s,
    select(func.min(ImageRow.created_at))
    .join(RevisionRow, ImageRow.revision_id == RevisionRow.id)
    .where(RevisionRow.turn_id == TurnRow.id)
    .scalar_subquery()
    .label("first_at"),
).where(TurnRow.id == bindparam("turn_id"))
_FAILURES = select(TurnRow.error).where(
    TurnRow.status == TurnStatus.FAILED, TurnRow.ended_at >= bindparam("since")
)


def standing(session: Session, person_key: int) -> Standing:
    """What `Admit` decides on.

    The greatest finish of each person is kept with the person, so it survives the removal of their turns;
    `served` without open turns is the greatest of those. Who is forgotten takes theirs along: the order among
    all others stays. The pictures of open turns count, less those already painted, which usage counts.
    """
    found = session.execute(_USED, {"person_key": person_key, "day": _today()}).one()
    turns = session.execute(_OPEN_TURNS).all()
    own = [turn for turn in turns if turn.person_key == person_key]
    starts = tuple(turn.place_start for turn in turns)
    unpainted = max(0, sum(turn.pictures for turn in own) - found.painted)
    return Standing(
        own_open=len(own),
        all_open=len(turns),
        served=min(starts, default=found.last_finish or 0),
        own_finish=found.own_finish or 0,
        pictures_today=unpainted + (found.used_pictures or 0),
        gpu_s_today=found.used_gpu_s or 0.0,
        open_starts=starts,
    )


def open_turns(session: Session) -> tuple[OpenTurn, ...]:
    """Those that run or wait, in the fair order."""
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
        for turn_id, platform, platform_id, start, finish, stage, stage_at, pictures in session.execute(
            _IN_FAIR_ORDER
        )
    )


def durations(session: Session) -> Durations:
    """The means over the newest turns that were done and measured."""
    turns = session.execute(_NEWEST_MEASURED).all()
    composing = [compose_s for compose_s, _, _ in turns if compose_s > 0]
    painting = [(paint_s, pictures) for _, paint_s, pictures in turns if paint_s > 0 and pictures > 0]
    paint_s, pictures = sum(seconds for seconds, _ in painting), sum(count for _, count in painting)
    return Durations(
        compose_s=sum(composing) / len(composing) if composing else None,
        picture_s=paint_s / pictures if pictures else None,
    )


def times(session: Session, turn_id: str) -> Times:
    """What the turn took."""
    found = session.execute(_TIMES, {"turn_id": turn_id}).one_or_none()
    if found is None:
        raise NotFound("turn", turn_id)
    return Times(
        compose_s=found.compose_s,
        paint_s=found.paint_s,
        first_picture_s=(found.first_at - found.created_at).total_seconds() if found.first_at else None,
        open_s=((found.ended_at or now()) - found.created_at).total_seconds(),
    )


def failures(session: Session, since: datetime) -> tuple[str, ...]:
    """Why turns failed since then, as it was recorded."""
    return tuple(session.scalars(_FAILURES, {"since": since}))


def count_usage(session: Session, person_key: int, *, pictures: int = 0, gpu_s: float = 0.0) -> None:
    """Adds to what was made for the person today."""
    usage = {"person_key": person_key, "day": _today(), "pictures": pictures, "gpu_s": gpu_s}
    session.execute(_more_usage(dialect_of(session)), usage)


@cache
def _more_usage(dialect: str) -> Insert:
    """Adds to a person's usage of a day, of which it may be the first."""
    first = insert(dialect, UsageRow)
    more = {
        "pictures": UsageRow.pictures + first.excluded.pictures,
        "gpu_s": UsageRow.gpu_s + first.excluded.gpu_s,
    }
    return first.on_conflict_do_update(index_elements=[UsageRow.person_key, UsageRow.day], set_=more)


def _today() -> date:
    return now().date()
