"""Where a command's pictures go: to a file, to numbered files, or to standard output."""

import sys
from collections.abc import Sequence
from pathlib import Path

from bot.one_shot import Picture
from bot.scene_input import FileTrouble

STANDARD_OUTPUT = Path("-")


def write_pictures(pictures: Sequence[Picture], output: Path | None, revision_id: str) -> tuple[Path, ...]:
    """Writes every picture and returns the files; none for standard output.

    Without an `output`, the name is made of the revision's id.

    Raises:
        FileTrouble: A file cannot be written.
    """
    if output == STANDARD_OUTPUT:
        for picture in pictures:
            sys.stdout.buffer.write(picture.png)
        return ()
    paths = _file_names(output or Path(f"omost-{revision_id}.png"), len(pictures))
    for path, picture in zip(paths, pictures, strict=True):
        try:
            path.write_bytes(picture.png)
        except OSError as error:
            raise FileTrouble(str(path), error.strerror or str(error)) from error
    return paths


def _file_names(path: Path, count: int) -> tuple[Path, ...]:
    """The file itself for one picture; `name-1.png`, `name-2.png` ... for several."""
    if count == 1:
        return (path,)
    return tuple(path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(1, count + 1))
