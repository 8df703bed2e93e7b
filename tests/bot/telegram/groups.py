"""Groups with privacy mode, forums with topics, and channels with their discussion groups."""

from dataclasses import dataclass
from typing import Any

from tests.bot.telegram.chats import Chat, Wiring
from tests.bot.telegram.messages import (
    ANONYMOUS_ADMIN,
    CHANNEL_VOICE,
    STAND_INS,
    TELEGRAM,
    ChatJson,
    Content,
    Message,
    Person,
    found_entities,
)
from tests.bot.telegram.refusals import bad_request

SUPERGROUP_IDS = -1_000_000_000_000
GENERAL_TOPIC_ID = 1


@dataclass(eq=False)
class Topic:
    """A forum's topic; its id is that of the service message which opened it."""

    opened_by: Message
    name: str
    is_closed: bool = False

    @property
    def id(self) -> int:
        return self.opened_by.id


class GroupChat(Chat):
    """A group, or a supergroup, which may be a forum.

    `administrators` maps who has that place to "creator" or "administrator"; who is in `anonymous` hides it.
    """

    def __init__(
        self,
        wiring: Wiring,
        title: str,
        people: tuple[Person, ...],
        *,
        kind: str = "supergroup",
        is_forum: bool = False,
        username: str = "",
    ) -> None:
        number = next(wiring.ids)
        super().__init__(
            wiring, SUPERGROUP_IDS - number if kind == "supergroup" else -number, title, username
        )
        self.kind = kind
        self.is_forum = is_forum
        self.people = list(people)
        self.administrators: dict[Person, str] = {people[0]: "creator"} if people else {}
        self.anonymous: set[Person] = set()
        self.topics: dict[int, Topic] = {}
        self.migrated_to: GroupChat | None = None
        self._last_bot: Person | None = None

    def to_json(self) -> ChatJson:
        return super().to_json() | ({"is_forum": True} if self.is_forum else {})

    # -- what people do

    def promote(self, person: Person) -> None:
        """Makes a person an administrator."""
        self.administrators[person] = "administrator"

    def promote_bot(self) -> None:
        """As an administrator the bot hears everything and may delete anything."""
        self._tell_of_bot("administrator", self._owner)

    def kick_bot(self) -> None:
        self._tell_of_bot("kicked", self._owner)

    def remove_bot(self) -> None:
        self._tell_of_bot("left", self._owner)

    def add_bot(self) -> None:
        self._tell_of_bot("member", self._owner)

    def restrict_bot(self, *may: str) -> None:
        """From now on the bot may send only that: "text", "photo", "document"."""
        self._tell_of_bot("restricted", self._owner)
        self.bot_may = set(may)

    def migrate(self) -> "GroupChat":
        """The group becomes a supergroup with another id; the old one is closed."""
        new = GroupChat(self._wiring, self.title, tuple(self.people))
        new.administrators = dict(self.administrators)
        new.bot_status = self.bot_status
        self.migrated_to = self._wiring.chats[new.id] = new
        self._service(self._owner, migrate_to_chat_id=new.id)
        new._service(self._owner, migrate_from_chat_id=self.id)
        return new

    def open_topic(self, name: str) -> Topic:
        """A new topic of a forum."""
        created = {"name": name, "icon_color": 7322096}
        opened_by = self._add(
            Content(), self._owner, extra={"forum_topic_created": created}, is_topic_message=True
        )
        opened_by.thread_id = opened_by.id
        self._tell(opened_by)
        topic = self.topics[opened_by.id] = Topic(opened_by, name)
        return topic

    def close_topic(self, topic: Topic) -> None:
        topic.is_closed = True
        self._service(self._owner, thread_id=topic.id, is_topic_message=True, forum_topic_closed={})

    def receive_post(self, content: Content, channel: Chat, extra: dict[str, Any]) -> None:
        """A linked channel's post arrives."""
        message = self._add(content, TELEGRAM, sender_chat=channel.to_json(), extra=extra)
        self._tell(message)

    @property
    def _owner(self) -> Person:
        return next(iter(self.administrators), TELEGRAM)

    def _service(self, person: Person, *, thread_id: int | None = None, **happened: Any) -> None:
        is_topic_message = bool(happened.pop("is_topic_message", False))
        message = self._add(
            Content(), person, thread_id=thread_id, is_topic_message=is_topic_message, extra=happened
        )
        self._tell(message)

    # -- what the bot may

    def check_access(self) -> None:
        if self.migrated_to is not None:
            raise bad_request(
                "group chat was upgraded to a supergroup chat", migrate_to_chat_id=self.migrated_to.id
            )
        super().check_access()

    def check_thread(self, thread_id: int | None) -> int | None:
        """The topic; only a forum has any, and its general one is named by naming none."""
        if not self.is_forum or not thread_id:
            return None
        topic = self.topics.get(thread_id)
        if topic is None or thread_id == GENERAL_TOPIC_ID:
            raise bad_request("message thread not found")
        if topic.is_closed and self.bot_status != "administrator":
            raise bad_request("TOPIC_CLOSED")
        return thread_id

    # -- how it works

    def _receive(
        self,
        person: Person,
        content: Content,
        *,
        topic: Topic | None = None,
        as_chat: Chat | None = None,
        **details: Any,
    ) -> Message:
        stand_in = person
        if as_chat is not None:
            stand_in = ANONYMOUS_ADMIN if as_chat is self else CHANNEL_VOICE
            details["sender_chat"] = as_chat.to_json()
        if topic is not None:
            details["thread_id"] = topic.id
        return super()._receive(stand_in, content, **details)

    def _add(self, content: Content, sender: Person | None, **details: Any) -> Message:
        reply_to: Message | None = details.get("reply_to")
        if self.is_forum:
            in_topic_of = reply_to.thread_id if reply_to and reply_to.is_topic_message else None
            thread_id = details.get("thread_id") or in_topic_of
            if thread_id in self.topics:
                details |= {"thread_id": thread_id, "is_topic_message": True}
                details["reply_to"] = reply_to or self.topics[thread_id].opened_by
        elif reply_to and self.kind == "supergroup":
            details["thread_id"] = reply_to.thread_id or reply_to.id
        if sender is not None and sender.is_bot and sender not in STAND_INS:
            self._last_bot = sender
        return super()._add(content, sender, **details)

    def _reaches_bot(self, message: Message) -> bool:
        if not super()._reaches_bot(message):
            return False
        is_service = not message.text and not message.content.has_media
        hears_all = self.bot_status == "administrator" or not self._wiring.has_privacy_mode
        return is_service or hears_all or self._is_meant_for_bot(message)

    def _is_meant_for_bot(self, message: Message) -> bool:
        """What privacy mode lets through: replies to the bot, mentions, and commands that may be its own."""
        if message.reply_to is not None and message.reply_to.is_of_bot:
            return True
        name = self._wiring.bot.username.lower()
        words = message.text.lower().split()
        if not words or not words[0].startswith("/"):
            return f"@{name}" in words
        _, _, named = words[0].partition("@")
        return named == name if named else self._last_bot in (None, self._wiring.bot)


class Channel(Chat):
    """A channel, in which the bot is an administrator; its posts are discussed in a linked group."""

    kind = "channel"
    post_kind = "channel_post"
    hides_senders = True

    def __init__(self, wiring: Wiring, title: str, discussion: GroupChat | None = None) -> None:
        super().__init__(wiring, SUPERGROUP_IDS - next(wiring.ids), title)
        self.bot_status = "administrator"
        self.discussion = discussion

    async def post(self, text: str, *, photo: bytes | None = None) -> Message:
        """Writes in the channel's name; with a discussion group it is forwarded there."""
        stored = self._wiring.files.photo(photo) if photo else None
        message = self._add(Content(text, found_entities(text), photo=stored), None)
        self._tell(message)
        self._forward(message)
        return message

    def discussed(self, post: Message) -> Message:
        """The copy of a post in the discussion group, which comments reply to."""
        assert self.discussion is not None
        return next(
            message
            for message in self.discussion.messages
            if message.extra.get("forward_origin", {}).get("message_id") == post.id
        )

    def check_access(self) -> None:
        super().check_access()
        if self.bot_status != "administrator":
            raise bad_request("need administrator rights in the channel chat")

    def add_of_bot(self, content: Content, **place: Any) -> Message:
        message = super().add_of_bot(content, **place)
        self._forward(message)
        return message

    def _forward(self, post: Message) -> None:
        if self.discussion is None:
            return
        origin = {"type": "channel", "chat": self.to_json(), "message_id": post.id}
        origin["date"] = int(post.sent_at_s)
        extra = {"is_automatic_forward": True, "forward_origin": origin}
        self.discussion.receive_post(post.content, self, extra)
