"""The leash: pulses that only work makes, and an end with the parent, with real processes."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest

from engine.leash import ORPHANED

WAIT_S = 120

CHILD = """\
import asyncio, subprocess, sys, time
from engine.leash import Leash

with Leash() as leash:
{body}
"""

BODIES = {
    "chatter": """
    print("a library says something")
    subprocess.run([sys.executable, "-c", "print('and its child too')"], check=True)
    leash.pulse()
    """,
    "eager": """
    for _ in range(10_000):
        leash.pulse()
    """,
    "idle": """
    async def main():
        idling = asyncio.create_task(leash.idle(lambda: True))
        await asyncio.sleep(0)
        idling.cancel()
    asyncio.run(main())
    """,
    "busy": """
    async def main():
        idling = asyncio.create_task(leash.idle(lambda: False))
        await asyncio.sleep(0)
        idling.cancel()
    asyncio.run(main())
    """,
    "endless": """
    leash.pulse()
    while True:
        time.sleep(60)
    """,
}


@contextmanager
def child(name, **options):
    """A process on a leash, which has ended afterwards."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-c", CHILD.format(body=BODIES[name])]
    with subprocess.Popen(command, **{**pipes, **options}) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("name", "pulses"), [("idle", 1), ("busy", 0)])
def test_the_loop_pulses_at_rest(name, pulses):
    """The event loop pulses for a child at rest, and never for one that has work."""
    with child(name) as process:
        assert process.stdout.read() == b"\n" * pulses
        assert process.wait(WAIT_S) == 0, process.stderr.read()


def test_pulses_are_few():
    """However often it is asked to, a child pulses about once a second."""
    with child("eager") as process:
        assert 1 <= len(process.stdout.readlines()) < 100


def test_chatter_is_no_pulse():
    """What is printed beside, also by processes that the child starts, goes to standard error."""
    with child("chatter") as process:
        assert process.stdout.read() == b"\n"
        said = process.stderr.read().decode()
        assert sorted(said.splitlines()) == ["a library says something", "and its child too"]


def test_a_child_ends_with_its_standard_input():
    """A child whose parent has gone ends at once, whatever it is at."""
    with child("endless") as process:
        assert process.stdout.readline() == b"\n"
        process.stdin.close()
        assert process.wait(WAIT_S) == ORPHANED


def test_a_child_that_never_had_a_parent_ends():
    """Without an open standard input there is nobody on the other end."""
    with child("endless", stdin=subprocess.DEVNULL) as process:
        assert process.wait(WAIT_S) == ORPHANED


def test_a_parent_that_does_not_read_stops_nobody():
    """A child whose pulses nobody takes goes on working, and ends in good order when it is asked to."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):  # it is full
        while os.write(writing, b"\n" * 4096):
            pass
    os.set_blocking(writing, True)
    try:
        with child("eager", stdout=writing) as process:
            assert process.wait(WAIT_S) == 0, process.stderr.read()
    finally:
        os.close(reading)
        os.close(writing)


def test_a_frozen_child_ends_when_it_wakes():
    """A child that was frozen while its parent went ends when it wakes, and works on nothing more."""
    with child("endless") as process:
        process.stdout.readline()
        process.send_signal(signal.SIGSTOP)
        process.stdin.close()
        process.send_signal(signal.SIGCONT)
        assert process.wait(WAIT_S) == ORPHANED
