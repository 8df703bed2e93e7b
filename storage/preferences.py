"""What has been set: by people, for chats, and by an installation for itself.

Functions on a session that `storage.store` has opened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from storage import keys
from storage.database import dialect_of, insert
from storage.models import ChatRow, NoteRow, PersonRow
from storage.records import JSON, PersonKey

_LANGUAGE = select(PersonRow.language).where(keys.IS_PERSON)
_OF_PERSON = select(PersonRow.preferences).where(keys.IS_PERSON)
_OF_CHAT = select(ChatRow.preferences).where(
    ChatRow.platform == bindparam("platform"), ChatRow.chat_id == bindparam("chat_id")
)
_OF_CHATS = select(ChatRow.chat_id, ChatRow.preferences).where(
    ChatRow.platform == bindparam("platform"), ChatRow.chat_id.in_(bindparam("chat_ids", expanding=True))
)
_NOTE = select(NoteRow.value).where(NoteRow.key == bindparam("key"))


def merged(old: Mapping[str, JSON], new: Mapping[str, JSON]) -> dict[str, JSON]:
    """The old values and the new ones, which win; without those that are None."""
    return {name: value for name, value in {**old, **new}.items() if value is not None}


def language(session: Session, person: PersonKey) -> str | None:
    """The language that the person chose."""
    return session.scalar(_LANGUAGE, asdict(person))


def set_language(session: Session, person: PersonKey, language: str) -> None:
    """Remembers the language that the person chose."""
    key = keys.person_key(session, person)
    session.execute(update(PersonRow).where(PersonRow.key == key).values(language=language))


def of_person(session: Session, person: PersonKey) -> dict[str, JSON]:
    """What the person has set."""
    return session.scalar(_OF_PERSON, asdict(person)) or {}


def set_of_person(session: Session, person: PersonKey, values: Mapping[str, JSON]) -> None:
    """Adds what the person has set; in a session that holds `Lock.TURNS`."""
    key = keys.person_key(session, person)
    preferences = merged(of_person(session, person), values) or None
    session.execute(update(PersonRow).where(PersonRow.key == key).values(preferences=preferences))


def of_chat(session: Session, platform: str, chat_id: str) -> dict[str, JSON]:
    """What has been set for the chat."""
    return session.scalar(_OF_CHAT, {"platform": platform, "chat_id": chat_id}) or {}


def of_chats(session: Session, platform: str, chat_ids: Sequence[str]) -> tuple[dict[str, JSON], ...]:
    """What has been set for each of the chats, in their order."""
    rows = session.execute(_OF_CHATS, {"platform": platform, "chat_ids": list(chat_ids)})
    found = {row.chat_id: row.preferences for row in rows}
    return tuple(found.get(chat_id, {}) for chat_id in chat_ids)


def set_of_chat(session: Session, platform: str, chat_id: str, values: Mapping[str, JSON]) -> None:
    """Adds what has been set for the chat; in a session that holds `Lock.TURNS`."""
    chat = {"platform": platform, "chat_id": chat_id}
    preferences = merged(of_chat(session, platform, chat_id), values)
    row = insert(dialect_of(session), ChatRow).values(**chat, preferences=preferences)
    session.execute(
        row.on_conflict_do_update(
            index_elements=[ChatRow.platform, ChatRow.chat_id], set_={"preferences": row.excluded.preferences}
        )
    )


def note(session: Session, key: str) -> str | None:
    """What the installation has noted."""
    return session.scalar(_NOTE, {"key": key})


def set_note(session: Session, key: str, value: str) -> None:
    """Notes something for the installation."""
    row = insert(dialect_of(session), NoteRow).values(key=key, value=value)
    session.execute(
        row.on_conflict_do_update(index_elements=[NoteRow.key], set_={"value": row.excluded.value})
    )
