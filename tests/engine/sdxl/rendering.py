"""What tests of the renderer paint, and what they see of it."""

import asyncio
import weakref
from contextlib import aclosing, contextmanager
from dataclasses import replace

import numpy as np

from canvas import Canvas, GlobalDescription, LocalDescription
from engine.renderer import RenderedImage
from storage.scene import SceneSettings

TIMEOUT_S = 120
SIZE_PX = (56, 72)
"""What 896 x 1152 is for a model that was made for 64 x 64."""

KNIGHT = LocalDescription("a knight", location="on the left", area="a small square area", color="silver")
DRAGON = LocalDescription("a dragon", location="on the right", area="a small square area", color="green")
CANVAS = Canvas(GlobalDescription("a castle at night", tags="castle"), (KNIGHT, DRAGON))
CHANGED = replace(CANVAS, local_descriptions=(KNIGHT, replace(DRAGON, description="a red dragon")))
SETTINGS = SceneSettings(seed=7, steps=3, renderer="sdxl")
LARGER = replace(SETTINGS, high_resolution=1.5)


async def events_of(painter, canvas=CANVAS, settings=SETTINGS, **named):
    async with asyncio.timeout(TIMEOUT_S), aclosing(painter.render(canvas, settings, **named)) as events:
        return [event async for event in events]


def of_kind(kind, events):
    return [event for event in events if isinstance(event, kind)]


async def painted(painter, canvas=CANVAS, settings=SETTINGS, **named):
    """The finished pictures."""
    events = await events_of(painter, canvas, settings, **named)
    return [event.image for event in of_kind(RenderedImage, events)]


@contextmanager
def before_each_step(parts, act):
    """Does something before each call of the model, in the thread that paints; it is told its number."""
    calls = []

    def count(_unet, given):
        calls.append(weakref.ref(given[0]))
        act(len(calls))

    watching = parts.unet.register_forward_pre_hook(count)
    try:
        yield calls
    finally:
        watching.remove()


def raising(error, at=2):
    def act(call):
        if call == at:
            raise error

    return act


def difference(one, other):
    return np.abs(np.asarray(one).astype(int) - np.asarray(other)).max(-1)
