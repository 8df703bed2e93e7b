"""Settings that are read again while people are served: the real process, in a real browser."""

import asyncio
import os
import signal
import sys
import threading
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect

from bot import reloading
from bot.reloading import LIVE, take_over
from bot.settings import Settings
from tests.bot.on_page import box, picture, say, settings, trouble

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "correct horse"
WAIT_S = 120
FIRST = """\
[picture]
width_px = 256
height_px = 320

[limits]
prompt_chars = 20
"""
SECOND = """\
[picture]
width_px = 512
height_px = 320
renderer = "tiny"

[limits]
prompt_chars = 40

[roles."web:nobody"]
count = 2

[safety]
block = ["badger"]

[web]
port = 1
"""


class Bot:
    """`omost-bot web` on a free port, with a password, and its log."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log: list[str] = []
        self.grew = asyncio.Condition()
        self.reading = asyncio.create_task(self.read())

    async def read(self) -> None:
        """Collects the log until it ends."""
        while line := (await self.process.stderr.readline()).decode():
            async with self.grew:
                self.log.append(line)
                self.grew.notify_all()

    async def logged(self, event: str, times: int) -> str:
        """Waits until the log has an event so often; gives its lines."""

        def found() -> list[str]:
            return [line for line in self.log if event in line]

        async with asyncio.timeout(WAIT_S), self.grew:
            await self.grew.wait_for(lambda: len(found()) >= times)
        return "".join(found())


@asynccontextmanager
async def started(folder):
    """The bot and its address; it has ended afterwards, in good order."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OMOST_")}
    own = {"OMOST_WEB__PASSWORD": PASSWORD, "OMOST_WEB__CALL_PAUSE_S": "0", "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "web", "--config", "bot.toml"),
        cwd=folder,
        env={**clean, **own, "PYTHONPATH": os.pathsep.join(sys.path), "OMOST_WEB__HOST": "0.0.0.0"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    bot = Bot(process)
    try:
        async with asyncio.timeout(WAIT_S):
            line = (await process.stdout.readline()).decode()
        yield bot, next(word.rstrip(";") for word in line.split() if word.startswith("http://"))
        process.terminate()
        async with asyncio.timeout(WAIT_S):
            assert await process.wait() == 0
            await bot.reading
    finally:
        if process.returncode is None:
            process.kill()


async def test_an_open_page_hears_of_new_settings(context, tmp_path):
    """Behind the password, what was refused is painted after a SIGHUP; a broken file changes nothing.

    What takes a restart is named in the log, the worker reads the settings too, and the password is nowhere
    in the log.
    """
    config = tmp_path / "bot.toml"
    config.write_text(FIRST + "[web]\nport = 0\n")
    page = await context.new_page()
    async with started(tmp_path) as (bot, address):
        await page.goto(address)
        await page.get_by_label("Password").fill("a wrong password")
        await page.get_by_role("button").click()
        await expect(page.get_by_role("alert")).to_have_text("This is not the password.")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button").click()
        await say(page, "a fox in a forest at night")
        await expect(trouble(page)).to_contain_text("20 are allowed")
        await say(page, "a fox in a forest")
        await expect(picture(page)).to_be_visible()

        config.write_text("[limits\n")
        bot.process.send_signal(signal.SIGHUP)
        assert "is not TOML" in await bot.logged("settings_refused", 1)
        config.write_text(SECOND)
        bot.process.send_signal(signal.SIGHUP)
        changed = await bot.logged("settings_read_again", 2)  # by the bot and by its worker
        for name in ("limits.prompt_chars", "picture.width_px", "roles", "safety.block"):
            assert changed.count(name) == 2
        waiting = await bot.logged("settings_take_effect_after_a_restart", 2)
        assert all(name in waiting for name in ("web.port", "picture.renderer"))

        await say(page, "make it night, and add an owl")
        await expect(page.locator(".bubble.answered")).to_have_count(2)
        await say(page, "add a badger")
        await expect(trouble(page)).to_have_count(2)
        other = await context.browser.new_page()  # somebody else
        await other.goto(address)
        await other.get_by_label("Password").fill(PASSWORD)
        await other.get_by_role("button").click()
        await settings(other).click()
        await expect(other.get_by_label("Width (px)")).to_have_value("512")
        await expect(box(page)).to_be_visible()
        await other.close()
    assert PASSWORD not in "".join(bot.log)


async def test_what_is_taken_over():
    """Every table that can be, but for who composes and paints; the rest is named and stays."""
    running = Settings.model_validate({"limits": {"count": 2}})
    wanted = {
        "limits": {"count": 3},
        "people": {"deny": ["web:1"]},
        "chats": {"branch": "author"},
        "picture": {"preset": "quality", "composer": "transformers"},
        "safety": {"block": ["x"]},
        "roles": {"web:1": {"count": 1}},
        "jobs": {"name": "bot-2"},
        "language": "zh",
    }
    found = Settings.model_validate(wanted)
    changes = take_over(running, found)
    assert sorted(changes.made) == sorted(
        ["chats.branch", "limits.count", "people.deny", "picture.preset", "roles", "safety.block"]
    )
    assert sorted(changes.waiting) == ["jobs.name", "language", "picture.composer"]
    assert (running.jobs.name, running.language, running.picture.composer) == ("bot-1", "en", "embedded")
    assert all(getattr(running, table) == getattr(found, table) for table in set(LIVE) - {"picture"})
    assert running.studio_limits().count == 3
    assert take_over(running, found).made == []


async def test_a_classifier_is_imported_beside_the_loop(tmp_path, monkeypatch):
    """However long that takes, people are served meanwhile; then it is there."""
    module = "import threading\nthread = threading.current_thread()\ndef is_unsafe(text): return False\n"
    (tmp_path / "filter_beside.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    running, found = (
        Settings.model_validate({"safety": {"classifier": name}}) for name in ("", "filter_beside:is_unsafe")
    )
    await reloading._reload(lambda: found, lambda found, _: take_over(running, found))
    assert running.safety.classifier == "filter_beside:is_unsafe"
    assert sys.modules["filter_beside"].thread is not threading.main_thread()
