"""The chat page's parts that need no browser: forms, the version tree, languages, serving."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import gradio as gr
import httpx
import pytest

from bot.progress import Progress
from bot.region_form import NEW_REGION, RegionForm, region_choices, with_region, without_region
from bot.replies import LANGUAGES, words
from bot.settings import Settings, WebSettings
from bot.version_tree import Place, places
from bot.web import AddressUnavailable, build_page, serve
from bot.web.forms import SettingsForm
from bot.web.markup import transcript
from bot.web.server import build_app
from bot.web.tree import tree
from bot.web.visit import Answered
from bot.web.visitor import visitor_id
from canvas import Canvas, Change, ChangeKind, GlobalDescription, Line, LocalDescription, Sentence
from engine.errors import BadSetting
from engine.events import ComposingText, Economised, Queued, RegionFinished, Stepped
from engine.jobs import JobEngine, JobsPlace, sqlite_jobs_url
from engine.renderer import Economy
from engine.studio import Studio
from storage.records import ConversationKey, Revision, StoredImage
from storage.scene import Scene, SceneSettings
from storage.store import Store

KITCHEN = Canvas(
    GlobalDescription("A kitchen.", color="beige"),
    (
        LocalDescription("a pot <on> a stove", color="black", distance_to_viewer=2.0, tags="pot, stove"),
        LocalDescription("a window", location="on the top", color="lightblue", distance_to_viewer=9.0),
    ),
)


def settings_form(**changes):
    values = {"width_px": 512, "height_px": 640, "seed": "", "count": 1, "composer": "embedded"}
    return SettingsForm(**{**values, "renderer": "storyboard", **changes})


def revision(name, parent_id=None, prompt="a kitchen"):
    image = StoredImage(f"image{name}", name, 0, 7, 64, 80, "key")
    key = ConversationKey("web", "tab")
    return Revision(name, key, f"turn{name}", parent_id, Scene(KITCHEN), prompt, datetime.now(UTC), (image,))


@pytest.fixture
async def studio(tmp_path):
    """A studio whose jobs nobody works on."""
    store = await Store.open(tmp_path)
    jobs = JobEngine(JobsPlace(sqlite_jobs_url(tmp_path), "bot-1", tmp_path), store, roles=frozenset())
    async with Studio(store, jobs) as studio:
        yield studio
    await store.close()


def test_an_empty_seed_is_random_for_a_new_scene_and_kept_for_a_change():
    """Where the panel names no seed, the parent's is kept, and without a parent one is drawn."""
    settings = Settings()
    assert settings_form().scene_settings(settings, 99).seed == 99
    assert settings_form(seed=" 5 ").scene_settings(settings, 99).seed == 5
    assert len({settings_form().scene_settings(settings).seed for _ in range(5)}) > 1


def test_painting_again_takes_the_panels_seed_only_when_it_is_new():
    """The seed that the picture has already would paint the same picture."""
    settings, painted = Settings(), SceneSettings(seed=5)
    assert settings_form(seed="6").again(painted, settings).seed == 6
    assert settings_form(seed="5").again(painted, settings).seed != 5


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), 512.5])
def test_a_side_must_be_a_whole_number(value):
    """An empty, broken or infinite number field is refused under the setting's name."""
    with pytest.raises(BadSetting) as refused:
        settings_form(width_px=value).scene_settings(Settings())
    assert (refused.value.name, refused.value.allowed) == ("width_px", "256-2048")


@pytest.mark.parametrize("seed", ["-1", "1e3", "٣", "9" * 5000, "7.0", "0x7"])
def test_a_seed_must_be_digits(seed):
    """Whatever else is typed as a seed is refused, at any length."""
    with pytest.raises(BadSetting):
        settings_form(seed=seed).scene_settings(Settings())


def test_a_region_form_gives_back_what_it_showed():
    """A form that was not touched leaves its region as it was, with the fields that it does not show."""
    for local in KITCHEN.local_descriptions:
        assert RegionForm.of(local).local_description(local) == local


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("description", "  "),
        ("location", "qqqq"),
        ("offset", "qqqq"),
        ("area", "qqqq"),
        ("color", "qqqq"),
        ("distance", 0),
        ("distance", -1.0),
        ("distance", None),
        ("distance", float("inf")),
    ],
)
def test_a_region_with_a_bad_value_is_refused(name, value):
    """Every field of a region is checked, and the refusal names it."""
    with pytest.raises(BadSetting) as refused:
        RegionForm(**{"description": "a cup", name: value}).local_description(None)
    assert refused.value.name.startswith(name)
    for language in LANGUAGES:
        assert "_" not in words(language).error(refused.value)


def test_regions_are_changed_added_and_removed_in_their_places():
    """The other regions keep their order."""
    cup = LocalDescription("a cup")
    first, second = KITCHEN.local_descriptions
    assert with_region(KITCHEN, 0, cup).local_descriptions == (cup, second)
    assert with_region(KITCHEN, 2, cup).local_descriptions == (first, second, cup)
    assert without_region(KITCHEN, 0).local_descriptions == (second,)


def test_regions_are_listed_by_number_with_an_entry_for_a_new_one():
    """The numbers are those of the plan and of the code."""
    labels = region_choices(KITCHEN, words("en"))
    assert labels == [("1 · a pot <on> a stove", 0), ("2 · a window", 1), ("New region", NEW_REGION)]


def test_a_branch_of_the_tree_gets_a_row_of_its_own():
    """The first child goes on in its parent's row; others, and other roots, open new rows."""
    told = [revision("a"), revision("b", "a"), revision("c", "a"), revision("d", "b"), revision("e")]
    assert places(told) == {
        "a": Place(0, 0),
        "b": Place(1, 0),
        "c": Place(1, 1),
        "d": Place(2, 0),
        "e": Place(0, 2),
    }


def test_the_tree_marks_the_shown_revision_and_escapes_prompts():
    """Each revision is one button; exactly one is current; prompts cannot become markup."""
    html = tree([revision("a", prompt="<script>x</script>"), revision("b", "a")], "b", words("en"))
    seen = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            seen.append((tag, dict(attributes)))

    Reader().feed(html)
    buttons = [attributes for tag, attributes in seen if tag == "button"]
    assert [button["data-revision"] for button in buttons] == ["a", "b"]
    assert [button.get("aria-current") for button in buttons] == [None, "true"]
    assert "script" not in {tag for tag, _ in seen}


def test_changes_are_told_in_the_language_and_the_rest_is_folded():
    """Three lines are seen at once, escaped; the others wait under how many they are."""
    lamp = Line(Sentence.RECOLOURED, {"thing": "<lamp>", "color": "darkslateblue"})
    change = Change(ChangeKind.RECOLOURED, lamp, None, None)
    html = transcript([Answered(revision("a"), changes=(change,) * 5)], words("zh"))
    seen, _, folded = html.partition("<details>")
    assert seen.count("<li>“&lt;lamp&gt;”变成了深石板蓝</li>") == 3
    assert folded.count("<li>") == 2
    assert "2" in folded.partition("<summary>")[2].partition("</summary>")[0]


def test_the_tree_of_an_empty_conversation_is_empty():
    """Nothing has been painted yet, and that is no error."""
    assert "button" not in tree([], "", words("en"))


async def test_the_page_is_one_blocks_without_telemetry(studio):
    """`build_page` gives a page that reports to nobody and publishes no endpoints."""
    page = build_page(studio, Settings())
    assert isinstance(page, gr.Blocks)
    assert page.analytics_enabled is False
    assert page.get_api_info()["named_endpoints"] == {}


async def test_what_cannot_be_used_says_why(studio):
    """Only what works here can be chosen; the other composers and renderers stand below with their reason."""
    components = build_page(studio, Settings()).get_config_file()["components"]
    chosen = [part["props"]["choices"] for part in components if part["type"] == "radio"]
    shown = [[name for name, _ in choices] for choices in chosen]
    assert shown[0] == ["embedded"]
    assert "storyboard" in shown[1]
    assert "sdxl" not in shown[1]
    html = " ".join(part["props"]["value"] for part in components if part["type"] == "html")
    for name, reason in (
        ("transformers", "no model is named"),
        ("openai", "no server is named"),
        ("sdxl", "it is not set up"),
    ):
        assert f"{name} — {reason}" in html


ADDRESSES = [
    ("", "/", 200),
    ("en-GB,en;q=0.9", "/", 200),
    ("zh-CN,zh;q=0.9,en;q=0.8", "/", 307),
    ("tlh,zh;q=0.5,en;q=0.8", "/", 200),
    ("tlh, zh-TW;q=0.9", "/", 307),
    ("zh;q=0", "/", 200),
    ("zh;q=x;;,,=", "/", 200),
    ("en", "/?language=zh", 307),
    ("zh", "/?language=en", 200),
    ("en", "/zh/", 200),
    ("zh", "/pictures/unknown", 404),
    ("zh", "/pictures/unknown/thumbnail", 404),
    ("zh", "/scenes/..%2f..%2fetc%2fpasswd", 404),
    ("zh", "/zh/scenes/unknown", 404),
    ("en", "/docs", 404),
]


async def test_addresses(studio):
    """The root answers in the browser's language or sends it there; what is not stored is not found."""
    transport = httpx.ASGITransport(build_app(studio, Settings()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for accepted, path, status in ADDRESSES:
            answer = await client.get(path, headers={"Accept-Language": accepted})
            assert (path, answer.status_code) == (path, status)
            assert answer.headers.get("location") == ("zh/" if status == 307 else None)


async def test_a_browser_is_known_by_a_secret_that_no_script_can_read(studio):
    """The first answer gives a browser its secret, later ones the same again; only pages do so."""
    transport = httpx.ASGITransport(build_app(studio, Settings()))
    async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as client:
        first = (await client.get("/")).headers["set-cookie"]
        again = (await client.get("/zh/")).headers["set-cookie"]
        client.cookies.set("omost_visitor", "../../etc", domain="localhost")
        forged = (await client.get("/")).headers["set-cookie"]
        assert "set-cookie" not in (await client.get("/pictures/unknown")).headers
        plain = (await client.get("http://localhost/")).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Secure"} <= set(first.split("; "))
    assert "Secure" not in plain.split("; ")
    assert again == first
    assert len({one.split("; ")[0] for one in (first, forged, plain)}) > 1
    assert "etc" not in forged


def test_a_visitors_name_leads_to_no_secret():
    """The same secret is the same visitor, whose name does not hold it; without one, everybody is new."""
    secret = "a" * 43
    assert visitor_id({"omost_visitor": secret}) == visitor_id({"omost_visitor": secret})
    assert "aaaa" not in visitor_id({"omost_visitor": secret})
    assert len({visitor_id(cookies) for cookies in ({}, {}, {"omost_visitor": "a"})}) == 3


QUEUE = [
    (Queued(3), "Number 3 in the queue", "排在第 3 位"),
    (Queued(3, 40), "Number 3 in the queue, about 40 seconds", "排在第 3 位，大约还要 40 秒"),
    (Queued(1, 200), "Number 1 in the queue, about 4 minutes", "排在第 1 位，大约还要 4 分钟"),
]


@pytest.mark.parametrize(("event", "english", "chinese"), QUEUE)
def test_a_place_in_the_queue_is_a_sentence(event, english, chinese):
    """The place is told with a time where one is known."""
    for language, sentence in (("en", english), ("zh", chinese)):
        progress = Progress(words(language))
        assert progress.note(event)
        assert progress.sentence == sentence


def test_who_waited_sees_that_it_begins():
    """The composer's first words take the place in the queue away."""
    progress = Progress(words("en"))
    progress.note(Queued(1))
    progress.note(ComposingText("canvas"))
    assert progress.sentence == "Composing …"
    progress.note(RegionFinished(replace(KITCHEN, local_descriptions=())))
    assert progress.sentence == "Composing …"
    progress.note(RegionFinished(KITCHEN))
    progress.note(ComposingText(" = Canvas()"))
    assert progress.sentence == "Composing … 2 regions"


def test_painting_more_thriftily_is_said_until_the_end():
    """From the moment when the memory was short, every step says so, and the bar begins anew."""
    progress = Progress(words("en"))
    progress.note(Stepped(20, 25, 0))
    progress.note(Economised(Economy.TILED))
    assert progress.share is None
    assert "Memory was short" in progress.sentence
    progress.note(Stepped(1, 25, 0))
    assert "Memory was short" in progress.sentence
    assert progress.sentence.endswith("Painting 1/25")


async def test_a_taken_port_is_told_at_once(studio):
    """Where something listens already, the page says so instead of starting."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(AddressUnavailable) as refused:
            await serve(Settings(web=WebSettings(port=port)), studio)
    assert refused.value.port == port
    assert "in use" in refused.value.reason


@pytest.mark.parametrize("host", ["192.0.2.1", "no..name"])
async def test_a_host_of_another_machine_is_told_at_once(studio, host):
    """An address that is not this machine's, or no address, is refused with the system's reason."""
    with pytest.raises(AddressUnavailable) as refused:
        await serve(Settings(web=WebSettings(host=host, port=0)), studio)
    assert refused.value.reason


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_page_cleanly(tmp_path, stop):
    """`omost-bot web` says its address, answers there, and ends without a complaint when it is told to."""
    environment = {
        **os.environ,
        "OMOST_DATA_DIR": str(tmp_path),
        "OMOST_WEB__PORT": "0",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "bot", "web"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        line = process.stdout.readline()
        address = next(word.rstrip(";,.") for word in line.split() if word.startswith("http://"))
        assert httpx.get(address, timeout=120).status_code == 200
        process.send_signal(stop)
        _, complaints = process.communicate(timeout=120)
    assert "Traceback" not in complaints
    assert process.returncode in (0, 130)
