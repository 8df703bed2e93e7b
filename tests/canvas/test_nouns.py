"""The thing that a description speaks of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas.nouns import noun_phrase


@pytest.mark.parametrize(
    ("description", "head"),
    [
        ("A mighty dragon.", "dragon"),
        ("A table filled with treats.", "table"),
        ("A group of fierce warriors.", "warriors"),
        ("A group of happy children playing together.", "children"),
        ("A clown entertaining the children.", "clown"),
        ("Parents and caregivers smiling and watching over the children.", "parents and caregivers"),
        ("A large banner that reads 'Happy Birthday'.", "banner"),
        ("A debris-covered battlefield.", "battlefield"),
        ("A stormy sky with flashes of lightning.", "sky"),
        ("The night sky.", "night sky"),
        ("A sky full of stars.", "sky"),
        ("A birthday cake with candles.", "birthday cake"),
        ("Christmas lights on a house.", "Christmas lights"),
        ("A bright glowing lantern.", "lantern"),
        ("A red and white striped tent.", "tent"),
        ("A stone building.", "stone building"),
        ("A boy and his dog.", "boy and dog"),
        ("Santa Claus waving from his sleigh.", "Santa Claus"),
        ("A dog runs in the park.", "dog"),
        ("There is a cat on the sofa.", "cat"),
        ("In the center of the image, a small boy is holding a kite.", "boy"),
        ("An image of a beautiful beach at sunset.", "beach"),
        ("The image shows a dog.", "dog"),
        ("Snow-covered mountains in the distance.", "mountains"),
        ("Smiling children.", "children"),
        ("3 cats", "cats"),
        ("moonlight", "moonlight"),
        ("Red", "red"),
        ("一只可爱的猫。", "猫"),
        ("蓝色的天空，有云", "天空"),
    ],
)
def test_head(description, head):
    """The head is the noun that a person would use for the thing."""
    phrase = noun_phrase(description)
    assert phrase is not None
    assert phrase.head == head


@pytest.mark.parametrize(
    ("description", "introduction"),
    [
        ("A red and white striped tent in a field.", "a red and white striped tent"),
        ("An hourglass.", "an hourglass"),
        ("Two dogs running.", "two dogs"),
        ("The moon.", "the moon"),
        ("A group of fierce warriors.", "fierce warriors"),
        ("Her brightly colored umbrella.", "her brightly colored umbrella"),
    ],
)
def test_introduction(description, introduction):
    """Something new is named with its article or number and its adjectives."""
    phrase = noun_phrase(description)
    assert phrase is not None
    assert phrase.introduction == introduction


@pytest.mark.parametrize(
    ("description", "plural"),
    [
        ("A lamp.", False),
        ("Lamps.", True),
        ("Children.", True),
        ("A bus.", False),
        ("A glass of water.", False),
        ("A pair of shoes.", True),
        ("A boy and a girl.", True),
        ("Three deer.", True),
    ],
)
def test_number(description, plural):
    """Whether the thing is one or several shows in its ending, its number or its "and"."""
    phrase = noun_phrase(description)
    assert phrase is not None
    assert phrase.is_plural is plural


def test_parts():
    """A description falls into determiner, modifiers, head and the rest."""
    phrase = noun_phrase("Two very old, wooden boats lying on the beach.")
    assert phrase is not None
    assert (phrase.determiner, phrase.modifiers, phrase.head) == ("two", ("old", "wooden"), "boats")
    assert phrase.rest == "lying on the beach"


@pytest.mark.parametrize("description", ["", "   ", "!?", "...", "\n", "🎈"])
def test_no_noun(description):
    """Where there is no word there is no noun."""
    assert noun_phrase(description) is None


SMALL_WORDS = ["a", "of", "and", "the", "group", "image", "red", ",", "'", "-", "ing", "的", "2"]


@given(st.one_of(st.text(), st.lists(st.sampled_from(SMALL_WORDS)).map(" ".join)))
def test_any_text(description):
    """Whatever the text, there is a phrase with a head and a name, or none."""
    phrase = noun_phrase(description)
    if phrase is not None:
        assert phrase.head.strip()
        assert phrase.named.strip()


def test_long_text_is_read_at_its_start():
    """A megabyte of "group of" is no trouble."""
    phrase = noun_phrase("a group of " * 100_000)
    assert phrase is None or phrase.head == "group"
