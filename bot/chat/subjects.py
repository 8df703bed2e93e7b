"""What somebody speaks of: which picture of which revision a reply, a button or a command means."""

from dataclasses import dataclass

from bot.chat.platform import Chat, Incoming, Message
from bot.locks import locked_in, locks_of
from engine.errors import BadSetting, Busy, NoPictureYet
from engine.orders import MAX_TEXT_CHARS
from storage.errors import NotFound
from storage.records import ConversationKey, PersonKey, Post, PostKind, Revision, Turn, TurnStatus
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
        start = said.chat.started_from
        is_start = start is not None and start.message_id == said.reply_to.message_id
        return await self._post(start if is_start and start else said.reply_to)

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
        """A picture of one of the chat's conversations; of what a thread was opened under, the thread's copy.

        Raises:
            NotFound: It is not stored, or belongs to another chat.
        """
        revision = await self._store.revision(revision_id)
        if is_had_in(revision.conversation, chat):
            return Subject(revision, index)
        start = await self._start(chat)
        if start is None or start.revision.id != revision_id:
            raise NotFound("revision", revision_id)
        return Subject(await self._store.branch(chat.conversation, revision_id), index)

    async def meant(self, said: Incoming) -> Subject:
        """The picture that is replied to, or the newest one of the conversation.

        In a thread that has none, that is the one that it was opened under.

        Raises:
            Busy: What is replied to is still being worked on.
            NoPictureYet: There is none yet.
        """
        post = await self.message(said)
        if post and (subject := await self.shown(post)):
            return await self.of_chat(said.chat, subject.revision.id, subject.index)
        if head := await self._store.head(said.chat.conversation):
            return Subject(head)
        if start := await self._start(said.chat):
            return await self.of_chat(said.chat, start.revision.id, start.index)
        raise NoPictureYet

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

    async def turn_of_chat(self, chat: Chat, turn_id: str) -> Turn:
        """A turn of one of the chat's conversations.

        Raises:
            NotFound: It is not stored, or belongs to another chat.
        """
        turn = await self._store.turn(turn_id)
        if not is_had_in(turn.conversation, chat):
            raise NotFound("turn", turn_id)
        return turn

    async def beside(self, chat: Chat, subject: Subject) -> str:
        """The message of the chat that shows a picture, to reply to; empty where there is none."""
        post = await self._store.post_of_turn(subject.revision.turn_id)
        return post.message_id if post and post.chat_id == chat.chat_id else ""

    async def _start(self, chat: Chat) -> Subject | None:
        """The picture of the message that a thread was opened under."""
        post = await self._post(chat.started_from) if chat.started_from else None
        return await self.shown(post) if post else None

    async def _post(self, message: Message) -> Post | None:
        return await self._store.post(message.chat.platform, message.chat.chat_id, message.message_id)

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


def is_had_in(conversation: ConversationKey, chat: Chat) -> bool:
    """Whether the conversation is one of the chat's."""
    home = Chat.of(conversation)
    return (home.platform, home.chat_id) == (chat.platform, chat.chat_id)


def _id(message: Message | None) -> str:
    return message.message_id if message else "-"
