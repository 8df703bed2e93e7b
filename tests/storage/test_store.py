"""The store on real databases: turns, revisions, images, heads and preferences."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.errors import NotFound
from storage.records import ConversationKey, PersonKey, TurnStage, TurnStatus
from storage.results import LINEAGE
from storage.store import Store

BOB = PersonKey("telegram", "42")


async def test_a_turn_is_remembered_as_it_was_begun(store, use, conversation):
    """A new turn waits, has no revision, and carries its person, words of any language, and the time."""
    request = {"kind": "compose", "nested": {"steps": [1, 2.5, None, "灯塔"]}}
    turn = await use.ask("t1", person=BOB, prompt='灯塔 🗼 at "dusk"', request=request, pictures=3)
    assert turn == await store.turn("t1")
    assert (turn.prompt, turn.person, turn.conversation) == ('灯塔 🗼 at "dusk"', BOB, conversation)
    assert (turn.request, turn.pictures) == (request, 3)
    assert (turn.status, turn.stage, turn.attempts, turn.economy) == (
        TurnStatus.RUNNING,
        TurnStage.WAITING,
        0,
        0,
    )
    assert turn.revision_id is None
    assert turn.created_at.tzinfo is UTC
    assert abs(datetime.now(UTC) - turn.created_at) < timedelta(minutes=1)


async def test_what_no_database_takes_is_left_out(store, use, scene):
    """Half of a surrogate pair and NUL, which JSON brings in, do not keep a turn from being stored."""
    turn = await use.ask("t\ud800", prompt="cut \ud83d off\0", request={"prompt": "\ud83d\0"})
    assert turn.prompt == "cut ? off"
    assert turn.request == {"prompt": "\ud83d\0"}
    await store.add_revision("t\ud800", None, scene, remark="\udfff!")
    assert (await store.turn("t\ud800")).remark == "?!"


async def test_a_revision_keeps_its_scene(store, use, conversation, scene):
    """Canvas, repairs and settings come back as they were stored, and the revision is the head."""
    revision = await use.revise("t1")
    assert revision.scene == scene
    assert revision.scene.canvas.repairs == scene.canvas.repairs
    assert (revision.prompt, revision.turn_id) == ("prompt of t1", "t1")
    assert await store.head(conversation) == revision == await store.revision(revision.id)
    assert (await store.turn("t1")).revision_id == revision.id


async def test_revision_ids_fit_file_names(use):
    """An id is ten characters of a-z and 2-7, and no two are equal."""
    ids = {(await use.revise(f"t{n}")).id for n in range(5)}
    assert len(ids) == 5
    for revision_id in ids:
        assert len(revision_id) == 10
        assert set(revision_id) <= set("abcdefghijklmnopqrstuvwxyz234567")


async def test_a_turn_makes_one_revision(store, use, conversation, scene):
    """A second revision of a turn is the first one, and neither remark nor head nor usage change."""
    await use.ask("t1")
    first = await store.add_revision("t1", None, scene, remark="first", compose_s=2.0)
    later = await use.revise("t2", first.id)
    assert await store.add_revision("t1", None, scene, remark="second", compose_s=2.0) == first
    assert await store.head(conversation) == later
    assert (await store.turn("t1")).remark == "first"
    assert (await use.standing()).gpu_s_today == 2.0


async def test_two_workers_make_one_revision(store, other_store, use, scene, conversation):
    """Of many workers that store the same turn's revision at once, all get the same one."""
    await use.ask("t1")
    made = await asyncio.gather(
        *(one.add_revision("t1", None, scene, compose_s=1.0) for one in [store, other_store] * 3)
    )
    assert len({revision.id for revision in made}) == 1
    assert len(await store.history(conversation)) == 1
    assert (await use.standing()).gpu_s_today == 1.0


async def test_a_turn_that_ended_moves_no_head(store, use, conversation, scene):
    """What a late worker composed for a turn that was called off is kept, and the conversation stays."""
    head = await use.revise("t1")
    await use.ask("t2", head.id)
    await store.finish_turn("t2", TurnStatus.CANCELLED)
    late = await store.add_revision("t2", head.id, scene)
    assert await store.head(conversation) == head
    assert (await store.history(conversation)) == (head, late)


async def test_the_history_is_a_tree(store, use, conversation):
    """Branches share their root; the lineage of a leaf names its own way only, root first."""
    root = await use.revise("root")
    left = await use.revise("left", root.id)
    right = await use.revise("right", root.id)
    leaf = await use.revise("leaf", left.id)
    assert await store.history(conversation) == (root, left, right, leaf)
    assert await store.lineage(leaf.id) == (root, left, leaf)
    assert await store.lineage(root.id) == (root,)


async def test_a_long_lineage_is_told_from_both_ends(store, use):
    """Of hundreds of changes the first and the newest are read, however many lie between."""
    way = [await use.revise("t0")]
    for number in range(1, LINEAGE + 3):
        way.append(await use.revise(f"t{number}", way[-1].id))
    assert await store.lineage(way[LINEAGE - 1].id) == (*way[:LINEAGE],)
    assert await store.lineage(way[-1].id) == (way[0], *way[-LINEAGE:])


async def test_conversations_are_apart(store, use, conversation):
    """Neither head nor history of a conversation shows another's, and its revisions are no parents here."""
    theirs = await use.revise("theirs", conversation=ConversationKey("web", "tab-2"))
    assert await store.head(conversation) is None
    assert await store.history(conversation) == ()
    assert await store.turns(conversation) == ()
    with pytest.raises(NotFound):
        await use.ask("mine", theirs.id)
    with pytest.raises(NotFound):
        await store.move_head(conversation, theirs.id)
    with pytest.raises(NotFound):
        await store.turn("mine")


async def test_the_newest_turns_are_listed(store, use, conversation):
    """The turns of a conversation come oldest first; with a limit, the newest of them."""
    turns = [await use.ask(f"t{n}") for n in range(4)]
    assert await store.turns(conversation) == tuple(turns)
    assert await store.turns(conversation, limit=2) == tuple(turns[2:])


async def test_the_head_moves_and_nothing_is_lost(store, use, conversation):
    """Moving the head, also to nothing, leaves the history as it is."""
    root = await use.revise("root")
    child = await use.revise("child", root.id)
    await store.move_head(conversation, root.id)
    assert await store.head(conversation) == root
    await store.move_head(conversation, None)
    assert await store.head(conversation) is None
    assert await store.history(conversation) == (root, child)


async def test_images_belong_to_their_revision(store, use):
    """Pictures come with their revision by index, and each one's bytes lie where its path says."""
    revision = await use.revise("t1")
    late = await store.add_image(revision.id, index=1, seed=2**32, png=b"two", width_px=64, height_px=48)
    early = await store.add_image(revision.id, index=0, seed=7, png=b"one", width_px=64, height_px=48)
    assert (await store.revision(revision.id)).images == (early, late)
    assert late.seed == 2**32
    assert (await store.image_path(late.id)).read_bytes() == b"two"
    assert (await store.image_path(early.id)).read_bytes() == b"one"


async def test_an_index_has_one_image(store, other_store, use):
    """Of many workers that store the same picture at once all get the same one, and it is counted once."""
    revision = await use.revise("t1")
    painted = await asyncio.gather(
        *(
            one.add_image(revision.id, index=0, seed=7, png=png, width_px=1, height_px=1, paint_s=3.0)
            for one in (store, other_store)
            for png in (b"one", b"other")
        )
    )
    assert len({image.id for image in painted}) == 1
    assert (await store.revision(revision.id)).images == (painted[0],)
    standing = await use.standing()
    assert (standing.pictures_today, standing.gpu_s_today) == (1, 3.0)


async def test_every_process_sees_the_pictures(other_store, use):
    """What one process stored has a path in another, also on a machine without its files."""
    image = await use.paint(await use.revise("t1"), b"picture")
    assert (await other_store.image_path(image.id)).read_bytes() == b"picture"


async def test_pictures_in_the_database_need_no_file(tmp_path: Path, database, use):
    """With pictures in the database the folder is a cache: what is missing in it is fetched again."""
    in_database = await Store.open(
        tmp_path / "elsewhere", database or f"sqlite:///{tmp_path}/data/omost.db", pictures="database"
    )
    try:
        revision = await use.revise("t1")
        image = await in_database.add_image(
            revision.id, index=0, seed=7, png=b"in rows", width_px=1, height_px=1
        )
        (await in_database.image_path(image.id)).unlink()
        assert (await in_database.image_path(image.id)).read_bytes() == b"in rows"
    finally:
        await in_database.close()


async def test_a_lost_file_is_not_found(tmp_path: Path, use, database):
    """The path of a picture whose file is gone is `NotFound`, not a path to nothing."""
    files = await Store.open(tmp_path / "data", database, pictures="files")
    try:
        revision = await use.revise("t1")
        image = await files.add_image(revision.id, index=0, seed=7, png=b"one", width_px=1, height_px=1)
        (await files.image_path(image.id)).unlink()
        with pytest.raises(NotFound) as caught:
            await files.image_path(image.id)
        assert caught.value.what == "file"
    finally:
        await files.close()


async def test_a_turn_ends_once(store, use):
    """The first end of a turn counts: status and error are kept, and a later one changes nothing."""
    await use.ask("t1")
    assert await store.finish_turn("t1", TurnStatus.FAILED, error='{"error": "Internal"}')
    assert not await store.finish_turn("t1", TurnStatus.DONE)
    turn = await store.turn("t1")
    assert (turn.status, turn.error) == (TurnStatus.FAILED, '{"error": "Internal"}')


async def test_one_of_many_ends_a_turn(store, other_store, use):
    """Of many processes that end a turn at once, one did."""
    await use.ask("t1")
    ends = [one.finish_turn("t1", TurnStatus.DONE) for one in [store, other_store] * 4]
    assert (await asyncio.gather(*ends)).count(True) == 1


@pytest.mark.parametrize("what", ["turn", "revision", "image"])
async def test_unknown_ids_are_not_found(store, what: str, scene):
    """Asking for, and writing to, what is not there says what was not found."""
    calls = {
        "turn": [
            lambda: store.turn("no"),
            lambda: store.begin_stage("no", TurnStage.COMPOSING),
            lambda: store.add_revision("no", None, scene),
            lambda: store.set_economy("no", 1),
            lambda: store.finish_turn("no", TurnStatus.DONE),
        ],
        "revision": [
            lambda: store.lineage("no"),
            lambda: store.add_image("no", index=0, seed=0, png=b"", width_px=1, height_px=1),
        ],
        "image": [lambda: store.image_path("no")],
    }
    for call in calls[what]:
        with pytest.raises(NotFound) as caught:
            await call()
        assert (caught.value.what, caught.value.id) == (what, "no")


async def test_everything_outlives_the_process(tmp_path: Path, store, use, database, conversation):
    """A store opened again on the same folder has the same history, turns and files."""
    await use.paint(await use.revise("t1", request={"a": 1}))
    before, turns = await store.history(conversation), await store.turns(conversation)
    await store.close()
    again = await Store.open(tmp_path / "data", database)
    try:
        assert await again.history(conversation) == before
        assert await again.turns(conversation) == turns
        assert (await again.image_path(before[0].images[0].id)).read_bytes() == b"one"
    finally:
        await again.close()


async def test_a_person_has_a_language(store, use):
    """The language that a person chose last is remembered, per platform; asking alone chooses none."""
    assert await store.language(BOB) is None
    await use.ask("t1", person=BOB)
    assert await store.language(BOB) is None
    await store.set_language(BOB, "zh")
    await store.set_language(BOB, "en")
    assert await store.language(BOB) == "en"
    assert await store.language(PersonKey("discord", "42")) is None


async def test_cancelling_a_write_leaves_the_store_whole(store, use, conversation, scene):
    """A write that is called off at any of its awaits happens wholly or not at all, and blocks no other."""
    for turns_of_the_loop in range(25):
        turn_id = f"t{turns_of_the_loop}"
        await use.ask(turn_id)
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
