"""`omost-bot doctor` at Telegram, Discord, a model's server and a hub, each a real one on loopback."""

import asyncio
import json
from contextlib import closing
from functools import partial
from http import HTTPStatus

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from bot.doctor import examine
from bot.doctor.discord import discord
from bot.doctor.findings import Case, Clocks
from bot.doctor.models import composers
from bot.doctor.ports import ports
from bot.doctor.telegram import telegram
from bot.listening import listen
from bot.replies import words
from bot.sections import (
    DiscordSettings,
    OpenAISettings,
    PictureSettings,
    TelegramSettings,
    TransformersSettings,
    WebSettings,
)
from bot.serving import serve_app
from bot.settings import Settings
from bot.web.guard import Guard
from tests.bot.discord.gateway import discord_on_loopback
from tests.bot.telegram.bot_api import TOKEN, BotApi
from tests.bot.telegram.updates import Webhook
from tests.engine.rig.hub import hub_of
from tests.engine.rig.llm_server import LlmServer, answering, listing

OTHER_TOKEN = "4343:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
HOOK = "https://bot.example/telegram"


async def findings(look, **tables):
    """What a look finds with these tables of the settings, by name."""
    case = Case(Settings(**tables), words("en"), Clocks())
    found = await asyncio.to_thread(lambda: list(look(case)))
    return {each.name: each for each in found}, case


def told_by(found):
    return {name: each.status for name, each in found.items()}


# --- the page -----------------------------------------------------------------------------------------


@pytest.mark.asyncio(loop_scope="module")
async def test_a_page_that_is_served_is_known(site):
    """The port of a bot that runs is no fault; nor is that of a page which asks for a password."""
    port = int(site.address.rpartition(":")[2])
    found, _ = await findings(ports, web=WebSettings(port=port))
    assert told_by(found) == {"page": "ok"}
    assert "a bot answers" in found["page"].summary
    with listen("127.0.0.1", 0) as listener:
        listening = asyncio.Event()
        guarded = Guard(Starlette(), Settings(web=WebSettings(password=SecretStr("long enough"))))
        serving = asyncio.create_task(serve_app(guarded, listener, on_started=listening.set))
        await listening.wait()
        found, _ = await findings(ports, web=WebSettings(port=listener.getsockname()[1]))
        serving.cancel()
        await asyncio.wait([serving])
    assert told_by(found) == {"page": "ok"}


# --- Telegram -----------------------------------------------------------------------------------------


@pytest.fixture
async def bot_api():
    async with BotApi() as server:
        yield server


def on_telegram(server, token=TOKEN, **more):
    return TelegramSettings(token=SecretStr(token), api_base_url=server.url, **more)


async def test_telegram_knows_the_token(bot_api):
    """An account in good order is one line, its clock is noted, and Telegram is told nothing."""
    found, case = await findings(telegram, telegram=on_telegram(bot_api))
    assert told_by(found) == {"telegram": "ok"}
    assert f"@{bot_api.bot.username}" in found["telegram"].summary
    assert case.clocks.nearest()[0] == "Telegram"
    assert [call.method for call in bot_api.all_calls] == ["getMe", "getWebhookInfo"]


async def test_telegram_does_not_know_the_token(bot_api):
    """A token that is refused, or is none, is a failure that does not repeat it."""
    found, _ = await findings(telegram, telegram=on_telegram(bot_api, OTHER_TOKEN))
    assert told_by(found) == {"telegram": "failure"}
    assert OTHER_TOKEN not in repr(found)
    found, _ = await findings(telegram, telegram=on_telegram(bot_api, OTHER_TOKEN.replace(":", "")))
    assert "not the form" in found["telegram"].summary
    assert "AAbb" not in repr(found)


async def test_telegram_that_is_away_is_waited_for():
    """The bot starts without it, so it is a warning; the address with the token in it is not told."""
    settings = TelegramSettings(token=SecretStr(TOKEN), api_base_url="http://127.0.0.1:1")
    found, _ = await findings(telegram, telegram=settings)
    assert told_by(found) == {"telegram": "warning"}
    assert TOKEN not in repr(found)


async def test_a_forgotten_webhook_is_told(bot_api):
    """A webhook of somebody else's is told by its host alone."""
    bot_api.updates.webhook = Webhook("https://elsewhere.example/secret-path")
    found, _ = await findings(telegram, telegram=on_telegram(bot_api))
    assert told_by(found) == {"telegram": "ok", "telegram.webhook": "warning"}
    assert "elsewhere.example" in found["telegram.webhook"].summary
    assert "secret-path" not in repr(found)


async def test_a_webhook_that_fails_is_told(bot_api):
    """What went wrong on the way stands in the finding; before the first start there is nothing."""
    settings = on_telegram(bot_api, webhook_url=HOOK)
    found, _ = await findings(telegram, telegram=settings)
    assert told_by(found)["telegram.webhook"] == "ok"
    bot_api.updates.webhook = Webhook(HOOK, error="Connection timed out", error_at_s=bot_api.clock.now_s())
    found, _ = await findings(telegram, telegram=settings)
    assert told_by(found)["telegram.webhook"] == "warning"
    assert "Connection timed out" in found["telegram.webhook"].summary


async def test_an_address_that_telegram_never_calls_is_a_failure():
    """Telegram itself wants HTTPS at one of its ports."""
    settings = TelegramSettings(
        token=SecretStr(TOKEN), webhook_url="https://bot.example:9000/x", proxy="http://127.0.0.1:1"
    )
    found, _ = await findings(telegram, telegram=settings)
    assert told_by(found) == {"telegram.webhook": "failure", "telegram": "warning"}


async def test_more_than_is_needed_is_told():
    """Without privacy mode the bot is sent what is not its business."""
    async with BotApi(has_privacy_mode=False) as server:
        found, _ = await findings(telegram, telegram=on_telegram(server))
    assert told_by(found) == {"telegram": "ok", "telegram.privacy": "warning"}


# --- Discord ------------------------------------------------------------------------------------------


@pytest.fixture
async def world():
    async with discord_on_loopback() as (world, _):
        yield world


def on_discord(world, token="a-token"):
    return DiscordSettings(token=SecretStr(token), api_base_url=f"{world.url}/api/v10")


async def test_discord_knows_the_token(world):
    """An account in good order, on a server with all permissions."""
    world.guild("pictures")
    world.application = {"integration_types_config": {"0": {}, "1": {}}}
    found, case = await findings(discord, discord=on_discord(world))
    assert told_by(found) == {"discord": "ok", "discord.servers": "ok"}
    assert "1 server," in found["discord.servers"].summary
    assert case.clocks.nearest()[0] == "Discord"


async def test_discord_does_not_take_the_token(world):
    """A token that is refused is a failure that does not repeat it."""
    found, _ = await findings(discord, discord=on_discord(world, "an-old-token"))
    assert told_by(found) == {"discord": "failure"}
    assert "an-old-token" not in repr(found)


async def test_what_discord_is_set_up_to_is_told(world):
    """Another receiver of commands is a failure; what is missing on the servers is told by name."""
    world.guilds[world.guild("small room")]["permissions"] = str(1 << 10 | 1 << 11 | 1 << 38)
    world.application = {
        "interactions_endpoint_url": "https://elsewhere.example/",
        "integration_types_config": {"1": {}},
        "flags": 1 << 19,
    }
    found, _ = await findings(discord, discord=on_discord(world))
    assert told_by(found) == {
        "discord": "ok",
        "discord.interactions": "failure",
        "discord.intents": "ok",
        "discord.install": "warning",
        "discord.servers": "warning",
    }
    assert "Message Content" in found["discord.intents"].summary
    assert "Attach Files, Read Message History" in found["discord.servers"].summary


async def test_what_others_say_is_shown_with_care(world, tmp_path, monkeypatch):
    """A token is repeated by no one, and nothing moves the cursor of the terminal."""
    world.application = {"name": "see\x1b[2Jme a-token"}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMOST_DISCORD__TOKEN", "a-token")
    monkeypatch.setenv("OMOST_DISCORD__API_BASE_URL", f"{world.url}/api/v10")
    seen = await asyncio.to_thread(examine)
    finding = next(each for each in seen.findings if each.name == "discord")
    assert finding.summary == "Discord: see [2Jme *** is let in."


async def test_discord_without_servers_or_far_away(world):
    """No server yet is no fault; Discord that is away is waited for."""
    found, _ = await findings(discord, discord=on_discord(world))
    assert "on no server yet" in found["discord.servers"].summary
    away = DiscordSettings(token=SecretStr("a-token"), api_base_url="http://127.0.0.1:1/api/v10")
    found, _ = await findings(discord, discord=away)
    assert told_by(found) == {"discord": "warning"}


async def test_no_server_is_passed_over_in_silence(world):
    """Of many servers that lack something five are told by name, one like another, and the others counted."""
    for _ in range(7):
        world.guilds[world.guild("the same name")]["permissions"] = "0"
    case = Case(Settings(discord=on_discord(world)), words("en"), Clocks())
    told = await asyncio.to_thread(lambda: [each.summary for each in discord(case)])
    assert sum("the same name" in each for each in told) == 5
    assert told[-1] == "Discord: on 2 more servers the bot lacks permissions."


async def test_servers_that_are_not_told_are_not_none(world):
    """An answer that is no list of servers is not taken for a bot that is on none."""
    world.fail("GET", "/users/@me/guilds")
    found, _ = await findings(discord, discord=on_discord(world))
    assert "500" in found["discord"].summary
    assert "discord.servers" not in found


# --- models -------------------------------------------------------------------------------------------

SERVERS = {
    "it has the model": (listing("tiny"), "ok", "answers and has tiny"),
    "it has another": (listing("large"), "failure", "does not have the model"),
    "it refuses the key": (answering(401, {"error": {"message": "no"}}), "failure", "OMOST_OPENAI__API_KEY"),
    "it is another thing": (answering(404, "a page"), "failure", "/v1"),
}


@pytest.mark.parametrize(("models", "status", "told"), SERVERS.values(), ids=SERVERS)
async def test_a_models_server_is_asked(models, status, told):
    """Whether it answers, takes the key and has the model."""
    async with LlmServer(models=models) as server:
        table = OpenAISettings(base_url=server.base_url, model="tiny", api_key=SecretStr("s3cret-key"))
        found, _ = await findings(composers, openai=table, picture=PictureSettings(composer="openai"))
    assert found["composer"].status == status
    assert told in found["composer"].summary
    assert server.asked[0].headers["authorization"] == "Bearer s3cret-key"
    assert "s3cret-key" not in repr(found)


async def test_a_server_that_is_not_the_default_is_a_warning():
    """People can go on with the default one."""
    found = await asyncio.to_thread(_list_composers)
    assert [each.status for each in found] == ["ok", "warning"]


def _list_composers():
    table = OpenAISettings(base_url="http://127.0.0.1:1/v1", model="tiny")
    return list(composers(Case(Settings(openai=table), words("en"), Clocks())))


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with a model of a known size, and a cache that is empty."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with closing((folder / "model.safetensors").open("wb")) as weights:
        weights.truncate(150_000_000)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with hub_of(folder) as hub:
        yield hub


def test_a_model_that_is_not_here_is_weighed(hub):
    """How much there is to fetch is told, and nothing is fetched; what the hub does not have is a failure."""
    look = partial(_transformers, hub)
    finding = look(model="omost/tiny")
    assert finding.status == "warning"
    assert "0.2 GB are to be fetched" in finding.summary
    assert not any("/resolve/" in path for path in hub.asked)
    assert look(model="omost/other").status == "failure"
    assert "offline is set" in look(model="omost/tiny", offline=True).summary
    hub.fault = (HTTPStatus.SERVICE_UNAVAILABLE, "")
    assert "the hub cannot be reached" in look(model="omost/tiny").summary


def test_a_model_in_a_folder_is_found(hub):
    """A folder with weights in it needs no hub; one without is a failure."""
    assert _transformers(hub, model=str(hub.folder)).status == "ok"
    (hub.folder / "model.safetensors").unlink()
    assert _transformers(hub, model=str(hub.folder)).status == "failure"
    assert hub.asked == []


def _transformers(hub, **named):
    """The finding about the model's files."""
    settings = Settings(
        transformers=TransformersSettings(mirror=hub.url, **named),
        picture=PictureSettings(composer="transformers"),
    )
    found = list(composers(Case(settings, words("en"), Clocks())))
    return next(each for each in found if each.name == "composer")


def test_models_of_other_machines_are_not_looked_for():
    """A bot whose worker does not compose needs no model for it."""
    settings = Settings(
        transformers=TransformersSettings(model="omost/tiny", mirror="http://127.0.0.1:1"),
        picture=PictureSettings(composer="transformers"),
        worker={"roles": ["image"]},
    )
    (finding,) = composers(Case(settings, words("en"), Clocks()))
    assert finding.status == "ok"
    assert "another worker" in finding.summary
