"""Edits of the embedded composer's planner: what was asked for changes, everything else stays."""

import re
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from canvas import Canvas, parse, write
from canvas.layout import rect
from engine.composer.planner import tables
from engine.composer.planner.editing import edit_scene
from engine.composer.planner.finding import shown_name
from engine.composer.planner.reading import read_prompt
from engine.composer.planner.scenes import new_scene
from engine.composer.planner.tables import BACKDROP_DISTANCE
from engine.errors import NotUnderstood
from tests.engine.rig.cave import CAVE, edited, region

# --- replacing


@pytest.mark.parametrize(
    "prompt",
    [
        "change the dragon to a dinosaur",
        "Replace the dragon with a dinosaur.",
        "turn the dragon into a dinosaur please",
        "swap the dragon for a dinosaur",
        "make the dragon a dinosaur",
        "use a dinosaur instead of the dragon",
        "no dragon, a dinosaur instead",
        "把龙换成恐龙",
        "将龙改成恐龙",
        "把中间的龙变成恐龙",
        "用恐龙代替龙",
    ],
)
def test_replace(prompt: str):
    """A replaced thing is named nowhere any more, in no text of the scene."""
    canvas = edited(prompt)
    assert "dragon" not in write(canvas).lower()
    assert "dinosaur" in canvas.global_description.description
    assert "dinosaur" in canvas.local_descriptions[0].description
    assert "He looks at the dinosaur." in canvas.local_descriptions[1].detailed_descriptions


def test_replace_keeps_place():
    """The new thing stands where the old one stood."""
    old, new = CAVE.local_descriptions[0], edited("change the dragon to a dinosaur").local_descriptions[0]
    assert (new.location, new.offset, new.area, new.distance_to_viewer) == (
        old.location,
        old.offset,
        old.area,
        old.distance_to_viewer,
    )


def test_replace_drops_what_was_the_old_ones():
    """Sentences that go on about the old thing leave with it."""
    canvas = edited("change the dragon to a teapot")
    assert "Its wings glow in the dark." not in canvas.global_description.detailed_descriptions
    assert "scales" not in write(canvas)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("change the knight to an old elephant", "An? (?:tired )?old elephant"),
        ("change the knight to three owls", "Three (?:tired )?owls"),
        ("change the knight to owls", "(?:Tired )?[Oo]wls"),
        ("把骑士换成两只猫头鹰", "Two (?:tired )?owls"),
        ("change the knight to a deer", "An? (?:tired )?deer"),
    ],
)
def test_articles_and_numbers(prompt: str, expected: str):
    """Articles and plurals agree with the new thing."""
    canvas = edited(prompt)
    assert re.match(expected, canvas.local_descriptions[1].description)
    assert not re.search(r"\ba (?:old )?(?:elephant|owls?)\b|\ban? (?:three|two|owls)\b", write(canvas))


# --- adding


@pytest.mark.parametrize(
    ("prompt", "noun", "location", "color"),
    [
        ("add a cat on the right", "cat", "on the right", None),
        ("add a red balloon in the top right corner", "balloon", "on the top-right", "red"),
        ("put a blue lamp on the left", "lamp", "on the left", "blue"),
        ("在右边加一只猫", "cat", "on the right", None),
        ("加一只猫在右边", "cat", "on the right", None),
        ("左上角加一个红色的气球", "balloon", "on the top-left", "red"),
    ],
)
def test_add(prompt: str, noun: str, location: str, color: str | None):
    """A new thing gets a region where it was asked for, in its colour; all others stay to the byte."""
    canvas = edited(prompt)
    assert canvas.local_descriptions[:-1] == CAVE.local_descriptions
    new = canvas.local_descriptions[-1]
    assert noun in new.description
    assert new.location == location
    assert color is None or new.color == color
    assert noun in canvas.global_description.description


def test_add_several():
    """Several things in one sentence are several regions."""
    canvas = edited("add a cat, a tower and two trees")
    assert [len(re.findall(word, write(canvas))) > 0 for word in ("cat", "tower", "two trees")] == [True] * 3
    assert len(canvas.local_descriptions) == 7


def test_add_beside_a_thing():
    """A new thing above another one lands above it."""
    bird = edited("add a bird above the knight").local_descriptions[-1]
    assert rect(bird)[0] < rect(CAVE.local_descriptions[1])[0]


def test_full_scene():
    """A scene does not grow without end; what found no room is said."""
    canvas = CAVE
    for _ in range(3):
        canvas = edited("add a cat, a dog, a fox and a bear", canvas)
    result = edit_scene(canvas, "add a cow", 0)
    assert result.canvas == canvas
    assert ("full", "cow") in result.notes


# --- removing


@pytest.mark.parametrize(
    "prompt",
    [
        "remove the knight",
        "delete the knight",
        "get rid of the knight",
        "no knight",
        "make the knight disappear",
        "去掉骑士",
        "把骑士删掉",
    ],
)
def test_remove(prompt: str):
    """A removed thing is gone from the regions and from every text; the other regions stay to the byte."""
    canvas = edited(prompt)
    assert "knight" not in write(canvas).lower()
    old = CAVE.local_descriptions
    assert canvas.local_descriptions == (old[0], old[2], old[3])
    assert canvas.global_description.description == "A dragon guarding a chest."


def test_remove_what_has_no_region():
    """A thing that is only mentioned leaves the sentences that mention it."""
    canvas = edited("remove the coins")
    assert "coin" not in write(canvas)
    assert region(canvas, "floor").description == "A stone floor with bones."


def test_remove_one_of_two():
    """Of two things of a name the one with the named colour goes."""
    twice = edited("add a red dragon on the right")
    canvas = edited("remove the red dragon", twice)
    assert canvas.local_descriptions == CAVE.local_descriptions


# --- things that are told apart


@pytest.mark.parametrize(
    ("prompt", "same"),
    [
        ("make the knight that reads a book happy", "make the knight happy"),
        ("make the knight that reads a book bigger", "make the knight bigger"),
        ("make the knight who wears a hat red and bigger", "make the knight red and bigger"),
        ("make the knight with a lantern bigger", "make the knight bigger"),
        ("make the knight that is on the left smaller", "make the knight smaller"),
    ],
)
def test_what_tells_a_thing_apart(prompt: str, same: str):
    """A clause that says which thing is meant is no wish; what was asked for is done."""
    assert edited(prompt) == edited(same)


@pytest.mark.parametrize("prompt", ["make the knight that reads a book", "make the knight with a lantern"])
def test_nothing_but_what_tells_a_thing_apart(prompt: str):
    """Who only says which thing is meant has asked for nothing."""
    with pytest.raises(NotUnderstood):
        edited(prompt)


@pytest.mark.parametrize("prompt", ['change the knight to "owl"', 'change "knight" to "owl"'])
def test_quoted_name(prompt: str):
    """A quotation is other words for a sign only: anything else becomes what is quoted."""
    assert "knight" not in write(edited(prompt)).lower()
    assert "owl" in edited(prompt).local_descriptions[1].description


# --- several, and what is not understood


@pytest.mark.parametrize(
    "prompt",
    [
        "change the dragon to a cat, remove the sign and make it night",
        "change the dragon to a cat. Remove the sign. Make it night.",
        "把龙换成猫，去掉牌子，改成晚上",
        "把龙换成猫然后去掉牌子，并且改成晚上",
        "不要龙，要一只猫，去掉牌子，改成晚上",
    ],
)
def test_several(prompt: str):
    """Several edits in one message are all done."""
    canvas = edited(prompt)
    text = write(canvas)
    assert "dragon" not in text
    assert "Keep Out" not in text
    assert canvas.global_description.color == "midnightblue"


def test_not_understood_in_part():
    """What was not understood, or is not there, is noted; the rest is done."""
    result = edit_scene(CAVE, "remove the unicorn; blorp the flurb; make the dragon red", 0)
    assert region(result.canvas, "dragon").color == "red"
    assert dict(result.notes) == {"not_found": "the unicorn", "not_understood": "blorp the flurb"}
    assert {"dragon", "knight", "sign"} <= set(result.known)


@pytest.mark.parametrize(
    "prompt", ["blorp", "what is this?", "remove the unicorn", "删掉独角兽", "123", "спасибо"]
)
def test_nothing_understood(prompt: str):
    """A message that asks for nothing doable is refused with the names of the things in the scene."""
    with pytest.raises(NotUnderstood) as refusal:
        edit_scene(CAVE, prompt, 0)
    assert {"dragon", "knight"} <= set(refusal.value.known)


def test_compound_name():
    """What only lends its name to another thing is not that thing: a pirate ship is no pirate."""
    canvas = new_scene(read_prompt("pirates"), 0)
    assert "pirate ship" in write(edited("remove the pirate captain", canvas))
    assert "pirate ship" in write(edited("change the pirate to a ninja", canvas))


@example("换成下雨天，有话筒")
@example("坐在松树冬上")
@settings(max_examples=120, deadline=None)
@given(
    st.text(max_size=120)
    | st.lists(
        st.sampled_from(
            [
                "make",
                "change",
                "remove",
                "add",
                "move",
                "swap",
                "the",
                "a",
                "dragon",
                "knight",
                "sign",
                "cat",
                "it",
                "red",
                "bigger",
                "to",
                "left",
                "and",
                ",",
                "with",
                "into",
                "background",
                "night",
                "say",
                "'Hi'",
                "on",
                "under",
                "two",
                "把",
                "龙",
                "换成",
                "猫",
                "去掉",
                "加",
                "移到",
                "左边",
                "变成",
                "红色",
                '"',
                "`",
                "{",
            ]
        ),
        max_size=14,
    ).map(" ".join)
)
def test_any_instruction(prompt: str):
    """Any instruction gives a valid canvas or a refusal, and no other exception."""
    canvas = CAVE
    with suppress(NotUnderstood):
        canvas = edit_scene(CAVE, prompt, 0).canvas
    assert parse(write(canvas)) == canvas
    assert all(local.description.strip() for local in canvas.local_descriptions)


def first_scenes() -> list[Canvas]:
    """The scene that each known scene's first name brings."""
    known = [known for name, known in tables.scenes().items() if name != "idea"]
    return [new_scene(read_prompt(scene.say[0]), 0) for scene in known]


@pytest.mark.parametrize(
    "instruction",
    [
        "remove the {}",
        "change the {} to a teapot",
        "make the {} purple",
        "move the {} to the bottom right",
        "把{}移到右下角",
    ],
)
def test_edits_of_known_scenes(instruction: str):
    """In the known scenes at least 97 in 100 edits of a figure named by its noun change that figure."""
    asked = missed = 0
    for canvas in first_scenes():
        for local in canvas.local_descriptions:
            if local.distance_to_viewer >= BACKDROP_DISTANCE:
                continue
            asked += 1
            try:
                new = edit_scene(canvas, instruction.format(shown_name(local)), 0).canvas
            except NotUnderstood:
                missed += 1
                continue
            missed += local in new.local_descriptions and local.location != "on the bottom-right"
    assert asked > 300
    assert missed <= 0.03 * asked
