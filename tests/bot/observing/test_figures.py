"""The figures that are told, those that are explained, and those that dashboard and alerts ask for."""

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from bot.observing import BotFigures, WorkerFigures
from bot.observing.asking import Asking
from bot.observing.figures import Figures
from bot.observing.server import build_app
from engine.errors import QueueFull, Unavailable
from engine.metrics import count_answer, count_error
from engine.supervisor import Supervisor
from storage.errors import StorageFailed
from storage.store import Store

ROOT = Path(__file__).parents[3]
DASHBOARD = ROOT / "deploy/grafana/omost-bot.json"
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
NAME = re.compile(r"\b(?:omost|process)_[a-z_]+\b(?!=)")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path)
    yield store
    await store.close()


@asynccontextmanager
async def asking(figures: Figures) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(build_app(figures))
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        yield client


def bot_figures(store: Store, folder: Path) -> BotFigures:
    return BotFigures(store, Supervisor(["true"]), {}, folder)


@pytest.fixture
async def told(store: Store, tmp_path: Path) -> frozenset[str]:
    """The names of all figures that a bot and a worker tell."""
    pages: list[str] = []
    for figures in (bot_figures(store, tmp_path), WorkerFigures(store)):
        async with asking(figures) as client:
            pages.append((await client.get("/metrics")).text)
    return frozenset(re.findall(r"^# TYPE (\w+)", "\n".join(pages), re.MULTILINE))


def asked_in(expressions: Iterator[str]) -> frozenset[str]:
    """The figures in some PromQL; a histogram's parts are the histogram's."""
    found = (name for expression in expressions for name in NAME.findall(expression))
    return frozenset(re.sub("_(bucket|sum|count)$", "", name) for name in found)


def on_dashboard() -> frozenset[str]:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return asked_in(target["expr"] for panel in panels for target in panel.get("targets", ()))


async def test_every_figure_is_explained(told: frozenset[str]) -> None:
    """docs/observability.md has a row for each figure, and for no other."""
    text = (ROOT / "docs/observability.md").read_text("utf-8")
    explained = re.findall(r"^\| `(\w+)` \| (?:gauge|counter|histogram) \|", text, re.MULTILINE)
    assert sorted(explained) == sorted(told)


async def test_the_dashboard_shows_what_is_told(told: frozenset[str]) -> None:
    """Every figure that a panel asks for is told, and each of the bot's own has a panel."""
    shown = on_dashboard()
    assert shown <= told
    assert {name for name in told if name.startswith("omost_")} <= shown


def test_panels_have_places_of_their_own() -> None:
    """Each panel of the dashboard has an id of its own and lies on no other, within 24 columns."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    cells = [
        (column, row)
        for place in (panel["gridPos"] for panel in panels)
        for column in range(place["x"], place["x"] + place["w"])
        for row in range(place["y"], place["y"] + place["h"])
    ]
    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    assert len(set(cells)) == len(cells)
    assert max(column for column, _ in cells) < 24


async def test_alerts_ask_for_what_is_told(told: frozenset[str]) -> None:
    """Every figure in a rule is told, and every rule says what is wrong."""
    rules = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"][0]["rules"]
    asked = asked_in(rule["expr"] for rule in rules)
    assert len(asked) > 5
    assert asked <= told
    assert all(rule["annotations"]["summary"] for rule in rules)


async def test_a_database_that_does_not_answer(store: Store, tmp_path: Path) -> None:
    """/readyz names it, /metrics leaves out what only it knows, and /healthz stays well."""
    with sqlite3.connect(tmp_path / "omost.db") as database:
        database.execute("DROP TABLE turn")
    async with asking(bot_figures(store, tmp_path)) as client:
        ready, metrics, health = [await client.get(f"/{name}") for name in ("readyz", "metrics", "healthz")]
    assert ready.status_code == 503
    assert ready.json()["parts"] == {"database": "does not answer", "worker": "has given no sign of life"}
    assert "omost_database_up 0.0" in metrics.text
    assert "omost_open_requests{" not in metrics.text
    assert health.status_code == 200


async def test_a_question_without_an_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks a database that hangs gets no answer in time, and asks it no second time meanwhile."""
    monkeypatch.setattr("bot.observing.asking.ANSWER_S", 0.01)
    gate, asked = asyncio.Event(), 0

    async def ask() -> str:
        nonlocal asked
        asked += 1
        await gate.wait()
        return "here"

    asking = Asking(ask, nothing=StorageFailed)
    assert [await asking.answer(), await asking.answer()] == [None, None]
    assert asked == 1
    gate.set()
    assert await asking.answer() == "here"


def values(answer: httpx.Response) -> dict[str, float]:
    """Each figure's value; the process counts for all its tests."""
    lines = (line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


async def test_refusals_are_no_errors(store: Store, tmp_path: Path) -> None:
    """What people can change is counted apart from what the operator looks after; a model's pace too."""
    counted = (
        'omost_refusals_total{reason="QueueFull"}',
        'omost_errors_total{error="Unavailable"}',
        'omost_model_tokens_per_second_bucket{le="150.0"}',
    )
    async with asking(bot_figures(store, tmp_path)) as client:
        before = values(await client.get("/metrics"))
        count_error(QueueFull(5))
        count_error(Unavailable("sdxl", "model-failed"))
        count_answer(tokens=300, passes=100, took_s=2.0)
        after = values(await client.get("/metrics"))
    assert [after[name] - before.get(name, 0) for name in counted] == [1, 1, 1]
    assert 'omost_errors_total{error="QueueFull"}' not in after
