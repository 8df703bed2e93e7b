"""A bot as a process that can be killed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

from canvas import Canvas
from engine.renderer import Base, Economy, RenderEvent, RenderStep
from storage.scene import SceneSettings
from tests.bot.chat.talking import AnyRenderer
from tests.bot.telegram.house import SPEED, House

STEPS = 20
STEP_S = 0.1


class SlowRenderer(AnyRenderer):
    """Paints long enough to be killed in the middle."""

    async def render(
        self,
        canvas: Canvas,
        settings: SceneSettings,
        economy: Economy = Economy.NONE,
        base: Base | None = None,
    ) -> AsyncIterator[RenderEvent]:
        for step in range(1, STEPS + 1):
            await asyncio.sleep(STEP_S)
            yield RenderStep(step, STEPS)
        async for event in super().render(canvas, settings, economy, base):
            yield event


async def main(folder: str, url: str, token: str) -> None:
    """Serves until it is killed."""
    server = SimpleNamespace(url=url, token=token, clock=SimpleNamespace(speed=SPEED))
    house = House(server, Path(folder))
    house.renderer = SlowRenderer()
    async with house:
        await house.serving


def serve(folder: str, url: str, token: str) -> None:
    """What the process does."""
    asyncio.run(main(folder, url, token))
