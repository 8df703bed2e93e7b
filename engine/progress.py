"""Progress of a stage as messages that any process can read: gathered, at most two a second, newest first.

A message holds what happened since the one before it: the text that was written, and of canvas, preview, step
and economy the newest. It is JSON, because it travels through the jobs' database.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from contextlib import suppress
from io import BytesIO
from types import TracebackType
from typing import Self, TypedDict, cast

import structlog
from PIL import Image

from canvas import parse, write
from engine.events import ComposingText, Economised, Event, Preview, RegionFinished, Stepped
from engine.renderer import Economy

GATHER_S = 0.25
"""What happens in the first moment is told at once; a stage that is over by then is not watched at all."""
INTERVAL_S = 0.5
PREVIEW_QUALITY = 80

_log = structlog.get_logger()


class Message(TypedDict, total=False):
    """What happened since the last message.

    Attributes:
        text: What the composer wrote.
        canvas: The scene so far, as Canvas code.
        preview: A picture, as WebP in base64.
        step: The step, the steps, the index of the picture.
        economy: An `Economy` that is tried now.
    """

    text: str
    canvas: str
    preview: str
    step: list[int]
    economy: int


class ProgressWriter:
    """Takes events and writes messages, beside the work and never in its way.

    An async context manager; leaving it writes what must not be missed.
    """

    def __init__(self, write_message: Callable[[Message], Awaitable[None]]) -> None:
        self._write = write_message
        self._gathered: Message = {}
        self._preview: Image.Image | None = None
        self._has_news = asyncio.Event()
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._writing = asyncio.create_task(self._write_all())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._has_news.set()
        await self._writing
        if kind is None and self._gathered.keys() & {"text", "economy"}:
            self._preview = None
            await self._write_one()

    def publish(self, event: Event) -> None:
        """Notes an event; returns at once."""
        gathered = self._gathered
        match event:
            case ComposingText(text):
                gathered["text"] = gathered.get("text", "") + text
            case RegionFinished(canvas):
                gathered["canvas"] = write(canvas)
            case Preview(image):
                self._preview = image
            case Stepped(step, steps, index):
                gathered["step"] = [step, steps, index]
            case Economised(economy):
                gathered["economy"] = int(economy)
            case _:
                return
        self._has_news.set()

    async def _write_all(self) -> None:
        pause_s = GATHER_S
        while not self._closing.is_set():
            await self._has_news.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._closing.wait()
                return
            pause_s = INTERVAL_S
            await self._write_one()

    async def _write_one(self) -> None:
        image, self._preview = self._preview, None
        message = self._taken()
        try:
            if image:
                message["preview"] = await asyncio.to_thread(_encoded, image)
            await self._write(message)
        except Exception as error:  # noqa: BLE001 - the work goes on without being watched
            _log.error("progress_not_written", exc_info=error)

    def _taken(self) -> Message:
        self._has_news.clear()
        message = self._gathered
        self._gathered = Message()
        return message


def events_of(message: Message) -> list[Event]:
    """The events of a message; slow enough for a thread."""
    events: list[Event] = []
    if "text" in message:
        events.append(ComposingText(message["text"]))
    if "canvas" in message:
        events.append(RegionFinished(parse(message["canvas"])))
    if "economy" in message:
        events.append(Economised(Economy(message["economy"])))
    if "preview" in message:
        events.append(Preview(_decoded(message["preview"])))
    if "step" in message:
        step, steps, index = message["step"]
        events.append(Stepped(step, steps, index))
    return events


def as_message(value: object) -> Message:
    """A value that was read from the stream."""
    return cast("Message", value)


def _encoded(image: Image.Image) -> str:
    data = BytesIO()
    image.convert("RGB").save(data, "webp", quality=PREVIEW_QUALITY)
    return base64.b64encode(data.getvalue()).decode("ascii")


def _decoded(text: str) -> Image.Image:
    with Image.open(BytesIO(base64.b64decode(text))) as image:
        image.load()
        return image.copy()
