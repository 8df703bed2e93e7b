"""What is typed among words: options, options gone wrong, and words that only look like them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.scene_options import Options
from bot.replies import LANGUAGES, words
from bot.telegram import explaining
from bot.telegram.typed import OPTION_NAMES, Mistyped, read_typed

VALUES = {
    "size": "16:9",
    "seed": "7",
    "count": "3",
    "steps": "30",
    "guidance": "5.5",
    "preset": "draft",
    "sampler": "euler",
    "lora": "ink:0.5",
    "no": "text",
    "strength": "0.4",
    "enlarge": "1.5",
}


@pytest.mark.parametrize(
    ("typed", "prompt", "options"),
    [
        ("a fox", "a fox", Options()),
        ("1024x768 seed:7 x4 a fox", "a fox", Options(size="1024x768", seed=7, count=4)),
        ("16:9 a fox at 12:30", "a fox at 12:30", Options(size="16:9")),
        ("a fox --seed 7 --size 2:3", "a fox", Options(size="2:3", seed=7)),
        ("a fox --seed 7 in the snow", "a fox in the snow", Options(seed=7)),
        (
            "a fox --no two tails, blurry --steps 9",
            "a fox",
            Options(negative_prompt="two tails, blurry", steps=9),
        ),
        ("a fox \u2014seed 7", "a fox", Options(seed=7)),
        ("a fox seed=7", "a fox", Options(seed=7)),
        ("Seed: 7 a fox", "a fox", Options(seed=7)),
        ("a fox, steps: 30", "a fox,", Options(steps=30)),
        ("4x steps：30 cfg:5,5 狐狸", "狐狸", Options(count=4, steps=30, guidance=5.5)),
        ('no:"two tails, blurry" a fox', "a fox", Options(negative_prompt="two tails, blurry")),
        ("lora:ink:0.5 lora:paper a fox", "a fox", Options(loras="ink:0.5,paper")),
        ("two foxes, one\nred x4", "two foxes, one\nred x4", Options()),
        ("", "", Options()),
        ("x4", "", Options(count=4)),
    ],
)
def test_options_are_read_where_they_are_typed(typed, prompt, options):
    """Before and behind the words, by name or bare."""
    assert read_typed(typed) == (prompt, options)


@pytest.mark.parametrize(
    "typed",
    [
        "a sign: open",
        "no: the other one",
        "No: make it blue",
        "a well-known place",
        "a fox -- in the snow",
        "a fox \u2014 in the snow",
        "a fox \u2014red as rust\u2014 in the snow",
        "12:30 at the station",
        "a clock at 12:30",
        "note:7 a fox",
        "side:left a fox",
        "size: as large as a house",
        "count: Dracula at the window",
        "a blackboard with E=mc2",
        "https://example.org/a:b a page",
        "标题：你好",
        "三只狐狸，其中一只是红色的",
        "the words “seed:7” on a wall",
        "a page that says --- and more",
    ],
)
def test_words_that_only_look_like_options(typed):
    """Colons, dashes and times in ordinary words stay there."""
    assert read_typed(typed) == (typed, Options())


PROSE = st.lists(
    st.tuples(
        st.sampled_from(("fox", "sign", "well-known", "狐狸", "12:30", "a", "snow", "red-brown", "3:1", "x")),
        st.sampled_from((" ", ": ", " - ", " \u2014 ", ", ", " -- ", "\n")),
    ),
    max_size=12,
)


@given(PROSE)
def test_prose_is_left_as_it_is(pieces):
    """Whatever ordinary words are joined by colons and dashes: behind a first plain word all is kept."""
    text = "the " + "".join(word + joint for word, joint in pieces) + "end"
    assert read_typed(text) == (text, Options())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--stpes 30 a fox", "--steps"),
        ("a fox --stpes 30", "--steps"),
        ("a fox --sede=7", "--seed=7"),
        ("stpes:30 a fox", "steps:30"),
        ("a fox sed:7", "seed:7"),
        ("a fox sieze:16:9", "size:16:9"),
        ("gudance:5 a fox", "guidance:5"),
        ("--quality high a fox", ""),
        ("a fox --v 6", ""),
    ],
)
def test_misspelt_names_are_said(typed, meant):
    """What is meant as an option and is none is not painted; the nearest one is named."""
    with pytest.raises(Mistyped) as refused:
        read_typed(typed)
    assert refused.value.meant == meant
    assert refused.value.typed in typed


@pytest.mark.parametrize(
    ("typed", "option"),
    [
        ("seed:abc a fox", "seed"),
        ("a fox seed:abc", "seed"),
        ("size:99:1 a fox", "size"),
        ("99:1 a fox", "size"),
        ("size:huge a fox", "size"),
        ("a fox --steps many", "steps"),
        ("a fox --seed", "seed"),
        ("a fox --no", "no"),
        ("preset:a/b a fox", "preset"),
    ],
)
def test_values_that_cannot_be_read_are_said(typed, option):
    """The option is named with what it takes; nothing is painted with what it would have been without."""
    with pytest.raises(Mistyped) as refused:
        read_typed(typed)
    assert (refused.value.option, refused.value.meant) == (option, "")
    assert refused.value.typed in typed


@given(st.sampled_from(OPTION_NAMES), st.data())
def test_no_slip_of_the_pen_is_painted(name, data):
    """One letter too many, too few or another: a flag is an option, or is said; never a part of the words."""
    place = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    slip = data.draw(
        st.sampled_from((name[:place] + letter + name[place:], name[:place] + letter + name[place + 1 :]))
    )
    for text in (f"--{slip} {VALUES[name]} a fox", f"a fox --{slip} {VALUES[name]}"):
        try:
            prompt, options = read_typed(text)
        except Mistyped as refused:
            shown = explaining.mistyped(refused, text, words("en")).plain_text
            assert "a fox" in shown
        else:
            assert prompt == "a fox"
            assert options != Options()


@given(st.sampled_from(OPTION_NAMES), st.booleans())
def test_every_option_is_read(name, is_flag):
    """Each name that people are told takes its value before the words and behind them."""
    option = f"--{name} {VALUES[name]}" if is_flag else f"{name}:{VALUES[name]}"
    before, behind = read_typed(f"{option} a fox"), read_typed(f"a fox {option}")
    assert before == behind
    assert before[0] == "a fox"
    assert before[1] != Options()


@given(st.text(max_size=200))
def test_anything_may_be_typed(typed):
    """Whatever it is, each of the words was typed, unless something is said of them."""
    with suppress(Mistyped):
        prompt, _ = read_typed(typed)
        assert all(word in typed for word in prompt.split())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("typed", ["--stpes 30 a fox", "--hd a fox", "seed:abc a fox", "a fox --seed"])
def test_what_went_wrong_has_words(language, typed):
    """In each language, with the words to copy: put right where that is known."""
    with pytest.raises(Mistyped) as refused:
        read_typed(typed)
    shown = explaining.mistyped(refused.value, f"/omost {typed}", words(language))
    assert shown.text[-1].text == "/omost " + typed.replace("stpes", "steps")
