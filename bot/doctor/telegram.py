"""The bot's account on Telegram, and how updates come from there."""

import re
import time
from collections.abc import Iterator
from typing import Any, Final, cast
from urllib.parse import urlsplit

from bot.doctor.asking import NoAnswer, Reply, ask, odd, unreached
from bot.doctor.findings import Case, Finding
from bot.sections import TelegramSettings
from bot.settings import SettingsError

_TOKEN: Final = re.compile(r"\d+:[\w-]{20,}")
_HOOK_PORTS: Final = (443, 80, 88, 8443)
_RECENTLY_S: Final = 24 * 3600
_UNAUTHORISED: Final = (401, 404)


def telegram(case: Case) -> Iterator[Finding]:
    """Asks Telegram who the bot is, and where updates go."""
    try:
        token = case.settings.telegram_token()
    except SettingsError:  # the look at the configuration tells it
        return
    if not token:
        yield Finding("telegram", "ok", case.words.text("Telegram: no token, so it is not served."))
    elif not _TOKEN.fullmatch(token):
        told = case.words.text("Telegram: the token has not the form of one, as in 4839574812:AAFD39k….")
        advice = case.words.text("Copy it whole from @BotFather, with the numbers before the colon.")
        yield Finding("telegram", "failure", told, advice)
    else:
        yield from _account(case, token)


def _account(case: Case, token: str) -> Iterator[Finding]:
    words = case.words
    yield from _unreachable_hook(case)
    try:
        me = _asked(case, token, "getMe")
        if me.status in _UNAUTHORISED:
            told = words.text("Telegram: it does not take the token.")
            advice = words.text("Put the right one into the environment; /token at @BotFather shows it.")
            yield Finding("telegram", "failure", told, advice)
        elif me.table.get("ok") is not True:
            yield odd(case, "Telegram", me)
        else:
            yield from _about(case, me.table["result"])
            yield from _updates(case, _asked(case, token, "getWebhookInfo"))
    except NoAnswer as error:
        yield unreached(case, "Telegram", error)


def _asked(case: Case, token: str, method: str) -> Reply:
    settings = case.settings.telegram
    url = f"{settings.api_base_url.rstrip('/')}/bot{token}/{method}"
    reply = ask(url, proxy=settings.proxy, has_environment=True)
    case.clocks.note("Telegram", reply.ahead_s)
    return reply


def _about(case: Case, me: dict[str, Any]) -> Iterator[Finding]:
    words = case.words
    told = words.text("Telegram: @{name} is let in.", name=me.get("username", ""))
    yield Finding("telegram", "ok", told)
    if not me.get("can_join_groups", True):
        told = words.text("Telegram: the bot cannot be added to groups.")
        advice = words.text("If it shall be: /setjoingroups at @BotFather.")
        yield Finding("telegram.groups", "warning", told, advice)
    if me.get("can_read_all_group_messages"):
        told = words.text("Telegram: privacy mode is off, so the bot is sent all that groups say.")
        advice = words.text("It needs none of that: /setprivacy at @BotFather, Enable.")
        yield Finding("telegram.privacy", "warning", told, advice)


def _updates(case: Case, reply: Reply) -> Iterator[Finding]:
    settings, found = case.settings.telegram, reply.table.get("result")
    info = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    url = str(info.get("url") or "")
    if settings.webhook_url:
        yield from _webhook(case, settings, url, info)
    elif url:
        told = case.words.text(
            "Telegram: a webhook is set at {host}, and the bot asks for news.", host=_host(url)
        )
        advice = case.words.text(
            "The start removes it. If another program serves this account, give the bot one of its own."
        )
        yield Finding("telegram.webhook", "warning", told, advice)


def _webhook(case: Case, settings: TelegramSettings, url: str, info: dict[str, Any]) -> Iterator[Finding]:
    words, host = case.words, _host(settings.webhook_url)
    if url != settings.webhook_url:
        told = words.text("Telegram: the webhook at {host} is not set yet; the start sets it.", host=host)
        yield Finding("telegram.webhook", "ok", told)
    elif info.get("last_error_message") and time.time() - info.get("last_error_date", 0) < _RECENTLY_S:
        told = words.text(
            "Telegram could not reach the webhook at {host}: {why}.",
            host=host,
            why=info["last_error_message"],
        )
        advice = words.text(
            "Look at the reverse proxy, its certificate, and whether the bot ran at that time."
        )
        yield Finding("telegram.webhook", "warning", told, advice)
    else:
        told = words.text("Telegram: the webhook at {host} is set.", host=host)
        yield Finding("telegram.webhook", "ok", told)


def _unreachable_hook(case: Case) -> Iterator[Finding]:
    """Of what Telegram itself reaches; a server of one's own is less particular."""
    settings = case.settings.telegram
    if not settings.webhook_url or settings.api_base_url != TelegramSettings().api_base_url:
        return
    parts = urlsplit(settings.webhook_url)
    if parts.scheme == "https" and (parts.port or 443) in _HOOK_PORTS:
        return
    told = case.words.text("Telegram calls a webhook over HTTPS at port 443, 80, 88 or 8443 only.")
    advice = case.words.text("Name such an address as webhook_url under [telegram] in the settings.")
    yield Finding("telegram.webhook", "failure", told, advice)


def _host(url: str) -> str:
    """Without the path, which some programs keep secret."""
    return urlsplit(url).hostname or url
