"""Answering HTTP with an application, in the caller's event loop and without a hand on the process."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator

import uvicorn
from starlette.types import ASGIApp

GRACE_S = 2
"""How long the last requests may take to end."""


async def serve_app(
    app: ASGIApp, listener: socket.socket, *, on_started: Callable[[], None], has_lifespan: bool = False
) -> None:
    """Answers with an application until it is cancelled; `on_started` is called as soon as it does."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on" if has_lifespan else "off",
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
    )
    server = _Server(config, on_started)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise


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
