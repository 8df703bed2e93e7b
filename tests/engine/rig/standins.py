"""Stand-in backends: fast, plain, and failing on demand.

A prompt begins with the turn's id; words like `paint_s=2` say how long the work takes and what goes wrong:

    compose_s=S, paint_s=S  seconds of composing and of painting one picture
    poison=STAGE            the process is killed in the middle of `llm` or `image`
    silent=STAGE            the first try stays silent for ever
    economy=N               a picture fits into the memory only with an economy of N
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from PIL import Image

from canvas import Canvas, GlobalDescription, LocalDescription, write
from engine.composer import ComposeRequest
from engine.errors import OutOfMemory
from engine.renderer import Base, Economy, RenderedImage, RenderEvent, RenderStep
from storage.records import Revision, StoredImage
from storage.scene import SceneSettings
from storage.store import Store
from tests.engine.rig.ledger import Ledger

TAKES_S = 0.05
STEPS = 5
LLM, IMAGE = "llm", "image"


class Wish:
    """What a prompt asks the stand-ins for."""

    def __init__(self, prompt: str) -> None:
        self.turn_id, *words = prompt.split()
        self._said = dict(word.split("=", 1) for word in words if "=" in word)

    def takes_s(self, name: str, usual_s: float) -> float:
        return float(self._said.get(name, usual_s))

    @property
    def economy(self) -> int:
        return int(self._said.get("economy", 0))

    async def suffer(self, stage: str, ledger: Ledger | None) -> None:
        """In the middle of a stage: whatever is to go wrong there."""
        if self._said.get("poison") == stage:
            os.kill(os.getpid(), signal.SIGKILL)
        is_first = ledger is not None and ledger.count(self.turn_id, stage, "begin") == 1
        if self._said.get("silent") == stage and is_first:
            await asyncio.Event().wait()


class _Noting:
    """A backend that notes what it does."""

    def __init__(self, ledger: Ledger | None, takes_s: float = TAKES_S) -> None:
        self._ledger = ledger
        self._takes_s = takes_s

    def _note(self, turn_id: str, stage: str, what: str) -> None:
        if self._ledger:
            self._ledger.note(turn_id, stage, what)

    @contextmanager
    def _stage(self, turn_id: str, stage: str) -> Iterator[None]:
        self._note(turn_id, stage, "begin")
        how = "stopped"
        try:
            yield
            how = "end"
        finally:
            self._note(turn_id, stage, how)


class StandInComposer(_Noting):
    """Streams a small scene whose global description is the prompt, so that the renderer reads it too."""

    async def compose(self, request: ComposeRequest) -> AsyncIterator[str]:
        wish = Wish(request.prompt)
        scene = Canvas(
            GlobalDescription(request.prompt),
            (LocalDescription("A frog on a leaf.", location="on the left"),),
        )
        text = f"```python\n{write(scene)}```"
        size = -(-len(text) // STEPS)
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        pause_s = wish.takes_s("compose_s", self._takes_s) / len(pieces)
        with self._stage(wish.turn_id, LLM):
            for index, piece in enumerate(pieces):
                await asyncio.sleep(pause_s)
                if index == 1:
                    await wish.suffer(LLM, self._ledger)
                yield piece


class StandInRenderer(_Noting):
    """Paints plain pictures in a few steps."""

    async def render(
        self,
        canvas: Canvas,
        settings: SceneSettings,
        economy: Economy = Economy.NONE,
        base: Base | None = None,  # noqa: ARG002 - paints everything
    ) -> AsyncIterator[RenderEvent]:
        wish = Wish(canvas.global_description.description)
        pause_s = wish.takes_s("paint_s", self._takes_s) / STEPS
        with self._stage(wish.turn_id, IMAGE):
            if economy < wish.economy:
                raise OutOfMemory
            for index in range(settings.count):
                for step in range(1, STEPS + 1):
                    await asyncio.sleep(pause_s)
                    if step == 2:
                        await wish.suffer(IMAGE, self._ledger)
                    yield RenderStep(step, STEPS)
                self._note(wish.turn_id, IMAGE, "painted")
                size_px = (settings.width_px, settings.height_px)
                yield RenderedImage(index, settings.seeds[index], Image.new("RGB", size_px, "teal"))


class NotingStore(Store):
    """A store that notes in the ledger when a stage's result has been stored."""

    ledger: Ledger

    async def add_revision(self, turn_id: str, *args: object, **named: object) -> Revision:
        revision = await super().add_revision(turn_id, *args, **named)
        self.ledger.note(turn_id, LLM, "stored")
        return revision

    async def add_image(self, revision_id: str, **named: object) -> StoredImage:
        image = await super().add_image(revision_id, **named)
        revision = await self.revision(revision_id)
        if len(revision.images) == revision.scene.settings.count:
            self.ledger.note(revision.turn_id, IMAGE, "stored")
        return image


def plain_layout(canvas: Canvas, width_px: int, height_px: int, seed: int) -> Image.Image:
    assert canvas.global_description.description
    assert seed >= 0
    return Image.new("RGB", (width_px, height_px), "white")
