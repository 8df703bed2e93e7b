"""The addresses that the bot listens on: free, or served by a bot that runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from bot.doctor.asking import NoAnswer, Reply, ask
from bot.doctor.findings import Case, Finding
from bot.listening import AddressUnavailable, listen, url_of
from bot.replies import Words
from bot.settings import Settings, SettingsError

_AS_BROWSER: Final = {"Accept": "text/html, */*"}
"""Others are not shown the form that asks for the password."""


@dataclass(frozen=True, slots=True)
class _Port:
    """An address that is listened on.

    Attributes:
        setting: Which names the port.
        path: What to ask there for.
        is_ours: Whether a reply to that comes from a bot.
    """

    name: str
    label: str
    setting: str
    host: str
    number: int
    path: str
    is_ours: Callable[[Reply], bool]


def ports(case: Case) -> Iterator[Finding]:
    """Every port that the settings name."""
    seen: dict[int, str] = {}
    for port in _ports(case.settings, case.words):
        if port.number == 0:
            told = case.words.text("{what}: {host}, at a port that is free.", what=port.label, host=port.host)
            yield Finding(port.name, "ok", told)
        elif port.number in seen:
            told = case.words.text(
                "{what}: port {port} is {other} already.",
                what=port.label,
                port=port.number,
                other=seen[port.number],
            )
            yield Finding(port.name, "failure", told, _another(port, case.words))
        else:
            yield _looked_at(port, case.words)
            seen[port.number] = port.setting


def _ports(settings: Settings, words: Words) -> Iterator[_Port]:
    web, metrics, telegram = settings.web, settings.metrics, settings.telegram
    page = words.text("The page")
    yield _Port("page", page, "port under [web]", web.host, web.port, "/", _is_page)
    for name, number in (("port", metrics.port), ("worker_port", metrics.worker_port)):
        if number:
            label, setting = words.text("Figures for monitors"), f"{name} under [metrics]"
            yield _Port(f"metrics.{name}", label, setting, metrics.host, number, "/healthz", _is_alive)
    if telegram.webhook_url and _has_token(settings):
        label, setting = words.text("Telegram's webhook"), "webhook_port under [telegram]"
        host, number = telegram.webhook_host, telegram.webhook_port
        yield _Port("telegram.webhook_port", label, setting, host, number, "/", _is_tornado)


def _looked_at(port: _Port, words: Words) -> Finding:
    named = {"what": port.label, "host": port.host, "port": port.number}
    try:
        with listen(port.host, port.number):
            pass
    except AddressUnavailable as error:
        if _is_served(port):
            told = words.text("{what}: {host}:{port}, where a bot answers at this moment.", **named)
            return Finding(port.name, "ok", told)
        told = words.text("{what}: {host}:{port} cannot be had: {why}.", **named, why=error.reason)
        return Finding(port.name, "failure", told, _another(port, words))
    return Finding(port.name, "ok", words.text("{what}: {host}:{port} is free.", **named))


def _is_served(port: _Port) -> bool:
    try:
        return port.is_ours(ask(url_of(port.host, port.number) + port.path, headers=_AS_BROWSER))
    except NoAnswer:
        return False


def _another(port: _Port, words: Words) -> str:
    return words.text("End what uses it, or name another: {setting} in the settings.", setting=port.setting)


def _has_token(settings: Settings) -> bool:
    try:
        return bool(settings.telegram_token())
    except SettingsError:
        return False


def _is_page(reply: Reply) -> bool:
    """By its title, or by that of the page which asks for the password."""
    return '"title":"Omost"' in reply.text or "<title>Omost</title>" in reply.text


def _is_alive(reply: Reply) -> bool:
    return reply.table == {"alive": True}


def _is_tornado(reply: Reply) -> bool:
    """What the library listens with."""
    return reply.server.startswith("Tornado")
