"""Composing: from a request to a canvas, heard while it is being written.

Knows nothing of the store or the queue; what happens is published as events.
"""

import asyncio
import io
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from canvas import Canvas, CanvasError, Repair, StreamParser, write
from canvas.source import shorten
from engine.composer import Composer, ComposeRequest, Exchange
from engine.errors import ComposeFailed, EngineError, Refused
from engine.events import ComposingText, Event, RegionFinished
from storage.records import Revision

MAX_REPLY_CHARS = 64_000  # twice what 8,192 tokens make
MAX_REMARK_CHARS = 2_000
MAX_LINE_CHARS = 200
MAX_REJECTED_CHARS = 16_000
"""So much of a reply that cannot be read is told with what was wrong: more than any good one has."""
SIGN_EVERY_S = 10.0
MAX_START_S = 3600.0
"""A composer from which nothing has come for so long is given up with its worker, as one that hangs."""
BROKEN_OFF = "ending"
"""What a `Repair` calls the end of a reply that breaks off."""

_FENCE = "```"
_FENCE_LINE = re.compile(r"^[^\S\n]*```", re.MULTILINE)

_log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Composition:
    """A composer's reply, read.

    Attributes:
        remark: What it said beside the code, as much of it as fits a chat message.
    """

    canvas: Canvas
    remark: str


async def compose(
    composer: Composer,
    request: ComposeRequest,
    publish: Callable[[Event], None],
    *,
    sign_every_s: float = SIGN_EVERY_S,
) -> Composition:
    """Composes, and makes the best of what comes.

    A reply that cannot be read as a canvas is asked for once more, with what was wrong. If that one cannot be
    read either, the calls that can be make the canvas, and its repairs say what was left out. The same goes
    for a reply that breaks off. While nothing has come, an empty piece is published every `sign_every_s`.

    Raises:
        ComposeFailed: Not one call could be read.
        EngineError: Whatever the composer raises before there is a call.
    """
    first = await _reply(composer, request, publish, sign_every_s)
    if isinstance(first, Composition):
        return first
    publish(ComposingText("\n\n"))
    try:
        corrected = replace(request, correction=first.correction, rejected=first.text)
        second = await _reply(composer, corrected, publish, sign_every_s)
    except EngineError:
        if first.partial is None:
            raise
        return first.partial
    if isinstance(second, Composition):
        return second
    if partial := second.partial or first.partial:
        return partial
    error, keeps_previous = second.error, request.canvas is not None
    raise ComposeFailed(error.line, error.column, error.message, keeps_previous=keeps_previous) from error


def exchanges(lineage: Iterable[Revision]) -> tuple[Exchange, ...]:
    """What was asked and answered on the way to a revision.

    A revision without words (a region changed by hand, another seed) takes the place of the answer before it,
    so that the composer goes on from what the person sees.
    """
    told: list[Exchange] = []
    for revision in lineage:
        code = write(revision.scene.canvas)
        if revision.prompt:
            told.append(Exchange(revision.prompt, code))
        elif told:
            told[-1] = replace(told[-1], code=code)
    return tuple(told)


@asynccontextmanager
async def closing(stream: AsyncIterator[T]) -> AsyncGenerator[AsyncIterator[T]]:
    """The stream, closed at the end, so that whoever produces it stops working."""
    try:
        yield stream
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()


@dataclass(frozen=True, slots=True)
class _Unread:
    """A reply that cannot be read as it stands.

    Attributes:
        line: The line that the error is about.
        text: The reply, as much of it as can be told to a composer.
        partial: What the calls that can be read make; None where there is none.
    """

    error: CanvasError
    line: str
    text: str
    partial: Composition | None

    @property
    def correction(self) -> str:
        """What is wrong, for the composer."""
        return f"{self.error}\nThe line reads: {self.line}" if self.line else str(self.error)


async def _reply(
    composer: Composer, request: ComposeRequest, publish: Callable[[Event], None], sign_every_s: float
) -> Composition | _Unread:
    """Hears a reply to its end, or to where it breaks off.

    Raises:
        EngineError: It broke off before there was a call.
    """
    parser, written, broke_off = StreamParser(), io.StringIO(), False
    try:
        async with (
            _signs_of_life(publish, sign_every_s) as has_begun,
            closing(composer.compose(request)) as pieces,
        ):
            async for piece in pieces:
                has_begun()
                publish(ComposingText(piece))
                written.write(piece)
                if parser.feed(piece) and parser.canvas is not None:
                    publish(RegionFinished(parser.canvas))
                if written.tell() > MAX_REPLY_CHARS:  # a model that found no end: what is complete counts
                    broke_off = True
                    break
    except Refused:
        raise
    except EngineError as failure:
        if parser.canvas is None:
            raise
        _log.warning("reply_broke_off", error=str(failure))
        broke_off = True
    return _read(parser, written.getvalue(), broke_off=broke_off)


@asynccontextmanager
async def _signs_of_life(
    publish: Callable[[Event], None], every_s: float
) -> AsyncGenerator[Callable[[], object]]:
    """Until it is told that the reply has begun: to fetch and load a model takes long, and is no hang."""

    async def beat() -> None:
        for _ in range(int(MAX_START_S / every_s)):
            await asyncio.sleep(every_s)
            publish(ComposingText(""))

    beating = asyncio.create_task(beat())
    try:
        yield beating.cancel
    finally:
        beating.cancel()
        await asyncio.wait([beating])


def _read(parser: StreamParser, text: str, *, broke_off: bool) -> Composition | _Unread:
    repairs: list[Repair] = []
    if broke_off or _is_unclosed(text):
        repairs.append(Repair(text.rstrip().count("\n") + 1, BROKEN_OFF, "", ""))
    try:
        return _composition(parser, parser.close(), repairs)
    except CanvasError as error:
        line = _line(text, error.line)
        repairs.append(Repair(error.line, "call", shorten(line), ""))
        partial = parser.canvas and _composition(parser, parser.canvas, repairs)
        return _Unread(error, line, text[:MAX_REJECTED_CHARS], partial)


def _is_unclosed(text: str) -> bool:
    """Whether a fence opens and never closes; one in the middle of a line may be part of a description."""
    return text.count(_FENCE) % 2 == 1 and len(_FENCE_LINE.findall(text)) % 2 == 1


def _composition(parser: StreamParser, canvas: Canvas, repairs: Iterable[Repair]) -> Composition:
    repaired = replace(canvas, repairs=(*canvas.repairs, *repairs))
    return Composition(repaired, parser.remark[:MAX_REMARK_CHARS])


def _line(text: str, number: int) -> str:
    """A line of a reply, counted from 1 as in a `CanvasError`."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[number - 1].strip()[:MAX_LINE_CHARS] if number <= len(lines) else ""
