"""The studio with many turns at once: whose turn comes, what is told of it, and turns that are called off."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest
from dbos import DBOS

from engine.errors import BadSetting, NotYours, QueueFull, QuotaUsedUp, TooManyWaiting
from engine.events import Cancelled, ComposingText, Done, Queued, Stepped
from engine.people import PRIORITY_SHARE, Allowance, People
from engine.studio import Limits
from storage.errors import NotFound
from storage.records import ConversationKey, PersonKey, TurnStage, TurnStatus


def tab(name):
    return ConversationKey("web", f"tab-{name}")


async def submit(stage, name, person, **changed):
    """An order whose words are its name, so that backends show the order in which turns are served."""
    return await stage.submit(name, conversation=tab(name), person=person, prompt=name, **changed)


async def hold(stage):
    """Somebody's turn that keeps the only painter busy until the gate opens."""
    stage.renderer.gate, stage.renderer.has_begun = asyncio.Event(), asyncio.Event()
    await submit(stage, "held", PersonKey("web", "zoe"))
    await stage.is_painting()


def composed_order(stage):
    return [request.prompt for request in stage.composer.requests if request.prompt != "held"]


async def all_delivered(stage, count):
    await stage.eventually(lambda: len(stage.post.turns) >= count, f"{count} turns are delivered")
    return [turn.id for turn in stage.post.turns]


async def queue_of_three(stage):
    """One turn that is painted until the gate opens, and two of others that wait, in this order."""
    await hold(stage)
    await submit(stage, "ann", stage.ANN)
    await submit(stage, "ben", stage.BEN)
    for place, name in enumerate(("ann", "ben"), 1):
        await place_of(stage, name, place)


async def place_of(stage, turn_id, place):
    """Waits until the turn is told its place."""
    async with asyncio.timeout(120), aclosing(stage.studio.events(turn_id)) as events:
        async for event in events:
            if isinstance(event, Queued) and event.position == place:
                return
    raise AssertionError(f"{turn_id} was never at place {place}")


async def test_painters_work_side_by_side(closed_stage):
    """With two slots at the renderer, two people's turns are painted at the same time."""
    closed_stage.slots = {"image": 2, "llm": 2}
    closed_stage.renderer.gate = asyncio.Event()
    stage = await closed_stage.open()
    try:
        await submit(stage, "a", stage.ANN)
        await submit(stage, "b", stage.BEN)
        for name in ("a", "b"):
            await stage.until(name, Stepped)
        assert stage.renderer.at_once == 2
        stage.renderer.gate.set()
        for name in ("a", "b"):
            done = (await stage.heard(name))[-1]
            assert isinstance(done, Done)
            assert await stage.store.head(tab(name)) == done.revision
    finally:
        await stage.close()


async def test_the_queue_is_first_come_first_served_among_equals(stage):
    """The queue keeps the order of arrival; one turn at a time is painted, the first one first."""
    await queue_of_three(stage)
    listening = [asyncio.create_task(stage.heard(name)) for name in ("held", "ann", "ben")]
    assert [forecast.turn.id for forecast in await stage.studio.queue()] == ["held", "ann", "ben"]
    stage.renderer.gate.set()
    for events in await asyncio.gather(*listening):
        assert isinstance(events[-1], Done)
    delivered = await all_delivered(stage, 3)  # the last two take no time and may end in the same moment
    assert (delivered[0], sorted(delivered[1:])) == ("held", ["ann", "ben"])
    assert stage.renderer.most_at_once == 1
    assert await stage.studio.queue() == ()


async def test_two_people_are_served_in_turns(stage):
    """However one of them asks first for everything, their turns alternate."""
    await hold(stage)
    for number in range(3):
        await submit(stage, f"a{number}", stage.ANN)
    for number in range(3):
        await submit(stage, f"b{number}", stage.BEN)
    waiting = [one.turn.id for one in await stage.studio.queue() if one.position]
    assert [{one[0] for one in waiting[pair : pair + 2]} for pair in (0, 2, 4)] == [{"a", "b"}] * 3
    stage.renderer.gate.set()
    painted = (await all_delivered(stage, 7))[1:]
    assert {one[0] for one in painted[:3]} == {"a", "b"}  # who is quicker in getting in line may lead by one
    for person in "ab":
        assert [one for one in painted if one[0] == person] == [f"{person}{n}" for n in range(3)]


async def test_a_newcomer_goes_before_who_asked_for_much(stage):
    """Somebody who comes when another has three turns open is served before that one's third."""
    await hold(stage)
    for number in range(3):
        await submit(stage, f"a{number}", stage.ANN)
    await submit(stage, "new", stage.BEN)
    waiting = [one.turn.id for one in await stage.studio.queue() if one.position]
    assert waiting.index("new") < waiting.index("a2")
    stage.renderer.gate.set()
    painted = await all_delivered(stage, 5)
    assert painted.index("new") < painted.index("a2")


async def test_priority_people_go_first(closed_stage):
    """In the queue all turns of somebody on the priority list stand before another one's second."""
    closed_stage.people = People(priority=frozenset({"web:ann"}))
    stage = await closed_stage.open()
    try:
        await hold(stage)
        for number in range(3):
            await submit(stage, f"b{number}", stage.BEN)
            await submit(stage, f"a{number}", stage.ANN)
        places = {one.turn.id: one.turn.place for one in await stage.studio.queue()}
        assert list(places).index("a2") < list(places).index("b1")
        lengths = [places[name].finish - places[name].start for name in ("b0", "a0")]
        assert lengths[0] == PRIORITY_SHARE * lengths[1]
        stage.renderer.gate.set()
        await all_delivered(stage, 7)
    finally:
        await stage.close()


async def test_roles_have_their_own_quotas(closed_stage):
    """Each person is held to what their roles allow, and told that number; who has none, to the limits."""
    closed_stage.limits = Limits(pictures_per_day=1, waiting_per_person=9)
    closed_stage.people = People(
        allowances={"friend": Allowance(pictures_per_day=3, count=9), "guest": Allowance(pictures_per_day=2)}
    )
    stage = await closed_stage.open()

    async def refused(name, person, roles, **changed):
        with pytest.raises(QuotaUsedUp) as caught:
            await stage.studio.submit(stage.compose(name, tab(name), person=person, **changed), roles)
        return caught.value.limit

    try:
        for name, person, roles in (
            ("a1", stage.ANN, ("guest", "friend")),
            ("a2", stage.ANN, ("guest", "friend")),
            ("b1", stage.BEN, ()),
        ):
            await stage.studio.submit(stage.compose(name, tab(name), person=person), roles)
        assert await refused("b2", stage.BEN, ()) == 1
        assert await refused("a3", stage.ANN, ("guest",)) == 2
        many = replace(stage.SMALL, count=9)
        assert await refused("a3", stage.ANN, ("friend",), settings=many) == 3
        with pytest.raises(BadSetting):
            await stage.studio.submit(stage.compose("b3", tab("b3"), person=stage.BEN, settings=many))
        await stage.studio.submit(stage.compose("a3", tab("a3")), ("friend",))
        await all_delivered(stage, 4)
    finally:
        await stage.close()


async def test_so_many_of_a_role_run_at_once(closed_stage):
    """Who may have two at work has two; somebody else's second waits."""
    closed_stage.people = People(allowances={"friend": Allowance(running_per_person=2)})
    closed_stage.slots = {"image": 4}
    stage = await closed_stage.open()
    try:
        stage.renderer.gate = asyncio.Event()
        for name in ("a1", "a2", "b1", "b2"):
            person, roles = (stage.ANN, ("friend",)) if name.startswith("a") else (stage.BEN, ())
            await stage.studio.submit(stage.compose(name, tab(name), person=person), roles)
        await stage.eventually(lambda: stage.renderer.at_once == 3, "three are painted")
        assert {one.turn.id for one in await stage.studio.queue() if one.turn.stage is TurnStage.WAITING} == {
            "b2"
        }
        stage.renderer.gate.set()
        await all_delivered(stage, 4)
    finally:
        await stage.close()


async def test_times_are_told_and_fall(stage):
    """Once turns were measured, times are told; who moves up hears a smaller place, not a longer time."""
    await stage.finished(stage.compose("first", settings=replace(stage.SMALL, count=4)))
    await queue_of_three(stage)
    behind = (await stage.studio.queue())[2]
    assert behind.wait_s is not None
    assert await stage.studio.cancel("ann")
    await place_of(stage, "ben", 1)
    now = (await stage.studio.queue())[1]
    assert (now.turn.id, now.position) == ("ben", 1)
    assert now.wait_s <= behind.wait_s
    stage.renderer.gate.set()
    assert isinstance((await stage.heard("ben"))[-1], Done)


@pytest.mark.parametrize(
    ("limits", "person", "refusal"),
    [
        (Limits(waiting_per_person=1), "ann", TooManyWaiting),
        (Limits(waiting_total=2), "ben", QueueFull),
    ],
    ids=["one person's", "everybody's"],
)
async def test_more_than_the_queue_holds_is_refused(closed_stage, limits, person, refusal):
    """The third one is refused with a time, nothing of it is stored, and there is room again later."""
    closed_stage.limits = limits
    stage = await closed_stage.open()
    try:
        await stage.finished(stage.compose("measured"))
        await stage.restart()  # a new studio reads at once what was measured
        stage.renderer.gate = asyncio.Event()
        await submit(stage, "a0", stage.ANN)
        await submit(stage, "a1", stage.ANN)
        with pytest.raises(refusal) as caught:
            await submit(stage, "more", PersonKey("web", person))
        assert caught.value.free_in_s >= 1
        assert getattr(caught.value, "limit", 2) == 2
        with pytest.raises(NotFound):
            await stage.store.turn("more")
        assert await submit(stage, "a1", stage.ANN) == "a1"
        stage.renderer.gate.set()
        await stage.heard("a1")
        await submit(stage, "more", PersonKey("web", person))
        assert isinstance((await stage.heard("more"))[-1], Done)
    finally:
        await stage.close()


@pytest.mark.parametrize("running", [1, 2])
async def test_so_many_of_a_person_run_at_once(closed_stage, running):
    """With slots enough, as many turns of one person are worked on as are allowed, and no more."""
    closed_stage.limits = Limits(running_per_person=running)
    closed_stage.slots = {"image": 4, "llm": 4}
    closed_stage.renderer.gate = asyncio.Event()
    stage = await closed_stage.open()
    try:
        for number in range(4):
            await submit(stage, f"a{number}", stage.ANN)
        await submit(stage, "b", stage.BEN)
        await stage.until("b", Stepped)
        await stage.eventually(lambda: stage.renderer.at_once == running + 1, "they are painted")
        assert len(composed_order(stage)) == running + 1
        stage.renderer.gate.set()
        await all_delivered(stage, 5)
        assert stage.renderer.most_at_once <= running + 1
    finally:
        await stage.close()


async def test_leaving_the_queue_moves_the_others_up(stage):
    """Cancelled while queued: the revision stays, and who stood behind is next."""
    await queue_of_three(stage)
    await stage.until("ann", ComposingText)
    await stage.eventually(lambda: stage.composer.closed == 3, "everything is composed")
    assert await stage.studio.cancel("ann")
    await place_of(stage, "ben", 1)
    assert isinstance((await stage.heard("ann"))[-1], Cancelled)
    stage.renderer.gate.set()
    assert isinstance((await stage.heard("ben"))[-1], Done)
    assert (await stage.delivered("ann"))[0].status is TurnStatus.CANCELLED
    assert len(stage.renderer.batches) == 2


async def test_cancelled_while_composing(stage):
    """The composer is stopped, the turn is cancelled and delivered as that, and there is no revision."""
    stage.composer.gate = asyncio.Event()
    await stage.submit()
    await stage.is_composing()
    assert await stage.studio.cancel("t1")
    await stage.eventually(lambda: stage.composer.closed, "the composer has stopped")
    assert isinstance((await stage.heard("t1"))[-1], Cancelled)
    assert [turn.status for turn in await stage.delivered("t1")] == [TurnStatus.CANCELLED]
    assert await stage.store.head(stage.TAB) is None
    assert not await stage.studio.cancel("t1")


async def test_cancelled_while_painting(stage):
    """The renderer is stopped and its place is free; the composed revision stays, with the remark."""
    stage.renderer.gate = asyncio.Event()
    await stage.submit()
    await stage.is_painting()
    assert await stage.studio.cancel("t1")
    await stage.eventually(lambda: stage.renderer.closed, "the renderer has stopped")
    turn, head = await stage.store.turn("t1"), await stage.store.head(stage.TAB)
    assert (turn.status, turn.remark[:4]) == (TurnStatus.CANCELLED, "Here")
    assert head.turn_id == "t1"
    stage.renderer.gate = None
    await stage.finished(stage.compose("t2"))


async def test_cancelled_before_it_began(stage):
    """An order that is called off while the person's other one runs composes nothing, and is delivered."""
    stage.composer.gate = asyncio.Event()
    await stage.submit("t1")
    await stage.is_composing()
    await stage.submit("t2")
    assert await stage.studio.cancel("t2")
    assert await stage.heard("t2") == [Cancelled()]
    stage.composer.gate.set()
    assert [turn.status for turn in await stage.delivered("t2")] == [TurnStatus.CANCELLED]
    assert len(stage.composer.requests) == 1


async def test_what_has_ended_is_not_cancelled(stage):
    """It stays done, and nothing is delivered a second time."""
    done = (await stage.played(stage.compose()))[-1]
    await stage.delivered("t1")
    assert not await stage.studio.cancel("t1")
    assert await stage.heard("t1") == [done]
    await stage.finished(stage.compose("t2"))
    await stage.delivered("t2")
    assert len(stage.post.turns) == 2


async def test_only_the_author_and_moderators_cancel(closed_stage):
    """Somebody else may not, and the turn goes on; a moderator may."""
    closed_stage.people = People(moderators=frozenset({"web:cyd"}))
    closed_stage.composer.gate = asyncio.Event()
    stage = await closed_stage.open()
    try:
        await stage.submit()
        with pytest.raises(NotYours):
            await stage.studio.cancel("t1", by=stage.BEN)
        assert (await stage.store.turn("t1")).status is TurnStatus.RUNNING
        assert await stage.studio.cancel("t1", by=stage.CYD)
        await stage.submit("t2")
        assert await stage.studio.cancel("t2", by=stage.ANN)
        assert [turn.status for turn in await stage.delivered("t2")] == [TurnStatus.CANCELLED]
    finally:
        await stage.close()


async def test_cancelling_at_any_moment_leaves_a_clear_end(stage):
    """Wherever the cancel arrives, the store, the listeners and the delivery agree on how the turn ended."""
    ends = set()
    for moment in range(8):
        name = f"t{moment}"
        await stage.submit(name)
        for _ in range(moment * moment * 40):
            await asyncio.sleep(0)
        called_off = await asyncio.gather(*(stage.studio.cancel(name) for _ in range(2)))
        assert sum(called_off) <= 1
        was_cancelled = any(called_off)
        assert isinstance((await stage.heard(name))[-1], Cancelled if was_cancelled else Done)
        status = TurnStatus.CANCELLED if was_cancelled else TurnStatus.DONE
        assert [turn.status for turn in await stage.delivered(name)] == [status]
        ends.add(status)
    assert TurnStatus.CANCELLED in ends
    await stage.finished(stage.compose("after"))


async def test_a_person_is_forgotten(stage):
    """Turns, pictures and job records of a person are gone, what ran is stopped; another's stay."""
    await stage.finished(stage.compose("kept", stage.OTHER_TAB, person=stage.BEN))
    old = await stage.finished(stage.compose("old"))
    file = await stage.store.image_path(old.images[0].id)
    stage.renderer.gate, stage.renderer.has_begun = asyncio.Event(), asyncio.Event()
    await stage.submit("running", settings=replace(stage.SMALL, seed=99))
    await stage.submit("waiting")
    await stage.is_painting()
    assert await stage.studio.forget(stage.ANN) == 3
    await stage.eventually(lambda: stage.renderer.closed == 3, "the renderer has stopped")
    for turn_id in ("old", "running", "waiting"):
        with pytest.raises(NotFound):
            await stage.store.turn(turn_id)
    assert await stage.store.head(stage.TAB) is None
    assert await stage.studio.queue() == ()
    with pytest.raises(NotFound):
        await stage.store.image_path(old.images[0].id)
    kept = await stage.store.head(stage.OTHER_TAB)
    assert (await stage.store.image_path(kept.images[0].id)).exists()
    assert file == await stage.store.image_path(kept.images[0].id)  # the same picture for both
    await stage.eventually(lambda: recorded_jobs("kept"), "only the other one's job is known")


async def recorded_jobs(*turn_ids):
    """Whether these turns' workflows, and no others, are recorded."""
    found = await DBOS.list_workflows_async()
    return {workflow.workflow_id.split("/")[0] for workflow in found} == set(turn_ids)
