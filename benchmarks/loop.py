"""How long the bot's event loop is held up while it serves Discord and pictures are painted.

    python benchmarks/loop.py [--requests N] [--json]

The bot's own process with its worker as a child, on SQLite in a temporary folder; Discord is on the loopback
in a thread of its own. A watchdog in the bot's loop notes how much later than wanted it is woken, every 5 ms.
Printed: `lag_p50_ms`, `lag_p99_ms`, `lag_max_ms`, and `pictures`, how many were delivered meanwhile.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # beside this file lies one with the name of a package

from pydantic import SecretStr

from bot.log import configure_log
from bot.sections import DiscordSettings, LimitSettings, LogSettings, WebSettings
from bot.service import serve_bot
from bot.settings import Settings
from bot.worker import child_name, worker_command
from tests.bot.discord.gateway import discord_on_loopback
from tests.bot.discord.people import Person, labels_of
from tests.bot.discord.world import Channel, World

EVERY_S = 0.005
LIMIT_S = 600


class OtherThread:
    """Discord and its people, in a loop of their own, so that only the bot is measured."""

    def __init__(self, requests: int) -> None:
        self.requests = requests
        self.world = World()
        self.rooms: list[Channel] = []
        self.is_open, self.begins, self.is_done = threading.Event(), threading.Event(), threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """In the background, until the block ends."""
        thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        thread.start()
        self.is_open.wait()
        yield
        thread.join(10)

    async def _serve(self) -> None:
        async with discord_on_loopback(self.world):
            guild_id = self.world.guild()
            self.rooms = [self.world.channel(guild_id) for _ in range(self.requests)]
            self.is_open.set()
            await self.world.until(lambda: self.world.presences, "the bot listens", LIMIT_S)
            self.begins.set()
            for number, room in enumerate(self.rooms):
                Person(self.world, 500 + number, f"P{number}").slash(
                    room, "omost", prompt="a fox in the snow"
                )
            await self.world.until(lambda: all(map(self.has_result, self.rooms)), "all results", LIMIT_S)
            self.is_done.set()

    @staticmethod
    def has_result(room: Channel) -> bool:
        """Whether the picture has been delivered."""
        return any("🎲" in labels_of(each) for each in room.messages.values())


async def watched(other: OtherThread) -> list[float]:
    """The bot's lags in milliseconds, from the first request to the last result."""
    lags: list[float] = []
    while not other.is_done.is_set():
        began_s = time.perf_counter()
        await asyncio.sleep(EVERY_S)
        if other.begins.is_set():
            lags.append(1000 * max(0.0, time.perf_counter() - began_s - EVERY_S))
    return lags


async def measured(other: OtherThread, folder: Path) -> list[float]:
    """Serves until all results are there."""
    settings = Settings(
        data_dir=folder,
        web=WebSettings(port=0),
        limits=LimitSettings(running_per_person=1),
        log=LogSettings(level="warning"),
        discord=DiscordSettings(token=SecretStr("a-token"), api_base_url=f"{other.world.url}/api/v10"),
    )
    config = folder / "config.toml"
    config.write_text(f'data_dir = "{folder}"\n', encoding="utf-8")
    child = worker_command(settings.worker.roles, child_name(settings), config)
    serving = asyncio.create_task(serve_bot(settings, child))
    watching = asyncio.create_task(watched(other))
    await asyncio.wait({serving, watching}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        await serving
    serving.cancel()
    await asyncio.wait({serving})
    return await watching


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    configure_log("error")
    other = OtherThread(args.requests)
    with tempfile.TemporaryDirectory() as folder, other.running():
        lags = asyncio.run(measured(other, Path(folder)))
    figures = {
        "pictures": args.requests,
        "lag_p50_ms": round(statistics.median(lags), 2),
        "lag_p99_ms": round(statistics.quantiles(lags, n=100)[98], 2),
        "lag_max_ms": round(max(lags), 2),
    }
    print(
        json.dumps(figures) if args.json else "\n".join(f"{name} {value}" for name, value in figures.items())
    )


if __name__ == "__main__":
    main()
