"""The bot on Discord, from its login until it is cancelled."""

import asyncio
from typing import Final

import aiohttp
import discord
import structlog
from discord.http import Route
from discord.utils import MISSING

from bot.chat.messages import Messages
from bot.chat.outbox import Outbox
from bot.chat.platform import AccountUnusable
from bot.chat.talk import Talk
from bot.discord.client import OmostClient
from bot.discord.platform import NAME
from bot.settings import Settings
from engine.studio import Studio

LONGEST_PAUSE_S: Final = 60.0
_NOT_AUTHENTICATED: Final = 4004

_log = structlog.get_logger()


async def serve_discord(settings: Settings, studio: Studio, outbox: Outbox) -> None:
    """Serves people on Discord until it is cancelled; Discord's being away is waited out.

    Raises:
        AccountUnusable: Discord does not take the token.
    """
    if base_url := settings.discord.api_base_url:
        Route.BASE = base_url.rstrip("/")  # the library has no other place for it
    async with (
        OmostClient(settings, studio) as client,
        Messages(client.platform, studio, settings) as messages,
    ):
        client.outbox, client.messages = outbox, messages
        client.talk = Talk(client.platform, studio, messages, settings)
        await _log_in(client, settings.discord.token.get_secret_value().strip())
        outbox.open(messages)
        await messages.resume()
        await _connected(client)


async def _log_in(client: OmostClient, token: str) -> None:
    """Returns when Discord has taken the token."""
    pause_s = 1.0
    while True:
        try:
            await client.login(token)
        except discord.LoginFailure as error:
            raise AccountUnusable(NAME, "token-refused") from error
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            _log.warning("discord_away", why=repr(error), next_try_s=pause_s)
            await client.http.close()
            client.http.connector = MISSING  # the library goes on with the closed one
        else:
            return
        await asyncio.sleep(pause_s)
        pause_s = min(LONGEST_PAUSE_S, pause_s * 2)


async def _connected(client: OmostClient) -> None:
    """Stays connected; the library goes on with its session where it can."""
    while True:
        try:
            await client.connect(reconnect=True)
        except discord.PrivilegedIntentsRequired as error:  # none is asked for
            raise AccountUnusable(NAME, "intents-refused") from error
        except discord.ConnectionClosed as error:
            reason = "token-refused" if error.code == _NOT_AUTHENTICATED else "intents-refused"
            raise AccountUnusable(NAME, reason) from error
        except (discord.GatewayNotFound, aiohttp.ClientError, OSError) as error:
            _log.warning("discord_away", why=repr(error), next_try_s=LONGEST_PAUSE_S)
        else:
            return
        await asyncio.sleep(LONGEST_PAUSE_S)
