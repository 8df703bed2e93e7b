"""The Canvas language: reading, writing, laying out and comparing scenes."""

from canvas.errors import CanvasError
from canvas.language import StreamParser, parse, write
from canvas.layout import Region, color_sketch, regions
from canvas.model import Canvas, GlobalDescription, LocalDescription, Repair

__all__ = [
    "Canvas",
    "CanvasError",
    "GlobalDescription",
    "LocalDescription",
    "Region",
    "Repair",
    "StreamParser",
    "color_sketch",
    "parse",
    "regions",
    "write",
]
