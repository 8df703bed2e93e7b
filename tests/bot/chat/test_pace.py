"""Budgets: nobody sends more than a platform allows, and what people wait for goes before progress."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from bot.chat.pace import Pace
from bot.chat.platform import Budget, Chat
from tests.bot.chat.platform import PLATFORM, RecordingPlatform
from tests.bot.chat.stage import QuickClock

ROOMS = [Chat(PLATFORM, f"room-{number}") for number in range(3)]


def paced(chat: Budget, total: Budget) -> tuple[Pace, QuickClock]:
    time = QuickClock()
    platform = RecordingPlatform()
    platform.budget, platform.total_budget = chat, total
    return Pace(platform, time.clock), time


def most_in_window(times_s: list[float], per_s: float) -> int:
    """The greatest number of calls in any window of that length."""
    return max((sum(start <= at_s < start + per_s for at_s in times_s) for start in times_s), default=0)


CALLS = st.lists(
    st.tuples(st.sampled_from(range(3)), st.booleans(), st.sampled_from([0.0, 0.1, 1.0, 7.0])),
    min_size=1,
    max_size=40,
)


@given(calls=CALLS)
def test_no_budget_is_ever_exceeded(calls):
    """In no window of time are there more calls than allowed, and progress keeps to half of each budget."""

    async def play() -> tuple[dict[int, list[float]], dict[int, list[float]]]:
        pace, time = paced(Budget(4, 10.0), Budget(6, 5.0))
        finals: dict[int, list[float]] = {0: [], 1: [], 2: []}
        progress: dict[int, list[float]] = {0: [], 1: [], 2: []}

        async def final(room: int) -> None:
            await pace.turn(ROOMS[room])
            finals[room].append(time.now())

        waiting = []
        for room, is_progress, pause_s in calls:
            if not is_progress:
                waiting.append(asyncio.create_task(final(room)))
            elif pace.take_spare(ROOMS[room]) == 0:
                progress[room].append(time.now())
            await time.sleep(pause_s)
        await asyncio.gather(*waiting)
        return finals, progress

    finals, progress = asyncio.run(play())
    assert sum(map(len, finals.values())) == sum(not is_progress for _, is_progress, _ in calls)
    for room in range(3):
        assert most_in_window(finals[room] + progress[room], 10.0) <= 4
        assert most_in_window(progress[room], 10.0) <= 2
    everything = [at_s for times in (*finals.values(), *progress.values()) for at_s in times]
    assert most_in_window(everything, 5.0) <= 6


async def test_who_came_first_is_served_first():
    """In one chat and among chats, the line is a line."""
    pace, _ = paced(Budget(1, 10.0), Budget(100, 1.0))
    served: list[int] = []

    async def final(number: int) -> None:
        await pace.turn(ROOMS[0])
        served.append(number)

    await asyncio.gather(*(final(number) for number in range(6)))
    assert served == list(range(6))


async def test_a_full_chat_does_not_hold_up_the_others():
    """Who waits for a busy chat's budget does not stand in another chat's way."""
    pace, time = paced(Budget(1, 1000.0), Budget(100, 1.0))
    await pace.turn(ROOMS[0])
    blocked = asyncio.create_task(pace.turn(ROOMS[0]))
    await pace.turn(ROOMS[1])
    assert time.now() < 1000.0
    await blocked
    assert time.now() >= 1000.0


async def test_progress_steps_back_for_whoever_waits():
    """While somebody waits for their turn in a chat, progress there takes nothing."""
    pace, time = paced(Budget(2, 10.0), Budget(100, 1.0))
    await pace.turn(ROOMS[0])
    await pace.turn(ROOMS[0])
    waiting = asyncio.create_task(pace.turn(ROOMS[0]))
    await asyncio.sleep(0)
    assert pace.take_spare(ROOMS[0]) > 0
    assert pace.take_spare(ROOMS[1]) == 0
    await waiting
    assert time.now() >= 10.0


async def test_a_slowed_down_chat_is_left_alone():
    """Nothing goes there before its time, neither progress nor results; other chats go on."""
    pace, time = paced(Budget(100, 1.0), Budget(100, 1.0))
    pace.slow_down(ROOMS[0], 60.0)
    assert pace.take_spare(ROOMS[0]) == 60.0
    assert pace.take_spare(ROOMS[1]) == 0
    await pace.turn(ROOMS[0])
    assert time.now() >= 60.0


async def test_an_album_counts_as_its_pictures():
    """Four pictures take four calls of the budget, also where that is more than there is."""
    pace, time = paced(Budget(5, 10.0), Budget(100, 1.0))
    await pace.turn(ROOMS[0])
    await pace.turn(ROOMS[0], 4)
    assert time.now() == 0.0
    await pace.turn(ROOMS[0], 9)
    assert time.now() >= 10.0


async def test_a_waiting_call_that_is_given_up_holds_nobody_up():
    """Whoever stops waiting leaves the line."""
    pace, _ = paced(Budget(1, 10.0), Budget(100, 1.0))
    await pace.turn(ROOMS[0])
    given_up = asyncio.create_task(pace.turn(ROOMS[0]))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    async with asyncio.timeout(120):
        await pace.turn(ROOMS[0])


async def test_calls_keep_their_distance():
    """A budget with a gap is never used up at once, however much of it is left."""
    pace, time = paced(Budget(20, 60.0, gap_s=1.5), Budget(100, 1.0))
    sent_at_s: list[float] = []
    for _ in range(4):
        await pace.turn(ROOMS[0])
        sent_at_s.append(time.now())
    assert pace.take_spare(ROOMS[0]) == 1.5
    assert sent_at_s == [0.0, 1.5, 3.0, 4.5]
