"""Scene files: a PNG that carries its scene, and reading a scene back from one, or from Canvas code as text.

The form is documented in `docs/scene-files.md`. Files come from strangers: reading walks the PNG's chunks and
never decodes a pixel, every length is checked against a limit before it is believed, and the only exception
is `NotAScene`.
"""

import io
import json
import re
import struct
import zlib
from collections.abc import Iterator
from typing import cast

from PIL import Image, PngImagePlugin

from canvas import CanvasError, parse, write
from storage.errors import NotAScene
from storage.scene import Scene, SceneSettings

KEYWORD = "omost-scene"
VERSION = 1
SOFTWARE = "omost-bot"

MAX_PNG_BYTES = 32 * 2**20  # 2048 x 2048 pixels of noise are 12 MB
MAX_TEXT_BYTES = 2**20
MAX_SCENE_BYTES = 2**20
MAX_CHUNKS = 65_536

_PNG = b"\x89PNG\r\n\x1a\n"
_OTHER_IMAGE = re.compile(
    rb"\xff\xd8\xff|GIF8[79]a|RIFF....WEBP|BM....\0\0\0\0|II\*\0|MM\0\*|....ftyp", re.DOTALL
)
_OURS = KEYWORD.encode("ascii") + b"\0"
_HEAD = struct.Struct(">I4s")  # length of the body, kind
_CHECKSUM = struct.Struct(">I")


def write_png(image: Image.Image, scene: Scene, *, note: str = "") -> bytes:
    """The picture as a PNG file with its scene inside.

    The note is for people who look into the file: the prompt, for example. Without one it is the scene's own
    sentence.
    """
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Software", SOFTWARE)
    chunks.add_itxt("Description", _plain(note or scene.canvas.global_description.description))
    chunks.add_itxt(KEYWORD, _to_json(scene), zip=True)
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=chunks)
    return file.getvalue()


def read_scene(data: bytes) -> Scene:
    """The scene in one of our PNG files, or in a text file with Canvas code, fenced or not.

    Settings that a file does not name take their defaults. Their values are not checked against any range.

    Raises:
        NotAScene: With the reason; its cause is the `CanvasError` when text was read but is no canvas.
    """
    if data.startswith(_PNG):
        return _from_png(data)
    if _OTHER_IMAGE.match(data):
        raise NotAScene("no-scene-inside")
    return _from_text(data)


def _plain(text: str) -> str:
    """The text without what PNG text cannot hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _to_json(scene: Scene) -> str:
    values = {"version": VERSION, "canvas": write(scene.canvas), "settings": scene.settings.to_dict()}
    return json.dumps(values)  # in ASCII, which holds every string there is, lone surrogates too


def _from_text(data: bytes) -> Scene:
    if len(data) > MAX_TEXT_BYTES:
        raise NotAScene("too-large")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotAScene("not-an-image") from error
    if not text.strip() or "\0" in text:
        raise NotAScene("not-an-image")
    try:
        return Scene(parse(text))
    except CanvasError as error:
        raise NotAScene("no-scene-inside") from error


def _from_png(data: bytes) -> Scene:
    if len(data) > MAX_PNG_BYTES:
        raise NotAScene("too-large")
    for kind, body in _our_chunks(memoryview(data)):
        text = _text_of(kind, body)
        if text is not None:
            return _from_json(text)
    raise NotAScene("no-scene-inside")


def _our_chunks(png: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and body of each chunk under our keyword, before or after the pixels, up to the file's end."""
    start = len(_PNG)
    for _ in range(MAX_CHUNKS):
        head_end = start + _HEAD.size
        if head_end > len(png):
            raise NotAScene("damaged")  # cut off before IEND
        length, kind = _HEAD.unpack_from(png, start)
        body_end = head_end + length
        start = body_end + _CHECKSUM.size
        if start > len(png):
            raise NotAScene("damaged")
        if kind == b"IEND":
            return
        body = png[head_end:body_end]
        if bytes(body[: len(_OURS)]) == _OURS:
            if zlib.crc32(body, zlib.crc32(kind)) != _CHECKSUM.unpack_from(png, body_end)[0]:
                raise NotAScene("damaged")
            yield kind, body[len(_OURS) :]
    raise NotAScene("damaged")


def _text_of(kind: bytes, body: memoryview) -> str | None:
    """The text of a chunk's body; None when the chunk is no text. Other tools may have changed its kind."""
    match kind:
        case b"tEXt":
            return _decode(bytes(body))
        case b"zTXt":
            return _decode(_inflate(bytes(body[1:])))
        case b"iTXt":
            # flag, method, language tag NUL, translated keyword NUL, text
            parts = bytes(body[2:]).split(b"\0", 2)
            if len(parts) < 3:
                raise NotAScene("damaged")
            return _decode(_inflate(parts[2]) if body[0] else parts[2])
        case _:
            return None


def _inflate(compressed: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(compressed, MAX_SCENE_BYTES + 1)
    except zlib.error as error:
        raise NotAScene("damaged") from error
    if len(text) <= MAX_SCENE_BYTES and not inflater.eof:
        raise NotAScene("damaged")
    return text


def _decode(text: bytes) -> str:
    if len(text) > MAX_SCENE_BYTES:
        raise NotAScene("too-large")
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotAScene("damaged") from error


def _from_json(text: str) -> Scene:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotAScene("damaged") from error
    match values:
        case {"version": int(version)} if version > VERSION:
            raise NotAScene("newer-version")
        case {"version": int(), "canvas": str(code), "settings": settings} if isinstance(settings, dict):
            return _scene_of(code, cast("dict[str, object]", settings))
        case _:
            raise NotAScene("damaged")


def _scene_of(code: str, settings: dict[str, object]) -> Scene:
    try:
        return Scene(parse(code), SceneSettings.from_dict(settings))
    except (CanvasError, ValueError) as error:
        raise NotAScene("damaged") from error
