"""Conversations that begin with another one's picture, and long ones, on real databases."""

import asyncio

import pytest
from sqlalchemy import event, insert

from storage.database import connect, parse_url, sqlite_url
from storage.errors import NotFound
from storage.models import ImageRow, RevisionRow, TurnRow
from storage.records import ConversationKey, PersonKey, TurnStatus

ADA = PersonKey("web", "ada")
THREAD = ConversationKey("discord", "77")
REVISIONS = 2000


async def test_a_thread_begins_with_a_copy(store, use):
    """The copy has the scene and the pictures, is its author's, a root and the head; it is made once."""
    original = await use.revise("t1")
    image = await use.paint(original, b"a lighthouse")
    await store.finish_turn("t1", TurnStatus.DONE)
    copy, again = await asyncio.gather(*(store.branch(THREAD, original.id) for _ in range(2)))
    assert copy == again == await store.head(THREAD)
    assert (copy.conversation, copy.parent_id, copy.scene) == (THREAD, None, original.scene)
    assert copy.id != original.id
    turn = await store.turn(copy.turn_id)
    assert (turn.status, turn.prompt, turn.person) == (TurnStatus.DONE, "prompt of t1", ADA)
    assert (copy.images[0].seed, copy.images[0].file_key) == (image.seed, image.file_key)
    assert (await store.image_path(copy.images[0].id)).read_bytes() == b"a lighthouse"
    child = await use.revise("t2", copy.id, conversation=THREAD)
    assert child.parent_id == copy.id


async def test_a_copy_changes_nothing_else(store, use):
    """A thread that has begun keeps its head; nothing is counted as used; what is not there is not copied."""
    original = await use.revise("t1")
    await use.paint(original, paint_s=2.0)
    await store.finish_turn("t1", TurnStatus.DONE)
    begun = await use.revise("t2", conversation=THREAD)
    before, measured = await use.standing(), await store.durations()
    copy = await store.branch(THREAD, original.id)
    assert (await store.head(THREAD)).id == begun.id
    assert (await use.standing(), await store.durations()) == (before, measured)
    assert await store.history(ConversationKey("web", "tab-1")) == (await store.revision(original.id),)
    with pytest.raises(NotFound):
        await store.branch(THREAD, "aaaaaaaaaa")
    await store.forget(ADA)
    with pytest.raises(NotFound):
        await store.revision(copy.id)


@pytest.fixture
def fill(tmp_path, database):
    """Makes a conversation as long as one of many months."""
    engine = connect(parse_url(database) if database else sqlite_url(tmp_path / "data" / "omost.db"))

    def fill(turn: dict, revision: dict, image: dict) -> None:
        names = [f"r{number:09}" for number in range(REVISIONS)]
        parents = [revision["id"], *names[:-1]]
        with engine.begin() as connection:
            connection.execute(insert(TurnRow), [{**turn, "id": f"t-{name}"} for name in names])
            made = zip(names, parents, strict=True)
            rows = [{**revision, "id": name, "turn_id": f"t-{name}", "parent_id": up} for name, up in made]
            connection.execute(insert(RevisionRow), rows)
            connection.execute(
                insert(ImageRow), [{**image, "id": f"i-{name}", "revision_id": name} for name in names]
            )

    yield fill
    engine.dispose()


async def test_the_newest_of_a_long_history_cost_no_more_than_they_are(store, use, fill):
    """Of two thousand revisions 25 are read, with their pictures, and no other row."""
    first = await use.revise("t1")
    await use.paint(first)
    await store.finish_turn("t1", TurnStatus.DONE)
    fill(*await rows_of(store, first))
    loaded: list[object] = []

    def note(row: object, context: object) -> None:
        del context
        loaded.append(row)

    for table in (RevisionRow, ImageRow):
        event.listen(table, "load", note)
    try:
        newest = await store.history(first.conversation, 25)
        assert await store.count_revisions(first.conversation) == REVISIONS + 1
    finally:
        for table in (RevisionRow, ImageRow):
            event.remove(table, "load", note)
    assert [one.id for one in newest] == [f"r{number:09}" for number in range(REVISIONS - 25, REVISIONS)]
    assert all(one.images for one in newest)
    assert len(loaded) == 50


async def rows_of(store, revision):
    """The columns of a revision's rows, but for those that are of one row alone."""

    def read(session):
        turn = session.get(TurnRow, revision.turn_id)
        (row,) = session.query(RevisionRow).filter_by(id=revision.id)
        found = [vars(one) for one in (turn, row, row.images[0])]
        return [{name: value for name, value in one.items() if name not in HIDDEN} for one in found]

    return await store._database.read(read)


HIDDEN = ("_sa_instance_state", "key", "images")
