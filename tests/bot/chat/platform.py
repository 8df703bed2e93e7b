"""A chat platform that is nothing but memory: messages as they look, how they came to look so, and faults.

It behaves as a real one does: ids are its own, what was removed cannot be edited, and a call that fails may
have been carried out or not.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

from bot.chat.platform import (
    Budget,
    Chat,
    ChatGone,
    ChatMoved,
    Incoming,
    Message,
    MessageGone,
    PlatformError,
    Speaker,
)
from bot.chat.presses import Action, Press, decode
from bot.chat.views import Attachment, Button, Picture, View
from storage.records import PersonKey

PLATFORM = "chat"
TIMEOUT_S = 120

Method = Literal["post", "edit", "remove", "post_pictures", "post_files"]


@dataclass
class Shown:
    """A message in a chat: how it looks, and how it looked before.

    Attributes:
        pictures: Of an album's part.
        looks: Every view that it has had, the newest last.
    """

    message: Message
    reply_to: str = ""
    looks: list[View] = field(default_factory=list)
    picture: Picture | None = None
    file: Attachment | None = None

    @property
    def view(self) -> View:
        return self.looks[-1]

    @property
    def text(self) -> str:
        return self.view.plain_text

    @property
    def buttons(self) -> tuple[Button, ...]:
        return tuple(button for row in self.view.rows for button in row)

    def press(self, action: Action, *args: str) -> Press:
        """The press of the button for that action, as it comes back from the platform."""
        for button in self.buttons:
            found = decode(button.press.encode())
            assert found == button.press
            if found.action is action and found.args[: len(args)] == args:
                return found
        raise AssertionError(f"no button {action} {args} under {self.text!r}")


@dataclass(frozen=True)
class Call:
    """What was asked of the platform."""

    method: Method
    chat: Chat
    at_s: float


@dataclass(frozen=True)
class Fault:
    """How a call fails; with an effect it has been carried out nevertheless."""

    error: PlatformError
    has_effect: bool = False


class RecordingPlatform:
    """A platform in memory.

    Attributes:
        knows_keys: Whether the same key is sent once, as with Discord's nonces.
        clock: What time its calls are noted at.
        interval_s: Between two edits of a message, for progress.
    """

    def __init__(self, name: str = PLATFORM, *, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.name = name
        self.clock = clock
        self.knows_keys = False
        self.interval_s = 0.0
        self.shows_batches_apart = True
        self.max_caption_units = 1024
        self.budget = Budget(1000, 1.0)
        self.total_budget = Budget(1000, 1.0)
        self.shown: dict[Message, Shown] = {}
        self.removed: list[Message] = []
        self.calls: list[Call] = []
        self._faults: dict[tuple[Method, str], deque[Fault]] = defaultdict(deque)
        self._holds: dict[Method, asyncio.Event] = {}
        self._held: dict[Method, int] = defaultdict(int)
        self._moved: dict[str, str] = {}
        self._gone: set[str] = set()
        self._by_key: dict[str, tuple[Message, ...]] = {}
        self._changed = asyncio.Event()
        self._count = 0

    # --- as the bot sees it ---------------------------------------------------------------------------

    def chat_budget(self, chat: Chat) -> Budget:
        del chat
        return self.budget

    def edit_interval_s(self, chat: Chat) -> float:
        del chat
        return self.interval_s

    async def post(self, chat: Chat, view: View, *, key: str, reply_to: str = "") -> str:
        async with self._called("post", chat):
            return self._send(chat, [Shown(Message(chat, ""), reply_to, [view])], key)[0]

    async def edit(self, message: Message, view: View) -> None:
        async with self._called("edit", message.chat):
            found = self.shown.get(_bare(message))
            if found is None:
                raise MessageGone
            if found.view != view:
                found.looks.append(view)

    async def remove(self, message: Message) -> None:
        async with self._called("remove", message.chat):
            self.lose(message)

    async def post_pictures(
        self, chat: Chat, pictures: Sequence[Picture], *, key: str, reply_to: str = ""
    ) -> tuple[str, ...]:
        async with self._called("post_pictures", chat):
            parts = [Shown(Message(chat, ""), reply_to, [View()], picture) for picture in pictures]
            return self._send(chat, parts, key)

    async def post_files(
        self, chat: Chat, files: Sequence[Attachment], *, key: str, reply_to: str = ""
    ) -> tuple[str, ...]:
        async with self._called("post_files", chat):
            parts = [Shown(Message(chat, ""), reply_to, [View()], file=file) for file in files]
            return self._send(chat, parts, key)

    # --- as people and tests see it -------------------------------------------------------------------

    def fail(
        self,
        method: Method,
        error: PlatformError,
        *,
        times: int = 1,
        has_effect: bool = False,
        chat_id: str = "",
    ) -> None:
        """The next calls fail like that, one fault after the other: those in the chat, or all."""
        self._faults[method, chat_id].extend([Fault(error, has_effect)] * times)

    def heal(self) -> None:
        """Nothing fails any more."""
        self._faults.clear()

    def hold(self, method: Method) -> None:
        """The method's calls wait from now on, until they are let go."""
        self._holds[method] = asyncio.Event()

    def let_go(self, method: Method) -> None:
        """What was held goes on."""
        self._holds.pop(method).set()

    def held(self, method: Method) -> int:
        """How many calls of the method are under way."""
        return self._held[method]

    def move(self, old_chat_id: str, new_chat_id: str) -> None:
        """The chat has another id from now on; its messages come along."""
        self._moved[old_chat_id] = new_chat_id
        for message, found in list(self.shown.items()):
            if message.chat.chat_id == old_chat_id:
                moved = replace(message, chat=replace(message.chat, chat_id=new_chat_id))
                self.shown[moved] = self.shown.pop(message)
                found.message = moved

    def close(self, chat_id: str) -> None:
        """Throws the bot out of the chat."""
        self._gone.add(chat_id)

    def lose(self, message: Message) -> None:
        """Somebody removes the message."""
        if self.shown.pop(_bare(message), None):
            self.removed.append(_bare(message))

    def messages(self, chat_id: str = "") -> list[Shown]:
        """What there is in the chat, or in all of them, oldest first; no parts of albums, no files."""
        return [
            found
            for message, found in self.shown.items()
            if not (found.picture or found.file) and chat_id in ("", message.chat.chat_id)
        ]

    def album(self, chat_id: str = "") -> list[Shown]:
        """The pictures that were sent side by side."""
        return [
            found
            for message, found in self.shown.items()
            if found.picture and chat_id in ("", message.chat.chat_id)
        ]

    def files(self, chat_id: str = "") -> list[Shown]:
        """The files that were sent."""
        return [
            found
            for message, found in self.shown.items()
            if found.file and chat_id in ("", message.chat.chat_id)
        ]

    def counted(self, method: Method) -> int:
        """How often it was called."""
        return sum(call.method == method for call in self.calls)

    async def until(self, is_true: Callable[[], object], what: str = "the chat looks so") -> None:
        """Waits until it is so; looked at after every call."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while not is_true():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            looks = [(found.message.message_id, found.text) for found in self.messages()]
            raise AssertionError(f"not within {TIMEOUT_S} s: {what}; messages: {looks}") from None

    # --- inside ---------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _called(self, method: Method, chat: Chat):
        """A call: noted, held, failing before or after its effect."""
        self.calls.append(Call(method, chat, self.clock()))
        fault = self._fault(method, chat.chat_id) or self._fault(method, "")
        self._held[method] += 1
        self._changed.set()
        try:
            if hold := self._holds.get(method):
                await hold.wait()
            await asyncio.sleep(0)
            if chat.chat_id in self._moved:
                raise ChatMoved(self._moved[chat.chat_id])
            if chat.chat_id in self._gone:
                raise ChatGone
            if fault and not fault.has_effect:
                raise fault.error
            yield
            if fault:
                raise fault.error
        finally:
            self._held[method] -= 1
            self._changed.set()

    def _fault(self, method: Method, chat_id: str) -> Fault | None:
        faults = self._faults[method, chat_id]
        return faults.popleft() if faults else None

    def _send(self, chat: Chat, parts: list[Shown], key: str) -> tuple[str, ...]:
        if self.knows_keys and key in self._by_key:
            return tuple(message.message_id for message in self._by_key[key])
        for part in parts:
            self._count += 1
            part.message = _bare(Message(chat, str(self._count)))
            self.shown[part.message] = part
        self._by_key[key] = tuple(part.message for part in parts)
        return tuple(part.message.message_id for part in parts)


def _bare(message: Message) -> Message:
    """The message as the platform tells it from others: by chat and id."""
    chat = message.chat
    return Message(Chat(chat.platform, chat.chat_id), message.message_id)


@dataclass
class Person:
    """Somebody on the platform, and what they say and press there."""

    name: str
    locale: str = "en"
    is_moderator: bool = False
    platform: str = PLATFORM
    said: int = 0

    @property
    def key(self) -> PersonKey:
        return PersonKey(self.platform, self.name.lower())

    def says(self, chat: Chat, reply_to: Message | None = None) -> Incoming:
        """Something new; keys are as unique as the platform's messages."""
        self.said += 1
        message_id = f"{self.name.lower()}-{self.said}"
        key = f"{self.platform}:{chat.chat_id}:{message_id}"
        return Incoming(key, self.speaker, chat, message_id, reply_to)

    def presses(self, shown: Shown) -> Incoming:
        """The pressing of a button of the message."""
        said = self.says(shown.message.chat, shown.message)
        return replace(said, message_id="")

    @property
    def speaker(self) -> Speaker:
        return Speaker(self.key, self.name, self.locale, self.is_moderator)
