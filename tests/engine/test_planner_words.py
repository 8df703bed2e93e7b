"""Edits of the embedded planner in everyday words: ellipses, numbers, courtesy, words it does not know."""

import pytest

from canvas import parse, write
from engine.composer import ComposeRequest, Exchange
from engine.composer.embedded import EmbeddedComposer
from engine.composer.planner.editing import edit_scene
from engine.composer.planner.reading import read_prompt
from engine.composer.planner.scenes import new_scene
from engine.errors import NotUnderstood
from tests.engine.rig.cave import CAVE, edited, region


@pytest.mark.parametrize(
    ("start", "prompt", "description"),
    [
        ("three balloons", "three more balloons", "Three balloons."),
        ("three balloons", "add two more red ones", "Two red balloons."),
        ("three balloons", "再加两个红色的", "Two red balloons."),
        ("a panda", "another one please", "A panda."),
        ("a panda", "再来一只", "A panda."),
        ("a robot", "add an umbrella for the robot", "An umbrella."),
        ("a panda", "add bananas instead", "Bananas."),
        ("a panda", "add butterflys", "Butterflys."),
        ("an astronaut", "earth in the background", "The earth."),
        ("an astronaut", "背景里有地球", "The earth."),
        ("a red car", "put a bicycle behind it", "A bicycle."),
        ("a red car", "后面放一辆自行车", "A bicycle."),
        ("a girl", "add a cat sleeping beside her", "A cat sleeping."),
        ("a lion", "put him on a throne", "A throne."),
        ("a beach", "add two kids building a sandcastle", "Two kids building a sandcastle."),
    ],
)
def test_added_in_everyday_words(start: str, prompt: str, description: str):
    """A thing is added as it was called, once, and every other region stays to the byte."""
    old = new_scene(read_prompt(start), 0)
    canvas = edited(prompt, old)
    assert canvas.local_descriptions[:-1] == old.local_descriptions
    assert canvas.local_descriptions[-1].description == description


@pytest.mark.parametrize(
    "prompt", ["加一个魔方", "给猫一个魔方", "换成魔方", "魔方大一点", "让猫变成毛绒绒的"]
)
def test_what_the_glossary_lacks(prompt: str):
    """A Chinese word that is not known is refused; it is neither "it" nor another one of what is there."""
    with pytest.raises(NotUnderstood):
        edited(prompt, new_scene(read_prompt("a cat"), 0))


@pytest.mark.parametrize(
    ("prompt", "description"),
    [
        ("make it five balloons", "Five balloons."),
        ("改成五个气球", "Five balloons."),
        ("remove one balloon", "Two balloons."),
        ("remove two balloons", "A balloon."),
    ],
)
def test_recount(prompt: str, description: str):
    """Another number of things is told in the region and in the title."""
    canvas = edited(prompt, new_scene(read_prompt("three balloons"), 0))
    assert region(canvas, "balloons?").description == description
    assert canvas.global_description.description.startswith(description.rstrip("."))


@pytest.mark.parametrize(
    "prompt",
    [
        "pls make the dragon bigger",
        "ok, could you make the dragon bigger for me please?",
        "thanks! now make the dragon bigger",
        "a bigger dragon",
        "请问能不能把龙变大一点？",
        "谢谢！龙再大一点",
    ],
)
def test_courtesy(prompt: str):
    """Polite words ask for nothing, and nobody is told that they were not understood."""
    result = edit_scene(CAVE, prompt, 0)
    assert result.canvas == edited("make the dragon bigger")
    assert not result.notes


async def test_history_tells_what_it_is():
    """The composer hands on what was said before: "it" is what the last message was about."""
    canvas = edited("add a cat")
    history = (Exchange("a cave", write(CAVE)), Exchange("make the sign bigger", write(canvas)))
    request = ComposeRequest("make it red", canvas=canvas, history=history)
    reply = "".join([piece async for piece in EmbeddedComposer().compose(request)])
    assert region(parse(reply), "sign").color == "red"
