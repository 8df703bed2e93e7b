"""Reading a reply while it is being written: each call at once, however the pieces fall, in linear time."""

import contextlib
import random
import re
import time
from pathlib import Path

import pytest

from canvas import CanvasError, StreamParser, parse

REPLY = (Path(__file__).parents[1] / "data" / "lantern_festival.md").read_text(encoding="utf-8")
CODE = re.search(r"```python\n(.*?)```", REPLY, re.DOTALL)[1]
SCENE = parse(REPLY)
LOCAL = "canvas.add_local_description(location='left', description="


class TestStream:
    def test_each_call_comes_the_moment_it_closes(self):
        """Fed character by character, a call is given with its closing parenthesis, no later."""
        parser = StreamParser()
        ends, calls = [], []
        for offset, character in enumerate(REPLY):
            for described in parser.feed(character):
                ends.append(offset)
                calls.append(described)
        assert ends == [match.start() for match in re.finditer(r"(?m)^\)", REPLY)]
        assert tuple(calls) == (SCENE.global_description, *SCENE.local_descriptions)
        assert parser.close() == SCENE

    def test_a_call_on_one_line_closes_with_its_parenthesis(self):
        """No later text is needed to close a call that ends in a quote."""
        parser = StreamParser()
        assert parser.feed("canvas.add_local_description(location='left', description='A dog.'") == ()
        assert len(parser.feed(")")) == 1

    def test_a_fence_ends_a_call_with_its_third_backtick(self):
        """How many follow is not waited for: they would be counted again with every piece."""
        parser = StreamParser()
        assert parser.feed(LOCAL + "'A dog.', tags=dog``") == ()
        assert len(parser.feed("`")) == 1

    def test_the_scene_so_far_grows(self):
        """Before the first call there is no scene; afterwards it holds what has closed."""
        parser = StreamParser()
        parser.feed(REPLY[: REPLY.index("canvas.set")])
        assert parser.canvas is None
        parser.feed(REPLY[REPLY.index("canvas.set") : REPLY.index("# Add a stall")])
        assert parser.canvas is not None
        assert len(parser.canvas.local_descriptions) == 2

    def test_the_remark_is_what_stands_beside_the_code(self):
        """Chat around a fenced block is kept; code and its comments are not."""
        parser = StreamParser()
        parser.feed(REPLY)
        parser.close()
        assert (
            parser.remark == "What a lovely evening to picture. Here is the scene:\n\nTell me what to change."
        )

    def test_without_fences_the_remark_has_no_code(self):
        """A reply without fences gives the same scene and the same remark."""
        parser = StreamParser()
        parser.feed("Here it is.\n" + CODE)
        assert parser.close() == SCENE
        assert parser.remark == "Here it is."

    @pytest.mark.parametrize(
        "code",
        [
            f"{LOCAL}'A dog.'.upper(), tags='dog')",
            f"{LOCAL}'A \\n dog.'.strip(), tags=f(')'))",
            f"{LOCAL}'A dog.' if day else 'A cat.')",
            f"{LOCAL}'A 'big' dog', **{{'tags': 'x'}})",
            f"{LOCAL}'A dog', distance_to_viewer=f(2))",
            f"{LOCAL}''A dog', tags='x')",
            f"{LOCAL}'It's 'A' dog', tags=['x' 'y', 'z')",
        ],
    )
    def test_broken_calls_are_the_same_character_by_character(self, code: str):
        """A piece that ends in the middle of a decision changes nothing."""
        pieces, whole = StreamParser(), StreamParser()
        calls = [call for character in code for call in pieces.feed(character)]
        assert calls == list(whole.feed(code))
        canvas = whole.close()
        assert pieces.close() == canvas
        assert pieces.close().repairs == canvas.repairs


def is_quick(text: str, piece_chars: int) -> bool:
    """Whether a text takes at most 40 times as long as plain words do, and what the interpreter may add."""
    return seconds(text, piece_chars) < 40 * seconds(plain_words(len(text)), piece_chars) + 1


def plain_words(chars: int) -> str:
    return LOCAL + "'" + "word " * (chars // 5)


def seconds(text: str, piece_chars: int) -> float:
    """The processor time that a text takes in pieces."""
    start = time.process_time()
    parser = StreamParser()
    for offset in range(0, len(text), piece_chars):
        parser.feed(text[offset : offset + piece_chars])
    with contextlib.suppress(CanvasError):
        parser.close()
    return time.process_time() - start


class TestTime:
    @pytest.mark.parametrize("opening", ["", "'", "[", "['", "x("])
    @pytest.mark.parametrize(
        "unit", ["']", "“", "r'", "'“", "'' ", "' \"", "'a',", "\t“", "#\n", "\n'", "[", "a"]
    )
    def test_a_repeated_unit_takes_linear_time(self, opening: str, unit: str):
        """A fifth of a megabyte of anything takes a fraction of a second; it took up to 18 s."""
        assert is_quick(LOCAL + opening + unit * (200_000 // len(unit)), 200_000)

    @pytest.mark.parametrize(
        "unit", ["a", "1", " ", "#", "'a'  ", "'a', ", "\n ", "'\n ", '"a', "`", "word "]
    )
    def test_many_small_pieces_take_linear_time(self, unit: str):
        """What has been read is not read again with every piece."""
        assert is_quick(LOCAL + unit * (100_000 // len(unit)), 4)
        assert is_quick(LOCAL + "'" + unit[0] * 100_000, 4)

    def test_noise_is_given_up(self):
        """A megabyte in which every line breaks a string is answered at once, in pieces as in the whole."""
        noise = LOCAL.replace("(", "(description='A dog.', ") + "[" + "'\n" * 500_000
        assert seconds(noise, len(noise)) < 20 * seconds(plain_words(len(noise)), len(noise))
        whole, pieces = StreamParser(), StreamParser()
        whole.feed(noise[:100_000])
        for offset in range(0, 100_000, 77):
            pieces.feed(noise[offset : min(offset + 77, 100_000)])
        assert pieces.close() == whole.close()

    def test_random_units_take_linear_time(self):
        """No mixture of the language's signs is slow."""
        rng = random.Random(5)
        signs = [
            "'",
            '"',
            "“",
            "(",
            ")",
            "[",
            "]",
            ",",
            "=",
            "#",
            "\n",
            "\\",
            " ",
            "a",
            "'''",
            "+",
            "tags=",
            ".",
        ]
        for _ in range(100):
            unit = "".join(rng.choices(signs, k=rng.randrange(1, 7)))
            assert is_quick(LOCAL + rng.choice(["", "'", "["]) + unit * (20_000 // len(unit)), 20_000)
