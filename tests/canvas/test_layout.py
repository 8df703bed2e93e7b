"""Where regions land: the reference's arithmetic."""

import hashlib
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas.layout import color_sketch, rect, regions
from canvas.model import Canvas, GlobalDescription, LocalDescription
from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS

ALL_PLACES = list(product(LOCATIONS, OFFSETS, AREAS))


def place(location, offset="no offset", area="a medium-sized square area"):
    return LocalDescription("A lamp.", location=location, offset=offset, area=area)


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        (place("in the center"), (15, 75, 15, 75)),
        (place("on the left", area="a medium-sized vertical area"), (5, 85, 0, 40)),
        (place("on the top", area="a large horizontal area"), (0, 45, 0, 90)),
        (place("on the bottom-right", "slightly to the upper-left", "a small square area"), (40, 90, 40, 90)),
        (place("on the top-left", "slightly to the lower-right", "a small horizontal area"), (5, 45, 0, 55)),
        (place("in the center", "slightly to the lower", "a large vertical area"), (10, 90, 15, 75)),
    ],
)
def test_rectangle(local, expected):
    """A rectangle is the centre, moved by the offset, with half the area on each side, inside the grid."""
    assert rect(local) == expected


def test_every_place_is_a_rectangle_within_the_grid():
    """None of the 729 combinations is empty or leaves the grid."""
    assert len(ALL_PLACES) == 729
    for location, offset, area in ALL_PLACES:
        top, bottom, left, right = rect(place(location, offset, area))
        assert 0 <= top < bottom <= 90
        assert 0 <= left < right <= 90


def test_counts_of_clipped_and_distinct_rectangles():
    """Of the 729 combinations 640 are cut by the grid's edge and 661 differ, as in the reference."""
    clipped, distinct = 0, set()
    for location, offset, area in ALL_PLACES:
        found = rect(place(location, offset, area))
        width, height = AREAS[area]
        clipped += (found[3] - found[2], found[1] - found[0]) != (width, height)
        distinct.add(found)
    assert (clipped, len(distinct)) == (640, 661)


def test_number_of_names():
    """The language has 9 locations, 9 offsets, 9 areas and 149 colours."""
    assert [len(table) for table in (LOCATIONS, OFFSETS, AREAS, COLORS)] == [9, 9, 9, 149]


@given(st.from_type(Canvas))
def test_regions_run_from_far_to_near(canvas):
    """Regions are sorted by distance, equal ones in the order of the code, and none is lost."""
    found = regions(canvas)
    assert sorted(region.index for region in found) == list(range(len(canvas.local_descriptions)))
    keys = [(-region.distance, region.index) for region in found]
    assert keys == sorted(keys)
    for region in found:
        local = canvas.local_descriptions[region.index]
        assert (region.rect, region.color) == (rect(local), COLORS[local.color])
        assert (region.distance, region.description) == (local.distance_to_viewer, local.description)


def test_color_sketch_lays_near_over_far():
    """A region is 70 % its own colour and 30 % what lies behind, near over far, fractions cut off."""
    far = LocalDescription("Sky.", location="on the top", distance_to_viewer=9.0, color="midnightblue")
    near = LocalDescription("Dog.", location="in the center", distance_to_viewer=1.0, color="tan")
    sketch = color_sketch(Canvas(GlobalDescription("Night.", color="white"), (near, far)))
    assert sketch.shape == (90, 90, 3)
    assert sketch.dtype == np.uint8
    assert sketch[89, 89].tolist() == [255, 255, 255]
    assert sketch[0, 45].tolist() == [94, 94, 154]
    assert sketch[30, 45].tolist() == [175, 154, 144]
    assert sketch[70, 45].tolist() == [223, 202, 174]


def test_color_sketch_rounds_as_the_reference():
    """A sketch of every colour, three deep, has the checksum that the reference's code gives."""
    colors = list(COLORS)
    locals_ = tuple(
        LocalDescription(
            "x",
            location=list(LOCATIONS)[index % 9],
            area=list(AREAS)[index % 7],
            distance_to_viewer=1 + index % 5,
            color=color,
        )
        for index, color in enumerate(colors)
    )
    digest = hashlib.sha256()
    for start in range(0, len(locals_), 3):
        canvas = Canvas(GlobalDescription("x", color=colors[-start]), locals_[start : start + 3])
        digest.update(color_sketch(canvas).tobytes())
    assert digest.hexdigest() == "e499d161a1edaf3062f2b68dd0d06cbb7bd3811e7d4d14e649a4e9e8c4a626ef"
