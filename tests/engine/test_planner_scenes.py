"""New scenes of the embedded composer's planner: what people ask for is what the canvas shows."""

import re
import tomllib
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas import Canvas, parse, regions, write
from engine.composer.planner import tables
from engine.composer.planner.hours import apply_hour
from engine.composer.planner.inflection import plural
from engine.composer.planner.placing import overlap
from engine.composer.planner.reading import read_prompt
from engine.composer.planner.scenes import new_scene

DATA = Path(__file__).parent / "data"
SCENES = tomllib.loads((DATA / "embedded_scenes.toml").read_text(encoding="utf-8"))["scenes"]
PROMPTS = tomllib.loads((DATA / "embedded_prompts.toml").read_text(encoding="utf-8"))
ALL_PROMPTS = [(prompt, nouns.split(", ")) for language in PROMPTS.values() for prompt, nouns in language]


def scene(prompt: str, seed: int = 0) -> Canvas:
    return new_scene(read_prompt(prompt), seed)


def told(canvas: Canvas) -> str:
    descriptions = [local.description for local in canvas.local_descriptions]
    return " ".join([canvas.global_description.description, *descriptions]).lower()


def names(text: str, noun: str) -> bool:
    forms = [form for word in noun.split("|") for form in (word, plural(word))]
    return any(re.search(rf"\b{re.escape(form)}\b", text) for form in forms)


@pytest.mark.parametrize(("prompt", "expected"), SCENES, ids=[prompt for prompt, _ in SCENES])
def test_known_scene(prompt: str, expected: str):
    """A known scene shows what people expect of it, in four to eight regions."""
    canvas = scene(prompt)
    missing = [word for word in expected.split(", ") if not names(told(canvas), word)]
    assert not missing, told(canvas)
    assert 4 <= len(canvas.local_descriptions) <= 8


def test_every_scene_has_a_case():
    """Each scene of the tables leads for some prompt of the cases, so that none is untested."""
    led = {reading.scenes[0] for prompt, _ in SCENES if (reading := read_prompt(prompt)).scenes}
    assert len(tables.scenes()) > 100
    assert set(tables.scenes()) - led == {"idea"}


def test_named_nouns_appear():
    """Of the things that 200 prompts name, at least 98 in 100 stand in the descriptions."""
    assert len(ALL_PROMPTS) == 200
    asked = [(prompt, noun) for prompt, nouns in ALL_PROMPTS for noun in nouns]
    missing = [(prompt, noun) for prompt, noun in asked if not names(told(scene(prompt)), noun)]
    assert len(missing) <= 0.02 * len(asked), missing


def test_scenes_are_rich():
    """Every prompt gets three to eight regions, each with its sentence, details, tags and tone."""
    for prompt, _ in ALL_PROMPTS:
        canvas = scene(prompt)
        assert 3 <= len(canvas.local_descriptions) <= 8, prompt
        for local in canvas.local_descriptions:
            assert local.description.endswith(".")
            assert len(local.detailed_descriptions) >= 2
            assert local.atmosphere
            assert local.style


def test_prompts_differ():
    """No two prompts of a language get the same scene; a translation may get its original's."""
    for prompts in PROMPTS.values():
        canvases = [scene(prompt) for prompt, _ in prompts]
        assert all(one != other for one, other in combinations(canvases, 2))


def test_translation():
    """A prompt and its translation get the same scene."""
    assert scene("熊猫吃竹子") == scene("a panda eating bamboo")
    assert scene("雨中的出租车") == scene("a taxi in the rain")


def test_descriptions_are_english():
    """Descriptions hold no ideograph, whatever the language of the prompt."""
    for prompt, _ in PROMPTS["chinese"]:
        assert not re.search(r"[\u3400-\u9fff]", write(scene(prompt))), prompt


def test_things_are_spread():
    """Things that the prompt names side by side do not land on each other."""
    canvas = scene("a cat, a tower, a bicycle and a clock")
    figures = [r for r in regions(canvas) if re.search(r"\b(?:cat|tower|bicycle|clock)\b", r.description)]
    assert len(figures) == 4
    assert all(overlap(one.rect, other.rect) < 0.6 for one, other in combinations(figures, 2))


@pytest.mark.parametrize(
    ("prompt", "noun", "location"),
    [
        ("a cat on the left and a dog on the right", "dog", "on the right"),
        ("on the left a tower, on the right a church", "tower", "on the left"),
        ("a moon in the top left corner and a fox", "moon", "on the top-left"),
        ("左边有一只猫，右边有一只狗", "cat", "on the left"),
        ("右下角有一个宝箱", "chest", "on the bottom-right"),
    ],
)
def test_named_place(prompt: str, noun: str, location: str):
    """A thing stands where the prompt puts it."""
    found = [local for local in scene(prompt).local_descriptions if names(local.description.lower(), noun)]
    assert location in {local.location for local in found}


def test_relation():
    """What is behind a thing is farther away than the thing."""
    by_noun = {
        noun: local.distance_to_viewer
        for local in scene("a red car behind a fountain").local_descriptions
        for noun in ("red car", "fountain")
        if noun in local.description
    }
    assert by_noun["red car"] > by_noun["fountain"]


def test_an_occasion_keeps_its_night():
    """A festival of the night stays at night in another place, unless the prompt says otherwise."""
    assert "night sky" in told(scene("a Mid-Autumn Festival party in a garden"))
    assert "night sky" not in told(scene("a Mid-Autumn Festival party in a sunny garden"))


@pytest.mark.parametrize(
    ("prompt", "title"),
    [
        ("a family having a picnic", "A family at a picnic."),
        ("a cozy cafe in paris", "A small cafe on a slow afternoon."),
        ("a penguin on the ice", "A penguin on ice in a snowy winter landscape."),
        ("a cat sitting on a sofa", "A cat sitting on a sofa in a sunny room."),
        ("a deer in a forest", "A deer in a dense forest."),
        ("孩子们踢足球", "Children playing football in a football stadium."),
        ("长胡子的老巫师", "An old wizard with a long beard in an old tower."),
        ("桌子上有一碗水果", "A bowl of fruit on a table in a still life."),
    ],
)
def test_title(prompt: str, title: str):
    """The title says what the prompt says, in whole sentences."""
    assert scene(prompt).global_description.description == title


def test_leading_place():
    """Who is named after a place is the one who is there: under a tree a girl."""
    canvas = scene("树下看书的女孩")
    assert canvas.global_description.description.startswith("A girl reading a book under a tree")
    assert canvas.local_descriptions[0].description == "A girl reading a book."


def test_color_time_and_place_combine():
    """A hero with a colour, a place and a time of day all come together."""
    canvas = scene("a red dragon on the beach at sunset")
    dragon = next(local for local in canvas.local_descriptions if "dragon" in local.description)
    assert (dragon.color, dragon.location) == ("red", "in the center")
    assert names(told(canvas), "sandy beach")
    assert names(told(canvas), "sunset")
    assert canvas.global_description.color == "darkorange"


@pytest.mark.parametrize(
    "said", [known.say[0] for known in tables.scenes().values() if known.is_inside], ids=str
)
def test_no_sky_within_walls(said: str):
    """At night it is dark in a room, and no sky hangs in it."""
    by_day, at_night = scene(said), scene(f"{said} at night")
    assert at_night.global_description.color == "midnightblue"
    assert not any("night sky" in local.description for local in at_night.local_descriptions)
    assert len(apply_hour(by_day, "night").local_descriptions) == len(by_day.local_descriptions)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("Happy Children's Day", "Happy Children's Day"),
        ("happy birthday Anna!", "Happy Birthday Anna"),
        ("Happy Halloween", "Happy Halloween"),
        ("Congratulations", "Congratulations"),
        ("生日快乐", "Happy Birthday"),
        ("a sign that says 'Closed' next to a door", "Closed"),
    ],
)
def test_words_on_signs(prompt: str, words: str):
    """A wish, or words in quotation marks, stand on a banner or sign."""
    assert any(f'"{words}"' in local.description for local in scene(prompt).local_descriptions)


@pytest.mark.parametrize(
    ("prompt", "nouns"),
    [("🐉🔥🏰", "dragon, fire, castle"), ("🐱🎂", "cat, cake"), ("🦊❄️", "fox"), ("🚀🌙", "rocket, moon")],
)
def test_emoji(prompt: str, nouns: str):
    """Emoji are read as the things they show."""
    assert all(names(told(scene(prompt)), noun) for noun in nouns.split(", "))


def test_theme():
    """An abstract word that no table has becomes the theme of a symbolic scene."""
    canvas = scene("transcendence")
    assert "transcendence" in told(canvas)
    assert len(canvas.local_descriptions) >= 4


def test_seed():
    """The same seed gives the same scene; other seeds give others."""
    variants = {write(scene("a fox and a tower", seed)) for seed in range(6)}
    assert write(scene("a fox and a tower", 3)) == write(scene("a fox and a tower", 3))
    assert len(variants) > 1


def test_style():
    """A style is not a thing: it is told in every region."""
    canvas = scene("watercolor painting of a fox")
    assert all("watercolor" in local.style for local in canvas.local_descriptions)
    assert "painting" not in told(canvas)


def check_valid(prompt: str) -> None:
    reading = read_prompt(prompt)
    if reading.is_empty:
        return
    canvas = scene(prompt)
    assert parse(write(canvas)) == canvas
    assert all(local.description.strip() for local in canvas.local_descriptions)
    assert 1 <= len(canvas.local_descriptions) <= 8


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200) | st.text("a cat, red dog's \"'`{}\\\n在和猫的红上左边🐉", max_size=200))
def test_any_text(prompt: str):
    """Any text that is read at all becomes a valid canvas, which its code holds to the letter."""
    check_valid(prompt)


WORDS = """
    a an the red big cat dogs and with on under behind left of group beach night happy reading book two is
    very castle 'Hi' says between snow birthday love quokka running , 一只 红色的 龙 在 左边 和
"""


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(WORDS.split()), max_size=25).map(" ".join))
def test_any_words(prompt: str):
    """Words of prompts in any order become a valid canvas."""
    check_valid(prompt)
