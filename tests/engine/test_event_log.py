"""The log of a turn's events: what listeners hear, and how little is kept."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from canvas import Canvas, GlobalDescription
from engine.event_log import EventLog
from engine.events import Cancelled, ComposingText, Event, Preview, Queued, RegionFinished, Stepped

REGION = RegionFinished(Canvas(GlobalDescription("A pond.")))


def a_preview(color: str) -> Preview:
    return Preview(Image.new("RGB", (4, 4), color))


async def heard(log: EventLog) -> list[Event]:
    async with asyncio.timeout(120):
        return [event async for event in log.listen()]


async def test_a_listener_hears_each_piece_as_it_comes():
    """Who keeps up hears the very pieces that were written."""
    log = EventLog()
    listening = log.listen()
    for piece in ("A", " po", "nd"):
        log.append(ComposingText(piece))
        assert await anext(listening) == ComposingText(piece)
    await listening.aclose()


async def test_a_late_listener_hears_text_in_one_piece():
    """Pieces that nobody has heard yet are joined, but never across another event."""
    log = EventLog()
    for event in (ComposingText("A"), ComposingText("B"), REGION, ComposingText("C"), Cancelled()):
        log.append(event)
    assert await heard(log) == [ComposingText("AB"), REGION, ComposingText("C"), Cancelled()]


async def test_only_the_newest_preview_step_and_place_are_kept():
    """What was superseded is not replayed; what remains keeps its order."""
    log = EventLog()
    newest = a_preview("blue")
    for event in (Queued(2), a_preview("red"), Queued(1), Stepped(1, 9, 0), newest, Stepped(2, 9, 0)):
        log.append(event)
    listening = log.listen()
    assert [await anext(listening) for _ in range(3)] == [Queued(1), newest, Stepped(2, 9, 0)]
    await listening.aclose()


async def test_the_end_supersedes_the_way():
    """After the last event neither previews nor steps are kept, and nothing more is taken."""
    log = EventLog()
    for event in (REGION, a_preview("red"), Stepped(1, 9, 0)):
        log.append(event)
    assert log.end is None
    log.append(Cancelled())
    log.append(ComposingText("too late"))
    assert log.end == Cancelled()
    assert await heard(log) == [REGION, Cancelled()]


texts = st.builds(ComposingText, st.text(min_size=1, max_size=3))
steps = st.builds(Stepped, st.integers(1, 99), st.just(99), st.just(0))
scripts = st.lists(st.one_of(texts, steps, st.just(REGION), st.just(None)), max_size=40)


@given(scripts)
@settings(max_examples=100, deadline=None)
def test_every_listener_hears_all_text_and_regions(script: list[Event | None]):
    """However listening and writing alternate, text and regions come whole, in order, and once."""

    async def play() -> None:
        log = EventLog()
        listeners = [asyncio.create_task(heard(log))]
        for event in script:
            if event is None:  # a pause, in which listeners catch up and another one comes
                listeners.append(asyncio.create_task(heard(log)))
                for _ in range(3):
                    await asyncio.sleep(0)
            else:
                log.append(event)
        log.append(Cancelled())
        expected = told([event for event in script if event is not None])
        for listener in listeners:
            assert told(await listener) == expected

    asyncio.run(play())


def told(events: list[Event]) -> list[str]:
    """Text and regions, with neighbouring text joined."""
    parts: list[str] = [""]
    for event in events:
        if isinstance(event, ComposingText):
            parts[-1] += event.text
        elif isinstance(event, RegionFinished):
            parts += ["<region>", ""]
    return parts
