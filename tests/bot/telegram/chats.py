"""Chats of any kind, and what people do in them."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from tests.bot.telegram.files import Files
from tests.bot.telegram.members import status_json
from tests.bot.telegram.messages import (
    STAND_INS,
    ChatJson,
    Content,
    Look,
    Message,
    Person,
    found_entities,
)
from tests.bot.telegram.refusals import bad_request, forbidden
from tests.bot.telegram.timing import Changes, Clock
from tests.bot.telegram.updates import Updates

PATIENCE_S = 120
FIRST_MESSAGE_ID = 2
"""In every chat, so that ids are known to be a chat's own; 1 is a forum's general topic."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class CallbackAnswer:
    """What the presser of a button sees: nothing, a line, or a box."""

    text: str
    is_alert: bool
    url: str


@dataclass(eq=False)
class Press:
    """A press of a button, and what the bot has answered."""

    person: Person
    at_s: float
    answer: CallbackAnswer | None = None


@dataclass(frozen=True)
class Draft:
    """A text that a private chat was shown before it was a message."""

    id: int
    text: str
    at_s: float


@dataclass
class Wiring:
    """What all chats share."""

    bot: Person
    clock: Clock
    changes: Changes
    updates: Updates
    files: Files = field(default_factory=Files)
    chats: "dict[int, Chat]" = field(default_factory=dict[int, "Chat"])
    presses: dict[str, Press] = field(default_factory=dict[str, Press])
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1001))
    has_privacy_mode: bool = True
    hears_bots: bool = False


class Chat:
    """A chat with its messages as they look now, and with what was done to it.

    `bot_status` is the bot's place in it in the Bot API's words; a blocked bot is "kicked", too. `bot_may`
    holds what it may send there: "text", "photo", "document".
    """

    kind = ""
    post_kind = "message"
    hides_senders = False

    def __init__(self, wiring: Wiring, chat_id: int, title: str, username: str = "") -> None:
        self.id = chat_id
        self.title = title
        self.username = username
        self.bot_status = "member"
        self.bot_may = {"text", "photo", "document"}
        self.people: list[Person] = []
        self.actions: list[tuple[str, float]] = []
        self.drafts: list[Draft] = []
        self.all_messages: dict[int, Message] = {}
        self._wiring = wiring
        self._message_ids = itertools.count(FIRST_MESSAGE_ID)

    def to_json(self) -> ChatJson:
        username = {"username": self.username} if self.username else {}
        return {"id": self.id, "type": self.kind, "title": self.title, **username}

    # -- what is seen

    @property
    def messages(self) -> list[Message]:
        """What stands in the chat, the oldest first."""
        return [message for message in self.all_messages.values() if not message.is_deleted]

    @property
    def bot_messages(self) -> list[Message]:
        """What stands there of the bot's."""
        return [message for message in self.messages if message.is_of_bot]

    async def wait_for(self, fits: Callable[[Message], object], timeout_s: float = PATIENCE_S) -> Message:
        """The first message of the bot that fits, as soon as there is one; else TimeoutError."""
        return await self.until(
            lambda: next((message for message in self.bot_messages if fits(message)), None), timeout_s
        )

    async def until(self, look: Callable[[], Value | None], timeout_s: float = PATIENCE_S) -> Value:
        """What `look` returns as soon as that is true; else TimeoutError with what stands in the chat."""
        try:
            value = await self._wiring.changes.until(look, timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"not seen within {timeout_s} s in:\n{self.transcript()}") from error
        assert value is not None
        return value

    def transcript(self) -> str:
        """The chat on lines, for who has to find out what went wrong."""
        return "\n".join(message.to_line() for message in self.all_messages.values()) or "(nothing)"

    # -- what people do

    async def say(self, person: Person, text: str, **place: Any) -> Message:
        """Writes a text; `topic` is where in a forum, `as_chat` whose name stands on it."""
        return self._receive(person, Content(text, found_entities(text)), **place)

    async def reply(self, person: Person, to: Message, text: str, **place: Any) -> Message:
        """Writes a text as an answer to a message."""
        return self._receive(person, Content(text, found_entities(text)), reply_to=to, **place)

    async def send_document(
        self, person: Person, data: bytes, name: str, caption: str = "", **place: Any
    ) -> Message:
        """Sends a file; `reply_to` makes it an answer."""
        document = self._wiring.files.document(data, name)
        content = Content(caption, found_entities(caption), document=document)
        return self._receive(person, content, **place)

    async def send_photo(self, person: Person, data: bytes, caption: str = "", **place: Any) -> Message:
        """Sends a picture, which Telegram recompresses; `reply_to` makes it an answer."""
        photo = self._wiring.files.photo(data)
        return self._receive(person, Content(caption, found_entities(caption), photo=photo), **place)

    async def send_album(
        self, person: Person, pictures: Sequence[bytes], caption: str = "", **place: Any
    ) -> list[Message]:
        """Sends pictures as one album, an update each; the first has the caption."""
        album = f"album{next(self._wiring.ids)}"
        return [
            await self.send_photo(person, data, "" if number else caption, media_group_id=album, **place)
            for number, data in enumerate(pictures)
        ]

    async def send_other(self, person: Person, **what: Any) -> Message:
        """Sends a voice, a sticker or the like: `what` stands in the update as it is."""
        return self._receive(person, Content(), extra=what)

    async def forward(self, person: Person, message: Message, **place: Any) -> Message:
        """Passes on what another has written, in this chat or another."""
        author = message.sender or self._wiring.bot
        origin = {"type": "user", "sender_user": author.to_json(), "date": int(message.sent_at_s)}
        content = replace(message.content, keyboard=())
        return self._receive(person, content, extra={"forward_origin": origin}, **place)

    async def edit(self, message: Message, text: str) -> None:
        """Changes a text or caption that a person has written."""
        self.look_anew(message, replace(message.content, text=text, entities=found_entities(text)))
        if self._reaches_bot(message):
            self._wiring.updates.post(f"edited_{self.post_kind}", message.to_json())

    async def delete(self, message: Message) -> None:
        """Takes a message away, of which bots are told nothing."""
        message.is_deleted = True
        self._wiring.changes.notify()

    async def press(
        self,
        person: Person,
        message: Message,
        label: str,
        *,
        is_inaccessible: bool = False,
        timeout_s: float = PATIENCE_S,
    ) -> CallbackAnswer:
        """Presses the button of that text or data and waits for the bot's answer.

        Of an inaccessible message, as a very old one may be, the bot gets no more than its number.
        """
        press = self.touch(person, message, label, is_inaccessible=is_inaccessible)
        return await self.until(lambda: press.answer, timeout_s)

    def touch(self, person: Person, message: Message, label: str, *, is_inaccessible: bool = False) -> Press:
        """Presses a button without waiting."""
        query_id = str(next(self._wiring.ids))
        shown = message.to_json()
        if is_inaccessible:
            shown = {"message_id": message.id, "chat": message.chat_json, "date": 0}
        press = Press(person, self._wiring.clock.now_s())
        self._wiring.presses[query_id] = press
        query = {"id": query_id, "from": person.to_json(), "message": shown, "chat_instance": str(self.id)}
        self._wiring.updates.post("callback_query", query | {"data": message.button(label)["callback_data"]})
        return press

    # -- what the bot does

    def add_of_bot(self, content: Content, **place: Any) -> Message:
        """A new message of the bot."""
        self.drafts.clear()
        return self._add(content, self._wiring.bot, is_of_bot=True, **place)

    def look_anew(self, message: Message, content: Content) -> None:
        """Changes how a message looks."""
        message.change(content, self._wiring.clock.now_s())
        self._wiring.changes.notify()

    def check_access(self) -> None:
        """Refuses what the bot wants to change here if it is not let in."""
        if self.bot_status == "kicked":
            raise forbidden(f"bot was kicked from the {self.kind} chat")
        if self.bot_status == "left":
            raise forbidden(f"bot is not a member of the {self.kind} chat")

    def check_thread(self, thread_id: int | None) -> int | None:
        """The thread that a message goes to; places where there are no topics have none."""
        return thread_id and None

    # -- how it works

    def _receive(self, person: Person, content: Content, **place: Any) -> Message:
        """Adds what a person has sent and tells the bot of it, if that is to hear it."""
        message = self._add(content, person, **place)
        self._tell(message)
        return message

    def _tell(self, message: Message) -> None:
        if self._reaches_bot(message):
            self._wiring.updates.post(self.post_kind, message.to_json())

    def _add(
        self,
        content: Content,
        sender: Person | None,
        *,
        reply_to: Message | None = None,
        **details: Any,
    ) -> Message:
        look = Look(self._wiring.clock.now_s(), content)
        if self.hides_senders:
            sender, details["sender_chat"] = None, self.to_json()
        message = Message(
            next(self._message_ids), self.to_json(), [look], sender, reply_to=reply_to, **details
        )
        self.all_messages[message.id] = message
        self._wiring.changes.notify()
        return message

    def _reaches_bot(self, message: Message) -> bool:
        """Whether the bot hears of a message."""
        is_here = self.bot_status in ("member", "administrator", "restricted")
        sender = message.sender
        is_other_bot = sender is not None and sender.is_bot and sender not in STAND_INS
        return is_here and (self._wiring.hears_bots or not is_other_bot)

    def _tell_of_bot(self, new_status: str, by: Person) -> None:
        """The bot's place in the chat has changed."""
        member = {"user": self._wiring.bot.to_json()}
        update = {
            "chat": self.to_json(),
            "from": by.to_json(),
            "date": int(self._wiring.clock.now_s()),
            "old_chat_member": member | status_json(self.bot_status),
            "new_chat_member": member | status_json(new_status),
        }
        self.bot_status = new_status
        self._wiring.updates.post("my_chat_member", update)


class PrivateChat(Chat):
    """The chat of a person with the bot."""

    kind = "private"

    def __init__(self, wiring: Wiring, person: Person) -> None:
        super().__init__(wiring, person.id, person.first_name, person.username)
        self.person = person
        self.people = [person]

    def to_json(self) -> ChatJson:
        username = {"username": self.username} if self.username else {}
        return {"id": self.id, "type": self.kind, "first_name": self.title, **username}

    def block(self) -> None:
        """The person blocks the bot."""
        self._tell_of_bot("kicked", self.person)

    def check_access(self) -> None:
        if self.bot_status == "kicked":
            raise forbidden("bot was blocked by the user")

    def check_thread(self, thread_id: int | None) -> int | None:
        if thread_id:
            raise bad_request("message thread not found")
        return None
