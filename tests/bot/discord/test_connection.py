"""How the bot is connected: shards, a proxy, another REST API, and what is told of itself."""

import asyncio

from bot.discord import client as client_module
from tests.bot.discord.conftest import DiscordStage
from tests.bot.discord.world import DM

HOST = "http://discord.invalid"


async def test_two_shards_serve_their_servers(scene: DiscordStage, monkeypatch):
    """As many connections as Discord wants; each server is heard once, also when both were lost meanwhile."""
    monkeypatch.setattr(client_module.OmostClient, "before_identify_hook", at_once)
    scene.world.shards = 2
    other = scene.world.channel(scene.world.guild())
    stage = await scene.start()
    direct = stage.world.channel(None, DM)
    stage.ann.say(direct, "a pond")
    await stage.result(1, direct)
    await stage.gateway.drop()
    for channel in (stage.room, other):
        stage.ann.slash(channel, "omost", prompt="a pond")
        await stage.result(1, channel)
    assert (stage.gateway.identifies, stage.gateway.resumes) == (2, 2)
    assert set(stage.gateway.told) == {0, 1}
    assert len(stage.composer.requests) == 3


async def at_once(client: object, shard_id: int | None, *, initial: bool = False) -> None:
    """The loopback takes identifications without a pause between them."""


async def test_rest_and_gateway_are_reached_by_a_proxy(scene: DiscordStage):
    """Nobody knows Discord's name here but the proxy, which the loopback is."""
    scene.world.host = HOST
    discord = scene.settings.discord.model_copy(
        update={"proxy": scene.world.url, "api_base_url": f"{HOST}/api/v10"}
    )
    scene.settings = scene.settings.model_copy(update={"discord": discord})
    stage = await scene.start()
    asked = stage.ann.slash(stage.room, "omost", prompt="a pond")
    await stage.result()
    assert asked.responses


async def test_the_presence_says_how_many_requests_are_open(scene: DiscordStage, monkeypatch):
    """It follows the queue, and Discord is told only where the number is another one."""
    monkeypatch.setattr(client_module, "PRESENCE_EVERY_S", 0.05)
    scene.renderer.gate = asyncio.Event()
    stage = await scene.start()
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    await stage.world.until(lambda: len(stage.world.presences) == 2, "one is open")
    scene.renderer.gate.set()
    await stage.world.until(lambda: len(stage.world.presences) == 3, "none is open")
    texts = [each["activities"][0]["state"] for each in stage.world.presences]
    assert [text.split(" ")[0] for text in texts] == ["0", "1", "0"]


async def test_each_message_has_a_nonce_of_its_own(stage: DiscordStage):
    """So what is sent again is shown once, and nothing is taken for something else."""
    for number, channel in enumerate((stage.room, stage.room, stage.world.channel(stage.guild_id)), 1):
        stage.ann.slash(channel, "omost", prompt="a pond")
        await stage.result(2 if number == 2 else 1, channel)
    nonces = [nonce for channel in stage.world.channels.values() for nonce in channel.nonces]
    assert len(set(nonces)) == len(nonces) == len(stage.composer.requests) == 3
