"""What a picture can go on from: those of the revision that its own one was made of."""

import asyncio
import io
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from PIL import Image

from engine.lasting import lasting
from engine.renderer import Base
from storage.errors import NotFound
from storage.records import Revision, StoredImage
from storage.scene import SceneSettings, seed_after
from storage.store import Store


async def base_of(store: Store, revision: Revision, settings: SceneSettings) -> Base | None:
    """The revision's parent with its pictures, none of which is decoded yet; None where there are none.

    A picture goes on from the parent's picture of the same seed. Where the parent has none of that seed, it
    goes on from the one of the revision's own seed; where it has not even that, the seed of the whole batch
    is another, and it goes on from the parent's first.

    Args:
        store: Where the parent is.
        revision: Whose pictures are to be painted.
        settings: The revision's own, or those of what is left of its batch.
    """
    parent_id = revision.parent_id
    if parent_id is None:
        return None
    try:
        parent = await lasting(lambda: store.revision(parent_id))
        pictures = await _pictures(store, parent.images)
    except NotFound:  # forgotten meanwhile
        return None
    if not pictures:
        return None
    seed = revision.scene.settings.seed
    chosen = pictures.get(seed, next(iter(pictures.values())))
    before = parent.scene.settings
    first_seed = seed if seed in pictures else before.seed
    return Base(
        canvas=parent.scene.canvas,
        settings=replace(before, seed=seed_after(first_seed, settings.seed - seed)),
        pictures=tuple(pictures.get(each, chosen) for each in settings.seeds),
    )


async def _pictures(store: Store, images: tuple[StoredImage, ...]) -> dict[int, Image.Image]:
    """The pictures by their seeds, in order; without those that were removed, or lost with their file."""
    found: dict[int, Image.Image] = {}
    for image in images:
        with suppress(NotFound, OSError):
            found[image.seed] = await _picture(store, image.id)
    return found


async def _picture(store: Store, image_id: str) -> Image.Image:
    path = await lasting(lambda: store.image_path(image_id))
    return await asyncio.to_thread(_opened, path)


def _opened(path: Path) -> Image.Image:
    """A picture that needs its file no more, and is decoded by whoever looks at its pixels.

    Raises:
        OSError: It cannot be read, or is damaged.
    """
    content = path.read_bytes()
    try:
        Image.open(io.BytesIO(content)).verify()
    except SyntaxError as error:  # so Pillow says of a checksum
        raise OSError(path) from error
    return Image.open(io.BytesIO(content))
