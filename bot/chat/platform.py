"""What a chat platform is to the bot: who speaks where, and what can be sent, edited and removed there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from bot.chat.views import Attachment, Picture, View
from storage.records import ConversationKey, PersonKey

BEHIND_NAME: Final = " ,:，：、\n"
"""What may part the bot's name from what is said to it."""


@dataclass(frozen=True, slots=True)
class Chat:
    """Where something is said.

    Attributes:
        chat_id: Of a private chat, group or channel.
        thread_id: Of a topic within it; empty for none. (A thread that is a chat of its own is a `chat_id`.)
        is_private: Whether nobody but the person and the bot is there.
        names: All that the lists of the settings may call it by, for example its server and category.
        is_restricted: Whether the platform keeps it for adults.
        answers_for_s: So long somebody can be answered there after they spoke; 0 for any time.
        within: The ids of what it lies in, widest first, for example its server and the channel of a thread:
            what is set for those holds here too.
        started_from: The message that a thread was opened under: the thread goes on from its picture.
        lacks: A permission without which no picture can be shown there, where one is known to be missing; as
            `bot.replies` has words for.
    """

    platform: str
    chat_id: str
    thread_id: str = ""
    is_private: bool = False
    names: tuple[str, ...] = ()
    is_restricted: bool = False
    answers_for_s: float = 0.0
    within: tuple[str, ...] = ()
    started_from: "Message | None" = None
    lacks: str = ""

    @property
    def conversation(self) -> ConversationKey:
        """The conversation that is had here."""
        where = f"{self.chat_id}/{self.thread_id}" if self.thread_id else self.chat_id
        return ConversationKey(self.platform, where)

    def check_shows_pictures(self) -> None:
        """Raises `NotPermitted` where it is known beforehand that no picture can be shown there."""
        if self.lacks:
            raise NotPermitted(self.lacks)

    def formerly(self, chat_ids: Sequence[str]) -> "Chat":
        """The same chat, which the lists may also call by ids that it had before."""
        own = [f"{self.platform}:{each}" for each in chat_ids]
        threads = [f"{each}/{self.thread_id}" for each in own] if self.thread_id else []
        return replace(self, names=(*self.names, *own, *threads))

    @classmethod
    def of(cls, conversation: ConversationKey, *, is_private: bool = False) -> "Chat":
        """The chat that a conversation is had in."""
        chat_id, _, thread_id = conversation.chat_id.partition("/")
        return cls(conversation.platform, chat_id, thread_id, is_private)


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks.

    Attributes:
        name: As people there know them.
        locale: Of their program, as the platform tells it; empty where it does not.
        is_moderator: Whether the platform lets them look after this chat.
        moderates_server: Whether it lets them look after all that the chat lies in; None: as for the chat.
        roles: That the lists of the settings may call them by.
    """

    person: PersonKey
    name: str
    locale: str = ""
    is_moderator: bool = False
    moderates_server: bool | None = None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the platform's."""

    chat: Chat
    message_id: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """That somebody said or pressed something.

    Attributes:
        key: The same for each time that the platform tells it; becomes the id of the turn, if there is one.
        message_id: What they said, to be answered to; empty where it is no message.
        reply_to: The message that theirs answers, or whose button they pressed.
    """

    key: str
    speaker: Speaker
    chat: Chat
    message_id: str = ""
    reply_to: Message | None = None


class PlatformError(Exception):
    """A platform did not do what was asked of it."""


class MessageGone(PlatformError):
    """The message is not there any more, or cannot be edited any more."""


class ChatGone(PlatformError):
    """The chat is not there any more, or the bot is not in it or not let in."""


class ChatMoved(PlatformError):
    """The chat has another id now."""

    def __init__(self, chat_id: str) -> None:
        super().__init__(chat_id)
        self.chat_id = chat_id


class SlowDown(PlatformError):
    """The platform takes nothing for a while."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"not for {after_s} s")
        self.after_s = after_s


class TooOften(PlatformError):
    """One person has had so much posted that they wait for `after_s` seconds."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"not for {after_s} s")
        self.after_s = after_s


class Unsure(PlatformError):
    """The call may have been carried out or not: nobody has said."""


class NotPermitted(PlatformError):
    """The bot lacks a permission there; `missing` names it, as `bot.replies` has words for."""

    def __init__(self, missing: str) -> None:
        super().__init__(missing)
        self.missing = missing


class TooLarge(PlatformError):
    """What was sent is larger than the platform takes, even made smaller."""


class TooLate(PlatformError):
    """When the answer is there, in about `wait_s` seconds, the platform will not take it any more."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"in {wait_s} s")
        self.wait_s = wait_s


class AccountUnusable(Exception):
    """The bot cannot be served with its account on a platform.

    Attributes:
        platform: What the platform is called.
        reason: A key that `bot.replies` has words for.
    """

    def __init__(self, platform: str, reason: str) -> None:
        super().__init__(f"{platform}: {reason}")
        self.platform = platform
        self.reason = reason

    @property
    def needs_settings(self) -> bool:
        """Whether it stays so until the settings are others; trying again would be held against the bot."""
        return self.reason in ("token-refused", "intents-refused")


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `count` calls in any `per_s` seconds, and `gap_s` seconds between any two times of calling."""

    count: int
    per_s: float
    gap_s: float = 0.0


class Platform(Protocol):
    """Sends, edits and removes messages on one platform.

    Texts that are too long are cut at a good place, pictures that are too large made smaller, and said so.
    Every method raises the errors of this module and no others, and none waits longer than its time-out.

    Attributes:
        name: As in the keys of conversations and people.
        total_budget: Of all chats together.
        max_caption_units: So many UTF-16 units may the words with a picture have.
        shows_batches_apart: Whether the pictures of a batch are sent one by one too, beside their grid.
    """

    name: str
    total_budget: Budget
    max_caption_units: int
    shows_batches_apart: bool

    def chat_budget(self, chat: Chat) -> Budget:
        """How much may be sent and edited in that chat; its threads share it."""
        ...

    def edit_interval_s(self, chat: Chat) -> float:
        """The least time between two edits of a message there, for progress."""
        ...

    async def post(self, chat: Chat, view: View, *, key: str, reply_to: str = "") -> str:
        """Sends a message; returns its id.

        With the same key within some minutes it is not sent twice, where the platform can tell.
        """
        ...

    async def edit(self, message: Message, view: View) -> None:
        """Makes a message look like this; that it does so already is no error."""
        ...

    async def remove(self, message: Message) -> None:
        """Removes a message of the bot's; that it is gone already is no error."""
        ...

    async def post_pictures(
        self, chat: Chat, pictures: Sequence[Picture], *, key: str, reply_to: str = ""
    ) -> tuple[str, ...]:
        """Sends several pictures side by side; returns the messages' ids, one for each."""
        ...

    async def post_files(
        self, chat: Chat, files: Sequence[Attachment], *, key: str, reply_to: str = ""
    ) -> tuple[str, ...]:
        """Sends files as they are; returns the messages' ids."""
        ...
