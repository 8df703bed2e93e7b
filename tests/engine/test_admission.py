"""The fair order and the bounds of the queue, as numbers."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.admission import UNMEASURED_S, Admission
from engine.errors import QueueFull, QuotaUsedUp, TooManyWaiting
from engine.orders import Limits
from storage.records import Durations, Place, Standing

EMPTY = Standing(own_open=0, all_open=0, served=0, own_finish=0, pictures_today=0, gpu_s_today=0.0)
UNMEASURED = Durations(None, None)
ROOMY = Limits(waiting_per_person=1000, waiting_total=100_000)


def admission(limits=ROOMY, pictures=1, share=1, durations=UNMEASURED):
    return Admission(limits, pictures, share, durations)


def test_a_request_takes_what_it_costs():
    """Measured composing and painting make its length, in hundredths of a second; more pictures, more."""
    assert admission(durations=Durations(2.0, 5.0), pictures=3).place(EMPTY) == Place(0, 1700)
    assert admission(durations=Durations(None, 5.0)).place(EMPTY) == Place(0, 500)
    assert admission().place(EMPTY) == Place(0, round(UNMEASURED_S * 100))


def test_the_next_one_starts_where_the_last_one_ended():
    """Behind one's own last request, but never before the one that is being served now."""
    own = replace(EMPTY, served=500, own_finish=2500)
    assert admission().place(own).start == 2500
    assert admission().place(replace(own, served=9000)).start == 9000


def test_a_bigger_share_makes_a_request_shorter():
    """A person with four people's share waits a fourth for the next one."""
    one, four = (admission(share=share, durations=Durations(0.0, 8.0)).place(EMPTY) for share in (1, 4))
    assert (one.finish, four.finish) == (800, 200)


def test_nothing_is_for_free():
    """What was measured as no time still moves the person on, or one could ask without end."""
    place = admission(durations=Durations(0.0, 0.0)).place(EMPTY)
    assert place.finish > place.start


@pytest.mark.parametrize(
    ("standing", "refusal"),
    [
        ({"own_open": 3, "all_open": 3}, TooManyWaiting),
        ({"own_open": 2, "all_open": 10}, QueueFull),
        ({"own_open": 3, "all_open": 10}, TooManyWaiting),
        ({"pictures_today": 4}, QuotaUsedUp),
        ({"gpu_s_today": 60.0}, QuotaUsedUp),
    ],
)
def test_more_than_is_allowed_is_refused(standing, refusal):
    """At each bound and not before it; the refusal carries the number."""
    limits = Limits(
        running_per_person=1, waiting_per_person=2, waiting_total=10, pictures_per_day=5, gpu_s_per_day=60
    )
    asked = admission(limits, pictures=2)
    just_below = {name: value - (2 if name == "pictures_today" else 1) for name, value in standing.items()}
    asked.place(replace(EMPTY, **just_below))
    with pytest.raises(refusal) as caught:
        asked.place(replace(EMPTY, **standing))
    if refusal is not QueueFull:
        assert caught.value.limit in (3, 5, 60)


def test_a_quota_says_when_it_is_there_again():
    """Within a day, at midnight UTC."""
    with pytest.raises(QuotaUsedUp) as caught:
        admission(Limits(gpu_s_per_day=1)).place(replace(EMPTY, gpu_s_today=2.0))
    assert (caught.value.kind, caught.value.limit) == ("gpu-s-per-day", 1)
    assert 0 < caught.value.back_in_s <= 86_400


def test_no_quota_is_no_limit():
    """A quota of 0 admits whoever has had much."""
    admission().place(replace(EMPTY, pictures_today=10**6, gpu_s_today=1e9))


@dataclass
class Queue:
    """What the store computes of a queue, without a store."""

    open: list[tuple[str, Place]] = field(default_factory=list)
    finishes: dict[str, int] = field(default_factory=dict)

    def standing(self, person):
        starts = [place.start for _, place in self.open]
        return replace(
            EMPTY,
            own_open=sum(who == person for who, _ in self.open),
            all_open=len(self.open),
            served=min(starts) if starts else max(self.finishes.values(), default=0),
            own_finish=self.finishes.get(person, 0),
        )

    def join(self, person, asked):
        place = asked.place(self.standing(person))
        self.open.append((person, place))
        self.finishes[person] = place.finish
        return place

    def serve(self):
        first = min(self.open, key=lambda one: one[1].start)
        self.open.remove(first)
        return first[0]


steps = st.lists(
    st.tuples(st.sampled_from(["join", "serve"]), st.sampled_from("abc"), st.integers(1, 4)), max_size=80
)
durations = st.builds(
    Durations, st.none() | st.floats(0, 1e4, allow_nan=False), st.none() | st.floats(0, 1e4, allow_nan=False)
)


@given(steps, durations)
def test_numbers_are_never_negative_and_never_go_back(steps, durations):
    """Whoever joins and whoever is served: places lie at or behind the served one, and take some time."""
    queue, served = Queue(), 0
    for what, person, pictures in steps:
        if what == "serve":
            if queue.open:
                queue.serve()
            continue
        now = queue.standing(person).served
        place = queue.join(person, admission(pictures=pictures, durations=durations))
        assert 0 <= served <= now <= place.start < place.finish
        served = now


@given(st.lists(st.sampled_from("abc"), max_size=60), st.integers(0, 40))
def test_while_two_wait_neither_gets_more_than_one_request_ahead(asked, served_first):
    """Equal requests of people who all wait are served in turns, however many each of them asked for."""
    queue = Queue()
    for person in asked:
        queue.join(person, admission())
    waited = dict.fromkeys(asked, 0)
    for _ in range(min(served_first, len(asked))):
        waited[queue.serve()] += 1
        waiting = [person for person in waited if queue.standing(person).own_open]
        counts = [waited[person] for person in waiting]
        assert not counts or max(counts) - min(counts) <= 1


@given(st.integers(1, 50), st.integers(0, 50))
def test_a_newcomer_waits_for_one_request_of_each_at_most(asked, served_first):
    """Behind somebody who asked for much, a newcomer is served first or second."""
    queue = Queue()
    for _ in range(asked):
        queue.join("much", admission())
    for _ in range(min(served_first, asked - 1)):
        queue.serve()
    queue.join("new", admission())
    assert "new" in [queue.serve() for _ in range(2)]


@given(st.integers(1, 30))
def test_who_was_away_saves_nothing_up(rounds):
    """Somebody who comes back after others were served for long shares from then on, and overtakes nobody."""
    queue = Queue()
    for _ in range(rounds):
        queue.join("busy", admission())
        queue.serve()
    for _ in range(4):
        queue.join("busy", admission())
        queue.join("back", admission())
    order = [queue.serve() for _ in range(8)]
    assert all(set(order[pair : pair + 2]) == {"busy", "back"} for pair in range(0, 8, 2))


def test_a_priority_person_gets_several_turns_to_one():
    """With four people's share, four requests are served for each one of another person."""
    queue = Queue()
    for _ in range(8):
        queue.join("usual", admission())
        queue.join("priority", admission(share=4))
    order = [queue.serve() for _ in range(10)]
    assert order.count("priority") == 8
