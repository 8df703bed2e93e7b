"""What starts the bot elsewhere says what the bot understands: services of systemd, and containers."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from bot.cli import app
from bot.settings import Settings, setting_names
from engine.signals import END_WITHIN_S

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy" / "systemd"
OURS = ("omost-bot.service", "omost-bot-worker@.service")
KNOWN = {f"OMOST_{name.upper().replace('.', '__')}" for name in (*setting_names(), *Settings.model_fields)}
FILES = [ROOT / "Dockerfile", *ROOT.glob("compose*.yaml"), *ROOT.glob("deploy/**/*"), *ROOT.glob("docs/*.md")]


def service(name):
    """The settings of a unit, the last of several of one name."""
    text = (UNITS / name).read_text(encoding="utf-8").replace("\\\n", " ")
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] not in "#[")


def compose(*names):
    """The services of compose files, laid over one another as Compose does."""
    merged = {}
    for name in names:
        found = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
        for kind in ("services", "volumes", "secrets"):
            for key, value in found.get(kind, {}).items():
                merged.setdefault(kind, {}).setdefault(key, {}).update(value or {})
    return merged


def assert_understood(arguments):
    """The command line has a command that exists and options that it knows."""
    command = get_command(app).commands[arguments[0]]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in arguments if word.startswith("--")} <= known, arguments


@pytest.mark.parametrize("name", OURS)
def test_services_run_our_commands_and_reload(name):
    """A service runs a command that exists, from where the guide puts it, and reloads with SIGHUP."""
    says = service(name)
    program, *arguments = shlex.split(says["ExecStart"])
    assert program == "/opt/omost-bot/bin/omost-bot"
    assert_understood(arguments)
    assert shlex.split(says["ExecReload"]) == ["/bin/kill", "-HUP", "$MAINPID"]


@pytest.mark.parametrize("name", OURS)
def test_services_end_in_good_order(name):
    """The time to end is longer than a process takes, and the end of the child is left to its parent."""
    says = service(name)
    assert float(says["TimeoutStopSec"]) > END_WITHIN_S
    assert (says["KillSignal"], says["KillMode"], says["OOMPolicy"]) == ("SIGTERM", "mixed", "continue")


@pytest.mark.parametrize("name", OURS)
def test_services_are_fenced(name):
    """A service has no privileges, writes nothing but its data, and shows it to nobody else."""
    says = service(name)
    assert says["User"] not in ("root", "")
    assert (says["NoNewPrivileges"], says["CapabilityBoundingSet"]) == ("yes", "")
    assert (says["ProtectSystem"], says["ProtectHome"], says["PrivateTmp"]) == ("strict", "yes", "yes")
    assert says["WorkingDirectory"] == f"/var/lib/{says['StateDirectory']}"
    assert says["UMask"] == "0077"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze here")
@pytest.mark.parametrize("name", [*OURS, "vllm.service"])
def test_systemd_understands_the_services(name, tmp_path):
    """No fault is found by systemd itself, but that the program is not installed here."""
    text = (UNITS / name).read_text(encoding="utf-8")
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
    (tmp_path / name).write_text(text, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", tmp_path / name]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert [line for line in done.stderr.splitlines() if name.partition("@")[0] in line] == []


@pytest.mark.parametrize("names", [("compose.yaml",), ("compose.yaml", "compose.postgres.yaml")])
def test_containers_run_our_commands(names):
    """Each service of ours has a command that exists, a name of its own, and time to end in good order."""
    services = [each for each in compose(*names)["services"].values() if each["image"] == "omost-bot"]
    for each in services:
        assert_understood(each["command"])
        assert float(each["stop_grace_period"].removesuffix("s")) > END_WITHIN_S
        assert each["read_only"]
        assert each["cap_drop"] == ["ALL"]
    workers = [each["command"][-1] for each in services if each["command"][0] == "worker"]
    assert len(set(workers)) == len(workers) == (2 if len(names) == 2 else 0)


def test_containers_mount_what_they_name():
    """Volumes and secrets are declared, and lie where the image and the settings look for them."""
    found = compose("compose.yaml", "compose.postgres.yaml")
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for name, each in found["services"].items():
        mounts = dict(volume.split(":")[:2] for volume in each["volumes"])
        assert {source for source in mounts if source[0] != "."} <= set(found["volumes"])
        assert set(each.get("secrets", ())) <= set(found["secrets"])
        if name != "db":
            assert "/data" in mounts.values()
            assert each["command"][2].startswith("/etc/omost-bot/")
            assert mounts["./settings"] == "/etc/omost-bot"
    assert "OMOST_DATA_DIR=/data" in image
    assert "\nVOLUME /data\n" in image


def test_the_image_copies_what_the_package_needs():
    """Nothing that the wheel is made of is kept out of the image's build."""
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    assert {"bot", "canvas", "engine", "storage", "config.toml", "pyproject.toml", "README.md"} <= let_in
    assert {"LICENSE", "NOTICE", "constraints.txt"} <= let_in
    assert all((ROOT / name).exists() for name in let_in)


@pytest.mark.parametrize("path", [path for path in FILES if path.is_file()], ids=lambda path: path.name)
def test_every_variable_is_a_setting(path):
    """Every variable OMOST_... that a document, container or service names is a setting of ours."""
    named = set(re.findall(r"\bOMOST_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8")))
    assert named <= KNOWN


def test_the_command_reads_the_environment_as_its_service_does(tmp_path):
    """Values are taken as they stand, but for quotes around them: nothing in them is the shell's."""
    script = (ROOT / "deploy" / "omost-bot").read_text(encoding="utf-8")
    script = script.replace("/etc/omost-bot", str(tmp_path))
    (tmp_path / "environment").write_text(
        '# OMOST_LANGUAGE=zh\n\nOMOST_WEB__PASSWORD=a$HOME;b&c `d` "e"\n'
        "OMOST_DATABASE__URL=\"postgresql://o@/o?host=/run&sslmode=require\"\nOMOST_DATA_DIR='/srv/omost'",
        encoding="utf-8",
    )
    runuser = tmp_path / "runuser"
    runuser.write_text("#!/bin/sh\nexec env\n", encoding="utf-8")
    runuser.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", script, "omost-bot", "doctor"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {line for line in done.stdout.splitlines() if line.startswith("OMOST_")} == {
        'OMOST_WEB__PASSWORD=a$HOME;b&c `d` "e"',
        "OMOST_DATABASE__URL=postgresql://o@/o?host=/run&sslmode=require",
        "OMOST_DATA_DIR=/srv/omost",
    }
