"""Turns as a queue: admission, fair order, stages, measured times and usage, on real databases."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from storage import queue
from storage.database import connect, parse_url, sqlite_url
from storage.errors import NotFound
from storage.records import (
    ConversationKey,
    Durations,
    NewTurn,
    PersonKey,
    Place,
    Standing,
    TurnStage,
    TurnStatus,
)

ADA, BOB, CY = (PersonKey("web", name) for name in ("ada", "bob", "cy"))
TAB = ConversationKey("web", "tab-1")
EMPTY = Standing(own_open=0, all_open=0, served=0, own_finish=0, pictures_today=0, gpu_s_today=0.0)


class Full(Exception):
    """The refusal of the tests."""


def new_turn(turn_id, person=ADA, parent_id=None):
    return NewTurn(turn_id, ConversationKey("web", person.platform_id), person, "", parent_id, {})


async def test_the_same_id_begins_one_turn(store, other_store):
    """Of many simultaneous beginnings with one id one is new, all see the same turn, one was admitted."""
    admitted = []

    def admit(standing):
        admitted.append(standing)
        return Place(0, 1)

    begun = await asyncio.gather(
        *(one.begin_turn(new_turn("once"), admit) for one in [store, other_store] * 6)
    )
    assert [is_new for _, is_new in begun].count(True) == 1
    assert all(turn == begun[0][0] for turn, _ in begun)
    assert admitted == [EMPTY]


async def test_a_refused_turn_leaves_nothing(store, use):
    """What `admit` raises comes out as it is, and the turn, its person and conversation are not stored."""
    assert await use.standing() == EMPTY
    with pytest.raises(NotFound):
        await store.turn("refused")
    assert await store.open_turns() == ()
    assert await use.standing() == EMPTY


async def test_a_known_turn_is_not_asked_again(store, use):
    """A turn that was begun is found again even when nobody is admitted any more."""
    turn = await use.ask("t1")

    def refuse(_):
        raise Full

    assert await store.begin_turn(new_turn("t1"), refuse) == (turn, False)


async def test_an_unknown_parent_is_refused(store):
    """A parent that is no revision is not found, and nobody was asked to admit."""
    with pytest.raises(NotFound) as caught:
        await store.begin_turn(new_turn("t1", parent_id="none"), pytest.fail)
    assert (caught.value.what, caught.value.id) == ("revision", "none")


async def test_two_processes_never_admit_too_many(store, other_store):
    """Of two processes that begin turns at once exactly as many are let in as `admit` allows."""
    limit, refused = 5, []

    def admit(standing):
        if standing.all_open >= limit:
            raise Full
        return Place(standing.own_finish, standing.own_finish + 10)

    async def begin(one, number):
        try:
            await one.begin_turn(new_turn(f"t{number}", (ADA, BOB, CY)[number % 3]), admit)
        except Full:
            refused.append(number)

    stores = [store, other_store]
    await asyncio.gather(*(begin(stores[number % 2], number) for number in range(20)))
    assert len(await store.open_turns()) == limit
    assert len(refused) == 20 - limit


async def test_places_of_one_person_follow_each_other(store, other_store):
    """However many processes take a person's turns at once, each begins where another ends."""

    def admit(standing):
        return Place(standing.own_finish, standing.own_finish + 10)

    stores = [store, other_store]
    await asyncio.gather(*(stores[n % 2].begin_turn(new_turn(f"t{n}"), admit) for n in range(10)))
    assert [turn.place for turn in await store.open_turns()] == [
        Place(start, start + 10) for start in range(0, 100, 10)
    ]


async def test_what_admit_is_told(store, use):
    """Open turns, the place served now, the person's own end and their pictures are those of the moment."""
    await use.ask("a1", pictures=2)
    await use.ask("a2", pictures=1)
    await use.ask("b1", person=BOB)
    ada, bob = await use.standing(ADA), await use.standing(BOB)
    assert (ada.own_open, ada.all_open, ada.served, ada.own_finish, ada.pictures_today) == (2, 3, 0, 200, 3)
    assert (bob.own_open, bob.all_open, bob.served, bob.own_finish, bob.pictures_today) == (1, 3, 0, 100, 1)
    await store.finish_turn("a1", TurnStatus.DONE)
    await store.finish_turn("b1", TurnStatus.DONE)
    assert (await use.standing(CY)).served == 100  # where a2 begins
    await store.finish_turn("a2", TurnStatus.CANCELLED)
    assert (await use.standing(CY)).served == 200  # none is open: the greatest end
    assert (await use.standing(BOB)).own_finish == 100


async def test_the_clock_outlives_the_turns(store, use):
    """The fair order goes on where it was when the turns themselves have been removed."""
    await use.ask("a1")
    await store.set_language(ADA, "en")
    await store.finish_turn("a1", TurnStatus.DONE)
    assert await store.remove_conversations(datetime.now(UTC)) == ("a1",)
    standing = await use.standing()
    assert (standing.served, standing.own_finish) == (100, 100)


async def test_open_turns_come_in_the_fair_order(store, use):
    """By the start of their places, among equals the older first; who ended is not among them."""
    await use.ask("a1", pictures=4)
    await use.ask("a2")
    await use.ask("b1", person=BOB)
    await use.ask("gone", person=CY)
    await store.finish_turn("gone", TurnStatus.CANCELLED)
    await store.begin_stage("a1", TurnStage.PAINTING)
    found = await store.open_turns()
    assert [(one.id, one.person, one.place.start, one.stage, one.pictures) for one in found] == [
        ("a1", ADA, 0, TurnStage.PAINTING, 4),
        ("b1", BOB, 0, TurnStage.WAITING, 1),
        ("a2", ADA, 100, TurnStage.WAITING, 1),
    ]
    assert all(0 <= one.stage_s < 60 for one in found)


async def test_attempts_are_counted_for_each_stage(store, use, scene):
    """Beginning a stage again is one more attempt, another stage begins anew."""
    await use.ask("t1")
    for attempt in (1, 2, 3):
        turn = await store.begin_stage("t1", TurnStage.COMPOSING)
        assert (turn.stage, turn.attempts) == (TurnStage.COMPOSING, attempt)
    await store.add_revision("t1", None, scene)
    assert (await store.turn("t1")).stage is TurnStage.COMPOSED
    assert (await store.begin_stage("t1", TurnStage.PAINTING)).attempts == 1
    await store.finish_turn("t1", TurnStatus.CANCELLED)
    ended = await store.turn("t1")
    assert await store.begin_stage("t1", TurnStage.PAINTING) == ended
    assert ended.attempts == 1


async def test_economy_is_kept(store, use):
    """How thriftily a turn is painted is still known after a restart."""
    await use.ask("t1")
    await store.set_economy("t1", 2)
    assert (await store.turn("t1")).economy == 2


async def test_nothing_is_measured_at_first(store, use):
    """Without a turn that was done there are no durations."""
    await use.revise("t1")
    assert await store.durations() == Durations(None, None)


def test_the_newest_durations_are_found_among_any_number(steps_with_turns):
    """What is asked every few seconds takes no longer when there are eight times as many turns."""

    def ask(session):
        assert queue.durations(session) == Durations(compose_s=None, picture_s=5.0)

    assert steps_with_turns(8000, ask) <= 2 * steps_with_turns(1000, ask) + 2


async def test_durations_are_means_of_what_was_done(store, use, scene):
    """Composing counts a turn, painting a picture; what was not measured, failed or runs counts nothing."""

    async def work(turn_id, compose_s, paint_s, status):
        await use.ask(turn_id, pictures=len(paint_s))
        revision = await store.add_revision(turn_id, None, scene, compose_s=compose_s)
        for index, seconds in enumerate(paint_s):
            await use.paint(revision, index=index, paint_s=seconds)
        if status:
            await store.finish_turn(turn_id, status)

    await work("one", 2.0, [4.0, 6.0], TurnStatus.DONE)
    await work("two", 4.0, [8.0], TurnStatus.DONE)
    await work("adopted", 0.0, [2.0], TurnStatus.DONE)
    await work("failed", 100.0, [100.0], TurnStatus.FAILED)
    await work("running", 100.0, [100.0], None)
    assert await store.durations() == Durations(compose_s=3.0, picture_s=5.0)


async def test_pictures_asked_for_count_until_they_are_painted(store, use, scene):
    """A picture counts once: first as asked for, then as painted; one that never came does not stay."""
    await use.ask("t1", pictures=3)
    revision = await store.add_revision("t1", None, scene)
    counts = [(await use.standing()).pictures_today]
    for index in range(2):
        await use.paint(revision, index=index, paint_s=1.5)
        counts.append((await use.standing()).pictures_today)
    assert counts == [3, 3, 3]
    await store.finish_turn("t1", TurnStatus.CANCELLED)
    standing = await use.standing()
    assert (standing.pictures_today, standing.gpu_s_today) == (2, 3.0)
    assert (await use.standing(BOB)).pictures_today == 0


async def test_usage_is_of_one_day(tmp_path, database, store, use):
    """What was used on an earlier day does not count today."""
    await use.paint(await use.revise("t1"), paint_s=5.0)
    await store.finish_turn("t1", TurnStatus.DONE)
    assert (await use.standing()).gpu_s_today == 5.0
    url = parse_url(database) if database else sqlite_url(tmp_path / "data" / "omost.db")
    engine = connect(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE usage SET day = '{date(2020, 1, 1)}'")
    engine.dispose()
    standing = await use.standing()
    assert (standing.pictures_today, standing.gpu_s_today) == (0, 0.0)


async def test_what_a_turn_took(store, use, scene):
    """Composing, painting, the first picture and the whole of a turn; nothing of what was not done."""
    await use.ask("a1")
    waiting = await store.times("a1")
    assert (waiting.compose_s, waiting.paint_s, waiting.first_picture_s) == (0, 0, None)
    revision = await store.add_revision("a1", None, scene, remark="", compose_s=2.5)
    for index in range(2):
        await use.paint(revision, index=index, paint_s=1.5)
    await store.finish_turn("a1", TurnStatus.DONE)
    times = await store.times("a1")
    assert (times.compose_s, times.paint_s) == (2.5, 3.0)
    assert 0 < times.first_picture_s < times.open_s
    assert await store.times("a1") == times
    with pytest.raises(NotFound):
        await store.times("nobody's")


async def test_failures_are_known_since_a_moment(store, use):
    """Why turns failed, as it was recorded, and of no others."""
    for turn_id, status in (("a1", TurnStatus.FAILED), ("a2", TurnStatus.DONE), ("a3", TurnStatus.RUNNING)):
        await use.ask(turn_id)
        if status is not TurnStatus.RUNNING:
            await store.finish_turn(turn_id, status, error="why" if status is TurnStatus.FAILED else "")
    assert await store.failures(datetime.now(UTC) - timedelta(minutes=1)) == ("why",)
    assert await store.failures(datetime.now(UTC) + timedelta(minutes=1)) == ()
