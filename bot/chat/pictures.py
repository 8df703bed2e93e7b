"""Pictures for looking at: a batch in one, the version tree, a scene's layout; and files that fit a platform.

Everything here is slow enough for a thread. Nothing here knows who sends what where.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont, ImageOps

from bot.chat.platform import TooLarge
from bot.version_tree import Place, places
from canvas import Canvas, color_sketch, regions
from canvas.layout import GRID_CELLS
from storage.records import Revision

GRID_SIDE_PX: Final = 2048
"""A batch in one picture has no side longer than that."""
THUMBNAIL_PX: Final = 128
LAYOUT_SIDE_PX: Final = 1024

_GAP_PX: Final = 16
_STEP_PX: Final = THUMBNAIL_PX + 2 * _GAP_PX
_SHEET_COLUMNS: Final = 5
_SHRINK: Final = 0.8
_SMALLEST_PX: Final = 32
_QUALITY: Final = 90

_PAPER, _INK, _LINE, _CURRENT = "#f6f4ef", "#222222", "#8d8a80", "#d2452d"


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """What a platform takes as a picture.

    Attributes:
        max_bytes: Of the file.
        max_sides_px: Width and height together; 0 for any.
        max_ratio: The longer side by the shorter one; 0 for any.
        formats: Of `png`, `webp` and `jpeg`, the best first.
    """

    max_bytes: int
    max_sides_px: int = 0
    max_ratio: float = 0
    formats: tuple[str, ...] = ("png", "webp", "jpeg")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A picture as a file that a platform takes.

    Attributes:
        ending: Of the file's name, with its dot.
        is_original: Whether it is the very file or content that was given, with the scene inside.
        is_smaller: Whether it has fewer pixels.
    """

    content: bytes
    ending: str
    is_original: bool
    is_smaller: bool


def fit(source: Path | bytes | Image.Image, limits: PictureLimits) -> Fitted:
    """The picture within the limits: as it is where that will do, else in another format, at last smaller.

    Raises:
        TooLarge: It cannot be made so small.
        OSError: The file is not there or is no picture.
    """
    if isinstance(source, Image.Image):
        return _encoded(source, limits)
    content = source if isinstance(source, bytes) else source.read_bytes()
    with Image.open(BytesIO(content)) as image:
        is_taken = "png" in limits.formats and image.format == "PNG" and _has_shape(image, limits)
        if is_taken and len(content) <= limits.max_bytes:
            return Fitted(content, ".png", is_original=True, is_smaller=False)
        return _encoded(image, limits)


def grid(paths: Sequence[Path]) -> Image.Image:
    """Pictures of one size in one, numbered from 1, with no side longer than `GRID_SIDE_PX`."""
    columns = math.ceil(math.sqrt(len(paths)))
    rows = math.ceil(len(paths) / columns)
    with Image.open(paths[0]) as first:
        scale = min(1.0, GRID_SIDE_PX / (first.width * columns), GRID_SIDE_PX / (first.height * rows))
        width_px, height_px = max(1, int(first.width * scale)), max(1, int(first.height * scale))
    sheet = Image.new("RGB", (width_px * columns, height_px * rows), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, path in enumerate(paths):
        left, top = index % columns * width_px, index // columns * height_px
        with Image.open(path) as image:
            sheet.paste(image.convert("RGB").resize((width_px, height_px)), (left, top))
        _badge(draw, left, top, str(index + 1), max(16, width_px // 16))
    return sheet


def thumbnails(paths: Mapping[str, Path]) -> dict[str, Image.Image]:
    """Small versions of the pictures, by the same keys; files that cannot be read are left out."""
    small: dict[str, Image.Image] = {}
    for key, path in paths.items():
        try:
            with Image.open(path) as image:
                small[key] = ImageOps.contain(image.convert("RGB"), (THUMBNAIL_PX, THUMBNAIL_PX))
        except OSError:
            continue
    return small


def tree(
    revisions: Sequence[Revision], small: Mapping[str, Image.Image], current_id: str, first_number: int = 1
) -> Image.Image:
    """The version tree, each revision with its number, and the current one with a frame.

    Args:
        revisions: Oldest first.
        small: Thumbnails by the revisions' ids; without one, there is an empty card.
        current_id: Where the conversation stands.
        first_number: Of the first revision.
    """
    laid = places(revisions)
    columns = 1 + max((place.column for place in laid.values()), default=0)
    rows = 1 + max((place.row for place in laid.values()), default=0)
    sheet = Image.new("RGB", (columns * _STEP_PX, rows * _STEP_PX), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for revision in revisions:
        if revision.parent_id in laid:
            draw.line(_way(laid[revision.parent_id], laid[revision.id]), fill=_LINE, width=3)
    for number, revision in enumerate(revisions, first_number):
        left, top = _corner(laid[revision.id])
        _card(sheet, left, top, small.get(revision.id))
        if revision.id == current_id:
            frame = (left - 4, top - 4, left + THUMBNAIL_PX + 3, top + THUMBNAIL_PX + 3)
            draw.rectangle(frame, outline=_CURRENT, width=4)
        _badge(draw, left, top, str(number), 22)
    return sheet


def contact_sheet(ids: Sequence[str], small: Mapping[str, Image.Image]) -> Image.Image:
    """Thumbnails row by row, numbered from 1; without one, there is an empty card."""
    columns = min(len(ids), _SHEET_COLUMNS)
    rows = math.ceil(len(ids) / columns)
    sheet = Image.new("RGB", (columns * _STEP_PX, rows * _STEP_PX), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, each in enumerate(ids):
        left, top = _corner(Place(index % columns, index // columns))
        _card(sheet, left, top, small.get(each))
        _badge(draw, left, top, str(index + 1), 22)
    return sheet


def layout(canvas: Canvas, width_px: int, height_px: int) -> Image.Image:
    """Where the regions lie, in their colours, with the numbers that they have in the code."""
    scale = LAYOUT_SIDE_PX / max(width_px, height_px)
    size_px = (max(1, round(width_px * scale)), max(1, round(height_px * scale)))
    sheet = Image.fromarray(color_sketch(canvas)).resize(size_px, Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(sheet)
    for region in regions(canvas):
        top, bottom, left, right = region.rect
        across, down = size_px[0] / GRID_CELLS, size_px[1] / GRID_CELLS
        box = (left * across, top * down, right * across - 1, bottom * down - 1)
        draw.rectangle(box, outline=_INK, width=3)
        _badge(draw, int(box[0]), int(box[1]), str(region.index + 1), 32)
    return sheet


# --- making a picture fit -----------------------------------------------------------------------------


_ENDINGS: Final[Mapping[str, str]] = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}


def _has_shape(image: Image.Image, limits: PictureLimits) -> bool:
    return image.size == _scaled(image.size, limits) == _padded(image.size, limits)


def _encoded(image: Image.Image, limits: PictureLimits) -> Fitted:
    plain = image.convert("RGB")
    size_px = _scaled(plain.size, limits)
    while True:
        shaped = _shaped(plain, size_px, limits)
        for name in limits.formats:
            content = _saved(shaped, name)
            if len(content) <= limits.max_bytes:
                return Fitted(content, _ENDINGS[name], is_original=False, is_smaller=size_px != plain.size)
        size_px = (int(size_px[0] * _SHRINK), int(size_px[1] * _SHRINK))
        if min(size_px) < _SMALLEST_PX:
            raise TooLarge


def _saved(image: Image.Image, name: str) -> bytes:
    data = BytesIO()
    image.save(data, name, quality=_QUALITY)
    return data.getvalue()


def _shaped(image: Image.Image, size_px: tuple[int, int], limits: PictureLimits) -> Image.Image:
    """The picture in that size, with a margin where it is too long and thin."""
    scaled = image if size_px == image.size else image.resize(size_px, Image.Resampling.LANCZOS)
    padded_px = _padded(size_px, limits)
    return scaled if padded_px == size_px else ImageOps.pad(scaled, padded_px, color=_PAPER)


def _padded(size_px: tuple[int, int], limits: PictureLimits) -> tuple[int, int]:
    """The size with its margin."""
    least_px = math.ceil(max(size_px) / limits.max_ratio) if limits.max_ratio else 0
    return max(size_px[0], least_px), max(size_px[1], least_px)


def _scaled(size_px: tuple[int, int], limits: PictureLimits) -> tuple[int, int]:
    """As large as may be, margin included."""
    sides_px = sum(_padded(size_px, limits))
    if not limits.max_sides_px or sides_px <= limits.max_sides_px:
        return size_px
    scale = (limits.max_sides_px - 2) / sides_px  # rounding the margin up takes a pixel or two
    return max(1, int(size_px[0] * scale)), max(1, int(size_px[1] * scale))


# --- drawing ------------------------------------------------------------------------------------------


def _badge(draw: ImageDraw.ImageDraw, left: int, top: int, text: str, height_px: int) -> None:
    """A number in the corner."""
    font = ImageFont.load_default(height_px * 0.75)
    width_px = max(height_px, round(font.getlength(text)) + height_px // 2)
    draw.rectangle((left, top, left + width_px, top + height_px), fill=_INK)
    draw.text((left + width_px / 2, top + height_px / 2), text, fill="white", font=font, anchor="mm")


def _card(sheet: Image.Image, left: int, top: int, image: Image.Image | None) -> None:
    if image is None:
        box = (left, top, left + THUMBNAIL_PX - 1, top + THUMBNAIL_PX - 1)
        ImageDraw.Draw(sheet).rectangle(box, fill="white", outline=_LINE)
        return
    sheet.paste(image, (left + (THUMBNAIL_PX - image.width) // 2, top + (THUMBNAIL_PX - image.height) // 2))


def _corner(place: Place) -> tuple[int, int]:
    return place.column * _STEP_PX + _GAP_PX, place.row * _STEP_PX + _GAP_PX


def _way(parent: Place, child: Place) -> tuple[tuple[int, int], ...]:
    """From the middle of a card to the middle of another: across to the gap, down, and across again."""
    start_x, start_y = (side + THUMBNAIL_PX // 2 for side in _corner(parent))
    end_x, end_y = (side + THUMBNAIL_PX // 2 for side in _corner(child))
    bend_x = end_x - _STEP_PX // 2
    return (start_x, start_y), (bend_x, start_y), (bend_x, end_y), (end_x, end_y)
