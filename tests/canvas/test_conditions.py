"""The texts that a text encoder reads, and their packing into bags."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas.conditions import CLIP_TOKENS, Bag, Condition, bags, conditions
from canvas.layout import rect, regions
from canvas.model import Canvas, GlobalDescription, LocalDescription

PICNIC = Canvas(
    GlobalDescription(
        "A picnic by the lake.",
        detailed_descriptions=("Two friends share a basket.", " The water is calm, "),
        tags="picnic, lake, friends,",
    ),
    (
        LocalDescription(
            "A wicker basket.",
            location="in the center",
            distance_to_viewer=2.0,
            detailed_descriptions=("It holds bread and fruit.",),
            tags="basket, bread",
            atmosphere="Relaxed",
            style="Painterly.",
            quality_meta="",
        ),
        LocalDescription("A calm lake", location="on the top", distance_to_viewer=8.0),
    ),
)


def count_words(text):
    return len(text.split())


def condition(prefixes, suffixes):
    return Condition((0, 90, 0, 90), tuple(prefixes), tuple(suffixes))


def words(count, stem="w"):
    return " ".join(f"{stem}{number}" for number in range(count)) + "."


def test_global_condition_comes_first():
    """The first condition covers the grid and holds the global texts, each as one sentence."""
    first = conditions(PICNIC)[0]
    assert first == Condition(
        rect=(0, 90, 0, 90),
        prefixes=("A picnic by the lake.",),
        suffixes=("Two friends share a basket.", "The water is calm.", "picnic, lake, friends."),
    )


def test_local_conditions_run_from_far_to_near():
    """Each further condition is a region, the farthest first, behind the global description."""
    _, far, near = conditions(PICNIC)
    lake, basket = PICNIC.local_descriptions[1], PICNIC.local_descriptions[0]
    assert far == Condition(rect(lake), ("A picnic by the lake.", "A calm lake."), (".", ".", ".", "."))
    assert near.rect == rect(basket)
    assert near.prefixes == ("A picnic by the lake.", "A wicker basket.")
    assert near.suffixes == (
        "It holds bread and fruit.",
        "basket, bread.",
        "Relaxed.",
        "Painterly.",
        ".",
    )


@given(st.from_type(Canvas))
def test_conditions_match_the_regions(canvas):
    """There is one condition more than regions, with the same rectangles in the same order."""
    found = conditions(canvas)
    assert [one.rect for one in found[1:]] == [region.rect for region in regions(canvas)]
    for one in found:
        for text in one.prefixes + one.suffixes:
            assert text.endswith(".")
            assert text[:-1] == text[:-1].strip(",. ")


def test_bags_are_packed_greedily():
    """Consecutive suffixes share a bag until the next would not fit beside the prefixes."""
    one = condition(["a b."], ["c d e.", "f g.", "h i j.", "k."])
    assert bags(one, count_words, 7) == (
        Bag(("a b.",), ("c d e.", "f g.")),
        Bag(("a b.",), ("h i j.", "k.")),
    )


def test_no_suffix_is_one_bag():
    """A condition without suffixes is one bag of its prefixes."""
    assert bags(condition(["a b.", "c."], []), count_words) == (Bag(("a b.", "c."), ()),)


def test_long_global_prefix_is_dropped_first():
    """A prefix beyond the budget loses the global description and keeps the local one."""
    one = condition([words(80), "A red fox."], ["It is asleep.", "fox, red."])
    assert bags(one, count_words) == (Bag(("A red fox.",), ("It is asleep.", "fox, red.")),)


def test_long_local_prefix_is_cut_between_words():
    """A single description beyond the budget keeps its first words, in half of the budget."""
    (bag,) = bags(condition([words(90)], ["It is asleep."]), count_words)
    assert bag == Bag((words(CLIP_TOKENS // 2),), ("It is asleep.",))


def test_long_suffix_has_a_bag_with_less_prefix():
    """A suffix that does not fit beside the whole prefix pushes it away in its own bag only."""
    one = condition(["The whole scene.", "A fox."], ["Short.", words(73, "s"), "Short too."])
    assert bags(one, count_words) == (
        Bag(("The whole scene.", "A fox."), ("Short.",)),
        Bag(("A fox.",), (words(73, "s"),)),
        Bag(("The whole scene.", "A fox."), ("Short too.",)),
    )


def test_overlong_suffix_is_alone():
    """A suffix longer than the budget has a bag to itself, without prefix."""
    found = bags(condition(["A fox."], ["Short.", words(200, "s"), "Short."]), count_words)
    assert found[1] == Bag((), (words(200, "s"),))
    assert len(found) == 3


@given(
    prefix_words=st.lists(st.integers(0, 90), min_size=1, max_size=2),
    suffix_words=st.lists(st.integers(1, 90), max_size=9),
    budget=st.sampled_from([10, 75]),
)
def test_bags_lose_no_suffix(prefix_words, suffix_words, budget):
    """Every suffix is in one bag, in order, and only an overlong suffix exceeds the budget."""
    one = condition(map(words, prefix_words), [words(count, "s") for count in suffix_words])
    found = bags(one, count_words, budget)
    assert tuple(suffix for bag in found for suffix in bag.suffixes) == one.suffixes
    for bag in found:
        size = sum(map(count_words, bag.prefixes + bag.suffixes))
        assert size <= budget or (not bag.prefixes and len(bag.suffixes) == 1)


@given(
    prefix_words=st.lists(st.integers(1, 20), min_size=1, max_size=2),
    suffix_words=st.lists(st.integers(1, 35), min_size=1, max_size=9),
)
def test_prefix_stays_whole_where_all_fits(prefix_words, suffix_words):
    """While every suffix fits beside the prefix, every bag has the whole prefix and is full."""
    one = condition(map(words, prefix_words), [words(count, "s") for count in suffix_words])
    found = bags(one, count_words)
    room = CLIP_TOKENS - sum(prefix_words)
    sizes = [[count_words(suffix) for suffix in bag.suffixes] for bag in found]
    assert all(bag.prefixes == one.prefixes for bag in found)
    assert all(sum(size) <= room for size in sizes)
    assert all(sum(size) + following[0] > room for size, following in pairwise(sizes))


@pytest.mark.parametrize("text", ["", ".", ",. ,."])
def test_empty_texts_become_full_stops(text):
    """A text without content is a lone full stop, as the reference has it."""
    (first,) = conditions(Canvas(GlobalDescription(text)))
    assert first.prefixes == (".",)
