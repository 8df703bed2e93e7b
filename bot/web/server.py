"""Serving the page: one address, a page for each language, the pictures beside it, and a clean end.

Everything runs in the event loop of the caller, the studio's tasks and the page's handlers alike. The server
answers requests and asks nobody anything: no telemetry, no fonts or scripts from elsewhere.
"""

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Generator
from io import BytesIO
from pathlib import Path
from typing import cast

import gradio as gr
import structlog
import uvicorn
from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from PIL import Image
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.replies import LANGUAGES, language_of
from bot.settings import Settings
from bot.web.layout import style, theme
from bot.web.page import build_page
from bot.web.visitor import KnownVisitors
from canvas import write
from engine.studio import Studio
from storage.errors import NotFound

MAX_UPLOAD = "40mb"
"""More than the largest picture that is ever written."""
THUMBNAIL_SIDE_PX = 240
GRACE_S = 2
"""How long the last requests may take to end."""
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}

_log = structlog.get_logger()


class AddressUnavailable(Exception):
    """The page cannot be served there: the port is taken, or the host is not this machine's.

    Attributes:
        reason: In the words of the operating system.
    """

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"{host}:{port}: {reason}")
        self.host = host
        self.port = port
        self.reason = reason


async def serve(
    settings: Settings,
    studio: Studio,
    *,
    listener: socket.socket | None = None,
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serves the page of a studio until SIGINT, SIGTERM or cancellation; the studio stays open.

    Args:
        settings: Where it is served, and what is chosen at first.
        studio: Whose page it is.
        listener: From `listen`; without one, the settings' host and port are listened on.
        on_listening: Is told the page's address as soon as it answers there.

    Raises:
        AddressUnavailable: Nothing can be served at the settings' host and port.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_gradio_environment())
        if listener is None:
            listener = stack.enter_context(listen(settings.web.host, settings.web.port))
        address = _address(listener)
        server = _Server(
            uvicorn.Config(
                build_app(studio, settings),
                log_config=None,
                access_log=False,
                lifespan="on",
                timeout_graceful_shutdown=GRACE_S,
                server_header=False,
            ),
            on_started=lambda: _announce(address, on_listening),
        )
        await _until_told(server, listener)


async def _until_told(server: "_Server", listener: socket.socket) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    with _signals(server.stop):
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.stop()
            await serving
            raise


@contextlib.contextmanager
def listen(host: str, port: int) -> Generator[socket.socket]:
    """A socket that is bound before anything else is opened: a taken port is told at once.

    Raises:
        AddressUnavailable: The port is taken, or the host is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressUnavailable(host, port, error.strerror or str(error)) from error
    with listener:
        # a port whose last owner has just ended is free; one that is listened on is still refused
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen()
        except OSError as error:
            raise AddressUnavailable(host, port, error.strerror or str(error)) from error
        yield listener


def build_app(studio: Studio, settings: Settings) -> FastAPI:
    """The page in every language, and the addresses of pictures and code: everything that is answered."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(_OwnLanguage, default=settings.language)
    app.add_middleware(KnownVisitors, pages={"/", *(f"/{language}/" for language in LANGUAGES)})
    # the first mount that fits answers, so the one at / comes last
    for language in sorted(LANGUAGES, key=lambda one: one == settings.language):
        prefix = "" if language == settings.language else f"/{language}"
        app.include_router(_files(studio), prefix=prefix)
        gr.mount_gradio_app(  # pyright: ignore[reportUnknownMemberType] - Gradio has no types for `auth`
            app,
            build_page(studio, settings, language),
            path=prefix or "/",
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            mcp_server=False,
            pwa=False,
            max_file_size=MAX_UPLOAD,
            theme=theme(),
            css=style(),
            js=f"() => {{ document.documentElement.lang = '{language}'; }}",
        )
    return app


@contextlib.contextmanager
def _gradio_environment() -> Generator[None]:
    """What Gradio reads from the environment only; what the operator has set there stays."""
    with tempfile.TemporaryDirectory(prefix="omost-uploads-") as uploads:
        choices = {
            "GRADIO_ANALYTICS_ENABLED": "False",
            # its own statistics of every event are for a dashboard that is not served
            "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
            "GRADIO_ANALYTICS_MAX_EVENTS": "1",
            # the default is one folder for all users of the machine, which only the first can write to
            "GRADIO_TEMP_DIR": uploads,
        }
        added = {name: value for name, value in choices.items() if name not in os.environ}
        os.environ.update(added)
        try:
            yield
        finally:
            for name in added:
                del os.environ[name]


def _files(studio: Studio) -> APIRouter:
    """The addresses of what is stored; an id that nobody was told cannot be guessed."""
    router = APIRouter()

    @router.get("/pictures/{image_id}")
    async def picture(image_id: str) -> FileResponse:  # pyright: ignore[reportUnusedFunction] - a route
        return FileResponse(await image_path(image_id), media_type="image/png", headers=FOREVER)

    @router.get("/pictures/{image_id}/thumbnail")
    async def small_picture(image_id: str) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        data = await asyncio.to_thread(_thumbnail, await image_path(image_id))
        return Response(data, media_type="image/webp", headers=FOREVER)

    @router.get("/scenes/{revision_id}")
    async def code(revision_id: str) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        try:
            revision = await studio.store.revision(revision_id)
        except NotFound as error:
            raise HTTPException(404) from error
        return Response(write(revision.scene.canvas), media_type="text/x-python", headers=FOREVER)

    async def image_path(image_id: str) -> Path:
        try:
            return await studio.store.image_path(image_id)
        except NotFound as error:
            raise HTTPException(404) from error

    return router


def _thumbnail(path: Path) -> bytes:
    data = BytesIO()
    with Image.open(path) as image:
        image.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX))
        image.save(data, "webp", quality=80)
    return data.getvalue()


class _OwnLanguage:
    """Sends a browser from / to the page in its own language; `?language=` says outright which."""

    def __init__(self, app: ASGIApp, default: str) -> None:
        self.app = app
        self.default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and scope["path"] == "/":
            language = self._language(Request(scope))
            app = app if language == self.default else RedirectResponse(f"{language}/")
        await app(scope, receive, send)

    def _language(self, request: Request) -> str:
        asked = request.query_params.get("language")
        return (
            language_of(asked) if asked else _spoken(request.headers.get("accept-language", ""), self.default)
        )


def _spoken(accepted: str, default: str) -> str:
    """The language to answer in, from an Accept-Language header: the best of those that are spoken here.

    _spoken("de, zh-CN;q=0.9, en;q=0.8", "en") == "zh"
    """
    ranked = sorted((_ranked(part) for part in accepted.split(",")), key=lambda one: -one[1])
    return next((name for name, weight in ranked if name in LANGUAGES and weight > 0), default)


def _ranked(part: str) -> tuple[str, float]:
    tag, _, weight = part.partition(";q=")
    try:
        return tag.strip().lower().split("-")[0], float(weight or 1)
    except ValueError:
        return "", 0.0


def _address(listener: socket.socket) -> str:
    """What to type into a browser on this machine."""
    host, port = cast("tuple[str, int]", listener.getsockname()[:2])
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Uvicorn without a hand on the process's signals, which are the caller's."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self.on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # every open page holds a stream that never ends by itself; a closed line ends it without a complaint
        for connection in list(self.server_state.connections):
            connection.transport.close()
        await super().shutdown(sockets)

    def stop(self) -> None:
        """Ends the serving soon."""
        self.should_exit = True


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Generator[None]:
    """SIGINT and SIGTERM stop the server instead of the process; only the main thread hears of them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _announce(address: str, on_listening: Callable[[str], None] | None) -> None:
    _log.info("page_listening", address=address)
    if on_listening is not None:
        on_listening(address)
