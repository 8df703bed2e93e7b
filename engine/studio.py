"""The studio: the one path of every request, whoever brings it.

An adapter submits an order and listens to its events; the studio checks, stores, composes, queues and paints.
It knows no chat platform and has no words for people.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

import structlog

from canvas import Canvas
from canvas.changes import Change, changes
from engine import backends
from engine.composer import Composer, ComposeRequest
from engine.composing import closing, compose, exchanges
from engine.error_record import REPORTABLE, from_record, to_record
from engine.errors import Busy, Internal, Interrupted
from engine.event_log import EventLog
from engine.events import Cancelled, Composed, Done, Event, Failed, Preview, Queued, RegionFinished, Stepped
from engine.orders import Adopt, Compose, Limits, Order, Repaint, check, parent_of, prompt_of
from engine.previews import LayoutPainter, LayoutPreviews, storyboard
from engine.render_queue import RenderQueue
from engine.renderer import RenderedImage, Renderer, RenderPreview, RenderStep
from storage.errors import NotFound, StorageError
from storage.scene import Scene
from storage.scene_file import write_png
from storage.store import ConversationKey, Revision, Store, Turn, TurnStatus

__all__ = ["Adopt", "Compose", "Limits", "Order", "Repaint", "Studio"]

RECENT_TURNS = 32
"""So many turns that have ended can still be heard from the beginning."""

_DEFAULT_LIMITS = Limits()
_log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class _Job:
    """A turn that is being worked on, or was a moment ago.

    Attributes:
        work: Composes and paints; cancelling it calls the turn off.
        end: Waits for the work and notes how it ended; never cancelled while the studio is open.
    """

    order: Order
    log: EventLog = field(default_factory=EventLog)
    remark: str = ""
    work: asyncio.Task[None] = field(init=False)
    end: asyncio.Task[None] = field(init=False)

    @property
    def is_running(self) -> bool:
        return self.log.end is None


class Studio:
    """Takes orders and carries them out in this process.

    Use it as an async context manager: entering it fails the turns that a crash left running, leaving it
    cancels what runs. The store stays open.

    Attributes:
        store: For reading.
        limits: What one order may ask for.

    Example:
        async with Studio(store) as studio:
            order = Compose("web:1", ConversationKey("web", "tab"), "a lighthouse at dusk", SceneSettings())
            async for event in studio.events(await studio.submit(order)):
                ...
    """

    def __init__(
        self,
        store: Store,
        *,
        limits: Limits = _DEFAULT_LIMITS,
        composers: Mapping[str, Composer] | None = None,
        renderers: Mapping[str, Renderer] | None = None,
        paint_layout: LayoutPainter = storyboard,
    ) -> None:
        """Composers and renderers that are not given are made by `engine.backends` when first used."""
        self.store = store
        self.limits = limits
        self._composers = dict(composers or {})
        self._renderers = dict(renderers or {})
        self._paint_layout = paint_layout
        self._queue = RenderQueue(limits.renders_at_once)
        self._jobs: dict[str, _Job] = {}
        self._submitting = asyncio.Lock()
        self._is_closed = False

    async def __aenter__(self) -> Self:
        interrupted = await self.store.fail_running(to_record(Interrupted()))
        if interrupted:
            _log.warning("turns_interrupted", count=interrupted)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with self._submitting:
            self._is_closed = True
        running = [turn_id for turn_id, job in self._jobs.items() if job.is_running]
        await asyncio.gather(*(self.cancel(turn_id) for turn_id in running))

    async def submit(self, order: Order) -> str:
        """Stores the order and starts it; the same turn id again starts nothing new.

        Returns:
            The turn id.

        Raises:
            Refused: The order is outside of the limits, or the conversation is `Busy`.
            NotFound: The revision to start from is not one of the conversation.
            Unavailable: The composer or renderer cannot be used here.
            Interrupted: The studio has been closed.
        """
        check(order, self.limits)
        self._renderer(order.settings.renderer)
        if isinstance(order, Compose):
            self._composer(order.settings.composer)
        async with self._submitting:
            if self._is_closed:
                raise Interrupted
            if order.turn_id not in self._jobs:
                await self._begin(order)
        return order.turn_id

    def events(self, turn_id: str) -> AsyncGenerator[Event]:
        """The turn's events from the first one; the last is `Done`, `Failed` or `Cancelled`.

        Whoever listens late or slowly hears previews, steps and queue places that were superseded no more. Of
        a turn that ended some time ago only the last event is heard. Closing the iterator stops nothing but
        the listening.

        Raises:
            NotFound: There is no such turn.
        """
        job = self._jobs.get(turn_id)
        return job.log.listen() if job else self._replay(turn_id)

    async def cancel(self, turn_id: str) -> bool:
        """Calls the turn off and waits until it has stopped; False when it had ended already."""
        job = self._jobs.get(turn_id)
        if job is None or not job.is_running:
            return False
        if not job.work.cancelling():  # a second one would disturb the first one's tidying up
            job.work.cancel()
        await asyncio.wait([job.end])
        return isinstance(job.log.end, Cancelled)

    async def undo(self, conversation: ConversationKey) -> Revision | None:
        """Moves the conversation's head to its parent and returns that; None when there is no parent.

        Nothing is ever deleted: what was undone stays in the history. At the root, the head stays.
        """
        head = await self.store.head(conversation)
        if head is None or head.parent_id is None:
            return None
        await self.store.move_head(conversation, head.parent_id)
        return await self.store.revision(head.parent_id)

    async def _begin(self, order: Order) -> None:
        """Starts the order's work, unless it was done before."""
        if await self._is_busy(order):
            raise Busy
        turn, _ = await self.store.begin_turn(
            order.turn_id, order.conversation, prompt_of(order), parent_of(order)
        )
        if turn.status is TurnStatus.RUNNING:  # new, or its submission was cut off before the work began
            job = self._jobs[order.turn_id] = _Job(order)
            job.work = asyncio.create_task(self._work(job))
            job.end = asyncio.create_task(self._see_to_the_end(job))

    async def _is_busy(self, order: Order) -> bool:
        running = sum(
            job.is_running for job in self._jobs.values() if job.order.conversation == order.conversation
        )
        return running >= self.limits.turns_per_conversation and not await self._is_known(order.turn_id)

    async def _is_known(self, turn_id: str) -> bool:
        try:
            await self.store.turn(turn_id)
        except NotFound:
            return False
        return True

    def _composer(self, name: str) -> Composer:
        if name not in self._composers:
            self._composers[name] = backends.make_composer(name)
        return self._composers[name]

    def _renderer(self, name: str) -> Renderer:
        if name not in self._renderers:
            self._renderers[name] = backends.make_renderer(name)
        return self._renderers[name]

    async def _work(self, job: _Job) -> None:
        """The whole of a turn but its end: canvas, revision, queue, pictures."""
        order, parent_id = job.order, parent_of(job.order)
        previews = LayoutPreviews(
            self._paint_layout, order.settings, lambda image: job.log.append(Preview(image))
        )
        async with previews:
            lineage = await self.store.lineage(parent_id) if parent_id else ()
            canvas = await self._canvas(job, lineage, previews)
            revision = await self.store.add_revision(order.turn_id, parent_id, Scene(canvas, order.settings))
            job.log.append(Composed(revision, await self._changes(revision)))
            async with self._queue.slot(moved=lambda position: job.log.append(Queued(position))):
                await self._paint(job, revision, previews)

    async def _canvas(self, job: _Job, lineage: tuple[Revision, ...], previews: LayoutPreviews) -> Canvas:
        """The canvas that the order asks for; composing is heard."""
        match job.order:
            case Adopt(canvas=canvas):
                return canvas
            case Repaint():
                return lineage[-1].scene.canvas
            case Compose(conversation=conversation, settings=settings, language=language):
                request = ComposeRequest(
                    prompt=prompt_of(job.order),
                    canvas=lineage[-1].scene.canvas if lineage else None,
                    history=await asyncio.to_thread(exchanges, lineage),
                    language=language,
                    seed=settings.seed,
                    is_first=await self.store.head(conversation) is None,
                )

        def publish(event: Event) -> None:
            job.log.append(event)
            if isinstance(event, RegionFinished):
                previews.show(event.canvas)

        composition = await compose(self._composer(settings.composer), request, publish)
        job.remark = composition.remark
        return composition.canvas

    async def _paint(self, job: _Job, revision: Revision, previews: LayoutPreviews) -> None:
        scene = revision.scene
        renderer = self._renderer(scene.settings.renderer)
        painted = 0
        async with closing(renderer.render(scene.canvas, scene.settings)) as events:
            async for event in events:
                match event:
                    case RenderStep(step, steps):
                        job.log.append(Stepped(step, steps, painted))
                    case RenderPreview(image):
                        await previews.stop()  # the renderer's own are better
                        job.log.append(Preview(image))
                    case RenderedImage():
                        await previews.stop()
                        await self._keep(revision, event)
                        painted += 1

    async def _keep(self, revision: Revision, painted: RenderedImage) -> None:
        """Stores a picture that carries the scene of this very picture."""
        settings = replace(revision.scene.settings, seed=painted.seed, count=1)
        scene = Scene(revision.scene.canvas, settings)
        png = await asyncio.to_thread(write_png, painted.image, scene, note=revision.prompt)
        width_px, height_px = painted.image.size
        await self.store.add_image(
            revision.id,
            index=painted.index,
            seed=painted.seed,
            png=png,
            width_px=width_px,
            height_px=height_px,
        )

    async def _see_to_the_end(self, job: _Job) -> None:
        """Waits for the work, notes how it ended, and tells the listeners, whatever happens."""
        turn_id = job.order.turn_id
        end: Done | Failed | Cancelled = Failed(Interrupted())
        try:
            await asyncio.wait([job.work])
            status, error = _outcome(turn_id, job.work)
            await self.store.finish_turn(turn_id, status, remark=job.remark, error=error)
            end = await self._end_of(await self.store.turn(turn_id))
        except StorageError as failure:
            _log.error("turn_end_not_stored", turn_id=turn_id, exc_info=failure)
            end = Failed(failure)
        finally:
            job.log.append(end)
            self._forget_old_jobs()

    def _forget_old_jobs(self) -> None:
        ended = [turn_id for turn_id, job in self._jobs.items() if not job.is_running]
        for turn_id in ended[:-RECENT_TURNS]:
            del self._jobs[turn_id]

    async def _replay(self, turn_id: str) -> AsyncGenerator[Event]:
        yield await self._end_of(await self.store.turn(turn_id))

    async def _end_of(self, turn: Turn) -> Done | Failed | Cancelled:
        """How a turn ended, as it is stored."""
        match turn:
            case Turn(status=TurnStatus.DONE, revision_id=str(revision_id)):
                revision = await self.store.revision(revision_id)
                return Done(turn, revision, await self._changes(revision))
            case Turn(status=TurnStatus.CANCELLED):
                return Cancelled()
            case Turn(status=TurnStatus.FAILED, error=error):
                return Failed(from_record(error))
            case _:
                return Failed(Interrupted())

    async def _changes(self, revision: Revision) -> tuple[Change, ...]:
        """What differs from the revision's parent."""
        if revision.parent_id is None:
            return ()
        parent = await self.store.revision(revision.parent_id)
        return await asyncio.to_thread(changes, parent.scene.canvas, revision.scene.canvas)


def _outcome(turn_id: str, work: asyncio.Task[None]) -> tuple[TurnStatus, str]:
    """How the work ended, and its error's record; what nobody foresaw is logged and becomes `Internal`."""
    if work.cancelled():
        return TurnStatus.CANCELLED, ""
    error = work.exception()
    if error is None:
        return TurnStatus.DONE, ""
    if not isinstance(error, REPORTABLE):
        _log.error("turn_failed", turn_id=turn_id, exc_info=error)
        error = Internal()
    return TurnStatus.FAILED, to_record(error)
