"""Something that takes long to make, made once when it is needed."""

import asyncio
import threading

import pytest

from engine.lazily import Lazily

TIMEOUT_S = 120


async def test_it_is_made_once_for_all_who_wait():
    """In another thread, which does not keep the process from ending."""
    made = []

    def make():
        made.append(threading.current_thread())
        return object()

    lazy = Lazily(make, "maker")
    first, *others = await asyncio.gather(*(lazy.get() for _ in range(3)), lazy.get())
    assert [other is first for other in others] == [True] * 3
    assert [(thread.name, thread.daemon) for thread in made] == [("maker", True)]


async def test_who_stops_waiting_does_not_stop_the_making():
    """The next one finds it there."""
    begun, may_end = threading.Event(), threading.Event()
    made = []

    def make():
        begun.set()
        assert may_end.wait(TIMEOUT_S)
        made.append("a cake")
        return made[-1]

    lazy = Lazily(make, "maker")
    waiting = asyncio.create_task(lazy.get())
    await asyncio.to_thread(begun.wait, TIMEOUT_S)
    waiting.cancel()
    await asyncio.wait((waiting,))
    may_end.set()
    assert await lazy.get() == "a cake"
    assert made == ["a cake"]


async def test_what_failed_is_tried_again():
    """Everybody who waited hears why."""
    outcomes = [KeyError("no flour"), "a cake"]

    def make():
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    lazy = Lazily(make, "maker")
    with pytest.raises(KeyError, match="no flour"):
        await lazy.get()
    assert await lazy.get() == "a cake"


async def test_what_was_dropped_is_made_anew():
    """And whether there was anything to drop is told."""
    lazy = Lazily(object, "maker")
    assert not lazy.drop()
    first = await lazy.get()
    assert lazy.drop()
    assert await lazy.get() is not first


async def test_what_is_being_made_is_not_there_yet():
    """Dropped then, it is made anew for the next one."""
    begun, may_end = threading.Event(), threading.Event()

    def make():
        begun.set()
        assert may_end.wait(TIMEOUT_S)
        return object()

    lazy = Lazily(make, "maker")
    waiting = asyncio.create_task(lazy.get())
    await asyncio.to_thread(begun.wait, TIMEOUT_S)
    assert not lazy.drop()
    may_end.set()
    assert await lazy.get() is not await waiting
