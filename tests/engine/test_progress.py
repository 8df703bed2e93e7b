"""Progress as messages: what was published is what another process reads, at a rate that a database bears."""

import asyncio
import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from structlog.testing import capture_logs

from canvas import Canvas, GlobalDescription, LocalDescription
from engine.events import ComposingText, Economised, Preview, Queued, RegionFinished, Stepped
from engine.progress import INTERVAL_S, ProgressWriter, as_message, events_of
from engine.renderer import Economy

POND = Canvas(
    GlobalDescription("A pond 苍鹭.", tags="pond"), (LocalDescription("A frog.", location="on the left"),)
)
ROOM = Canvas(GlobalDescription("An empty room."))


class Written:
    """Keeps messages as a database would, in JSON."""

    def __init__(self):
        self.messages = []
        self.at_s = []
        self.changed = asyncio.Event()

    async def write(self, message):
        self.messages.append(as_message(json.loads(json.dumps(message))))
        self.at_s.append(time.monotonic())
        self.changed.set()

    async def first(self):
        async with asyncio.timeout(120):
            await self.changed.wait()
        return self.messages[0]

    @property
    def events(self):
        return [event for message in self.messages for event in events_of(message)]


async def message_of(*events):
    """The one message that the events become."""
    written = Written()
    async with ProgressWriter(written.write) as progress:
        for event in events:
            progress.publish(event)
        return await written.first()


async def test_what_is_published_is_read():
    """Text joined, and the newest canvas, economy, preview and step, in the order in which they matter."""
    message = await message_of(
        ComposingText("Here "),
        RegionFinished(ROOM),
        ComposingText("it is."),
        RegionFinished(POND),
        Economised(Economy.TILED),
        Preview(Image.new("RGB", (64, 48), "red")),
        Preview(Image.new("RGB", (64, 48), (0, 128, 128))),
        Stepped(1, 9, 0),
        Stepped(2, 9, 1),
    )
    text, region, economised, preview, stepped = events_of(message)
    assert text == ComposingText("Here it is.")
    assert region == RegionFinished(POND)
    assert economised == Economised(Economy.TILED)
    assert stepped == Stepped(2, 9, 1)
    assert preview.image.size == (64, 48)
    assert np.abs(np.asarray(preview.image, dtype=int) - (0, 128, 128)).max() < 12


texts = st.lists(st.text(max_size=20).map(ComposingText))
steps = st.lists(st.builds(Stepped, st.integers(1, 99), st.integers(1, 99), st.integers(0, 3)))


@settings(max_examples=25, deadline=None)
@given(texts, steps, st.sampled_from([*Economy, None]))
def test_whatever_is_published_is_read(texts, steps, economy):
    """All text, the newest step and the newest economy; of nothing, nothing."""
    events = [*texts, *steps, *([] if economy is None else [Economised(economy)])]
    expected = [
        *([ComposingText("".join(event.text for event in texts))] if texts else []),
        *([Economised(economy)] if economy is not None else []),
        *steps[-1:],
    ]
    if events:
        assert events_of(asyncio.run(message_of(*events))) == expected


async def test_a_preview_of_any_kind_of_picture_travels():
    """Pictures with transparency and without colour arrive too."""
    for mode in ("RGBA", "L", "P"):
        (preview,) = events_of(await message_of(Preview(Image.new(mode, (32, 32)))))
        assert preview.image.size == (32, 32)


async def test_a_preview_that_cannot_travel_is_only_missed(eventually):
    """The work goes on, and what comes later is heard; the log says why."""
    written = Written()
    with capture_logs() as logs:
        async with ProgressWriter(written.write) as progress:
            progress.publish(Preview(Image.new("RGB", (20_000, 1))))  # wider than WebP can be
            await eventually(lambda: logs, "it cannot")
            progress.publish(ComposingText("later"))
    assert written.events == [ComposingText("later")]
    assert [entry["event"] for entry in logs] == ["progress_not_written"]


async def test_messages_are_few_however_much_happens():
    """Between two messages lies the interval, and no text is lost or told twice."""
    written = Written()
    pieces = 0
    async with asyncio.timeout(120), ProgressWriter(written.write) as progress:
        while len(written.messages) < 4:
            progress.publish(ComposingText(f"{pieces} "))
            pieces += 1
            await asyncio.sleep(0)
    gaps = [later - earlier for earlier, later in zip(written.at_s[:-1], written.at_s[1:-1], strict=False)]
    assert gaps
    assert min(gaps) > INTERVAL_S * 0.9
    assert "".join(event.text for event in written.events) == "".join(f"{n} " for n in range(pieces))


async def test_the_end_is_not_missed():
    """Text that comes just before the end is written; a step that is over then is not."""
    written = Written()
    async with ProgressWriter(written.write) as progress:
        progress.publish(ComposingText("the end"))
        progress.publish(Stepped(9, 9, 0))
    assert ComposingText("the end") in written.events
    silent = Written()
    async with ProgressWriter(silent.write) as progress:
        progress.publish(Stepped(9, 9, 0))
    assert silent.messages == []


async def test_what_travels_otherwise_is_not_written():
    """Places in the queue are no progress of a stage."""
    written = Written()
    async with ProgressWriter(written.write) as progress:
        progress.publish(Queued(1))
    assert written.messages == []


async def test_a_work_that_fails_is_not_followed_by_news():
    """After an exception nothing more is written, and the exception is the work's own."""
    written = Written()

    async def work():
        async with ProgressWriter(written.write) as progress:
            progress.publish(ComposingText("half a "))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert written.messages == []


async def test_a_message_that_cannot_be_written_harms_nothing():
    """The work goes on, the loss is logged, and the messages after it arrive."""
    written, has_failed = Written(), asyncio.Event()

    async def write(message):
        if not has_failed.is_set():
            has_failed.set()
            raise ConnectionError("no database")
        await written.write(message)

    with capture_logs() as logs:
        async with ProgressWriter(write) as progress:
            progress.publish(Stepped(1, 9, 0))
            async with asyncio.timeout(120):
                await has_failed.wait()
            progress.publish(Stepped(2, 9, 0))
            assert events_of(await written.first()) == [Stepped(2, 9, 0)]
    assert [entry["event"] for entry in logs] == ["progress_not_written"]


async def test_a_last_message_that_cannot_be_written_harms_nothing():
    """Nor does it when the work is over: what it made is in the store, and its end is told otherwise."""

    async def write(_message):
        raise ConnectionError("no database")

    with capture_logs() as logs:
        async with ProgressWriter(write) as progress:
            progress.publish(ComposingText("the end"))
    assert [entry["event"] for entry in logs] == ["progress_not_written"]
