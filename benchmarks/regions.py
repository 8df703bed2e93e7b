"""Whether regions do what they are for: the asked-for colour in the asked-for place.

    python benchmarks/regions.py [--folder FOLDER] [--layouts N] [--quick] [--json]

Paints layouts of two things that the tiny pipeline was not trained on, each from noise alone, and looks at
the middle of both places: which colour of the palette are most pixels nearest to?

Figures: `colour_share_regions` of places that show the colour that was asked for there, told in regions;
`colour_share_words`, told in one global prompt that says the places in words, by the same model, sampler and
seeds; `colour_share_swapped`, when the regions' texts change places, of the colours that then belong there;
`colour_share_sketch`, told in regions and begun with the colour sketch; `edit_outside_max_difference` between
the pictures before and after a region's colour was changed, of all values outside the region and its seam;
`edit_colour_share` of these edits after which the region shows its new colour. One colour in eight would be
right by chance.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # beside this file lies one with the name of a package

import numpy as np
import structlog
import torch
from PIL import Image

from canvas.layout import GRID_CELLS, Rect
from canvas.model import Canvas
from engine.renderer import Base, RenderedImage, RenderEvent
from engine.renderer.sdxl.edits import SEAM
from engine.renderer.sdxl.model import SdxlModel
from engine.renderer.sdxl.options import SdxlOptions
from engine.renderer.sdxl.painting import PaintSettings
from storage.scene import SceneSettings
from training import probe
from training.probe import Layout
from training.shapes import COLORS

TINY = Path(__file__).parents[1] / "engine" / "renderer" / "sdxl" / "tiny"
SEED = 2026
SKETCH_STRENGTH = 0.97
SIDE_PX = 1024
"""Of a scene; a model that was trained on smaller pictures paints them smaller."""


def main() -> None:
    """Measures and prints."""
    arguments = _arguments()
    quiet = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=quiet)  # what is printed are the figures
    torch.set_num_threads(1)  # so tiny a model is slower on several
    began_s = time.monotonic()
    quick = arguments.quick
    count = arguments.layouts or (6 if quick else 48)
    settings = replace(probe.SETTINGS, steps=10) if quick else probe.SETTINGS
    layouts = probe.layouts(count, SEED)
    figures = measure(arguments.folder, layouts, settings, edits=2 if quick else 8)
    if arguments.json:
        print(json.dumps(figures))
        return
    print(
        f"{count} layouts of two things, {settings.steps} steps, {settings.width_px} x {settings.height_px} "
        f"pixels, {time.monotonic() - began_s:.0f} s"
    )
    for name, value in figures.items():
        print(f"  {name:28} {value:10.4g}")


def measure(folder: Path, layouts: Sequence[Layout], settings: PaintSettings, edits: int) -> dict[str, float]:
    """All figures; the edits are of the first layouts."""
    painter = probe.painter_of(folder)
    sketched = replace(settings, sketch=True, strength=SKETCH_STRENGTH)
    told = probe.shares(painter, layouts, settings, ("regions", "words", "swapped"))
    sketch = probe.shares(painter, layouts, sketched, ("regions",))
    model = SdxlModel.from_options(SdxlOptions(model=str(folder), device="cpu", offline=True))
    outside, followed = zip(
        *(_edited(model, layout, settings.steps) for layout in layouts[:edits]), strict=True
    )
    return {
        **{f"colour_share_{way}": share for way, share in told.items()},
        "colour_share_sketch": sketch["regions"],
        "edit_outside_max_difference": float(max(outside)),
        "edit_colour_share": float(np.mean(followed)),
    }


def _edited(model: SdxlModel, layout: Layout, steps: int) -> tuple[int, bool]:
    """Another colour for the first region: the greatest difference outside, and whether it is seen inside."""
    name, other = layout.colors[0], next(name for name in COLORS if name not in {*layout.colors, "white"})
    first, second = layout.regions.local_descriptions
    changed = replace(first, description=first.description.replace(name, other), color=other)
    canvas = replace(layout.regions, local_descriptions=(changed, second))
    settings = SceneSettings(width_px=SIDE_PX, height_px=SIDE_PX, seed=layout.seed, steps=steps)
    before = _picture(model, layout.regions, settings)
    after = _picture(model, canvas, settings, Base(layout.regions, settings, (before,)))
    difference = np.abs(np.asarray(after, dtype=np.int16) - np.asarray(before, dtype=np.int16))
    outside = int(difference[~_reach(layout.rects[0], after.size)].max())
    return outside, probe.shown(after, layout.rects[0]) == other


def _picture(
    model: SdxlModel, canvas: Canvas, settings: SceneSettings, base: Base | None = None
) -> Image.Image:
    events: list[RenderEvent] = []
    model.paint(canvas, settings, events.append, base=base)
    return next(event.image for event in events if isinstance(event, RenderedImage))


def _reach(place: Rect, size_px: tuple[int, int]) -> np.ndarray:
    """Where an edit of a place may reach: the place and the seam, to whole pixels."""
    width, height = size_px
    top, bottom, left, right = place
    seam_px = SEAM * min(size_px) + 1
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    down = (rows > top * height / GRID_CELLS - seam_px) & (rows < bottom * height / GRID_CELLS + seam_px)
    across = (columns > left * width / GRID_CELLS - seam_px) & (
        columns < right * width / GRID_CELLS + seam_px
    )
    return down[:, None] & across[None, :]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, default=TINY, help="a pipeline that `training.tiny` made")
    parser.add_argument("--layouts", type=int, default=0, help="how many; 48, or 6 with --quick")
    parser.add_argument("--quick", action="store_true", help="within a minute")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
