"""Scene files: what is written is read, and what strangers send is refused with a reason."""

import io
import json
import re
import struct
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from canvas import Canvas, CanvasError, GlobalDescription, LocalDescription, write
from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS
from storage.errors import NotAScene
from storage.scene import Scene, SceneSettings
from storage.scene_file import KEYWORD, MAX_PNG_BYTES, MAX_SCENE_BYTES, MAX_TEXT_BYTES, read_scene, write_png

PICTURE = Image.new("RGB", (8, 6), "teal")

texts = st.text(max_size=40)
globals_ = st.builds(
    GlobalDescription,
    description=texts,
    detailed_descriptions=st.lists(texts, max_size=2).map(tuple),
    tags=texts,
    color=st.sampled_from(sorted(COLORS)),
)
locals_ = st.builds(
    LocalDescription,
    description=texts,
    location=st.sampled_from(sorted(LOCATIONS)),
    offset=st.sampled_from(sorted(OFFSETS)),
    area=st.sampled_from(sorted(AREAS)),
    distance_to_viewer=st.floats(min_value=0.01, max_value=1000),
    style=texts,
    color=st.sampled_from(sorted(COLORS)),
)
scenes = st.builds(
    Scene,
    st.builds(Canvas, globals_, st.lists(locals_, max_size=4).map(tuple)),
    st.builds(
        SceneSettings,
        width_px=st.integers(),
        seed=st.integers(0, 2**32),
        guidance=st.floats(allow_nan=False, allow_infinity=False),
        negative_prompt=st.text(max_size=40),
    ),
)


def chunk(kind: bytes, body: bytes, *, crc: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png(*chunks: bytes, end: bytes = chunk(b"IEND", b"")) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + end


def record(**changed: object) -> bytes:
    code = write(Canvas(GlobalDescription("A pond.")))
    return json.dumps({"version": 1, "canvas": code, "settings": {}} | changed).encode()


def itxt(text: bytes, *, inflated: bool = True) -> bytes:
    head = KEYWORD.encode() + b"\0" + (b"\1\0" if inflated else b"\0\0") + b"\0\0"
    return head + (zlib.compress(text) if inflated else text)


def reason_of(data: bytes) -> str:
    with pytest.raises(NotAScene) as caught:
        read_scene(data)
    return caught.value.reason


def chunks_of(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 8
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        yield data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        position += length + 12


@given(scenes)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(scene: Scene):
    """A scene comes back from its file whole, whatever is said in it."""
    assert read_scene(write_png(PICTURE, scene)) == scene


def test_a_string_that_utf8_cannot_hold_survives():
    """Half of a surrogate pair, which JSON brings in, is written and read like any character."""
    odd = Scene(Canvas(GlobalDescription("cut \ud83d off")), SceneSettings(negative_prompt="\udc00\0"))
    assert read_scene(write_png(PICTURE, odd, note="cut \ud83d off")) == odd


def test_the_picture_is_whole_and_says_what_made_it(scene: Scene):
    """Any program opens the file: the pixels are the picture's, with software and description in words."""
    with Image.open(io.BytesIO(write_png(PICTURE, scene, note="灯塔 at dusk"))) as opened:
        assert list(opened.convert("RGB").get_flattened_data()) == list(PICTURE.get_flattened_data())
        assert opened.info["Software"] == "omost-bot"
        assert opened.info["Description"] == "灯塔 at dusk"


def test_the_scene_stands_before_the_pixels_in_the_documented_form(scene: Scene):
    """One compressed iTXt chunk under the keyword holds JSON with version, canvas and settings."""
    kinds = list(chunks_of(write_png(PICTURE, scene)))
    ours = [body for kind, body in kinds if kind == b"iTXt" and body.startswith(KEYWORD.encode() + b"\0")]
    assert len(ours) == 1
    assert kinds.index((b"iTXt", ours[0])) < [kind for kind, _ in kinds].index(b"IDAT")
    values = json.loads(zlib.decompress(ours[0][len(KEYWORD) + 5 :]))
    assert values == {
        "version": 1,
        "canvas": write(scene.canvas),
        "settings": scene.settings.to_dict(),
    }


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("compressed iTXt", png(chunk(b"iTXt", itxt(record())))),
        ("plain iTXt", png(chunk(b"iTXt", itxt(record(), inflated=False)))),
        ("zTXt", png(chunk(b"zTXt", KEYWORD.encode() + b"\0\0" + zlib.compress(record())))),
        ("tEXt", png(chunk(b"tEXt", KEYWORD.encode() + b"\0" + record()))),
        ("after the pixels", png(chunk(b"IDAT", b"pixels"), chunk(b"iTXt", itxt(record())))),
        ("pixels cut off", png(chunk(b"iTXt", itxt(record())), end=b"\0\0\xff\xffIDAT")),
        (
            "among other tools' chunks",
            png(
                chunk(b"tEXt", b"parameters\0a lighthouse, steps: 20"),
                chunk(b"iTXt", b"omost-scene-of-another\0\0\0\0\0{}"),
                chunk(b"prVt", KEYWORD.encode() + b"\0private"),
                chunk(b"iTXt", itxt(record())),
            ),
        ),
        ("settings of another version", png(chunk(b"iTXt", itxt(record(settings={"brush": "x"}))))),
        ("text", write(Canvas(GlobalDescription("A pond."))).encode()),
        (
            "text with BOM and Windows line ends",
            b"\xef\xbb\xbf"
            b"canvas = Canvas()\r\n"
            + write(Canvas(GlobalDescription("A pond."))).replace("\n", "\r\n").encode(),
        ),
        (
            "fenced text",
            f"Here you are:\n```python\n{write(Canvas(GlobalDescription('A pond.')))}```".encode(),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_scenes_are_found_wherever_they_stand(name: str, data: bytes):
    """The scene is read from every kind of text chunk, before or after the pixels, and from text files."""
    assert read_scene(data) == Scene(Canvas(GlobalDescription("A pond."))), name


def picture_file(form: str) -> bytes:
    file = io.BytesIO()
    PICTURE.save(file, form)
    return file.getvalue()


@pytest.mark.parametrize(
    ("reason", "data"),
    [
        ("not-an-image", b""),
        ("not-an-image", b"  \n "),
        ("not-an-image", b"%PDF-1.7\n\xe2\xe3\xcf\xd3"),
        ("not-an-image", b"text\0with NUL"),
        ("no-scene-inside", picture_file("PNG")),
        ("no-scene-inside", picture_file("JPEG")),
        ("no-scene-inside", picture_file("GIF")),
        ("no-scene-inside", picture_file("WEBP")),
        ("no-scene-inside", picture_file("BMP")),
        ("no-scene-inside", picture_file("TIFF")),
        ("no-scene-inside", "Just a letter, with no code — 你好".encode()),
        ("no-scene-inside", png(chunk(b"tEXt", b"Comment\0hello"))),
        ("damaged", png(end=b"")),
        ("damaged", png(end=b"\0\0")),
        ("damaged", png(chunk(b"iTXt", itxt(record()))[:-20], end=b"")),
        ("damaged", png(b"\xff\xff\xff\xffiTXtomost-scene\0", end=b"")),
        ("damaged", png(chunk(b"iTXt", itxt(record()), crc=1))),
        ("damaged", png(chunk(b"iTXt", KEYWORD.encode() + b"\0"))),
        ("damaged", png(chunk(b"iTXt", KEYWORD.encode() + b"\0\1\0\0\0not deflated"))),
        ("damaged", png(chunk(b"zTXt", KEYWORD.encode() + b"\0\0" + zlib.compress(record())[:-9]))),
        ("damaged", png(chunk(b"zTXt", KEYWORD.encode() + b"\0\0" + zlib.compress(record())[:-2]))),
        ("damaged", png(chunk(b"tEXt", KEYWORD.encode() + b"\0\xff\xfe"))),
        ("damaged", png(chunk(b"iTXt", itxt(b"{")))),
        ("damaged", png(chunk(b"iTXt", itxt(b"[]")))),
        ("damaged", png(chunk(b"iTXt", itxt(b"[" * 100_000)))),
        ("damaged", png(chunk(b"iTXt", itxt(b'{"version": ' + b"9" * 5000 + b"}")))),
        ("damaged", png(chunk(b"iTXt", itxt(record(canvas=7))))),
        ("damaged", png(chunk(b"iTXt", itxt(record(canvas="no code"))))),
        ("damaged", png(chunk(b"iTXt", itxt(record(settings=[]))))),
        ("damaged", png(chunk(b"iTXt", itxt(record(settings={"steps": "many"}))))),
        ("damaged", png(chunk(b"iTXt", itxt(record(settings={"guidance": 10**400}))))),
        ("damaged", png(chunk(b"iTXt", itxt(record(version="1"))))),
        ("damaged", png(*[chunk(b"tIME", b"")] * 70_000)),
        ("newer-version", png(chunk(b"iTXt", itxt(record(version=2, canvas=["in a new form"]))))),
        ("too-large", png(chunk(b"iTXt", itxt(b" " * (MAX_SCENE_BYTES + 1))))),
        ("too-large", png(chunk(b"tEXt", KEYWORD.encode() + b"\0" + b" " * (MAX_SCENE_BYTES + 1)))),
        ("too-large", b"#" * (MAX_TEXT_BYTES + 1)),
        ("too-large", png(chunk(b"IDAT", b"\0" * MAX_PNG_BYTES))),
    ],
)
def test_everything_else_is_refused_with_a_reason(reason: str, data: bytes):
    """A file without a scene that can be read is `NotAScene`, and its reason says what is wrong."""
    assert reason_of(data) == reason


def test_a_bomb_is_not_unpacked():
    """A chunk that would unpack to 200 MB costs no more memory than a scene may."""
    bomb = png(chunk(b"iTXt", itxt(b" " * 200_000_000)))
    tracemalloc.start()
    try:
        assert reason_of(bomb) == "too-large"
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 8 * MAX_SCENE_BYTES


def test_text_that_is_no_canvas_names_the_place():
    """The cause of the refusal knows line and column."""
    with pytest.raises(NotAScene) as caught:
        read_scene(b"canvas = Canvas()\ncanvas.set_global_description(")
    assert isinstance(caught.value.__cause__, CanvasError)
    assert caught.value.__cause__.line >= 1


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_damage_raises_anything_else(data: st.DataObject):
    """A file cut anywhere or with any bytes changed gives a scene or `NotAScene`."""
    file = bytearray(write_png(PICTURE, Scene(Canvas(GlobalDescription("A pond.")))))
    for _ in range(data.draw(st.integers(0, 3))):
        file[data.draw(st.integers(8, len(file) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(file[: data.draw(st.integers(0, len(file)))])
    try:
        read_scene(cut)
    except NotAScene as error:
        reason = error.reason
    else:
        reason = ""
    assert re.fullmatch("[a-z-]*", reason)


@given(st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_answered(data: bytes):
    """Arbitrary bytes, alone or after a PNG signature, give a scene or `NotAScene`."""
    for file in (data, b"\x89PNG\r\n\x1a\n" + data, png(chunk(b"iTXt", KEYWORD.encode() + b"\0" + data))):
        try:
            read_scene(file)
        except NotAScene:
            continue
