"""The bot and its worker as they really run: processes that work, die, come back and end."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from bot.report import ExitStatus
from bot.settings import load_settings
from canvas import Canvas, GlobalDescription, LocalDescription, write
from engine.events import Done, RegionFinished
from engine.jobs import JobEngine, JobsPlace, sqlite_jobs_url
from engine.orders import Compose
from engine.studio import Studio
from storage.records import ConversationKey, PersonKey, TurnStatus
from storage.scene import SceneSettings
from storage.store import Store
from tests.engine.rig.llm_server import LlmServer, listing, saying

SCRIPT = Path(sys.executable).with_name("omost-bot")
WAIT_S = 120
LAKE = Canvas(GlobalDescription("A lake."), (LocalDescription("A red boat."),))
PERSON = PersonKey("web", "somebody")
CONVERSATION = ConversationKey("web", "somebody")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """An empty folder to work in, and no settings from around it but a free port."""
    for name in [name for name in os.environ if name.startswith("OMOST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMOST_WEB__PORT", "0")
    monkeypatch.setenv("OMOST_WEB__CALL_PAUSE_S", "0")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def started(*arguments):
    """The real console script as a process, which has ended afterwards."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([SCRIPT, *arguments], **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def address(process):
    """Where the page answers, as soon as it does."""
    line = process.stdout.readline().decode()
    assert "http://" in line, process.stderr.read().decode()
    return re.search(r"http://[\w.:]+", line)[0]


async def child_of(process, but=None):
    """The process's child, as soon as there is one, and another one than `but`."""

    def found():
        return [each for each in psutil.Process(process.pid).children() if each != but]

    await until(found)
    return found()[0]


async def until(condition):
    """Waits until the condition holds."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - other processes set no events
            await asyncio.sleep(0.05)


def is_alive(process):
    """Whether a process still runs; one that has ended and is not yet collected does not."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@asynccontextmanager
async def desk(folder, backends=None):
    """A studio in this process, on the same database as the bot, that leaves all work to others."""
    store = await Store.open(folder)
    try:
        jobs = JobEngine(
            JobsPlace(sqlite_jobs_url(folder), "desk", folder),
            store,
            roles=frozenset({"jobs"}),
            deliveries={"nowhere": forget},
        )
        async with jobs, Studio(store, jobs, backends=backends) as studio:
            yield studio
    finally:
        await store.close()


def log_until(process, event):
    """The process's log up to the line with an event."""
    lines = []
    while event not in (line := process.stderr.readline()):
        assert line, "the log goes on"
        lines.append(line)
    return b"".join(lines)


def answers(page):
    """Whether anybody listens at the page's address."""
    try:
        return httpx.get(page).is_success
    except httpx.HTTPError:
        return False


async def forget(turn):
    del turn


async def picture_of(studio, turn_id):
    """Asks for a picture and waits for it; returns its file."""
    settings = SceneSettings(width_px=256, height_px=256)
    await studio.submit(Compose(turn_id, CONVERSATION, PERSON, "a red boat on a lake", settings))
    async with asyncio.timeout(WAIT_S):
        events = [event async for event in studio.events(turn_id)]
    assert isinstance(events[-1], Done), events[-1]
    return await studio.store.image_path(events[-1].revision.images[0].id)


async def test_run_works_whatever_becomes_of_its_worker(place):
    """A bot composes and paints, goes on with another worker when one is killed, and ends with its child."""
    with started("run") as bot:
        await asyncio.to_thread(address, bot)
        worker = await child_of(bot)
        async with desk(place / "data") as studio:
            assert (await picture_of(studio, "web:1")).is_file()
            worker.kill()
            next_worker = await child_of(bot, but=worker)
            assert (await picture_of(studio, "web:2")).is_file()
        bot.send_signal(signal.SIGTERM)
        _, log = await asyncio.to_thread(bot.communicate, timeout=WAIT_S)
    assert bot.returncode == 0
    assert b"Traceback" not in log
    assert not is_alive(next_worker)


async def test_a_worker_works_for_a_bot(place, monkeypatch):
    """`worker` paints what a bot whose own worker does not paint has taken in, and hears of new settings."""
    monkeypatch.setenv("OMOST_WORKER__ROLES", '["llm"]')
    with started("run") as bot, started("worker", "--roles", "image", "--name", "gpu-1") as worker:
        await asyncio.to_thread(address, bot)
        async with desk(place / "data") as studio:
            assert (await picture_of(studio, "web:1")).is_file()
        child = await child_of(worker)
        worker.send_signal(signal.SIGHUP)
        begun = await asyncio.to_thread(log_until, worker, b"settings_read_again")
        worker.send_signal(signal.SIGINT)
        _, log = await asyncio.to_thread(worker.communicate, timeout=WAIT_S)
    assert worker.returncode == 0
    assert b"Traceback" not in begun + log
    assert not is_alive(child)


async def test_a_worker_composes_with_a_server(place, monkeypatch):
    """A bot with a server configured composes with its model, and says at the start what is wrong with it."""
    replies = [f"```python\n{write(LAKE)}```"]
    async with LlmServer([saying(*replies)], models=listing("another-model")) as server:
        monkeypatch.setenv("OMOST_OPENAI__BASE_URL", server.base_url)
        monkeypatch.setenv("OMOST_OPENAI__MODEL", "a-model")
        with started("run") as bot:
            await asyncio.to_thread(address, bot)
            async with desk(place / "data", load_settings().backends()) as studio:
                settings = SceneSettings(width_px=256, height_px=256, composer="openai")
                await studio.submit(Compose("web:1", CONVERSATION, PERSON, "a lake", settings))
                async with asyncio.timeout(WAIT_S):
                    events = [event async for event in studio.events("web:1")]
            bot.send_signal(signal.SIGTERM)
            _, log = await asyncio.to_thread(bot.communicate, timeout=WAIT_S)
    assert isinstance(events[-1], Done), events[-1]
    assert events[-1].revision.scene.canvas == LAKE
    assert b"does not have the model" in log
    assert b"Traceback" not in log


async def test_a_killed_bot_leaves_no_orphan():
    """When the bot is killed its worker ends too, and a bot of the same name can start at once."""
    with started("run") as bot:
        await asyncio.to_thread(address, bot)
        worker = await child_of(bot)
        bot.kill()
        await until(lambda: not is_alive(worker))
    with started("run") as bot:
        assert await asyncio.to_thread(address, bot)


async def test_what_a_stopped_bot_was_at_is_done_by_the_next(place, monkeypatch):
    """A scene that is being composed when the bot is told to end is painted after its next start."""
    monkeypatch.setenv("OMOST_WEB__CALL_PAUSE_S", "5")
    settings = SceneSettings(width_px=256, height_px=256)
    async with desk(place / "data") as studio:
        with started("run") as bot:
            await asyncio.to_thread(address, bot)
            await studio.submit(Compose("web:1", CONVERSATION, PERSON, "a red boat on a lake", settings))
            async with aclosing(studio.events("web:1")) as events, asyncio.timeout(WAIT_S):
                async for event in events:
                    if isinstance(event, RegionFinished):
                        break
            bot.terminate()
            _, log = await asyncio.to_thread(bot.communicate, timeout=WAIT_S)
        assert (bot.returncode, b"Traceback" in log) == (0, False)
        assert (await studio.store.turn("web:1")).status is TurnStatus.RUNNING
        monkeypatch.setenv("OMOST_WEB__CALL_PAUSE_S", "0")
        with started("run") as bot:
            await asyncio.to_thread(address, bot)
            async with asyncio.timeout(WAIT_S):
                *_, end = [event async for event in studio.events("web:1")]
    assert isinstance(end, Done), end


async def test_a_second_signal_ends_the_bot_at_once():
    """While the first end waits for a worker that does not answer."""
    with started("run") as bot:
        page = await asyncio.to_thread(address, bot)
        worker = await child_of(bot)
        worker.suspend()
        try:
            bot.terminate()
            await until(lambda: not answers(page))
            bot.terminate()
            assert await asyncio.to_thread(bot.wait, WAIT_S) == -signal.SIGTERM
        finally:
            worker.kill()


async def test_a_name_that_is_taken_is_status_3():
    """A second bot of the same name on the same database ends with one sentence that says what to do."""
    with started("run") as bot:
        await asyncio.to_thread(address, bot)
        with started("run") as second:
            out, trouble = await asyncio.to_thread(second.communicate, timeout=WAIT_S)
    assert (second.returncode, out) == (ExitStatus.UNAVAILABLE, b"")
    assert len(trouble.splitlines()) == 1
    assert "“bot-1”" in trouble.decode()
    assert "[jobs]" in trouble.decode()


@pytest.mark.parametrize("command", ["run", "worker"])
def test_a_database_that_cannot_be_is_status_3(place, command):
    """A data folder that is a file ends the bot and a worker with one sentence."""
    (place / "data").write_bytes(b"")
    with started(command) as process:
        out, trouble = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (ExitStatus.UNAVAILABLE, b"")
    assert len(trouble.splitlines()) == 1


@pytest.mark.parametrize("command", [["run"], ["worker"], ["db", "upgrade"]])
def test_a_server_that_is_not_there_is_status_3(monkeypatch, command):
    """A PostgreSQL that does not answer is told in a sentence or two, without its password."""
    monkeypatch.setenv("OMOST_DATABASE__URL", "postgresql://bot:s3cret@127.0.0.1:1/bot")
    with started(*command) as process:
        out, trouble = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (ExitStatus.UNAVAILABLE, b"")
    assert b"Traceback" not in trouble
    assert b"s3cret" not in trouble


def test_a_worker_loads_no_page():
    """A worker, which is started again and again, loads neither the page's library nor the server."""
    code = "import sys, bot.worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "dbos" in loaded
    assert loaded & {"gradio", "uvicorn", "torch"} == set()
