"""What stays of a picture when its scene changes, and what is painted anew."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from canvas import Canvas, GlobalDescription, LocalDescription
from canvas.layout import rect
from engine.renderer import Base
from engine.renderer.sdxl import edits
from storage.scene import SceneSettings

SIZE_PX = (180, 90)
SEAM_PX = 4  # 4 % of 90
LAMP = LocalDescription("a lamp", location="on the left", area="a small square area", color="yellow")
CAT = LocalDescription("a cat", location="on the right", area="a small square area", color="gray")
MOUSE = LocalDescription("a mouse", location="on the right", area="a medium-sized square area")
ROOM = Canvas(GlobalDescription("a room", tags="room", color="brown"), (LAMP, CAT))
SETTINGS = SceneSettings(width_px=180, height_px=90, seed=5)
PICTURE = Image.effect_noise(SIZE_PX, 80).convert("RGB")


def room(*regions, **of_the_room):
    return Canvas(replace(ROOM.global_description, **of_the_room), regions)


def planned(canvas, base_settings=SETTINGS, base_canvas=ROOM, **changed):
    """The mask as an array, or None."""
    base = Base(base_canvas, base_settings, (PICTURE,))
    edit = edits.plan(base, canvas, replace(SETTINGS, **changed), SIZE_PX)
    return None if edit is None else np.asarray(edit.mask)


def box(region):
    """The pixels of a region, at two by one pixels a cell."""
    top, bottom, left, right = rect(region)
    return slice(top, bottom), slice(2 * left, 2 * right)


def around(region):
    rows, columns = box(region)
    wider = [slice(max(side.start - SEAM_PX, 0), side.stop + SEAM_PX) for side in (rows, columns)]
    return tuple(wider)


def assert_painted(mask, *regions):
    """White within these, black beyond the seams around them, and soft between."""
    outside = np.ones_like(mask, dtype=bool)
    for region in regions:
        assert (mask[box(region)] == 255).all()
        outside[around(region)] = False
    assert outside.any()
    assert not mask[outside].any()
    assert set(np.unique(mask)) > {0, 255}


@pytest.mark.parametrize(
    ("after", "touched"),
    [
        (room(LAMP, replace(CAT, description="a red cat")), [CAT]),
        (room(LAMP, replace(CAT, detailed_descriptions=("it sleeps",))), [CAT]),
        (room(LAMP, replace(CAT, color="red")), [CAT]),
        (room(LAMP), [CAT]),
        (room(LAMP, CAT, MOUSE), [MOUSE]),
        (room(LAMP, MOUSE), [CAT, MOUSE]),
        (room(replace(LAMP, location="on the top"), CAT), [LAMP, replace(LAMP, location="on the top")]),
        (room(replace(LAMP, area="a medium-sized square area"), CAT), [LAMP]),
    ],
    ids=["retold", "details", "recoloured", "removed", "added", "exchanged", "moved", "resized"],
)
def test_what_changed_is_painted_anew(after, touched):
    """The old and the new places of changed regions with a seam around them, and nothing else."""
    mask = planned(after)
    places = [region for region in after.local_descriptions if region not in ROOM.local_descriptions]
    assert_painted(mask, *touched, *places)


def test_the_seam_falls_off_to_nothing():
    """From white at the edge to black in as many pixels as the seam is wide, also around corners."""
    mask = planned(room(LAMP, replace(CAT, color="red")))
    rows, columns = box(CAT)
    across = mask[rows.start, columns.start - SEAM_PX : columns.start + 1].astype(int)
    assert across[0] == 0
    assert across[-1] == 255
    assert (np.diff(across) > 0).all()
    assert mask[rows.start - SEAM_PX + 1, columns.start - SEAM_PX + 1] == 0  # farther than the seam is wide


@pytest.mark.parametrize(
    "words",
    [{"description": "a room with a red cat"}, {"tags": "room, red"}, {"detailed_descriptions": ("r",)}],
)
def test_the_scene_s_words_follow_its_regions(words):
    """Told anew beside a changed region, they are no reason to paint everything."""
    assert_painted(planned(room(LAMP, replace(CAT, color="red"), **words)), CAT)


@pytest.mark.parametrize(
    "after",
    [
        ROOM,
        room(LAMP, CAT, description="a room at night"),
        room(LAMP, CAT, color="black"),
        room(LAMP, replace(CAT, color="red"), color="black"),
        room(LAMP, replace(CAT, distance_to_viewer=4.0)),
    ],
    ids=["nothing", "words-alone", "colour-alone", "colour", "what-does-not-show"],
)
def test_changes_of_the_whole_scene_paint_everything(after):
    """And so does a scene that is wanted once more."""
    assert planned(after) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 6},
        {"width_px": 256},
        {"steps": 9},
        {"guidance": 2.0},
        {"negative_prompt": "blue"},
        {"sampler": "euler"},
        {"preset": "draft"},
        {"loras": "ink"},
        {"strength": 0.95},
        {"depth": True},
        {"renderer": "sdxl"},
        {"high_resolution": 1.5},
        {"steady": False},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_other_settings_paint_everything(changed):
    """What is painted otherwise would not fit to what is left."""
    assert planned(room(LAMP, replace(CAT, color="red")), **changed) is None


@pytest.mark.parametrize(
    "changed",
    [{"count": 4}, {"composer": "openai"}, {"locked": "a dog\na cow"}, {"sampler": "dpmpp_2m_karras"}],
    ids=lambda changed: next(iter(changed)),
)
def test_settings_that_do_not_show_change_nothing(changed):
    """How many pictures, who composes, locks of regions that are not there, the usual sampler by its name."""
    assert_painted(planned(room(LAMP, replace(CAT, color="red")), **changed), CAT)


def test_pictures_of_another_size_are_of_no_use():
    """The picture is never stretched."""
    base = Base(ROOM, SETTINGS, (PICTURE, PICTURE.resize((90, 90))))
    assert edits.plan(base, room(LAMP), SETTINGS, SIZE_PX) is None


def test_pictures_of_another_renderer_are_of_no_use():
    """What is locked of a flat storyboard is not pasted into a painting."""
    assert planned(ROOM, renderer="sdxl", locked="a lamp") is None


def test_locked_regions_stay_beside_changed_ones():
    """What a neighbour's change would touch of a locked region stays; the seam lies outside of it."""
    mouse = replace(MOUSE, location="in the center", area="a large square area")
    mask = planned(room(LAMP, CAT, mouse), locked="\n a cat \n")
    assert (planned(room(LAMP, CAT, mouse))[box(CAT)] > 0).any()
    assert not mask[box(CAT)].any()
    assert (mask[box(mouse)] == 255).any()


def test_a_locked_region_that_was_changed_itself_is_painted():
    """Who changes it by hand wants to see it."""
    assert_painted(planned(room(LAMP, replace(CAT, color="red")), locked="a cat"), CAT)


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        (ROOM, {}),
        (ROOM, {"seed": 6}),
        (room(LAMP, CAT, color="black"), {}),
        (room(LAMP, replace(CAT, color="red")), {"steady": False}),
    ],
    ids=["once more", "another seed", "another colour", "not steady"],
)
def test_locked_regions_stay_when_everything_else_is_painted(after, changed):
    """White everywhere, but for the locked region and the seam around it."""
    mask = planned(after, locked="a lamp", **changed)
    assert not mask[box(LAMP)].any()
    outside = np.ones_like(mask, dtype=bool)
    outside[around(LAMP)] = False
    assert (mask[outside] == 255).all()


def test_an_edit_leaves_pixels_as_they_were():
    """Where the mask is black the picture is the one before, to the bit; where it is white, the new one."""
    base, after = Base(ROOM, SETTINGS, (PICTURE,)), room(LAMP, replace(CAT, color="red"))
    edit = edits.plan(base, after, SETTINGS, SIZE_PX)
    painted = Image.effect_noise(SIZE_PX, 30).convert("RGB")
    result, mask = (np.asarray(image) for image in (edit.applied(painted, PICTURE), edit.mask))
    assert (result[mask == 0] == np.asarray(PICTURE)[mask == 0]).all()
    assert (result[mask == 255] == np.asarray(painted)[mask == 255]).all()


@pytest.mark.parametrize("scale", [1.06, 2.0])
def test_only_enlarged(scale):
    """The same scene, painted alike, wanted larger: steady or not, and in whatever number."""
    base = Base(ROOM, replace(SETTINGS, high_resolution=1.05), (PICTURE,))
    larger = replace(SETTINGS, high_resolution=scale)
    assert edits.only_enlarges(base, ROOM, larger, SIZE_PX)
    assert edits.only_enlarges(base, ROOM, replace(larger, steady=False, count=2, locked="x"), SIZE_PX)
    assert not edits.only_enlarges(base, room(LAMP), larger, SIZE_PX)
    assert not edits.only_enlarges(base, ROOM, replace(larger, seed=6), SIZE_PX)
    assert not edits.only_enlarges(base, ROOM, larger, (90, 90))


@pytest.mark.parametrize(("before", "after"), [(1.0, 1.0), (1.0, 1.05), (1.5, 1.5), (1.5, 2.0), (2.0, 1.0)])
def test_not_enlarged(before, after):
    """A picture that has been enlarged, or is not to be, does not go on."""
    base = Base(ROOM, replace(SETTINGS, high_resolution=before), (PICTURE,))
    assert not edits.only_enlarges(base, ROOM, replace(SETTINGS, high_resolution=after), SIZE_PX)
