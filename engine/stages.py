"""The two stages of a turn, composing and painting, each carried out as often as needed and done once.

What a stage has finished is in the store before it ends, and is found there when the stage is begun again: by
another process, after a crash. Knows neither queues nor processes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import replace
from types import TracebackType
from typing import Protocol, runtime_checkable

import structlog

from canvas.changes import Change, changes
from engine.backends import Backends
from engine.bases import base_of
from engine.composer import Composer, ComposeRequest
from engine.composer.safety import Safety, texts_of, words_of
from engine.composing import closing, compose, exchanges
from engine.errors import GaveUp, OutOfMemory
from engine.events import Composed, Economised, Event, Preview, RegionFinished, Stepped
from engine.lasting import lasting
from engine.log_context import about
from engine.metrics import STEP_S
from engine.orders import Adopt, Compose, Repaint, from_turn
from engine.previews import LayoutPainter, LayoutPreviews, storyboard
from engine.quarantine import Quarantine
from engine.renderer import Economy, RenderedImage, Renderer, RenderPreview, RenderStep
from storage.records import Revision, StoredImage, Turn, TurnStage, TurnStatus
from storage.scene import Scene
from storage.scene_file import write_png
from storage.store import Store

Publish = Callable[[Event], None]
Slot = AbstractAsyncContextManager[None]
"""What a stage holds while its backend works."""

_NO_SLOT: Slot = nullcontext()

ATTEMPTS = 5

_log = structlog.get_logger()


class TurnEnded(Exception):
    """The turn was called off, or has ended otherwise: there is nothing to do."""


class Stages:
    """Composes and paints turns that the store knows.

    Attributes:
        safety: What is not composed; may be replaced at any time.
    """

    def __init__(
        self,
        store: Store,
        *,
        backends: Backends | None = None,
        safety: Safety | None = None,
        composers: Mapping[str, Composer] | None = None,
        renderers: Mapping[str, Renderer] | None = None,
        paint_layout: LayoutPainter = storyboard,
        attempts: int = ATTEMPTS,
    ) -> None:
        """Composers and renderers that are not given are made by `backends` when they are first used.

        A stage that was begun `attempts` times and never ended is not begun again; from its second time on it
        is worked on alone.
        """
        self._store = store
        self._backends = backends or Backends()
        self.safety = safety or Safety()
        self._composers = dict(composers or {})
        self._renderers = dict(renderers or {})
        self._paint_layout = paint_layout
        self._attempts = attempts
        self._quarantine = Quarantine()

    async def aclose(self) -> None:
        """Lets go of what the backends hold, connections and models; one that fails keeps none open."""
        async with AsyncExitStack() as backends:
            for backend in (*self._composers.values(), *self._renderers.values()):
                if isinstance(backend, _Closable):
                    backends.push_async_callback(backend.aclose)

    async def warm_up(self, renderer: str) -> None:
        """Has a renderer load what it needs, if it loads anything, lest the first picture wait for it.

        Raises:
            EngineError: It cannot be used; that is told to whoever wants a picture, too.
        """
        ahead = self._renderer(renderer)
        if isinstance(ahead, _Warmable):
            await ahead.warm_up()

    async def compose(self, turn_id: str, publish: Publish, slot: Slot = _NO_SLOT) -> Revision:
        """Makes the turn's revision: composed, taken over, or its parent's canvas again.

        The slot is held while the composer works, and not while the result is stored.

        Raises:
            TurnEnded: The turn runs no more.
            GaveUp: It was tried too often.
            EngineError: Whatever the composer refuses.
        """
        turn = await lasting(lambda: self._store.turn(turn_id))
        with about(turn_id, turn.conversation):
            if turn.revision_id is not None:
                return await self._revision(turn.revision_id)
            revision = await self._compose(turn, publish, slot)
            publish(Composed(revision, await changes_from_parent(self._store, revision)))
            return revision

    async def paint(self, turn_id: str, publish: Publish, slot: Slot = _NO_SLOT) -> None:
        """Paints the pictures of the turn's revision that are not there yet.

        Pictures that do not fit into the memory are painted once more, more and more thriftily. The slot is
        held while the renderer works, and not while the last picture is stored.

        Raises:
            TurnEnded: The turn runs no more.
            GaveUp: It was tried too often.
            OutOfMemory: They do not fit, however thriftily painted.
            EngineError: Whatever the renderer refuses.
        """
        turn = await lasting(lambda: self._store.turn(turn_id))
        if turn.revision_id is None:
            raise TurnEnded  # forgotten meanwhile
        revision = await self._revision(turn.revision_id)
        keeper = _Keeper()
        with about(turn_id, turn.conversation):
            async with keeper, slot, self._beside_others(turn, TurnStage.PAINTING):
                await self._begin(turn_id, TurnStage.PAINTING)
                await self._paint_thriftily(revision, Economy(turn.economy), keeper, publish)

    async def _compose(self, turn: Turn, publish: Publish, slot: Slot) -> Revision:
        """Composes when the slot is free, and stores what came of it."""
        write_scene = await self._prepared(turn, publish)
        async with slot, self._beside_others(turn, TurnStage.COMPOSING):
            await self._begin(turn.id, TurnStage.COMPOSING)
            began_s = time.monotonic()
            scene, remark = await write_scene()
            took_s = time.monotonic() - began_s
        revision = await lasting(
            lambda: self._store.add_revision(turn.id, turn.parent_id, scene, remark=remark, compose_s=took_s)
        )
        repairs = len(scene.canvas.repairs)
        _log.info("scene_composed", revision_id=revision.id, took_s=round(took_s, 3), repairs=repairs)
        return revision

    def _beside_others(self, turn: Turn, stage: TurnStage) -> Slot:
        was_cut_off = turn.stage is stage and turn.attempts > 0
        return self._quarantine.passed(is_suspect=was_cut_off)

    async def _begin(self, turn_id: str, stage: TurnStage) -> None:
        turn = await lasting(lambda: self._store.begin_stage(turn_id, stage))
        if turn.status is not TurnStatus.RUNNING:
            raise TurnEnded
        if turn.attempts > self._attempts:
            raise GaveUp(self._attempts)

    async def _revision(self, revision_id: str) -> Revision:
        return await lasting(lambda: self._store.revision(revision_id))

    async def _prepared(self, turn: Turn, publish: Publish) -> Callable[[], Awaitable[tuple[Scene, str]]]:
        """What makes the scene that the order asks for, and the composer's remark."""
        order = from_turn(turn)
        lineage = await self._lineage(turn)
        match order:
            case Compose():
                request = await self._request(order, lineage)
                return lambda: self._composed(order, request, publish)
            case Adopt():
                return lambda: self._adopted(order)
            case Repaint():
                return _made(Scene(lineage[-1].scene.canvas, order.settings))

    async def _lineage(self, turn: Turn) -> tuple[Revision, ...]:
        parent_id = turn.parent_id
        return await lasting(lambda: self._store.lineage(parent_id)) if parent_id else ()

    async def _request(self, order: Compose, lineage: tuple[Revision, ...]) -> ComposeRequest:
        return ComposeRequest(
            prompt=order.prompt,
            canvas=lineage[-1].scene.canvas if lineage else order.canvas,
            history=await asyncio.to_thread(exchanges, lineage),
            language=order.language,
            seed=order.settings.seed,
            is_first=await lasting(lambda: self._store.head(order.conversation)) is None,
        )

    async def _adopted(self, order: Adopt) -> tuple[Scene, str]:
        await self.safety.check(texts_of(order.canvas))
        return Scene(order.canvas, order.settings), ""

    async def _composed(self, order: Compose, request: ComposeRequest, publish: Publish) -> tuple[Scene, str]:
        """Composes; the scene so far is heard and seen."""
        await self.safety.check(words_of(order))
        composer = self._composer(order.settings.composer)
        previews = LayoutPreviews(self._paint_layout, order.settings, lambda image: publish(Preview(image)))

        def hear(event: Event) -> None:
            publish(event)
            if isinstance(event, RegionFinished):
                previews.show(event.canvas)

        async with previews:
            composition = await compose(composer, request, hear)
        return Scene(composition.canvas, order.settings), composition.remark

    async def _paint_thriftily(
        self, revision: Revision, economy: Economy, keeper: "_Keeper", publish: Publish
    ) -> None:
        while True:
            try:
                await self._paint(revision, economy, keeper, publish)
            except OutOfMemory:
                if economy is max(Economy):
                    raise
                await keeper.done()  # what was painted before it stays
                economy = Economy(economy + 1)
                await self._note_economy(revision.turn_id, economy)
                publish(Economised(economy))
                revision = await self._revision(revision.id)
            else:
                return

    async def _note_economy(self, turn_id: str, economy: Economy) -> None:
        await lasting(lambda: self._store.set_economy(turn_id, economy))

    async def _paint(self, revision: Revision, economy: Economy, keeper: "_Keeper", publish: Publish) -> None:
        """Paints what the revision lacks."""
        settings = revision.scene.settings
        there = {image.index for image in revision.images}
        missing = [index for index in range(settings.count) if index not in there]
        if not missing:
            return
        first = missing[0]  # pictures come in order, and each has the seed of its place
        rest = replace(settings, seed=settings.seeds[first], count=settings.count - first)
        renderer, base = self._renderer(settings.renderer), await base_of(self._store, revision, rest)
        painted, began_s = first, time.monotonic()
        pace = _StepPace(settings.renderer)
        async with closing(renderer.render(revision.scene.canvas, rest, economy, base)) as events:
            async for event in events:
                match event:
                    case RenderStep(step, steps):
                        pace.note(step)
                        publish(Stepped(step, steps, painted))
                    case RenderPreview(image):
                        publish(Preview(image))
                    case RenderedImage():
                        took_s = time.monotonic() - began_s
                        picture = replace(event, index=first + event.index)
                        await keeper.keep(self._keep(revision, picture, took_s))
                        _log.info("picture_painted", index=picture.index, took_s=round(took_s, 3))
                        painted, began_s = painted + 1, time.monotonic()

    async def _keep(self, revision: Revision, painted: RenderedImage, paint_s: float) -> StoredImage:
        """Stores a picture that carries the scene of this very picture."""
        settings = replace(revision.scene.settings, seed=painted.seed, count=1)
        scene = Scene(revision.scene.canvas, settings)
        png = await asyncio.to_thread(write_png, painted.image, scene, note=revision.prompt)
        width_px, height_px = painted.image.size
        return await lasting(
            lambda: self._store.add_image(
                revision.id,
                index=painted.index,
                seed=painted.seed,
                png=png,
                width_px=width_px,
                height_px=height_px,
                paint_s=paint_s,
            )
        )

    def _composer(self, name: str) -> Composer:
        if name not in self._composers:
            self._composers[name] = self._backends.make_composer(name)
        return self._composers[name]

    def _renderer(self, name: str) -> Renderer:
        if name not in self._renderers:
            self._renderers[name] = self._backends.make_renderer(name)
        return self._renderers[name]


@runtime_checkable
class _Warmable(Protocol):
    async def warm_up(self) -> None: ...


@runtime_checkable
class _Closable(Protocol):
    async def aclose(self) -> None: ...


def _made(scene: Scene) -> Callable[[], Awaitable[tuple[Scene, str]]]:
    """For a scene that nobody has to compose."""

    async def write_scene() -> tuple[Scene, str]:
        return scene, ""

    return write_scene


class _StepPace:
    """Measures the time from each step of a picture to its next one; what comes before the first is none."""

    def __init__(self, renderer: str) -> None:
        self._taken = STEP_S.labels(renderer)
        self._step, self._at_s = 0, 0.0

    def note(self, step: int) -> None:
        """That a step is done, of this picture or of the next."""
        now_s = time.monotonic()
        if step > self._step > 0:
            self._taken.observe((now_s - self._at_s) / (step - self._step))
        self._step, self._at_s = step, now_s


class _Keeper:
    """Stores one picture while the next is being painted; leaving it waits for the last one.

    An error on the way leaves what is being stored to its end; cancellation does not.
    """

    def __init__(self) -> None:
        self._storing: asyncio.Task[object] | None = None

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._storing and isinstance(error, asyncio.CancelledError):
            self._storing.cancel()
            await asyncio.wait([self._storing])
        await self.done()

    async def keep(self, storing: Coroutine[object, object, object]) -> None:
        """Begins to store a picture, and waits until the one before it is stored."""
        before, self._storing = self._storing, asyncio.create_task(storing)
        if before:
            await before

    async def done(self) -> None:
        """Waits until what was given is stored."""
        if self._storing:
            await self._storing


async def changes_from_parent(store: Store, revision: Revision) -> tuple[Change, ...]:
    """What differs from the revision's parent; nothing where there is none any more."""
    parent_id = revision.parent_id
    if parent_id is None:
        return ()
    parent = await lasting(lambda: store.revision(parent_id))
    return await asyncio.to_thread(changes, parent.scene.canvas, revision.scene.canvas)
