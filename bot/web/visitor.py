"""Who comes back: a browser is known by a secret in a cookie, which no script and no other site can read.

The secret itself is stored nowhere else. What names the visitor in the database is derived from it and leads
to nobody's conversation: whoever sees the database cannot come in their place.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "omost_visitor"
KEPT_S = 400 * 24 * 3600
"""From the last visit on; no browser keeps a cookie for longer."""

_SECRET_BYTES = 32
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_ID_CHARS = 32


def visitor_id(cookies: Mapping[str, str]) -> str:
    """The visitor that a request's cookies name; someone new where they name none."""
    return hashlib.sha256(_secret(cookies).encode("ascii")).hexdigest()[:_ID_CHARS]


class KnownVisitors:
    """Gives every browser that opens a page its secret, or renews the one that it has."""

    def __init__(self, app: ASGIApp, pages: Collection[str]) -> None:
        self.app = app
        self.pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the application does, with the cookie beside it."""
        if scope["type"] != "http" or scope["path"] not in self.pages:
            await self.app(scope, receive, send)
            return
        cookie = _cookie(Request(scope))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def _cookie(request: Request) -> str:
    path = request.scope.get("root_path") or "/"
    secure = "; Secure" if request.url.scheme == "https" else ""
    return (
        f"{COOKIE}={_secret(request.cookies)}; Path={path}; Max-Age={KEPT_S}; HttpOnly; SameSite=Lax{secure}"
    )


def _secret(cookies: Mapping[str, str]) -> str:
    found = cookies.get(COOKIE, "")
    return found if _SECRET.fullmatch(found) else secrets.token_urlsafe(_SECRET_BYTES)
