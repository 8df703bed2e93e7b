"""Picture files, named by what is in them: `images/ab/<sha256>.png` under the data folder.

The same bytes are stored once. A name is made of the digest alone, never of anything that a person wrote.
Knows no database: which file belongs to whom is `storage.store`'s.
"""

import asyncio
import hashlib
import os
import re
import tempfile
from pathlib import Path

from storage.errors import NotFound

_KEY = re.compile(r"[0-9a-f]{64}")


class ImageFiles:
    """The folder of picture files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def save(self, png: bytes) -> str:
        """Writes the picture so that a crash leaves either the whole file or none.

        Returns:
            The file's key: the SHA-256 of its bytes in hexadecimal.

        Raises:
            OSError: The disk is full or cannot be written.
        """
        return await asyncio.to_thread(self._save, png)

    async def path(self, key: str) -> Path:
        """Where the file of that key lies.

        Raises:
            NotFound: There is no such file.
        """
        path = self._place(key)
        if not await asyncio.to_thread(path.is_file):
            raise NotFound("file", key)
        return path

    def _place(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise NotFound("file", key)
        return self._folder / key[:2] / f"{key}.png"

    def _save(self, png: bytes) -> str:
        key = hashlib.sha256(png).hexdigest()
        path = self._place(key)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_atomically(path, png)
        return key


def _write_atomically(path: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
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
