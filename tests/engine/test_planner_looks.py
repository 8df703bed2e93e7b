"""Edits of the embedded composer's planner: where things stand, how they look, hour and background."""

from dataclasses import replace

import pytest

from canvas import write
from tests.engine.rig.cave import CAVE, edited, region

# --- place, size, distance, quality


@pytest.mark.parametrize(
    ("prompt", "location", "offset"),
    [
        ("move the knight to the right", "on the right", "no offset"),
        ("put the knight in the bottom left corner", "on the bottom-left", "no offset"),
        ("move the knight up a bit", "on the left", "slightly to the upper"),
        ("move the knight slightly to the right", "on the left", "slightly to the right"),
        ("move the thing on the left to the right", "on the right", "no offset"),
        ("把骑士移到右边", "on the right", "no offset"),
        ("骑士往上移一点", "on the left", "slightly to the upper"),
        ("把骑士放到右下角", "on the bottom-right", "no offset"),
    ],
)
def test_move(prompt: str, location: str, offset: str):
    """A moved thing stands at its new place, and nothing says that it stands at the old one."""
    canvas = edited(prompt)
    knight = region(canvas, "knight")
    assert (knight.location, knight.offset) == (location, offset)
    if location != "on the left":
        assert "On the left side" not in write(canvas)
    assert canvas.local_descriptions[2:] == CAVE.local_descriptions[2:]


def test_move_next_to():
    """A thing moved next to another one lands beside it."""
    canvas = edited("move the sign next to the knight")
    assert region(canvas, "sign").location != "on the top"


def test_swap():
    """Two swapped things have each other's places."""
    canvas = edited("swap the knight and the sign")
    assert region(canvas, "knight").location == "on the top"
    assert region(canvas, "sign").location == "on the left"
    assert edited("交换骑士和牌子的位置").local_descriptions == canvas.local_descriptions


@pytest.mark.parametrize(
    ("prompt", "area"),
    [
        ("make the knight bigger", "a medium-sized vertical area"),
        ("让骑士大一点", "a medium-sized vertical area"),
        ("make the floor smaller", "a medium-sized horizontal area"),
        ("把龙变小一点", "a small square area"),
    ],
)
def test_resize(prompt: str, area: str):
    """Bigger and smaller are the next area of the same shape."""
    assert area in {local.area for local in edited(prompt).local_descriptions}


def test_resized_words():
    """A thing that is made smaller is not called huge any more."""
    assert "huge" not in region(edited("make the dragon smaller"), "dragon").description


@pytest.mark.parametrize(
    ("prompt", "nearer"),
    [
        ("bring the dragon closer", True),
        ("move the dragon farther away", False),
        ("让龙近一点", True),
        ("把龙移远一点", False),
    ],
)
def test_distance(prompt: str, nearer: bool):  # noqa: FBT001 - a table's column
    """Closer and farther change the distance only."""
    new = region(edited(prompt), "dragon")
    old = CAVE.local_descriptions[0]
    assert (new.distance_to_viewer < old.distance_to_viewer) is nearer
    assert replace(new, distance_to_viewer=old.distance_to_viewer) == old


@pytest.mark.parametrize(
    "prompt",
    ["make the dragon red", "paint the dragon red", "the dragon should be red", "把龙变成红色", "让龙变红色"],
)
def test_recolor(prompt: str):
    """A new colour is in the region and in its words, and the old one is in neither."""
    dragon = region(edited(prompt), "dragon")
    assert dragon.color == "red"
    assert dragon.description == "A huge red dragon guarding a chest."
    assert "green" not in write(edited(prompt))


def test_quality():
    """An adjective stands before its noun."""
    assert (
        edited("make the knight happy").local_descriptions[1].description.startswith("A tired happy knight")
    )


def test_it():
    """The word "it" means what was spoken of last."""
    canvas = edited("move the sign to the left and make it bigger")
    assert region(canvas, "sign").area == "a medium-sized horizontal area"


def test_inscription():
    """A sign gets other words, wherever they stand."""
    for prompt in ('make the sign say "Come In"', "把牌子的字改成“Come In”"):
        text = write(edited(prompt))
        assert "Keep Out" not in text
        assert 'A wooden sign that reads "Come In".' in text


# --- hours and background


@pytest.mark.parametrize(
    ("prompt", "tag", "color"),
    [
        ("make it night", "night", "midnightblue"),
        ("change it to winter", "winter", "aliceblue"),
        ("let it rain", "rain", "slategray"),
        ("add fog", "fog", "lightgray"),
        ("at sunset", "sunset", "darkorange"),
        ("改成晚上", "night", "midnightblue"),
        ("下雪", "winter", "aliceblue"),
        ("让画面变成秋天", "autumn", "moccasin"),
        ("变成白天", "day", "lightskyblue"),
    ],
)
def test_hour(prompt: str, tag: str, color: str):
    """A time of day, weather or season changes the palette, the words and the air of the scene."""
    canvas = edited(prompt)
    assert canvas.global_description.color == color
    assert tag in canvas.global_description.tags.split(", ")
    assert all(local.atmosphere != "Tense and dark." for local in canvas.local_descriptions)
    assert len(canvas.local_descriptions) <= len(CAVE.local_descriptions) + 1


def test_hour_replaces_hour():
    """Night after day leaves no daylight."""
    canvas = edited("make it night", edited("make it day"))
    assert "daylight" not in write(canvas)
    assert sum("sky" in local.description for local in canvas.local_descriptions) == 1


def test_hour_twice():
    """The same hour twice is the same as once."""
    once = edited("make it rain")
    assert edited("make it rain", once) == once


def test_background():
    """The background's colour is the global one."""
    assert edited("make the background dark blue").global_description.color == "darkblue"
    assert edited("把背景改成蓝色").global_description.color == "blue"
