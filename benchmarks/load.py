"""A whole community at once: Telegram, Discord and the page, with the embedded backends and random kills.

    python benchmarks/load.py [--quick] [--people 10 30 100 300] [--minutes 10] [--rows FILE.jsonl]
        [--plot FILE.svg] [--json]

A real `omost-bot run` serves chat servers on the loopback that are written for the tests, and its page to
tabs that do what a browser does. Everybody asks, waits for the picture, thinks for a while, and asks anew or
changes the picture that is there. In the first half of the time the bot or its worker is killed again and
again; memory is watched in the second.

Of the last number of people: `people`; `acknowledged` requests, whose message was seen; `delivered` ones,
whose message became a result, in all and in each place; `lost` and `duplicates` among them; `p50_s` and
`p99_s` from asking to the result in the half without kills, the latter in each place too; `alone_s`, the
same of one person alone, and `p50_to_alone`; `memory_growth_mb` of all its processes over that half;
`rate_violations`, which Telegram's server refuses, and how many of them came within a minute of a restart;
`wrongs` as Discord's server counts them and `page_faults` as the tabs do; `cpu_s_per_picture`. With several
numbers of people the table has a line each. `--rows` keeps them, with those of earlier runs, and `--plot`
draws all that are kept.
"""

import argparse
import asyncio
import json
import math
import random
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # beside this file lies one with the name of a package

from benchmarks.bot_process import BotProcess
from benchmarks.community import Community, Member, counted, live, served
from benchmarks.load_report import Row, keep, kept, table, waiting_plot
from benchmarks.tab import Tab
from tests.bot.discord.gateway import discord_on_loopback
from tests.bot.discord.world import RESPOND_WITHIN_S
from tests.bot.telegram.bot_api import BotApi

WATCH_EVERY_S = 5.0
KILL_EVERY_S = 40.0
THINKS_S = 300.0
"""On average between a picture and the next request."""
JITTER_S = 0.25
"""Calls share the processors with the servers, so they do not arrive as evenly as they are sent."""
RATES_LAST_S = 60.0
"""What was sent longer ago counts for no rate of Telegram's."""


async def measure(people: int, minutes: float, thinks_s: float) -> Row:
    """All figures of one number of people."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        telegram = await stack.enter_async_context(BotApi(enforces_rates=True, rate_jitter_s=JITTER_S))
        discord, _ = await stack.enter_async_context(discord_on_loopback())
        discord.respond_within_s = RESPOND_WITHIN_S
        bot = BotProcess(folder, telegram, discord)
        stack.push_async_callback(bot.end)
        community = Community(people + 1, telegram, discord, bot.address)
        await bot.start()
        stack.push_async_callback(closed, [asyncio.create_task(tab.stay()) for tab in community.tabs])
        lone, *members = community.members
        alone_s = await alone(lone)
        print(f"one person alone waits {alone_s:.1f} s", file=sys.stderr)
        figures = await busy(bot, members, minutes * 60, thinks_s)
        print(bot.log_tail(), *discord.wrongs, sep="\n", file=sys.stderr)
        return {
            "people": people,
            "minutes": minutes,
            "thinks_s": thinks_s,
            **figures,
            "alone_s": alone_s,
            "p50_to_alone": figures["p50_s"] / alone_s,
            **_rate_violations(telegram, bot),
            "wrongs": len(discord.wrongs),
            "page_faults": _page_faults(community.tabs),
        }


async def closed(tabs: Sequence[asyncio.Task[None]]) -> None:
    """Closes them; raises what went wrong in one of them."""
    for tab in tabs:
        tab.cancel()
    for ended in await asyncio.gather(*tabs, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended


async def alone(member: Member) -> float:
    """What a request takes when there is no other."""
    chance = random.Random(1)
    took_s: list[float] = []
    for _ in range(4):  # the first one warms up
        request = await served(member, chance)
        assert request.finished_s, "nobody is served"
        took_s.append(request.finished_s - request.asked_s)
    return statistics.median(took_s[1:])


async def busy(bot: BotProcess, members: Sequence[Member], lasts_s: float, thinks_s: float) -> Row:
    """Everybody at once; kills in the first half, a look at the memory in the second."""
    began_s = time.monotonic()
    calm_s, end_s = began_s + lasts_s / 2, began_s + lasts_s
    lives = [
        asyncio.create_task(live(member, random.Random(number), end_s, thinks_s))
        for number, member in enumerate(members)
    ]
    await kill_until(bot, calm_s, min(KILL_EVERY_S, lasts_s / 8))
    memory_mb = [bot.memory_mb() async for _ in _ticks(end_s)]
    await asyncio.gather(*lives)
    bot.note_cpu(bot.processes())
    pictures = sum(request.results for member in members for request in member.requests)
    return counted(members, calm_s) | {
        "kills": bot.kills,
        "memory_mb": memory_mb[-1],
        "memory_growth_mb": growth(memory_mb),
        "cpu_s_per_picture": bot.cpu_s / max(1, pictures),
    }


async def kill_until(bot: BotProcess, calm_s: float, every_s: float) -> None:
    """Kills the bot or its worker about that often; returns when it is time to leave them alone."""
    chance = random.Random(secrets.randbits(32))
    while time.monotonic() + 1.5 * every_s < calm_s:
        await asyncio.sleep(chance.uniform(every_s / 2, every_s * 1.5))
        await bot.kill(worker_alone=chance.random() < 0.5)
    await asyncio.sleep(max(0.0, calm_s - time.monotonic()))


async def _ticks(end_s: float) -> AsyncIterator[None]:
    while time.monotonic() < end_s:
        await asyncio.sleep(WATCH_EVERY_S)
        yield


def growth(memory_mb: Sequence[float]) -> float:
    """From the second fifth of the time, when caches are warm, to the last."""
    fifth = max(1, len(memory_mb) // 5)
    return statistics.median(memory_mb[-fifth:]) - statistics.median(
        memory_mb[fifth : 2 * fifth] or memory_mb
    )


def _rate_violations(telegram: BotApi, bot: BotProcess) -> Row:
    """How many there were, and how many so soon after a restart that what was sent before it counted."""
    behind_s: list[float] = []
    for each in telegram.rate_violations:
        restarts_s = (start_s for start_s in bot.starts_s[1:] if start_s <= each.at_s)
        behind_s.append(each.at_s - max(restarts_s, default=-math.inf))
        print(f"{each}, {behind_s[-1]:.0f} s after a restart", file=sys.stderr)
    return {
        "rate_violations": len(behind_s),
        "rate_violations_after_restarts": sum(each < RATES_LAST_S for each in behind_s),
    }


def _page_faults(tabs: Sequence[Tab]) -> int:
    faults = [fault for tab in tabs for fault in tab.faults]
    for fault in faults:
        print(fault, file=sys.stderr)
    return len(faults)


# --- telling ------------------------------------------------------------------------------------------


def main() -> None:
    """Measures and prints."""
    arguments = _arguments()
    rows = {int(row["people"]): row for row in kept(arguments.rows)}
    for people in arguments.people:
        rows[people] = asyncio.run(measure(people, arguments.minutes, arguments.thinks_s))
        print(json.dumps(rows[people]), file=sys.stderr)
        if arguments.rows:
            keep(arguments.rows, rows.values())
    if arguments.plot:
        arguments.plot.write_text(waiting_plot(list(rows.values())), "utf-8")
    measured = [rows[people] for people in arguments.people]
    print(json.dumps(measured[-1]) if arguments.json else table(measured))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="10 people for a minute")
    parser.add_argument("--people", type=int, nargs="+", default=[300])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--thinks-s", type=float, default=THINKS_S)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.people, arguments.minutes, arguments.thinks_s = [10], 1.0, 5.0
    return arguments


if __name__ == "__main__":
    main()
