"""`omost-bot doctor`: the machine, the settings, the database, and how it ends."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine
from typer.testing import CliRunner

from bot.cli import app
from bot.doctor import Finding, examine
from bot.doctor.clock import clock
from bot.doctor.devices import Device, Torch, cards
from bot.doctor.findings import Case, Clocks, gather
from bot.doctor.gpu import gpu
from bot.doctor.memory import memory
from bot.listening import address_of, listen
from bot.observing.server import build_app
from bot.replies import words
from bot.sections import PictureSettings, TransformersSettings
from bot.serving import serve_app
from bot.settings import Settings
from engine.composer.local.options import TransformersOptions
from engine.renderer.sdxl import SdxlOptions
from storage.migrations import configuration
from storage.store import Store

SCRIPT = Path(sys.executable).with_name("omost-bot")
WAIT_S = 120
NOBODY = 65534
ENGLISH = words("en")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty folder to work in, no settings around it, and a port that is free."""
    for name in [name for name in os.environ if name.startswith("OMOST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMOST_WEB__PORT", "0")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def started(*arguments, **environment):
    """The real program in the current folder, knowing nothing of the surroundings."""
    return subprocess.Popen(
        [SCRIPT, "doctor", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def ended(process):
    """What it wrote, and its status; standard error stays empty."""
    with process:
        told, complaints = process.communicate(timeout=WAIT_S)
    assert complaints == ""
    return told, process.returncode


def found(name, config=None):
    """The only finding of that name."""
    (finding,) = [each for each in examine(config).findings if each.name == name]
    return finding


def case(settings=None):
    return Case(settings or Settings(), ENGLISH, Clocks())


def test_a_bare_machine_can_run(place):
    """Without GPU, tokens, database or settings it says so, exits with 0 and leaves nothing behind."""
    (place / "broken").mkdir()
    (place / "broken" / "config.toml").write_text("[picture]\ncomposer = 'openai'\n")
    bare, broken = (
        started(OMOST_WEB__PORT="0"),
        started("--config", "broken/config.toml", OMOST_WEB__PORT="0"),
    )
    told, status = ended(bare)
    assert status == 0, told
    for sentence in (
        "✔ Database: SQLite ",
        f"✔ Data: {place}/data, which the first start makes; ",
        "✔ GPU: none found; torch ",
        "✔ Composer: embedded, which needs no model.",
        "✔ Telegram: no token, so it is not served.",
        "✔ Discord: no token, so it is not served.",
    ):
        assert sentence in told
    assert told.endswith("It can run.\n")
    told, status = ended(broken)
    assert status == 1
    assert "✘ “openai” is the default and cannot be used: no server is named" in told
    assert "✔ Database: SQLite" in told
    assert told.endswith("It cannot run like this: 1 thing has to be mended.\n")
    assert [path.name for path in place.iterdir()] == ["broken"]


def test_two_faults_are_both_told(place):
    """Every fault is a finding, and everything else is looked at all the same."""
    (place / "config.toml").write_text(
        "[web]\nprot = 3\n[jobs]\nname = 'bot 1'\n[telegram]\ntoken = 's3cret'\n"
    )
    seen = examine()
    faults = [each.summary for each in seen.findings if each.name == "configuration"]
    assert len(faults) == 3
    text = "\n".join(faults)
    assert "web.prot is no setting. The nearest is web.port" in text
    assert "jobs.name is 'bot 1'" in text
    assert "OMOST_TELEGRAM__TOKEN" in text
    assert not seen.can_run
    assert {"database", "disk", "page", "clock"} <= {each.name for each in seen.findings}


def test_a_fault_of_the_environment_is_told(monkeypatch):
    """A value of the environment that is not allowed stands back for the default."""
    monkeypatch.setenv("OMOST_WEB__PORT", "many")
    monkeypatch.setenv("OMOST_LANGUAGE", "zh")
    seen = examine()
    assert found("configuration").summary.startswith("environment: OMOST_WEB__PORT is 'many'")
    assert seen.words.language == "zh"


def test_settings_that_cannot_be_read_are_all_that_is_told(place):
    """Of a file that is no TOML nothing is known, so nothing else is guessed at."""
    (place / "config.toml").write_text("language = ")
    result = CliRunner().invoke(app, ["doctor", "--json"])
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["ok"] is False
    assert [each["name"] for each in told["checks"]] == ["program", "libraries", "configuration"]
    assert "is not TOML" in told["checks"][-1]["summary"]
    assert told["checks"][-1]["advice"]


def test_a_page_for_others_without_a_password_cannot_run(monkeypatch):
    """What the start would refuse is a failure."""
    monkeypatch.setenv("OMOST_WEB__HOST", "0.0.0.0")
    finding = [each for each in examine().findings if each.name == "configuration"][-1]
    assert finding.status == "failure"
    assert "OMOST_WEB__PASSWORD" in finding.summary


def test_it_speaks_the_settings_language(monkeypatch):
    """With Chinese settings every line is Chinese."""
    monkeypatch.setenv("OMOST_LANGUAGE", "zh")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0
    assert all(any("一" <= char <= "鿿" for char in line) for line in result.stdout.splitlines()[1:])


def test_the_classifier_is_looked_for(monkeypatch):
    """A function that cannot be had keeps the bot from starting."""
    monkeypatch.setenv("OMOST_SAFETY__CLASSIFIER", "no_such_module:is_unsafe")
    finding = found("classifier")
    assert finding.status == "failure"
    assert "no_such_module" in finding.summary


# --- the machine --------------------------------------------------------------------------------------


def test_a_taken_port_is_told(monkeypatch):
    """Somebody else's port is a failure that names the setting."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        threading.Thread(target=hang_up, args=(taken,), daemon=True).start()
        port = taken.getsockname()[1]
        monkeypatch.setenv("OMOST_WEB__PORT", str(port))
        finding = found("page")
    assert finding.status == "failure"
    assert f"127.0.0.1:{port} cannot be had: Address already in use" in finding.summary
    assert "port under [web]" in finding.advice


def hang_up(listener):
    """Answers nobody."""
    try:
        while True:
            listener.accept()[0].close()
    except OSError:
        return


async def test_a_port_of_a_bot_that_runs_is_fine(monkeypatch):
    """The figures of a running bot are recognised, and one port for two things is not."""
    with listen("127.0.0.1", 0) as listener:
        listening = asyncio.Event()
        serving = asyncio.create_task(serve_app(build_app(None), listener, on_started=listening.set))
        await listening.wait()
        port = address_of(listener).rpartition(":")[2]
        monkeypatch.setenv("OMOST_METRICS__PORT", port)
        monkeypatch.setenv("OMOST_METRICS__WORKER_PORT", port)
        findings = {each.name: each for each in (await asyncio.to_thread(examine)).findings}
        serving.cancel()
        await asyncio.wait([serving])
    assert findings["metrics.port"].status == "ok"
    assert "a bot answers" in findings["metrics.port"].summary
    assert findings["metrics.worker_port"].status == "failure"


def test_a_folder_that_cannot_be_written_is_told(open_folder):
    """The folder is named, with who cannot write it; a file in its place is told as such."""
    file = open_folder / "file"
    file.touch()
    assert "is a file" in as_nobody(file).summary
    open_folder.chmod(0o555)
    closed = as_nobody(open_folder / "data")
    assert closed.status == "failure"
    assert "cannot be written by" in closed.summary


@pytest.fixture
def open_folder():
    """A folder that other users can look into, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        yield Path(name)


def as_nobody(folder):
    """What the look at the disk finds without root's rights, in a process of its own."""
    from bot.doctor.disk import disk  # noqa: PLC0415 - for this one

    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setuid(NOBODY)
            told = [(each.name, each.status, each.summary) for each in disk(case(Settings(data_dir=folder)))]
            os.write(writing, json.dumps(told).encode())
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        lines = json.loads(told.read())
    os.waitpid(child, 0)
    (line,) = lines
    return Finding(*line)


def test_a_full_disk_is_a_warning(monkeypatch):
    """Little room is worth a look."""
    monkeypatch.setattr("bot.doctor.disk.ENOUGH_BYTES", 1 << 62)
    finding = found("disk")
    assert finding.status == "warning"
    assert "pictures_days" in finding.advice


def test_the_drivers_gpus_are_told(tmp_path, monkeypatch):
    """What NVIDIA's own program says is read, without torch."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H200, 570.86.15, 143771'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert [(card.label, card.driver) for card in cards()] == [("NVIDIA H200", "570.86.15")]
    finding = found("gpu")
    assert finding.status == "ok"
    assert "NVIDIA H200, 150.8 GB (driver 570.86.15)" in finding.summary


def test_a_broken_torch_is_told(tmp_path, monkeypatch):
    """Torch is loaded in a child, of whose last words the operator hears."""
    (tmp_path / "torch.py").write_text("raise ImportError('libcudart.so.12: no such file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    settings = Settings(transformers=TransformersSettings(model="nobody/omost-llama-3-8b"))
    (finding,) = gpu(case(settings))
    assert finding.status == "failure"
    assert "libcudart.so.12: no such file" in finding.summary


def test_a_clock_that_is_wrong_is_told():
    """It is compared with those of others, of which the nearest counts."""
    one = case()
    assert [each.status for each in clock(one)] == ["ok"]
    one.clocks.note("Telegram", 3600)
    (finding,) = clock(one)
    assert finding.status == "warning"
    assert "Telegram is 3600 seconds" in finding.summary
    one.clocks.note("Discord", -2)
    (finding,) = clock(one)
    assert finding.status == "ok"
    assert "Discord" in finding.summary


def test_who_does_not_answer_keeps_nobody_waiting():
    """What is late or breaks is a finding, beside those of the others."""
    never, named = threading.Event(), Finding("quick", "ok", "here")
    looks = {"quick": lambda: [named], "broken": lambda: 1 // 0, "late": never.wait}
    findings, is_complete = gather(looks, ENGLISH, within_s=1)
    never.set()
    assert [(each.name, each.status) for each in findings] == [
        ("quick", "ok"),
        ("broken", "failure"),
        ("late", "failure"),
    ]
    assert "ZeroDivisionError" in findings[1].summary
    assert not is_complete


# --- memory -------------------------------------------------------------------------------------------

LLM = TransformersOptions(model="nobody/omost-llama-3-8b")
ROOM = {
    "roomy": (40, "auto", ["ok", "ok"], "“resident”"),
    "for one after the other": (29, "auto", ["ok", "ok"], "“all-move”"),
    "not for both": (24, "auto", ["ok", "failure"], "cuda:1"),
    "not even for one": (6, "auto", ["warning", "failure"], "End what else uses"),
    "another device": (24, "cuda:1", ["ok", "failure"], "no device “cuda:1”"),
}


@pytest.mark.parametrize(("free_gb", "device", "statuses", "told"), ROOM.values(), ids=ROOM)
def test_models_share_the_memory(free_gb, device, statuses, told):
    """The plan of SDXL is that which remains beside the language model."""
    room = int(free_gb * 1e9)
    card = Device("cuda:0", "A GPU", room, room, has_bfloat16=True)
    torch = Torch("2.13", "12.6", (card, Device("cpu", "cpu", 1 << 36, 1 << 36, has_bfloat16=False)))
    settings = Settings(picture=PictureSettings(renderer="sdxl"))
    findings = list(memory(case(settings), torch, LLM, SdxlOptions(device=device)))
    assert [each.status for each in findings] == statuses
    assert told in findings[-1].summary + findings[-1].advice


# --- the database -------------------------------------------------------------------------------------


async def test_the_tables_are_looked_at(place):
    """A database in a file is up to date, behind, of a newer version, or none; and is left as it was."""
    store = await Store.open(place / "data")
    while_open = await asyncio.to_thread(found, "database")
    await store.close()
    file = place / "data" / "omost.db"
    before = file.read_bytes()
    assert "up to date" in while_open.summary
    assert found("database") == while_open
    assert [path.name for path in (place / "data").iterdir()] == ["omost.db"]
    assert file.read_bytes() == before
    await asyncio.to_thread(set_revision, file, "0002")
    assert found("database").status == "warning"
    assert "1 change of its tables is pending" in found("database").summary
    await asyncio.to_thread(set_revision, file, "9999")
    assert found("database").status == "failure"
    assert "newer version" in found("database").summary
    file.write_bytes(b"scribble" * 1000)
    assert "not a database" in found("database").summary


def set_revision(file, revision):
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
    engine.dispose()


def test_a_server_that_cannot_be_reached_is_told(monkeypatch):
    """The password stands in no finding."""
    monkeypatch.setenv("OMOST_DATABASE__URL", "postgresql://bot:s3cret-word@127.0.0.1:1/bot")
    seen = examine()
    finding = next(each for each in seen.findings if each.name == "database")
    assert finding.status == "failure"
    assert "Connection refused" in finding.summary
    assert "OMOST_DATABASE__URL" in finding.advice
    assert "s3cret-word" not in repr(seen.findings)


def test_postgres_is_looked_at(postgres_url, monkeypatch):
    """An empty database of the bot's own will do; one without rights will not; the tables' state is told."""
    monkeypatch.setenv("OMOST_DATABASE__URL", postgres_url)
    assert found("database").status == "ok"
    assert "empty; the first start makes its tables" in found("database").summary
    libpq_url = postgres_url.replace("+psycopg", "")
    role = "weak_" + libpq_url.partition("test_")[2][:12]
    with psycopg.connect(libpq_url, autocommit=True) as connection:
        connection.execute(f'CREATE ROLE "{role}" LOGIN')
        monkeypatch.setenv("OMOST_DATABASE__URL", postgres_url.replace("postgres:@", f"{role}:@", 1))
        assert "no tables in the schema public" in found("database.rights").summary
        assert found("database.rights").status == "failure"
        connection.execute(f'DROP ROLE "{role}"')
    monkeypatch.setenv("OMOST_DATABASE__URL", postgres_url)
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        command.upgrade(configuration(connection), "0002")
    engine.dispose()
    seen = {each.name: each for each in examine().findings}
    assert "pending" in seen["database"].summary
    assert "agrees with that of the database" in seen["clock"].summary
