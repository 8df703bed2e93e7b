"""A test's hold on a process: its standard input keeps it alive, its standard output says when it is gone."""

import asyncio
import itertools
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.engine.rig.nursery import Nursery

TIMEOUT_S = 120
LOOK_EVERY_S = 0.005
LAST_WORDS_CHARS = 4000
GRACE_S = 10.0


class ProcessGone(Exception):
    """The process died before it answered."""


class Refusal(Exception):
    """What the bot answered a command with that it refused: the error's class."""


async def until(
    is_true: Callable[[], object],
    what: str,
    timeout_s: float = TIMEOUT_S,
    look_every_s: float = LOOK_EVERY_S,
) -> None:
    """Waits for a condition, looking at it often."""
    give_up_s = time.monotonic() + timeout_s
    while not is_true():
        if time.monotonic() > give_up_s:
            raise AssertionError(f"not within {timeout_s:g} s: {what}")
        await asyncio.sleep(look_every_s)


class RigProcess:
    """One process; what it writes on standard error is added to a file."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._output = asyncio.StreamReader()

    async def start(self, nursery: Nursery, *arguments: str) -> None:
        its_input, self._input = os.pipe()
        our_end, its_output = os.pipe()
        with self._log.open("ab") as log:
            files = (its_input, its_output, log.fileno())
            self.pid = await asyncio.to_thread(nursery.fork, arguments, files)
        os.close(its_input)
        os.close(its_output)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._output), os.fdopen(our_end, "rb", buffering=0)
        )
        self._reading = asyncio.create_task(self._read())

    @property
    def is_gone(self) -> bool:
        return self._reading.done()

    def last_words(self) -> str:
        """The end of what it wrote on standard error."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS_CHARS:]

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.close()

    async def close(self) -> None:
        """Ends it by its standard input; kills it when that takes too long."""
        if self._input >= 0:
            os.close(self._input)
            self._input = -1
        try:
            await asyncio.wait_for(asyncio.shield(self._reading), GRACE_S)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self._reading

    async def _read(self) -> None:
        while line := await self._output.readline():
            self._hear(line)

    def _hear(self, line: bytes) -> None:
        """Signs of life, of a worker."""


class BotProcess(RigProcess):
    """A bot, spoken to in lines of JSON."""

    def __init__(self, log: Path) -> None:
        super().__init__(log)
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[object]] = {}

    async def is_up(self) -> None:
        """Waits until it takes orders."""
        self._waiting[0] = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(self._waiting[0], TIMEOUT_S)
        except (ProcessGone, TimeoutError):
            raise AssertionError(self.last_words()) from None

    async def ask(self, **command: str) -> object:
        """What the bot answers; a bot that is still starting answers when it is up.

        Raises:
            ProcessGone: It died before it answered.
            Refusal: It refused.
        """
        number = next(self._ids)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            os.write(self._input, json.dumps({"id": number, **command}).encode() + b"\n")
        except OSError:
            raise ProcessGone from None
        return await asyncio.wait_for(answer, TIMEOUT_S)

    async def _read(self) -> None:
        await super()._read()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ProcessGone)
                answer.exception()  # it may be that nobody waits

    def _hear(self, line: bytes) -> None:
        said = json.loads(line)
        answer = self._waiting.pop(said["id"], None)
        if answer is None or answer.done():
            return  # nobody waits for it
        if "error" in said:
            answer.set_exception(Refusal(said["error"]))
        else:
            answer.set_result(said["answer"])
