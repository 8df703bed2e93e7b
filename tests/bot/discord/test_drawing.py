"""How views look on Discord."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.chat import region_panels
from bot.chat.platform import TooLarge
from bot.chat.presses import Action, Press, decode
from bot.chat.views import Attachment, Button, Choice, Form, FormField, Option, Picture, Span, Style, View
from bot.discord.components import ChosenOption, PressedButton
from bot.discord.drawing import MAX_TEXT_CHARS, components, markup, uploads
from bot.discord.forms import modal
from bot.discord.platform import nonce
from bot.region_form import RegionForm
from bot.replies import words
from tests.bot.discord.limits import check_message, check_modal

SPANS = st.lists(st.builds(Span, st.text(max_size=600), st.sampled_from(Style)), max_size=12)
MARKED = [
    ("a * b _ c", Style.PLAIN, r"a \* b \_ c"),
    ("a pond ", Style.BOLD, "**a pond** "),
    ("two\n\nlines", Style.ITALIC, "*two*\n\n*lines*"),
    (" ", Style.BOLD, " "),
    ("<@7> @everyone", Style.PLAIN, r"\<@7> @everyone"),
    ("x\n# not a heading", Style.PLAIN, "x\n\\# not a heading"),
    ("# not a heading", Style.PLAIN, r"\# not a heading"),
    ("  ## not a heading", Style.PLAIN, r"  \## not a heading"),
    ("-# not small", Style.PLAIN, r"\-# not small"),
    ("x\n\n  - no list", Style.PLAIN, "x\n\n  \\- no list"),
    ("  > no quote", Style.PLAIN, r"  \> no quote"),
    (">>> no quote", Style.ITALIC, r"*\>>> no quote*"),
    ("see https://a.b/_c_", Style.PLAIN, "see https://a.b/_c_"),
    ("a`b", Style.CODE, "`a’b`"),
]


@pytest.mark.parametrize(("text", "style", "expected"), MARKED)
def test_words_look_as_they_were_written(text, style, expected):
    """What people wrote is no markup, and mentions nobody."""
    assert markup((Span(text, style),)) == expected


@given(SPANS)
def test_texts_fit(spans):
    """Whatever is said, the message is short enough, and says where it was cut."""
    written = markup(tuple(spans))
    assert len(written) <= MAX_TEXT_CHARS
    if sum(len(span.text) for span in spans) > MAX_TEXT_CHARS:
        assert written.endswith("…")


@pytest.mark.parametrize(("language", "called"), [("en", "light yellow"), ("zh", "浅黄色")])
async def test_a_colour_is_called_beside_the_name_that_is_typed(language, called):
    """Nobody has to know what the canvas calls it to see which colour it is."""
    shown = RegionForm(description="A frog.", color="lightyellow")
    form = region_panels.form(Press(Action.REGION, "a", ("0",)), shown, words(language))
    told = modal(form).to_dict()
    wrongs: list[str] = []
    check_modal(told, wrongs)
    assert wrongs == []
    fields = {each["component"]["custom_id"]: each for each in told["components"]}
    assert fields["color"]["component"]["value"] == "lightyellow"
    assert fields["color"]["description"] == called
    assert [name for name, field in fields.items() if field.get("description")] == ["color"]


async def test_views_with_too_much_still_fit():
    """Rows that are too wide are broken, or become a select; what exceeds five rows is left out."""
    many = tuple(Button(f"U{n}", Press(Action.ENLARGE, "abc", (str(n),))) for n in range(16))
    mixed = tuple(Button("x" * 90, Press(action, "abc")) for action in (*Action,)[:7])
    options = tuple(Option("é" * 120, f"r{n}", "h" * 130, is_chosen=n == 2) for n in range(30))
    choice = Choice("Go " * 80, Press(Action.GO), options)
    view = View(rows=(mixed, many, many[:3]), choices=(choice, choice))
    drawn = components(view).to_components()
    wrongs: list[str] = []
    check_message({"components": drawn}, [], wrongs)
    assert wrongs == []
    assert [row["components"][0]["type"] for row in drawn] == [2, 2, 3, 3, 3]
    assert [each["value"] for each in drawn[4]["components"][0]["options"]] == [str(n) for n in range(16)]


PRESSES = st.builds(
    Press,
    st.sampled_from(Action),
    st.from_regex(r"[a-z0-9]{0,12}", fullmatch=True),
    st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,10}", fullmatch=True), max_size=2).map(tuple),
)


@given(PRESSES, st.integers(0, 4))
def test_every_custom_id_comes_back(press, number):
    """What a button or select says is understood again, and no select is taken for a button."""
    code = ChosenOption.code(number, press)
    assert len(code) <= 100
    selects, buttons = (item.__discord_ui_compiled_template__ for item in (ChosenOption, PressedButton))
    found = selects.fullmatch(code)
    assert decode(found["press"]) == press == decode(press.encode())
    assert int(found["number"]) == number
    assert buttons.fullmatch(press.encode())
    assert not buttons.fullmatch(code)
    assert not selects.fullmatch(press.encode())


async def test_forms_fit():
    """Titles, labels and texts of a form are as long as Discord takes."""
    fields = tuple(FormField(f"f{n}", "label " * 20, "v" * 5000, max_chars=9000) for n in range(7))
    wrongs: list[str] = []
    check_modal(modal(Form("title " * 20, Press(Action.REFINE, "abc"), fields)).to_dict(), wrongs)
    assert wrongs == []


def test_pictures_that_are_too_large_change_their_format_then_their_size(tmp_path: Path):
    """PNG as it is, then WebP or JPEG, then smaller; at last nothing."""
    path = tmp_path / "noise.png"
    noise = np.random.default_rng(1).integers(0, 256, (256, 256, 3), np.uint8)
    Image.fromarray(noise).save(path)
    view = View(picture=Picture(path, "omost-abc", "noise"), attachments=(Attachment("abc.py", b"# code"),))
    size = path.stat().st_size
    (png, code), is_changed = uploads(view, size)
    assert (png.name, png.content, is_changed, code.name) == (
        "omost-abc.png",
        path.read_bytes(),
        False,
        "abc.py",
    )
    (other, _), is_changed = uploads(view, size // 2)
    assert is_changed
    assert other.name.endswith((".webp", ".jpeg", ".jpg"))
    assert len(other.content) <= size // 2
    with pytest.raises(TooLarge):
        uploads(view, 20)


def test_nonces_are_short_and_differ():
    """Discord takes 25 characters."""
    assert len({nonce(f"discord:{n}") for n in range(1000)}) == 1000
    assert all(len(nonce("x" * n)) <= 25 for n in (0, 1, 500))
