"""A worker's start: what it loads beside its work."""

import asyncio
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from engine.errors import Unavailable
from engine.jobs import ROLES
from engine.leash import Leash
from engine.stages import Stages
from engine.worker import serve_worker


class SlowToWarm:
    """A renderer that never gets warm, or fails to."""

    def __init__(self, error=None):
        self.error = error
        self.begun = asyncio.Event()
        self.is_cancelled = False

    async def warm_up(self):
        self.begun.set()
        if self.error:
            raise self.error
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise


def serving(stage, renderer):
    stages = Stages(stage.store, renderers={"sdxl": renderer})
    work = serve_worker(
        stage.store, stage.place(), roles=ROLES, stages=stages, slots={}, leash=Leash(), renderer="sdxl"
    )
    return asyncio.create_task(work)


async def ended(worker):
    worker.cancel()
    with suppress(asyncio.CancelledError):
        await worker


async def test_a_warm_up_ends_with_its_worker(closed_stage):
    """It goes on beside the work, and whoever stops the worker does not wait for it."""
    renderer = SlowToWarm()
    async with asyncio.timeout(120):
        worker = serving(closed_stage, renderer)
        await renderer.begun.wait()
        assert not worker.done()
        await ended(worker)
    assert renderer.is_cancelled


@pytest.mark.parametrize("error", [Unavailable("sdxl", "model-not-found"), OSError("the disk is broken")])
async def test_a_failed_warm_up_is_logged_and_no_more(closed_stage, error):
    """The worker works on: there may be other renderers, and another try."""
    renderer = SlowToWarm(error)

    def complaints():
        return [log for log in logs if log["event"] == "renderer_not_warm"]

    with capture_logs() as logs:
        async with asyncio.timeout(120):
            worker = serving(closed_stage, renderer)
            await closed_stage.eventually(complaints, "the failure is logged")
            assert not worker.done()
            await ended(worker)
    assert [(log["renderer"], log["exc_info"]) for log in complaints()] == [("sdxl", error)]
