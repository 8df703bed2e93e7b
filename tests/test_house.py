"""The house rules: imports do nothing, the pins fit the ranges, and the documents are true."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.main import get_command

from bot.cli import app

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WAIT_S = 300
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

# Imports every module of ours, and prints what any of them did to the world outside of the interpreter.
IMPORT_EVERYTHING = """
import importlib, json, pkgutil, sys, threading

import alembic, babel.messages.pofile, dbos, gradio, numpy, PIL.Image, pydantic_settings, resvg_py
import sqlalchemy.orm, structlog, typer, uvicorn

packages = ["canvas", "storage", "engine", "bot"]
heavy = {"torch", "transformers", "diffusers"}
deeds = []

def listen(event, details):
    ours = event in ("os.mkdir", "os.remove", "os.rename", "subprocess.Popen", "os.system", "os.fork")
    writes = event == "open" and isinstance(details[1], str) and set(details[1]) & set("wax+")
    if ours or writes or event.startswith(("socket.", "sqlite3.", "signal.")):
        deeds.append([event, repr(details)])

threads = threading.active_count()
sys.addaudithook(listen)
found = []
models = []
for name in packages:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if module.name == "storage.migrations.env" or module.name.endswith("__main__"):
            continue  # programs: Alembic runs the first, the interpreter the others
        if module.name.startswith(("engine.composer.local.", "engine.devices", "engine.renderer.sdxl.")):
            models.append(module.name)
        else:
            importlib.import_module(module.name)
            found.append(module.name)
loaded = sorted(heavy & set(sys.modules))
done = list(deeds)
begun = threading.active_count() - threads
import diffusers, huggingface_hub, llguidance, torch._inductor.config  # with deeds of their own
import transformers.models.auto.modeling_auto
deeds.clear()
threads = threading.active_count()
for name in models:
    importlib.import_module(name)
    found.append(name)
print(json.dumps({
    "found": found,
    "deeds": done + deeds,
    "threads": begun + threading.active_count() - threads,
    "heavy": loaded,
}))
"""


def run_python(code, cwd):
    """What a fresh interpreter prints, as JSON."""
    command = [sys.executable, "-B", "-c", code]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=WAIT_S)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def commands_in(text):
    """The omost-bot commands that a document shows, as argument lists."""
    for line in re.findall(r"^(?:\$ )?((?:.* \| )?omost-bot .*)$", text, flags=re.MULTILINE):
        for part in line.partition(" #")[0].split(" | "):
            words = shlex.split(part.partition(" > ")[0])
            if words[0] == "omost-bot":
                yield words[1:]


def test_importing_does_nothing(tmp_path):
    """Importing all modules writes no file, opens no connection, starts nothing and loads no model."""
    seen = run_python(IMPORT_EVERYTHING, tmp_path)
    assert len(seen["found"]) > 40
    assert seen["deeds"] == []
    assert seen["threads"] == 0
    assert seen["heavy"] == []
    assert list(tmp_path.iterdir()) == []


def test_the_language_needs_little(tmp_path):
    """The canvas package loads neither the database nor settings, chat, images of the web or models."""
    code = "import json, sys, canvas; print(json.dumps(sorted(sys.modules)))"
    loaded = {name.partition(".")[0] for name in run_python(code, tmp_path)}
    assert "canvas" in loaded
    assert (
        loaded & {"sqlalchemy", "pydantic", "gradio", "typer", "torch", "bot", "engine", "storage"} == set()
    )


def pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(each.name): each for each in requirements}


def test_constraints_pin_one_version_each():
    """Every line of constraints.txt is one name and one exact version."""
    assert len(pins()) > 40
    for pin in pins().values():
        assert [each.operator for each in pin.specifier] == ["=="], str(pin)
        assert pin.url is None


@pytest.mark.parametrize(
    "line", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"], "torch>=2.7"]
)
def test_pins_fit_the_ranges(line):
    """Each direct dependency of the default and the checks is pinned, inside of its range."""
    wanted = Requirement(line)
    pin = pins()[canonicalize_name(wanted.name)]
    (exact,) = pin.specifier
    assert wanted.specifier.contains(exact.version)


def test_the_default_brings_no_models():
    """The default does not ask for torch, transformers or diffusers."""
    names = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert names & {"torch", "transformers", "diffusers", "accelerate"} == set()


def test_the_changelog_knows_this_version():
    """The newest entry of the changelog is the project's version."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[?(\d[^\s\]]*)", text, flags=re.MULTILINE).group(1) == PROJECT["version"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    """Every relative link and picture of the documents is there."""
    text = path.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documented_commands_exist(path):
    """Every omost-bot command that a document shows has a known name and known options."""
    for arguments in commands_in(path.read_text(encoding="utf-8")):
        command, rest = get_command(app), list(arguments)
        while rest and rest[0] in getattr(command, "commands", {}):
            command = command.commands[rest.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
        assert {word for word in rest if re.match(r"--?[a-z]", word)} <= known, arguments
        assert rest or not getattr(command, "commands", {}), arguments


def test_the_readme_shows_commands():
    """The README has commands for the test above to look at."""
    assert len(list(commands_in((ROOT / "README.md").read_text(encoding="utf-8")))) >= 4


def test_the_readme_shows_what_really_happens(tmp_path):
    """Every command of the README's examples, run in their order, prints what stands below it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = next(block for block in re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    (tmp_path / "harbour.py").write_text(code, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMOST_")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    examples = [
        example.partition("\n")
        for block in re.findall(r"^```console\n(\$ .*?)^```", text, re.DOTALL | re.MULTILINE)
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    ]
    assert len(examples) > 4
    for command, _, shown in examples:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=WAIT_S,
        )
        assert done.stdout == shown, command


def test_decisions_are_short():
    """Each decision is at most forty lines, numbered without gaps."""
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    assert decisions
    assert all(len(path.read_text(encoding="utf-8").splitlines()) <= 40 for path in decisions)
