"""Who is let in to the page, over HTTP: its password, the names that it goes by, and other sites."""

import httpx
import pytest
from pydantic import SecretStr
from starlette.responses import PlainTextResponse
from structlog.testing import capture_logs

from bot.sections import WebSettings
from bot.settings import Settings, SettingsError
from bot.web.guard import Guard
from bot.web.password import TRIES
from bot.web.server import build_app
from engine.jobs import JobEngine, JobsPlace, sqlite_jobs_url
from engine.studio import Studio
from storage.store import Store

PASSWORD = "correct horse"
BROWSER = {"Accept": "text/html", "Accept-Language": "en"}
FOREIGN = {"Origin": "https://other.example"}


def settings(password=PASSWORD, **web):
    return Settings(web=WebSettings(password=SecretStr(password), **web))


@pytest.fixture
async def studio(tmp_path):
    """A studio whose jobs nobody works on."""
    store = await Store.open(tmp_path)
    jobs = JobEngine(JobsPlace(sqlite_jobs_url(tmp_path), "bot-1", tmp_path), store, roles=frozenset())
    async with Studio(store, jobs) as studio:
        yield studio
    await store.close()


def browser(app, base_url="http://localhost", address="127.0.0.1"):
    transport = httpx.ASGITransport(app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url=base_url, headers=BROWSER)


def guarded(**changed):
    """A guard before something that lets everybody in."""
    return Guard(PlainTextResponse("inside"), settings(**changed))


async def entered(client, password=PASSWORD, path="/"):
    return await client.post(path, data={"password": password})


GUARDED = [
    *(("GET", path) for path in ("/", "/zh/", "/config", "/zh/config", "/theme.css", "/static/img/logo.svg")),
    *(("GET", path) for path in ("/pictures/x", "/pictures/x/thumbnail", "/scenes/x", "/zh/scenes/x")),
    *(("GET", f"/gradio_api/{name}") for name in ("info", "queue/data", "heartbeat/x", "file=config.toml")),
    *(("POST", f"/gradio_api/{name}") for name in ("queue/join", "upload", "run/predict", "reset", "cancel")),
    *((method, "/") for method in ("HEAD", "POST", "PUT", "DELETE", "OPTIONS")),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/unknown"),
]


async def test_nothing_is_answered_without_the_password(studio):
    """Every address of the page, also those of the library that it is made with; with it they work."""
    app = build_app(studio, settings())
    async with browser(app) as client:
        for method, path in GUARDED:
            answer = await client.request(method, path)
            assert (method, path, answer.status_code) == (method, path, 401)
            assert "set-cookie" not in answer.headers
        assert (await entered(client)).status_code == 303
        assert "gradio" in (await client.get("/")).text
        assert (await client.get("/gradio_api/info")).status_code == 200
        assert (await client.get("/pictures/unknown")).status_code == 404


async def test_the_form_asks_in_the_browsers_language():
    """Whatever is asked for but pages gets a line of text. Nothing of it is kept, or framed elsewhere."""
    async with browser(guarded()) as client:
        page = await client.get("/zh/")
        chinese = await client.get("/", headers={"Accept-Language": "zh-CN"})
        other = await client.get("/pictures/x", headers={"Accept": "*/*"})
    assert 'type="password"' in page.text
    assert "Open the page" in page.text
    assert "打开网页" in chinese.text
    assert other.text == "This page asks for a password."
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/zh/", "/scenes/abc", "//other.example/x"])
async def test_the_password_leads_to_where_it_was_asked(path):
    """By an address that stays on the page, in whatever folder of a site it stands."""
    async with browser(guarded()) as client:
        answer = await entered(client, path=f"http://localhost{path}")
        assert answer.headers["location"] == "./" + path.rpartition("/")[2]
        assert (await client.get(path)).text == "inside"


async def test_the_cookie_is_for_this_browser_and_this_password():
    """No script reads it and no other site sends it; a change of the password makes it worthless."""
    async with browser(guarded(), "https://page.example") as client:
        cookie = (await entered(client)).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Secure", "Path=/"} <= set(cookie.split("; "))
    ticket = cookie.partition(";")[0].partition("=")[2]
    assert PASSWORD not in cookie
    until_s, _, signature = ticket.partition(".")
    longer = f"{int(until_s) + 1}.{signature}"
    over = f"1.{signature}"
    tickets = {
        ticket: "inside",
        longer: None,
        over: None,
        until_s: None,
        f"{ticket}0": None,
        ".": None,
        "²." + signature: None,
        "9" * 5000: None,
    }
    async with browser(guarded()) as client:  # a page that was started anew
        for sent, expected in tickets.items():
            answer = await client.get("/", headers=[(b"cookie", f"omost_page={sent}".encode())])
            assert (answer.text == "inside") == (expected == "inside"), sent
    async with browser(guarded(password="battery staple")) as client:
        client.headers["Cookie"] = f"omost_page={ticket}"
        assert (await client.get("/")).status_code == 401


async def test_wrong_passwords_are_few():
    """After some from one address none is looked at for a while, not even the right one; others may try."""
    app = guarded()
    with capture_logs() as logs:
        async with browser(app, address="192.0.2.7") as client:
            for _ in range(TRIES):
                assert (await entered(client, "s3cret guess")).status_code == 401
            refused = await entered(client)
        async with browser(app, address="192.0.2.8") as client:
            assert (await entered(client)).status_code == 303
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 600
    assert "minutes" in refused.text
    assert "set-cookie" not in refused.headers
    assert [log["address"] for log in logs] == ["192.0.2.7"] * TRIES
    assert "s3cret" not in str(logs)


async def test_a_household_has_its_tries_together():
    """The addresses of one IPv6 network count as one."""
    app = guarded()
    for number in range(TRIES):
        async with browser(app, address=f"2001:db8::{number}") as client:
            assert (await entered(client, "wrong")).status_code == 401
    async with browser(app, address="2001:db8::ffff") as client:
        assert (await entered(client)).status_code == 429


@pytest.mark.parametrize("body", [b"", b"password=", b"\xff=\xff", b"password=" + b"x" * 100_000])
async def test_what_is_no_password_is_none(body):
    """Nothing, no text and no end of text."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    async with browser(guarded()) as client:
        assert (await client.post("/", content=body, headers=kind)).status_code == 401


NAMES = [
    ("localhost", True),
    ("localhost:7860", True),
    ("LOCALHOST:9", True),
    ("127.0.0.1:7860", True),
    ("127.8.8.8", True),
    ("[::1]:7860", True),
    ("evil.example", False),
    ("evil.example:7860", False),
    ("localhost.evil.example", False),
    ("127.0.0.1.evil.example", False),
    ("192.168.1.5:7860", False),
    ("0.0.0.0:7860", False),
    ("[2001:db8::1]", False),
    ("[", False),
    ("", False),
]


async def test_without_a_password_only_this_machines_names_are_answered():
    """A site whose name was made to lead here is refused; behind a password or a proxy any name will do."""
    any_name = ({"password": "", "open": True}, {"password": "", "open": True, "host": "0.0.0.0"})
    for changed in ({"password": ""}, *any_name):
        async with browser(guarded(**changed)) as client:
            for name, is_answered in NAMES:
                answer = await client.get("/", headers={"Host": name})
                expected = is_answered or changed in any_name
                assert (name, answer.text == "inside") == (name, expected)
                assert answer.status_code == (200 if expected else 403)
    async with browser(guarded()) as client:
        assert {(await client.get("/", headers={"Host": name})).status_code for name, _ in NAMES} == {401}


SITES = [
    ({}, True),
    ({"Origin": "http://localhost"}, True),
    ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, True),
    ({"Origin": "https://page.example", "Sec-Fetch-Site": "same-origin"}, True),
    ({"Origin": "http://localhost:9999"}, False),
    ({"Origin": "http://localhost:9999", "Sec-Fetch-Site": "same-site"}, False),
    ({"Origin": "https://other.example", "Sec-Fetch-Site": "cross-site"}, False),
    ({"Origin": "https://other.example"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
]


@pytest.mark.parametrize("changed", [{"password": ""}, {"password": "", "open": True}, {}])
async def test_scripts_and_forms_of_other_sites_are_refused(changed):
    """Whoever runs it, and whoever is in it; links and pictures in other sites come without an origin."""
    async with browser(guarded(**changed)) as client:
        if "password" not in changed:
            assert (await entered(client)).status_code == 303
        for method in ("GET", "POST", "OPTIONS"):
            for headers, is_answered in SITES:
                answer = await client.request(method, "/gradio_api/queue/join", headers=headers)
                assert (headers, answer.text == "inside") == (headers, is_answered)
                assert answer.status_code == (200 if is_answered else 403)


async def test_another_site_cannot_log_a_browser_in():
    """Its form is not looked at."""
    async with browser(guarded()) as client:
        answer = await client.post("/", data={"password": PASSWORD}, headers=FOREIGN)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "", "page.example"])
def test_a_page_for_other_machines_needs_a_password(host):
    """Without one it is not served, and it is said what to do; a password or an explicit word will do."""
    with pytest.raises(SettingsError, match=r"OMOST_WEB__PASSWORD.*open = true"):
        settings("", host=host).page_password()
    assert settings("", host=host, open=True).page_password() == ""
    assert settings(host=host).page_password() == PASSWORD


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_a_page_for_this_machine_needs_none(host):
    """By whatever name it calls itself."""
    assert settings("", host=host).page_password() == ""


def test_the_password_may_stand_in_a_file_of_its_own(tmp_path):
    """With its line's end; a file that is missing or empty is refused, and so is a password that is short."""
    file = tmp_path / "password"
    with pytest.raises(SettingsError, match=r"web\.password_file.*cannot be read"):
        settings("", password_file=str(file)).page_password()
    file.write_text("\n")
    with pytest.raises(SettingsError, match="no password in it"):
        settings("", password_file=str(file)).page_password()
    file.write_text(f"{PASSWORD}\n")
    assert settings("", password_file=str(file)).page_password() == PASSWORD
    file.write_text("s3cret")
    with pytest.raises(SettingsError, match="8 characters") as short:
        settings("", password_file=str(file)).page_password()
    assert "s3cret" not in str(short.value)
