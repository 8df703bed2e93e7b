"""The bytes of pictures: in files, or in the database where the processes of an installation share no disk.

Knows which bytes are still named by an image; whose images those are is `storage.store`'s.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from storage.database import dialect_of, insert
from storage.errors import NotFound
from storage.files import ImageFiles, key_of
from storage.models import ImageRow, PictureRow, now

_BATCH = 500
"""Keys in one query."""


class Pictures:
    """Where the bytes of pictures are kept; every method is blocking.

    With `in_database` the folder is a mere cache of this machine: it may be emptied at any time.
    """

    def __init__(self, files: ImageFiles, *, in_database: bool) -> None:
        self._files = files
        self._in_database = in_database

    def prepare(self, png: bytes) -> str:
        """Does what can be done before the database is locked; returns the picture's key."""
        return key_of(png) if self._in_database else self._files.save(png)

    def keep(self, session: Session, key: str, png: bytes) -> None:
        """Makes sure that the bytes are there; in a session that holds `Lock.PICTURES`."""
        if self._in_database:
            row = {"key": key, "png": png, "created_at": now()}
            session.execute(insert(dialect_of(session), PictureRow).on_conflict_do_nothing(), row)
        else:
            self._files.save(png)  # once more: it may have been removed with its last image just now

    def path(self, session: Session, key: str) -> Path:
        """Where the bytes lie on this machine, which fetches them first if need be.

        Raises:
            NotFound: They are nowhere.
        """
        try:
            return self._files.path(key)
        except NotFound:
            if not self._in_database:
                raise
        png = session.scalar(select(PictureRow.png).where(PictureRow.key == key))
        if png is None:
            raise NotFound("file", key)
        return self._files.path(self._files.save(png))

    def remove_unnamed(self, session: Session, keys: Iterable[str]) -> int:
        """Removes those of the pictures that no image names; in a session that holds `Lock.PICTURES`.

        Returns:
            How many files of this machine they were.
        """
        removed = 0
        for batch in _batches(keys):
            query = select(ImageRow.file_key).where(ImageRow.file_key.in_(batch))
            named = set(session.scalars(query))
            unnamed = [key for key in batch if key not in named]
            session.execute(delete(PictureRow).where(PictureRow.key.in_(unnamed)))
            removed += self._files.remove(unnamed)
        return removed

    def old_files(self, older_than_s: float) -> Iterator[Sequence[str]]:
        """The keys of files of that age, some at a time."""
        return _batches(self._files.older_than(older_than_s))

    def remove_unnamed_rows(self, session: Session, older_than_s: float) -> int:
        """Removes rows of that age that no image names; in a session that holds `Lock.PICTURES`.

        Returns:
            How many.
        """
        is_old = PictureRow.created_at < now() - timedelta(seconds=older_than_s)
        is_named = exists().where(ImageRow.file_key == PictureRow.key)
        rows = session.scalars(delete(PictureRow).where(is_old, ~is_named).returning(PictureRow.key))
        return len(rows.all())


def _batches(keys: Iterable[str]) -> Iterator[Sequence[str]]:
    rest = list(keys)
    for start in range(0, len(rest), _BATCH):
        yield rest[start : start + _BATCH]
