"""What a load was measured to be: kept in a file, as a table, and as a plot.

The plot is an SVG that can be read on white and on dark pages: it has no background of its own, and all its
colours are of a middle brightness. Its axis of people is logarithmic.
"""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

Row = dict[str, float]
"""The figures of one number of people."""

COLUMNS = (
    "people",
    "requests",
    "delivered",
    "lost",
    "duplicates",
    "kills",
    "p50_s",
    "p99_s",
    "alone_s",
    "memory_mb",
)

WIDTH, HEIGHT = 640, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 30, 52
TICKS = 5
"""At most so many lines above the lowest."""
LOOK = 'role="img" font-family="sans-serif" font-size="14"'
TEXT, GRID = "#767676", "#808080"
CURVES = (("p99_s", "#e0520c", "99 of 100 within"), ("p50_s", "#2f7de1", "half within"))


def keep(file: Path, rows: Iterable[Row]) -> None:
    """Writes rows to a file, one a line; those that it has are not kept."""
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")


def kept(file: Path | None) -> list[Row]:
    """The rows of a file; none where there is no file yet."""
    if file is None or not file.exists():
        return []
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def table(rows: Sequence[Row]) -> str:
    """A line for each number of people."""
    lines = ["".join(f"{name:>13}" for name in COLUMNS)]
    lines += ["".join(f"{row[name]:>13.4g}" for name in COLUMNS) for row in rows]
    return "\n".join(lines)


def waiting_plot(rows: Sequence[Row]) -> str:
    """The plot of rows with `people`, `p50_s` and `p99_s`, without those where nobody was served."""
    rows = sorted((row for row in rows if math.isfinite(row["p99_s"])), key=lambda row: row["people"])
    most_s = max((row["p99_s"] for row in rows), default=1.0)
    step_s = tick_s(most_s)
    ticks = math.ceil(most_s / step_s)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {LOOK}>',
        "<title>How long people wait for their pictures, over the number of people</title>",
        *(_level(number * step_s, number / ticks) for number in range(ticks + 1)),
        *(_curve(rows, name, color, ticks * step_s) for name, color, _ in CURVES),
        *(_people(rows, row) for row in rows),
        _text(WIDTH / 2, HEIGHT - 8, "people", "middle", TEXT),
        *_legend(),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def tick_s(most_s: float) -> float:
    """A round step with which at most TICKS of them reach as far."""
    exact = max(most_s, 1e-3) / TICKS
    unit = 10.0 ** math.floor(math.log10(exact))
    return next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= exact * (1 - 1e-9))


def _x(rows: Sequence[Row], row: Row) -> float:
    least, most = math.log(rows[0]["people"]), math.log(rows[-1]["people"])
    share = (math.log(row["people"]) - least) / (most - least) if most > least else 0.5
    return LEFT + 24 + share * (WIDTH - LEFT - RIGHT - 48)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)


def _level(seconds: float, share: float) -> str:
    line = f'<path d="M{LEFT} {_y(share):.1f}H{WIDTH - RIGHT}" stroke="{GRID}" stroke-opacity=".4"/>'
    return line + _text(LEFT - 8, _y(share) + 5, f"{seconds:g} s", "end", TEXT)


def _curve(rows: Sequence[Row], name: str, color: str, most_s: float) -> str:
    points = [(_x(rows, row), _y(row[name] / most_s)) for row in rows]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>' for x, y in points)
    return f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2.5"/>{dots}'


def _people(rows: Sequence[Row], row: Row) -> str:
    return _text(_x(rows, row), HEIGHT - BOTTOM + 22, f"{row['people']:g}", "middle", TEXT)


def _legend() -> list[str]:
    return [
        _text(LEFT + 24 + 180 * number, TOP - 12, f"● {label}", "start", color)
        for number, (_, color, label) in enumerate(CURVES)
    ]


def _text(x: float, y: float, text: str, anchor: str, color: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{text}</text>'
