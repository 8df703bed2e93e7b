"""Chats that get another id, as a group of Telegram's does when it becomes a supergroup.

Functions on a session that `storage.store` has opened.
"""

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from storage import posts, preferences
from storage.models import ChatRow, ConversationRow, RevisionRow, TurnRow
from storage.records import ConversationKey

THREAD = "/"
"""Stands between a chat's id and a thread's in the id of a conversation."""
_FORMERLY = "formerly"
"""Begins the keys of notes that tell a chat's former ids, a line for each."""


def move(session: Session, platform: str, old_chat_id: str, new_chat_id: str) -> None:
    """Gives all of a chat to another, whose own wins; in a session that holds `Lock.TURNS`."""
    if old_chat_id == new_chat_id:
        return
    threads = old_chat_id + THREAD
    is_thread = func.substr(ConversationRow.chat_id, 1, len(threads)) == threads
    of_chat = select(ConversationRow.key, ConversationRow.chat_id, ConversationRow.head_id).where(
        ConversationRow.platform == platform, (ConversationRow.chat_id == old_chat_id) | is_thread
    )
    for key, chat_id, head_id in session.execute(of_chat).all():
        target = ConversationKey(platform, new_chat_id + chat_id.removeprefix(old_chat_id))
        _move_conversation(session, key, head_id, target)
    posts.move_chat(session, platform, old_chat_id, new_chat_id)
    _move_preferences(session, platform, old_chat_id, new_chat_id)
    former = (*former_ids(session, platform, new_chat_id), *former_ids(session, platform, old_chat_id))
    all_ids = dict.fromkeys(each for each in (*former, old_chat_id) if each != new_chat_id)
    preferences.set_note(session, _note_of(platform, new_chat_id), "\n".join(all_ids))


def former_ids(session: Session, platform: str, chat_id: str) -> tuple[str, ...]:
    """The ids that the chat had before, oldest first."""
    return tuple((preferences.note(session, _note_of(platform, chat_id)) or "").split())


def _note_of(platform: str, chat_id: str) -> str:
    return f"{_FORMERLY}:{platform}:{chat_id}"


def _move_conversation(session: Session, key: int, head_id: str | None, target: ConversationKey) -> None:
    """Renames a conversation, or gives what it holds to the one that has the name already."""
    row = ConversationRow.key
    is_target = (ConversationRow.platform == target.platform, ConversationRow.chat_id == target.chat_id)
    other_key = session.scalar(select(row).where(*is_target))
    if other_key is None:
        session.execute(update(ConversationRow).where(row == key).values(chat_id=target.chat_id))
        return
    for table in (TurnRow, RevisionRow):
        moved = update(table).where(table.conversation_key == key)
        session.execute(moved.values(conversation_key=other_key))
    session.execute(delete(ConversationRow).where(row == key))
    has_no_head = ConversationRow.head_id.is_(None)
    session.execute(update(ConversationRow).where(row == other_key, has_no_head).values(head_id=head_id))


def _move_preferences(session: Session, platform: str, old_chat_id: str, new_chat_id: str) -> None:
    old = preferences.of_chat(session, platform, old_chat_id)
    if old:
        own = preferences.of_chat(session, platform, new_chat_id)
        preferences.set_of_chat(session, platform, new_chat_id, {**old, **own})
    is_old = (ChatRow.platform == platform, ChatRow.chat_id == old_chat_id)
    session.execute(delete(ChatRow).where(*is_old))
