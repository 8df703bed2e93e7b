"""What the page's actions do without a browser: with whatever it sends, and where a request is refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest

from bot.replies import words
from bot.settings import PictureSettings, Settings
from bot.web.actions import Actions
from bot.web.layout import lay_out
from bot.web.server import build_app
from bot.web.visit import PLATFORM, Told, Visit
from canvas import write
from engine.errors import EmptyPrompt
from engine.jobs import ROLES, JobEngine, JobsPlace, sqlite_jobs_url
from engine.stages import Stages
from engine.studio import Studio
from storage.errors import DatabaseAway
from storage.records import Revision, TurnStatus
from storage.store import Store
from tests.bot.conftest import FAIR, ScriptedComposer, SmallRenderer, tell_nobody

CLOWN, TENT, _ = FAIR.local_descriptions
REGION = [CLOWN.description, "", CLOWN.location, CLOWN.offset, CLOWN.area, CLOWN.color, 2.0]
"""The fields of the form of a region."""
NEEDED = (0, 2, 4, 5)
"""Those of them that may not be empty."""
TOO_MANY = 99
"""So many pictures nobody may ask for at once."""


@pytest.fixture
async def actions(tmp_path: Path) -> AsyncIterator[Actions]:
    """The actions of a page whose scenes are composed and painted at once."""
    store = await Store.open(tmp_path)
    stages = Stages(
        store, composers={"embedded": ScriptedComposer()}, renderers={"storyboard": SmallRenderer()}
    )
    place = JobsPlace(sqlite_jobs_url(tmp_path), "bot-1", tmp_path, poll_s=0.05)
    settings = Settings(data_dir=tmp_path, picture=PictureSettings(width_px=256, height_px=320))
    spoken = words("en")
    with gr.Blocks():
        parts = lay_out(spoken, settings)
    async with (
        JobEngine(place, store, roles=ROLES, stages=stages, deliveries={PLATFORM: tell_nobody}) as jobs,
        Studio(store, jobs) as studio,
    ):
        yield Actions(studio, settings, spoken, parts)
    await store.close()


def panel(**changed: object) -> list[object]:
    """The fields of the settings panel, as a browser sends them."""
    values = {"width": 256, "height": 320, "seed": "", "count": 1, "composer": "embedded"}
    return list({**values, "renderer": "storyboard", **changed}.values())


async def done(updates: AsyncIterator[object]) -> None:
    """Lets an action, and what it follows, come to its end."""
    async for _ in updates:
        pass


def told(visit: Visit) -> str:
    """The newest that the page has said."""
    newest = visit.entries[-1]
    assert isinstance(newest, Told), newest
    return newest.sentence


async def begun(actions: Actions) -> Visit:
    """A tab with a picture of the fair."""
    visit = Visit("somebody")
    await done(actions.send(visit, None, "a fair", *panel()))
    assert await actions.studio.store.head(visit.conversation)
    return visit


async def test_a_text_that_is_null_is_an_empty_one(actions: Actions) -> None:
    """A browser can send null for any field: what is needed is missing, what is not needed is empty."""
    visit = await begun(actions)
    await done(actions.send(visit, None, None, *panel()))
    assert told(visit) == actions.words.error(EmptyPrompt())
    for nothing in NEEDED:
        fields: list[object] = [None if place == nothing else value for place, value in enumerate(REGION)]
        await done(actions.apply_region(visit, None, 0, *fields, *panel()))
        assert "missing" in told(visit), told(visit)
    await done(actions.apply_region(visit, None, 0, REGION[0], None, *REGION[2:], *panel(seed=None)))
    (turn,) = [each for each in await actions.studio.store.turns(visit.conversation) if each.parent_id]
    assert turn.status is TurnStatus.DONE


@pytest.mark.parametrize("name", ["seed", "composer", "renderer"])
async def test_a_setting_that_is_null_is_as_if_nobody_named_it(actions: Actions, name: str) -> None:
    """The picture is painted as the configuration says."""
    visit = Visit("somebody")
    await done(actions.send(visit, None, "a fair", *panel(**{name: None})))
    head = await actions.studio.store.head(visit.conversation)
    assert head
    assert head.scene.settings.renderer == "storyboard"


async def test_a_refused_request_leaves_the_locks_as_they_were(actions: Actions, tmp_path: Path) -> None:
    """What was locked stays so, and nothing else is: the picture that is shown is still the same."""
    visit = await begun(actions)
    visit.locks = frozenset({CLOWN.description})
    file = tmp_path / "fair.py"
    file.write_text(write(FAIR))
    renamed = ["a magician", *REGION[1:]]
    for refused in (
        actions.open_scene(visit, None, str(file), *panel(count=TOO_MANY)),
        actions.apply_region(visit, None, 0, *renamed, *panel(count=TOO_MANY)),
    ):
        await done(refused)
        assert "The number of pictures" in told(visit)
        assert visit.locks == {CLOWN.description}


async def test_a_refused_request_leaves_the_chosen_region(actions: Actions) -> None:
    """The form goes on showing the region that it showed."""
    visit = await begun(actions)
    visit.region = 1
    for refused in (
        actions.remove_region(visit, None, 1, *panel(count=TOO_MANY)),
        actions.add_region(visit, None, *REGION, *panel(count=TOO_MANY)),
    ):
        await done(refused)
        assert "The number of pictures" in told(visit)
        assert visit.region == 1


class Away:
    """A store whose database does not answer."""

    async def image_path(self, image_id: str) -> Path:
        raise DatabaseAway(image_id)

    async def revision(self, revision_id: str) -> Revision:
        raise DatabaseAway(revision_id)


async def test_a_picture_that_cannot_be_shown_is_an_empty_answer(actions: Actions) -> None:
    """Of a damaged file there is no small picture; while the database is away, there is nothing of any."""
    visit = await begun(actions)
    store = actions.studio.store
    head = await store.head(visit.conversation)
    assert head
    image_id = head.images[0].id
    (await store.image_path(image_id)).write_bytes(b"no picture")
    small, away = f"/pictures/{image_id}/thumbnail", SimpleNamespace(store=Away())
    addresses = (f"/pictures/{image_id}", small, f"/scenes/{head.id}")
    for studio, asked, status in ((actions.studio, (small,), 404), (away, addresses, 503)):
        transport = httpx.ASGITransport(build_app(studio, actions.settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answers = [await client.get(address) for address in asked]
        assert [(one.status_code, one.content) for one in answers] == [(status, b"")] * len(asked)
