"""The Canvas language: reading, writing, laying out and comparing scenes."""

from canvas.changes import Change, ChangeKind, changes
from canvas.conditions import Bag, Condition, bags, conditions
from canvas.errors import CanvasError
from canvas.grammar import grammar
from canvas.language import StreamParser, parse, write
from canvas.layout import Region, color_sketch, regions
from canvas.lines import Line, Sentence
from canvas.model import Canvas, GlobalDescription, LocalDescription, Repair
from canvas.nouns import noun_phrase
from canvas.reading import read_area, read_color, read_location, read_offset

__all__ = [
    "Bag",
    "Canvas",
    "CanvasError",
    "Change",
    "ChangeKind",
    "Condition",
    "GlobalDescription",
    "Line",
    "LocalDescription",
    "Region",
    "Repair",
    "Sentence",
    "StreamParser",
    "bags",
    "changes",
    "color_sketch",
    "conditions",
    "grammar",
    "noun_phrase",
    "parse",
    "read_area",
    "read_color",
    "read_location",
    "read_offset",
    "regions",
    "write",
]
