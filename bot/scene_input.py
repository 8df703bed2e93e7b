"""Reading the scene that a command names: Canvas code, one of our pictures, or standard input."""

import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from canvas import CanvasError, parse
from storage.errors import NotAScene
from storage.scene import Scene, SceneSettings
from storage.scene_file import MAX_PNG_BYTES, MAX_TEXT_BYTES, read_scene


class FileTrouble(Exception):
    """A file that the command line names cannot be read or written.

    Attributes:
        file: As it was named.
        reason: In the operating system's words.
    """

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason


class BadInput(Exception):
    """A file was read, but there is no scene in it.

    Attributes:
        file: As it was named.
        error: What is wrong with it.
    """

    def __init__(self, file: str, error: CanvasError | NotAScene) -> None:
        super().__init__(f"{file}: {error}")
        self.file = file
        self.error = error


@dataclass(frozen=True, slots=True)
class SceneInput:
    """What a command starts from.

    Attributes:
        png: The picture that carries the scene; None for Canvas code.
    """

    scene: Scene
    png: bytes | None = None


def scene_from(source: str, settings: SceneSettings) -> SceneInput:
    """The scene in a file, or on standard input when `source` is `-`.

    Args:
        source: What the command line says.
        settings: For Canvas code, which has none of its own; a picture brings those it was painted with.

    Raises:
        FileTrouble: The file cannot be read.
        BadInput: It holds no scene.
    """
    data = _read(source)
    try:
        return _scene(data, settings)
    except (CanvasError, NotAScene) as error:
        raise BadInput(source, error) from error


def _scene(data: bytes, settings: SceneSettings) -> SceneInput:
    try:
        code = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return SceneInput(read_scene(data), data)
    if len(data) > MAX_TEXT_BYTES:
        raise NotAScene("too-large")
    return SceneInput(Scene(parse(code), settings))


def _read(source: str) -> bytes:
    try:
        if source == "-":
            if sys.stdin is None:  # it was closed before we were started
                raise FileTrouble(source, os.strerror(errno.EBADF))
            data = sys.stdin.buffer.read(MAX_PNG_BYTES + 1)
        else:
            with Path(source).open("rb") as file:
                data = file.read(MAX_PNG_BYTES + 1)
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        raise FileTrouble(source, getattr(error, "strerror", None) or str(error)) from error
    if len(data) > MAX_PNG_BYTES:
        raise BadInput(source, NotAScene("too-large"))
    return data
