"""What of an earlier picture stays when its scene has changed: a mask, from what differs. No torch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from canvas.changes import Change, ChangeKind, changes
from canvas.layout import GRID_CELLS, Rect, rect
from canvas.model import Canvas
from canvas.names import COLORS
from engine.renderer import Base
from engine.renderer.sdxl.options import SAMPLERS
from engine.renderer.sdxl.presets import enlarges
from storage.scene import SceneSettings

SEAM: Final = 0.04
"""How wide the seam around what is painted anew is, as a share of the picture's shorter side."""

_Shares = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a part of a picture.

    Attributes:
        mask: Greyscale, of the picture's size: white where it is painted anew, black where it stays, between
            in the seam.
    """

    mask: Image.Image

    def applied(self, painted: Image.Image, before: Image.Image) -> Image.Image:
        """The picture before with what was painted anew; where the mask is black every pixel is as it was."""
        return Image.composite(painted, before.convert("RGB"), self.mask)


def plan(base: Base, canvas: Canvas, settings: SceneSettings, size_px: tuple[int, int]) -> Edit | None:
    """Which part of a base's pictures to paint anew; None for all of it.

    The places of all regions that have changed, the old and the new ones, and a soft seam around them. What a
    scene says as a whole follows its regions: where only its words have changed beside them, it is no reason
    to paint everything. Everything is painted where

    - the scene's colour has changed, or its words and no region;
    - nothing has changed: it is wanted once more;
    - it is painted otherwise: another size, seed, sampler, and so on;
    - the settings do not ask for steadiness.

    Even then regions that are locked and unchanged stay, where there are any, and nothing is painted over
    them for the sake of their neighbours.

    Args:
        base: Pictures of another size or from another renderer are of no use.
        canvas: What is to be painted.
        settings: With which it is to be painted.
        size_px: Width and height of the pictures to be painted.
    """
    is_foreign = base.settings.renderer != settings.renderer
    if is_foreign or any(picture.size != size_px for picture in base.pictures):
        return None
    differences = changes(base.canvas, canvas)
    locked = _locked(canvas, differences, settings.locked.splitlines())
    if not _is_everything(base, canvas, settings, differences):
        shares = _soft(_touched(differences), size_px)
    elif locked:
        shares = np.ones(size_px[::-1], np.float32)
    else:
        return None
    shares = shares * (1 - _soft(locked, size_px))
    return Edit(Image.fromarray((shares * 255).round().astype(np.uint8)))


def only_enlarges(base: Base, canvas: Canvas, settings: SceneSettings, size_px: tuple[int, int]) -> bool:
    """Whether the base's pictures, of this size, are wanted larger, and nothing else has changed."""
    smaller = _how_painted(replace(settings, high_resolution=base.settings.high_resolution))
    return (
        enlarges(settings.high_resolution)
        and not enlarges(base.settings.high_resolution)
        and smaller == _how_painted(base.settings)
        and all(picture.size == size_px for picture in base.pictures)
        and not changes(base.canvas, canvas)
    )


def _is_everything(
    base: Base, canvas: Canvas, settings: SceneSettings, differences: Sequence[Change]
) -> bool:
    before, after = (each.global_description.color for each in (base.canvas, canvas))
    return (
        not settings.steady
        or _how_painted(settings) != _how_painted(base.settings)
        or COLORS[before] != COLORS[after]
        or all(change.kind is ChangeKind.GLOBAL for change in differences)
    )


def _how_painted(settings: SceneSettings) -> SceneSettings:
    """The settings without those that do not show in a picture."""
    sampler = settings.sampler or SAMPLERS[0]
    return replace(settings, sampler=sampler, count=1, steady=True, locked="", composer="")


def _touched(differences: Iterable[Change]) -> list[Rect]:
    regional = [change for change in differences if change.kind is not ChangeKind.GLOBAL]
    return [place for change in regional for place in (change.before, change.after) if place]


def _locked(canvas: Canvas, differences: Iterable[Change], descriptions: Iterable[str]) -> list[Rect]:
    """The places of locked regions, but for those that were changed all the same."""
    wanted = {description.strip() for description in descriptions} - {""}
    changed = {change.new_index for change in differences}
    return [
        rect(local)
        for index, local in enumerate(canvas.local_descriptions)
        if local.description.strip() in wanted and index not in changed
    ]


def _soft(places: Iterable[Rect], size_px: tuple[int, int]) -> _Shares:
    """1 within the places, 0 beyond the seam around them, and a slope between: [height, width]."""
    width_px, height_px = size_px
    seam_px = max(1, round(min(size_px) * SEAM))
    shares = np.zeros((height_px, width_px), np.float32)
    for top, bottom, left, right in places:
        beyond_y, beyond_x = _beyond(top, bottom, height_px), _beyond(left, right, width_px)
        beyond = np.hypot(beyond_y[:, None], beyond_x)
        shares = np.maximum(shares, 1 - beyond / seam_px)
    return shares


def _beyond(start: int, end: int, length_px: int) -> _Shares:
    """How many pixels each row, or column, lies outside of some cells."""
    places = np.arange(length_px, dtype=np.float32)
    first_px, last_px = start * length_px // GRID_CELLS, -(-end * length_px // GRID_CELLS) - 1
    return np.maximum(0, np.maximum(first_px - places, places - last_px))
