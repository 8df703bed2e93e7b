"""How fast Canvas code is read and drawn.

    python benchmarks/canvas.py [--canvas FILE] [--quick] [--json]

Figures: `parse_per_s` canvases read a second, whole; `stream_parse_per_s` the same, fed in pieces of four
characters; `storyboard_s` seconds for a storyboard of 896 x 1152 pixels once its icons are loaded.
Baselines, from the same run: Python's own parser with literal evaluation (which reads well-formed code
only), and the colour sketch stretched to the picture's size (what the reference shows of a composition).
"""

import argparse
import ast
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # else this very file would be taken for the package

from PIL import Image

from canvas import Canvas, StreamParser, color_sketch, parse, write
from engine.renderer.storyboard import paint

SAMPLE = Path(__file__).parents[1] / "tests" / "data" / "lantern_festival.md"
SIZE_PX = (896, 1152)
PIECE_CHARS = 4


def main() -> None:
    """Measures and prints."""
    arguments = _arguments()
    text = arguments.canvas.read_text(encoding="utf-8")
    canvas = parse(text)
    figures = measure(text, canvas, budget_s=1.0 if arguments.quick else 5.0)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(f"{arguments.canvas.name}: {len(canvas.local_descriptions)} regions, {len(text)} characters")
    for name, value in figures.items():
        print(f"  {name:28} {value:10.4g}")


def measure(text: str, canvas: Canvas, budget_s: float) -> dict[str, float]:
    """All figures, each the median of as many runs as fit into the budget."""
    code = write(canvas)
    pieces = [text[start : start + PIECE_CHARS] for start in range(0, len(text), PIECE_CHARS)]
    parse_s = _median_s(lambda: parse(text), budget_s)
    stream_s = _median_s(lambda: _stream(pieces), budget_s)
    python_s = _median_s(lambda: _python_values(code), budget_s)
    seeds = iter(range(sys.maxsize))
    paint(canvas, *SIZE_PX, seed=next(seeds))
    storyboard_s = _median_s(lambda: paint(canvas, *SIZE_PX, seed=next(seeds)), 2 * budget_s)
    sketch_s = _median_s(lambda: Image.fromarray(color_sketch(canvas)).resize(SIZE_PX), budget_s)
    return {
        "parse_per_s": 1 / parse_s,
        "stream_parse_per_s": 1 / stream_s,
        "python_parse_per_s": 1 / python_s,
        "parse_to_python": python_s / parse_s,
        "stream_to_whole": parse_s / stream_s,
        "storyboard_s": storyboard_s,
        "sketch_s": sketch_s,
        "storyboard_to_sketch": storyboard_s / sketch_s,
    }


def _stream(pieces: list[str]) -> Canvas:
    parser = StreamParser()
    for piece in pieces:
        parser.feed(piece)
    return parser.close()


def _python_values(code: str) -> list[dict[str | None, object]]:
    """The arguments of every call, read by Python's parser: the baseline for well-formed code."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    return [{word.arg: ast.literal_eval(word.value) for word in call.keywords} for call in calls]


def _median_s(run: Callable[[], object], budget_s: float) -> float:
    """The median time of one run, over at least three."""
    times_s: list[float] = []
    while len(times_s) < 3 or sum(times_s) < budget_s:
        start_s = time.perf_counter()
        run()
        times_s.append(time.perf_counter() - start_s)
    return statistics.median(times_s)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--canvas", type=Path, default=SAMPLE, help="a model's reply or Canvas code")
    parser.add_argument("--quick", action="store_true", help="end within a minute")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
