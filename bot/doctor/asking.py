"""Asking others over HTTP, with little patience, and what is said of those that give no good answer.

What comes back is never raised with an address in it.
"""

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, cast

import httpx2

from bot.doctor.findings import Case, Finding

TIMEOUT_S: Final = 4.0


class NoAnswer(Exception):
    """Nobody answers, or something is in the way.

    Attributes:
        detail: In the words of the operating system or the library; empty where nothing came in time.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered.

    Attributes:
        ahead_s: By how much the other's clock is ahead of ours, as far as a header of whole seconds tells.
    """

    status: int
    text: str
    value: Any
    server: str
    ahead_s: float | None

    @property
    def table(self) -> dict[str, Any]:
        """The JSON object that was answered; empty for anything else."""
        return cast("dict[str, Any]", self.value) if isinstance(self.value, dict) else {}


def ask(
    url: str, *, headers: dict[str, str] | None = None, proxy: str = "", has_environment: bool = False
) -> Reply:
    """Gets what is at an address; blocking.

    Args:
        url: Is told nobody else.
        headers: Beside the usual ones.
        proxy: On the way there.
        has_environment: Whether the proxies that the environment names are taken.

    Raises:
        NoAnswer: There is none.
    """
    try:
        with httpx2.Client(timeout=TIMEOUT_S, proxy=proxy or None, trust_env=has_environment) as client:
            response = client.get(url, headers=headers)
    except httpx2.TimeoutException as error:
        raise NoAnswer("") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, ImportError) as error:
        raise NoAnswer(str(error).replace(url, "…") or type(error).__name__) from error
    return _reply(response)


def unreached(case: Case, platform: str, error: NoAnswer) -> Finding:
    """A chat platform that does not answer."""
    words = case.words
    silence = words.text("nothing came in {seconds} seconds", seconds=round(TIMEOUT_S))
    why = error.detail.rstrip(".") or silence
    told = words.text("{platform} cannot be reached: {why}.", platform=platform, why=why)
    return _waited_for(case, platform, told)


def odd(case: Case, platform: str, reply: Reply) -> Finding:
    """A chat platform that answers something else than it was asked for."""
    told = case.words.text(
        "{platform} answers {status} where its API should be.", platform=platform, status=reply.status
    )
    return _waited_for(case, platform, told)


def _waited_for(case: Case, platform: str, told: str) -> Finding:
    table = platform.lower()
    advice = case.words.text(
        "The bot waits for it and serves the rest. "
        "See proxy and api_base_url under [{table}] in the settings.",
        table=table,
    )
    return Finding(table, "warning", told, advice)


def _reply(response: httpx2.Response) -> Reply:
    try:
        value: object = response.json()
    except ValueError:
        value = None
    server = response.headers.get("server", "")
    return Reply(
        response.status_code, response.text, value, server, _ahead_s(response.headers.get("date", ""))
    )


def _ahead_s(date: str) -> float | None:
    try:
        told_s = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
    return told_s + 0.5 - time.time()
