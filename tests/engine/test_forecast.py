"""Places in the queue and waiting times, as numbers."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.forecast import forecasts
from storage.records import Durations, OpenTurn, PersonKey, Place, TurnStage

MEASURED = Durations(2.0, 10.0)
WAITING = OpenTurn("t", PersonKey("web", "ann"), Place(0, 1), TurnStage.WAITING, 0.0, 1)


def queue_of(*stages, **changed):
    return [replace(WAITING, id=f"t{n}", stage=stage, **changed) for n, stage in enumerate(stages)]


def seen(open_turns, durations=MEASURED):
    return [(one.turn.id, one.position, one.wait_s) for one in forecasts(open_turns, durations)]


def test_an_empty_queue_has_no_forecasts():
    """Nobody waits."""
    assert forecasts((), MEASURED) == ()


def test_each_waits_for_those_before():
    """Everybody's work before one's own, then one's own."""
    waiting = queue_of(TurnStage.WAITING, TurnStage.COMPOSING, TurnStage.COMPOSED)
    assert seen(waiting) == [("t0", 1, 12), ("t1", 2, 24), ("t2", 3, 34)]


def test_who_is_painted_has_no_place_and_waits_for_the_rest():
    """What has passed of the painting counts; one second is left at least."""
    turns = queue_of(TurnStage.WAITING, TurnStage.PAINTING, stage_s=4.0)
    assert seen(turns) == [("t1", 0, 6), ("t0", 1, 18)]
    overdue = queue_of(TurnStage.PAINTING, TurnStage.WAITING, stage_s=400.0)
    assert seen(overdue) == [("t0", 0, 1), ("t1", 1, 13)]


def test_painters_side_by_side_share_the_queue():
    """With two turns painted at the same time, who waits behind them waits half as long."""
    turns = queue_of(TurnStage.PAINTING, TurnStage.PAINTING, TurnStage.WAITING)
    assert seen(turns) == [("t0", 0, 10), ("t1", 0, 10), ("t2", 1, 22)]


def test_more_pictures_take_longer():
    """A batch of four counts four times."""
    batches = queue_of(TurnStage.COMPOSED, TurnStage.COMPOSED, pictures=4)
    assert seen(batches) == [("t0", 1, 40), ("t1", 2, 80)]


def test_nothing_is_promised_before_anything_was_measured():
    """Places are known, times are not."""
    turns = queue_of(TurnStage.PAINTING, TurnStage.WAITING)
    assert seen(turns, Durations(None, None)) == [("t0", 0, None), ("t1", 1, None)]
    assert seen(turns, Durations(3.0, None)) == [("t0", 0, None), ("t1", 1, None)]


@given(
    st.lists(st.tuples(st.sampled_from(list(TurnStage)), st.floats(0, 1e5), st.integers(1, 4)), max_size=20)
)
def test_every_open_turn_is_told_once_in_order(turns):
    """Places have no gap, nobody's time is negative, and who leaves makes no one wait longer."""
    open_turns = [
        replace(WAITING, id=f"t{n}", stage=stage, stage_s=stage_s, pictures=pictures)
        for n, (stage, stage_s, pictures) in enumerate(turns)
    ]
    found = forecasts(open_turns, MEASURED)
    places = [one.position for one in found if one.position]
    assert places == list(range(1, len(places) + 1))
    assert {one.turn.id for one in found} == {turn.id for turn in open_turns}
    assert all(one.wait_s is not None and one.wait_s > 0 for one in found)
    waiting = [turn for turn in open_turns if turn.stage is not TurnStage.PAINTING]
    if waiting:
        left = {one.turn.id: one for one in forecasts([t for t in open_turns if t != waiting[0]], MEASURED)}
        before = {one.turn.id: one for one in found}
        assert all(left[each].wait_s <= before[each].wait_s for each in left)
