"""How a turn begins and ends, as a chat is shown it, with the pictures that belong to it."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.chat import looks, pictures
from bot.chat.asked import Asked, asked_for, earlier
from bot.chat.views import Picture, View
from bot.progress import Progress
from bot.replies import Words
from engine.errors import Interrupted
from engine.events import Cancelled, Done, Failed, Queued
from engine.lasting import lasting
from engine.studio import Studio
from storage.errors import NotFound
from storage.records import Revision, Turn
from storage.scene_file import write_png
from storage.store import Store

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is shown of a turn that has ended.

    Attributes:
        view: The message.
        revision: What it made, if it did.
        beside: The pictures of a batch one by one, in the order of the revision's images; else nothing.
    """

    view: View
    revision: Revision | None = None
    beside: tuple[Picture, ...] = ()


async def beginning(studio: Studio, turn_id: str, asker: str, words: Words) -> View:
    """How a turn looks at first: what was asked for, and its place where others wait or are served.

    Raises:
        NotFound: It has been forgotten.
        StorageError: It could not be read.
    """

    async def known() -> View:
        shown = Progress(words)
        queue = await studio.queue()
        own = next((one for one in queue if one.turn.id == turn_id), None)
        if own and own.position and len(queue) > 1:
            shown.note(Queued(own.position, own.wait_s))
        asked = await asked_for(studio.store, await studio.store.turn(turn_id), asker)
        return looks.progress(shown, asked, turn_id)

    return await lasting(known)


async def outcome(
    studio: Studio, turn: Turn, asker: str, words: Words, *, max_units: int, is_spoiler: bool
) -> Outcome:
    """How a turn ended; `asker` is what people there call who asked, `max_units` how long a caption may be.

    Raises:
        NotFound: It has been forgotten.
        StorageError: It could not be read.
    """
    end = await _end(studio, turn)
    asked = await asked_for(studio.store, turn, asker)
    match end:
        case Done() as done:
            return await _done(studio.store, done, asked, words, max_units=max_units, is_spoiler=is_spoiler)
        case Failed(error):
            return Outcome(looks.failed(error, turn, asked, words))
        case Cancelled():
            return Outcome(looks.cancelled(turn, asked, words))


async def shown(store: Store, revision: Revision, words: Words, *, max_units: int, is_spoiler: bool) -> View:
    """A revision as its turn's message shows it, without what was changed; it says that it is an earlier one.

    Raises:
        StorageError: It could not be read.
    """
    done = Done(await store.turn(revision.turn_id), revision, ())
    asked = await earlier(store, revision)
    return (await _done(store, done, asked, words, max_units=max_units, is_spoiler=is_spoiler)).view


async def _end(studio: Studio, turn: Turn) -> Done | Failed | Cancelled:
    async with aclosing(studio.events(turn.id)) as events:
        async for event in events:
            if isinstance(event, Done | Failed | Cancelled):
                return event
    return Failed(Interrupted())


async def _done(
    store: Store, done: Done, asked: Asked, words: Words, *, max_units: int, is_spoiler: bool
) -> Outcome:
    revision = done.revision
    paths = await _paths(store, revision)
    if not paths:
        return Outcome(looks.not_kept(revision, asked, words), revision)
    is_batch = len(paths) > 1
    try:
        source = await asyncio.to_thread(_grid, paths, revision) if is_batch else paths[0]
    except OSError as error:  # gone just now, or damaged
        _log.warning("pictures_not_read", revision_id=revision.id, why=repr(error))
        return Outcome(looks.not_kept(revision, asked, words), revision)
    view = looks.result(done, source, asked, words, max_units=max_units, is_spoiler=is_spoiler)
    beside = _beside(revision, paths, words, is_spoiler=is_spoiler) if is_batch else ()
    return Outcome(view, revision, beside)


def _grid(paths: list[Path], revision: Revision) -> bytes:
    """The pictures in one, as a file that carries its scene like each of them."""
    return write_png(pictures.grid(paths), revision.scene, note=revision.prompt)


async def _paths(store: Store, revision: Revision) -> list[Path]:
    """Where the pictures are; none where one of them is not kept any more."""
    try:
        paths = [await store.image_path(image.id) for image in revision.images]
    except NotFound:
        return []
    are_there = await asyncio.to_thread(lambda: all(path.is_file() for path in paths))
    return paths if are_there else []


def _beside(revision: Revision, paths: list[Path], words: Words, *, is_spoiler: bool) -> tuple[Picture, ...]:
    return tuple(
        looks.picture_beside(revision, image, path, words, is_spoiler=is_spoiler)
        for image, path in zip(revision.images, paths, strict=True)
    )
