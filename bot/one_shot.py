"""One request from the command line: the engine's two stages, in a store that is gone afterwards.

Pictures leave as bytes; this module does not know where they are written or what is printed.
"""

import asyncio
import io
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from canvas import Change
from engine.backends import Backends
from engine.composer.safety import Safety, texts_of
from engine.events import Composed, Event
from engine.orders import MAX_HIGH_RESOLUTION, Adopt, Compose, Limits, check, to_turn
from engine.stages import Stages
from storage.records import ConversationKey, PersonKey, Place, Revision, Standing, TurnStatus
from storage.scene import MAX_SIDE_PX, Scene, SceneSettings
from storage.store import Store

_CONVERSATION = ConversationKey("command-line", "one-shot")
_PERSON = PersonKey("command-line", "one-shot")
_MAX_SIDE_PX = MAX_HIGH_RESOLUTION * MAX_SIDE_PX


@dataclass(frozen=True, slots=True)
class Job:
    """What one command asks for.

    Attributes:
        prompt: What to compose or to change; None paints `scene` as it is.
        scene: The scene to start from, or None for a new one.
        png: What the scene looked like; a renderer that can leaves of it what does not change.
        language: Of the remarks.
        paint: Whether pictures are wanted, or the canvas alone.
        backends: Which composers and renderers there are.
        safety: What looks at the request first.
    """

    prompt: str | None
    scene: Scene | None
    settings: SceneSettings
    limits: Limits
    language: str = "en"
    png: bytes | None = None
    paint: bool = True
    backends: Backends = field(default_factory=Backends)
    safety: Safety = field(default_factory=Safety)


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
    async with _temporary_store() as store, _stages(job, store) as stages:
        turn_id = await _begin(job, store)
        found: tuple[Change, ...] = ()

        def hear(event: Event) -> None:
            nonlocal found
            if isinstance(event, Composed):
                found = event.changes
            watch(event)

        begun_s = time.monotonic()
        revision = await stages.compose(turn_id, hear)
        composed_s = time.monotonic()
        remark = (await store.turn(turn_id)).remark
        if not job.paint:
            return Result(revision, found, remark, (), composed_s - begun_s, 0.0)
        await stages.paint(turn_id, hear)
        paint_s = time.monotonic() - composed_s
        revision = await store.revision(revision.id)
        pictures = await _pictures(store, revision)
        return Result(revision, found, remark, pictures, composed_s - begun_s, paint_s)


@asynccontextmanager
async def _temporary_store() -> AsyncGenerator[Store]:
    with TemporaryDirectory(prefix="omost-bot-") as folder:
        store = await Store.open(Path(folder))
        try:
            yield store
        finally:
            await store.close()


def _stages(job: Job, store: Store) -> aclosing[Stages]:
    backends = replace(job.backends, call_pause_s=0.0)  # nobody watches the regions
    return aclosing(Stages(store, backends=backends, safety=job.safety))


async def _begin(job: Job, store: Store) -> str:
    """Stores the job as a turn, unless it is refused, as the studio would refuse it."""
    order = _order(job)
    check(order, job.limits)
    job.backends.check_renderer(job.settings.renderer)
    if isinstance(order, Compose):
        job.backends.check_composer(job.settings.composer)
    if job.scene and (job.png or isinstance(order, Compose)):
        await job.safety.check(texts_of(job.scene.canvas))
        order = replace(order, parent_id=await _remember(job.scene, job.png, store))
    await store.begin_turn(to_turn(order), _first)
    return order.turn_id


def _order(job: Job) -> Compose | Adopt:
    turn_id = uuid.uuid4().hex
    if job.prompt is not None:
        return Compose(turn_id, _CONVERSATION, _PERSON, job.prompt, job.settings, language=job.language)
    if job.scene is None:
        raise ValueError("a job without a prompt needs a scene")
    canvas = job.scene.canvas
    return Adopt(turn_id, _CONVERSATION, _PERSON, canvas, job.settings, language=job.language)


async def _remember(scene: Scene, png: bytes | None, store: Store) -> str:
    """Stores a scene that came from a file, with its picture if any, so that a request can start from it."""
    order = Adopt(uuid.uuid4().hex, _CONVERSATION, _PERSON, scene.canvas, scene.settings)
    await store.begin_turn(to_turn(order), _first)
    revision = await store.add_revision(order.turn_id, None, scene)
    size = await asyncio.to_thread(_size_px, png) if png else None
    if png and size:
        seed, (width_px, height_px) = scene.settings.seed, size
        await store.add_image(
            revision.id, index=0, seed=seed, png=png, width_px=width_px, height_px=height_px
        )
    await store.finish_turn(order.turn_id, TurnStatus.DONE)
    return revision.id


def _size_px(png: bytes) -> tuple[int, int] | None:
    """A picture's size; None where its pixels are damaged, or more than we ever paint."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            if max(picture.size) > _MAX_SIDE_PX:
                return None
            picture.load()
            return picture.size
    except (OSError, SyntaxError, ValueError):
        return None


def _first(standing: Standing) -> Place:
    """There is no queue."""
    del standing
    return Place(0, 0)


async def _pictures(store: Store, revision: Revision) -> tuple[Picture, ...]:
    pictures: list[Picture] = []
    for image in revision.images:
        path = await store.image_path(image.id)
        png = await asyncio.to_thread(path.read_bytes)
        pictures.append(Picture(png, image.seed, image.width_px, image.height_px))
    return tuple(pictures)
