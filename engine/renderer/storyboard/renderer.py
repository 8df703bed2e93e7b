"""The storyboard as a renderer: paints in a thread, reports its stages, stops when nobody listens."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from typing import Final

from PIL import Image

from canvas.model import Canvas
from engine.renderer import Base, Economy, RenderedImage, RenderEvent, RenderPreview, RenderStep
from engine.renderer.storyboard.painting import paint
from storage.scene import SceneSettings

PREVIEW_SIDE_PX: Final = 512
_PREVIEWS: Final = 3
"""Previews an image: at the first stage and on the way."""


class _Stopped(Exception):
    """Ends the painting thread."""


class StoryboardRenderer:
    """Paints storyboards. Guidance, steps and the negative prompt mean nothing to it."""

    async def render(
        self,
        canvas: Canvas,
        settings: SceneSettings,
        economy: Economy = Economy.NONE,  # noqa: ARG002 - one image at a time in any case
        base: Base | None = None,  # noqa: ARG002 - a storyboard is painted anew in a second
    ) -> AsyncIterator[RenderEvent]:
        """Paints `settings.count` images one after the other; a step is a stage of one image.

        Closing the iterator stops the painting within one stage, some hundredths of a second.
        """
        for index in range(settings.count):
            async with aclosing(_paint_one(canvas, settings, index)) as events:
                async for event in events:
                    yield event


async def _paint_one(canvas: Canvas, settings: SceneSettings, index: int) -> AsyncGenerator[RenderEvent]:
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[RenderEvent | None] = asyncio.Queue()
    seed = settings.seeds[index]
    stopped = threading.Event()

    def report(done: int, stages: int, image: Image.Image) -> None:
        if stopped.is_set():
            raise _Stopped
        send(RenderStep(done, stages))
        if done < stages and done % max(1, stages // _PREVIEWS) == 1 % max(1, stages // _PREVIEWS):
            send(RenderPreview(_smaller(image)))

    def send(event: RenderEvent | None) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event)

    def work() -> Image.Image:
        try:
            return paint(canvas, settings.width_px, settings.height_px, seed, on_progress=report)
        finally:
            send(None)

    painting = asyncio.create_task(asyncio.to_thread(work))
    try:
        while (event := await events.get()) is not None:
            yield event
        yield RenderedImage(index, seed, await painting)
    finally:
        stopped.set()
        with suppress(_Stopped):
            await painting


def _smaller(image: Image.Image) -> Image.Image:
    copy = image.copy()
    copy.thumbnail((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX))
    return copy
