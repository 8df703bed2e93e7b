"""The grammar for constrained decoding, checked with the engine that models decode under."""

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from llguidance import LLMatcher, LLTokenizer

from canvas import parse, write
from canvas.grammar import grammar
from canvas.model import Canvas, GlobalDescription, LocalDescription
from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS

BYTES = LLTokenizer("byte")

SCENE = """```python
# Initialize the canvas
canvas = Canvas()

# Set a global description for the canvas
canvas.set_global_description(
    description="A baker's shop in the morning.",
    detailed_descriptions=[
        'Fresh bread fills the shelves.',
        'Warm light falls through the window.',
    ],
    tags='bakery, bread, morning',
    HTML_web_color_name='wheat',
)

# Add a baker holding a tray.
canvas.add_local_description(
    location='on the left',
    offset='slightly to the right',
    area='a medium-sized vertical area',
    distance_to_viewer=2.5,
    description='A baker holding a tray.',
    detailed_descriptions=[
        'The baker’s apron is white.',
    ],
    tags='baker, tray, apron',
    atmosphere='Warm and friendly.',
    style='Soft and detailed.',
    quality_meta='High resolution.',
    HTML_web_color_name='burlywood',
)
```"""


def accepts(rules, text):
    """Whether a grammar takes a whole text."""
    matcher = LLMatcher(BYTES, LLMatcher.grammar_from_lark(rules))
    assert not matcher.is_error(), matcher.get_error()
    tokens = list(text.encode())
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()


def in_fence(code):
    return f"```python\n{code}```"


def without_comments(text):
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("# "))


def decoded(rules, seed):
    """A random text that a grammar allows, byte by byte; quotes and line ends are likelier than others."""
    choices = random.Random(seed)
    matcher = LLMatcher(BYTES, LLMatcher.grammar_from_lark(rules))
    text = bytearray()
    while not matcher.is_stopped():
        mask = int.from_bytes(matcher.compute_bitmask(), "little")
        allowed = [byte for byte in range(256) if mask >> byte & 1]
        if not allowed:
            break
        likely = [byte for byte in allowed if byte in b"'\n`"]
        byte = choices.choice(likely if likely and choices.random() < 0.3 else allowed)
        assert matcher.consume_token(byte)
        text.append(byte)
    return text.decode()


def test_sample_scene():
    """A scene as the models write it is accepted, with and without comments."""
    assert accepts(grammar(), SCENE)
    assert accepts(grammar(comments=False), without_comments(SCENE))
    assert not accepts(grammar(comments=False), SCENE)
    assert not accepts(grammar(), without_comments(SCENE))


def test_chat_around_a_scene():
    """Prose around the scene, or instead of it, is accepted where chat is allowed."""
    rules = grammar(chat=True)
    assert accepts(rules, SCENE)
    assert accepts(rules, f"Here it is:\n\n{SCENE}\n\nEnjoy!")
    assert accepts(rules, "What should be in the picture?")
    assert not accepts(rules, "```python\nprint('hello')\n```")
    assert not accepts(grammar(), f"Here it is:\n{SCENE}")


@pytest.mark.parametrize(
    ("table", "argument"),
    [(LOCATIONS, "location"), (OFFSETS, "offset"), (AREAS, "area"), (COLORS, "color")],
)
def test_every_name_is_accepted(table, argument):
    """Each name of the language's tables may be written."""
    locals_ = tuple(LocalDescription("A tray.", **{argument: name}) for name in table)
    for start in range(0, len(locals_), 50):
        canvas = Canvas(GlobalDescription("A shop."), locals_[start : start + 50])
        assert accepts(grammar(), in_fence(write(canvas)))


@given(st.from_type(Canvas))
def test_what_is_written_is_accepted(canvas):
    """The canonical code of every canvas is accepted while its distances are of this world."""
    assume(all(1e-299 < local.distance_to_viewer < 1e299 for local in canvas.local_descriptions))
    assert accepts(grammar(), in_fence(write(canvas)))


@pytest.mark.parametrize(
    ("found", "put"),
    [
        ("'on the left'", "'in the middle'"),
        ("'on the left'", '"on the left"'),
        ("'burlywood'", "'lightbrown'"),
        ("'a medium-sized vertical area'", "'medium'"),
        ("distance_to_viewer=2.5", "distance_to_viewer=0.0"),
        ("distance_to_viewer=2.5", "distance_to_viewer=-2.5"),
        ("distance_to_viewer=2.5", "distance_to_viewer='near'"),
        ("distance_to_viewer=2.5", "distance_to_viewer=" + "9" * 100),
        ("    offset='slightly to the right',\n", ""),
        ("    location=", "    place="),
        ("    quality_meta='High resolution.',\n", "    quality_meta='High resolution.'\n"),
        ("'baker, tray, apron'", "'baker's tray'"),
        ("'baker, tray, apron'", "f'baker'"),
        ("'baker, tray, apron'", "'baker' + 'tray'"),
        ("'baker, tray, apron'", "__import__('os').name"),
        ("canvas = Canvas()", "canvas = Canvas() ; import os"),
        ("canvas.add_local_description", "canvas.remove"),
        ("```python\n", ""),
        ("apron'", "apron\n'"),
        ("    tags=", "\ttags="),
    ],
)
def test_other_code_is_rejected(found, put):
    """What is not canonical code cannot be decoded."""
    assert found in SCENE
    assert not accepts(grammar(), SCENE.replace(found, put))


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_decoded_is_a_canvas(seed):
    """Text decoded at random under the grammar parses without a repair."""
    text = decoded(grammar(), seed)
    canvas = parse(text)
    assert canvas.repairs == ()
    assert canvas.global_description.color in COLORS
