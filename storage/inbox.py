"""What platforms sent: each thing kept once, until it has been handled; and what was decided about it.

Functions on a session that `storage.store` has opened. What is handled loses all but its key; a decision
stays until its time is over.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.orm import Session

from storage.database import dialect_of, insert
from storage.models import ReceivedRow, now
from storage.records import JSON, PersonKey, Received

_COLUMNS = (ReceivedRow.key, ReceivedRow.payload, ReceivedRow.received_at, ReceivedRow.attempts)
_IS_UNHANDLED = ReceivedRow.handled_at.is_(None)
_OF_PLATFORM = ReceivedRow.platform == bindparam("of_platform")
_WAITING = update(ReceivedRow).where(_OF_PLATFORM, _IS_UNHANDLED)
_UNHANDLED = select(*_COLUMNS).where(_OF_PLATFORM, _IS_UNHANDLED).order_by(ReceivedRow.number)
_BEGUN = (
    _WAITING.where(ReceivedRow.key == bindparam("of_key"))
    .values(attempts=ReceivedRow.attempts + 1)
    .returning(*_COLUMNS)
)
_BLANK = _WAITING.values(payload={}, person_id=None, handled_at=bindparam("moment"))
_HANDLED = _BLANK.where(ReceivedRow.key == bindparam("of_key"))
_DECIDED = "decided:"
"""Before the keys of decisions, which are told from those of what was sent by it."""
_DECISION = select(ReceivedRow.payload).where(_OF_PLATFORM, ReceivedRow.key == bindparam("of_key"))
_FORGOTTEN = _BLANK.where(ReceivedRow.person_id == bindparam("of_person"))


def receive(
    session: Session, platform: str, key: str, payload: Mapping[str, JSON], person: PersonKey | None
) -> bool:
    """Keeps it; False when the key is known."""
    row = {
        "platform": platform,
        "key": key,
        "payload": dict(payload),
        "person_id": person and person.platform_id,
    }
    kept = insert(dialect_of(session), ReceivedRow).on_conflict_do_nothing().returning(ReceivedRow.number)
    return session.scalar(kept, row) is not None


def unhandled(session: Session, platform: str) -> tuple[Received, ...]:
    """What waits, in the order of arrival."""
    return tuple(_received(row) for row in session.execute(_UNHANDLED, {"of_platform": platform}))


def begin_handling(session: Session, platform: str, key: str) -> Received | None:
    """Counts an attempt; None when there is nothing to handle."""
    row = session.execute(_BEGUN, {"of_platform": platform, "of_key": key}).one_or_none()
    return None if row is None else _received(row)


def handled(session: Session, platform: str, key: str) -> None:
    """Keeps only the key."""
    session.execute(_HANDLED, {"of_platform": platform, "of_key": key, "moment": now()})


def forget(session: Session, person: PersonKey) -> None:
    """Keeps only the keys of what the person sent."""
    names = {"of_platform": person.platform, "of_person": person.platform_id}
    session.execute(_FORGOTTEN, {**names, "moment": now()})


def decide(session: Session, platform: str, key: str, decision: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """Keeps a decision, unless there is one; returns the one that is kept."""
    row = {"platform": platform, "key": _DECIDED + key, "payload": dict(decision), "handled_at": now()}
    session.execute(insert(dialect_of(session), ReceivedRow).on_conflict_do_nothing(), row)
    return session.execute(_DECISION, {"of_platform": platform, "of_key": _DECIDED + key}).scalar_one()


def decision(session: Session, platform: str, key: str) -> Mapping[str, JSON] | None:
    """The decision that is kept."""
    return session.scalar(_DECISION, {"of_platform": platform, "of_key": _DECIDED + key})


def remove_handled(session: Session, before: datetime) -> int:
    """Removes what had been handled before that moment; returns how many there were."""
    gone = delete(ReceivedRow).where(ReceivedRow.handled_at < before).returning(ReceivedRow.number)
    return len(session.scalars(gone).all())


def _received(row: Row[str, dict[str, Any], datetime, int]) -> Received:
    key, payload, received_at, attempts = row
    return Received(key, payload, received_at, attempts)
