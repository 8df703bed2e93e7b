"""A whole installation of real processes, run, killed and looked at by a test."""

import asyncio
import signal
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.engine.rig.chat import ChatPlatform
from tests.engine.rig.nursery import Nursery
from tests.engine.rig.processes import LOOK_EVERY_S, BotProcess, ProcessGone, RigProcess, until
from tests.engine.rig.sites import PLATFORM, Site


class Plant:
    """Processes on one database, the platform that their results go to, and the ledger of what they did.

    Attributes:
        nursery: Starts the processes.
        bot_kills: How many bots were killed.
        worker_kills: How many workers.
        acknowledged: The messages whose orders a bot has acknowledged.
    """

    def __init__(self, folder: Path, chat: ChatPlatform, nursery: Nursery, **site: object) -> None:
        self.site = replace(Site(str(folder), chat.url), **site)
        self.chat = chat
        self.nursery = nursery
        self.ledger = self.site.ledger
        self.bots: dict[str, BotProcess] = {}
        self.workers: dict[str, RigProcess] = {}
        self.bot_kills = self.worker_kills = 0
        self.acknowledged: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        processes = [*self.workers.values(), *self.bots.values()]
        for process in processes:
            process.signal(signal.SIGCONT)
        await asyncio.gather(*(process.close() for process in processes))

    def told(self, last_chars: int = 4000) -> str:
        """What the processes have logged lately."""
        logs = sorted(Path(self.site.folder).glob("*.log"))
        return "\n".join(f"{log.name}:\n{log.read_text('utf-8')[-last_chars:]}" for log in logs)

    def change(self, nursery: Nursery | None = None, **site: object) -> None:
        """What is started from now on behaves otherwise."""
        self.nursery = nursery or self.nursery
        self.site = replace(self.site, **site)

    async def start_bot(self, name: str = "bot-1", worker: str | None = None) -> BotProcess:
        """Starts a bot; with a worker's name it keeps that worker as a child of its own."""
        bot = self.bots[name] = BotProcess(Path(self.site.folder) / f"{name}.log")
        arguments = ["bot", self.site.to_json(), name, *([worker] if worker else [])]
        await bot.start(self.nursery, *arguments)
        return bot

    async def start_worker(self, name: str) -> RigProcess:
        """Starts a worker that nobody supervises."""
        worker = self.workers[name] = RigProcess(Path(self.site.folder) / f"{name}.log")
        await worker.start(self.nursery, "worker", self.site.to_json(), name)
        return worker

    async def is_up(self, name: str) -> int:
        """Waits until the bot or worker of that name is up; its process id."""
        await until(lambda: self.ledger.entries(name), f"{name} is up")
        return self.ledger.entries(name)[-1].pid

    async def kill_worker(self, name: str) -> None:
        self.worker_kills += 1
        await self.workers[name].kill()

    async def kill_bot(self, name: str = "bot-1") -> None:
        self.bot_kills += 1
        await self.bots[name].kill()

    async def submit(self, words: str = "", person: str = "p1", bot: str = "bot-1") -> str:
        """Posts a message and hands its order in, again and again until a bot acknowledges it.

        Returns:
            The message's id.
        """
        message_id = self.chat.post()
        while True:
            try:
                await self.ask_submit(message_id, words, person, bot)
            except ProcessGone:
                await asyncio.sleep(LOOK_EVERY_S)
            else:
                return message_id

    async def ask_submit(
        self, message_id: str, words: str = "", person: str = "p1", bot: str = "bot-1"
    ) -> None:
        """Hands the order of a message in."""
        turn_id = turn_of(message_id)
        await self.bots[bot].ask(do="submit", turn_id=turn_id, person=person, prompt=f"{turn_id} {words}")
        if message_id not in self.acknowledged:
            self.acknowledged.append(message_id)

    async def happened(self, message_id: str, stage: str, what: str) -> None:
        """Waits for a line in the ledger."""
        turn_id = turn_of(message_id)
        await until(lambda: self.ledger.has(turn_id, stage, what), f"{turn_id} {stage} {what}")

    async def result(self, message_id: str) -> dict[str, object]:
        """Waits for the message's result."""
        await until(lambda: self.chat.edits(message_id), f"{message_id} is delivered")
        return self.chat.edits(message_id)[0].body

    def delivered(self) -> int:
        return sum(bool(self.chat.edits(message_id)) for message_id in self.acknowledged)


def turn_of(message_id: str) -> str:
    return f"{PLATFORM}:{message_id}"
