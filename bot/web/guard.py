"""Who is let in to the page: whoever knows its password, and nobody in the name of another site.

It stands before everything that is answered, the page's own files, pictures, uploads and streams alike.
"""

import re

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.replies import words
from bot.settings import Settings, is_loopback
from bot.web.languages import spoken
from bot.web.password import Password


class Guard:
    """Stands before an application.

    A page with a password, or one that is open, is answered under any name. Any other is answered under this
    machine's own names alone: a site whose name leads to this machine, too, is not let in (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Raises `SettingsError` where the settings want a password and name none."""
        self.app = app
        password = settings.page_password()
        self._password = Password(password, settings.language) if password else None
        self._has_any_name = bool(password) or settings.web.open
        self._language = settings.language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the application does, but to whom it does not let in."""
        if scope["type"] == "http":
            request = Request(scope, receive)
            await (await self._refusal(request) or self.app)(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        else:  # nothing here speaks over WebSockets
            await send({"type": "websocket.close"})

    async def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        if not (self._has_any_name or _is_own_name(host)) or _is_foreign(request.headers):
            told = words(spoken(request, self._language)).text(
                "The page is not served as {name}, nor to other sites. Whoever runs it can set a password, "
                "or open = true under [web] in the settings.",
                name=host,
            )
            return PlainTextResponse(told, 403)
        if self._password and not self._password.is_known_to(request.cookies):
            return await self._password.asked_for(request)
        return None


def _is_own_name(host: str) -> bool:
    """Whether a Host header names this machine as it calls itself, at any port."""
    found = re.fullmatch(r"\[(?P<six>[^\]]*)\](:\d*)?|(?P<name>[^:]*)(:\d*)?", host)
    return bool(found) and is_loopback((found["six"] or found["name"] or "").lower())


def _is_foreign(headers: Headers) -> bool:
    """Whether a script or form of another site asks; links and pictures of others are nothing to refuse.

    Browsers that say themselves whose it is are right also behind a proxy that changes the Host header.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is None:
        return False
    return site not in ("same-origin", "none") if site else origin.partition("://")[2] != headers.get("host")
