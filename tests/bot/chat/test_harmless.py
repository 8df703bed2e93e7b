"""Words that act on what stands around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.harmless import harmless
from bot.chat.presses import Action, Press
from bot.chat.views import Button, Option, Span

ACTING = {
    "turned": ("cat \u202egnp.exe", "cat gnp.exe"),
    "isolated": ("\u2067abc\u2069 def", "abc def"),
    "bell": ("a\x07b\x00c\x1b[31m", "abc[31m"),
    "hidden": ("a pond\U000e0041\U000e0042", "a pond"),
    "piled": ("e" + "\u0301" * 40 + "f", "e" + "\u0301" * 3 + "f"),
}


@pytest.mark.parametrize(("text", "left"), ACTING.values(), ids=ACTING)
def test_what_reaches_beyond_a_text_is_taken_out(text, left):
    """Wherever a text is shown in a chat: as such, on a button, in a choice."""
    assert harmless(text) == left
    assert Span(text).text == left
    assert Button(text, Press(Action.AGAIN)).label == left
    assert (Option(text, "x", text).label, Option(text, "x", text).hint) == (left, left)


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"))))
def test_ordinary_text_stays(text):
    """Letters of every script, digits, signs and emoji are what they were."""
    assert harmless(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines\tand a tab",
        "mañana e\u0301te\u0301",
        "שלום",
        "👩‍👩‍👧 🏳️‍🌈",
        "नमस्ते",
        "Tiếng Việt",
        "a\u200db",
    ],
)
def test_scripts_keep_their_marks(text):
    """Accents, joiners and right-to-left scripts are ordinary."""
    assert harmless(text) == text
