"""The studio with the backends that every machine has: from a prompt to pictures, and on from there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from canvas import regions
from engine.errors import NotUnderstood
from engine.events import Composed, ComposingText, Done, Event, Failed, Preview, RegionFinished
from engine.jobs import ROLES, JobEngine, JobsPlace, sqlite_jobs_url
from engine.stages import Stages
from engine.studio import Adopt, Compose, Order, Repaint, Studio
from storage.records import ConversationKey, PersonKey, Revision, Turn
from storage.scene import Scene, SceneSettings
from storage.scene_file import read_scene
from storage.store import Store

TAB = ConversationKey("web", "tab-1")
ANN = PersonKey("web", "ann")
SMALL = SceneSettings(width_px=320, height_px=384, seed=5)


@pytest.fixture
async def studio(store: Store, tmp_path: Path) -> AsyncIterator[Studio]:
    place = JobsPlace(sqlite_jobs_url(tmp_path), "test-1", tmp_path, poll_s=0.05)
    async with (
        JobEngine(place, store, roles=ROLES, stages=Stages(store), deliveries={"web": nothing}) as jobs,
        Studio(store, jobs) as opened,
    ):
        yield opened


async def nothing(turn: Turn) -> None:
    del turn


async def played(studio: Studio, order: Order) -> list[Event]:
    return await heard(studio, await studio.submit(order))


async def heard(studio: Studio, turn_id: str) -> list[Event]:
    return [event async for event in studio.events(turn_id)]


async def finished(studio: Studio, order: Order) -> Done:
    last = (await played(studio, order))[-1]
    assert isinstance(last, Done), last
    return last


async def pixels(store: Store, revision: Revision):
    with Image.open(await store.image_path(revision.images[0].id)) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.int16)


async def test_a_conversation_about_a_celebration(studio: Studio, store: Store):
    """A scene, a change, another seed, an undo and a branch: each gives a picture that carries its scene."""
    events = await played(studio, Compose("t1", TAB, ANN, "Happy Children's Day", SMALL))
    first = events[-1]
    assert isinstance(first, Done)
    assert len(first.revision.scene.canvas.local_descriptions) >= 3
    kinds = [type(event) for event in events]
    assert kinds.index(ComposingText) < kinds.index(RegionFinished) < kinds.index(Composed)
    assert await store.head(TAB) == first.revision
    data = (await store.image_path(first.revision.images[0].id)).read_bytes()
    assert read_scene(data) == Scene(first.revision.scene.canvas, SMALL)

    order = Compose("t2", TAB, ANN, "add a red kite on the left", SMALL, first.revision.id)
    kite = await finished(studio, order)
    assert kite.changes
    assert "kite" in " ".join(change.text for change in kite.changes)
    assert len(regions(kite.revision.scene.canvas)) == len(regions(first.revision.scene.canvas)) + 1

    settings = SceneSettings(width_px=320, height_px=384, seed=6)
    again = await finished(studio, Repaint("t3", TAB, ANN, kite.revision.id, settings))
    assert again.changes == ()
    difference = np.abs(await pixels(store, again.revision) - await pixels(store, kite.revision))
    assert difference.max() > 50

    assert await studio.undo(TAB) == kite.revision
    assert await studio.undo(TAB) == first.revision
    branch = await finished(studio, Compose("t4", TAB, ANN, "make it night", SMALL, first.revision.id))
    assert branch.revision.parent_id == first.revision.id
    assert [revision.id for revision in await store.history(TAB)] == [
        done.revision.id for done in (first, kite, again, branch)
    ]


async def test_the_planner_introduces_itself_once(studio: Studio):
    """A second new scene in the same conversation comes without the introduction; another tab's has it."""
    remarks = [
        await remark_of(studio, turn_id, chat_id)
        for turn_id, chat_id in [("web:i1", "tab-1"), ("web:i2", "tab-1"), ("web:i3", "tab-2")]
    ]
    assert "simple rules" in remarks[0]
    assert remarks[1] == ""
    assert "simple rules" in remarks[2]


async def remark_of(studio: Studio, turn_id: str, chat_id: str) -> str:
    order = Compose(turn_id, ConversationKey("web", chat_id), ANN, "a lighthouse", SMALL)
    return (await finished(studio, order)).turn.remark


async def test_the_same_seed_paints_the_same_picture(studio: Studio, store: Store):
    """A scene taken from a picture's file and adopted elsewhere gives the same picture."""
    first = await finished(studio, Compose("t1", TAB, ANN, "a lighthouse by the sea", SMALL))
    scene = read_scene((await store.image_path(first.revision.images[0].id)).read_bytes())
    elsewhere = ConversationKey("web", "tab-2")
    second = await finished(studio, Adopt("t2", elsewhere, ANN, scene.canvas, scene.settings))
    assert (await pixels(store, first.revision) == await pixels(store, second.revision)).all()


async def test_two_conversations_at_once(studio: Studio):
    """A batch and another conversation's scene are both painted, and seen before they are finished."""
    batch = SceneSettings(width_px=512, height_px=512, count=3)
    await studio.submit(Compose("t1", TAB, ANN, "a birthday party", batch))
    ben = PersonKey("web", "ben")
    other = played(studio, Compose("t2", ConversationKey("web", "tab-2"), ben, "a sunny beach", SMALL))
    events, others = await asyncio.gather(heard(studio, "t1"), other)
    assert Preview in {type(event) for event in [*events, *others]}
    first = events[-1]
    assert isinstance(first, Done)
    assert isinstance(others[-1], Done)
    assert [image.seed - batch.seed for image in first.revision.images] == [0, 1, 2]


async def test_what_the_planner_cannot_read_is_said(studio: Studio):
    """Words that name nothing are `NotUnderstood`, and nothing is stored as a scene."""
    failed = (await played(studio, Compose("t1", TAB, ANN, "123 456 ...", SMALL)))[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, NotUnderstood)
    assert await studio.store.head(TAB) is None
