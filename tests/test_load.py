"""What `benchmarks/load.py` says of a run: every request is accounted for, and the plot shows the figures."""

import re
from xml.etree import ElementTree as ET

import pytest

from benchmarks.community import DISCORD, PAGE, PLACES, TELEGRAM, Member, Request, counted
from benchmarks.load_report import keep, kept, table, tick_s, waiting_plot

SVG = "{http://www.w3.org/2000/svg}"
ROWS = [
    {"people": 300, "p50_s": 3.3, "p99_s": 39.0},
    {"people": 10, "p50_s": 2.3, "p99_s": 2.5},
    {"people": 100, "p50_s": 3.5, "p99_s": 16.6},
]


def member(place: str, seen: dict[str, tuple[int, int]], *requests: Request) -> Member:
    async def ask(*said: object) -> None:
        raise AssertionError(said)

    return Member(place, ask, lambda code: seen.get(code, (0, 0)), list(requests))


def test_every_request_is_accounted_for():
    """What was acknowledged and has no result is lost; each result beyond the first is a duplicate."""
    seen = {"once": (1, 1), "twice": (2, 2), "lost": (1, 0)}
    members = [
        member(TELEGRAM, seen, Request("once", 0.0, finished_s=1.0), Request("unheard", 0.0)),
        member(PAGE, seen, Request("twice", 0.0, finished_s=1.0)),
        member(DISCORD, seen, Request("lost", 0.0)),
    ]
    figures = counted(members, 0.0)
    assert (figures["requests"], figures["acknowledged"], figures["delivered"]) == (4, 3, 2)
    assert (figures["lost"], figures["duplicates"]) == (1, 1)
    assert [figures[f"delivered_{place}"] for place in PLACES] == [1, 0, 0, 1]


def test_waits_are_those_without_kills():
    """Half and nearly all of the waits, of what was asked for when nothing was killed any more."""
    early = [Request("", 0.0, finished_s=1000.0)]
    later = [Request("", 10.0, finished_s=10.0 + took_s) for took_s in range(1, 101)]
    figures = counted([member(PAGE, {}, *early, *later)], calm_s=5.0)
    assert (figures["p50_s"], figures["p99_s"], figures["p99_page_s"]) == (51.0, 100.0, 100.0)
    assert "p99_discord_s" not in figures


def test_the_table_has_a_line_for_each_row():
    """Figures stand under their names."""
    columns = ("requests", "delivered", "lost", "duplicates", "kills", "alone_s", "memory_mb")
    lines = table([row | dict.fromkeys(columns, 7) for row in ROWS]).splitlines()
    assert [line.split()[0] for line in lines] == ["people", "300", "10", "100"]
    assert {len(line) for line in lines} == {len(lines[0])}


def test_rows_are_kept(tmp_path):
    """What was kept is there again; a file that is not there yet has none."""
    file = tmp_path / "rows"
    assert kept(file) == kept(None) == []
    keep(file, ROWS)
    assert kept(file) == ROWS


def test_the_plot_shows_the_figures():
    """More people stand further to the right, and longer waits higher, in proportion, in both curves."""
    drawn = ET.fromstring(waiting_plot([*ROWS, {"people": 30, "p50_s": 1.0, "p99_s": float("nan")}]))
    curves = [line.get("points", "").split() for line in drawn.iter(f"{SVG}polyline")]
    (most, half) = [[tuple(map(float, point.split(","))) for point in curve] for curve in curves]
    assert [x for x, _ in most] == sorted(x for x, _ in most) == [x for x, _ in half]
    assert len({x for x, _ in most}) == 3
    y_of = dict(zip((2.5, 16.6, 39.0, 2.3, 3.5, 3.3), (y for _, y in most + half), strict=True))
    assert (y_of[2.5] - y_of[39.0]) / (y_of[2.3] - y_of[16.6]) == pytest.approx(36.5 / 14.3, rel=0.01)
    said = [text.text for text in drawn.iter(f"{SVG}text")]
    assert {"10", "100", "300", "0 s", "40 s", "people"} <= set(said)


def test_one_row_can_be_drawn():
    """A plot needs no two numbers of people."""
    assert "300" in waiting_plot(ROWS[:1])


@pytest.mark.parametrize("most_s", [0.0, 0.7, 2.5, 5.0, 39.0, 100.0, 740.0])
def test_steps_are_round(most_s):
    """At most five steps reach as far as the longest wait, each one, two or five of a decade."""
    assert 5 * tick_s(most_s) >= most_s * 0.999
    assert f"{tick_s(most_s):e}"[0] in "125"


def luminance(color: str) -> float:
    """As WCAG 2 defines it."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_plot_can_be_read_on_white_and_on_dark_pages():
    """Every colour has a contrast of 3.5 at least to white and to the dark of code hosts."""
    colors = set(re.findall(r'="(#[0-9a-f]{6})"', waiting_plot(ROWS)))
    assert len(colors) >= 4
    for color in colors:
        for page in ("#ffffff", "#0d1117"):
            darker, lighter = sorted((luminance(color), luminance(page)))
            assert (lighter + 0.05) / (darker + 0.05) >= 3.5, (color, page)
