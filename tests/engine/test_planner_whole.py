"""Edits of the embedded composer's planner that change the whole picture: place, mood, style and hour."""

import pytest

from canvas import Canvas, LocalDescription, parse, write
from engine.composer.planner import tables
from engine.composer.planner.editing import edit_scene
from engine.composer.planner.reading import read_prompt
from engine.composer.planner.scenes import new_scene
from tests.engine.rig.cave import CAVE, region


def scene(prompt: str) -> Canvas:
    return new_scene(read_prompt(prompt), 0)


def edited(canvas: Canvas, *prompts: str) -> Canvas:
    for prompt in prompts:
        canvas = edit_scene(canvas, prompt, 0).canvas
        assert parse(write(canvas)) == canvas
    return canvas


def sky(canvas: Canvas) -> LocalDescription:
    return region(canvas, "sky")


# --- place


@pytest.mark.parametrize(
    "prompt",
    [
        "make it a beach with palm trees",
        "put them on a beach with palm trees",
        "change the background to a beach with palm trees",
        "change the scene to a beach with palm trees",
        "at the beach with palm trees",
        "换成海滩，有棕榈树",
        "把背景换成海滩，有棕榈树",
        "放到海滩上，有棕榈树",
    ],
)
def test_another_place(prompt: str):
    """The figures come along to another place, and nothing of the old one does."""
    old = scene("two children playing in a garden")
    canvas = edited(old, prompt)
    assert region(canvas, "children") == region(old, "children")
    assert canvas.global_description.description.startswith("Two children playing on a sandy beach")
    assert region(canvas, "palm trees?")
    assert "garden" not in write(canvas)
    assert len(canvas.local_descriptions) <= 8


@pytest.mark.parametrize(
    ("occasion", "kept", "title"),
    [
        (
            "Happy Children's Day",
            ["children", "clown", "table", "banner", "parents"],
            "A joyful Children's Day party on a sandy beach",
        ),
        ("happy birthday", ["cake", "friends", "balloons"], "A cheerful birthday party with cake, gifts"),
        ("merry christmas", ["Christmas tree", "Santa Claus"], "A warm and glowing Christmas Eve on a sandy"),
        ("national day", [], "A grand parade on a national day on a sandy beach"),
    ],
)
def test_an_occasion_at_another_place(occasion: str, kept: list[str], title: str):
    """A party that moves is the same party: what it is about comes along, and its old place does not."""
    old = scene(occasion)
    canvas = edited(old, "make it a beach")
    assert canvas.global_description.description.startswith(title)
    for name in kept:
        assert region(canvas, name) == region(old, name)


def test_a_place_that_is_there():
    """Who names a place within the scene moves a thing there; it is no other scene."""
    old = scene("a cat on a beach")
    canvas = edited(old, "move the cat to the beach")
    assert len(canvas.local_descriptions) == len(old.local_descriptions)


def test_what_was_added_comes_along():
    """What a person asked for is lost at no other place; what only came with the old place is."""
    canvas = edited(scene("a robot in the kitchen"), "add a kite", "put it in a city")
    assert region(canvas, "kite")
    assert "stove" not in write(canvas)


def test_the_hour_stays_at_another_place():
    """It is night at the other place, too."""
    canvas = edited(scene("a dog in a park"), "make it night", "make it a desert")
    assert canvas.global_description.color == "midnightblue"
    assert "night" in sky(canvas).description


@pytest.mark.parametrize("name", [name for name, one in tables.scenes().items() if one.kind == "settings"])
def test_any_place(name: str):
    """Whatever the place, a figure that is not the planner's own comes along as it was."""
    place = tables.scenes()[name].say[0]
    knight = region(CAVE, "knight")
    moved = [x for x in edited(CAVE, f"put it in a {place}").local_descriptions if "knight" in x.description]
    assert [(x.description, x.location) for x in moved] == [(knight.description, knight.location)]


# --- mood and style


@pytest.mark.parametrize(
    ("prompt", "mood"),
    [
        ("make it spooky", "spooky"),
        ("more dramatic", "dramatic"),
        ("make the mood romantic", "romantic"),
        ("make everything more colorful", "joyful"),
        ("气氛恐怖一点", "spooky"),
        ("浪漫一点", "romantic"),
        ("更有戏剧性一点", "dramatic"),
    ],
)
def test_mood(prompt: str, mood: str):
    """A mood is in the air of the whole picture and in no thing's name."""
    old = scene("a wizard in a forest")
    canvas = edited(old, prompt)
    assert {x.atmosphere for x in canvas.local_descriptions} <= set(tables.moods()[mood].atmosphere)
    assert [x.description for x in canvas.local_descriptions] == [
        x.description for x in old.local_descriptions
    ]


def test_mood_of_a_thing():
    """What has just been spoken of in the same message has the mood itself."""
    canvas = edited(scene("a castle"), "add a dragon and make it sad")
    assert region(canvas, "dragon").description == "A sad dragon."


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        ("make it a watercolor", "watercolor"),
        ("change the style to anime", "Anime"),
        ("ink painting style", "ink"),
        ("改成水彩风格", "watercolor"),
        ("水墨画风格", "ink"),
    ],
)
def test_style(prompt: str, word: str):
    """A style changes how everything is drawn, outlasts a new mood, and nothing else changes."""
    old = scene("a wizard in a forest")
    canvas = edited(old, prompt)
    assert canvas.global_description == old.global_description
    assert all(word in local.style for local in canvas.local_descriptions)
    assert all(word in local.style for local in edited(canvas, "more dramatic").local_descriptions)


# --- hours after hours


@pytest.mark.parametrize(("prompts"), [("make it night", "let it snow"), ("变成夜晚", "下雪吧")])
def test_weather_keeps_the_night(prompts: tuple[str, str]):
    """Snow at night falls from a night sky."""
    canvas = edited(scene("a house by a lake"), *prompts)
    assert sky(canvas).description == "A dark night sky with a bright moon and stars."
    assert any("flakes" in text for text in sky(canvas).detailed_descriptions)
    assert canvas.global_description.description.endswith("at night in the snow.")
    assert edited(canvas, prompts[1]) == canvas


def test_day_after_night():
    """Day breaks without a trace of the night, and the snow lies on."""
    canvas = edited(scene("a house by a lake"), "make it night", "let it snow", "make it day again")
    assert canvas.global_description.description == "A house by a calm lake in the snow in bright daylight."


def test_sun_after_rain():
    """Sunshine ends the rain."""
    assert (
        " rain"
        not in edited(
            scene("a dog in a park"), "make it rain", "make it sunny"
        ).global_description.description
    )
