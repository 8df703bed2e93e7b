"""Signs and nightfall, as people say them when they change a scene of the embedded composer's."""

import pytest

from canvas import Canvas, LocalDescription, parse, write
from engine.composer.planner.editing import edit_scene
from engine.composer.planner.reading import read_prompt
from engine.composer.planner.scenes import new_scene


def scene(prompt: str) -> Canvas:
    return new_scene(read_prompt(prompt), 0)


BEACH = scene("a cat on a beach")
SIGNED = scene("a cat next to a sign that says 'Keep Out'")


def edited(prompt: str, canvas: Canvas) -> Canvas:
    result = edit_scene(canvas, prompt, 0).canvas
    assert parse(write(result)) == result
    assert "inscription" not in write(result).lower(), "what stands for quoted words shows"
    return result


def added(prompt: str, canvas: Canvas) -> LocalDescription:
    """The one new region; all others are as they were."""
    result = edited(prompt, canvas)
    assert result.local_descriptions[:-1] == canvas.local_descriptions
    return result.local_descriptions[-1]


@pytest.mark.parametrize("canvas", [BEACH, SIGNED], ids=["no sign yet", "another sign"])
@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ('add a sign that says "OPEN"', "OPEN"),
        ('add a sign that reads "OPEN"', "OPEN"),
        ('a sign that says "OPEN"', "OPEN"),
        ('add a sign saying "OPEN"', "OPEN"),
        ("add a sign that says 'Fish & Chips'", "Fish & Chips"),
        ("add a sign that reads open", "open"),
        ("there should be a sign that says the end", "the end"),
        ('give the cat a sign that says "Help"', "Help"),
        ("加一个写着“营业”的牌子", "营业"),
        ("再加上一块写有「OPEN」的牌子", "OPEN"),
        ("加一个牌子，上面写着“营业”", "营业"),
        ("加一块牌子写着“营业”", "营业"),
    ],
)
def test_a_new_sign_has_its_words(prompt: str, words: str, canvas: Canvas):
    """A sign with words is a new one, whether or not there is one in the scene."""
    assert added(prompt, canvas).description == f'A sign that reads "{words}".'


@pytest.mark.parametrize(
    "prompt",
    [
        'add a sign that says "OPEN" on the left',
        "add a sign that reads OPEN on the left",
        "在左边加一个写着“OPEN”的牌子",
        "在左边加一个牌子，写着“OPEN”",
    ],
)
def test_a_new_sign_stands_where_it_was_asked_for(prompt: str):
    """A place after the words is the sign's, and none of its words."""
    sign = added(prompt, BEACH)
    assert sign.location == "on the left"
    assert sign.description.upper() == 'A SIGN THAT READS "OPEN".'


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ('make the sign say "Come In"', "Come In"),
        ('make the sign that says "Keep Out" say "Come In"', "Come In"),
        ('write "Come In" on the sign that reads "Keep Out"', "Come In"),
        ('the sign says "Come" and "In"', "Come and In"),
        ("在牌子上写“Come In”", "Come In"),
        ("牌子上写着“Come In”", "Come In"),
        ("画面上的牌子写着“Come In”", "Come In"),
    ],
)
def test_the_sign_that_is_there_gets_other_words(prompt: str, words: str):
    """Who names the sign, be it by its words, means that one: none is added."""
    canvas = edited(prompt, SIGNED)
    assert len(canvas.local_descriptions) == len(SIGNED.local_descriptions)
    assert f'that reads "{words}"' in write(canvas)
    assert "Keep Out" not in write(canvas)


def test_a_sign_is_replaced_with_its_words():
    """What comes in the place of a sign has the words that it was asked for with, not the old ones."""
    canvas = edited('change the sign to a banner that says "Come In"', SIGNED)
    assert 'A banner that reads "Come In".' in {local.description for local in canvas.local_descriptions}
    assert 'a banner that reads "Come In"' in canvas.global_description.description
    assert "Keep Out" not in write(canvas)


def test_what_is_no_sign_reads_nothing():
    """The words leave with the sign, from every text."""
    canvas = edited("change the sign to a tree", SIGNED)
    assert "a tree in a sunny room" in canvas.global_description.description
    assert "Keep Out" not in write(canvas)


def test_a_word_on_a_sign_may_be_any_word():
    """Other words for a sign that reads "A" change no "a" of any sentence."""
    old = scene("a cat next to a sign that says 'A'")
    assert write(edited('make the sign say "B"', old)) == write(old).replace('reads "A"', 'reads "B"')


def test_a_sign_is_named_by_its_words():
    """A sign that is spoken of with its words can be removed."""
    canvas = edited('remove the sign that says "Keep Out"', SIGNED)
    assert len(canvas.local_descriptions) == len(SIGNED.local_descriptions) - 1
    assert "Keep Out" not in write(canvas)


@pytest.mark.parametrize(
    "prompt",
    [
        "it is night now",
        "it got dark",
        "it is dark",
        "It’s getting dark now.",
        "night falls",
        "天黑了",
        "入夜了",
        "现在天黑了",
    ],
)
def test_it_gets_dark(prompt: str):
    """Nightfall is told as often as it is ordered."""
    assert edited(prompt, BEACH) == edited("make it night", BEACH)


def test_it_gets_light():
    """Day breaks in the same way."""
    dark = edited("天黑了", BEACH)
    assert edited("天亮了", dark).global_description.color == "lightskyblue"


def test_several_changes_with_a_sign():
    """A sign and nightfall in one message are two changes."""
    for prompt in ('add a sign that says "OPEN" and make it night', "加一个写着“OPEN”的牌子，天黑了"):
        canvas = edited(prompt, BEACH)
        assert canvas.global_description.color == "midnightblue"
        assert 'A sign that reads "OPEN".' in {local.description for local in canvas.local_descriptions}
