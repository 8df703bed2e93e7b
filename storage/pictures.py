"""The bytes of pictures: in files, or in the database where the processes of an installation share no disk.

Knows which bytes are still named by an image; whose images those are is `storage.store`'s.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database, Lock, insert_new
from storage.errors import NotFound
from storage.files import ImageFiles, key_of
from storage.models import ImageRow, PictureRow, now

_BATCH = 500
"""Keys in one query."""


class Pictures:
    """Where the bytes of pictures are kept.

    With `in_database` the folder is a mere cache of this machine: it may be emptied at any time.
    """

    def __init__(self, database: Database, files: ImageFiles, *, in_database: bool) -> None:
        self._database = database
        self._files = files
        self._in_database = in_database

    async def prepare(self, png: bytes) -> str:
        """Does what can be done before the database is locked; returns the picture's key."""
        return await (asyncio.to_thread(key_of, png) if self._in_database else self._files.save(png))

    async def keep(self, session: AsyncSession, key: str, png: bytes) -> None:
        """Makes sure that the bytes are there; in a session that holds `Lock.PICTURES`."""
        if self._in_database:
            values = {"key": key, "png": png, "created_at": now()}
            await session.execute(insert_new(session, PictureRow, values))
        else:
            await self._files.save(png)  # once more: it may have been removed with its last image just now

    async def path(self, key: str) -> Path:
        """Where the bytes lie on this machine, which fetches them first if need be.

        Raises:
            NotFound: They are nowhere.
        """
        try:
            return await self._files.path(key)
        except NotFound:
            if not self._in_database:
                raise
        async with self._database.reading() as session:
            png = await session.scalar(select(PictureRow.png).where(PictureRow.key == key))
        if png is None:
            raise NotFound("file", key)
        await self._files.save(png)
        return await self._files.path(key)

    async def remove_unnamed(self, session: AsyncSession, keys: Iterable[str]) -> int:
        """Removes those of the pictures that no image names; in a session that holds `Lock.PICTURES`.

        Returns:
            How many files of this machine they were.
        """
        removed = 0
        for batch in _batches(keys):
            query = select(ImageRow.file_key).where(ImageRow.file_key.in_(batch))
            named = set(await session.scalars(query))
            unnamed = [key for key in batch if key not in named]
            await session.execute(delete(PictureRow).where(PictureRow.key.in_(unnamed)))
            removed += await self._files.remove(unnamed)
        return removed

    async def sweep(self, older_than_s: float) -> int:
        """Removes files and rows of that age that no image names; returns how many."""
        removed = 0
        for batch in _batches(await self._files.older_than(older_than_s)):
            async with self._database.writing(Lock.PICTURES) as session:
                removed += await self.remove_unnamed(session, batch)
        is_old = PictureRow.created_at < now() - timedelta(seconds=older_than_s)
        is_named = exists().where(ImageRow.file_key == PictureRow.key)
        async with self._database.writing(Lock.PICTURES) as session:
            rows = await session.scalars(
                delete(PictureRow).where(is_old, ~is_named).returning(PictureRow.key)
            )
            return removed + len(rows.all())


def _batches(keys: Iterable[str]) -> Iterator[Sequence[str]]:
    rest = list(keys)
    for start in range(0, len(rest), _BATCH):
        yield rest[start : start + _BATCH]
