"""The command line as a process: terminals, pipes, signals, the database and the page."""

import asyncio
import os
import pty
import re
import signal
import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from urllib.request import urlopen

import pytest

from bot.one_shot import Job, run
from bot.report import ExitStatus
from canvas import parse
from engine.events import Composed, Done
from engine.orders import Limits
from storage.scene import SceneSettings
from tests.bot.command_line import SCRIPT, WAIT_S, omost, started

pytestmark = pytest.mark.usefixtures("place")


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
