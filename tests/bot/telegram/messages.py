"""People and messages as Telegram knows them, and how its Bot API writes them down."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.bot.telegram.files import StoredFile
from tests.bot.telegram.limits import Entities, Keyboard, utf16_length

_MARKED = re.compile(r"(?<!\S)(?:/[A-Za-z0-9_]{1,32}(?:@\w+)?|@\w{4,32})")

ChatJson = dict[str, Any]


@dataclass(eq=False, frozen=True)
class Person:
    """A user of Telegram, which a bot is, too."""

    id: int
    first_name: str
    username: str = ""
    language_code: str = ""
    is_bot: bool = False

    def to_json(self) -> dict[str, Any]:
        user: dict[str, Any] = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name}
        return user | _present(username=self.username, language_code=self.language_code)


TELEGRAM = Person(777000, "Telegram")
"""Sends a channel's posts into its discussion group."""
ANONYMOUS_ADMIN = Person(1087968824, "Group", "GroupAnonymousBot", is_bot=True)
"""Stands for an administrator who writes as the group."""
CHANNEL_VOICE = Person(136817688, "Channel", "Channel_Bot", is_bot=True)
"""Stands for a person who writes as a channel."""
STAND_INS = (TELEGRAM, ANONYMOUS_ADMIN, CHANNEL_VOICE)


@dataclass(frozen=True)
class Content:
    """What is seen of a message; two are equal when Telegram says "not modified"."""

    text: str = ""
    entities: Entities = ()
    photo: StoredFile | None = None
    document: StoredFile | None = None
    has_spoiler: bool = False
    keyboard: Keyboard = ()
    other_markup: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def has_media(self) -> bool:
        return self.photo is not None or self.document is not None

    def to_json(self) -> dict[str, Any]:
        name, entities = ("caption", "caption_entities") if self.has_media else ("text", "entities")
        return _present(
            **{name: self.text, entities: list(self.entities)},
            photo=self.photo and self.photo.to_json(),
            document=self.document and self.document.to_json(),
            has_media_spoiler=self.has_spoiler,
            reply_markup=self.keyboard and {"inline_keyboard": self.keyboard},
        )


def found_entities(text: str) -> Entities:
    """The commands and mentions in what a person has typed."""
    return tuple(
        {
            "type": "bot_command" if match[0].startswith("/") else "mention",
            "offset": utf16_length(text[: match.start()]),
            "length": utf16_length(match[0]),
        }
        for match in _MARKED.finditer(text)
    )


@dataclass(frozen=True)
class Look:
    """How a message looked from a time on."""

    at_s: float
    content: Content


@dataclass(eq=False)
class Message:
    """A message of a chat; `history` tells how it has looked, `content` how it looks now."""

    id: int
    chat_json: ChatJson
    history: list[Look]
    sender: Person | None = None
    sender_chat: ChatJson | None = None
    reply_to: "Message | None" = None
    thread_id: int | None = None
    is_topic_message: bool = False
    is_of_bot: bool = False
    media_group_id: str = ""
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    is_deleted: bool = False

    @property
    def content(self) -> Content:
        return self.history[-1].content

    @property
    def sent_at_s(self) -> float:
        return self.history[0].at_s

    @property
    def text(self) -> str:
        """The text, or the caption of a picture or file."""
        return self.content.text

    @property
    def photo(self) -> bytes | None:
        """The picture as it was uploaded; people see it recompressed."""
        return self.content.photo and self.content.photo.data

    @property
    def document(self) -> StoredFile | None:
        return self.content.document

    @property
    def buttons(self) -> list[list[str]]:
        """The texts of the inline keyboard, a list each row."""
        return [[button["text"] for button in row] for row in self.content.keyboard]

    @property
    def forces_reply(self) -> bool:
        return bool(self.content.other_markup.get("force_reply"))

    def button(self, label: str) -> Mapping[str, Any]:
        """The button of that text or data, or whose text holds it; LookupError when there is none."""
        buttons = [button for row in self.content.keyboard for button in row]
        for fits in (_is_exactly, _holds):
            for button in buttons:
                if fits(button, label):
                    return button
        raise LookupError(label, self.buttons)

    def change(self, content: Content, at_s: float) -> None:
        self.history.append(Look(at_s, content))

    def to_json(self, *, is_nested: bool = False) -> dict[str, Any]:
        """The message; one that it replies to stands in it without what that replies to."""
        reply_to = None if is_nested or self.reply_to is None else self.reply_to.to_json(is_nested=True)
        shown = {"message_id": self.id, "date": int(self.sent_at_s), "chat": self.chat_json}
        shown |= _present(
            edit_date=int(self.history[-1].at_s) if len(self.history) > 1 else 0,
            sender_chat=self.sender_chat,
            reply_to_message=reply_to,
            message_thread_id=self.thread_id,
            is_topic_message=self.is_topic_message,
            media_group_id=self.media_group_id,
            **{"from": self.sender and self.sender.to_json()},
        )
        return shown | self.content.to_json() | self.extra

    def to_line(self) -> str:
        """The message on one line, for a transcript."""
        sender = self.sender.first_name if self.sender else "channel"
        media = "".join(
            f" [{kind}]" for kind in ("photo", "document") if getattr(self.content, kind) is not None
        )
        buttons = f" {self.buttons}" if self.buttons else ""
        gone = " (deleted)" if self.is_deleted else ""
        return f"{self.id} {sender}:{media} {self.text!r}{buttons}{gone}"


def _is_exactly(button: Mapping[str, Any], label: str) -> bool:
    return label in (button["text"], button.get("callback_data"))


def _holds(button: Mapping[str, Any], label: str) -> bool:
    return label in button["text"]


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
