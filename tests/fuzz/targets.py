"""What the fuzzers promise of hostile input; each target raises for a promise that is broken."""

import json
import struct
import zlib

from PIL import Image

from canvas import CanvasError, StreamParser, changes, color_sketch, conditions, parse, regions, write
from canvas.model import MAX_LOCAL_DESCRIPTIONS, Canvas
from storage.errors import NotAScene
from storage.scene_file import KEYWORD, read_scene, write_png

_PNG = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
_PIECE_CHARS = 7


def read_model_text(data: bytes) -> None:
    """Any text is a canvas or a `CanvasError`, in pieces as in one; a canvas survives being written."""
    text = data.decode("utf-8", "surrogateescape")
    whole, streamed = _outcome(text), _streamed(text)
    assert type(whole) is type(streamed)
    assert not isinstance(whole, Canvas) or whole == streamed
    if isinstance(whole, Canvas):
        _use(whole)


def read_file(data: bytes) -> None:
    """Any file is a scene or `NotAScene`; a scene survives being written into a picture.

    The first byte says how the rest is wrapped: checksums and compression keep a fuzzer out otherwise.
    """
    kind, body = (data[0] % 6, data[1:]) if data else (0, b"")
    match kind:
        case 0:
            file = body
        case 1:
            file = _picture(b"tEXt", body)
        case 2:
            file = _picture(b"zTXt", b"\0" + zlib.compress(body))
        case 3:
            file = _picture(b"iTXt", b"\0\0\0\0" + body)
        case 4:
            file = _picture(b"iTXt", b"\0\0\0\0" + _scene_json(body))
        case _:
            file = _PNG + body
    try:
        scene = read_scene(file)
    except NotAScene:
        return
    _use(scene.canvas)
    assert read_scene(write_png(Image.new("L", (1, 1)), scene)) == scene


def _use(canvas: Canvas) -> None:
    assert len(canvas.local_descriptions) <= MAX_LOCAL_DESCRIPTIONS
    assert parse(write(canvas)) == canvas
    for region in regions(canvas):
        top, bottom, left, right = region.rect
        assert 0 <= top < bottom <= 90
        assert 0 <= left < right <= 90
    assert color_sketch(canvas).shape == (90, 90, 3)
    assert len(conditions(canvas)) == len(canvas.local_descriptions) + 1
    assert changes(canvas, canvas) == ()
    changes(canvas, Canvas(canvas.global_description, canvas.local_descriptions[1:]))


def _outcome(text: str) -> Canvas | CanvasError:
    try:
        return parse(text)
    except CanvasError as error:
        return error


def _streamed(text: str) -> Canvas | CanvasError:
    parser = StreamParser()
    for start in range(0, len(text), _PIECE_CHARS):
        parser.feed(text[start : start + _PIECE_CHARS])
    try:
        return parser.close()
    except CanvasError as error:
        return error


def _scene_json(body: bytes) -> bytes:
    """A file of ours with these settings and this canvas; what stands before the first line break is JSON."""
    head, _, code = body.partition(b"\n")
    try:
        settings = json.loads(head)
    except (ValueError, RecursionError):
        settings = {}
    values = {"version": 1, "canvas": code.decode("utf-8", "replace"), "settings": settings}
    return json.dumps(values).encode()


def _picture(kind: bytes, body: bytes) -> bytes:
    text = _chunk(kind, KEYWORD.encode() + b"\0" + body)
    return _PNG + _chunk(b"IHDR", _HEADER) + text + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))
