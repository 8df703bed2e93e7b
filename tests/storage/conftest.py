"""A scene, and a store on each of the databases, for the tests of storage."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from canvas import Canvas, GlobalDescription, LocalDescription, Repair
from storage.database import connect, sqlite_url
from storage.migrations import upgrade
from storage.models import ConversationRow, PersonRow, TurnRow
from storage.records import (
    ConversationKey,
    NewTurn,
    PersonKey,
    Place,
    Revision,
    Standing,
    StoredImage,
    Turn,
    TurnStage,
    TurnStatus,
)
from storage.scene import Scene, SceneSettings
from storage.store import Store

ADA = PersonKey("web", "ada")
TAB = ConversationKey("web", "tab-1")

HARBOUR = Canvas(
    GlobalDescription(
        description="A harbour on a quiet evening.",
        detailed_descriptions=("Lanterns are lit — 灯火初上.", "The sea is flat."),
        tags="harbour, evening, sea",
        color="midnightblue",
    ),
    (
        LocalDescription(
            description="A lighthouse with a red lantern.",
            location="on the left",
            area="a small vertical area",
            distance_to_viewer=8.0,
            color="white",
        ),
        LocalDescription(
            description='A fishing boat\'s hull, tarred "black".',
            location="on the bottom-right",
            distance_to_viewer=2.5,
            color="black",
        ),
    ),
    repairs=(Repair(4, "location", "at the left", "on the left"),),
)


SCENE = Scene(HARBOUR, SceneSettings(width_px=640, height_px=512, seed=2**32 - 1, guidance=3.5))


def last_in_line(standing: Standing) -> Place:
    start = max(standing.served, standing.own_finish)
    return Place(start, start + 100)


@dataclass
class Use:
    """What people do with a store, in few words."""

    store: Store

    async def ask(
        self,
        turn_id: str,
        parent_id: str | None = None,
        *,
        person: PersonKey = ADA,
        conversation: ConversationKey = TAB,
        pictures: int = 1,
        request: Mapping[str, object] | None = None,
        prompt: str | None = None,
    ) -> Turn:
        words = f"prompt of {turn_id}" if prompt is None else prompt
        new = NewTurn(turn_id, conversation, person, words, parent_id, request or {}, pictures)
        turn, _ = await self.store.begin_turn(new, last_in_line)
        return turn

    async def revise(self, turn_id: str, parent_id: str | None = None, **who) -> Revision:
        await self.ask(turn_id, parent_id, **who)
        return await self.store.add_revision(turn_id, parent_id, SCENE)

    async def paint(
        self, revision: Revision, png: bytes = b"one", index: int = 0, paint_s=0.0
    ) -> StoredImage:
        return await self.store.add_image(
            revision.id, index=index, seed=7 + index, png=png, width_px=64, height_px=48, paint_s=paint_s
        )

    async def standing(self, person: PersonKey = ADA) -> Standing:
        """How a person stands, asked with a request that is refused."""

        def refuse(standing: Standing) -> Place:
            raise Refusal(standing)

        with pytest.raises(Refusal) as refusal:
            await self.store.begin_turn(NewTurn("refused", TAB, person, "", None, {}), refuse)
        return refusal.value.args[0]


class Refusal(Exception):
    """What `admit` raises; the argument is the standing."""


@pytest.fixture
def scene() -> Scene:
    return SCENE


@pytest.fixture
def conversation() -> ConversationKey:
    return TAB


@pytest.fixture(params=["sqlite", "postgres"])
def database(request) -> str | None:
    """The URL of each database in turn; None is SQLite in the data folder."""
    return request.getfixturevalue("postgres_url") if request.param == "postgres" else None


@pytest.fixture
async def store(tmp_path: Path, database) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "data", database)
    yield opened
    await opened.close()


@pytest.fixture
async def other_store(tmp_path: Path, database) -> AsyncIterator[Store]:
    """Another process's view of the same database; with PostgreSQL on a machine of its own."""
    opened = await Store.open(tmp_path / ("other-data" if database else "data"), database)
    yield opened
    await opened.close()


@pytest.fixture
def use(store) -> Use:
    return Use(store)


@pytest.fixture
def steps_with_turns(tmp_path: Path) -> Callable[[int, Callable[[Session], object]], int]:
    """Says how many thousands of instructions SQLite needs for some work, beside so many turns.

    They are one conversation's, one for each of the last days, and all of them are done.
    """

    def count(turns: int, work: Callable[[Session], object]) -> int:
        url = sqlite_url(tmp_path / f"{turns}.db")
        upgrade(url)
        engine, steps = connect(url), []
        with Session(engine) as session:
            session.execute(insert(PersonRow).values(key=1, platform="web", platform_id="ada", last_finish=0))
            session.execute(insert(ConversationRow).values(key=1, platform="web", chat_id="tab-1"))
            session.execute(insert(TurnRow), [done_turn(age) for age in reversed(range(turns))])
            driver = session.connection().connection.driver_connection
            driver.set_progress_handler(lambda: steps.append(1), 1000)
            work(session)
        engine.dispose()
        return len(steps)

    return count


def done_turn(age_days: int) -> dict[str, object]:
    moment = datetime.now(UTC) - timedelta(days=age_days)
    return {
        "id": f"t{age_days}",
        "conversation_key": 1,
        "person_key": 1,
        "prompt": "",
        "request": {},
        "pictures": 1,
        "place_start": 0,
        "place_finish": 1,
        "status": TurnStatus.DONE,
        "stage": TurnStage.PAINTING,
        "paint_s": 5.0,
        "created_at": moment,
        "ended_at": moment,
    }
