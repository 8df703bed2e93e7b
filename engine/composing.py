"""Composing: from a request to a canvas, heard while it is being written.

Knows nothing of the store or the queue; what happens is published as events.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from canvas import Canvas, CanvasError, StreamParser, write
from engine.composer import Composer, ComposeRequest, Exchange
from engine.errors import ComposeFailed
from engine.events import ComposingText, Event, RegionFinished
from storage.records import Revision

MAX_REPLY_CHARS = 64_000  # twice what 8,192 tokens make
MAX_REMARK_CHARS = 2_000

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
    composer: Composer, request: ComposeRequest, publish: Callable[[Event], None]
) -> Composition:
    """Composes; a reply that holds no canvas is asked for once more, with what was wrong.

    Raises:
        ComposeFailed: The second reply holds no canvas either.
        EngineError: Whatever the composer raises.
    """
    try:
        return await _reply(composer, request, publish)
    except CanvasError as error:
        correction = str(error)
    publish(ComposingText("\n\n"))
    try:
        return await _reply(composer, replace(request, correction=correction), publish)
    except CanvasError as error:
        raise ComposeFailed(error.line, error.column, error.message) from error


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


async def _reply(
    composer: Composer, request: ComposeRequest, publish: Callable[[Event], None]
) -> Composition:
    parser = StreamParser()
    chars = 0
    async with closing(composer.compose(request)) as pieces:
        async for piece in pieces:
            publish(ComposingText(piece))
            if parser.feed(piece) and parser.canvas is not None:
                publish(RegionFinished(parser.canvas))
            chars += len(piece)
            if chars > MAX_REPLY_CHARS:  # a model that found no end: what is complete counts
                break
    canvas = parser.close()
    return Composition(canvas, parser.remark[:MAX_REMARK_CHARS])
