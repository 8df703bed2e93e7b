"""Latest wins: what an editor sends of what it is shown."""

import asyncio
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.editor import LATE_S, Editor
from bot.chat.looks import sentence
from bot.chat.pace import Pace
from bot.chat.platform import Chat, Message, MessageGone, NotPermitted, SlowDown, Unsure
from tests.bot.chat.platform import PLATFORM, RecordingPlatform
from tests.bot.chat.stage import QuickClock

ROOM = Chat(PLATFORM, "room")


class Desk:
    """A message in a chat and its editor."""

    def __init__(self, interval_s: float = 1.0) -> None:
        self.time = QuickClock()
        self.platform = RecordingPlatform(clock=self.time.now)
        self.interval_s = interval_s

    @asynccontextmanager
    async def editing(self):
        message_id = await self.platform.post(ROOM, sentence("placeholder"), key="k")
        message = Message(ROOM, message_id)
        pace = Pace(self.platform, self.time.clock)
        async with Editor(
            ROOM, lambda view: self.platform.edit(message, view), pace, self.interval_s
        ) as editor:
            yield editor

    @property
    def looks(self) -> list[str]:
        """All that could be read in the message after the placeholder."""
        (message,) = self.platform.messages()
        return [view.plain_text for view in message.looks[1:]]

    def edits(self) -> list[float]:
        return [call.at_s for call in self.platform.calls if call.method == "edit"]

    async def until(self, text: str) -> None:
        await self.platform.until(lambda: text in self.looks, f"{text} is shown")


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_of_many_the_newest_is_sent(desk):
    """What comes while an edit is under way is not queued: only the newest follows, and never beside it."""
    desk.platform.hold("edit")
    async with desk.editing() as editor:
        editor.show(sentence("1"))
        await desk.platform.until(lambda: desk.platform.held("edit") == 1)
        for number in range(2, 10):
            editor.show(sentence(str(number)))
        assert desk.platform.held("edit") == 1
        desk.platform.let_go("edit")
        await desk.until("9")
    assert desk.looks == ["1", "9"]


async def test_the_same_is_not_sent_twice(desk):
    """A view that is shown already costs no call."""
    async with desk.editing() as editor:
        for _ in range(3):
            editor.show(sentence("same"))
            await desk.until("same")
        editor.show(sentence("other"))
        await desk.until("other")
    assert desk.platform.counted("edit") == 2


async def test_edits_keep_their_distance(desk):
    """However fast the views come, two edits are an interval apart."""
    async with desk.editing() as editor:
        for number in range(5):
            editor.show(sentence(str(number)))
            await desk.until(str(number))
    edits = desk.edits()
    assert len(edits) == 5
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(edits))


async def test_silence_when_the_platform_slows_down(desk):
    """Until the time that it named nothing is tried; then the newest is sent."""
    desk.platform.fail("edit", SlowDown(120.0))
    async with desk.editing() as editor:
        editor.show(sentence("too fast"))
        await desk.platform.until(lambda: desk.platform.counted("edit") == 1)
        editor.show(sentence("newest"))
        await desk.until("newest")
    first, second = desk.edits()
    assert second - first >= 120.0
    assert desk.looks == ["newest"]


@pytest.mark.parametrize("has_effect", [False, True])
async def test_what_perhaps_arrived_is_sent_again(desk, has_effect):
    """Nobody knows whether the edit was made, so it is made once more."""
    desk.platform.fail("edit", Unsure(), has_effect=has_effect)
    async with desk.editing() as editor:
        editor.show(sentence("perhaps"))
        await desk.platform.until(lambda: desk.platform.counted("edit") == 2)
    assert desk.looks == ["perhaps"]


@pytest.mark.parametrize("error", [MessageGone(), NotPermitted("edit")])
async def test_progress_ends_where_it_is_refused(desk, error):
    """A message that cannot be edited is not tried again."""
    desk.platform.fail("edit", error)
    async with desk.editing() as editor:
        editor.show(sentence("1"))
        await desk.platform.until(lambda: desk.platform.counted("edit") == 1)
        editor.show(sentence("2"))
        await desk.time.sleep(60.0)
    assert desk.platform.counted("edit") == 1


async def test_leaving_waits_for_what_is_under_way(desk):
    """When the editor has been left, nothing of it arrives any more."""
    desk.platform.hold("edit")
    async with desk.editing() as editor:
        editor.show(sentence("under way"))
        await desk.platform.until(lambda: desk.platform.held("edit") == 1)
        editor.show(sentence("too late"))
        closing = asyncio.create_task(editor.close())
        await desk.time.sleep(10.0)
        assert not closing.done()
        desk.platform.let_go("edit")
        await closing
        assert desk.platform.held("edit") == 0
    assert desk.looks == ["under way"]


async def test_an_editor_that_never_began_can_be_closed(desk):
    """Closing early is not an error, and what is shown then is not sent."""
    pace = Pace(desk.platform, desk.time.clock)
    editor = Editor(ROOM, lambda view: desk.platform.edit(Message(ROOM, "1"), view), pace, 1.0)
    await editor.close()
    async with editor:
        editor.show(sentence("too late"))
    assert desk.platform.calls == []


FAULTS = st.lists(st.sampled_from(["", "slow", "unsure", "unsure-done"]), max_size=8)


@given(faults=FAULTS, views=st.lists(st.sampled_from("abc"), min_size=1, max_size=12))
def test_whatever_fails_the_newest_is_shown_in_the_end(faults, views):
    """Slow-downs and lost answers delay progress; the last view arrives, and no view that was never shown."""

    async def play() -> None:
        desk = Desk()
        async with desk.editing() as editor:
            for fault in faults:
                match fault:
                    case "slow":
                        desk.platform.fail("edit", SlowDown(5.0))
                    case "unsure" | "unsure-done":
                        desk.platform.fail("edit", Unsure(), has_effect=fault.endswith("done"))
                    case _:
                        pass
            for view in views:
                editor.show(sentence(view))
                await desk.time.sleep(0.4)
            await desk.platform.until(lambda: desk.looks[-1:] == [views[-1]])
        assert set(desk.looks) <= set(views)

    asyncio.run(play())


async def test_what_nobody_answered_has_time_to_arrive(desk):
    """An edit that the platform has not answered in time may still come: what follows waits for it."""
    desk.platform.fail("edit", Unsure())
    async with desk.editing() as editor:
        editor.show(sentence("perhaps"))
        await desk.platform.until(lambda: desk.platform.counted("edit") == 1)
        (sent_s,) = desk.edits()
        await editor.settle()
        assert desk.time.now() >= sent_s + LATE_S
