"""What a real bot with its real worker tells those who watch it: over HTTP, and in its log."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.house import is_result
from tests.ports import free_ports

SECRET_WORD = "xylophonium"
SECRETS = {
    "OMOST_OPENAI__API_KEY": "sk-a1b2c3d4e5f6g7h8",
    "OMOST_WEB__PASSWORD": "open-sesame-12",
    "HF_TOKEN": "hf_QwErTyUiOpAsDf",
}
SETTINGS = {
    "OMOST_WEB__PORT": "0",
    "OMOST_WEB__CALL_PAUSE_S": "0",
    "OMOST_PICTURE__WIDTH_PX": "256",
    "OMOST_PICTURE__HEIGHT_PX": "256",
    "OMOST_LOG__LEVEL": "debug",
    "OMOST_LOG__FORMAT": "json",
}
PATIENCE_S = 120


@dataclass(frozen=True)
class Seen:
    """What was told by a bot that painted one picture for somebody on Telegram.

    Attributes:
        readiness: The answers of /readyz: when all was well, and when Telegram was not heard.
        log: Of both processes.
    """

    token: str
    bot_metrics: str
    worker_metrics: str
    readiness: tuple[httpx.Response, ...]
    health: httpx.Response
    log: str
    status: int

    def value(self, name: str, **labels: str) -> float:
        """A figure of the bot's."""
        return figures(self.bot_metrics)[name, tuple(sorted(labels.items()))]


def figures(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of a page by its name and labels."""
    families = text_string_to_metric_families(text)
    samples = (sample for family in families for sample in family.samples)
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


@asynccontextmanager
async def running(folder: Path, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`omost-bot run` with these settings alone, in an empty folder."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("OMOST_")}
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "bot", "run"),
            cwd=folder,
            env={**others, **SETTINGS, **SECRETS, "PTB_TIMEDELTA": "true", **variables},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()


async def until_ready(client: httpx.AsyncClient, *, is_ready: bool) -> httpx.Response:
    """The first answer of /readyz that says so."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                answer = await client.get("/readyz")
            except httpx.ConnectError:  # not yet
                answer = None
            if answer is not None and answer.json()["ready"] is is_ready:
                return answer
            await asyncio.sleep(0.05)  # another process sets no events


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Seen]:
    folder = tmp_path_factory.mktemp("observed")
    port, worker_port = free_ports(2)
    # the port is listened on long before anything answers there
    asking = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S)
    async with BotApi() as telegram, asking as client:
        variables = {
            "OMOST_TELEGRAM__TOKEN": telegram.token,
            "OMOST_TELEGRAM__API_BASE_URL": telegram.url,
            "OMOST_METRICS__PORT": str(port),
            "OMOST_METRICS__WORKER_PORT": str(worker_port),
        }
        async with running(folder, **variables) as process:
            ready = await until_ready(client, is_ready=True)
            ada = telegram.person("Ada")
            chat = telegram.private(ada)
            await chat.say(ada, f"/omost a red boat on a lake, {SECRET_WORD}")
            await chat.wait_for(is_result, PATIENCE_S)
            await until_measured(client)
            worker_metrics = (await client.get(f"http://127.0.0.1:{worker_port}/metrics")).text
            health = await client.get("/healthz")
            await chat.say(ada, "/omost " + "x" * 5000)
            await chat.wait_for(lambda message: "characters" in message.text, PATIENCE_S)
            bot_metrics = (await client.get("/metrics")).text
            telegram.faults.lose("getUpdates", times=1000)
            await chat.say(ada, "/queue")  # ends the question for news that waits
            unheard = await until_ready(client, is_ready=False)
        status = process.returncode
    log = (folder / "log").read_text()
    assert status is not None
    yield Seen(telegram.token, bot_metrics, worker_metrics, (ready, unheard), health, log, status)


async def until_measured(client: httpx.AsyncClient) -> None:
    """Waits until the picture has been counted."""
    async with asyncio.timeout(PATIENCE_S):
        while not figures((await client.get("/metrics")).text)["omost_pictures_total", ()]:  # noqa: ASYNC110 - another process sets no events
            await asyncio.sleep(0.05)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_picture_is_measured_stage_by_stage(seen: Seen) -> None:
    """After one picture every stage has been counted once, and took no longer than the whole."""
    whole_s = seen.value("omost_stage_seconds_sum", stage="whole")
    for stage in ("wait", "compose", "render", "first_picture", "deliver", "whole"):
        assert seen.value("omost_stage_seconds_count", stage=stage) == 1, stage
        assert 0 < seen.value("omost_stage_seconds_sum", stage=stage) <= whole_s, stage
    assert seen.value("omost_requests_total", platform="telegram", result="done") == 1
    assert seen.value("omost_deliveries_total", platform="telegram", result="delivered") == 1
    assert seen.value("omost_refusals_total", reason="PromptTooLong") == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_the_moment_is_told(seen: Seen) -> None:
    """What is looked up while somebody asks: queue, worker, database, chats, memory, disk."""
    assert seen.value("omost_open_requests", stage="waiting") == 0
    assert seen.value("omost_worker_up") == seen.value("omost_database_up") == 1
    assert seen.value("omost_platform_connected", platform="telegram") == 1
    assert seen.value("process_resident_memory_bytes") > 1e7
    assert seen.value("omost_data_free_bytes") > 0
    assert seen.value("omost_event_loop_lag_seconds_count") > 0
    assert figures(seen.worker_metrics)["process_resident_memory_bytes", ()] > 1e7


@pytest.mark.asyncio(loop_scope="module")
async def test_readiness_names_what_is_not_ready(seen: Seen) -> None:
    """/readyz is 200 while all works, and 503 with the name of the chats that are not heard."""
    ready, unheard = seen.readiness
    assert ready.status_code == 200
    assert ready.json()["parts"] == {"database": "ok", "worker": "ok", "telegram": "ok"}
    assert unheard.status_code == 503
    assert unheard.json()["parts"] == {"database": "ok", "worker": "ok", "telegram": "is not connected"}
    assert (seen.health.status_code, seen.health.json()) == (200, {"alive": True})


@pytest.mark.asyncio(loop_scope="module")
async def test_no_secret_is_told(seen: Seen) -> None:
    """Neither figures nor log hold a token, a key, a password, a person's name or what was asked for."""
    told = {"bot": seen.bot_metrics, "worker": seen.worker_metrics, "log": seen.log}
    for where, text in told.items():
        assert len(text) > 1000, where
        for secret in (*SECRETS.values(), seen.token, SECRET_WORD, "red boat", "Ada"):
            assert secret not in text, (where, secret)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_log_tells_a_requests_way(seen: Seen) -> None:
    """One JSON object a line; what happens to a request carries its ids, in both processes."""
    events = [json.loads(line) for line in seen.log.splitlines()]
    on_the_way = ("request_taken", "scene_composed", "picture_painted", "request_ended")
    told = {event["event"]: event for event in events if event["event"] in on_the_way}
    assert tuple(sorted(told)) == tuple(sorted(on_the_way))
    ids = {(event["turn_id"], event["platform"], event["conversation"]) for event in told.values()}
    assert len(ids) == 1
    assert re.match(r"telegram:", told["request_taken"]["turn_id"])
    assert seen.status == 0
    assert [event for event in events if event["level"] in ("error", "critical")] == []
