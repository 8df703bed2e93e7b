"""Guesses from what was written before."""

import random

import pytest

from engine.composer.local.drafts import Drafts


def test_longest_agreement_wins():
    """Of two places with the same last id, the one with more of the same ids before it is copied."""
    drafts = Drafts([1, 2, 3, 70, 71, 9, 3, 80, 81, 5, 1, 2, 3])
    assert drafts.after((), 2) == [70, 71]


def test_newest_place_wins_a_tie():
    """Where as much agrees, the newer place is copied."""
    drafts = Drafts([9, 3, 70, 8, 3, 80, 7, 3])
    assert drafts.after((), 1) == [80]


def test_edited_code_goes_on_where_it_was():
    """Of places in the edited code that agree equally, the next one after the last copied is preferred."""
    edited = [5, 6, 10, 5, 6, 20, 5, 6, 30]
    drafts = Drafts([1], edited)
    seen = []
    for _ in range(3):
        drafts.extend([5, 6])
        (guess,) = drafts.after((), 1)
        seen.append(guess)
        drafts.extend([guess])
    assert seen == [10, 20, 30]


def test_tail_is_not_remembered():
    """What is only assumed to follow leads a guess and leaves no trace."""
    drafts = Drafts([1, 2, 3, 4, 50])
    assert drafts.after([2, 3], 2) == [4, 50]
    assert drafts.after((), 2) == []


def test_nothing_to_copy():
    """Ids that never occurred before give no guess, nor does an empty text."""
    assert Drafts([1, 2, 3]).after((), 8) == []
    assert Drafts([]).after((), 8) == []
    assert Drafts([]).after([4], 8) == []


def test_guess_ends_where_the_edited_code_does():
    """The prompt does not follow the edited code, so no guess runs from one into the other."""
    drafts = Drafts([7, 8, 9], [1, 2, 3])
    assert drafts.after([1, 2], 5) == [3]
    assert drafts.after([1, 2, 3], 5) == []


@pytest.mark.parametrize("agreeing", [1, 2, 5])
def test_little_agreement_gives_a_short_guess(agreeing):
    """A guess is at most eight times as long as what agrees."""
    text = list(range(100, 200))
    drafts = Drafts(text)
    assert drafts.after([-5, *text[20 - agreeing : 20]], 64) == text[20 : 20 + 8 * agreeing]


@pytest.mark.parametrize("seed", range(20))
def test_guesses_are_copies(seed):
    """Every guess stands in the text after the last id, and no other place agrees with more."""
    choices = random.Random(seed)
    text = [choices.randrange(6) for _ in range(120)]
    guess = Drafts(text).after((), 5)
    places = [end for end in range(1, len(text)) if text[end - 1] == text[-1]]
    best = max((agreement(text, end) for end in places), default=0)
    assert any(
        text[end : end + len(guess)] == guess and agreement(text, end) == best for end in places if guess
    )


def agreement(text, end):
    count = 0
    while count < min(16, end) and text[end - 1 - count] == text[-1 - count]:
        count += 1
    return count
