"""A stage for the studio: a real store and job engine, and backends that follow a script."""

import asyncio
import inspect
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import pytest
from PIL import Image

from canvas import Canvas, GlobalDescription, LocalDescription, write
from engine.composer import ComposeRequest
from engine.composer.safety import Safety
from engine.errors import OutOfMemory
from engine.events import Done, Event
from engine.jobs import ROLES, JobEngine, JobsPlace, sqlite_jobs_url
from engine.orders import Limits
from engine.people import People
from engine.renderer import Base, Economy, RenderedImage, RenderEvent, RenderPreview, RenderStep
from engine.stages import Stages
from engine.studio import Compose, Order, Studio
from storage.records import ConversationKey, PersonKey, Revision, Turn, TurnStatus
from storage.scene import SceneSettings
from storage.store import Store
from tests.engine.rig.chat import ChatPlatform
from tests.engine.rig.nursery import Nursery

TIMEOUT_S = 120

POND = Canvas(
    GlobalDescription("A pond in spring.", tags="pond, spring", color="lightgreen"),
    (
        LocalDescription("A frog on a leaf.", location="on the left", color="green"),
        LocalDescription("A heron — 苍鹭.", location="on the right", color="gray", distance_to_viewer=9.0),
    ),
)
DUSK = replace(POND, global_description=replace(POND.global_description, description="A pond at dusk."))


@dataclass
class ScriptedComposer:
    """Gives its replies one after the other, the last one again and again; an exception is raised instead.

    With a gate it stops before the heron, or in the middle, until the gate opens.
    """

    replies: list[str | Exception]
    gate: asyncio.Event | None = None
    requests: list[ComposeRequest] = field(default_factory=list)
    is_composing: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0
    closed: int = 0

    async def compose(self, request: ComposeRequest) -> AsyncIterator[str]:
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            half = reply.index("A heron") if "A heron" in reply else len(reply) // 2
            for piece in in_odd_pieces(reply[:half]):
                yield piece
            self.is_composing.set()
            if self.gate:
                await self.gate.wait()
            for piece in in_odd_pieces(reply[half:]):
                yield piece
        finally:
            self.at_once -= 1
            self.closed += 1


@dataclass
class ScriptedRenderer:
    """Paints plain pictures in two steps each; with a gate, the second step waits for it.

    After `fails_after` pictures of a batch it raises; the gate may let that many pictures pass before. With
    less than the economy that it `needs`, it fits `fits` pictures into its memory.
    """

    gate: asyncio.Event | None = None
    gate_from: int = 0
    fails_after: int | None = None
    needs: Economy = Economy.NONE
    fits: int = 0
    is_bottomless: bool = False
    batches: list[tuple[int, int, Economy]] = field(default_factory=list)
    bases: list[Base | None] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    closed: int = 0

    async def render(
        self,
        canvas: Canvas,
        settings: SceneSettings,
        economy: Economy = Economy.NONE,
        base: Base | None = None,
    ) -> AsyncIterator[RenderEvent]:
        assert canvas in (POND, DUSK)
        self.batches.append((settings.seed, settings.count, economy))
        self.bases.append(base)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            for index in range(settings.count):
                if index == self.fails_after:
                    raise RuntimeError("out of paint")
                if index == self.fits and (economy < self.needs or self.is_bottomless):
                    raise OutOfMemory
                yield RenderStep(1, 2)
                yield RenderPreview(Image.new("RGB", (8, 8), "red"))
                if index >= self.gate_from:
                    self.has_begun.set()
                if self.gate and index >= self.gate_from:
                    await self.gate.wait()
                yield RenderStep(2, 2)
                yield RenderedImage(index, settings.seeds[index], plain_picture(settings, index))
        finally:
            self.at_once -= 1
            self.closed += 1


def plain_picture(settings: SceneSettings, index: int = 0) -> Image.Image:
    """What the scripted renderer paints: another seed is another colour."""
    color = (0, settings.seeds[index] % 256, 128)
    return Image.new("RGB", (settings.width_px, settings.height_px), color)


@dataclass
class ScriptedLayouts:
    """Paints plain layouts; with a gate, each one waits in its thread until the gate opens."""

    gate: threading.Event | None = None
    is_painting: threading.Event = field(default_factory=threading.Event)
    has_painted: threading.Event = field(default_factory=threading.Event)
    painted: list[Canvas] = field(default_factory=list)

    def hold(self) -> None:
        self.painted, self.gate = [], threading.Event()
        self.is_painting.clear()
        self.has_painted.clear()

    def paint(self, canvas: Canvas, width_px: int, height_px: int, seed: int) -> Image.Image:
        assert seed >= 0
        self.painted.append(canvas)
        self.is_painting.set()
        if self.gate:
            assert self.gate.wait(TIMEOUT_S)
        self.has_painted.set()
        return Image.new("RGB", (width_px, height_px), "white")


@dataclass
class Post:
    """What was delivered; the first `failures` deliveries fail before anything is delivered."""

    failures: int = 0
    tried: int = 0
    turns: list[Turn] = field(default_factory=list)

    async def deliver(self, turn: Turn) -> None:
        self.tried += 1
        if self.tried <= self.failures:
            raise ConnectionError("the platform is away")
        self.turns.append(turn)

    def of(self, turn_id: str) -> list[Turn]:
        return [turn for turn in self.turns if turn.id == turn_id]


class Stage:
    """A studio and a job engine with scripted backends, and what tests do with them."""

    POND, DUSK = POND, DUSK
    REPLY = f"Here is a quiet pond.\n```python\n{write(POND)}```\nShall I add a duck?"
    DUSK_REPLY = f"```python\n{write(DUSK)}```"
    SMALL = SceneSettings(width_px=256, height_px=320, seed=7)
    TAB = ConversationKey("web", "tab-1")
    OTHER_TAB = ConversationKey("web", "tab-2")
    ANN = PersonKey("web", "ann")
    BEN = PersonKey("web", "ben")
    CYD = PersonKey("web", "cyd")

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.folder = folder
        self.composer = ScriptedComposer([self.REPLY])
        self.renderer = ScriptedRenderer()
        self.layouts = ScriptedLayouts()
        self.post = Post()
        self.limits = Limits()
        self.people = People()
        self.safety = Safety()
        self.slots: dict[str, int] = {}
        self.attempts = 5
        self.executor_id = "test-1"
        self._open = AsyncExitStack()

    def studio_without_engine(self) -> Studio:
        """For orders that are refused before any job is started."""
        jobs = JobEngine(self.place(), self.store, roles=ROLES)
        return Studio(self.store, jobs, limits=self.limits, people=self.people, safety=self.safety)

    async def open(self) -> Self:
        """A job engine and a studio on the store."""
        stages = Stages(
            self.store,
            composers={"embedded": self.composer},
            renderers={"storyboard": self.renderer},
            paint_layout=self.layouts.paint,
            attempts=self.attempts,
            safety=self.safety,
        )
        self.jobs = JobEngine(
            self.place(),
            self.store,
            roles=ROLES,
            stages=stages,
            deliveries={"web": self.post.deliver},
            slots=self.slots,
        )
        self.studio = Studio(
            self.store, self.jobs, limits=self.limits, people=self.people, safety=self.safety
        )
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.jobs)
            await stack.enter_async_context(self.studio)
            self._open = stack.pop_all()
        return self

    async def close(self) -> None:
        """Ends studio and engine in good order; what runs stays where it is."""
        await self._open.aclose()

    async def restart(self, limits: Limits | None = None, people: People | None = None, **slots: int) -> None:
        """Closes both and opens others on the same store."""
        await self.close()
        self.limits = limits or self.limits
        self.people = people or self.people
        self.slots |= slots
        await self.open()

    def place(self) -> JobsPlace:
        return JobsPlace(sqlite_jobs_url(self.folder), self.executor_id, self.folder, poll_s=0.05)

    def compose(self, turn_id: str = "t1", conversation: ConversationKey = TAB, **changed: object) -> Compose:
        order = Compose(turn_id, conversation, self.ANN, "a pond", self.SMALL)
        return replace(order, **changed)

    async def submit(self, turn_id: str = "t1", **changed: object) -> str:
        return await self.studio.submit(self.compose(turn_id, **changed))

    async def heard(self, turn_id: str) -> list[Event]:
        async with asyncio.timeout(TIMEOUT_S):
            return [event async for event in self.studio.events(turn_id)]

    async def played(self, order: Order) -> list[Event]:
        return await self.heard(await self.studio.submit(order))

    async def finished(self, order: Order) -> Revision:
        last = (await self.played(order))[-1]
        assert isinstance(last, Done), last
        return last.revision

    async def until(self, turn_id: str, kind: type[Event]) -> Event:
        async with asyncio.timeout(TIMEOUT_S), aclosing(self.studio.events(turn_id)) as events:
            async for event in events:
                if isinstance(event, kind):
                    return event
        raise AssertionError(f"{turn_id} ended without {kind.__name__}")

    async def delivered(self, turn_id: str) -> list[Turn]:
        await eventually(lambda: self.post.of(turn_id), f"{turn_id} is delivered")
        return self.post.of(turn_id)

    async def is_composing(self) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            await self.composer.is_composing.wait()

    async def is_painting(self) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            await self.renderer.has_begun.wait()

    async def gone(self, turn_id: str) -> None:
        """Waits for the end of a turn that may not be listened to."""

        async def has_ended() -> bool:
            return (await self.store.turn(turn_id)).status is not TurnStatus.RUNNING

        await self.eventually(has_ended, f"{turn_id} has ended")

    @staticmethod
    async def eventually(is_true: Callable[[], object], what: str) -> None:
        await eventually(is_true, what)


async def eventually(is_true: Callable[[], object], what: str) -> None:
    """Waits for a condition, looking at it often."""
    give_up_s = time.monotonic() + TIMEOUT_S
    while True:
        found = is_true()
        if await found if inspect.isawaitable(found) else found:
            return
        assert time.monotonic() < give_up_s, f"not within {TIMEOUT_S} s: {what}"
        await asyncio.sleep(0.01)


def in_odd_pieces(text: str) -> Iterable[str]:
    start, size = 0, 1
    while start < len(text):
        yield text[start : start + size]
        start, size = start + size, size % 7 + 1


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "data")
    yield opened
    await opened.close()


@pytest.fixture
async def stage(store: Store, tmp_path: Path) -> AsyncIterator[Stage]:
    opened = await Stage(store, tmp_path / "data").open()
    yield opened
    await opened.close()


@pytest.fixture
def closed_stage(store: Store, tmp_path: Path) -> Stage:
    """A stage that a test opens itself."""
    return Stage(store, tmp_path / "data")


@pytest.fixture(name="eventually")
def _eventually():
    """Waits for a condition, looking at it often."""
    return eventually


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where a module's processes are born."""
    with Nursery() as opened:
        yield opened


@pytest.fixture
def chat() -> Iterator[ChatPlatform]:
    """A chat that the processes of a test deliver to."""
    with ChatPlatform() as platform:
        yield platform
