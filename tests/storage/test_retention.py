"""What is removed, and that nothing else is, on real databases."""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from storage.database import connect, parse_url, sqlite_url
from storage.errors import NotFound
from storage.files import ImageFiles
from storage.models import PictureRow
from storage.pictures import Pictures
from storage.records import ConversationKey, PersonKey, Post, PostKind, TurnStage, TurnStatus
from storage.retention import BATCH, remove_outlived
from storage.store import Store

ADA, BOB = PersonKey("web", "ada"), PersonKey("web", "bob")
TAB, OTHER_TAB = ConversationKey("web", "tab-1"), ConversationKey("web", "tab-2")
DAY = timedelta(days=1)


def now():
    return datetime.now(UTC)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.png") if path.is_file()]


async def test_old_pictures_go_and_their_scenes_stay(store, use):
    """Images from before the moment are removed with their bytes; their revision and younger ones stay."""
    revision = await use.revise("t1")
    old = await use.paint(revision, b"old", index=0)
    path = await store.image_path(old.id)
    moment = now()
    young = await use.paint(revision, b"young", index=1)
    assert await store.remove_pictures(moment) == 1
    assert (await store.revision(revision.id)).images == (young,)
    assert (await store.image_path(young.id)).read_bytes() == b"young"
    assert not path.exists()
    with pytest.raises(NotFound):
        await store.image_path(old.id)
    assert await store.remove_pictures(moment) == 0


async def test_bytes_that_another_image_has_stay(store, use):
    """The same bytes are kept once, and as long as any image has them."""
    old = await use.paint(await use.revise("t1"), b"same")
    moment = now()
    young = await use.paint(await use.revise("t2"), b"same")
    assert await store.remove_pictures(moment) == 1
    assert (await store.image_path(young.id)).read_bytes() == b"same"
    assert old.file_key == young.file_key


async def test_more_than_a_batch_of_pictures_is_removed(store, use):
    """However many there are, all old pictures go."""
    revision = await use.revise("t1")
    for index in range(BATCH + 1):
        await use.paint(revision, b"same", index)
    assert await store.remove_pictures(now() + DAY) == BATCH + 1
    assert (await store.revision(revision.id)).images == ()


async def test_a_picture_that_is_stored_meanwhile_keeps_its_bytes(store, other_store, use):
    """Bytes that one process removes and another stores again at that moment are there afterwards."""
    for number in range(8):
        revision = await use.revise(f"t{number}")
        await use.paint(revision, b"same", index=0)
        _, again = await asyncio.gather(
            other_store.remove_pictures(now()), use.paint(revision, b"same", index=1)
        )
        left = (await store.revision(revision.id)).images
        if again in left:
            assert (await store.image_path(again.id)).read_bytes() == b"same"


async def test_old_conversations_go_with_all_they_hold(tmp_path, store, use):
    """A conversation whose newest turn is old is removed; a younger and a running one stay whole."""
    root = await use.revise("old-1")
    await use.paint(await use.revise("old-2", root.id))
    for turn_id in ("old-1", "old-2"):
        await store.finish_turn(turn_id, TurnStatus.DONE)
    running = ConversationKey("web", "running")
    await use.ask("running", conversation=running)
    kept = await use.revise("first", conversation=OTHER_TAB)
    await store.finish_turn("first", TurnStatus.DONE)
    moment = now()
    young = await use.revise("second", kept.id, conversation=OTHER_TAB)
    await store.finish_turn("second", TurnStatus.DONE)
    assert set(await store.remove_conversations(moment)) == {"old-1", "old-2"}
    assert (await store.head(TAB), await store.history(TAB), await store.turns(TAB)) == (None, (), ())
    with pytest.raises(NotFound):
        await store.turn("old-1")
    assert await store.history(OTHER_TAB) == (kept, young)
    assert [turn.id for turn in await store.turns(running)] == ["running"]
    assert files_in(tmp_path) == []
    assert await store.remove_conversations(moment) == ()


def test_a_long_living_conversation_is_looked_at_once(tmp_path, steps_with_turns):
    """Eight times as many turns take about eight times as long, not sixty-four times: others wait for it."""
    pictures = Pictures(ImageFiles(tmp_path / "images"), in_database=False)

    def look(session: Session) -> None:
        """All of the conversation's turns are old but the last one."""
        assert remove_outlived(session, pictures, now() - DAY / 2) == []

    assert steps_with_turns(4000, look) < 20 * steps_with_turns(500, look)


async def test_everything_of_a_person_is_forgotten(tmp_path, store, use):
    """Turns, also running ones, revisions, files, usage, language and place are gone; nothing of others."""
    mine = await use.paint(await use.revise("mine"), b"mine", paint_s=2.0)
    await store.image_path(mine.id)
    await use.ask("running")
    await store.begin_stage("running", TurnStage.COMPOSING)
    await store.set_language(ADA, "zh")
    await store.set_language(BOB, "en")
    theirs = await use.revise("theirs", person=BOB, conversation=OTHER_TAB)
    image = await use.paint(theirs, b"theirs")
    await store.image_path(image.id)
    assert set(await store.forget(ADA)) == {"mine", "running"}
    assert await store.language(ADA) is None
    assert (await store.history(TAB), await store.turns(TAB)) == ((), ())
    standing = await use.standing(ADA)
    assert (standing.own_open, standing.own_finish, standing.pictures_today, standing.gpu_s_today) == (
        0,
        0,
        0,
        0.0,
    )
    with pytest.raises(NotFound):
        await store.image_path(mine.id)
    assert [path.read_bytes() for path in files_in(tmp_path)] == [b"theirs"]
    assert (await store.history(OTHER_TAB))[0].images == (image,)
    assert await store.language(BOB) == "en"
    assert await store.forget(ADA) == ()


async def test_messages_and_favourites_of_a_person_are_forgotten(store, use):
    """Posts to them or of what they made go, what they set and liked, and others' liking of their scenes."""
    mine = await use.revise("mine")
    theirs = await use.revise("theirs", person=BOB, conversation=OTHER_TAB)
    await store.add_post(Post("web", "c", "1", PostKind.RESULT, turn_id="mine", person=BOB))
    await store.add_post(Post("web", "c", "2", PostKind.PICTURE, revision_id=mine.id))
    await store.add_post(Post("web", "c", "3", PostKind.PANEL, person=ADA))
    kept = [Post("web", "c", "4", PostKind.RESULT, "theirs", theirs.id, BOB)]
    kept += [Post("web", "c", "5", PostKind.PANEL), Post("chat", "c", "3", PostKind.PANEL, person=ADA)]
    for post in kept:
        await store.add_post(post)
    for person in (ADA, BOB):
        await store.set_preferences(person, size="wide")
        for revision in (mine, theirs):
            await store.set_favourite(person, revision.id, is_favourite=True)
    assert await store.forget(ADA) == ("mine",)
    assert [await store.post("web", "c", f"{n}") for n in range(1, 6)] == [None, None, None, *kept[:2]]
    assert (await store.favourites(ADA), await store.preferences(ADA)) == ((), {})
    assert await store.favourites(BOB) == (theirs,)
    assert await store.preferences(BOB) == {"size": "wide"}


async def test_messages_that_show_nothing_grow_old(store, use):
    """Old conversations take their posts and favourites along; posts of nothing go when they are old."""
    revision = await use.revise("t1")
    await store.finish_turn("t1", TurnStatus.DONE)
    await store.add_post(Post("web", "c", "1", PostKind.RESULT, "t1", revision.id))
    await store.set_favourite(BOB, revision.id, is_favourite=True)
    await store.add_post(Post("web", "c", "2", PostKind.PANEL))
    running = await use.revise("t2", conversation=OTHER_TAB)
    shown = await store.add_post(Post("web", "c", "4", PostKind.PICTURE, revision_id=running.id))
    moment = now()
    young = await store.add_post(Post("web", "c", "3", PostKind.QUESTION))
    assert await store.remove_conversations(moment) == ("t1",)
    assert [await store.post("web", "c", f"{n}") for n in (1, 2, 3, 4)] == [None, None, young, shown]
    assert await store.favourites(BOB) == ()


async def test_what_others_made_of_it_becomes_a_root(store, use):
    """In a shared conversation a revision that descends from a forgotten one stays, without a parent."""
    root = await use.revise("mine")
    theirs = await use.revise("theirs", root.id, person=BOB)
    await use.ask("waiting", root.id, person=BOB)
    assert await store.forget(ADA) == ("mine",)
    (left,) = await store.history(TAB)
    assert (left.id, left.parent_id) == (theirs.id, None)
    assert await store.head(TAB) == left
    assert (await store.turn("waiting")).parent_id is None
    assert await store.lineage(theirs.id) == (left,)


async def test_a_forgotten_head_moves_to_what_is_left(store, use):
    """A head that is forgotten moves to its nearest ancestor that is left, past others that are forgotten."""
    theirs = await use.revise("theirs", person=BOB)
    mine = await use.revise("mine-1", theirs.id)
    await use.revise("aside", theirs.id, person=BOB)
    last = await use.revise("mine-2", mine.id)
    assert await store.head(TAB) == last
    await store.forget(ADA)
    assert await store.head(TAB) == theirs


async def test_more_than_a_batch_is_forgotten(store, use):
    """However much there is of a person, and however it is interwoven with others', all of it goes."""
    parent = None
    for number in range(BATCH + 1):
        person = BOB if number % 100 == 50 else ADA
        if number % 20 == 10:
            parent = (await use.revise(f"t{number}", parent, person=person)).id
        else:
            await use.ask(f"t{number}", parent, person=person)
    await use.ask("last")
    assert len(await store.forget(ADA)) == BATCH
    assert [revision.turn_id for revision in await store.history(TAB)] == ["t50", "t150"]
    head = await store.head(TAB)
    assert head is not None
    assert head.turn_id == "t150"
    assert await store.forget(ADA) == ()


async def test_forgetting_while_work_goes_on(store, other_store, use, scene):
    """What a worker stores of a turn that is being forgotten is refused as not found, or forgotten too."""
    for number in range(6):
        revision = await use.revise(f"r{number}")
        await use.ask(f"t{number}", revision.id)
        late = Post("web", "c", f"{number}", PostKind.RESULT, f"t{number}", revision.id)
        forgotten, *stored = await asyncio.gather(
            store.forget(ADA),
            other_store.add_post(late),
            other_store.set_favourite(BOB, revision.id, is_favourite=True),
            other_store.add_revision(f"t{number}", revision.id, scene),
            other_store.add_image(revision.id, index=0, seed=7, png=b"late", width_px=1, height_px=1),
            other_store.finish_turn(f"r{number}", TurnStatus.DONE),
            return_exceptions=True,
        )
        assert set(forgotten) == {f"r{number}", f"t{number}"}
        failures = [result for result in stored if isinstance(result, Exception)]
        assert all(isinstance(failure, NotFound) for failure in failures), failures
        assert await store.history(TAB) == ()
        assert await store.post_of_turn(f"t{number}") is None
        assert await store.favourites(BOB) == ()


async def test_what_a_crash_left_is_swept(tmp_path, database, use):
    """Old files that belong to no image are removed; young ones, and those of images, stay."""
    store = await Store.open(tmp_path / "data", database, pictures="files")
    try:
        revision = await use.revise("t1")
        image = await store.add_image(revision.id, index=0, seed=7, png=b"kept", width_px=1, height_px=1)
        kept = await store.image_path(image.id)
        folder = kept.parent.parent
        orphan, young = (folder / (digit * 2) / f"{digit * 64}.png" for digit in "ab")
        torn = folder / "aa" / ".writing-torn"
        for path in (orphan, young, torn):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"left behind")
        for path in (kept, orphan, torn):
            os.utime(path, (time.time() - 7200,) * 2)
        assert await store.sweep_files(older_than_s=3600) == 1
        assert not torn.exists()
        assert set(files_in(folder)) == {kept, young}
    finally:
        await store.close()


async def test_a_cache_is_swept(tmp_path, store, database, use):
    """With pictures in the database, a machine's files of images that another removed go with the sweep."""
    url = database or f"sqlite:///{tmp_path}/data/omost.db"
    elsewhere = await Store.open(tmp_path / "elsewhere", url, pictures="database")
    try:
        revision = await use.revise("t1")
        image = await elsewhere.add_image(revision.id, index=0, seed=7, png=b"x", width_px=1, height_px=1)
        path = await elsewhere.image_path(image.id)
        assert await elsewhere.sweep_files(older_than_s=-60) == 0
        assert await store.remove_pictures(now() + DAY) == 1
        assert path.exists()
        assert await elsewhere.sweep_files(older_than_s=-60) == 1
        assert not path.exists()
    finally:
        await elsewhere.close()


async def test_rows_without_an_image_are_swept(tmp_path, store, database):
    """Bytes in the database that no image names are removed when they are old."""
    engine = connect(parse_url(database) if database else sqlite_url(tmp_path / "data" / "omost.db"))
    with engine.begin() as connection:
        for key, age in (("old", DAY), ("young", timedelta(0))):
            connection.execute(insert(PictureRow).values(key=key, png=b"", created_at=now() - age))
    assert await store.sweep_files() == 1
    with engine.connect() as connection:
        assert list(connection.scalars(select(PictureRow.key))) == ["young"]
    engine.dispose()


async def test_a_language_outlives_the_conversations(store, use):
    """Who chose a language keeps it when all their conversations are removed; who did not leaves nothing."""
    await use.ask("t1")
    await use.ask("t2", person=BOB)
    await store.set_language(BOB, "zh")
    for turn_id in ("t1", "t2"):
        await store.finish_turn(turn_id, TurnStatus.DONE)
    await store.remove_conversations(now() + 2 * DAY)
    assert await store.language(BOB) == "zh"
    assert (await use.standing(ADA)).own_finish == 0
    assert (await use.standing(BOB)).own_finish == 100
