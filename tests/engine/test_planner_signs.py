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


def shapes(canvas: Canvas) -> list[tuple[str, str, str, str, float]]:
    """What a change shows of every region; its further sentences are drawn by lot."""
    return [
        (local.description, local.location, local.area, local.color, local.distance_to_viewer)
        for local in canvas.local_descriptions
    ]


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
        ('make a sign that says "OPEN"', "OPEN"),
        ('make another sign that says "OPEN"', "OPEN"),
        ("make a sign that says open", "open"),
        ('create a sign that says "OPEN"', "OPEN"),
        ('there is a sign that says "OPEN"', "OPEN"),
        ("加一个写着“营业”的牌子", "营业"),
        ("再加上一块写有「OPEN」的牌子", "OPEN"),
        ("加一个牌子，上面写着“营业”", "营业"),
        ("加一块牌子写着“营业”", "营业"),
        ("加一个牌子，上面写“营业”", "营业"),
        ("一个写着“营业”的牌子", "营业"),
        ("挂一个写着“营业”的牌子", "营业"),
        ("给猫加一块写着“营业”的牌子", "营业"),
        ("给猫加个牌子，写着“营业”", "营业"),
    ],
)
def test_a_new_sign_has_its_words(prompt: str, words: str, canvas: Canvas):
    """A sign with words is a new one, whether or not there is one in the scene."""
    assert added(prompt, canvas).description == f'A sign that reads "{words}".'


@pytest.mark.parametrize(
    ("prompt", "description"),
    [
        ('there is a poster that says "A"', 'A poster that reads "A".'),
        ('add two signs that say "A"', 'Two signs that read "A".'),
        ("加两个写着“A”的牌子", 'Two signs that read "A".'),
        ("加两个牌子，上面写着“A”", 'Two signs that read "A".'),
        ("给猫加两块写着“A”的牌子", 'Two signs that read "A".'),
        ("加一幅写着“A”的画", 'A picture frame that reads "A".'),
        ("加一件写着“A”的T恤", 'A t-shirt that reads "A".'),
        ("加一张写着“A”的海报", 'A poster that reads "A".'),
        ("加一个条幅，写着“A”", 'A banner that reads "A".'),
    ],
)
def test_what_may_bear_words(prompt: str, description: str):
    """Not only a single sign bears words, and no banner comes with it."""
    assert added(prompt, SIGNED).description == description


@pytest.mark.parametrize(
    "prompt",
    [
        'add a sign that says "OPEN" on the left',
        "add a sign that reads OPEN on the left",
        "在左边加一个写着“OPEN”的牌子",
        "在左边加一个牌子，写着“OPEN”",
        "在左边挂一个写着“OPEN”的牌子",
        "加一个写着“OPEN”的牌子放在左边",
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
        ("在牌子上写“营业”两个字", "营业"),
        ("牌子上写着“Come”和“In”", "Come In"),
        ('change the sign that says "Keep Out" to "Come In"', "Come In"),
        ('change the sign to "Come In"', "Come In"),
        ('replace "Keep Out" with "Come In"', "Come In"),
        ("把牌子上的“Keep Out”改成“再见”", "再见"),
        ("把写着“Keep Out”的牌子改成“再见”", "再见"),
        ("把写着“Keep Out”的牌子上的字改成“再见”", "再见"),
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


@pytest.mark.parametrize(
    "prompt",
    [
        'remove the sign that says "Keep Out"',
        'remove "Keep Out"',
        "把写着“Keep Out”的牌子删掉",
        "去掉写有“Keep Out”的牌子",
        "不要写着“Keep Out”的牌子",
    ],
)
def test_a_sign_is_named_by_its_words(prompt: str):
    """A sign that is spoken of with its words can be removed, and another sign stays."""
    other = edited('add a sign that says "OPEN"', SIGNED)
    canvas = edited(prompt, edited('remove the sign that says "OPEN"', other))
    assert len(canvas.local_descriptions) == len(SIGNED.local_descriptions) - 1
    assert "Keep Out" not in write(canvas)
    left = {local.description for local in edited(prompt, other).local_descriptions}
    assert 'A sign that reads "OPEN".' in left
    assert 'A sign that reads "Keep Out".' not in left


def test_words_with_a_joint_are_one_sign():
    """An "&" within quotation marks parts no list of things."""
    canvas = edited("add a sign that says 'Fish & Chips'", BEACH)
    assert (
        edited('remove the sign that says "Fish & Chips" and the cat', canvas).local_descriptions
        == (BEACH.local_descriptions[1:])
    )


@pytest.mark.parametrize(
    ("prompt", "same"),
    [
        ('make the sign that says "Keep Out" bigger', "make the sign bigger"),
        ('make the sign that says "Keep Out" red and bigger', "make the sign red and bigger"),
        ('the sign that says "Keep Out" is red', "make the sign red"),
        ('make the sign that says "Keep Out" a dog', "change the sign to a dog"),
        ("把写着“Keep Out”的牌子变大", "make the sign bigger"),
        ("把写着“Keep Out”的牌子变成红色", "make the sign red"),
        ("把写着“Keep Out”的牌子移到左边", "move the sign to the left"),
        ("把写着“Keep Out”的牌子换成一只狗", "change the sign to a dog"),
        ("交换猫和写着“Keep Out”的牌子的位置", "swap the cat and the sign"),
        ("在写着“Keep Out”的牌子旁边加一只狗", "add a dog next to the sign"),
    ],
)
def test_a_sign_named_by_its_words_changes(prompt: str, same: str):
    """What can be asked of a sign can be asked of the sign that says something."""
    assert shapes(edited(prompt, SIGNED)) == shapes(edited(same, SIGNED))


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
