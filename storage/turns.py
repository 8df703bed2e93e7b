"""Turns from their beginning to their end, each step once however often it is repeated.

Functions on a session that `storage.store` has opened.
"""

from dataclasses import asdict

from sqlalchemy import bindparam, case, insert, select, update
from sqlalchemy.orm import Session

from storage import keys, queue
from storage.errors import NotFound
from storage.models import PersonRow, TurnRow, now
from storage.records import Admit, ConversationKey, NewTurn, Turn, TurnStage, TurnStatus
from storage.rows import TURNS, turn_of

# statements that are built once: building costs as much as carrying out
_TURN = TURNS.where(TurnRow.id == bindparam("turn_id"))
_NEWEST = (
    TURNS.where(keys.IS_CONVERSATION)
    .order_by(TurnRow.created_at.desc(), TurnRow.id.desc())
    .limit(bindparam("limit"))
)
_NEW = insert(TurnRow)
_ID = select(TurnRow.id).where(TurnRow.id == bindparam("turn_id"))
_CHANGED = update(TurnRow).where(TurnRow.id == bindparam("turn_id")).returning(TurnRow.id)
_STAGE_BEGUN = (
    update(TurnRow)
    .where(TurnRow.id == bindparam("turn_id"), queue.IS_OPEN)
    .values(
        attempts=case((TurnRow.stage == bindparam("begun"), TurnRow.attempts + 1), else_=1),
        stage=bindparam("begun"),
        stage_at=bindparam("begun_at"),
    )
)
_ENDED = (
    update(TurnRow)
    .where(TurnRow.id == bindparam("turn_id"), queue.IS_OPEN)
    .values(status=bindparam("end"), error=bindparam("why"), ended_at=bindparam("moment"))
    .returning(TurnRow.id)
)
_SERVED_UNTIL = (
    update(PersonRow)
    .where(PersonRow.key == bindparam("person_key"), PersonRow.last_finish < bindparam("finish"))
    .values(last_finish=bindparam("finish"))
)


def begin(session: Session, new: NewTurn, admit: Admit) -> tuple[Turn, bool]:
    """Finds the turn or stores it as running, and whether it is new; in a session that holds `Lock.TURNS`."""
    known = session.execute(_TURN, {"turn_id": new.id}).one_or_none()
    if known is not None:
        return turn_of(known), False
    conversation_key = keys.conversation_key(session, new.conversation)
    if new.parent_id is not None:
        keys.check_revision(session, conversation_key, new.parent_id)
    person_key = keys.person_key(session, new.person)
    place = admit(queue.standing(session, person_key))
    row = {
        "id": new.id,
        "conversation_key": conversation_key,
        "person_key": person_key,
        "prompt": new.prompt,
        "parent_id": new.parent_id,
        "request": dict(new.request),
        "pictures": new.pictures,
        "place_start": place.start,
        "place_finish": place.finish,
        "status": TurnStatus.RUNNING,
        "stage": TurnStage.WAITING,
    }
    session.execute(_NEW, row)
    session.execute(_SERVED_UNTIL, {"person_key": person_key, "finish": place.finish})
    return turn(session, new.id), True


def begin_stage(session: Session, turn_id: str, stage: TurnStage) -> Turn:
    """Counts an attempt of the stage, unless the turn has ended."""
    session.execute(_STAGE_BEGUN, {"turn_id": turn_id, "begun": stage, "begun_at": now()})
    return turn(session, turn_id)


def set_economy(session: Session, turn_id: str, economy: int) -> None:
    """Notes how thriftily the turn is painted from now on."""
    if session.scalar(_CHANGED.values(economy=economy), {"turn_id": turn_id}) is None:
        raise NotFound("turn", turn_id)


def finish(session: Session, turn_id: str, status: TurnStatus, error: str) -> bool:
    """Ends the turn; False when it had ended already."""
    end = {"turn_id": turn_id, "end": status, "why": error, "moment": now()}
    if session.scalar(_ENDED, end) is not None:
        return True
    if session.scalar(_ID, {"turn_id": turn_id}) is None:
        raise NotFound("turn", turn_id)
    return False


def turn(session: Session, turn_id: str) -> Turn:
    """The turn of that id."""
    row = session.execute(_TURN, {"turn_id": turn_id}).one_or_none()
    if row is None:
        raise NotFound("turn", turn_id)
    return turn_of(row)


def newest(session: Session, conversation: ConversationKey, limit: int) -> tuple[Turn, ...]:
    """The newest turns of the conversation, oldest first."""
    rows = session.execute(_NEWEST, {**asdict(conversation), "limit": limit}).all()
    return tuple(turn_of(row) for row in reversed(rows))
