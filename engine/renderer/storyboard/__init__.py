"""The storyboard: the renderer that needs no model, and the layout preview while a model still writes.

It shows a canvas as an illustration of icons and drawn people on a painted ground: what stands where, in
which colour, how far away. It is called a storyboard wherever it is shown, and never pretends to be the
painting.
"""

from engine.renderer.storyboard.painting import paint
from engine.renderer.storyboard.plan import Plan
from engine.renderer.storyboard.planning import plan
from engine.renderer.storyboard.renderer import StoryboardRenderer

__all__ = ["Plan", "StoryboardRenderer", "paint", "plan"]
