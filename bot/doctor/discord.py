"""The bot's account on Discord: how it is installed, and what it may do on the servers that it is on."""

from collections.abc import Iterator
from typing import Any, Final, cast

from bot.doctor.asking import NoAnswer, Reply, ask, odd, unreached
from bot.doctor.findings import Case, Finding

API: Final = "https://discord.com/api/v10"
PERMISSIONS: Final = {
    "View Channels": 1 << 10,
    "Send Messages": 1 << 11,
    "Attach Files": 1 << 15,
    "Read Message History": 1 << 16,
    "Send Messages in Threads": 1 << 38,
}
_ADMINISTRATOR: Final = 1 << 3
_PRIVILEGED: Final = {"Presence": 0b11 << 12, "Server Members": 0b11 << 14, "Message Content": 0b11 << 18}
_PORTAL: Final = "https://discord.com/developers/applications"
_SHOWN: Final = 5
"""Servers that are told one by one."""
_PAGE: Final = 200
"""So many servers are in one answer at the most."""


def discord(case: Case) -> Iterator[Finding]:
    """Asks Discord about the bot's application and its servers."""
    token = case.settings.discord.token.get_secret_value().strip()
    if not token:
        yield Finding("discord", "ok", case.words.text("Discord: no token, so it is not served."))
        return
    words = case.words
    try:
        application = _asked(case, token, "/applications/@me")
        if application.status == 401:
            told = words.text("Discord: it does not take the token.")
            advice = words.text(
                "Reset it at {portal} under Bot, and put it into the environment.", portal=_PORTAL
            )
            yield Finding("discord", "failure", told, advice)
        elif application.status != 200:
            yield odd(case, "Discord", application)
        else:
            yield from _about(case, application.table)
            yield from _servers(case, _asked(case, token, "/users/@me/guilds"))
    except NoAnswer as error:
        yield unreached(case, "Discord", error)


def _asked(case: Case, token: str, path: str) -> Reply:
    settings = case.settings.discord
    headers = {"Authorization": f"Bot {token}", "User-Agent": "DiscordBot (omost-bot, 1)"}
    url = (settings.api_base_url or API).rstrip("/") + path
    reply = ask(url, headers=headers, proxy=settings.proxy)
    case.clocks.note("Discord", reply.ahead_s)
    return reply


def _about(case: Case, found: dict[str, Any]) -> Iterator[Finding]:
    words = case.words
    yield Finding("discord", "ok", words.text("Discord: {name} is let in.", name=found.get("name", "")))
    if found.get("interactions_endpoint_url"):
        told = words.text("Discord sends commands and buttons to another address, and none to the bot.")
        advice = words.text(
            "Empty the field Interactions Endpoint URL at {portal} under General Information.", portal=_PORTAL
        )
        yield Finding("discord.interactions", "failure", told, advice)
    flags = int(found.get("flags") or 0)
    if on := [name for name, bits in _PRIVILEGED.items() if flags & bits]:
        told = words.text(
            "Discord: privileged intents are on that the bot does not use: {names}.", names=", ".join(on)
        )
        advice = words.text("They can be turned off at {portal} under Bot.", portal=_PORTAL)
        yield Finding("discord.intents", "ok", told, advice)
    yield from _contexts(case, found.get("integration_types_config"))


def _contexts(case: Case, installs: Any) -> Iterator[Finding]:
    """Where it can be installed: on servers, and by people for themselves."""
    if not isinstance(installs, dict):  # an application that was never asked about it
        return
    words, advice = case.words, case.words.text("Tick it at {portal} under Installation.", portal=_PORTAL)
    if "0" not in installs:
        told = words.text("Discord: the bot cannot be added to servers: Guild Install is off.")
        yield Finding("discord.install", "warning", told, advice)
    if "1" not in installs:
        told = words.text("Discord: people cannot use the bot where it is no member: User Install is off.")
        yield Finding("discord.install", "ok", told, advice)


def _servers(case: Case, reply: Reply) -> Iterator[Finding]:
    """What it may do by its role; a channel may still say otherwise."""
    words = case.words
    if not isinstance(reply.value, list):
        yield odd(case, "Discord", reply)
        return
    servers = cast("list[dict[str, Any]]", reply.value)
    if not servers:
        told = words.text("Discord: the bot is on no server yet.")
        yield Finding("discord.servers", "ok", told, words.text("docs/discord.md says how to invite it."))
        return
    lacking = [(str(each.get("name", "")), lacks) for each in servers if (lacks := _lacking(each))]
    if not lacking:
        told = words.count(
            "Discord: {number} server, with all permissions that the bot needs.",
            "Discord: {number} servers, with all permissions that the bot needs.",
            len(servers),
        )
        yield Finding("discord.servers", "ok", told)
    for name, lacks in lacking[:_SHOWN]:
        yield _lacks(case, name, lacks)
    yield from _not_told(case, len(servers), len(lacking))


def _lacks(case: Case, server: str, names: list[str]) -> Finding:
    told = case.words.text(
        "Discord: on “{server}” the bot lacks: {names}.", server=server, names=", ".join(names)
    )
    advice = case.words.text(
        "Invite it again with these, or give them to its role. docs/discord.md has the address."
    )
    return Finding("discord.servers", "warning", told, advice)


def _not_told(case: Case, looked_at: int, lacking: int) -> Iterator[Finding]:
    """Servers of which nothing is said above."""
    words = case.words
    if lacking > _SHOWN:
        told = words.count(
            "Discord: on {number} more server the bot lacks permissions.",
            "Discord: on {number} more servers the bot lacks permissions.",
            lacking - _SHOWN,
        )
        yield Finding("discord.servers", "warning", told)
    if looked_at >= _PAGE:
        told = words.text("Discord: only the first {number} servers were looked at.", number=looked_at)
        yield Finding("discord.servers", "ok", told)


def _lacking(server: dict[str, Any]) -> list[str]:
    allowed = int(server.get("permissions") or 0)
    if allowed & _ADMINISTRATOR or server.get("owner"):
        return []
    return [name for name, bit in PERMISSIONS.items() if not allowed & bit]
