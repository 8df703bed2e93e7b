"""The documents are true: every command that they show is carried out, and the list of settings is whole."""

import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from bot.settings import setting_names
from tests.ports import free_ports

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
WAIT_S = 300

# Documents whose commands are carried out elsewhere, or nowhere, and why.
ELSEWHERE = {
    "operating.md": "tests/deploy/test_operating.py, from the first command to the last",
    "docker.md": "wants a container engine; deploy/try-dockerfile.sh builds and tries the image without one",
}
# Commands that are not carried out here, and why.
NOT_HERE = {
    r"python tests/fuzz/fuzz.py .*": "takes ten minutes, and a fuzzer; tests/fuzz has what it found",
    r"make (demo|test)": "installs an environment; whoever runs this test did it",
    r"omost-bot .*--renderer sdxl.*": "wants a checkpoint of SDXL",
    r"omost-bot .*(fox|scarf)\.png.*": "goes on from a picture that such a checkpoint painted",
}
SERVES = r"omost-bot (run|web|worker)\b.*"
PORTS = {"9464": "OMOST_METRICS__PORT", "9465": "OMOST_METRICS__WORKER_PORT", "7860": "OMOST_WEB__PORT"}
TOOLS = ("curl", "jq")


def commands_of(path):
    """The commands that a document shows in its blocks, each on one line."""
    text = path.read_text(encoding="utf-8")
    for block in re.findall(r"^```(?:sh|console|bash)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        lines = [line.partition("  #")[0].rstrip() for line in block.replace("\\\n", " ").splitlines()]
        if any(line.startswith("$ ") for line in lines):
            continue  # with what they print: test_house.py compares it
        yield from (line for line in lines if line and not line.startswith("#"))


def shown():
    """Every command with its document, but for those of documents that are carried out elsewhere."""
    return [
        (path.name, command)
        for path in DOCUMENTS
        if path.name not in ELSEWHERE
        for command in dict.fromkeys(commands_of(path))
    ]


def is_not_here(command):
    return any(re.fullmatch(pattern, command) for pattern in NOT_HERE)


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory):
    """An environment with our commands, an empty folder of data, and ports that are free."""
    if missing := [name for name in TOOLS if not shutil.which(name)]:
        reason = f"commands of the documents need {' and '.join(missing)}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    found = {name: value for name, value in os.environ.items() if not name.startswith("OMOST_")}
    found["PATH"] = f"{Path(sys.executable).parent}:{found['PATH']}"
    found["OMOST_DATA_DIR"] = str(tmp_path_factory.mktemp("data"))
    return found | dict(zip(PORTS.values(), map(str, free_ports(len(PORTS))), strict=True))


def started(command, surroundings):
    """A process that serves, as soon as it says that it is healthy."""
    process = subprocess.Popen(["bash", "-c", f"exec {command}"], env=surroundings, stdout=subprocess.DEVNULL)
    port = "OMOST_METRICS__WORKER_PORT" if " worker" in command else "OMOST_METRICS__PORT"
    give_up_s = time.monotonic() + WAIT_S
    while not answers(f"http://127.0.0.1:{surroundings[port]}/healthz"):
        assert process.poll() is None, command
        assert time.monotonic() < give_up_s, command
        time.sleep(0.05)
    return process


def answers(address):
    try:
        return httpx.get(address, timeout=5).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def bot(surroundings):
    """A bot that runs beside the commands."""
    process = started("omost-bot run", surroundings)
    yield process
    process.kill()
    process.wait()


def test_no_exception_is_stale():
    """Every document and command that is not carried out here is still there."""
    assert set(ELSEWHERE) <= {path.name for path in DOCUMENTS}
    commands = [command for _, command in shown()]
    assert [
        pattern for pattern in NOT_HERE if not any(re.fullmatch(pattern, each) for each in commands)
    ] == []


@pytest.mark.parametrize("name", dict.fromkeys(name for name, _ in shown()))
def test_commands_do_what_they_are_shown_for(name, surroundings, bot, tmp_path):
    """The commands of a document, one after the other in an empty folder beside a bot, end well."""
    for where, command in shown():
        if where != name or is_not_here(command) or re.fullmatch(SERVES, command):
            continue
        here = re.sub("|".join(PORTS), lambda found: surroundings[PORTS[found[0]]], command)
        here = here.replace("/etc/omost-bot/config.toml", str(ROOT / "config.toml"))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", here],
            cwd=tmp_path,
            env=surroundings,
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_S,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert bot.poll() is None


def test_commands_that_serve_begin_and_end(surroundings, bot):
    """Each command that runs on and on says that it is healthy, and ends with status 0 when it is told to."""
    commands = dict.fromkeys(command for _, command in shown() if re.fullmatch(SERVES, command))
    assert "omost-bot run" in commands  # which is the bot
    bot.send_signal(signal.SIGTERM)
    assert bot.wait(timeout=WAIT_S) == 0
    for command in commands:
        if command != "omost-bot run":
            process = started(command, surroundings)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=WAIT_S) == 0, command


def test_the_list_of_settings_is_made_of_the_settings():
    """docs/configuration.md is what tools/make_configuration.py writes, and has every setting."""
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == runpy.run_path(str(ROOT / "tools" / "make_configuration.py"))["page"]()
    assert all(f"`OMOST_{name.upper().replace('.', '__')}`" in page for name in setting_names())
