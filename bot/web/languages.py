"""Which language a browser wants its page in."""

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.replies import LANGUAGES, language_of


class OwnLanguage:
    """Sends a browser from / to the page in its own language; `?language=` says outright which."""

    def __init__(self, app: ASGIApp, default: str) -> None:
        self.app = app
        self.default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the application does, but for /."""
        app = self.app
        if scope["type"] == "http" and scope["path"] == "/":
            language = self._language(Request(scope))
            app = app if language == self.default else RedirectResponse(f"{language}/")
        await app(scope, receive, send)

    def _language(self, request: Request) -> str:
        asked = request.query_params.get("language")
        return language_of(asked) if asked else spoken(request, self.default)


def spoken(request: Request, default: str) -> str:
    """The language to answer in: of those that are spoken here the one that the browser likes best.

    For `Accept-Language: de, zh-CN;q=0.9, en;q=0.8` it is `zh`.
    """
    accepted = request.headers.get("accept-language", "")
    ranked = sorted((_ranked(part) for part in accepted.split(",")), key=lambda one: -one[1])
    return next((name for name, weight in ranked if name in LANGUAGES and weight > 0), default)


def _ranked(part: str) -> tuple[str, float]:
    tag, _, weight = part.partition(";q=")
    try:
        return tag.strip().lower().split("-")[0], float(weight or 1)
    except ValueError:
        return "", 0.0
