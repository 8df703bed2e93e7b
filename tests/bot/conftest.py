"""A served chat page and a real headless browser, shared by the tests of a module.

Everything runs in one event loop: the studio, the page's server and the browser's driver.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    async_playwright,
    expect,
)

from bot.settings import PictureSettings, SdxlSettings, Settings, WebSettings
from bot.web import serve
from canvas import Canvas, GlobalDescription, LocalDescription, write
from engine.composer import ComposeRequest
from engine.errors import NotUnderstood, OutOfMemory
from engine.jobs import ROLES, JobEngine, JobsPlace, sqlite_jobs_url
from engine.renderer import Base, Economy, RenderEvent
from engine.renderer.storyboard import StoryboardRenderer
from engine.stages import Stages
from engine.studio import Order, Studio
from storage.records import Turn
from storage.scene import SceneSettings
from storage.store import Store
from tests.bot.command_line import CODE

CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 60_000
START_TIMEOUT_S = 120
BROKEN_LINES = ("AbortError: signal is aborted", "Connection errored out", "network error")
PAINTED = ("storyboard", "sdxl")
"""All of these are storyboards here."""
COMPOSERS = 2
"""So many scenes are composed at once."""

FAIR = Canvas(
    GlobalDescription("A village fair on a sunny afternoon.", tags="fair, sunny", color="skyblue"),
    (
        LocalDescription("a clown", location="on the left", color="red", distance_to_viewer=2.0),
        LocalDescription("a tent", location="on the top-right", color="white", distance_to_viewer=8.0),
        LocalDescription("a table with cakes", location="on the right", color="pink", distance_to_viewer=3.0),
    ),
)


HUGE_FAIR = replace(FAIR, global_description=GlobalDescription("A huge village fair.", tags="fair, sunny"))


class ScriptedComposer:
    """Composes the fair, changes its clown, and does what a prompt that begins with a stage word says.

    `slowly` waits at a gate behind the first region; `mumble` is not understood, with `slowly` before it
    when the gate opens; `sloppy` needs repairs; `huge` does not fit into the memory at first.
    """

    def __init__(self) -> None:
        self.gates: dict[str, asyncio.Event] = {}

    def gate(self, prompt: str) -> asyncio.Event:
        """What lets a slow prompt go on."""
        return self.gates.setdefault(prompt, asyncio.Event())

    async def compose(self, request: ComposeRequest) -> AsyncIterator[str]:
        if request.prompt.startswith("mumble"):
            raise NotUnderstood(request.prompt, ("clown", "tent"))
        code = write(_scene(request))
        if request.prompt.startswith("sloppy"):
            code = code.replace("on the left", "at the left-hand side")
        yield "Here is the scene.\n```python\n"
        for number, call in enumerate(code.split("\n\n")):
            if number == 3 and request.prompt.startswith("slowly"):
                await self.gate(request.prompt).wait()
                if "mumble" in request.prompt:
                    raise NotUnderstood(request.prompt, ("clown", "tent"))
            yield call + "\n\n"
        yield "```\n"


def _scene(request: ComposeRequest) -> Canvas:
    if request.canvas is None:
        return HUGE_FAIR if request.prompt.startswith("huge") else FAIR
    old = request.canvas.local_descriptions
    if "magician" in request.prompt:
        return replace(
            request.canvas, local_descriptions=(replace(old[0], description="a magician"), *old[1:])
        )
    added = LocalDescription("a dog", location="on the bottom", color="brown", distance_to_viewer=1.0)
    return replace(request.canvas, local_descriptions=(*old, added))


class SmallRenderer(StoryboardRenderer):
    """Paints storyboards; what is huge it paints thriftily only."""

    async def render(
        self,
        canvas: Canvas,
        settings: SceneSettings,
        economy: Economy = Economy.NONE,
        base: Base | None = None,
    ) -> AsyncIterator[RenderEvent]:
        if "huge" in canvas.global_description.description and economy is Economy.NONE:
            raise OutOfMemory
        async for event in super().render(canvas, settings, economy, base):
            yield event


class RecordingStudio(Studio):
    """A studio that remembers what it was asked for."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.orders: list[Order] = []

    async def submit(self, order: Order) -> str:
        turn_id = await super().submit(order)
        self.orders.append(order)
        return turn_id


@dataclass(frozen=True, slots=True)
class Site:
    """A chat page that is being served."""

    address: str
    studio: RecordingStudio
    composer: ScriptedComposer
    settings: Settings


@dataclass
class Tab:
    """A page in the browser, and what it did that no page may do."""

    page: Page
    faults: list[str] = field(default_factory=list)
    loads: int = 0

    def watch(self, address: str) -> None:
        """Notes errors on the console, and requests that leave the site."""
        self.page.on("load", lambda _page: self._note_load())
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", lambda request: self._note_request(request, address))

    def serious_faults(self) -> list[str]:
        """What it did; a page that was loaded anew may complain of the lines that its reload cut."""
        cut = BROKEN_LINES if self.loads > 1 else ()
        return [fault for fault in self.faults if not any(words in fault for words in cut)]

    def _note_load(self) -> None:
        self.loads += 1

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text}")

    def _note_request(self, request: Request, address: str) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            self.faults.append(f"foreign: {request.url}")


@asynccontextmanager
async def serving(serve: Callable[..., Coroutine[None, None, None]]) -> AsyncIterator[str]:
    """Serves a page until the block ends; gives its address."""
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(on_listening=listening.set_result))
    done, _ = await asyncio.wait({task, listening}, return_when=asyncio.FIRST_COMPLETED)
    if task in done:
        await task  # says why
    try:
        yield listening.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("web")
    small = PictureSettings(width_px=256, height_px=320)
    sdxl = SdxlSettings(model="a checkpoint that is never loaded", loras="loras")
    settings = Settings(data_dir=folder, web=WebSettings(port=0), picture=small, sdxl=sdxl)
    composer = ScriptedComposer()
    async with (
        aclosing_store(await Store.open(folder)) as store,
        job_engine(store, folder, composer) as jobs,
        RecordingStudio(store, jobs, backends=settings.backends()) as studio,
        serving(partial(serve, settings, studio)) as address,
    ):
        yield Site(address, studio, composer, settings)


@asynccontextmanager
async def aclosing_store(store: Store) -> AsyncIterator[Store]:
    """The store, closed in the end."""
    try:
        yield store
    finally:
        await store.close()


def job_engine(store: Store, folder: Path, composer: ScriptedComposer) -> JobEngine:
    """All roles in this process, with backends that follow a script."""
    painter = SmallRenderer()
    return JobEngine(
        JobsPlace(sqlite_jobs_url(folder), "bot-1", folder, poll_s=0.1),
        store,
        roles=ROLES,
        stages=Stages(store, composers={"embedded": composer}, renderers=dict.fromkeys(PAINTED, painter)),
        deliveries={"web": tell_nobody},
        slots={"llm": COMPOSERS},
    )


async def tell_nobody(turn: Turn) -> None:
    """The page looks for itself."""
    del turn


@pytest.fixture(scope="module")
def chromium_path() -> Path:
    """The browser, without which these tests are skipped aloud, or fail where nothing may be skipped."""
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail(f"there is no {CHROMIUM}: the chat page has to be tested in a real browser")
        pytest.skip(f"THE CHAT PAGE IS NOT TESTED: there is no {CHROMIUM} (Debian: apt install chromium)")
    return CHROMIUM


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium_path: Path) -> AsyncIterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_FLAGS)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A browser profile of its own, in English."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    context.set_default_timeout(PATIENCE_MS)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext, site: Site) -> AsyncIterator[Page]:
    """The open chat page; the test fails when the page makes a console error or a request to elsewhere."""
    async with tab(context, site) as page:
        yield page


@asynccontextmanager
async def tab(context: BrowserContext, site: Site) -> AsyncIterator[Page]:
    """One more tab with the chat page."""
    async with watched(context, site.address) as page:
        yield page


@asynccontextmanager
async def watched(context: BrowserContext, address: str) -> AsyncIterator[Page]:
    """The page at an address, which must not make console errors or requests to elsewhere."""
    tab = Tab(await context.new_page())
    tab.watch(address)
    await tab.page.goto(address)
    yield tab.page
    assert tab.serious_faults() == []


@asynccontextmanager
async def real_page(context: BrowserContext, folder: Path) -> AsyncIterator[Page]:
    """A page with the embedded composer and renderer, served by `omost-bot web`."""
    variables = {"OMOST_DATA_DIR": str(folder), "OMOST_WEB__PORT": "0", "PYTHONUNBUFFERED": "1"}
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "web"),
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            line = (await bot.stdout.readline()).decode()
        address = next(word.rstrip(";,.") for word in line.split() if word.startswith("http://"))
        async with watched(context, address) as page:
            yield page
    finally:
        bot.terminate()
        await bot.wait()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and no settings from around it."""
    for name in [name for name in os.environ if name.startswith("OMOST_")]:
        monkeypatch.delenv(name)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def config(place: Path) -> Callable[..., Path]:
    """Writes a settings file beside the process and returns its path."""

    def write_config(text: str, name: str = "config.toml") -> Path:
        path = place / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_config


@pytest.fixture
def harbour(place: Path) -> Path:
    """A file with Canvas code in it."""
    path = place / "harbour.py"
    path.write_text(CODE, encoding="utf-8")
    return path


@pytest.fixture
def open_tab():
    """How a test opens a tab: the fixtures' own way, for tests that need several."""
    return tab


@pytest.fixture
def serve_again():
    """How a test serves a page a second time."""
    return serving


@pytest.fixture
def open_real_page():
    """How a test opens a page of the defaults alone."""
    return real_page
