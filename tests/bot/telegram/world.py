"""A small Telegram: people, their chats with one bot, and what the bot has told Telegram of itself."""

import itertools
from collections.abc import Callable
from typing import TypeVar

from tests.bot.telegram.chats import PATIENCE_S, Chat, PrivateChat, Value, Wiring
from tests.bot.telegram.groups import Channel, GroupChat
from tests.bot.telegram.messages import Person
from tests.bot.telegram.refusals import Refusal, bad_request, forbidden
from tests.bot.telegram.timing import Changes, Clock
from tests.bot.telegram.updates import Updates

BOT_NAME = "omost_test_bot"
Command = dict[str, str]
AnyChat = TypeVar("AnyChat", bound=Chat)


class World:
    """Everything that Telegram knows. Tests make its people and chats here, and look at them later."""

    def __init__(self, *, speed: float = 1.0, has_privacy_mode: bool = True) -> None:
        self.clock = Clock(speed)
        self.changes = Changes()
        self.updates = Updates(self.clock, self.changes)
        self.bot = Person(4242, "Omost", BOT_NAME, is_bot=True)
        self.wiring = Wiring(
            self.bot, self.clock, self.changes, self.updates, has_privacy_mode=has_privacy_mode
        )
        self.files = self.wiring.files
        self.people: dict[int, Person] = {self.bot.id: self.bot}
        self.chats = self.wiring.chats
        self.commands: dict[tuple[tuple[str, ...], str], list[Command]] = {}
        self.profile: dict[tuple[str, str], str] = {}
        self._people_ids = itertools.count(50_000_001)

    async def until(self, look: Callable[[], Value | None], timeout_s: float = PATIENCE_S) -> Value:
        """What `look` returns as soon as that is true; else TimeoutError."""
        value = await self.changes.until(look, timeout_s)
        assert value is not None
        return value

    def person(
        self, first_name: str, language_code: str = "", *, username: str = "", is_bot: bool = False
    ) -> Person:
        """A new user; the language code is that of their app."""
        person = Person(next(self._people_ids), first_name, username, language_code, is_bot)
        self.people[person.id] = person
        return person

    def private(self, person: Person) -> PrivateChat:
        """The chat of a person with the bot, which is started as soon as it is asked for."""
        chat = self.chats.get(person.id)
        return chat if isinstance(chat, PrivateChat) else self._kept(PrivateChat(self.wiring, person))

    def group(
        self, title: str, *people: Person, kind: str = "supergroup", is_forum: bool = False
    ) -> GroupChat:
        """A group with the bot in it; the first of the people owns it. Only a basic "group" migrates."""
        return self._kept(GroupChat(self.wiring, title, people, kind=kind, is_forum=is_forum))

    def forum(self, title: str, *people: Person) -> GroupChat:
        """A supergroup with topics."""
        return self.group(title, *people, is_forum=True)

    def channel(self, title: str, discussion: GroupChat | None = None) -> Channel:
        """A channel in which the bot is an administrator."""
        return self._kept(Channel(self.wiring, title, discussion))

    def chat(self, name: str) -> Chat:
        """The chat of an id or @username as a call names it."""
        if not name:
            raise bad_request("chat_id is empty")
        for chat in self.chats.values():
            if name in (str(chat.id), f"@{chat.username}"):
                return chat
        raise self._stranger(name)

    def _stranger(self, name: str) -> Refusal:
        """Why there is no chat of that name."""
        person = self.people.get(int(name)) if name.isdecimal() else None
        if person is None:
            return bad_request("chat not found")
        bots = "bot can't send messages to bots"
        return forbidden(bots if person.is_bot else "bot can't initiate conversation with a user")

    def _kept(self, chat: AnyChat) -> AnyChat:
        self.chats[chat.id] = chat
        return chat

    def commands_seen_by(self, person: Person, chat: Chat) -> list[Command]:
        """The commands in the menu of a person in a chat: those of the narrowest scope that has any."""
        for scope in self._scopes(person, chat):
            for language in dict.fromkeys((person.language_code[:2], "")):
                if found := self.commands.get((scope, language)):
                    return found
        return []

    def _scopes(self, person: Person, chat: Chat) -> list[tuple[str, ...]]:
        chat_id = str(chat.id)
        if isinstance(chat, PrivateChat):
            return [("chat", chat_id), ("all_private_chats",), ("default",)]
        is_admin = isinstance(chat, GroupChat) and person in chat.administrators
        admins = [("chat_administrators", chat_id)] if is_admin else []
        all_admins = [("all_chat_administrators",)] if is_admin else []
        member = ("chat_member", chat_id, str(person.id))
        return [member, *admins, ("chat", chat_id), *all_admins, ("all_group_chats",), ("default",)]
