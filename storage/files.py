"""Picture files, named by what is in them: `images/ab/<sha256>.png` under the data folder.

The same bytes are stored once. A name is made of the digest alone, never of anything that a person wrote.
Knows no database: which file belongs to whom, and which to nobody, is `storage.pictures`'s.
"""

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from storage.errors import NotFound

_KEY = re.compile(r"[0-9a-f]{64}")
_UNFINISHED = ".writing-"


def key_of(png: bytes) -> str:
    """What names those bytes: their SHA-256 in hexadecimal."""
    return hashlib.sha256(png).hexdigest()


class ImageFiles:
    """The folder of picture files; every method is blocking."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, png: bytes) -> str:
        """Writes the picture so that a crash leaves either the whole file or none.

        Returns:
            The file's key, `key_of` its bytes.

        Raises:
            OSError: The disk is full or cannot be written.
        """
        key = key_of(png)
        path = self._place(key)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_atomically(path, png)
        return key

    def path(self, key: str) -> Path:
        """Where the file of that key lies.

        Raises:
            NotFound: There is no such file.
        """
        path = self._place(key)
        if not path.is_file():
            raise NotFound("file", key)
        return path

    def remove(self, keys: Iterable[str]) -> int:
        """Removes the files of those keys; returns how many there were."""
        return sum(_unlink(self._place(key)) for key in keys)

    def older_than(self, age_s: float) -> tuple[str, ...]:
        """The keys of the files that were written so long ago.

        What a crash left half written at that time is removed on the way.
        """
        return tuple(self._older_than(age_s))

    def _older_than(self, age_s: float) -> Iterator[str]:
        written_before_s = time.time() - age_s
        for path in self._folder.glob("??/*"):
            if _written_at_s(path) >= written_before_s:
                continue
            if path.name.startswith(_UNFINISHED):
                _unlink(path)
            elif path.suffix == ".png" and _KEY.fullmatch(path.stem):
                yield path.stem

    def _place(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise NotFound("file", key)
        return self._folder / key[:2] / f"{key}.png"


def _unlink(path: Path) -> bool:
    """Removes the file; False when there is none."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _written_at_s(path: Path) -> float:
    """When the file was written; never, for one that is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _write_atomically(path: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=_UNFINISHED)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Makes the new name itself durable; Windows can neither open a folder nor needs to."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
