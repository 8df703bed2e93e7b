"""Pictures for looking at, and files that fit a platform."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.chat import pictures
from bot.chat.pictures import PictureLimits, fit
from bot.chat.platform import TooLarge
from canvas import Canvas, GlobalDescription, LocalDescription
from storage.records import ConversationKey, Revision
from storage.scene import Scene

POND = Canvas(
    GlobalDescription("A pond.", color="lightgreen"),
    (
        LocalDescription("A frog.", location="on the left", color="green"),
        LocalDescription("A heron.", location="on the right", color="gray", distance_to_viewer=9.0),
    ),
)
TELEGRAM = PictureLimits(10_000_000, 10_000, 20)


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


def noise(width_px: int, height_px: int) -> Image.Image:
    """A picture that hardly any format makes smaller."""
    return Image.effect_noise((width_px, height_px), 90).convert("RGB")


def saved(folder: Path, image: Image.Image, name: str = "picture.png") -> Path:
    image.save(folder / name)
    return folder / name


def revision(revision_id: str, parent_id: str | None = None) -> Revision:
    return Revision(
        revision_id,
        ConversationKey("chat", "room"),
        "turn",
        parent_id,
        Scene(POND),
        "a pond",
        datetime(2026, 1, 1, tzinfo=UTC),
    )


# --- files that fit -----------------------------------------------------------------------------------


def test_what_fits_is_sent_as_it_is(tmp_path):
    """The file itself, with the scene inside, wherever the platform takes it."""
    path = saved(tmp_path, noise(64, 80))
    fitted = fit(path, TELEGRAM)
    assert fitted.content == path.read_bytes()
    assert (fitted.ending, fitted.is_original, fitted.is_smaller) == (".png", True, False)


def test_another_format_comes_before_fewer_pixels(tmp_path):
    """A PNG that is too large becomes WebP of the same size."""
    path = saved(tmp_path, noise(400, 300))
    fitted = fit(path, PictureLimits(path.stat().st_size - 1))
    assert (fitted.ending, fitted.is_original, fitted.is_smaller) == (".webp", False, False)
    assert opened(fitted.content).size == (400, 300)
    assert opened(fitted.content).format == "WEBP"


def test_a_platform_without_png_gets_what_it_takes(tmp_path):
    """The formats are the platform's to say."""
    path = saved(tmp_path, noise(64, 80))
    fitted = fit(path, PictureLimits(1_000_000, formats=("jpeg",)))
    assert (fitted.ending, fitted.is_original) == (".jpg", False)
    assert opened(fitted.content).format == "JPEG"


def test_what_cannot_be_made_small_enough_is_refused(tmp_path):
    """A limit that no picture keeps is an error, not an endless search."""
    with pytest.raises(TooLarge):
        fit(saved(tmp_path, noise(300, 300)), PictureLimits(100))


def test_a_missing_file_is_an_error_of_the_system(tmp_path):
    """The caller hears that there is no file."""
    with pytest.raises(OSError, match="nothing"):
        fit(tmp_path / "nothing.png", TELEGRAM)


@settings(max_examples=40)
@given(
    width_px=st.integers(1, 700),
    height_px=st.integers(1, 700),
    max_sides_px=st.integers(300, 1500),
    max_ratio=st.sampled_from([0, 2, 20]),
    max_bytes=st.sampled_from([20_000, 10_000_000]),
)
def test_every_picture_is_made_to_fit(width_px, height_px, max_sides_px, max_ratio, max_bytes):
    """Whatever its shape, the result keeps every limit."""
    limits = PictureLimits(max_bytes, max_sides_px, max_ratio)
    fitted = fit(Image.new("RGB", (width_px, height_px), "teal"), limits)
    found = opened(fitted.content)
    assert len(fitted.content) <= max_bytes
    assert sum(found.size) <= max_sides_px
    if max_ratio:
        assert max(found.size) <= max_ratio * min(found.size)
    assert fitted.is_smaller == (max(found.size) < max(width_px, height_px))  # a strip's short side may grow


# --- pictures for looking at --------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "columns", "rows"), [(2, 2, 1), (3, 2, 2), (4, 2, 2), (6, 3, 2)])
def test_a_grid_has_a_place_for_each(tmp_path, count, columns, rows):
    """Every picture of the batch is in the grid, row by row."""
    colors = ["red", "lime", "blue", "yellow", "cyan", "magenta"][:count]
    paths = [saved(tmp_path, Image.new("RGB", (256, 320), color), f"{color}.png") for color in colors]
    sheet = pictures.grid(paths)
    assert sheet.size == (256 * columns, 320 * rows)
    for index, color in enumerate(colors):
        middle = (index % columns * 256 + 128, index // columns * 320 + 160)
        assert sheet.getpixel(middle) == Image.new("RGB", (1, 1), color).getpixel((0, 0))


def test_a_grid_of_large_pictures_is_made_smaller(tmp_path):
    """Four of the largest pictures make a grid that platforms take."""
    path = saved(tmp_path, Image.new("RGB", (2048, 1024)))
    assert pictures.grid([path] * 4).size == (2048, 1024)


def test_the_tree_shows_every_revision_and_marks_the_current_one(tmp_path):
    """A branch gets a row of its own; the frame moves with the current revision."""
    line = [revision("a"), revision("b", "a"), revision("c", "a")]
    small = pictures.thumbnails({"a": saved(tmp_path, Image.new("RGB", (256, 320), "red"))})
    assert small["a"].size == (102, 128)
    at_b, at_c = (pictures.tree(line, small, current) for current in "bc")
    assert at_b.size == at_c.size == (320, 320)
    assert at_b.getpixel((80, 80)) == (255, 0, 0)
    assert at_b.tobytes() != at_c.tobytes()


def test_thumbnails_leave_out_what_cannot_be_read(tmp_path):
    """A file that is gone or broken is a blank card, not an error."""
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert pictures.thumbnails({"a": tmp_path / "gone.png", "b": tmp_path / "broken.png"}) == {}
    assert pictures.tree([revision("a")], {}, "").size == (160, 160)


def test_a_layout_has_the_regions_colours_where_they_lie():
    """The left is greener than the right, and the picture has the scene's shape."""
    sheet = pictures.layout(POND, 896, 1152)
    assert sheet.size == (796, 1024)
    left, right = sheet.getpixel((200, 600)), sheet.getpixel((600, 600))
    assert left[1] > left[0]
    assert abs(right[0] - right[1]) < abs(left[0] - left[1])


def test_a_contact_sheet_has_a_card_for_each(tmp_path):
    """Pictures stand row by row; of one that is gone there is an empty card."""
    small = pictures.thumbnails({"b": saved(tmp_path, Image.new("RGB", (256, 256), "red"))})
    sheet = pictures.contact_sheet(["a", "b", "c", "d", "e", "f"], small)
    assert sheet.size == (5 * 160, 2 * 160)
    assert sheet.getpixel((160 + 80, 80)) == (255, 0, 0)
    assert sheet.getpixel((80, 160 + 80)) == (255, 255, 255)
