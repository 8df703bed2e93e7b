"""How much room the data takes, and how much is left beside it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of a folder with all that is in it, and those that are free where it lies."""

    used_bytes: int
    free_bytes: int


def room(folder: Path) -> Room:
    """Looks at every file of the folder; blocking.

    Raises:
        OSError: The folder is not there, or cannot be read.
    """
    return Room(_used_bytes(folder), free_bytes(folder))


def free_bytes(folder: Path) -> int:
    """What is free where the folder lies; blocking."""
    return shutil.disk_usage(folder).free


def _used_bytes(folder: Path) -> int:
    found = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                found += os.lstat(os.path.join(path, name)).st_size  # noqa: PTH118 - ten times as fast
            except FileNotFoundError:  # removed meanwhile
                continue
    return found
