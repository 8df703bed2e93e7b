"""The page's password: the form that asks for it, and the cookie of a browser that knew it."""

import hashlib
import hmac
import time
from collections import deque
from collections.abc import Mapping
from html import escape
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import parse_qs

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from bot.replies import Words, words
from bot.web.languages import spoken

COOKIE: Final = "omost_page"
KEPT_S: Final = 30 * 24 * 3600
"""So long a browser is let in without being asked again."""
TRIES: Final = 10
TRIES_WITHIN_S: Final = 600
"""So many wrong passwords may come from one address in so long."""

_MAX_ADDRESSES = 10_000
_MAX_FORM_BYTES = 4096
_MAX_TICKET_CHARS = 100
_FORM = "application/x-www-form-urlencoded"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'",
}
_PAGE = """\
<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Omost</title>
<style>
  :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
  body {{ display: grid; place-items: center; min-height: 90vh; margin: 0; }}
  form {{ display: grid; gap: 12px; width: min(320px, 86vw); }}
  h1 {{ margin: 0; font-size: 1.4rem; }}
  label {{ display: grid; gap: 4px; }}
  input, button {{ font: inherit; padding: 8px 12px; border-radius: 8px; border: 1px solid #8888; }}
  p {{ margin: 0; color: light-dark(#92400e, #fde68a); }}
</style>
<form method="post">
  <h1>Omost</h1>
  <label>{label}
    <input name="password" type="password" autocomplete="current-password" required autofocus>
  </label>
  <p role="alert">{trouble}</p>
  <button>{button}</button>
</form>
</html>
"""

_log = structlog.get_logger()


class Password:
    """Knows the password, and the browsers that knew it.

    What a browser keeps is made of the password and an end: it outlives a restart, and is worth nothing when
    the password has changed.
    """

    def __init__(self, password: str, language: str) -> None:
        """The form is in the browser's language, or in `language` where that is not spoken here."""
        self._digest = _digest(password)
        # slow to make, so that nobody finds a password by a cookie that they have seen
        self._key = hashlib.scrypt(password.encode(), salt=COOKIE.encode(), n=2**14, r=8, p=1)
        self._language = language
        self._failures = _Failures()

    def is_known_to(self, cookies: Mapping[str, str]) -> bool:
        """Whether the cookies are of a browser that has sent it lately."""
        ticket = cookies.get(COOKIE, "")[:_MAX_TICKET_CHARS]
        until_s = ticket.partition(".")[0]
        if not (ticket.isascii() and until_s.isdecimal()):
            return False
        return hmac.compare_digest(ticket, self._ticket(int(until_s))) and int(until_s) > time.time()

    async def asked_for(self, request: Request) -> Response:
        """The form that asks for it, or the answer to one that was sent."""
        heard = words(spoken(request, self._language))
        if request.method == "POST" and request.headers.get("content-type", "").startswith(_FORM):
            return self._answer(request, await _sent(request), heard)
        if "text/html" in request.headers.get("accept", ""):
            return _form(heard)
        return PlainTextResponse(heard.text("This page asks for a password."), 401)

    def _answer(self, request: Request, sent: str, heard: Words) -> Response:
        address = _neighbourhood(request.client.host if request.client else "")
        if wait_s := self._failures.wait_s(address):
            told = heard.text("That was wrong too often. Try again {back_in}.", back_in=_in(wait_s, heard))
            return _form(heard, told, 429, {"Retry-After": str(wait_s)})
        if not hmac.compare_digest(_digest(sent), self._digest):
            self._failures.note(address)
            _log.warning("wrong_password", address=address)
            return _form(heard, heard.text("This is not the password."))
        # relative, for the page may stand in a folder of somebody's site
        answer = RedirectResponse("./" + request.url.path.rpartition("/")[2], 303, _HEADERS)
        answer.set_cookie(
            COOKIE,
            self._ticket(int(time.time()) + KEPT_S),
            max_age=KEPT_S,
            path=request.scope.get("root_path") or "/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
        return answer

    def _ticket(self, until_s: int) -> str:
        return f"{until_s}.{hmac.new(self._key, str(until_s).encode(), hashlib.sha256).hexdigest()}"


class _Failures:
    """The wrong passwords of late, by address."""

    def __init__(self) -> None:
        self._when_s: dict[str, deque[float]] = {}

    def wait_s(self, address: str) -> int:
        """How long the address has to wait for its next try; 0 for not at all."""
        when_s = self._when_s.get(address)
        if when_s is None or len(when_s) < TRIES:
            return 0
        return max(0, int(when_s[0] + TRIES_WITHIN_S - time.monotonic()) + 1)

    def note(self, address: str) -> None:
        """One more from there."""
        when_s = self._when_s.pop(address, deque[float](maxlen=TRIES))
        when_s.append(time.monotonic())
        self._when_s[address] = when_s  # behind the others, of which the first are forgotten
        if len(self._when_s) > _MAX_ADDRESSES:
            del self._when_s[next(iter(self._when_s))]


def _neighbourhood(address: str) -> str:
    """The address; of version 6 its network, all of whose addresses are one household's."""
    try:
        is_long = isinstance(ip_address(address), IPv6Address)
    except ValueError:
        return address
    return str(ip_network((address, 64), strict=False)) if is_long else address


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode()).digest()


async def _sent(request: Request) -> str:
    """The password in a form; empty where there is none, or more than any form of ours."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_FORM_BYTES:
            return ""
    return parse_qs(body.decode("utf-8", "replace")).get("password", [""])[0].strip()


def _form(
    heard: Words, trouble: str = "", status: int = 401, headers: Mapping[str, str] | None = None
) -> Response:
    page = _PAGE.format(
        language=heard.language,
        label=escape(heard.text("Password")),
        trouble=escape(trouble),
        button=escape(heard.text("Open the page")),
    )
    return HTMLResponse(page, status, {**_HEADERS, **(headers or {})})


def _in(wait_s: int, heard: Words) -> str:
    return heard.text("in {duration}", duration=heard.duration(wait_s))
