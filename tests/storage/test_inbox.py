"""What platforms sent is kept once until it is handled, on real databases."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.records import PersonKey
from storage.store import Store

ANN = PersonKey("telegram", "7")
BOB = PersonKey("telegram", "8")


async def keys(store: Store, platform: str = "telegram") -> list[str]:
    return [received.key for received in await store.unhandled(platform)]


async def test_what_came_is_kept_in_order(store, tmp_path: Path, database):
    """After the process's end all that is unhandled is there, in the order of arrival, as it came."""
    payload = {"update_id": 9, "message": {"text": "灯塔 \ud83d\0", "entities": [1.5, None, True]}}
    for key in ("9", "10", "1"):
        assert await store.receive("telegram", key, payload)
    assert await store.receive("discord", "9", {})
    await store.close()
    again = await Store.open(tmp_path / "data", database)
    try:
        assert await keys(again) == ["9", "10", "1"]
        first = (await again.unhandled("telegram"))[0]
        assert (first.payload, first.attempts) == (payload, 0)
        assert abs(datetime.now(UTC) - first.received_at) < timedelta(minutes=1)
    finally:
        await again.close()


async def test_what_comes_twice_is_received_once(store, other_store):
    """Of many processes that receive the same at once one is told that it is new; the first payload stays."""
    stores = [store, other_store] * 4
    news = await asyncio.gather(*(one.receive("telegram", "1", {"n": n}) for n, one in enumerate(stores)))
    assert sorted(news) == [False] * 7 + [True]
    (received,) = await store.unhandled("telegram")
    assert received.payload == {"n": news.index(True)}


async def test_attempts_are_counted(store, other_store):
    """Each beginning is one more attempt, whoever begins; what is unhandled shows it after a restart."""
    await store.receive("telegram", "1", {"a": 1})
    begun = await asyncio.gather(*(one.begin_handling("telegram", "1") for one in [store, other_store] * 3))
    assert sorted(received.attempts for received in begun if received) == [1, 2, 3, 4, 5, 6]
    assert begun[0].payload == {"a": 1}
    assert (await store.unhandled("telegram"))[0].attempts == 6


async def test_what_is_handled_is_done_for_good(store):
    """It is neither unhandled nor begun again, its repetition is known, and others wait on."""
    await store.receive("telegram", "1", {"a": 1})
    await store.receive("telegram", "2", {"a": 2})
    for _ in range(2):
        await store.handled("telegram", "1")
    await store.handled("telegram", "never-came")
    assert await keys(store) == ["2"]
    assert await store.begin_handling("telegram", "1") is None
    assert await store.begin_handling("telegram", "never-came") is None
    assert not await store.receive("telegram", "1", {"a": 1})
    assert await keys(store) == ["2"]


async def test_handled_ones_are_removed_when_they_are_old(store):
    """What was handled before the moment goes, and would be new again; what waits stays however old."""
    for key in ("old", "young", "waits"):
        await store.receive("telegram", key, {})
    await store.handled("telegram", "old")
    moment = datetime.now(UTC)
    await store.handled("telegram", "young")
    assert await store.remove_handled(moment) == 1
    assert await store.remove_handled(moment) == 0
    assert await keys(store) == ["waits"]
    assert not await store.receive("telegram", "young", {})
    assert await store.receive("telegram", "old", {})


async def test_what_a_forgotten_person_sent_is_not_handled(store):
    """It is blank, also for who has no other trace here; its repetition is known; others' stays."""
    await store.receive("telegram", "1", {"text": "mine"}, person=ANN)
    await store.receive("telegram", "2", {"text": "theirs"}, person=BOB)
    await store.receive("discord", "3", {"text": "elsewhere"}, person=PersonKey("discord", "7"))
    assert await store.forget(ANN) == ()
    assert await keys(store) == ["2"]
    assert await keys(store, "discord") == ["3"]
    assert not await store.receive("telegram", "1", {"text": "mine"}, person=ANN)
    assert await store.begin_handling("telegram", "1") is None


async def test_the_first_decision_stays(store):
    """What was decided about a press is the same each time that it comes; it is forgotten with old keys."""
    assert await store.decision("telegram", "press:1") is None
    decided = await asyncio.gather(*(store.decide("telegram", "press:1", {"by": by}) for by in range(3)))
    assert decided[0] == decided[1] == decided[2] == await store.decision("telegram", "press:1")
    assert await store.decide("discord", "press:1", {"by": 9}) == {"by": 9}
    assert await store.unhandled("telegram") == ()
    assert await store.receive("telegram", "press:1", {}), "what is sent has other keys"
    assert await store.remove_handled(datetime.now(UTC) + timedelta(minutes=1)) == 2
    assert await store.decision("telegram", "press:1") is None
