"""What a process does when it is told to end, and when its terminal or its operator hangs up."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios

import pytest

TOLD = """
import asyncio, time
from engine.signals import on_hangup, until_told

async def main():
    async with until_told({within_s}) as told:
        with on_hangup(lambda: print("hung up", flush=True)):
            print("ready", flush=True)
            await told
            print("told", flush=True)
            {ending}

asyncio.run(main())
"""
WAIT_S = 120
NEVER = "time.sleep(1000)"


def started(ending="", within_s=120, **options):
    """A process that waits until it is told to end, and then ends so."""
    code = TOLD.format(within_s=within_s, ending=ending)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, **options)
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_in_good_order(number):
    """The process does what it does at its end."""
    with started() as process:
        process.send_signal(number)
        assert process.stdout.readline() == "told\n"
        assert process.wait(WAIT_S) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_at_once(number):
    """Also a process whose event loop hangs."""
    with started(NEVER) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "told\n"
        process.send_signal(number)
        assert process.wait(WAIT_S) == -number


def test_the_end_takes_no_longer_than_it_may():
    """A process that has not ended by then is ended."""
    with started(NEVER, within_s=1) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == -signal.SIGALRM


def test_a_hangup_is_heard_and_ends_nothing():
    """As often as it is sent."""
    with started(stdin=subprocess.DEVNULL) as process:
        for _ in range(2):
            process.send_signal(signal.SIGHUP)
            assert process.stdout.readline() == "hung up\n"
        process.terminate()
        assert process.wait(WAIT_S) == 0


def test_a_process_ends_with_its_terminal():
    """A hangup that is sent is heard as ever; that of a terminal which is closed ends the process."""
    ours, theirs = pty.openpty()
    try:
        take = lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # noqa: E731 - in the child, before it begins
        process = started(stdin=theirs, start_new_session=True, preexec_fn=take)
        os.close(theirs)
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "hung up\n"
    finally:
        os.close(ours)
    with process:
        assert process.stdout.readline() == "told\n"
        assert process.wait(WAIT_S) == 0
