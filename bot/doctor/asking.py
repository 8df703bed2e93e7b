"""Asking others over HTTP, with little patience; what comes back is never raised with an address in it."""

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, cast

import httpx2

from bot.replies import Words

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


def no_answer(error: NoAnswer, words: Words) -> str:
    """Why there is none."""
    return error.detail.rstrip(".") or words.text(
        "nothing came in {seconds} seconds", seconds=round(TIMEOUT_S)
    )


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
