"""The command line: the pictures, code and JSON that it writes, and its help."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from bot.report import ExitStatus
from canvas import parse, regions
from storage.scene import Scene, SceneSettings
from storage.scene_file import read_scene, write_png
from tests.bot.command_line import CODE, SCRIPT, WAIT_S, omost, size_of, started

pytestmark = pytest.mark.usefixtures("place")


# pictures


def test_standard_input_that_was_closed_is_told(place):
    """Without any standard input, `-` is a file that cannot be read, in a sentence."""
    done = subprocess.run(
        ["/bin/sh", "-c", '"$0" render - <&-', SCRIPT], cwd=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_imagine_writes_the_picture_and_prints_its_name(place):
    """`imagine` writes one PNG that carries its scene, and its name is all of standard output."""
    done = omost("imagine", "a red boat on a lake", "-o", "boat.png", "--size", "320x256", "--seed", 7)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "boat.png\n"
    scene = read_scene((place / "boat.png").read_bytes())
    assert size_of((place / "boat.png").read_bytes()) == (320, 256)
    assert (scene.settings.seed, scene.settings.width_px, scene.settings.height_px) == (7, 320, 256)
    assert [path.name for path in place.iterdir()] == ["boat.png"]


def test_imagine_finds_a_name(place):
    """Without -o the picture is named after its revision, in the working directory."""
    done = omost("imagine", "a red boat on a lake", "--size", "256x256")
    assert re.fullmatch(r"omost-[a-z2-7]+\.png\n", done.stdout)
    assert (place / done.stdout.strip()).is_file()


def test_several_pictures_are_numbered(place):
    """Of several pictures each has its number in the name and the next seed."""
    done = omost(
        "imagine", "a fox", "-o", "fox.png", "--count", 3, "--seed", 40, "--size", "256x256", "--json"
    )
    files = json.loads(done.stdout)["files"]
    assert [each["path"] for each in files] == ["fox-1.png", "fox-2.png", "fox-3.png"]
    assert [each["seed"] for each in files] == [40, 41, 42]
    seeds = [read_scene((place / each["path"]).read_bytes()).settings.seed for each in files]
    assert seeds == [40, 41, 42]


def test_a_picture_can_be_gone_on_from(harbour, place):
    """--edit changes the scene in a picture, keeps its settings, and says what changed."""
    omost("render", harbour, "-o", "before.png", "--size", "320x256", "--seed", 9)
    done = omost("imagine", "remove the lighthouse", "--edit", "before.png", "-o", "after.png", "--json")
    assert done.exit_code == 0, done.stdout
    result = json.loads(done.stdout)
    assert {"removed"} <= {change["kind"] for change in result["changes"]}
    after = read_scene((place / "after.png").read_bytes())
    assert [local.description for local in after.canvas.local_descriptions] == ["A red fishing boat"]
    assert (after.settings.seed, after.settings.width_px) == (9, 320)


def test_painting_again_is_the_same_picture(harbour, place):
    """A picture painted again from itself is the same, byte for byte; another seed is another picture."""
    omost("render", harbour, "-o", "one.png", "--size", "256x320")
    omost("render", "one.png", "-o", "two.png")
    omost("render", "one.png", "-o", "three.png", "--seed", 3)
    one, two, three = ((place / name).read_bytes() for name in ("one.png", "two.png", "three.png"))
    assert one == two
    assert one != three
    assert size_of(three) == (256, 320)


def test_a_picture_on_standard_output(harbour):
    """-o - writes the PNG itself to standard output."""
    done = omost("render", harbour, "-o", "-", "--size", "256x256")
    assert done.exit_code == 0, done.stderr
    assert size_of(done.stdout_bytes) == (256, 256)


def test_a_batch_in_one_picture_is_none_for_standard_output(place):
    """The chats' grid of several carries that they are several: files behind each other are no picture."""
    scene = Scene(parse(CODE), SceneSettings(width_px=256, height_px=256, count=2))
    (place / "grid.png").write_bytes(write_png(Image.new("RGB", (64, 64)), scene))
    done = omost("render", "grid.png", "-o", "-")
    assert (done.exit_code, done.stdout_bytes) == (ExitStatus.USAGE, b"")
    one = omost("render", "grid.png", "-o", "-", "--count", 1)
    assert size_of(one.stdout_bytes) == (256, 256)


def test_nothing_is_left_behind(harbour, place, tmp_path):
    """A finished command leaves no temporary file, no database and no data folder."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [SCRIPT, "render", harbour, "-o", "boat.png", "--size", "256x256"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "TMPDIR": str(temporary)})
    assert list(temporary.iterdir()) == []
    assert sorted(path.name for path in place.iterdir()) == ["boat.png", "harbour.py"]


# code


def test_compose_prints_code():
    """`compose` prints canonical Canvas code and nothing else on standard output."""
    done = omost("compose", "a red boat on a lake")
    assert done.exit_code == 0, done.stderr
    canvas = parse(done.stdout)
    assert canvas.local_descriptions
    assert canvas.repairs == ()
    assert done.stdout.startswith("# Initialize the canvas\n")


def test_compose_changes_code(harbour):
    """`compose --edit` takes Canvas code, from a file or standard input, and changes it."""
    from_file = omost("compose", "remove the lighthouse", "--edit", harbour)
    from_input = omost("compose", "remove the lighthouse", "--edit", "-", input=CODE)
    assert from_file.exit_code == 0, from_file.stderr
    assert from_input.stdout == from_file.stdout
    assert [local.description for local in parse(from_file.stdout).local_descriptions] == [
        "A red fishing boat"
    ]


def test_commands_fit_together(place):
    """What compose prints, render paints: through a pipe, with the real script."""
    with (
        started("compose", "a red boat on a lake") as composing,
        started("render", "-", "-o", "boat.png", "--size", "256x256", stdin=composing.stdout) as painting,
    ):
        _, trouble = painting.communicate(timeout=WAIT_S)
        assert (composing.wait(WAIT_S), painting.returncode) == (0, 0), trouble
    assert (place / "boat.png").is_file()


def test_json_has_everything(harbour):
    """With --json a result is one object on one line with the documented names."""
    done = omost(
        "imagine", "make the boat green", "--edit", harbour, "-o", "x.png", "--size", "256x256", "--json"
    )
    assert done.stdout.count("\n") == 1
    result = json.loads(done.stdout)
    assert set(result) == {
        *("prompt", "remark", "composer", "renderer", "seed", "description", "canvas", "regions", "repairs"),
        *("changes", "files", "seconds"),
    }
    assert result["prompt"] == "make the boat green"
    canvas = parse(result["canvas"])
    assert [each["rect"] for each in result["regions"]] == [list(region.rect) for region in regions(canvas)]
    assert set(result["files"][0]) == {"path", "seed", "width_px", "height_px"}
    assert set(result["changes"][0]) == {"kind", "text", "before", "after"}
    assert result["seconds"]["paint"] > 0


def test_json_is_documented(harbour):
    """Every name in the JSON of a result stands in the command line's reference."""
    reference = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    commands = (
        ["imagine", "make the boat green", "--edit", harbour, "-o", "x.png", "--size", "256x256"],
        ["canvas", "check", harbour],
    )
    for command in commands:
        names = set(_names(json.loads(omost(*command, "--json").stdout)))
        assert len(names) > 10
        assert {name for name in names if f"`{name}`" not in reference} == set()


def _names(value):
    """The names in a JSON value, however deep."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _names(part)


# help


def test_help_is_quick():
    """Help loads neither the page's library nor the database nor pictures nor numbers."""
    code = (
        "import sys; from bot.cli import app; app(sys.argv[1:], standalone_mode=False); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "imagine", "--help"], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "typer" in loaded
    assert loaded & {"gradio", "sqlalchemy", "alembic", "numpy", "PIL", "babel", "engine", "dbos"} == set()


EXPLAINED = [["imagine"], ["compose"], ["render"], ["canvas", "check"], ["run"], ["worker"]]


@pytest.mark.parametrize("command", EXPLAINED)
def test_help_has_examples(command):
    """The help of a command shows how it is used."""
    shown = omost(*command, "--help", env={"COLUMNS": "120"}).stdout
    assert f"omost-bot {' '.join(command)}" in shown.partition("Examples")[2]


def test_help_says_the_exit_statuses():
    """The help names every exit status."""
    shown = omost("--help").stdout
    assert {int(found) for found in re.findall(r"^ +(\d+)  \w", shown, flags=re.MULTILINE)} == {
        0,
        *ExitStatus,
    }


def test_both_ways_in_are_the_same():
    """The console script and python -m bot are the same program."""
    by_script = subprocess.run([SCRIPT, "--version"], capture_output=True, check=True)
    by_module = subprocess.run([sys.executable, "-m", "bot", "--version"], capture_output=True, check=True)
    assert by_script.stdout == by_module.stdout
    assert re.fullmatch(rb"omost-bot \d+\.\d+\.\d+\n", by_script.stdout)
