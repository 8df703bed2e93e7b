"""People who ask a bot for pictures, on Telegram, on Discord and at the page, and what became of it.

A request has a code, which stands in its words and so in every message that belongs to it. This module knows
the servers' side of each platform and nothing of the bot.
"""

import asyncio
import math
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.tab import Tab
from tests.bot.discord.people import Person as DiscordPerson
from tests.bot.discord.people import labels_of
from tests.bot.discord.world import BOT_ID, Channel, World
from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.chats import Chat
from tests.bot.telegram.messages import Person as TelegramPerson

TELEGRAM, GROUP, DISCORD, PAGE = PLACES = ("telegram", "group", "discord", "page")
"""Where people are; the group is Telegram's, which lets a bot say less there."""
PEOPLE = (TELEGRAM, TELEGRAM, TELEGRAM, DISCORD, DISCORD, TELEGRAM, TELEGRAM, TELEGRAM, DISCORD, PAGE)
"""Of every ten people."""
GROUP_EVERY = 25
"""Every so many-th of all is on Telegram in the group."""
SEEN_IN_DISCORD = 10
"""People share a channel there."""

AGAIN = "🎲"
LOOK_EVERY_S = 0.25
PATIENCE_S = 900.0
UNHEARD_AFTER_S = 60.0
"""Discord repeats nothing to a bot that was away: such a request is not acknowledged, and people ask anew."""
SUBJECTS = (
    "a lighthouse at dawn",
    "a fox in the snow",
    "a birthday party",
    "a sailing boat",
    "a village fair",
)
THINGS = ("a dog", "a cat", "a tree", "a balloon", "a house")


@dataclass
class Request:
    """One request, and what became of it."""

    code: str
    asked_s: float
    is_acknowledged: bool = False
    finished_s: float | None = None
    results: int = 0


@dataclass
class Member:
    """Somebody, with the two things that a benchmark wants of a platform.

    Attributes:
        place: Where they are, one of PLACES.
        ask: Says the words; as a change of the newest picture where asked to.
        seen: The bot's messages with a code: those with words alone, and those that are results.
    """

    place: str
    ask: Callable[[str, bool], Awaitable[None]]
    seen: Callable[[str], tuple[int, int]]
    requests: list[Request] = field(default_factory=list[Request])

    def look(self, request: Request) -> None:
        """Notes what can be seen of a request now."""
        messages, request.results = self.seen(request.code)
        request.is_acknowledged |= messages > 0


def telegram_member(chat: Chat, person: TelegramPerson, place: str = TELEGRAM) -> Member:
    """Somebody on Telegram, in a chat of their own or in a group."""

    def results(code: str = "") -> list[Any]:
        return [
            message
            for message in chat.bot_messages
            if message.photo and _is_for(code, message.text) and any(AGAIN in row for row in message.buttons)
        ]

    def seen(code: str) -> tuple[int, int]:
        return sum(_is_for(code, message.text) for message in chat.bot_messages), len(results(code))

    async def ask(words: str, is_change: bool) -> None:  # noqa: FBT001 - one of two ways
        mine = results()
        if is_change and mine:
            await chat.reply(person, mine[-1], words)
        else:
            await chat.say(person, f"/omost {words}")

    return Member(place, ask, seen)


def discord_member(channel: Channel, person: DiscordPerson) -> Member:
    """Somebody on Discord."""
    mine: list[str] = []

    def messages(code: str) -> list[dict[str, Any]]:
        bots = (each for each in channel.messages.values() if each["author"]["id"] == str(BOT_ID))
        return [each for each in bots if _is_for(code, each["content"])]

    def results(code: str) -> list[dict[str, Any]]:
        return [
            each
            for each in messages(code)
            if each["attachments"] and any(label.startswith(AGAIN) for label in labels_of(each))
        ]

    def seen(code: str) -> tuple[int, int]:
        return len(messages(code)), len(results(code))

    async def ask(words: str, is_change: bool) -> None:  # noqa: FBT001 - one of two ways
        newest = results(mine[-1]) if is_change and mine else []
        mine.append(words)
        if newest:
            person.say(channel, words, newest[0])
        else:
            person.slash(channel, "omost", prompt=words)

    return Member(DISCORD, ask, seen)


def page_member(tab: Tab) -> Member:
    """Somebody at the page."""

    async def ask(words: str, is_change: bool) -> None:  # noqa: FBT001 - one of two ways
        await tab.say(words, is_new=not is_change)

    return Member(PAGE, ask, tab.seen)


def _is_for(code: str, text: str) -> bool:
    """Whether a message belongs to the request: its first line has the words."""
    return code in text.partition("\n")[0]


class Community:
    """Everybody: six in ten on Telegram, some of them in a group, three on Discord and one at the page.

    Attributes:
        members: In the order in which they came.
        tabs: Of those at the page; somebody has to keep them open.
    """

    def __init__(self, count: int, telegram: BotApi, discord: World, page: str) -> None:
        self.members: list[Member] = []
        self.tabs: list[Tab] = []
        self._telegram = telegram
        self._discord = discord
        self._page = page
        self._group = telegram.group("everybody", telegram.person("the owner"))
        self._guild = discord.guild()
        self._channels: list[Channel] = []
        for number in range(count):
            self.members.append(self._member(number))

    def _member(self, number: int) -> Member:
        match PEOPLE[number % len(PEOPLE)]:
            case "telegram":
                return self._on_telegram(number)
            case "discord":
                return discord_member(
                    self._channel(), DiscordPerson(self._discord, 1000 + number, f"P{number}")
                )
            case _:
                self.tabs.append(Tab(self._page))
                return page_member(self.tabs[-1])

    def _on_telegram(self, number: int) -> Member:
        person = self._telegram.person(f"Person {number}")
        if number % GROUP_EVERY:
            return telegram_member(self._telegram.private(person), person)
        self._group.people.append(person)
        return telegram_member(self._group, person, GROUP)

    def _channel(self) -> Channel:
        """One with room for somebody more."""
        there = sum(member.place == DISCORD for member in self.members)
        if there // SEEN_IN_DISCORD >= len(self._channels):
            name = f"channel-{len(self._channels)}"
            self._channels.append(self._discord.channel(self._guild, name=name))
        return self._channels[-1]


async def live(member: Member, chance: random.Random, until_s: float, thinks_s: float) -> None:
    """Asks, waits, thinks, until the time is over; what was asked is waited for."""
    await asyncio.sleep(chance.uniform(0, thinks_s))
    while time.monotonic() < until_s:
        await served(member, chance)
        left_s = max(0.0, until_s - time.monotonic())
        await asyncio.sleep(min(chance.expovariate(1 / thinks_s), left_s))


async def served(member: Member, chance: random.Random) -> Request:
    """One request, up to its result or to the end of all patience."""
    is_change = chance.random() < 0.5
    request = Request(secrets.token_hex(4), time.monotonic())
    member.requests.append(request)
    subject = f"add {chance.choice(THINGS)} on the left" if is_change else chance.choice(SUBJECTS)
    await member.ask(f'{subject} with a sign "{request.code}"', is_change)
    while time.monotonic() < request.asked_s + PATIENCE_S:
        member.look(request)
        if request.results:
            request.finished_s = time.monotonic()
            break
        if not request.is_acknowledged and time.monotonic() > request.asked_s + UNHEARD_AFTER_S:
            break
        await asyncio.sleep(LOOK_EVERY_S)
    return request


def counted(members: Sequence[Member], calm_s: float) -> dict[str, float]:
    """What became of the requests; waits are those of the time behind `calm_s`."""
    for member in members:
        for request in member.requests:
            member.look(request)
    requests = _requests(members)
    there = {place: _requests(member for member in members if member.place == place) for place in PLACES}
    acknowledged = [request for request in requests if request.is_acknowledged]
    return {
        "requests": len(requests),
        "acknowledged": len(acknowledged),
        "delivered": sum(request.results > 0 for request in acknowledged),
        "lost": sum(request.results == 0 for request in acknowledged),
        "duplicates": sum(max(0, request.results - 1) for request in requests),
        "p50_s": _wait_s(requests, calm_s, 0.5),
        "p99_s": _wait_s(requests, calm_s, 0.99),
        **{f"delivered_{place}": sum(each.results > 0 for each in there[place]) for place in PLACES},
        **{
            f"p99_{place}_s": wait_s
            for place in PLACES
            if math.isfinite(wait_s := _wait_s(there[place], calm_s, 0.99))
        },
    }


def _requests(members: Iterable[Member]) -> list[Request]:
    return [request for member in members for request in member.requests]


def _wait_s(requests: Iterable[Request], calm_s: float, share: float) -> float:
    """As long as that share of them took at most; not a number where there is none."""
    took_s = sorted(
        request.finished_s - request.asked_s
        for request in requests
        if request.finished_s and request.asked_s >= calm_s
    ) or [float("nan")]
    return took_s[min(len(took_s) - 1, int(share * len(took_s)))]
