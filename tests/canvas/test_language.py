"""Reading and writing Canvas code: what is well formed, what is mended, what is refused."""

import ast
import json
import random
import re
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas import Canvas, CanvasError, StreamParser, parse, write

REPLY = (Path(__file__).parents[1] / "data" / "lantern_festival.md").read_text(encoding="utf-8")
CODE = re.search(r"```python\n(.*?)```", REPLY, re.DOTALL)[1]
SCENE = parse(REPLY)


def call(arguments: str, method: str = "add_local_description") -> str:
    return f"canvas = Canvas()\ncanvas.{method}({arguments})\n"


def only_local(text: str):
    (local,) = parse(text).local_descriptions
    return local


def outcome_of(text: str) -> Canvas | CanvasError:
    try:
        return parse(text)
    except CanvasError as error:
        return error


def whole(text: str):
    return streamed([text])


def streamed(pieces: list[str]):
    """Everything that a parser has to say about a text in pieces."""
    parser = StreamParser()
    calls = tuple(call for piece in pieces for call in parser.feed(piece))
    try:
        canvas = parser.close()
    except CanvasError as error:
        return str(error), parser.remark
    return calls[: len(canvas.local_descriptions) + 1], canvas, canvas.repairs, parser.remark


class TestWellFormed:
    def test_a_model_reply_gives_its_scene(self):
        """The canonical form is read without a single mend."""
        assert SCENE.repairs == ()
        assert SCENE.global_description.description == "A lantern festival by the river."
        assert len(SCENE.global_description.detailed_descriptions) == 6
        assert SCENE.global_description.tags.endswith("it's magical")
        assert [local.location for local in SCENE.local_descriptions] == [
            "in the center",
            "on the left",
            "on the right",
            "on the top",
            "on the bottom",
        ]
        assert SCENE.local_descriptions[1].distance_to_viewer == 3.5

    def test_writing_gives_the_form_that_was_read(self):
        """The canonical form is a fixed point but for its comments."""
        without_comments = re.sub(r"(?m)^#.*\n", "", CODE)
        assert re.sub(r"(?m)^#.*\n", "", write(SCENE)) == without_comments

    @given(canvas=st.from_type(Canvas))
    def test_every_canvas_survives_writing(self, canvas: Canvas):
        """What is written is read back equal, with nothing to mend."""
        again = parse(write(canvas))
        assert again == canvas
        assert again.repairs == ()

    @given(canvas=st.from_type(Canvas))
    def test_what_is_written_is_python(self, canvas: Canvas):
        """Every call that is written is a Python call with literal arguments, so any tool can read it."""
        calls = [node for node in ast.walk(ast.parse(write(canvas))) if isinstance(node, ast.Call)]
        methods = [node for node in calls if isinstance(node.func, ast.Attribute)]
        assert len(methods) == 1 + len(canvas.local_descriptions)
        for node in methods:
            assert {word.arg: ast.literal_eval(word.value) for word in node.keywords}

    @given(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=30),
            min_size=1,
            max_size=4,
        ),
        st.sampled_from(["repr", "double", "triple", "parts", "plus"]),
        st.sampled_from(["", " ", "\n    ", "  # a note, it's one\n"]),
    )
    def test_python_literals_mean_what_python_means(self, texts: list[str], form: str, space: str):
        """Every way of writing a string in well-formed code gives that string."""
        forms = {
            "repr": repr,
            "double": lambda text: json.dumps(text, ensure_ascii=False),
            "triple": lambda text: '"""' + text.replace("\\", "\\\\").replace('"', '\\"') + '"""',
            "parts": lambda text: f"{text[:3]!r} {text[3:]!r}",
            "plus": lambda text: f"{text[:3]!r} + {text[3:]!r}",
        }
        items = [forms[form](text) for text in texts]
        code = call(
            f"description={items[0]},{space}detailed_descriptions=[{(',' + space).join(items)}],{space}"
            f"tags='t', HTML_web_color_name='red'",
            "set_global_description",
        )
        assert ast.parse(code)
        scene = parse(code).global_description
        assert scene.description == texts[0]
        assert list(scene.detailed_descriptions) == texts

    def test_arguments_may_stand_without_names(self):
        """Positional arguments have the order of the language."""
        code = call(
            "'on the left', 'no offset', 'a large square area', 2, 'A cat.', ['Grey.', \"It's old.\"], "
            "'cat', 'calm', 'soft', 'sharp', 'gray'"
        )
        local = only_local(code)
        assert (local.location, local.distance_to_viewer, local.description) == ("on the left", 2.0, "A cat.")
        assert local.detailed_descriptions == ("Grey.", "It's old.")
        assert (local.quality_meta, local.color) == ("sharp", "gray")

    def test_the_last_complete_block_counts(self):
        """A correction replaces what the reply said before; a correction that is cut off does not."""
        second = CODE.replace("A lantern festival", "A kite festival")
        both = f"First:\n```python\n{CODE}```\nBetter:\n```python\n{second}```\n"
        assert parse(both).global_description.description.startswith("A kite")
        assert parse(both[: both.rindex("canvas.add_local")]).global_description.description.startswith(
            "A lantern"
        )

    def test_a_second_global_call_replaces_the_first(self):
        """Within one block of code the later call counts and the regions stay, as in Python."""
        again = "canvas.set_global_description(description='Dawn.', tags='t', detailed_descriptions=[])\n"
        canvas = parse(f"```python\n{CODE}{again}```")
        assert canvas.global_description.description == "Dawn."
        assert canvas.local_descriptions == SCENE.local_descriptions

    def test_windows_line_ends_change_nothing(self):
        """Line ends are white space."""
        assert parse(REPLY.replace("\n", "\r\n")) == SCENE


class TestMended:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("'Surrounding the 'O' are stars.'", "Surrounding the 'O' are stars."),
            ('"A sign that says "Stop" in red."', 'A sign that says "Stop" in red.'),
            ("'A tower (the 'Big Ben') in fog.'", "A tower (the 'Big Ben') in fog."),
            ("'The word 'Hello', large.'", "The word 'Hello', large."),
            ("'We are '#1' in town.'", "We are '#1' in town."),
            ("“A dog’s life.”", "A dog’s life."),
            ("‘A dog’s life.’", "A dog’s life."),
            ("„Ein Hund.“", "Ein Hund."),
            ("'A dog ' 'and a cat.'", "A dog and a cat."),
            ("f'A {dog}.'", "A {dog}."),
            ("'A dog.'.upper()", "A dog."),
            ("('A dog '\n  'and a cat.')", "A dog and a cat."),
            ("'龙在天上飞。'", "龙在天上飞。"),
            ("'كلب على الشاطئ'", "كلب على الشاطئ"),
            (r"'caf\u00e9 \N{SNOWMAN} \x41'", "café ☃ A"),
            ("A dog on a beach", "A dog on a beach"),
        ],
    )
    def test_strings_as_models_write_them(self, text: str, expected: str):
        """Quotes of every kind give the text that was meant, on one line or on several."""
        for comma in (", ", ",\n    "):
            code = call(f"location='on the left'{comma}description={text}{comma}tags='dog'")
            local = only_local(code)
            assert local.description == expected
            assert local.tags == "dog"

    def test_a_missing_quote_costs_no_more_than_its_line(self):
        """The next argument is read although the string before it was not closed."""
        local = only_local(call("\n    location='on the left',\n    description='A dog,\n    tags='dog',\n"))
        assert (local.description, local.tags) == ("A dog", "dog")

    @pytest.mark.parametrize(
        ("argument", "attribute", "expected"),
        [
            ("location='in the middle'", "location", "in the center"),
            ("location='lower left corner'", "location", "on the bottom-left"),
            ("offset='slightly above'", "offset", "slightly to the upper"),
            ("area='huge'", "area", "a large square area"),
            ("area='tiny'", "area", "a small square area"),
            ("HTML_web_color_name='#ff0000'", "color", "red"),
            ("HTML_web_color_name='rgb(0, 0, 128)'", "color", "navy"),
            ("color='burgundy'", "color", "maroon"),
            ("HTML_web_colour_name='red'", "color", "red"),
            ("distance_to_viewer='3.5'", "distance_to_viewer", 3.5),
            ("distance_to_viewer='far away'", "distance_to_viewer", 10.0),
            ("distance_to_viewer=-3", "distance_to_viewer", 3.0),
            ("distance_to_viewer=1e999", "distance_to_viewer", sys.float_info.max),
            ("detailed_descriptions='One.'", "detailed_descriptions", ("One.",)),
            (
                "detailed_descriptions=['One.', ['Two.', ('Three.',)]]",
                "detailed_descriptions",
                ("One.", "Two.", "Three."),
            ),
            ("tags=['a', 'b']", "tags", "a, b"),
            ("tgas='a, b'", "tags", "a, b"),
            ("tags: 'a'", "tags", "a"),
        ],
    )
    def test_arguments_as_models_write_them(self, argument: str, attribute: str, expected: object):
        """Names, numbers and lists are understood, and each mend is kept."""
        canvas = parse(call(f"location='on the left', description='A dog.', {argument}"))
        (local,) = canvas.local_descriptions
        assert getattr(local, attribute) == expected
        assert canvas.repairs

    def test_a_repair_says_where_what_and_how(self):
        """A repair has the line, what was found and what was used."""
        canvas = parse(CODE.replace("location='on the right'", "location='right hand side'"))
        (repair,) = canvas.repairs
        line = CODE[: CODE.index("location='on the right'")].count("\n") + 1
        assert (repair.line, repair.what) == (line, "location")
        assert (repair.found, repair.used) == ("right hand side", "on the right")

    @pytest.mark.parametrize(
        "spelling", ["Canvas.add_local_description", "canvas . Add_Local_Description", "add_local_descripton"]
    )
    def test_calls_as_models_write_them(self, spelling: str):
        """The call's name may be mis-spelt or in the wrong case."""
        name = spelling if "anvas" in spelling else f"canvas.{spelling}"
        assert only_local(f"canvas = canvas()\n{name}(location='left', description='A dog.')").tags == ""

    def test_without_a_global_call_the_regions_describe_the_whole(self):
        """A missing global description is made of the local ones and said to be mended."""
        canvas = parse(
            call("location='left', description='A dog.'")
            + call("location='right', description='A cat.'")[18:]
        )
        assert canvas.global_description.description == "A dog. A cat."
        assert any(repair.what == "global description" for repair in canvas.repairs)

    def test_definitions_and_comments_are_no_calls(self):
        """A reply that quotes the class or comments a call out gains no region."""
        quoted = "class Canvas:\n    def add_local_description(self, location: str):\n        pass\n"
        commented = "# canvas.add_local_description(location='left', description='A dog.')\n"
        assert parse(quoted + commented + CODE) == SCENE


class TestCutOff:
    def test_complete_calls_survive_a_cut_anywhere(self):
        """At every cut the calls that had closed are there, and nothing but `CanvasError` is raised."""
        ends = [match.end() for match in re.finditer(r"(?m)^\)", CODE)]
        for cut in range(0, len(CODE), 7):
            closed = sum(end <= cut for end in ends)
            try:
                canvas = parse(CODE[:cut])
            except CanvasError:
                assert closed == 0
            else:
                calls = (canvas.global_description, *canvas.local_descriptions)
                complete = (SCENE.global_description, *SCENE.local_descriptions)[:closed]
                assert calls[:closed] == complete

    def test_a_cut_call_keeps_its_whole_arguments(self):
        """Place and description are enough to keep a region whose code breaks off."""
        cut = CODE[: CODE.index("tags='sign, golden")]
        sign = parse(cut).local_descriptions[-1]
        assert (sign.location, sign.description) == ("on the top", "A sign that reads 'Lantern Night'.")
        assert sign.distance_to_viewer == 6.0

    def test_a_cut_call_without_description_is_left_out(self):
        """Half a place is no region."""
        cut = CODE[: CODE.index('description="A sign')]
        assert len(parse(cut).local_descriptions) == 3


class TestRefused:
    def test_no_code_says_what_was_expected(self):
        """A reply without code is an error that names the call."""
        with pytest.raises(CanvasError, match="set_global_description") as caught:
            parse("I am sorry, I cannot draw that.")
        assert (caught.value.line, caught.value.column) == (1, 1)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("location='on the right'", "location='qqq'"),
            ("HTML_web_color_name='sandybrown'", "HTML_web_color_name='zzyzx'"),
            ("area='a medium-sized vertical area'", "area='42'"),
        ],
    )
    def test_a_name_that_nobody_can_read_is_an_error_at_its_place(self, old: str, new: str):
        """The error has line, column and the nearest valid name."""
        text = CODE.replace(old, new)
        with pytest.raises(CanvasError) as caught:
            parse(text)
        before = text[: text.index(new)]
        assert caught.value.line == before.count("\n") + 1
        assert caught.value.column == 5
        assert caught.value.suggestion
        assert new.split("'")[1] in str(caught.value)

    def test_an_unknown_call_is_named(self):
        """A call that the language does not have is an error with the nearest one."""
        with pytest.raises(CanvasError) as caught:
            parse("\n\ncanvas.paint(description='x')")
        assert (caught.value.line, caught.value.suggestion) == (3, "set_global_description")


class TestHostile:
    @pytest.mark.parametrize(
        "value",
        [
            "__import__('os').system('touch {trap}')",
            "open('{trap}', 'w')",
            "().__class__.__base__.__subclasses__()",
            "(lambda: open('{trap}', 'w'))()",
            "[open('{trap}', 'w') for _ in 'x']",
            "(x := open('{trap}', 'w'))",
            'f\'{{open("{trap}", "w")}}\'',
            'exec(\'open("{trap}", "w")\')',
            "'a' if open('{trap}', 'w') else 'b'",
            "10 ** 10 ** 10",
            "9" * 5000,
            "'%s' % open('{trap}', 'w')",
            "{{'a': open('{trap}', 'w')}}",
            "*open('{trap}', 'w')",
            "'x' * 10 ** 12",
        ],
    )
    @pytest.mark.parametrize("name", ["description", "tags", "distance_to_viewer", "detailed_descriptions"])
    def test_no_code_of_a_model_runs(self, value: str, name: str, tmp_path: Path):
        """Code where a literal belongs is left out or taken as text; the region around it is kept."""
        trap = tmp_path / "trap"
        code = value.replace("{trap}", str(trap)).replace("{{", "{").replace("}}", "}")
        canvas = parse(
            call(f"location='left', description='A dog.', {name}={code}, offset='no offset', style='s'")
        )
        assert not trap.exists()
        assert len(canvas.local_descriptions) == 1

    def test_imports_and_statements_around_the_calls_do_nothing(self, tmp_path: Path):
        """Only the calls of the language count, wherever other code stands."""
        trap = tmp_path / "trap"
        code = f"import os\nos.system('touch {trap}')\n{CODE}\nopen('{trap}', 'w')\nwhile True: pass\n"
        assert parse(code) == SCENE
        assert not trap.exists()

    @pytest.mark.parametrize(
        "bracket", ["(", "[", "{", "([", "f(", "'", '"', "’", "`", "\\", "#", ",", "a=", "\n"]
    )
    def test_nesting_costs_no_stack_and_little_memory(self, bracket: str):
        """A hundred thousand brackets or quotes end in a canvas or an error, in a few times their size."""
        text = call("location='left', description=" + bracket * 100_000)
        tracemalloc.start()
        try:
            parse(text)
        except CanvasError:
            pass
        finally:
            _, peak_bytes = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak_bytes < 20 * len(text) + 200_000

    @settings(max_examples=300)
    @given(
        st.text(
            alphabet=st.one_of(st.characters(), st.sampled_from("'\"()[]{},=#\\\n`canvas.ds ")), max_size=300
        )
    )
    def test_any_text_gives_a_canvas_or_an_error_with_a_place(self, text: str):
        """Whatever stands inside of a call, nothing else than `CanvasError` comes out."""
        for code in (text, call(text), call(f"location='left', description='{text}")):
            outcome = outcome_of(code)
            assert isinstance(outcome, Canvas) or (outcome.line >= 1 and outcome.column >= 1)


class TestMutations:
    def mutated(self, rng: random.Random) -> str:
        text = CODE
        place = rng.randrange(len(text))
        match rng.randrange(6):
            case 0:
                return text[:place]
            case 1:
                return text[:place] + rng.choice("'\"’“`()[],=#\\\n") + text[place:]
            case 2:
                return text[:place] + text[place + 1 :]
            case 3:
                return text[:place] + text[place + rng.randrange(40) :]
            case 4:
                return text.replace("'", rng.choice(['"', "’", "“"]), rng.randrange(1, 60))
            case _:
                return text[:place] + text[place : place + 2][::-1] + text[place + 2 :]

    def test_nearly_every_mutation_still_gives_a_canvas(self):
        """Of a thousand cut, quoted and mis-spelt replies nothing raises but `CanvasError`, and few do."""
        rng = random.Random(7)
        first_call = CODE.index("tags=")
        given_up = 0
        for _ in range(1000):
            text = self.mutated(rng)
            try:
                parse(text)
            except CanvasError:
                given_up += len(text) > first_call
        assert given_up <= 30

    def test_pieces_give_what_the_whole_gives(self):
        """However a reply is cut into pieces, calls, canvas, repairs and remark are the same."""
        rng = random.Random(11)
        for _ in range(60):
            text = self.mutated(rng) if rng.random() < 0.9 else REPLY
            pieces, rest = [], text
            while rest:
                size = rng.choice([1, 1, 2, 5, 60])
                pieces.append(rest[:size])
                rest = rest[size:]
            assert streamed(pieces) == whole(text)
