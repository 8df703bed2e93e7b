"""The command line: what it prints, what it writes, and the status it ends with."""

import asyncio
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

import pytest
from PIL import Image
from typer.testing import CliRunner

from bot.cli import app
from bot.one_shot import Job, run
from bot.report import ExitStatus
from canvas import parse, regions
from engine.events import Composed, Done
from engine.orders import Limits
from storage.scene import SceneSettings
from storage.scene_file import read_scene

SCRIPT = Path(sys.executable).with_name("omost-bot")
WAIT_S = 60

CODE = """\
Here is your scene:
```python
canvas = Canvas()
canvas.set_global_description(
    description='A quiet harbour in the evening.',
    detailed_descriptions=['Boats lie still.'],
    tags='harbour, evening',
    HTML_web_color_name='midnightblue',
)
canvas.add_local_description(
    location='in the middle',
    offset='no offset',
    area='a medium-sized square area',
    distance_to_viewer=3.0,
    description='A red fishing boat',
    detailed_descriptions=['Its nets hang over the side.'],
    tags='boat',
    atmosphere='calm',
    style='warm',
    quality_meta='detailed',
    HTML_web_color_name='red',
)
canvas.add_local_description(
    location='on the top-right',
    offset='no offset',
    area='a small vertical area',
    distance_to_viewer=6.0,
    description='A white lighthouse',
    detailed_descriptions=['It throws a beam over the water.'],
    tags='lighthouse',
    atmosphere='clear',
    style='simple',
    quality_meta='detailed',
    HTML_web_color_name='white',
)
```
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty folder to work in, and no settings from around it."""
    for name in [name for name in os.environ if name.startswith("OMOST_")]:
        monkeypatch.delenv(name)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def harbour(place):
    """A file with Canvas code in it."""
    path = place / "harbour.py"
    path.write_text(CODE, encoding="utf-8")
    return path


def omost(*arguments, **options):
    """Runs a command in this process."""
    return CliRunner().invoke(app, [str(each) for each in arguments], prog_name="omost-bot", **options)


@contextmanager
def started(*arguments, **options):
    """The real console script as a process, which has ended afterwards."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([SCRIPT, *map(str, arguments)], **{**pipes, **options}) as process:
        try:
            yield process
        finally:
            process.kill()


def size_of(png):
    """Width and height of a picture, which is decoded."""
    with Image.open(BytesIO(png)) as image:
        image.load()
        return image.size


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


# check


def test_check_says_what_is_there(harbour):
    """`canvas check` counts and names regions and repairs, with the line of each repair."""
    done = omost("canvas", "check", harbour)
    assert done.exit_code == 0
    assert "2 regions, 1 repair" in done.stdout
    assert "A white lighthouse" in done.stdout
    assert "line 11: location “in the middle” became “in the center”" in done.stdout


def test_check_in_json(harbour):
    """`canvas check --json` gives regions and repairs as values."""
    found = json.loads(omost("canvas", "check", harbour, "--json").stdout)
    assert [each["description"] for each in found["regions"]] == ["A white lighthouse", "A red fishing boat"]
    assert found["repairs"] == [
        {"line": 11, "what": "location", "found": "in the middle", "used": "in the center"}
    ]


NO_CANVAS = {
    "nothing": b"",
    "chat": b"Sorry, I cannot do that.\n",
    "another language": b"<html><body>no</body></html>",
    "a call that is cut off at once": b"canvas.add_local_description(",
}


@pytest.mark.parametrize("text", NO_CANVAS.values(), ids=NO_CANVAS)
def test_check_refuses_what_is_no_canvas(text):
    """Where there is no canvas, the status is 1 and the message has line and column, in JSON too."""
    said = omost("canvas", "check", "-", input=text)
    assert said.exit_code == 1
    assert said.stdout == ""
    assert re.match(r"standard input: .*line \d+, column \d+", said.stderr)
    told = omost("canvas", "check", "-", "--json", input=text)
    assert told.exit_code == 1
    error = json.loads(told.stdout)["error"]
    assert error["kind"] == "CanvasError"
    assert min(error["line"], error["column"]) >= 1


BAD_FILES = {
    "a missing file": (None, "absent.py", ExitStatus.USAGE),
    "a folder": (None, ".", ExitStatus.USAGE),
    "a name with a line break": (None, "no\nsuch", ExitStatus.USAGE),
    "binary": (b"\x00\xff\xfe" * 99, "file.py", ExitStatus.REFUSED),
    "a picture of somebody else": (b"\xff\xd8\xff\xe0" + b"\x80" * 99, "file.jpg", ExitStatus.REFUSED),
    "a PNG that is cut off": (b"\x89PNG\r\n\x1a\n\0\0", "file.png", ExitStatus.REFUSED),
    "endless text": (b"# all work and no play\n" * 99_999, "file.py", ExitStatus.REFUSED),
}


@pytest.mark.parametrize(("content", "name", "status"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_are_one_sentence(place, content, name, status):
    """A file that cannot be used is told in one line that names it, whichever command reads it."""
    if content is not None:
        (place / name).write_bytes(content)
    for command in (["canvas", "check", name], ["render", name], ["imagine", "a fox", "--edit", name]):
        done = omost(*command)
        assert done.exit_code == status, done.stderr
        assert done.stderr.startswith(f"{name}: ")
        assert len(done.stderr.removeprefix(name).splitlines()) == 1
        assert done.stdout == ""


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read everything")
def test_an_unreadable_file_is_one_sentence(harbour):
    """A file without permission to read is told as such."""
    harbour.chmod(0)
    done = omost("canvas", "check", harbour)
    assert (done.exit_code, done.stderr.count("\n")) == (ExitStatus.USAGE, 1)


# refusals

REFUSALS = {
    "an empty prompt": (["imagine", "  "], ExitStatus.REFUSED, "EmptyPrompt"),
    "a prompt without end": (["imagine", "x " * 5000], ExitStatus.REFUSED, "PromptTooLong"),
    "no size": (["imagine", "a fox", "--size", "0x0"], ExitStatus.REFUSED, "BadSetting"),
    "a huge size": (["imagine", "a fox", "--size", "99999x512"], ExitStatus.REFUSED, "BadSetting"),
    "too many": (["imagine", "a fox", "--count", "99"], ExitStatus.REFUSED, "BadSetting"),
    "a negative seed": (["compose", "a fox", "--seed", "-1"], ExitStatus.REFUSED, "BadSetting"),
    "a renderer that is none": (["imagine", "a fox", "--renderer", "oil"], ExitStatus.REFUSED, "BadSetting"),
    "no renderer yet": (["imagine", "a fox", "--renderer", "sdxl"], ExitStatus.UNAVAILABLE, "Unavailable"),
    "no composer yet": (["compose", "a fox", "--composer", "openai"], ExitStatus.UNAVAILABLE, "Unavailable"),
    "no settings": (["compose", "a fox", "--config", "absent.toml"], ExitStatus.USAGE, "SettingsError"),
    "no scene": (["compose", "a fox", "--edit", "absent.py"], ExitStatus.USAGE, "FileTrouble"),
}


@pytest.mark.parametrize(("command", "status", "kind"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(place, command, status, kind):
    """What is refused is one sentence on standard error, or one object on standard output, and a status."""
    said = omost(*command)
    assert (said.exit_code, said.stdout) == (status, "")
    assert len(said.stderr.splitlines()) == 1
    told = omost(*command, "--json")
    assert (told.exit_code, told.stderr) == (status, "")
    error = json.loads(told.stdout)["error"]
    assert (error["kind"], error["message"]) == (kind, said.stderr.strip())
    assert list(place.iterdir()) == []


MISUSES = {
    "no command": [],
    "an unknown command": ["imagin", "a fox"],
    "an unknown option": ["imagine", "a fox", "--colour", "red"],
    "no prompt": ["imagine"],
    "no size": ["imagine", "a fox", "--size", "big"],
    "half a size": ["imagine", "a fox", "--size", "512"],
    "a seed that is no number": ["imagine", "a fox", "--seed", "x"],
    "no folder": ["imagine", "a fox", "-o", "absent/fox.png"],
    "a folder as the file": ["imagine", "a fox", "-o", "."],
    "another format": ["imagine", "a fox", "-o", "fox.jpg"],
    "a role that is none": ["worker", "--roles", "llm,cpu"],
    "no role": ["worker", "--roles", ""],
    "a name that is none": ["worker", "--name", "gpu 1"],
    "two pictures on standard output": ["imagine", "a fox", "-o", "-", "--count", "2"],
    "a picture and JSON on standard output": ["imagine", "a fox", "-o", "-", "--json"],
}


@pytest.mark.parametrize("command", MISUSES.values(), ids=MISUSES)
def test_misuse_is_status_2(place, command):
    """A command line that is wrong is told on standard error, with status 2, before any work."""
    done = omost(*command)
    assert done.exit_code == ExitStatus.USAGE
    assert "Traceback" not in done.stderr
    assert list(place.iterdir()) == []


def test_a_misspelt_setting_is_status_2(place):
    """A misspelt option in config.toml stops every command with the nearest name."""
    (place / "config.toml").write_text("[web]\nprot = 1\n", encoding="utf-8")
    for command in (
        ["compose", "a fox"],
        ["canvas", "check", "-"],
        ["db", "upgrade"],
        ["web"],
        ["run"],
        ["worker"],
    ):
        done = omost(*command)
        assert (done.exit_code, done.stdout) == (ExitStatus.USAGE, "")
        assert done.stderr == "config.toml: web.prot is no setting. The nearest is web.port.\n"


def test_errors_speak_the_language_of_the_settings(monkeypatch):
    """Sentences come in the language that the settings name."""
    monkeypatch.setenv("OMOST_LANGUAGE", "zh")
    assert "请" in omost("imagine", " ").stderr


# terminals, pipes and signals


def test_a_pipe_hears_no_progress(harbour):
    """Where standard error is no terminal, nothing but sentences is written to it."""
    done = subprocess.run(
        [SCRIPT, "render", harbour, "-o", "boat.png", "--size", "256x256"], capture_output=True, check=True
    )
    assert done.stdout == b"boat.png\n"
    assert b"\x1b" not in done.stderr
    assert b"\xe2\x80\xa6" not in done.stderr  # the dots of "Composing ..."


def test_a_terminal_sees_progress():
    """On a terminal standard error shows what is being done, and standard output only the result."""
    terminal, end = pty.openpty()
    shown: list[bytes] = []
    listening = threading.Thread(target=_read_all, args=(terminal, shown))
    command = ["compose", "a red boat on a lake"]
    with started(*command, stderr=end, env={**os.environ, "TERM": "xterm"}) as working:
        os.close(end)
        listening.start()
        code, _ = working.communicate(timeout=WAIT_S)
    listening.join(WAIT_S)
    os.close(terminal)
    assert "Composing" in b"".join(shown).decode()
    assert parse(code.decode()).repairs == ()


def _read_all(terminal: int, shown: list[bytes]) -> None:
    try:
        while data := os.read(terminal, 4096):
            shown.append(data)
    except OSError:
        pass  # how Linux says that the other end of a terminal is closed


def test_ctrl_c_is_status_130(place):
    """Interrupted while it waits for its input, a command ends with status 130 and no traceback."""
    os.mkfifo(place / "scene.py")
    with started("canvas", "check", "scene.py") as waiting:
        # the file opens here when the command has opened its other end; a signal that comes just before
        # the command waits for a byte is only seen when the waiting ends, which a second one sees to
        with (place / "scene.py").open("wb"):
            for _ in range(3):
                waiting.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    waiting.wait(WAIT_S / 4)
                    break
        out, trouble = waiting.communicate(timeout=WAIT_S)
    assert (waiting.returncode, out, trouble) == (ExitStatus.INTERRUPTED, b"", b"")


async def test_an_interrupted_job_leaves_nothing_behind(monkeypatch, tmp_path):
    """Cancelled in the middle of the studio's work, a job ends at once and its store is gone."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    seen = []

    def watch(event):
        seen.append((type(event), len(list(temporary.iterdir()))))
        if isinstance(event, Composed):
            working.cancel()

    job = Job("a red boat on a lake", None, SceneSettings(width_px=2048, height_px=2048), Limits())
    working = asyncio.ensure_future(run(job, watch))
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(working, WAIT_S)
    assert (Composed, 1) in seen
    assert Done not in {kind for kind, _ in seen}
    assert list(temporary.iterdir()) == []


def test_a_reader_that_goes_away_is_no_error():
    """When nobody reads the output any more, the command ends quietly, as Unix programs do."""
    with started("compose", "a red boat on a lake", "--json") as working:
        working.stdout.close()
        trouble = working.stderr.read()
        assert working.wait(WAIT_S) == ExitStatus.BROKEN_PIPE
    assert trouble == b""


# the rest


def test_upgrade_makes_the_database(place):
    """`db upgrade` makes the data folder and its database, and may be run again."""
    for _ in range(2):
        done = omost("db", "upgrade")
        assert (done.exit_code, done.stderr) == (0, "")
        assert "data" in done.stdout
    assert [path.name for path in place.iterdir()] == ["data"]
    assert any(path.is_file() for path in (place / "data").iterdir())


def test_a_data_folder_that_cannot_be_is_status_3(place):
    """A data folder that is a file is told in one sentence."""
    (place / "data").write_bytes(b"")
    done = omost("db", "upgrade")
    assert done.exit_code == ExitStatus.UNAVAILABLE
    assert len(done.stderr.splitlines()) == 1


def test_web_serves_until_ctrl_c(place):
    """`web` prints the page's address when the page answers there, and Ctrl-C ends it in good order."""
    with started("web", env={**os.environ, "OMOST_WEB__PORT": "0"}) as serving:
        address = re.search(r"http://[\w.:]+", serving.stdout.readline().decode())[0]
        with urlopen(address, timeout=WAIT_S) as answer:
            assert answer.status == 200
        serving.send_signal(signal.SIGINT)
        _, log = serving.communicate(timeout=WAIT_S)
    assert serving.returncode == 0
    assert b"Traceback" not in log
    assert [path.name for path in place.iterdir()] == ["data"]


def test_web_says_when_its_port_is_taken(place):
    """Where the port is taken, `web` ends at once with one sentence and status 2, and touches no data."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with started("web", env={**os.environ, "OMOST_WEB__PORT": port}) as serving:
            out, trouble = serving.communicate(timeout=WAIT_S)
    assert (serving.returncode, out) == (ExitStatus.USAGE, b"")
    assert f"127.0.0.1:{port}" in trouble.decode()
    assert len(trouble.splitlines()) == 1
    assert list(place.iterdir()) == []


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
