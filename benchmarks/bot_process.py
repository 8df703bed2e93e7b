"""The process under test: a real `omost-bot run` that is killed and started again, and what it takes."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from tests.bot.discord.world import World
from tests.bot.telegram.bot_api import BotApi
from tests.ports import free_port

START_S = 120.0


class BotProcess:
    """A bot with the embedded backends before chat servers on the loopback, and its worker.

    Attributes:
        address: Of its page, the same one after every start.
        starts_s: When it was started, by Telegram's clock.
        kills: How often it or its worker was killed.
        cpu_s: What those of its processes have taken that are gone.
    """

    def __init__(self, folder: Path, telegram: BotApi, discord: World) -> None:
        self._port = free_port()
        self._folder = folder
        self._telegram = telegram
        self._discord = discord
        self._process: asyncio.subprocess.Process | None = None
        self.address = f"http://127.0.0.1:{self._port}"
        self.starts_s: list[float] = []
        self.kills = 0
        self.cpu_s = 0.0

    async def start(self) -> None:
        """Returns when it listens to both chat servers; its page is there by then, or soon after."""
        heard, polled = len(self._discord.presences), len(self._telegram.calls("getUpdates"))
        self.starts_s.append(self._telegram.clock.now_s())
        with (self._folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run"),
                env={**os.environ, **self._variables()},
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
        """As a power cut does it; whatever is gone is started again."""
        processes = self.processes()
        self.note_cpu(processes[1:] if worker_alone else processes)  # a worker goes with its bot
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
        if self._process and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    def log_tail(self) -> str:
        """The last of what it has logged."""
        return (self._folder / "log").read_text("utf-8", "replace")[-2000:]

    def _variables(self) -> dict[str, str]:
        return {
            "OMOST_DATA_DIR": str(self._folder / "data"),
            "OMOST_WEB__PORT": str(self._port),
            "OMOST_WEB__CALL_PAUSE_S": "0",
            "OMOST_LOG__LEVEL": "error",
            "OMOST_DISCORD__TOKEN": "a-token",
            "OMOST_DISCORD__API_BASE_URL": f"{self._discord.url}/api/v10",
            "OMOST_TELEGRAM__TOKEN": self._telegram.token,
            "OMOST_TELEGRAM__API_BASE_URL": self._telegram.url,
        }
