"""Keeping a child process alive: one that dies or falls silent is replaced.

The child's end is `engine.leash`. What the child does is not known here, nor what it says on standard error,
which is the parent's own.
"""

import asyncio
import os
import signal
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

import structlog

from engine.metrics import WORKER_ENDS

SILENCE_S = 300.0
"""A child that gives no sign of life for so long is given up."""
MAX_PULSES = 65_536
"""Are read at a time."""
GRACE_S = 5.0
"""So long a child may take to end in good order."""
MIN_PAUSE_S = 0.5
MAX_PAUSE_S = 30.0
HOPELESS = frozenset({2, 3})
"""Exit statuses that say that a child cannot work at all: `bot.report.ExitStatus` names them."""

_log = structlog.get_logger()


class WorkerCannotStart(Exception):
    """The child ended before it ever worked, and another one would fare no better.

    Attributes:
        status: Its exit status. Why, it has said itself on standard error.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"the child ended with status {status}")
        self.status = status


class Supervisor:
    """A child process that is started again whenever it ends, as an async context manager.

    A child that has pulsed is replaced at once; one that dies before its first pulse is tried again after
    pauses that grow from half a second to half a minute. The child has a process group of its own, so that
    Ctrl-C reaches the parent alone, which ends it in good order. If the parent is killed, the child's
    standard input ends, and with it the child.

    Example:
        async with Supervisor([sys.executable, "-m", "bot", "worker", "--leashed"]) as supervisor:
            await supervisor.wait()
    """

    def __init__(self, command: Sequence[str], *, silence_s: float = SILENCE_S) -> None:
        self._child: Process | None = None
        self._heard_at_s: float | None = None
        self._command = tuple(command)
        self._silence_s = silence_s
        self._has_pulsed = False
        self._hangs_up = False
        self._stillbirths = 0

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeping.cancel()
        with suppress(asyncio.CancelledError, WorkerCannotStart, OSError):  # who wants to know waits
            await self._keeping

    @property
    def pid(self) -> int | None:
        """Of the child at this moment; None while there is none."""
        return self._child.pid if self._child else None

    @property
    def silent_s(self) -> float | None:
        """Seconds since the child has given a sign of life; None while there is none that ever has."""
        return None if self._heard_at_s is None else time.monotonic() - self._heard_at_s

    def hang_up(self) -> None:
        """Sends SIGHUP to the child, if there is one, as soon as it has given a sign of life."""
        self._hangs_up = self._child is not None
        self._hang_up_if_heard()

    def _hang_up_if_heard(self) -> None:
        if self._hangs_up and self._child and self._heard_at_s is not None:
            self._hangs_up = False
            _signal(self._child, signal.SIGHUP)

    async def wait(self) -> None:
        """Returns never; cancelling it stops only the waiting.

        Raises:
            WorkerCannotStart: The first child ended with a status that says that no other would work.
            OSError: The command cannot be run, and never could.
        """
        await asyncio.shield(self._keeping)

    async def _keep(self) -> None:
        while True:
            began_s = time.monotonic()
            try:
                has_pulsed, status = await self._live()
            except OSError as error:
                if not self._has_pulsed:
                    raise
                # for want of memory, say: there may be some again
                pause_s = self._pause_s(has_pulsed=False)
                _log.warning("child_not_started", error=str(error), next_in_s=pause_s)
                await asyncio.sleep(pause_s)
                continue
            self._has_pulsed |= has_pulsed
            if status in HOPELESS and not self._has_pulsed:
                raise WorkerCannotStart(status)
            WORKER_ENDS.inc()
            pause_s = self._pause_s(has_pulsed=has_pulsed)
            lived_s = round(time.monotonic() - began_s, 1)
            _log.warning("child_ended", status=status, lived_s=lived_s, next_in_s=pause_s)
            await asyncio.sleep(pause_s)

    async def _live(self) -> tuple[bool, int]:
        """One child's life: whether it ever pulsed, and its exit status."""
        child = await _started(self._command)
        self._child = child
        has_pulsed = False
        try:
            while await self._pulse_of(child):
                has_pulsed, self._heard_at_s = True, time.monotonic()
                self._hang_up_if_heard()
            with suppress(TimeoutError):  # it has closed its output, so it is about to end
                await _hear_out(child)
        except TimeoutError:
            _log.error("child_silent", pid=child.pid, silence_s=self._silence_s)
            _signal(child, signal.SIGKILL)
        finally:
            self._child, self._heard_at_s, self._hangs_up = None, None, False
            status = await _end(child)
        return has_pulsed, status

    async def _pulse_of(self, child: Process) -> bytes:
        assert child.stdout is not None  # noqa: S101 - a pipe was asked for
        async with asyncio.timeout(self._silence_s):
            return await child.stdout.read(MAX_PULSES)

    def _pause_s(self, *, has_pulsed: bool) -> float:
        self._stillbirths = 0 if has_pulsed else self._stillbirths + 1
        if self._stillbirths < 2:
            return 0.0
        return min(MIN_PAUSE_S * 2 ** min(self._stillbirths - 2, 16), MAX_PAUSE_S)


async def _started(command: Sequence[str]) -> Process:
    """A new child; whoever is cancelled meanwhile leaves none behind.

    asyncio may wait forever for the end of a process whose start was interrupted before its pipes were there.
    """
    start = asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, start_new_session=True)
    starting = asyncio.create_task(start)
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _end(await starting)
        raise


async def _end(child: Process) -> int:
    """Asks the child to end, waits a little, and kills it with all that it has started.

    In a task of its own: in one that is being cancelled, Python 3.11.2 takes a time-out for the cancellation.
    """
    return await asyncio.shield(asyncio.create_task(_ended(child)))


async def _ended(child: Process) -> int:
    _signal(child, signal.SIGTERM)
    try:
        await _hear_out(child)
    except TimeoutError:
        _log.warning("child_killed", pid=child.pid)
    finally:
        with suppress(ProcessLookupError):  # the group may outlive the child
            os.killpg(child.pid, signal.SIGKILL)
        if child.stdin is not None:
            child.stdin.close()
    with suppress(TimeoutError):  # a process that has left the group may keep the pipe open
        await _hear_out(child)
    return await child.wait()


async def _hear_out(child: Process) -> None:
    """Waits for the child's end, and takes what it still says: a pipe that is not emptied is never closed."""
    assert child.stdout is not None  # noqa: S101 - a pipe was asked for
    async with asyncio.timeout(GRACE_S):
        while await child.stdout.read(MAX_PULSES):
            pass
        await child.wait()


def _signal(child: Process, number: signal.Signals) -> None:
    if child.returncode is None:
        with suppress(ProcessLookupError):
            child.send_signal(number)
