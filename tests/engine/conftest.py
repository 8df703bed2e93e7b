"""A stage for the studio: a real store, and a composer and a renderer that follow a script."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import pytest
from PIL import Image

from canvas import Canvas, GlobalDescription, LocalDescription, write
from engine.composer import ComposeRequest
from engine.events import Done, Event
from engine.renderer import RenderedImage, RenderEvent, RenderPreview, RenderStep
from engine.studio import Compose, Limits, Order, Studio
from storage.scene import SceneSettings
from storage.store import ConversationKey, Revision, Store

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

    With a gate it stops before the heron, or in the middle, until the gate opens. With an exit it waits for
    that before it is closed.
    """

    replies: list[str | Exception]
    gate: asyncio.Event | None = None
    exit: asyncio.Event | None = None
    requests: list[ComposeRequest] = field(default_factory=list)
    is_composing: asyncio.Event = field(default_factory=asyncio.Event)
    closed: int = 0

    async def compose(self, request: ComposeRequest) -> AsyncIterator[str]:
        self.requests.append(request)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
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
            if self.exit:
                await self.exit.wait()
            self.closed += 1


@dataclass
class ScriptedRenderer:
    """Paints plain pictures in two steps each; with a gate, the second step waits for it.

    After `fails_after` pictures of a batch it raises.
    """

    gate: asyncio.Event | None = None
    fails_after: int | None = None
    at_once: int = 0
    most_at_once: int = 0
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    closed: int = 0

    async def render(self, canvas: Canvas, settings: SceneSettings) -> AsyncIterator[RenderEvent]:
        assert canvas in (POND, DUSK)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            for index in range(settings.count):
                if index == self.fails_after:
                    raise RuntimeError("out of paint")
                yield RenderStep(1, 2)
                yield RenderPreview(Image.new("RGB", (8, 8), "red"))
                self.has_begun.set()
                if self.gate:
                    await self.gate.wait()
                yield RenderStep(2, 2)
                size_px = (settings.width_px, settings.height_px)
                yield RenderedImage(index, settings.seed + index, Image.new("RGB", size_px, "teal"))
        finally:
            self.at_once -= 1
            self.closed += 1


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
            assert self.gate.wait(20)
        self.has_painted.set()
        return Image.new("RGB", (width_px, height_px), "white")


class Stage:
    """A studio with its scripted backends, and what tests do with it."""

    POND, DUSK = POND, DUSK
    REPLY = f"Here is a quiet pond.\n```python\n{write(POND)}```\nShall I add a duck?"
    DUSK_REPLY = f"```python\n{write(DUSK)}```"
    SMALL = SceneSettings(width_px=256, height_px=320, seed=7)
    TAB = ConversationKey("web", "tab-1")
    OTHER_TAB = ConversationKey("web", "tab-2")

    def __init__(self, store: Store) -> None:
        self.store = store
        self.composer = ScriptedComposer([self.REPLY])
        self.renderer = ScriptedRenderer()
        self.layouts = ScriptedLayouts()
        self.studio = self._new_studio()

    def _new_studio(self, limits: Limits | None = None) -> Studio:
        return Studio(
            self.store,
            limits=limits or Limits(),
            composers={"embedded": self.composer},
            renderers={"storyboard": self.renderer},
            paint_layout=self.layouts.paint,
        )

    async def __aenter__(self) -> Self:
        await self.studio.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.studio.__aexit__(None, None, None)

    async def restart(self, limits: Limits | None = None) -> None:
        """Closes the studio and opens another one on the same store."""
        await self.__aexit__()
        self.studio = await self._new_studio(limits).__aenter__()

    def compose(self, turn_id: str = "t1", conversation: ConversationKey = TAB, **changed: object) -> Compose:
        return replace(Compose(turn_id, conversation, "a pond", self.SMALL), **changed)

    async def submit(self, turn_id: str = "t1", **changed: object) -> str:
        return await self.studio.submit(self.compose(turn_id, **changed))

    async def heard(self, turn_id: str) -> list[Event]:
        async with asyncio.timeout(20):
            return [event async for event in self.studio.events(turn_id)]

    async def played(self, order: Order) -> list[Event]:
        return await self.heard(await self.studio.submit(order))

    async def finished(self, order: Order) -> Revision:
        last = (await self.played(order))[-1]
        assert isinstance(last, Done), last
        return last.revision

    async def until(self, turn_id: str, kind: type[Event]) -> Event:
        async with asyncio.timeout(20), aclosing(self.studio.events(turn_id)) as events:
            async for event in events:
                if isinstance(event, kind):
                    return event
        raise AssertionError(f"{turn_id} ended without {kind.__name__}")


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
async def stage(store: Store) -> AsyncIterator[Stage]:
    async with Stage(store) as opened:
        yield opened
