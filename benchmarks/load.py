"""A whole community at once: Telegram, Discord and the page, with the embedded backends and random kills.

    python benchmarks/load.py [--quick] [--people 10 30 100 300] [--minutes 10] [--plot FILE.svg] [--json]

A real `omost-bot run` serves chat servers on the loopback that are written for the tests. Everybody asks,
waits for the picture, thinks for a while, and asks anew or changes the picture that is there. In the first
half of the time the bot or its worker is killed again and again; memory is watched in the second.

Of the last number of people: `people`; `acknowledged` requests, whose message was seen; `delivered` ones,
whose message became a result; `lost` and `duplicates` among them; `p50_s` and `p99_s` from asking to the
result in the half without kills; `alone_s`, the same of one person alone, and `p50_to_alone`;
`memory_growth_mb` of all its processes over that half; `rate_violations` and `wrongs` as the chat servers
count them; `cpu_s_per_picture`. With several numbers of people the table has a line each, and `--plot` draws
it.
"""

import argparse
import asyncio
import json
import os
import random
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1])  # beside this file lies one with the name of a package

import psutil

from tests.bot.discord.gateway import discord_on_loopback
from tests.bot.discord.people import Person as DiscordPerson
from tests.bot.discord.people import labels_of
from tests.bot.discord.world import BOT_ID, Channel, World
from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.chats import Chat
from tests.bot.telegram.messages import Person as TelegramPerson

AGAIN = "🎲"
LOOK_EVERY_S = 0.25
START_S = 120.0
PATIENCE_S = 900.0
WATCH_EVERY_S = 5.0
KILL_EVERY_S = 40.0
UNHEARD_AFTER_S = 60.0
"""Discord repeats nothing to a bot that was away: such a request is not acknowledged, and people ask anew."""
THINKS_S = 300.0
"""On average between a picture and the next request."""
JITTER_S = 0.25
"""Calls share the processors with the servers, so they do not arrive as evenly as they are sent."""
SUBJECTS = (
    "a lighthouse at dawn",
    "a fox in the snow",
    "a birthday party",
    "a sailing boat",
    "a village fair",
)
THINGS = ("a dog", "a cat", "a tree", "a balloon", "a house")
SEEN_IN_DISCORD = 10
"""People share a channel there."""


@dataclass
class Request:
    """One request; its code stands in its words, and so in every message that belongs to it."""

    code: str
    asked_s: float
    is_acknowledged: bool = False
    finished_s: float | None = None
    results: int = 0


@dataclass
class Member:
    """Somebody, with the two things that a benchmark wants of a platform.

    Attributes:
        ask: Says the words; as a change of the newest picture where asked to.
        seen: The bot's messages with a code: those with words alone, and those that are results.
    """

    ask: Callable[[str, bool], Awaitable[None]]
    seen: Callable[[str], tuple[int, int]]
    requests: list[Request] = field(default_factory=list[Request])


class Bot:
    """The process under test, started again whenever it is gone."""

    def __init__(self, folder: Path, telegram: BotApi, discord: World) -> None:
        self._folder = folder
        self._telegram = telegram
        self._discord = discord
        self._process: asyncio.subprocess.Process | None = None
        self.kills = 0
        self.cpu_s = 0.0

    async def start(self) -> None:
        """Returns when it listens everywhere."""
        heard, polled = len(self._discord.presences), len(self._telegram.calls("getUpdates"))
        variables = {
            "OMOST_DATA_DIR": str(self._folder / "data"),
            "OMOST_WEB__PORT": "0",
            "OMOST_WEB__CALL_PAUSE_S": "0",
            "OMOST_LOG__LEVEL": "error",
            "OMOST_DISCORD__TOKEN": "a-token",
            "OMOST_DISCORD__API_BASE_URL": f"{self._discord.url}/api/v10",
            "OMOST_TELEGRAM__TOKEN": self._telegram.token,
            "OMOST_TELEGRAM__API_BASE_URL": self._telegram.url,
        }
        with (self._folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run"),
                env={**os.environ, **variables},
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
            )
        async with asyncio.timeout(START_S):
            await self._discord.until(lambda: len(self._discord.presences) > heard, "it listens", START_S)
            await self._telegram.until(lambda: len(self._telegram.calls("getUpdates")) > polled, START_S)

    def processes(self) -> list[psutil.Process]:
        """It and its worker."""
        assert self._process is not None
        with suppress(psutil.NoSuchProcess):
            bot = psutil.Process(self._process.pid)
            return [bot, *bot.children(recursive=True)]
        return []

    async def kill(self, *, worker_alone: bool) -> None:
        """As a power cut does it."""
        processes = self.processes()
        self.note_cpu(processes)
        for process in processes[1:] if worker_alone else processes[:1]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.kills += 1
        if not worker_alone and self._process:
            await self._process.wait()
            await self.start()

    def note_cpu(self, processes: list[psutil.Process]) -> None:
        """Adds what processes that are about to go have taken."""
        for process in processes:
            with suppress(psutil.Error):
                times = process.cpu_times()
                self.cpu_s += times.user + times.system

    def memory_mb(self) -> float:
        """Of all its processes."""
        total = 0
        for process in self.processes():
            with suppress(psutil.Error):
                total += process.memory_full_info().uss
        return total / 2**20

    async def end(self) -> None:
        """In good order."""
        self.note_cpu(self.processes())
        if self._process and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()


# --- people -------------------------------------------------------------------------------------------


def is_for(code: str, text: str) -> bool:
    """Whether a message belongs to the request: its first line has the words."""
    return code in text.partition("\n")[0]


def telegram_member(chat: Chat, person: TelegramPerson) -> Member:
    """Somebody on Telegram."""

    def results(code: str = "") -> list[Any]:
        return [
            message
            for message in chat.bot_messages
            if message.photo and is_for(code, message.text) and any(AGAIN in row for row in message.buttons)
        ]

    def seen(code: str) -> tuple[int, int]:
        return sum(is_for(code, message.text) for message in chat.bot_messages), len(results(code))

    async def ask(words: str, is_change: bool) -> None:  # noqa: FBT001 - one of two ways
        mine = results()
        if is_change and mine:
            await chat.reply(person, mine[-1], words)
        else:
            await chat.say(person, f"/omost {words}")

    return Member(ask, seen)


def discord_member(channel: Channel, person: DiscordPerson) -> Member:
    """Somebody on Discord."""
    mine: list[str] = []

    def messages(code: str) -> list[dict[str, Any]]:
        bots = (each for each in channel.messages.values() if each["author"]["id"] == str(BOT_ID))
        return [each for each in bots if is_for(code, each["content"])]

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

    return Member(ask, seen)


def community(count: int, telegram: BotApi, discord: World) -> list[Member]:
    """Three in five on Telegram, every fifth of them in a group; the others on Discord."""
    members: list[Member] = []
    guild = discord.guild()
    group = telegram.group("everybody", telegram.person("the owner"))
    channels: list[Channel] = []
    for number in range(count):
        if number % 5 < 3:
            person = telegram.person(f"Person {number}")
            chat = group if number % 25 == 0 else telegram.private(person)
            if chat is group:
                group.people.append(person)
            members.append(telegram_member(chat, person))
        else:
            if not channels or number // (SEEN_IN_DISCORD * 5 // 2) >= len(channels):
                channels.append(discord.channel(guild, name=f"channel-{len(channels)}"))
            members.append(discord_member(channels[-1], DiscordPerson(discord, 1000 + number, f"P{number}")))
    return members


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
    words = f'{subject} with a sign "{request.code}"'
    await member.ask(words, is_change)
    while time.monotonic() < request.asked_s + PATIENCE_S:
        messages, request.results = member.seen(request.code)
        request.is_acknowledged |= messages > 0
        if request.results:
            request.finished_s = time.monotonic()
            break
        if not request.is_acknowledged and time.monotonic() > request.asked_s + UNHEARD_AFTER_S:
            break
        await asyncio.sleep(LOOK_EVERY_S)
    return request


# --- the run ------------------------------------------------------------------------------------------


async def measure(people: int, minutes: float, thinks_s: float) -> dict[str, float]:
    """All figures of one number of people."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        telegram = await stack.enter_async_context(BotApi(rate_jitter_s=JITTER_S))
        discord, _ = await stack.enter_async_context(discord_on_loopback())
        discord.guild()
        bot = Bot(folder, telegram, discord)
        stack.push_async_callback(bot.end)
        lone, *members = community(people + 1, telegram, discord)
        await bot.start()
        alone_s = await alone(lone)
        print(f"one person alone waits {alone_s:.1f} s", file=sys.stderr)
        figures = await busy(bot, members, minutes * 60, thinks_s)
        print((folder / "log").read_text("utf-8", "replace")[-2000:], file=sys.stderr)
        return {
            "people": people,
            **figures,
            "alone_s": alone_s,
            "p50_to_alone": figures["p50_s"] / alone_s,
            "rate_violations": len(telegram.rate_violations),
            "wrongs": len(discord.wrongs),
        }


async def alone(member: Member) -> float:
    """What a request takes when there is no other."""
    chance = random.Random(1)
    took_s = []
    for _ in range(4):  # the first one warms up
        request = await served(member, chance)
        assert request.finished_s, "nobody is served"
        took_s.append(request.finished_s - request.asked_s)
    return statistics.median(took_s[1:])


async def busy(bot: Bot, members: list[Member], lasts_s: float, thinks_s: float) -> dict[str, float]:
    """Everybody at once; kills in the first half, a look at the memory in the second."""
    began_s = time.monotonic()
    calm_s, end_s = began_s + lasts_s / 2, began_s + lasts_s
    lives = [
        asyncio.create_task(live(member, random.Random(number), end_s, thinks_s))
        for number, member in enumerate(members)
    ]
    chance = random.Random(secrets.randbits(32))
    kill_every_s = min(KILL_EVERY_S, lasts_s / 8)
    while time.monotonic() + 1.5 * kill_every_s < calm_s:
        await asyncio.sleep(chance.uniform(kill_every_s / 2, kill_every_s * 1.5))
        await bot.kill(worker_alone=chance.random() < 0.5)
    await asyncio.sleep(max(0.0, calm_s - time.monotonic()))
    memory_mb = [bot.memory_mb() async for _ in _ticks(end_s)]
    await asyncio.gather(*lives)
    bot.note_cpu(bot.processes())
    return counted(members, calm_s) | {
        "kills": bot.kills,
        "memory_mb": memory_mb[-1],
        "memory_growth_mb": growth(memory_mb),
        "cpu_s_per_picture": bot.cpu_s
        / max(1, sum(each.results for member in members for each in member.requests)),
    }


async def _ticks(end_s: float) -> Any:
    while time.monotonic() < end_s:
        await asyncio.sleep(WATCH_EVERY_S)
        yield


def counted(members: list[Member], calm_s: float) -> dict[str, float]:
    """What became of the requests."""
    requests = [request for member in members for request in member.requests]
    for member in members:
        for request in member.requests:
            messages, request.results = member.seen(request.code)
            request.is_acknowledged |= messages > 0
    acknowledged = [request for request in requests if request.is_acknowledged]
    took_s = sorted(
        request.finished_s - request.asked_s
        for request in requests
        if request.finished_s and request.asked_s >= calm_s
    ) or [float("nan")]
    return {
        "requests": len(requests),
        "acknowledged": len(acknowledged),
        "delivered": sum(request.results > 0 for request in acknowledged),
        "lost": sum(request.results == 0 for request in acknowledged),
        "duplicates": sum(max(0, request.results - 1) for request in requests),
        "p50_s": took_s[len(took_s) // 2],
        "p99_s": took_s[min(len(took_s) - 1, int(0.99 * len(took_s)))],
    }


def growth(memory_mb: list[float]) -> float:
    """From the second fifth of the time, when caches are warm, to the last."""
    fifth = max(1, len(memory_mb) // 5)
    return statistics.median(memory_mb[-fifth:]) - statistics.median(
        memory_mb[fifth : 2 * fifth] or memory_mb
    )


# --- telling ------------------------------------------------------------------------------------------

COLUMNS = (
    "people",
    "requests",
    "delivered",
    "lost",
    "duplicates",
    "kills",
    "p50_s",
    "p99_s",
    "alone_s",
    "memory_mb",
)


def table(rows: list[dict[str, float]]) -> str:
    """A line for each number of people."""
    lines = ["".join(f"{name:>13}" for name in COLUMNS)]
    lines += ["".join(f"{row[name]:>13.4g}" for name in COLUMNS) for row in rows]
    return "\n".join(lines)


def plot(rows: list[dict[str, float]]) -> str:
    """Waiting times over the number of people, as SVG."""
    width, height, left, bottom, top = 640, 360, 60, 40, 20
    most_s = max(row["p99_s"] for row in rows)
    most = max(row["people"] for row in rows)

    def at(row: dict[str, float], name: str) -> tuple[float, float]:
        x = left + (width - left - 20) * row["people"] / most
        return x, height - bottom - (height - bottom - top) * row[name] / most_s

    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
    parts = [f'{opening} font-family="sans-serif" font-size="13">']
    parts.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = height - bottom - (height - bottom - top) * share
        parts.append(f'<path d="M{left} {y}H{width - 20}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{most_s * share:.0f} s</text>')
    for name, color, label in (("p99_s", "#c2410c", "99 of 100 within"), ("p50_s", "#1d4ed8", "half within")):
        points = [at(row, name) for row in rows]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}"/>' for x, y in points]
        x, y = points[-1]
        parts.append(f'<text x="{x - 8:.1f}" y="{y - 8:.1f}" text-anchor="end" fill="{color}">{label}</text>')
    for row in rows:
        x, _ = at(row, "p50_s")
        parts.append(f'<text x="{x:.1f}" y="{height - 16}" text-anchor="middle">{row["people"]:.0f}</text>')
    parts.append(f'<text x="{width - 20}" y="{height - 2}" text-anchor="end">people</text></svg>')
    return "\n".join(parts)


def main() -> None:
    """Measures and prints."""
    arguments = _arguments()
    rows = []
    for people in arguments.people:
        rows.append(asyncio.run(measure(people, arguments.minutes, arguments.thinks_s)))
        print(json.dumps(rows[-1]), file=sys.stderr)
    if arguments.plot:
        arguments.plot.write_text(plot(rows), "utf-8")
    print(json.dumps(rows[-1]) if arguments.json else table(rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="10 people for a minute")
    parser.add_argument("--people", type=int, nargs="+", default=[300])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--thinks-s", type=float, default=THINKS_S)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.people, arguments.minutes, arguments.thinks_s = [10], 1.0, 5.0
    return arguments


if __name__ == "__main__":
    main()
