"""One request from the command line: the studio's whole way, in a store that is gone afterwards.

Pictures leave as bytes; this module does not know where they are written or what is printed.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from canvas import Change
from engine.events import Cancelled, Composed, Done, Event, Failed
from engine.studio import Adopt, Compose, Limits, Order, Studio
from storage.scene import Scene, SceneSettings
from storage.store import ConversationKey, Revision, Store, TurnStatus

_CONVERSATION = ConversationKey("command-line", "one-shot")


@dataclass(frozen=True, slots=True)
class Job:
    """What one command asks the studio for.

    Attributes:
        prompt: What to compose or to change; None paints `scene` as it is.
        scene: The scene to start from, or None for a new one.
        language: Of the remarks.
        paint: Whether pictures are wanted, or the canvas alone.
    """

    prompt: str | None
    scene: Scene | None
    settings: SceneSettings
    limits: Limits
    language: str = "en"
    paint: bool = True


@dataclass(frozen=True, slots=True)
class Picture:
    """One painted picture: a PNG file that carries its scene."""

    png: bytes
    seed: int
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a job.

    Attributes:
        remark: What the composer says beside the code.
        compose_s: Seconds until the canvas was there.
        paint_s: Seconds from there until the pictures were.
    """

    revision: Revision
    changes: tuple[Change, ...]
    remark: str
    pictures: tuple[Picture, ...]
    compose_s: float
    paint_s: float


async def run(job: Job, watch: Callable[[Event], None]) -> Result:
    """Does the job; `watch` is shown every event on the way.

    Raises:
        EngineError: The request was refused, a backend is missing, or the composer wrote no canvas.
        StorageError: The temporary store failed.
    """
    async with _temporary_studio(job.limits) as studio:
        order = await _order(job, studio.store)
        await studio.submit(order)
        begun_s = composed_s = time.monotonic()
        async for event in studio.events(order.turn_id):
            watch(event)
            match event:
                case Composed(revision=revision, changes=changes):
                    composed_s = time.monotonic()
                    if not job.paint:
                        await studio.cancel(order.turn_id)
                        turn = await studio.store.turn(order.turn_id)
                        return Result(revision, changes, turn.remark, (), composed_s - begun_s, 0.0)
                case Done(turn=turn, revision=revision, changes=changes):
                    paint_s = time.monotonic() - composed_s
                    pictures = await _pictures(studio.store, revision)
                    return Result(revision, changes, turn.remark, pictures, composed_s - begun_s, paint_s)
                case Failed(error=error):
                    raise error
                case Cancelled():
                    raise asyncio.CancelledError
                case _:
                    pass
    raise AssertionError("the studio's events stopped without an end")


@asynccontextmanager
async def _temporary_studio(limits: Limits) -> AsyncGenerator[Studio]:
    with TemporaryDirectory(prefix="omost-bot-") as folder:
        store = await Store.open(Path(folder))
        try:
            async with Studio(store, limits=limits) as studio:
                yield studio
        finally:
            await store.close()


async def _order(job: Job, store: Store) -> Order:
    turn_id = uuid.uuid4().hex
    if job.prompt is not None:
        parent_id = await _remember(job.scene, store) if job.scene else None
        return Compose(turn_id, _CONVERSATION, job.prompt, job.settings, parent_id, job.language)
    if job.scene is None:
        raise ValueError("a job without a prompt needs a scene")
    return Adopt(turn_id, _CONVERSATION, job.scene.canvas, job.settings, language=job.language)


async def _remember(scene: Scene, store: Store) -> str:
    """Stores a scene that came from a file, unpainted, so that a request can start from it."""
    turn_id = uuid.uuid4().hex
    await store.begin_turn(turn_id, _CONVERSATION, "", None)
    revision = await store.add_revision(turn_id, None, scene)
    await store.finish_turn(turn_id, TurnStatus.DONE)
    return revision.id


async def _pictures(store: Store, revision: Revision) -> tuple[Picture, ...]:
    pictures: list[Picture] = []
    for image in revision.images:
        path = await store.image_path(image.id)
        png = await asyncio.to_thread(path.read_bytes)
        pictures.append(Picture(png, image.seed, image.width_px, image.height_px))
    return tuple(pictures)
