"""Serving the page: one address, a page for each language, the pictures beside it, and a clean end.

Everything runs in the event loop of the caller, the studio's tasks and the page's handlers alike. The server
answers requests and asks nobody anything: no telemetry, no fonts or scripts from elsewhere.
"""

import asyncio
import contextlib
import os
import socket
import tempfile
from collections.abc import Callable, Generator
from functools import partial
from io import BytesIO
from pathlib import Path

import gradio as gr
import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse
from PIL import Image

from bot.listening import address_of, listen
from bot.replies import LANGUAGES
from bot.serving import serve_app
from bot.settings import Settings
from bot.web.guard import Guard
from bot.web.languages import OwnLanguage
from bot.web.layout import style, theme
from bot.web.page import build_page
from bot.web.visitor import KnownVisitors
from canvas import write
from engine.studio import Studio
from storage.errors import NotFound, StorageError

MAX_UPLOAD = "40mb"
"""More than the largest picture that is ever written."""
THUMBNAIL_SIDE_PX = 240
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}

_log = structlog.get_logger()


async def serve(
    settings: Settings,
    studio: Studio,
    *,
    listener: socket.socket | None = None,
    on_listening: Callable[[str], None] | None = None,
) -> None:
    """Serves the page of a studio until it is cancelled; the studio stays open.

    Args:
        settings: Where it is served, and what is chosen at first.
        studio: Whose page it is.
        listener: From `listen`; without one, the settings' host and port are listened on.
        on_listening: Is told the page's address as soon as it answers there.

    Raises:
        AddressUnavailable: Nothing can be served at the settings' host and port.
        SettingsError: Other machines reach it there, and it has no password.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_gradio_environment())
        if listener is None:
            listener = stack.enter_context(listen(settings.web.host, settings.web.port))
        address = address_of(listener)
        app = build_app(studio, settings)
        on_started = partial(_announce, address, on_listening)
        await serve_app(app, listener, on_started=on_started, has_lifespan=True)


def build_app(studio: Studio, settings: Settings) -> FastAPI:
    """The page in every language, and the addresses of pictures and code: everything that is answered.

    Raises:
        SettingsError: Other machines reach the page, and it has no password.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(NotFound, _nothing(404))
    app.add_exception_handler(StorageError, _nothing(503))
    app.add_middleware(OwnLanguage, default=settings.language)
    app.add_middleware(KnownVisitors, pages={"/", *(f"/{language}/" for language in LANGUAGES)})
    app.add_middleware(Guard, settings=settings)  # before all others, as the last that is added
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
        path = await studio.store.image_path(image_id)
        return FileResponse(path, media_type="image/png", headers=FOREVER)

    @router.get("/pictures/{image_id}/thumbnail")
    async def small_picture(image_id: str) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        data = await asyncio.to_thread(_thumbnail, await studio.store.image_path(image_id))
        return Response(data, media_type="image/webp", headers=FOREVER)

    @router.get("/scenes/{revision_id}")
    async def code(revision_id: str) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        revision = await studio.store.revision(revision_id)
        return Response(write(revision.scene.canvas), media_type="text/x-python", headers=FOREVER)

    return router


def _nothing(status: int) -> Callable[[Request, Exception], Response]:
    """Answers an error with its status alone: a browser shows no picture there."""

    def answer(request: Request, error: Exception) -> Response:
        del request, error
        return Response(status_code=status)

    return answer


def _thumbnail(path: Path) -> bytes:
    data = BytesIO()
    try:
        with Image.open(path) as image:
            image.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX))
            image.save(data, "webp", quality=80)
    except OSError as error:  # damaged, or gone just now
        raise NotFound("image", path.stem) from error
    return data.getvalue()


def _announce(address: str, on_listening: Callable[[str], None] | None) -> None:
    _log.info("page_listening", address=address)
    if on_listening is not None:
        on_listening(address)
