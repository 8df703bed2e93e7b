"""Names of the language in other people's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS
from canvas.reading import nearest_name, read_area, read_color, read_location, read_offset

READERS = [(read_location, LOCATIONS), (read_offset, OFFSETS), (read_area, AREAS), (read_color, COLORS)]


@pytest.mark.parametrize(("read", "table"), READERS)
def test_names_read_as_themselves(read, table):
    """Every name of the language is itself, also in capitals and with other separators."""
    for name in table:
        assert read(name) == name
        assert read(name.upper()) == name
        assert read(name.replace(" ", "_").replace("-", " ")) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("in the middle", "in the center"),
        ("Centre", "in the center"),
        ("the middle of the picture", "in the center"),
        ("right in the middle", "in the center"),
        ("everywhere", "in the center"),
        ("on the lower-left", "on the bottom-left"),
        ("bottom left corner", "on the bottom-left"),
        ("in the middle left", "on the left"),
        ("left side", "on the left"),
        ("center-left", "on the left"),
        ("at the far right edge", "on the right"),
        ("top", "on the top"),
        ("upper", "on the top"),
        ("above", "on the top"),
        ("across the top", "on the top"),
        ("in the sky", "on the top"),
        ("in the background", "on the top"),
        ("top-right corner", "on the top-right"),
        ("the upper right hand corner", "on the top-right"),
        ("TopLeft", "on the top-left"),
        ("in the background, on the left", "on the top-left"),
        ("beneath", "on the bottom"),
        ("foreground", "on the bottom"),
        ("lower middle", "on the bottom"),
        ("on the right in the foreground", "on the bottom-right"),
        ("bottom of the sky", "on the bottom"),
        ("on the botom-lft", "on the bottom-left"),
        ("in the centr", "in the center"),
        ("on the rigth", "on the right"),
        ("左", "on the left"),
        ("右上角", "on the top-right"),
        ("中间", "in the center"),
        ("画面上的左边", "on the left"),
        ("图片上方", "on the top"),
        ("前景", "on the bottom"),
    ],
)
def test_location(text, name):
    """A place in other words is the name that means it."""
    assert read_location(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("slightly above", "slightly to the upper"),
        ("a bit to the left", "slightly to the left"),
        ("slightly up", "slightly to the upper"),
        ("up and left", "slightly to the upper-left"),
        ("slightly to the bottom-right", "slightly to the lower-right"),
        ("downwards", "slightly to the lower"),
        ("slightly to the uper", "slightly to the upper"),
        ("偏左上", "slightly to the upper-left"),
        ("", "no offset"),
        ("  ", "no offset"),
        ("none", "no offset"),
        ("N/A", "no offset"),
        ("0", "no offset"),
        ("no offset to the left", "no offset"),
        ("centered", "no offset"),
        ("无", "no offset"),
    ],
)
def test_offset(text, name):
    """An offset in other words is the name that means it; nothing said is no offset."""
    assert read_offset(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("small", "a small square area"),
        ("tiny", "a small square area"),
        ("huge", "a large square area"),
        ("full", "a large square area"),
        ("the whole canvas", "a large square area"),
        ("a large tall area", "a large vertical area"),
        ("full height", "a large vertical area"),
        ("full-width", "a large horizontal area"),
        ("portrait", "a medium-sized vertical area"),
        ("landscape", "a medium-sized horizontal area"),
        ("a wide area", "a medium-sized horizontal area"),
        ("a mid-sized round area", "a medium-sized square area"),
        ("normal", "a medium-sized square area"),
        ("a small wide square area", "a small square area"),
        ("a smal verticl area", "a small vertical area"),
        ("大", "a large square area"),
        ("小，竖", "a small vertical area"),
        ("横", "a medium-sized horizontal area"),
    ],
)
def test_area(text, name):
    """A size, a shape or both are an area; what is missing is medium and square."""
    assert read_area(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("#ff0000", "red"),
        ("#F00", "red"),
        ("#ff0000cc", "red"),
        ("0x00008b", "darkblue"),
        ("ff0000", "red"),
        ("rgb(255, 0, 0)", "red"),
        ("rgba(0, 0, 255, 0.5)", "blue"),
        ("rgb(100% 0% 0%)", "red"),
        ("hsl(120, 100%, 50%)", "lime"),
        ("255, 255, 0", "yellow"),
        ("(0.0, 0.5, 0.5)", "teal"),
        ("#fe0102", "red"),
        ("scarlet", "red"),
        ("burgundy", "maroon"),
        ("amber", "gold"),
        ("charcoal", "darkslategray"),
        ("rose", "deeppink"),
        ("cream", "lemonchiffon"),
        ("mustard", "goldenrod"),
        ("navy blue", "navyblue"),
        ("sky-blue", "skyblue"),
        ("Light Goldenrod Yellow", "lightgoldenrodyellow"),
        ("dark red", "darkred"),
        ("very dark blue", "darkblue"),
        ("deep purple", "indigo"),
        ("bright yellow", "yellow"),
        ("ruby red", "crimson"),
        ("emerald green", "mediumseagreen"),
        ("bluish green", "teal"),
        ("red and white stripes", "red"),
        ("a bright red with a touch of gold", "red"),
        ("turqoise", "turquoise"),
        ("dark turqoise", "darkturquoise"),
        ("lavendar", "lavender"),
        ("红色", "red"),
        ("深红色", "darkred"),
        ("天蓝色", "skyblue"),
        ("浅绿", "lightgreen"),
        ("金色的", "gold"),
        ("粉红", "pink"),
    ],
)
def test_color(text, name):
    """A colour in numbers or other words is the nearest name to the eye."""
    assert read_color(text) == name


@pytest.mark.parametrize("read", [read_location, read_area, read_color])
@pytest.mark.parametrize(
    "text", ["", "   ", "xyzzy", "on the roof", "somehow", "?!", "\ud800", "transparent"]
)
def test_meaningless_text_is_none(read, text):
    """A text that means no name is None, never a guess."""
    assert read(text) is None


@pytest.mark.parametrize(("read", "table"), READERS)
@given(text=st.one_of(st.text(), st.text("leftrighopcnmdbu 左上#0f(),%-", max_size=60)))
def test_reading_gives_a_name_or_none(read, table, text):
    """Whatever the text, the answer is a name of the table or None."""
    found = read(text)
    assert found is None or found in table


@pytest.mark.parametrize("read", [read for read, _ in READERS])
@pytest.mark.parametrize("piece", ["left ", "x", "中", "#", "9", "ﷺ", "redblue", "small-", " "])
def test_reading_looks_at_the_start_only(read, piece):
    """A megabyte of text is read like its beginning."""
    assert read(piece * (1_000_000 // len(piece))) == read(piece * (240 // len(piece)))


def test_nearest_name():
    """The suggestion is the name spelt most like the text, whatever the text."""
    assert nearest_name("ligthblue", COLORS) == "lightblue"
    assert nearest_name("on the botom", LOCATIONS) == "on the bottom"
    assert nearest_name("", LOCATIONS) in LOCATIONS
    assert nearest_name("?" * 1_000_000, AREAS) in AREAS
