"""Scenes that a person finds again: favourites, and what they made themselves.

Functions on a session that `storage.store` has opened.
"""

from dataclasses import asdict

from sqlalchemy import and_, bindparam, delete, select
from sqlalchemy.orm import Session

from storage import keys
from storage.database import dialect_of, insert
from storage.errors import NotFound
from storage.models import FavouriteRow, PersonRow, RevisionRow, TurnRow
from storage.records import PersonKey, Revision
from storage.rows import REVISIONS, revision_of

SEARCHED_TURNS = 1000
"""So many of a person's newest turns are looked through for a text."""

_PERSON = select(PersonRow.key).where(keys.IS_PERSON).scalar_subquery()
_IS_FAVOURITE = and_(FavouriteRow.person_key == _PERSON, FavouriteRow.revision_id == bindparam("revision_id"))
_FAVOURITE = select(FavouriteRow.key).where(_IS_FAVOURITE)
_FAVOURITES = (
    REVISIONS.join(FavouriteRow, FavouriteRow.revision_id == RevisionRow.id)
    .where(FavouriteRow.person_key == _PERSON)
    .order_by(None)
    .order_by(FavouriteRow.key.desc())
)
_NEWEST_TURNS = (
    select(TurnRow.id)
    .where(TurnRow.person_key == _PERSON)
    .order_by(TurnRow.created_at.desc())
    .limit(SEARCHED_TURNS)
)
_OWN = REVISIONS.where(RevisionRow.turn_id.in_(_NEWEST_TURNS)).order_by(None).order_by(RevisionRow.key.desc())
_EXISTS = select(RevisionRow.id).where(RevisionRow.id == bindparam("id"))


def set_favourite(session: Session, person: PersonKey, revision_id: str, is_favourite: bool) -> None:  # noqa: FBT001 - the value
    """Makes the scene a favourite, or not any more; in a session that holds `Lock.TURNS`."""
    if session.scalar(_EXISTS, {"id": revision_id}) is None:
        raise NotFound("revision", revision_id)
    if is_favourite:
        row = {"person_key": keys.person_key(session, person), "revision_id": revision_id}
        session.execute(insert(dialect_of(session), FavouriteRow).on_conflict_do_nothing(), row)
    else:
        session.execute(
            delete(FavouriteRow).where(_IS_FAVOURITE), {**asdict(person), "revision_id": revision_id}
        )


def is_favourite(session: Session, person: PersonKey, revision_id: str) -> bool:
    """Whether the scene is one of the person's favourites."""
    return session.scalar(_FAVOURITE, {**asdict(person), "revision_id": revision_id}) is not None


def newest(session: Session, person: PersonKey, limit: int) -> tuple[Revision, ...]:
    """The person's favourites, the last one first."""
    return tuple(revision_of(row) for row in session.execute(_FAVOURITES.limit(limit), asdict(person)))


def own_scenes(session: Session, person: PersonKey, text: str, limit: int) -> tuple[Revision, ...]:
    """The person's newest scenes with that text in prompt or global description, newest first."""
    has_text = RevisionRow.search_text.contains(text.strip().casefold(), autoescape=True)
    rows = session.execute(_OWN.where(has_text).limit(limit), asdict(person))
    return tuple(revision_of(row) for row in rows)
