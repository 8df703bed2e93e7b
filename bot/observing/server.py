"""The addresses that monitors ask: /healthz, /readyz and /metrics."""

import asyncio
import socket
from collections.abc import Iterable
from typing import Final

import structlog
from prometheus_client import Metric, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.listening import address_of
from bot.observing.figures import Figures
from bot.serving import serve_app
from engine.metrics import LOOP_LAG_S, REGISTRY
from engine.worker import first_of

LOOK_EVERY_S: Final = 0.5

_log = structlog.get_logger()


async def observe(figures: Figures, listener: socket.socket) -> None:
    """Answers those who watch this process until it is cancelled, and looks how late its loop is."""
    address = address_of(listener)
    serving = serve_app(
        build_app(figures), listener, on_started=lambda: _log.info("metrics_listening", address=address)
    )
    await first_of(serving, _look_at_loop())


def build_app(figures: Figures) -> Starlette:
    """The three addresses and nothing else."""
    process = ProcessCollector(registry=None)
    disable_created_metrics()  # when each figure was first counted nobody asks, and it doubles the answer

    async def healthz(_: Request) -> Response:
        """That it is answered says all: the loop goes round."""
        return JSONResponse({"alive": True})

    async def readyz(_: Request) -> Response:
        troubles = await figures.troubles()
        is_ready = not any(troubles.values())
        parts = {name: trouble or "ok" for name, trouble in troubles.items()}
        return JSONResponse({"ready": is_ready, "parts": parts}, 200 if is_ready else 503)

    async def metrics(_: Request) -> Response:
        page = _Page([*REGISTRY.collect(), *process.collect(), *await figures.gauges()])
        return Response(generate_latest(page), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route(f"/{each.__name__}", each) for each in (healthz, readyz, metrics)])


class _Page(Collector):
    """What has been read, as the library wants to have it."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


async def _look_at_loop() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + LOOK_EVERY_S
        await asyncio.sleep(LOOK_EVERY_S)
        LOOP_LAG_S.observe(max(0.0, loop.time() - due_s))
