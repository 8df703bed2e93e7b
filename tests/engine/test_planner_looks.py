"""Edits of the embedded composer's planner: where things stand, how they look, hour and background."""

from dataclasses import replace

import pytest

from canvas import Canvas, write
from engine.composer.planner.editing import edit_scene
from engine.composer.planner.reading import read_prompt
from engine.composer.planner.scenes import new_scene
from tests.engine.rig.cave import CAVE, edited, region


def scene(prompt: str) -> Canvas:
    return new_scene(read_prompt(prompt), 0)


CAT = scene("a cat on a sofa")

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


# --- what somebody wears or has


@pytest.mark.parametrize(
    "prompt",
    [
        "give the cat a hat",
        "give it a hat",
        "put a hat on the cat",
        "put a hat on its head",
        "make the cat wear a hat",
        "the cat should wear a hat",
        "he needs a hat",
        "could you please add a hat?",
        "给猫加一顶帽子",
        "给猫戴上帽子",
        "让猫戴一顶帽子",
        "给它一顶帽子",
        "头上戴一顶帽子",
        "猫要有一顶帽子",
    ],
)
def test_clothes(prompt: str):
    """What is worn is told with who wears it, and gets no region of its own."""
    canvas = edited(prompt, CAT)
    assert len(canvas.local_descriptions) == len(CAT.local_descriptions)
    assert canvas.local_descriptions[0].description == "A fluffy cat, wearing a hat, with bright green eyes."
    assert canvas.global_description.description == "A cat wearing a hat on a sofa in a sunny room."


@pytest.mark.parametrize(
    ("start", "prompt", "description"),
    [
        ("a horse", "give the horse wings", "A horse with wings."),
        ("a horse", "给马加上翅膀", "A horse with wings."),
        ("a bear", "give him a red scarf and glasses", "A bear wearing glasses and a red scarf."),
        ("a girl reading a book", "make her hair red", "A girl with red hair reading a book."),
        ("a girl reading a book", "头发改成红色", "A girl with red hair reading a book."),
        ("a cat wearing a hat", "take off the hat", "A cat."),
        ("a cat wearing a hat", "把帽子摘掉", "A cat."),
        ("a cat wearing a hat", "make the hat red", "A cat wearing a red hat."),
        ("a cat wearing a hat", "帽子要红色的", "A cat wearing a red hat."),
        ("a cat wearing a hat", "give it a red hat", "A cat wearing a red hat."),
    ],
)
def test_belongings(start: str, prompt: str, description: str):
    """What somebody wears, or has of nature, comes, changes and goes."""
    assert description in {x.description for x in edited(prompt, scene(start)).local_descriptions}


@pytest.mark.parametrize(
    "prompt", ["give the cat a parrot", "put a hat on the sofa", "add a hat on the left"]
)
def test_what_nobody_wears(prompt: str):
    """Other gifts, and clothes that lie about, are things of their own."""
    assert len(edited(prompt, CAT).local_descriptions) == len(CAT.local_descriptions) + 1


@pytest.mark.parametrize(
    ("prompt", "description"),
    [
        ("make the tiger sleep", "A sleeping tiger."),
        ("can u make it sleeping", "A sleeping tiger."),
        ("让老虎睡觉", "A sleeping tiger."),
    ],
)
def test_deeds(prompt: str, description: str):
    """Who is to do something else no longer does what they did."""
    assert region(edited(prompt, scene("a tiger in the jungle")), "tiger").description == description


# --- "it" in a later message


@pytest.mark.parametrize(
    ("earlier", "prompt", "noun"),
    [
        ((), "make it red", "knight"),
        (("a cave", "add a cat"), "make it red", "cat"),
        (("a cave", "加一只猫"), "变成红色", "cat"),
        (("a cave", "add a cat", "make the sign bigger"), "make it red", "sign"),
        (("a cave", "add a cat", "make the cat bigger", "move it to the left"), "make it red", "cat"),
    ],
)
def test_it_of_an_earlier_message(earlier: tuple[str, ...], prompt: str, noun: str):
    """Without a noun the thing is meant that was spoken of last, else the figure that the title names."""
    old = replace(CAVE, global_description=replace(CAVE.global_description, description="A knight."))
    for said in earlier[1:]:
        old = edit_scene(old, said, 0).canvas
    canvas = edit_scene(old, prompt, 0, earlier).canvas
    changed = {x.description for x in canvas.local_descriptions if x not in old.local_descriptions}
    assert [noun in description for description in changed] == [True]
