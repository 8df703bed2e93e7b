"""The studio with many turns at once, and turns that are called off."""

import asyncio

import pytest

from engine.errors import Interrupted
from engine.events import Cancelled, ComposingText, Done, Queued, Stepped
from engine.studio import Limits
from storage.store import ConversationKey, TurnStatus

TABS = [ConversationKey("web", f"tab-{n}") for n in range(3)]


def places(events):
    return [event.position for event in events if isinstance(event, Queued)]


async def queue_of_three(stage):
    """One turn that is painted until the gate opens, and two that wait, in this order."""
    stage.renderer.gate = asyncio.Event()
    await stage.submit("t0", conversation=TABS[0])
    await stage.until("t0", Stepped)
    for n in (1, 2):
        await stage.submit(f"t{n}", conversation=TABS[n])
        assert await stage.until(f"t{n}", Queued) == Queued(n)


async def test_conversations_do_not_wait_for_each_other(stage):
    """With two places at the renderer, two conversations are composed and painted at the same time."""
    stage.renderer.gate = asyncio.Event()
    await stage.restart(Limits(renders_at_once=2))
    for n in (0, 1):
        await stage.submit(f"t{n}", conversation=TABS[n])
    for n in (0, 1):
        await stage.until(f"t{n}", Stepped)
    assert stage.renderer.most_at_once == 2
    stage.renderer.gate.set()
    for n in (0, 1):
        done = (await stage.heard(f"t{n}"))[-1]
        assert isinstance(done, Done)
        assert await stage.store.head(TABS[n]) == done.revision


async def test_the_queue_is_first_come_first_served(stage):
    """Who waits hears the place whenever it changes, down to 1, and one at a time is painted in order."""
    await queue_of_three(stage)
    listening = [asyncio.create_task(stage.heard(f"t{n}")) for n in range(3)]
    stage.renderer.gate.set()
    first, second, third = [await listener for listener in listening]
    assert (places(first), places(second), places(third)[-1]) == ([], [1], 1)
    assert all(isinstance(events[-1], Done) for events in (first, second, third))
    assert stage.renderer.most_at_once == 1
    ends = [(await stage.store.head(tab)).images[0].id for tab in TABS]
    assert len(set(ends)) == 3


async def test_leaving_the_queue_moves_the_others_up(stage):
    """Cancelled while queued: the revision stays, and who stood behind is next."""
    await queue_of_three(stage)
    assert await stage.studio.cancel("t1")
    assert await stage.until("t2", Queued) == Queued(1)
    assert isinstance((await stage.heard("t1"))[-1], Cancelled)
    head = await stage.store.head(TABS[1])
    assert (head.scene.canvas, head.images) == (stage.POND, ())
    stage.renderer.gate.set()
    assert isinstance((await stage.heard("t2"))[-1], Done)


async def test_cancelled_while_composing(stage):
    """The composer is stopped, the turn is cancelled, and there is no revision."""
    stage.composer.gate = asyncio.Event()
    await stage.submit()
    await stage.composer.is_composing.wait()
    assert await stage.studio.cancel("t1")
    assert stage.composer.closed == 1
    assert isinstance((await stage.heard("t1"))[-1], Cancelled)
    assert (await stage.store.turn("t1")).status is TurnStatus.CANCELLED
    assert await stage.store.head(stage.TAB) is None
    assert not await stage.studio.cancel("t1")


async def test_cancelled_while_painting(stage):
    """The renderer is stopped and its place is free; the composed revision stays, with the remark."""
    stage.renderer.gate = asyncio.Event()
    await stage.submit()
    await stage.renderer.has_begun.wait()
    assert await stage.studio.cancel("t1")
    assert stage.renderer.closed == 1
    turn, head = await stage.store.turn("t1"), await stage.store.head(stage.TAB)
    assert (turn.status, turn.remark[:4]) == (TurnStatus.CANCELLED, "Here")
    assert head.turn_id == "t1"
    stage.renderer.gate = None
    await stage.finished(stage.compose("t2"))


async def test_cancelled_twice_tidies_up_once(stage):
    """A second cancel does not disturb the composer, which is still tidying up after the first one."""
    stage.composer.gate, stage.composer.exit = asyncio.Event(), asyncio.Event()
    await stage.submit()
    await stage.composer.is_composing.wait()
    cancels = []
    for _ in range(2):
        cancels.append(asyncio.create_task(stage.studio.cancel("t1")))
        for _ in range(10):
            await asyncio.sleep(0)
    assert not any(cancel.done() for cancel in cancels)
    stage.composer.exit.set()
    assert [await cancel for cancel in cancels] == [True, True]
    assert stage.composer.closed == 1


async def test_cancelled_before_it_began(stage):
    """An order that is called off in the same breath ends as cancelled and composes nothing."""
    await stage.submit()
    assert await stage.studio.cancel("t1")
    assert await stage.heard("t1") == [Cancelled()]
    assert (await stage.store.turn("t1")).status is TurnStatus.CANCELLED
    assert stage.composer.requests == []


async def test_cancelling_at_any_moment_leaves_a_clear_end(stage):
    """Wherever the cancel arrives, the store and the listeners agree on how the turn ended."""
    ends = set()
    for moment in range(24):
        await stage.submit(f"t{moment}")
        for _ in range(moment * moment // 3):
            await asyncio.sleep(0)
        was_cancelled, again = await asyncio.gather(*(stage.studio.cancel(f"t{moment}") for _ in range(2)))
        assert was_cancelled == again
        assert isinstance((await stage.heard(f"t{moment}"))[-1], Cancelled if was_cancelled else Done)
        status = (await stage.store.turn(f"t{moment}")).status
        assert status is (TurnStatus.CANCELLED if was_cancelled else TurnStatus.DONE)
        ends.add(status)
    assert TurnStatus.CANCELLED in ends
    stage.renderer.gate = None
    await stage.finished(stage.compose("after"))


async def test_closing_cancels_what_runs(stage):
    """A studio that is closed stops composing, painting and queued turns, and takes no more orders."""
    stage.renderer.gate = asyncio.Event()
    await stage.submit("painting", conversation=TABS[0])
    await stage.renderer.has_begun.wait()
    await stage.submit("queued", conversation=TABS[1])
    await stage.until("queued", Queued)
    stage.composer.gate = asyncio.Event()
    await stage.submit("composing", conversation=TABS[2])
    await stage.until("composing", ComposingText)
    async with stage.studio:
        pass
    for turn_id in ("painting", "queued", "composing"):
        assert (await stage.store.turn(turn_id)).status is TurnStatus.CANCELLED
        assert isinstance((await stage.heard(turn_id))[-1], Cancelled)
    assert (stage.composer.closed, stage.renderer.closed) == (3, 1)
    with pytest.raises(Interrupted):
        await stage.submit("too late")
