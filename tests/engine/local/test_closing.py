"""The shortest end of a scene that is cut off."""

import random

import pytest
from llguidance import LLMatcher, LLTokenizer

from canvas import grammar, parse
from engine.composer.local.closing import closing

BYTES = LLTokenizer("byte")


def accepts(rules, text):
    matcher = LLMatcher(BYTES, LLMatcher.grammar_from_lark(rules))
    return matcher.try_consume_tokens(list(text.encode())) == len(text.encode()) and matcher.is_accepting()


def decoded(rules, choices, bytes_):
    """The first bytes of a random text that a grammar allows; ends of texts are likelier than the rest."""
    matcher = LLMatcher(BYTES, LLMatcher.grammar_from_lark(rules))
    text = bytearray()
    while not matcher.is_stopped() and len(text) < bytes_:
        mask = int.from_bytes(matcher.compute_bitmask(), "little")
        allowed = [byte for byte in range(256) if mask >> byte & 1]
        likely = [byte for byte in allowed if byte in b"'\n\\"]
        byte = choices.choice(likely if likely and choices.random() < 0.4 else allowed)
        matcher.consume_token(byte)
        text.append(byte)
    return text.decode(errors="ignore")


@pytest.mark.parametrize("comments", [True, False])
@pytest.mark.parametrize("seed", range(60))
def test_any_cut_can_be_closed(comments, seed):
    """Cut anywhere and closed, a random scene is of the grammar and is read without a repair."""
    choices = random.Random(seed)
    rules = grammar(comments=comments)
    cut = decoded(rules, choices, choices.randrange(1500))
    closed = cut + closing(cut, comments=comments)
    assert accepts(rules, closed), closed
    assert parse(closed).repairs == ()


HEAD = """```python
# Initialize the canvas
canvas = Canvas()

# Set a global description for the canvas
canvas.set_global_description(
    description='',
    detailed_descriptions=[],
    tags='',
    HTML_web_color_name='tan',
)
"""
LOCAL = """
# Add a cat
canvas.add_local_description(
    location='in the center',
    offset='no offset',
    area='a small square area',
"""
NUMBERS = ["", "1", "12", "0", "0.", "0.0", "1.", "1.5", "7e", "7e+", "7e+1", "7e+2", "7e-", "7e-0", "7e-1"]
NUMBERS += ["1.2e", "7e+16", "7e+100", "0.005", "9" * 17]


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers(number):
    """Every beginning of a number can be finished."""
    cut = f"{HEAD}{LOCAL}    distance_to_viewer={number}"
    assert accepts(grammar(), cut + closing(cut))


ESCAPES = ["\\", "\\x", "\\x4", "\\u", "\\u1", "\\u123", "\\U", "\\U0001f6", "\\\\", "\\\\\\", "\\'", "\\x41"]


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("escape", ESCAPES)
def test_escapes(quote, escape):
    """A text that is cut off within an escape is finished, in its own quotes."""
    cut = f"{HEAD}{LOCAL}    distance_to_viewer=1.0,\n    description={quote}a{escape}"
    closed = cut + closing(cut)
    assert accepts(grammar(), closed), closed
    assert parse(closed).repairs == ()


LISTS = [
    "",
    "[",
    "[]",
    "[\n",
    "[\n    ",
    "[\n        ",
    "[\n        'a'",
    "[\n        'a',",
    "[\n        'a',\n",
]
LISTS += ["[\n        'a',\n  ", "[\n        'a',\n     ", "[\n        'a',\n    ]"]


@pytest.mark.parametrize("texts", LISTS)
def test_lists(texts):
    """A list of texts can be cut off at each of its places."""
    cut = f"{HEAD}{LOCAL}    distance_to_viewer=1.0,\n    description='',\n    detailed_descriptions={texts}"
    assert accepts(grammar(), cut + closing(cut))


def test_whole_scene_needs_nothing():
    """After the last fence nothing is missing, whatever follows, and prose alone is left alone."""
    whole = f"{HEAD}```"
    assert closing(whole) == ""
    assert closing(f"{whole}\nEnjoy!") == ""
    assert closing("What should be in the picture?") == ""
    assert closing(f"Here it is:\n{HEAD}") == "```"
    assert accepts(grammar(chat=True), "Here:\n``" + closing("Here:\n``"))


def test_nothing_is_added():
    """A scene between two calls ends there; a call that has begun is finished."""
    assert closing(HEAD) == "```"
    assert parse(HEAD + "\n" + closing(HEAD + "\n")).local_descriptions[0].description == ""
