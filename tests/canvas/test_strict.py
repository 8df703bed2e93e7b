"""Well-formed code of every shape means what it means in Python."""

import ast
import random

import pytest

from canvas import StreamParser, parse

START = "canvas = Canvas()\ncanvas.set_global_description("
TEXTS = (
    "A lamp.",
    "",
    "', tags='x",
    "',\n    tags='x",
    "canvas.add_local_description(location='left', description='A dog.')",
    "it's",
    'a "sign"',
    "'''",
    '"""',
    "#1",
    "' if a else '",
    "```",
    "a\\",
    "\n",
    "’",
    "龙, “云”",
    "])",
)


def literal(rng: random.Random, text: str) -> str:
    quote = rng.choice(["'", '"', "'''", '"""'])
    if text.isalpha() and rng.random() < 0.5:
        return f"R{quote}{text}{quote}"
    escaped = text.replace("\\", "\\\\").replace(quote[0], "\\" + quote[0]).replace("\n", "\\n")
    return f"{rng.choice(['', 'u', 'f'])}{quote}{escaped}{quote}"


def literals(rng: random.Random, text: str) -> str:
    """The text as a literal or as several that are joined, perhaps in parentheses."""
    cut = rng.randrange(len(text) + 1)
    joined = f"{space(rng)} {rng.choice(['', '+'])} ".join(
        [literal(rng, text[:cut]), literal(rng, text[cut:])]
    )
    code = joined if rng.random() < 0.5 else literal(rng, text)
    return f"({space(rng)}{code}{space(rng)})" if rng.random() < 0.3 else code


def space(rng: random.Random) -> str:
    notes = ["# it's one", "# (", "# ', tags='x'", "# canvas.add_local_description(location='x')", "# ```"]
    return rng.choice(
        ["", "", " ", "\n  ", "\t", " \\\n ", f" {rng.choice(notes)}\n", f"{rng.choice(notes)}\n"]
    )


def value_of(node: ast.expr) -> str:
    """The text of an expression of literals."""
    match node:
        case ast.Constant(value):
            return value
        case ast.JoinedStr(values):
            return "".join(map(value_of, values))
        case ast.BinOp(left, ast.Add(), right):
            return value_of(left) + value_of(right)


class TestAsInPython:
    @pytest.mark.parametrize("seed", range(200))
    def test_every_shape_means_what_python_means(self, seed: int):
        """Quotes, escapes, prefixes, sums, parentheses, comments and continued lines change nothing."""
        rng = random.Random(seed)
        arguments = [
            f"description{space(rng)}={space(rng)}{literals(rng, rng.choice(TEXTS))}",
            f"tags={literals(rng, rng.choice(TEXTS))}",
            "HTML_web_color_name='red'",
        ]
        rng.shuffle(arguments)
        items = [literals(rng, rng.choice(TEXTS)) for _ in range(rng.randrange(4))]
        opening, closing = rng.choice(["[]", "()"])
        listed = f"{space(rng)},{space(rng)}".join([*items, ""])
        arguments.append(f"detailed_descriptions={opening}{space(rng)}{listed if items else ''}{closing}")
        code = START + f"{space(rng)},{space(rng)}".join(arguments) + rng.choice(["", ","]) + space(rng) + ")"
        node = ast.parse(code).body[1].value
        meant = {keyword.arg: keyword.value for keyword in node.keywords}
        canvas = parse(code)
        scene = canvas.global_description
        assert scene.description == value_of(meant["description"])
        assert scene.tags == value_of(meant["tags"])
        assert scene.detailed_descriptions == tuple(map(value_of, meant["detailed_descriptions"].elts))
        assert canvas.repairs == ()
        parser = StreamParser()
        assert [parser.feed(character) for character in code][-1] == (scene,)

    @pytest.mark.parametrize(
        ("number", "distance"),
        [
            ("2", 2.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("1_000", 1000.0),
            ("1e3", 1000.0),
            ("+2", 2.0),
            ("007.5", 7.5),
        ],
    )
    def test_numbers_mean_what_python_means(self, number: str, distance: float):
        """Every way of writing a decimal number gives that number."""
        code = f"{START}description='A lake.')\ncanvas.add_local_description(distance_to_viewer={number}, "
        (local,) = parse(code + "location='on the left', description='A dog.')").local_descriptions
        assert local.distance_to_viewer == distance

    @pytest.mark.parametrize("separator", ["; ", "\n", "  # canvas.add_local_description(location='x')\n"])
    def test_statements_may_share_a_line(self, separator: str):
        """A semicolon separates calls; a call in a comment behind a call is no call."""
        code = START + f"description='A lake.'){separator}canvas.add_local_description(description='A dog.')"
        assert [local.description for local in parse(code).local_descriptions] == ["A dog."]
