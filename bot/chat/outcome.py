"""How a turn ended, as a chat is shown it: what the store knows, with the pictures that belong to it."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.chat import looks, pictures
from bot.chat.views import Picture, View
from bot.replies import Words
from engine.errors import Interrupted
from engine.events import Cancelled, Done, Failed
from engine.studio import Studio
from storage.errors import NotFound
from storage.records import Revision, Turn
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


async def outcome(studio: Studio, turn: Turn, words: Words, *, is_spoiler: bool) -> Outcome:
    """How a turn ended.

    Raises:
        NotFound: It has been forgotten.
        StorageError: It could not be read.
    """
    match await _end(studio, turn):
        case Done() as done:
            return await _done(studio.store, done, words, is_spoiler=is_spoiler)
        case Failed(error):
            return Outcome(looks.failed(error, turn, words))
        case Cancelled():
            return Outcome(looks.cancelled(turn, words))


async def shown(store: Store, revision: Revision, words: Words, *, is_spoiler: bool) -> View:
    """A revision as its turn's message shows it, without what was changed.

    Raises:
        StorageError: It could not be read.
    """
    done = Done(await store.turn(revision.turn_id), revision, ())
    return (await _done(store, done, words, is_spoiler=is_spoiler)).view


async def _end(studio: Studio, turn: Turn) -> Done | Failed | Cancelled:
    async with aclosing(studio.events(turn.id)) as events:
        async for event in events:
            if isinstance(event, Done | Failed | Cancelled):
                return event
    return Failed(Interrupted())


async def _done(store: Store, done: Done, words: Words, *, is_spoiler: bool) -> Outcome:
    revision = done.revision
    paths = await _paths(store, revision)
    if not paths:
        return Outcome(looks.not_kept(revision, words), revision)
    if len(paths) == 1:
        return Outcome(looks.result(done, paths[0], words, is_spoiler=is_spoiler), revision)
    try:
        grid = await asyncio.to_thread(pictures.grid, paths)
    except OSError as error:  # gone just now, or damaged
        _log.warning("pictures_not_read", revision_id=revision.id, why=repr(error))
        return Outcome(looks.not_kept(revision, words), revision)
    view = looks.result(done, grid, words, is_spoiler=is_spoiler)
    return Outcome(view, revision, _beside(revision, paths, words, is_spoiler=is_spoiler))


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
