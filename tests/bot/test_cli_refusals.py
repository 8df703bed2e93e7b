"""What the command line says of Canvas code, and how it refuses what it cannot use."""

import json
import os
import re

import pytest

from bot.report import ExitStatus
from tests.bot.command_line import omost

pytestmark = pytest.mark.usefixtures("place")


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
