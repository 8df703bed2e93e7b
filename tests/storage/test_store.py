"""The store on a real SQLite database."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.database import connect, sqlite_url
from storage.errors import NotFound, StorageFailed
from storage.migrations import upgrade
from storage.records import PersonKey
from storage.scene import Scene
from storage.store import ConversationKey, Revision, Store, TurnStatus


async def revise(
    store: Store, conversation: ConversationKey, turn_id: str, parent_id: str | None, scene: Scene
) -> Revision:
    await store.begin_turn(turn_id, conversation, f"prompt of {turn_id}", parent_id)
    return await store.add_revision(turn_id, parent_id, scene)


async def test_a_turn_is_remembered_as_it_was_begun(store: Store, conversation: ConversationKey):
    """A new turn runs, has no revision, and carries its prompt in any language and the time in UTC."""
    turn, is_new = await store.begin_turn("t1", conversation, '灯塔 🗼 at "dusk"', None)
    assert is_new
    assert turn == await store.turn("t1")
    assert (turn.prompt, turn.status, turn.revision_id) == ('灯塔 🗼 at "dusk"', TurnStatus.RUNNING, None)
    assert turn.conversation == conversation
    assert turn.created_at.tzinfo is UTC
    assert abs(datetime.now(UTC) - turn.created_at) < timedelta(minutes=1)


async def test_what_no_database_takes_is_left_out(store: Store, conversation: ConversationKey):
    """Half of a surrogate pair and NUL, which JSON brings in, do not keep a turn from being stored."""
    turn, _ = await store.begin_turn("t\ud800", conversation, "cut \ud83d off\0", None)
    assert turn.prompt == "cut ? off"
    await store.finish_turn("t\ud800", TurnStatus.DONE, remark="\udfff!")
    assert (await store.turn("t\ud800")).remark == "?!"


async def test_the_same_id_begins_one_turn(store: Store, conversation: ConversationKey):
    """Of many simultaneous beginnings with one id exactly one is new, and all see the same turn."""
    begun = await asyncio.gather(
        *(store.begin_turn("once", conversation, "a lighthouse", None) for _ in range(12))
    )
    assert [is_new for _, is_new in begun].count(True) == 1
    assert len({turn for turn, _ in begun}) == 1


async def test_two_processes_share_a_database(
    tmp_path: Path, store: Store, conversation: ConversationKey, scene: Scene
):
    """Two stores on one file write at the same time without losing or refusing anything."""
    other = await Store.open(tmp_path / "data")
    try:
        await asyncio.gather(
            *(revise(store, conversation, f"a{n}", None, scene) for n in range(8)),
            *(revise(other, conversation, f"b{n}", None, scene) for n in range(8)),
        )
        assert len(await store.history(conversation)) == 16
        assert await store.history(conversation) == await other.history(conversation)
    finally:
        await other.close()


async def test_a_revision_keeps_its_scene(store: Store, conversation: ConversationKey, scene: Scene):
    """Canvas, repairs and settings come back as they were stored, and the revision is the head."""
    revision = await revise(store, conversation, "t1", None, scene)
    assert revision.scene == scene
    assert revision.scene.canvas.repairs == scene.canvas.repairs
    assert (revision.prompt, revision.turn_id) == ("prompt of t1", "t1")
    assert await store.head(conversation) == revision == await store.revision(revision.id)
    assert (await store.turn("t1")).revision_id == revision.id


async def test_revision_ids_fit_file_names(store: Store, conversation: ConversationKey, scene: Scene):
    """An id is ten characters of a-z and 2-7, and no two are equal."""
    ids = {(await revise(store, conversation, f"t{n}", None, scene)).id for n in range(5)}
    assert len(ids) == 5
    for revision_id in ids:
        assert len(revision_id) == 10
        assert set(revision_id) <= set("abcdefghijklmnopqrstuvwxyz234567")


async def test_a_turn_makes_one_revision(store: Store, conversation: ConversationKey, scene: Scene):
    """A second revision for a turn is refused, and the first one stays the head."""
    first = await revise(store, conversation, "t1", None, scene)
    with pytest.raises(StorageFailed):
        await store.add_revision("t1", None, scene)
    assert await store.head(conversation) == first


async def test_the_history_is_a_tree(store: Store, conversation: ConversationKey, scene: Scene):
    """Branches share their root; the lineage of a leaf names its own way only, root first."""
    root = await revise(store, conversation, "root", None, scene)
    left = await revise(store, conversation, "left", root.id, scene)
    right = await revise(store, conversation, "right", root.id, scene)
    leaf = await revise(store, conversation, "leaf", left.id, scene)
    assert await store.history(conversation) == (root, left, right, leaf)
    assert await store.lineage(leaf.id) == (root, left, leaf)
    assert await store.lineage(root.id) == (root,)


async def test_conversations_are_apart(store: Store, conversation: ConversationKey, scene: Scene):
    """Neither head nor history of a conversation shows another's, and its revisions are no parents here."""
    other = ConversationKey("web", "tab-2")
    theirs = await revise(store, other, "theirs", None, scene)
    assert await store.head(conversation) is None
    assert await store.history(conversation) == ()
    with pytest.raises(NotFound):
        await store.begin_turn("mine", conversation, "", theirs.id)
    with pytest.raises(NotFound):
        await store.move_head(conversation, theirs.id)
    with pytest.raises(NotFound):
        await store.turn("mine")


async def test_the_head_moves_and_nothing_is_lost(store: Store, conversation: ConversationKey, scene: Scene):
    """Moving the head, also to nothing, leaves the history as it is."""
    root = await revise(store, conversation, "root", None, scene)
    child = await revise(store, conversation, "child", root.id, scene)
    await store.move_head(conversation, root.id)
    assert await store.head(conversation) == root
    await store.move_head(conversation, None)
    assert await store.head(conversation) is None
    assert await store.history(conversation) == (root, child)


async def test_images_belong_to_their_revision(store: Store, conversation: ConversationKey, scene: Scene):
    """Pictures come with their revision by index, and each one's bytes lie where its path says."""
    revision = await revise(store, conversation, "t1", None, scene)
    late = await store.add_image(revision.id, index=1, seed=2**32, png=b"two", width_px=64, height_px=48)
    early = await store.add_image(revision.id, index=0, seed=7, png=b"one", width_px=64, height_px=48)
    assert (await store.revision(revision.id)).images == (early, late)
    assert late.seed == 2**32
    assert (await store.image_path(late.id)).read_bytes() == b"two"
    assert (await store.image_path(early.id)).read_bytes() == b"one"


async def test_a_lost_file_is_not_found(store: Store, conversation: ConversationKey, scene: Scene):
    """The path of a picture whose file is gone is `NotFound`, not a path to nothing."""
    revision = await revise(store, conversation, "t1", None, scene)
    image = await store.add_image(revision.id, index=0, seed=7, png=b"one", width_px=1, height_px=1)
    (await store.image_path(image.id)).unlink()
    with pytest.raises(NotFound) as caught:
        await store.image_path(image.id)
    assert caught.value.what == "file"


async def test_a_turn_ends_with_what_it_said(store: Store, conversation: ConversationKey):
    """Status, remark and error are kept."""
    await store.begin_turn("t1", conversation, "", None)
    await store.finish_turn("t1", TurnStatus.FAILED, remark="I tried.", error='{"error": "Internal"}')
    turn = await store.turn("t1")
    assert (turn.status, turn.remark, turn.error) == (
        TurnStatus.FAILED,
        "I tried.",
        '{"error": "Internal"}',
    )


async def test_only_running_turns_are_failed(store: Store, conversation: ConversationKey):
    """What a crash left running is failed; what had ended stays as it was."""
    for turn_id in ("done", "hanging", "hanging-too"):
        await store.begin_turn(turn_id, conversation, "", None)
    await store.finish_turn("done", TurnStatus.DONE)
    assert await store.fail_running("why") == 2
    assert (await store.turn("done")).status is TurnStatus.DONE
    assert (await store.turn("hanging")).error == "why"
    assert await store.fail_running("why") == 0


@pytest.mark.parametrize("what", ["turn", "revision", "image"])
async def test_unknown_ids_are_not_found(store: Store, what: str, scene: Scene):
    """Asking for, and writing to, what is not there says what was not found."""
    reading = {"turn": store.turn, "revision": store.lineage, "image": store.image_path}
    writing = {
        "turn": lambda: store.add_revision("no", None, scene),
        "revision": lambda: store.add_image("no", index=0, seed=0, png=b"", width_px=1, height_px=1),
        "image": lambda: store.image_path("no"),
    }
    for missing in (reading[what]("no"), writing[what]()):
        with pytest.raises(NotFound) as caught:
            await missing
        assert (caught.value.what, caught.value.id) == (what, "no")


async def test_everything_outlives_the_process(
    tmp_path: Path, store: Store, conversation: ConversationKey, scene: Scene
):
    """A store opened again on the same folder has the same history, head and files."""
    revision = await revise(store, conversation, "t1", None, scene)
    await store.add_image(revision.id, index=0, seed=7, png=b"one", width_px=1, height_px=1)
    before = await store.history(conversation)
    await store.close()
    again = await Store.open(tmp_path / "data")
    try:
        assert await again.history(conversation) == before
        assert (await again.image_path(before[0].images[0].id)).read_bytes() == b"one"
    finally:
        await again.close()


async def test_a_person_has_a_language(store: Store):
    """The language that a person chose last is remembered, per platform."""
    person = PersonKey("telegram", "42")
    assert await store.language(person) is None
    await store.set_language(person, "zh")
    await store.set_language(person, "en")
    assert await store.language(person) == "en"
    assert await store.language(PersonKey("discord", "42")) is None


async def test_sqlite_keeps_references_and_a_write_ahead_log(tmp_path: Path):
    """Connections to SQLite check foreign keys, wait for a lock, and use a write-ahead log."""
    upgrade(sqlite_url(tmp_path / "omost.db"))
    engine = connect(sqlite_url(tmp_path / "omost.db"))
    async with engine.connect() as connection:
        pragmas = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("foreign_keys", "journal_mode", "busy_timeout")
        }
    await engine.dispose()
    assert pragmas == {"foreign_keys": 1, "journal_mode": "wal", "busy_timeout": 30_000}


async def test_a_folder_that_cannot_be_is_storage_failed(tmp_path: Path):
    """A data folder under a plain file is refused with the operating system's words."""
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageFailed, match=r"Not a directory|File exists"):
        await Store.open(tmp_path / "file" / "data")


async def test_a_database_that_cannot_be_written_is_storage_failed(tmp_path: Path):
    """What no waiting mends is refused at once, in the database's words."""
    (tmp_path / "omost.db").mkdir()
    async with asyncio.timeout(10):
        with pytest.raises(StorageFailed, match=r"^unable to open database file$"):
            await Store.open(tmp_path)


async def test_a_database_that_is_none_is_storage_failed(tmp_path: Path):
    """A file that is no database is refused with the database's words, without a query in them."""
    (tmp_path / "omost.db").write_bytes(b"these are not tables" * 100)
    with pytest.raises(StorageFailed, match=r"^file is not a database$"):
        await Store.open(tmp_path)


async def test_cancelling_a_write_leaves_the_store_whole(
    store: Store, conversation: ConversationKey, scene: Scene
):
    """A write that is called off at any of its awaits happens wholly or not at all, and blocks no other."""
    for turns_of_the_loop in range(25):
        turn_id = f"t{turns_of_the_loop}"
        await store.begin_turn(turn_id, conversation, "", None)
        writing = asyncio.create_task(store.add_revision(turn_id, None, scene))
        for _ in range(turns_of_the_loop):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])
        stored = (await store.turn(turn_id)).revision_id
        if stored is None:
            stored = (await store.add_revision(turn_id, None, scene)).id
        head = await store.head(conversation)
        assert head is not None
        assert head.id == stored
