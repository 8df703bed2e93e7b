"""Small storyboards of the scene so far, painted beside the composing and never in its way."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog
from PIL import Image

from canvas.model import Canvas
from storage.scene import MIN_SIDE_PX, SceneSettings

PREVIEW_SIDE_PX = 576

_log = structlog.get_logger()


LayoutPainter = Callable[[Canvas, int, int, int], Image.Image]
"""Paints a canvas at a width, a height and a seed; called in a thread."""


class LayoutPreviews:
    """Paints the newest scene that it was shown; those that came while it was painting are skipped.

    An async context manager: leaving it stops the painting.
    """

    def __init__(
        self, paint: LayoutPainter, settings: SceneSettings, publish: Callable[[Image.Image], None]
    ) -> None:
        self._painter = paint
        self._size_px = preview_size_px(settings)
        self._seed = settings.seed
        self._publish = publish
        self._newest: Canvas | None = None
        self._painting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def show(self, canvas: Canvas) -> None:
        """Returns at once; the picture is published later, unless a newer scene comes before."""
        self._newest = canvas
        if self._painting is None or self._painting.done():
            self._painting = asyncio.create_task(self._paint())

    async def stop(self) -> None:
        """Publishes nothing more."""
        self._newest = None
        if self._painting is None:
            return
        self._painting.cancel()
        await asyncio.gather(self._painting, return_exceptions=True)
        self._painting = None

    async def _paint(self) -> None:
        while self._newest is not None:
            canvas, self._newest = self._newest, None
            try:
                self._publish(await asyncio.to_thread(self._painter, canvas, *self._size_px, self._seed))
            except Exception as error:  # noqa: BLE001 - the picture does not need its previews
                _log.error("preview_failed", exc_info=error)


def preview_size_px(settings: SceneSettings) -> tuple[int, int]:
    """Width and height in the picture's proportions, small, but no side too small for a storyboard."""
    shorter, longer = sorted((settings.width_px, settings.height_px))
    scale = min(1.0, max(PREVIEW_SIDE_PX / longer, MIN_SIDE_PX / shorter))
    return round(settings.width_px * scale), round(settings.height_px * scale)


def storyboard(canvas: Canvas, width_px: int, height_px: int, seed: int) -> Image.Image:
    """The embedded renderer's storyboard; its module and icons are loaded by the first call."""
    from engine.renderer.storyboard import paint  # noqa: PLC0415 - in the thread of the first preview

    return paint(canvas, width_px, height_px, seed)
