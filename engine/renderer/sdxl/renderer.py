"""SDXL as a renderer: pictures of a checkpoint, handed over out of its thread.

Imports torch and `diffusers` when it is first used, not before.
"""

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from canvas.model import Canvas
from engine.errors import Interrupted, Unavailable
from engine.lazily import Lazily
from engine.renderer import Base, Economy, RenderEvent, RenderStep
from engine.renderer.sdxl.options import SdxlOptions
from storage.scene import SceneSettings

if TYPE_CHECKING:
    from engine.renderer.sdxl.loading import Parts
    from engine.renderer.sdxl.model import SdxlModel

SIGN_EVERY_S: Final = 10.0
"""While a scene waits for the model, it says so often that nothing is painted yet."""

MAX_START_S: Final = 3600.0
"""A model that takes longer is given up by whoever listens for signs."""

Read = Callable[[SdxlOptions], "Parts"]
"""Reads a checkpoint, as `loading.load` does."""


class SdxlRenderer:
    """Paints with an SDXL checkpoint, one scene after the other.

    >>> renderer = SdxlRenderer(SdxlOptions("/models/some-sdxl.safetensors"))
    """

    def __init__(self, options: SdxlOptions | None = None, read: Read | None = None) -> None:
        """Loads nothing yet. `read` takes the place of `loading.load`."""
        chosen = options or SdxlOptions()
        self._model = Lazily(lambda: _loaded(chosen, read), "model-loading")
        self._thread = _one_thread()
        self._under_way: set[_Handover] = set()

    async def warm_up(self) -> None:
        """Loads the model and what else is done once, lest the first picture wait for it.

        Raises:
            Unavailable: The model cannot be had, loaded or run; the reason says why.
        """
        handover = _Handover()
        await self._work(handover, lambda model: model.warm_up(handover.hear))

    async def render(
        self,
        canvas: Canvas,
        settings: SceneSettings,
        economy: Economy = Economy.NONE,
        base: Base | None = None,
    ) -> AsyncGenerator[RenderEvent]:
        """Paints `settings.count` images; the first call loads the model.

        Given a base, what did not change stays as it was to the pixel: see `edits.plan`. A picture that is
        only wanted larger goes on from the one that is there. Of a batch the previews show the first image.
        Pictures have the size that the model paints well next to the one that was asked for.

        Until the first step, a step of 0 comes now and then. Closing the iterator stops the painting within
        one step and waits for it; the loading goes on, and a scene that waits is never begun.

        Raises:
            OutOfMemory: The images do not fit; nothing of them is left in memory.
            BadSetting: There is no such sampler, preset or LoRA; it says which there are.
            LoraDoesNotFit: A LoRA is not for this checkpoint.
            Unavailable: The model cannot be had, loaded or run; the reason says why.
            Interrupted: The renderer was closed meanwhile.
        """
        handover = _Handover(settings.steps)

        def paint(model: "SdxlModel") -> None:
            model.paint(canvas, settings, handover.hear, economy, base)

        working = asyncio.create_task(self._work(handover, paint))
        working.add_done_callback(handover.end)
        signs = asyncio.create_task(handover.sign())
        try:
            while (event := await handover.next()) is not None:
                yield event
            await working
            if handover.is_stopped:
                raise Interrupted
        finally:
            for task in (signs, working):
                task.cancel()
            await asyncio.wait((signs, working))
            _ = working.cancelled() or working.exception()  # has been raised, or nobody waits for it

    async def aclose(self) -> None:
        """Lets go of the model, which a later scene loads again; scenes under way break off."""
        thread, self._thread = self._thread, _one_thread()
        for handover in self._under_way:
            handover.stop()
        if self._model.drop():
            await asyncio.wrap_future(thread.submit(_free_memory))
        await asyncio.to_thread(thread.shutdown)

    async def _work(self, handover: "_Handover", paint: "Callable[[SdxlModel], None]") -> None:
        """Paints when the model is there and those before have done; cancelled, it waits for the thread."""
        self._under_way.add(handover)
        try:
            model = await self._model.get()
            # what the thread logs carries the request's ids
            carry = contextvars.copy_context().run
            await _let_go(self._thread.submit(carry, handover.carry, lambda: paint(model)), handover)
        finally:
            self._under_way.discard(handover)


async def _let_go(painting: Future[None], handover: "_Handover") -> None:
    """Waits until the thread has let go of a painting, which is stopped when nobody wants it any more."""
    done = asyncio.wrap_future(painting)
    try:
        await asyncio.shield(done)
    except asyncio.CancelledError:
        handover.stop()
        if not painting.cancel():
            await asyncio.wait((done,))
        raise


class _Handover:
    """Events on their way out of the thread that paints."""

    def __init__(self, steps: int = 0) -> None:
        self._steps = steps
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[RenderEvent | None] = asyncio.Queue()
        self._begun = threading.Event()
        self._stopped = threading.Event()

    @property
    def is_stopped(self) -> bool:
        """Whether nobody waits for the events any more."""
        return self._stopped.is_set()

    def carry(self, paint: Callable[[], None]) -> None:
        """Paints, unless it has been stopped, until it is; in the thread."""
        self._begun.set()
        if not self.is_stopped:
            with suppress(_Stopped):
                paint()

    def hear(self, event: RenderEvent) -> None:
        """Hands an event over; in the thread."""
        if self.is_stopped:
            raise _Stopped
        self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    async def sign(self) -> None:
        """Says now and then that nothing has been painted, until that has begun."""
        for _ in range(int(MAX_START_S / SIGN_EVERY_S)):
            await asyncio.sleep(SIGN_EVERY_S)
            if self._begun.is_set():
                return
            self._events.put_nowait(RenderStep(0, self._steps))

    async def next(self) -> RenderEvent | None:
        """The next event, or None at the end."""
        return await self._events.get()

    def end(self, _working: "asyncio.Task[None]") -> None:
        """Says that no event will follow; in the loop."""
        self._events.put_nowait(None)

    def stop(self) -> None:
        """Stops the painting at its next step."""
        self._stopped.set()


class _Stopped(Exception):
    """Ends the painting."""


def _one_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "painter")


def _loaded(options: SdxlOptions, read: Read | None) -> "SdxlModel":
    try:
        from engine.renderer.sdxl.model import SdxlModel  # noqa: PLC0415 - lazily, as the module says
    except ImportError as error:
        raise Unavailable(options.backend, "needs-gpu-extra") from error
    return SdxlModel.from_options(options, *([read] if read else []))


def _free_memory() -> None:
    with suppress(ImportError):
        from engine.renderer.sdxl.model import free_memory  # noqa: PLC0415 - lazily, as the module says

        free_memory()
