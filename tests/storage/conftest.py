"""A scene and an open store for the tests of storage."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from canvas import Canvas, GlobalDescription, LocalDescription, Repair
from storage.scene import Scene, SceneSettings
from storage.store import ConversationKey, Store

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


@pytest.fixture
def scene() -> Scene:
    return Scene(HARBOUR, SceneSettings(width_px=640, height_px=512, seed=2**32 - 1, guidance=3.5))


@pytest.fixture
def conversation() -> ConversationKey:
    return ConversationKey("web", "tab-1")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "data")
    yield opened
    await opened.close()
