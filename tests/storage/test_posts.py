"""Which message shows what, on real databases."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from storage.database import connect, parse_url, sqlite_url
from storage.errors import NotFound
from storage.models import TurnRow
from storage.posts import UNDELIVERED
from storage.records import PersonKey, Post, PostKind, TurnStatus

ANN = PersonKey("telegram", "7")


def message(message_id: str, turn_id: str | None = None, kind=PostKind.RESULT, **fields) -> Post:
    return Post("telegram", "-100", message_id, kind, turn_id, **fields)


@pytest.fixture
def age_turn(tmp_path, database):
    """Has a turn ended so long ago."""
    engine = connect(parse_url(database) if database else sqlite_url(tmp_path / "data" / "omost.db"))

    def age(turn_id: str, ago: timedelta) -> None:
        ended_at = datetime.now(UTC) - ago
        with engine.begin() as connection:
            connection.execute(update(TurnRow).where(TurnRow.id == turn_id).values(ended_at=ended_at))

    yield age
    engine.dispose()


async def test_a_post_is_found_by_its_message(store, use):
    """All that a post says comes back by platform, chat and message together, and by nothing less."""
    revision = await use.revise("t1")
    data = {"index": 2, "album": ["1", "2"], "words": "灯塔", "nested": {"deep": [None, 1.5, True]}}
    post = message("1", "t1", PostKind.PICTURE, revision_id=revision.id, person=ANN, data=data)
    assert await store.add_post(post) == post == await store.post("telegram", "-100", "1")
    assert await store.add_post(replace(post, chat_id="-101")) != post
    for other in (("discord", "-100", "1"), ("telegram", "100", "1"), ("telegram", "-100", "2")):
        assert await store.post(*other) is None
    assert await store.post_of_turn("t1") is None


async def test_a_message_is_remembered_once(store):
    """A message that is added again stays what it was; the later one is not told from the first."""
    first = message("1", kind=PostKind.QUESTION, data={"region": 3})
    assert await store.add_post(first) == first
    assert await store.add_post(message("1", kind=PostKind.PANEL)) == first
    assert await store.post("telegram", "-100", "1") == first


async def test_a_message_of_before_its_chat_moved_gives_way(store, use):
    """Where a chat got another id, messages are counted anew: an id that comes again is a new message's."""
    await use.ask("old")
    await use.ask("new")
    await store.add_post(Post("telegram", "-5", "1", PostKind.RESULT, "old"))
    await store.move_chat("telegram", "-5", "-100")
    fresh = message("1", "new")
    assert [await store.add_post(fresh) for _ in range(2)] == [fresh, fresh]
    assert await store.post_of_turn("new") == fresh == await store.post("telegram", "-100", "1")
    assert await store.post_of_turn("old") is None


async def test_two_processes_post_one_result(store, other_store, use):
    """Of many results that are added to a turn at once one stays, and all are told which."""
    await use.ask("t1")
    added = await asyncio.gather(
        *(one.add_post(message(f"{n}", "t1")) for n, one in enumerate([store, other_store] * 4))
    )
    winner = await store.post_of_turn("t1")
    assert added == [winner] * 8
    stored = [await store.post("telegram", "-100", f"{n}") for n in range(8)]
    assert [post for post in stored if post] == [winner]


async def test_a_turn_has_many_pictures(store, use):
    """Only results are one for each turn; and results that belong to no turn are as many as there are."""
    await use.ask("t1")
    posts = [message(f"{n}", "t1", PostKind.PICTURE, data={"index": n}) for n in range(3)]
    posts += [message("8"), message("9"), message("10", "t1")]
    assert [await store.add_post(post) for post in posts] == posts


async def test_what_a_post_shows_is_stored(store):
    """A post of a turn or a revision that is not there is refused, and not remembered."""
    for what, post in (("turn", message("1", "no")), ("revision", message("1", revision_id="no"))):
        with pytest.raises(NotFound) as caught:
            await store.add_post(post)
        assert (caught.value.what, caught.value.id) == (what, "no")
    assert await store.post("telegram", "-100", "1") is None


async def test_data_is_merged(store):
    """What is noted later is beside what was noted before; None removes a value."""
    post = await store.add_post(message("1", data={"step": 1, "asked": "x"}))
    changed = await store.set_post_data(post, step=2, asked=None, hash="abc")
    assert changed == replace(post, data={"step": 2, "hash": "abc"})
    assert await store.post("telegram", "-100", "1") == changed
    assert await store.set_post_data(message("2"), step=3) is None


async def test_two_processes_note_things_at_once(store, other_store):
    """Nothing that is noted at the same moment is lost."""
    post = await store.add_post(message("1"))
    await asyncio.gather(
        *(one.set_post_data(post, **{f"n{n}": n}) for n, one in enumerate([store, other_store] * 4))
    )
    kept = await store.post("telegram", "-100", "1")
    assert kept is not None
    assert kept.data == {f"n{n}": n for n in range(8)}


async def test_a_removed_post_is_gone(store, use):
    """It is found by nothing, its turn may have another, and to remove it again does no harm."""
    await use.ask("t1")
    post = await store.add_post(message("1", "t1"))
    await store.remove_post(post)
    await store.remove_post(post)
    assert await store.post("telegram", "-100", "1") is None
    another = message("2", "t1")
    assert await store.add_post(another) == another == await store.post_of_turn("t1")


async def test_results_are_open_until_they_are_delivered(store, use, age_turn):
    """Open are the results of running turns, and of ended ones until they are delivered or too old."""
    names = ("running", "ended", "delivered", "late", "too-late", "elsewhere")
    for name in names:
        await use.ask(name)
    for name in names[:-1]:
        await store.add_post(message(name, name))
    await store.add_post(Post("discord", "1", "1", PostKind.RESULT, "elsewhere"))
    await store.add_post(message("picture", "running", PostKind.PICTURE))
    await store.add_post(message("of-no-turn"))
    for name in names[1:]:
        await store.finish_turn(name, TurnStatus.DONE)
    await store.set_post_data(message("delivered"), delivered=True)
    await store.set_post_data(message("ended"), delivered=False)
    age_turn("late", UNDELIVERED - timedelta(minutes=5))
    age_turn("too-late", UNDELIVERED + timedelta(minutes=5))
    open_now = [post.message_id for post in await store.open_posts("telegram")]
    assert open_now == ["running", "ended", "late"]
    await store.set_post_data(message("delivered"), delivered=None)
    assert len(await store.open_posts("telegram")) == 4


async def test_a_result_may_be_delivered_at_once(store, use):
    """A post that is added as delivered is never open."""
    await use.ask("t1")
    await store.add_post(message("1", "t1", data={"delivered": True}))
    await store.finish_turn("t1", TurnStatus.DONE)
    assert await store.open_posts("telegram") == ()


async def test_all_messages_of_a_person_are_found(store, use):
    """Those for them and those that show what they asked for, newest first; nobody else's."""
    await use.revise("t1", person=ANN)
    await use.revise("t2", person=PersonKey("telegram", "8"))
    await use.revise("t3", person=PersonKey("discord", "7"))
    await store.add_post(message("1", "t1", person=ANN))
    await store.add_post(message("2", "t1", PostKind.PICTURE))
    await store.add_post(message("3", kind=PostKind.PANEL, person=ANN))
    await store.add_post(message("4", "t2", person=PersonKey("telegram", "8")))
    await store.add_post(message("5", "t3", PostKind.PICTURE))
    assert [post.message_id for post in await store.posts_of(ANN)] == ["3", "2", "1"]
