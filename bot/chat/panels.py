"""Panels: messages with controls that everybody sees, and that belong to who asked for them.

Others may look, and go on from the pictures that a panel offers; what it shows, and whether it stays, is its
person's and the moderators' to say.
"""

from typing import Final

from bot.chat.access import Access
from bot.chat.heard import Heard
from bot.chat.platform import Incoming, Message
from bot.chat.presses import Action
from storage.records import Post, PostKind
from storage.store import Store

_OF_ITS_PERSON: Final = frozenset(
    (
        Action.CLOSE,
        Action.REGIONS,
        Action.REGION,
        Action.ADD_REGION,
        Action.REMOVE_REGION,
        Action.LOCK_REGION,
        Action.REFINE,
        Action.SETTINGS,
        Action.FIELD,
        Action.VALUE,
        Action.APPLY,
    )
)
"""What closes a panel, makes something else of it, or sends what it holds."""


class Panels:
    """Knows whose the panels are."""

    def __init__(self, store: Store, access: Access) -> None:
        self._store = store
        self._access = access

    async def remember(self, said: Incoming, message: Message, about: str) -> None:
        """Notes that the message is the panel of who said it, or about a revision, unless it is known."""
        chat = message.chat
        post = Post(
            chat.platform,
            chat.chat_id,
            message.message_id,
            PostKind.PICTURE if about else PostKind.PANEL,
            revision_id=about or None,
            person=said.speaker.person,
            data={"thread": chat.thread_id},
        )
        await self._store.add_post(post)

    def check(self, heard: Heard, pressed: Post | None, action: Action) -> None:
        """Raises `NotYours` for what somebody else does with the panel that was pressed."""
        if pressed and is_panel(pressed) and pressed.person and action in _OF_ITS_PERSON:
            self._access.check_may_end(heard.speaker, pressed.person)


def is_panel(pressed: Post | None) -> bool:
    """Whether what was pressed may be changed by it: people can send any press from below any message."""
    return pressed is None or pressed.kind in (PostKind.PANEL, PostKind.QUESTION)
