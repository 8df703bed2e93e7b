"""One request from the command line: what a picture's file brings along, and settings for diffusion."""

from dataclasses import dataclass, replace
from io import BytesIO

import pytest
from PIL import Image
from typer.testing import CliRunner

from bot.cli import app
from bot.one_shot import Job, run
from bot.replies import LANGUAGES, words
from bot.results import note_text
from canvas import Canvas, GlobalDescription, LocalDescription
from engine.backends import Backends
from engine.orders import Limits
from engine.renderer import Base, Economy, RenderedImage
from storage.scene import Scene, SceneSettings
from storage.scene_file import read_scene, write_png

POND = Canvas(GlobalDescription("A pond."), (LocalDescription("a frog", color="green"),))
SETTINGS = SceneSettings(width_px=320, height_px=256, seed=7, renderer="tiny")


class SmallRenderer:
    """Paints everything grey and at half its size; remembers what it was given to go on from."""

    def __init__(self):
        self.bases: list[Base | None] = []

    async def render(self, canvas, settings, economy=Economy.NONE, base=None):
        del canvas, economy
        self.bases.append(base)
        size = settings.width_px // 2, settings.height_px // 2
        yield RenderedImage(0, settings.seed, Image.new("RGB", size, "grey"))


@dataclass(frozen=True)
class OneBackend(Backends):
    """All renderers are one, which tells what it heard."""

    one: SmallRenderer | None = None

    def make_renderer(self, name):
        del name
        return self.one


@pytest.fixture
def renderer():
    return SmallRenderer()


@pytest.fixture
def job(renderer):
    """Paints the pond as a picture's file shows it."""
    png = write_png(Image.new("RGB", (160, 128), "red"), Scene(POND, SETTINGS))
    backends = OneBackend(has_tiny=True, one=renderer)
    return Job(None, Scene(POND, SETTINGS), SETTINGS, Limits(), png=png, backends=backends)


def look_away(event):
    del event


async def test_a_change_goes_on_from_the_files_picture(job, renderer):
    """The renderer is given the scene, the settings and the pixels that the file brought."""
    await run(replace(job, prompt="make the frog red"), look_away)
    (base,) = renderer.bases
    assert (base.canvas, base.settings) == (POND, SETTINGS)
    assert [picture.convert("RGB").getpixel((9, 9)) for picture in base.pictures] == [(255, 0, 0)]


async def test_a_picture_is_enlarged_from_itself(job, renderer):
    """Painting a picture's file once more, larger, begins with the picture."""
    large = replace(SETTINGS, high_resolution=1.5)
    result = await run(replace(job, settings=large), look_away)
    assert renderer.bases[0].settings == SETTINGS
    assert result.revision.scene == Scene(POND, large)
    assert result.changes == ()


async def test_canvas_code_brings_no_picture(job, renderer):
    """Where there is no picture everything is painted."""
    await run(replace(job, png=None), look_away)
    assert renderer.bases == [None]


def damaged(png):
    """The picture without the end of its pixels; the rest is whole."""
    with Image.open(BytesIO(png)) as image:
        assert image.size == (160, 128)
    start = png.index(b"IDAT") + 8
    return png[:start] + b"\xff" * 20 + png[start + 20 :]


def huge(png):
    """A picture that says of itself to be larger than any of ours."""
    del png
    return write_png(Image.new("1", (8000, 60)), Scene(POND, SETTINGS))


@pytest.mark.parametrize("spoil", [damaged, huge])
async def test_a_picture_that_cannot_be_used_is_painted_anew(job, renderer, spoil):
    """Broken pixels, or too many, are no picture to go on from; the scene in the file is used even so."""
    result = await run(replace(job, png=spoil(job.png)), look_away)
    assert renderer.bases == [None]
    assert len(result.pictures) == 1


@pytest.mark.parametrize("language", LANGUAGES)
async def test_another_size_is_told(job, language):
    """A picture that is not as large as it was asked to be says so, once, in either language."""
    note = note_text(await run(job, look_away), words(language))
    assert "160 × 128" in note
    assert "320 × 256" in note
    assert len(note.splitlines()) == 1


SIZES = [
    ("tiny", 1.0, (320, 256), False),
    ("tiny", 1.0, (318, 256), True),
    ("tiny", 1.5, (480, 384), False),
    ("tiny", 1.5, (448, 384), False),
    ("tiny", 1.5, (320, 256), True),
    ("storyboard", 1.5, (320, 256), False),
]


@pytest.mark.parametrize(("renderer", "high_resolution", "size", "is_told"), SIZES)
def test_the_size_that_was_asked_for_is_not_told(renderer, high_resolution, size, is_told):
    """An enlarged picture may be rounded, and the storyboard enlarges nothing."""
    settings = replace(SETTINGS, renderer=renderer, high_resolution=high_resolution)
    assert bool(words("en").other_size(settings, *size)) == is_told


DIFFUSION = [
    *("--preset", "quality", "--sampler", "euler", "--steps", "9", "--guidance", "3.5"),
    *("--lora", "ink", "--lora", "wash:0.5", "--enlarge", "1.5", "--sketch"),
]
WANTED = {
    "preset": "quality",
    "sampler": "euler",
    "steps": 9,
    "guidance": 3.5,
    "loras": "ink,wash:0.5",
    "high_resolution": 1.5,
    "strength": 0.97,
}


@pytest.fixture
def omost(tmp_path, monkeypatch):
    """Runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, arguments, prog_name="omost-bot")


def painted_with(settings):
    return {name: getattr(settings, name) for name in WANTED}


def test_options_reach_the_picture(omost, tmp_path):
    """What `imagine` is told stands in the picture's file; going on from it keeps that, and options win."""
    small = ("--size", "256x256")
    assert omost("imagine", "a frog", "-o", "a.png", *small, *DIFFUSION, "--no-steady").exit_code == 0
    first = read_scene((tmp_path / "a.png").read_bytes()).settings
    assert (painted_with(first), first.steady) == (WANTED, False)

    again = omost("render", "a.png", "-o", "b.png", "--no-sketch", "--steps", "12")
    assert again.exit_code == 0
    second = read_scene((tmp_path / "b.png").read_bytes()).settings
    assert painted_with(second) == {**WANTED, "strength": 1.0, "steps": 12}


BAD = {
    "--steps": "0",
    "--guidance": "-1",
    "--sampler": "euler a",
    "--preset": "no/preset",
    "--lora": "no/path",
    "--enlarge": "9",
}


@pytest.mark.parametrize(("option", "value"), BAD.items())
def test_a_bad_value_is_one_sentence(omost, option, value):
    """What no renderer could take is refused in words before anything is painted."""
    done = omost("imagine", "a frog", option, value)
    assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert "Allowed: " in done.stderr
