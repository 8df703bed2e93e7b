"""The supervisor: children that die, fall silent, or cannot work at all, with real processes."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager, suppress

import psutil
import pytest
from structlog.testing import capture_logs

from engine.metrics import REGISTRY
from engine.supervisor import Supervisor, WorkerCannotStart

PATIENCE_S = 120

# Every child writes its process id into the folder it is given, one file a life.
LIVES = """
import os, subprocess, sys, time
from pathlib import Path
from engine.leash import Leash

folder = Path(sys.argv[1])
life = len(list(folder.glob("life-*")))

def note():
    (folder / f"note-{life}").write_text(str(os.getpid()))
    (folder / f"note-{life}").rename(folder / f"life-{life}")
"""

STEADY = """
with Leash() as leash:
    leash.pulse()
    note()
    while True:
        time.sleep(0.2)
        leash.pulse()
"""
SILENT_AT_FIRST = """
with Leash() as leash:
    leash.pulse()
    note()
    while True:
        time.sleep(0.2)
        if life:
            leash.pulse()
"""
STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with Leash() as leash:
    grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (folder / "grandchild").write_text(str(grandchild.pid))
    leash.pulse()
    note()
    while True:
        time.sleep(0.2)
        leash.pulse()
"""
ENDS = """
note()
sys.exit(int(sys.argv[2]))
"""
FAILS_LATER = """
with Leash() as leash:
    if life != 1:
        leash.pulse()
    note()
    if life == 1:
        sys.exit(3)
    while True:
        time.sleep(0.2)
        leash.pulse()
"""
PARENT = """
import asyncio, sys
from engine.supervisor import Supervisor

async def main():
    async with Supervisor(sys.argv[1:]) as supervisor:
        await supervisor.wait()

asyncio.run(main())
"""


@pytest.fixture
def command(tmp_path):
    """The command of a child that does what the text says."""

    def write(text, *arguments):
        script = tmp_path / "child.py"
        script.write_text(LIVES + text, encoding="utf-8")
        return [sys.executable, str(script), str(tmp_path), *map(str, arguments)]

    return write


@pytest.fixture
def life(tmp_path):
    """The process id of the child's n-th life, as soon as it has begun."""

    async def pid(number):
        path = tmp_path / f"life-{number}"
        await until(path.exists)
        return int(path.read_text())

    return pid


@pytest.fixture
def parent(tmp_path):
    """Starts another process that supervises a command; it has ended afterwards."""

    @asynccontextmanager
    async def start(command):
        script = tmp_path / "parent.py"
        script.write_text(PARENT, encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), *command, start_new_session=True, stderr=PIPE
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()

    return start


async def until(condition):
    """Waits until the condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - other processes set no events
            await asyncio.sleep(0.02)


def is_alive(pid):
    """Whether a process still runs; one that has ended and is not yet collected does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def has_lived(pid, seconds):
    """Whether a process has been there for so long."""
    if pid is None:
        return False
    try:
        return psutil.Process(pid).create_time() < time.time() - seconds
    except psutil.NoSuchProcess:
        return False


async def test_a_killed_child_is_replaced(command, life):
    """However often a child is killed, another one takes its place, and the last ends with the context."""
    async with Supervisor(command(STEADY)) as supervisor:
        for number in range(3):
            pid = await life(number)
            assert supervisor.pid == pid
            os.kill(pid, signal.SIGKILL)
        last = await life(3)
        assert is_alive(last)
    assert not is_alive(last)
    assert supervisor.pid is None


async def test_a_silent_child_is_replaced(command, life):
    """A child that gives no sign of life for the set time is killed, and one that does is not."""
    async with Supervisor(command(SILENT_AT_FIRST), silence_s=3) as supervisor:
        silent, _ = await life(0), await life(1)
        assert not is_alive(silent)
        await until(lambda: has_lived(supervisor.pid, 5))  # where a machine stood still, a later one


async def test_a_frozen_child_is_replaced(command, life):
    """A child that is frozen as a whole is silent too."""
    async with Supervisor(command(STEADY), silence_s=3):
        frozen = await life(0)
        os.kill(frozen, signal.SIGSTOP)
        assert is_alive(await life(1))
        assert not is_alive(frozen)


async def test_no_orphan_is_left(command, life, parent):
    """When the supervising process itself is killed, its child ends with it."""
    async with parent(command(STEADY)) as process:
        child = await life(0)
        assert is_alive(child)
        process.kill()
        await until(lambda: not is_alive(child))


async def test_ctrl_c_is_the_parents(command, life, parent):
    """The signal that a terminal sends to everything reaches the parent alone, which ends its child."""
    async with parent(command(STEADY)) as process:
        child = await life(0)
        assert os.getpgid(child) != os.getpgid(process.pid)
        ended = asyncio.create_task(process.communicate())
        for _ in range(3):  # as people do when nothing seems to happen
            os.killpg(process.pid, signal.SIGINT)
            if (await asyncio.wait({ended}, timeout=PATIENCE_S / 3))[0]:
                break
        assert ended.done()
        await until(lambda: not is_alive(child))


async def test_everything_that_the_child_started_ends(command, life, tmp_path, monkeypatch):
    """A child that does not end when it is asked to is killed, with the processes that it has started."""
    monkeypatch.setattr("engine.supervisor.GRACE_S", 0.5)
    async with Supervisor(command(STUBBORN)):
        child = await life(0)
        grandchild = int((tmp_path / "grandchild").read_text())
        assert is_alive(grandchild)
    assert not is_alive(child)
    await until(lambda: not is_alive(grandchild))


@pytest.mark.parametrize("status", [2, 3])
async def test_a_child_that_cannot_work_is_not_tried_again(command, tmp_path, status):
    """A first child that says that no other could work is the last one, and the status is told."""
    async with Supervisor(command(ENDS, status)) as supervisor:
        with pytest.raises(WorkerCannotStart) as caught:
            await asyncio.wait_for(supervisor.wait(), PATIENCE_S)
    assert caught.value.status == status
    assert len(list(tmp_path.glob("life-*"))) == 1


async def test_what_nobody_waited_for_is_not_told(command, life):
    """Leaving the context is quiet, also when the child could not work and nobody asked."""
    async with Supervisor(command(ENDS, 2)) as supervisor:
        child = await life(0)
        await until(lambda: not is_alive(child))
    assert supervisor.pid is None


async def test_a_child_that_fails_later_is_tried_again(command, life):
    """Where children have worked before, a status such as that of a database that is away is no end."""
    async with Supervisor(command(FAILS_LATER)):
        os.kill(await life(0), signal.SIGKILL)
        await life(1)
        assert is_alive(await life(2))


async def test_stillborn_children_are_tried_with_pauses(command, life, tmp_path):
    """Children that never get to work are tried again, without an end and with pauses in between."""
    async with Supervisor(command(ENDS, 1)):
        await life(3)
    first, fourth = ((tmp_path / f"life-{number}").stat().st_mtime for number in (0, 3))
    assert fourth - first > 1.4  # none, 0.5 s, 1 s


async def test_a_child_that_never_pauses_is_ended():
    """Leaving the context ends a child in the middle of its pulses, at whatever moment that is."""
    for _ in range(10):
        async with asyncio.timeout(PATIENCE_S):
            async with Supervisor(["yes"]) as supervisor:
                while supervisor.pid is None:  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0.01)
            assert supervisor.pid is None


async def test_those_who_watch_are_told_of_the_child(command, life):
    """How long it has been silent, from its first pulse to its end; and how often one has ended unasked."""
    ended = REGISTRY.get_sample_value("omost_worker_ends_total")
    async with Supervisor(command(ENDS, 1)) as supervisor:
        await life(1)
        assert supervisor.silent_s is None
    assert REGISTRY.get_sample_value("omost_worker_ends_total") >= ended + 1
    async with Supervisor(["yes"]) as supervisor:
        await until(lambda: supervisor.silent_s is not None)
        assert 0 <= supervisor.silent_s < PATIENCE_S
    assert supervisor.silent_s is None


async def test_a_command_that_is_none_is_told(tmp_path):
    """A command that cannot be run at all is the waiter's to know."""
    async with Supervisor([str(tmp_path / "absent")]) as supervisor:
        with pytest.raises(FileNotFoundError):
            await asyncio.wait_for(supervisor.wait(), PATIENCE_S)


async def test_a_command_that_is_away_for_a_while_is_tried_again(command, life, tmp_path):
    """Where children have worked before, one that the system cannot start is no end either."""
    start, elsewhere = tmp_path / "start", tmp_path / "elsewhere"
    start.write_text('#!/bin/sh\nexec "$@"\n')
    start.chmod(0o700)
    async with Supervisor([str(start), *command(STEADY)]):
        child = await life(0)
        with capture_logs() as logs:
            start.rename(elsewhere)
            os.kill(child, signal.SIGKILL)
            await until(lambda: any(entry["event"] == "child_not_started" for entry in logs))
        elsewhere.rename(start)
        assert is_alive(await life(1))
