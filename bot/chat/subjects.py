"""What somebody speaks of: which picture of which revision a reply, a button or a command means."""

from dataclasses import dataclass

from bot.chat.platform import Chat, Incoming, Message
from bot.locks import locked_in, locks_of
from engine.errors import BadSetting, Busy, EmptyPrompt
from engine.orders import MAX_TEXT_CHARS
from storage.errors import NotFound
from storage.records import PersonKey, Post, PostKind, Revision, Turn, TurnStatus
from storage.store import Store

LOCKED = "locked"
"""Under this a result's post has the regions that are locked, as `SceneSettings.locked`."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One picture of a revision: where a request starts.

    Attributes:
        index: The picture's place in its batch.
    """

    revision: Revision
    index: int = 0


class Subjects:
    """Finds what is spoken of, and refuses what belongs to other chats."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def message(self, said: Incoming) -> Post | None:
        """The message of ours that is replied to, or whose button was pressed; None where we know none."""
        if said.reply_to is None:
            return None
        where = said.reply_to.chat
        return await self._store.post(where.platform, where.chat_id, said.reply_to.message_id)

    async def shown(self, post: Post) -> Subject | None:
        """The picture that a message shows; None for a message of something else.

        A turn that came to nothing shows the picture that it started from, if there was one.

        Raises:
            Busy: It is still being worked on.
        """
        if post.kind not in (PostKind.RESULT, PostKind.PICTURE):
            return None
        revision_id = post.revision_id
        if revision_id is None and post.turn_id is not None:
            turn = await self._store.turn(post.turn_id)
            if turn.status is TurnStatus.RUNNING:
                raise Busy
            revision_id = turn.revision_id or turn.parent_id
        if revision_id is None:
            return None
        index = post.data.get("index")
        return Subject(await self._store.revision(revision_id), index if isinstance(index, int) else 0)

    async def of_chat(self, chat: Chat, revision_id: str, index: int = 0) -> Subject:
        """A picture of one of the chat's conversations.

        Raises:
            NotFound: It is not stored, or belongs to another chat.
        """
        revision = await self._store.revision(revision_id)
        if not is_had_in(revision, chat):
            raise NotFound("revision", revision_id)
        return Subject(revision, index)

    async def meant(self, said: Incoming) -> Subject:
        """The picture that is replied to, or the newest one of the conversation.

        Raises:
            Busy: What is replied to is still being worked on.
            EmptyPrompt: There is none yet.
        """
        post = await self.message(said)
        if post and (subject := await self.shown(post)):
            return await self.of_chat(said.chat, subject.revision.id, subject.index)
        head = await self._store.head(said.chat.conversation)
        if head is None:
            raise EmptyPrompt
        return Subject(head)

    async def pointed_at(self, said: Incoming) -> Subject:
        """The picture of the message that is pointed at, and of no other.

        Raises:
            Busy: It is still being worked on.
            NotFound: The message shows none of ours.
        """
        post = await self.message(said)
        subject = await self.shown(post) if post else None
        if subject is None:
            raise NotFound("image", _id(said.reply_to))
        return await self.of_chat(said.chat, subject.revision.id, subject.index)

    async def turn(self, said: Incoming) -> Turn:
        """The turn whose message is replied to or pressed.

        Raises:
            NotFound: It is no message of a turn.
        """
        post = await self.message(said)
        if post is None or post.turn_id is None:
            raise NotFound("turn", _id(said.reply_to))
        return await self._store.turn(post.turn_id)

    async def author(self, revision: Revision) -> PersonKey:
        """Who asked for it."""
        return (await self._store.turn(revision.turn_id)).person

    async def locks(self, revision: Revision) -> frozenset[str]:
        """The regions that a change of the revision must not touch, as `bot.locks` names them."""
        post = await self._store.post_of_turn(revision.turn_id)
        noted = post.data.get(LOCKED) if post else None
        return locks_of(noted if isinstance(noted, str) else revision.scene.settings.locked)

    async def set_locks(self, revision: Revision, locks: frozenset[str]) -> None:
        """Notes which regions are locked from now on.

        Raises:
            BadSetting: Their descriptions are longer than the settings of a change may be.
            NotFound: There is no message of the revision with which it could be noted.
        """
        post = await self._store.post_of_turn(revision.turn_id)
        locked = locked_in(revision.scene.canvas, locks)
        if len(locked) > MAX_TEXT_CHARS:
            raise BadSetting("locked", len(locked), f"0-{MAX_TEXT_CHARS}")
        noted = {LOCKED: locked}
        if post is None or await self._store.set_post_data(post, **noted) is None:
            raise NotFound("turn", revision.id)


def is_had_in(revision: Revision, chat: Chat) -> bool:
    """Whether the revision belongs to one of the chat's conversations."""
    home = Chat.of(revision.conversation)
    return (home.platform, home.chat_id) == (chat.platform, chat.chat_id)


def _id(message: Message | None) -> str:
    return message.message_id if message else "-"
