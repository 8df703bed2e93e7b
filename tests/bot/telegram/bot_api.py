"""A Bot API server on loopback, for tests that let the real python-telegram-bot talk to it.

It speaks HTTP as the Bot API is documented, checks what Telegram checks in Telegram's words, watches the
documented sending rates, and does to calls what tests order. It lives in the test's event loop, so it
outlives a bot that is another process and is killed. It knows one bot, takes entities and no markup, and
webhooks on any port as a self-hosted server does.

    async with BotApi() as server:
        ada = server.person("Ada", "de")
        chat = server.private(ada)
        await chat.say(ada, "/omost Happy Children's Day")
        result = await chat.wait_for(lambda message: message.photo)
        answer = await chat.press(ada, result, "🎲")
"""

import asyncio
import inspect
import json
import math
from typing import Any, Self

from aiohttp import web

from tests.bot.telegram.account import ACCOUNT_METHODS
from tests.bot.telegram.calls import Call, read_call
from tests.bot.telegram.faults import Fault, Faults, Harm
from tests.bot.telegram.limits import UPLOAD_BYTES
from tests.bot.telegram.methods import MESSAGE_METHODS
from tests.bot.telegram.rates import Rates, RateViolation, is_counted
from tests.bot.telegram.refusals import Refusal, flood
from tests.bot.telegram.world import World

TOKEN = "4242:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
METHODS = ACCOUNT_METHODS | MESSAGE_METHODS
_NAMES = {name.lower(): name for name in METHODS}
_SLACK_BYTES = 1 << 20
"""A request's body is so much longer than the file in it."""


class BotApi(World):
    """A world whose bot is reached over HTTP.

    As an asynchronous context manager it listens. python-telegram-bot wants `base_url` and `base_file_url`.
    With `enforces_rates` a call that comes too early is answered with 429, else it is only written down; what
    is early by less than `rate_jitter_s` of the wall's time is not. `speed` lets the clock of rates run
    faster than the wall's, or with 0 only when it is turned; presses wait for their answers by the wall's.
    """

    token = TOKEN

    def __init__(
        self,
        *,
        speed: float = 1.0,
        has_privacy_mode: bool = True,
        enforces_rates: bool = False,
        rate_jitter_s: float = 0,
    ) -> None:
        super().__init__(speed=speed, has_privacy_mode=has_privacy_mode)
        self.rates = Rates(self.clock, enforced=enforces_rates, jitter_s=rate_jitter_s * speed)
        self.faults = Faults()
        self.all_calls: list[Call] = []
        self.failures: list[Exception] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=UPLOAD_BYTES + _SLACK_BYTES)
        application.router.add_route("*", "/bot{token}/{method}", self._answer)
        application.router.add_get("/file/bot{token}/{path:.+}", self._download)
        self._runner = web.AppRunner(
            application, handler_cancellation=True, access_log=None, shutdown_timeout=1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.faults.clear()
        await self.updates.close()
        await self._runner.cleanup()
        if self.failures:
            raise ExceptionGroup("the Bot API server has failed", self.failures)

    @property
    def base_url(self) -> str:
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        return f"{self.url}/file/bot"

    def calls(self, method: str) -> list[Call]:
        """The calls of a method so far, however they were answered."""
        return [call for call in self.all_calls if call.method == method]

    @property
    def unknown_methods(self) -> list[str]:
        """What the bot has called and this server does not know."""
        return [call.method for call in self.all_calls if call.method not in METHODS]

    @property
    def rate_violations(self) -> list[RateViolation]:
        return self.rates.violations

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != self.token:
            return _json(Refusal(401, "Unauthorized").to_json(), 401)
        method = request.match_info["method"]
        try:
            call = await read_call(request, _NAMES.get(method.lower(), method), self.clock.now_s())
        except web.HTTPRequestEntityTooLarge:
            return _json(Refusal(413, "Request Entity Too Large").to_json(), 413)
        self.all_calls.append(call)
        try:
            return await self._answer_call(request, call)
        except asyncio.CancelledError:
            call.is_abandoned = True
            raise
        finally:
            self.changes.notify()

    async def _answer_call(self, request: web.Request, call: Call) -> web.StreamResponse:
        fault = self.faults.take(call)
        self.changes.notify()
        if fault and fault.harm is Harm.DELAYED:
            await fault.gate.wait()
        if fault and fault.harm is Harm.LOST:
            return _break_off(request)
        body = await self._done(call, fault)
        if fault and fault.harm is Harm.UNANSWERED:
            return _break_off(request)
        if fault and fault.harm is Harm.ANSWERED_LATE:
            await fault.gate.wait()
        call.code = body.get("error_code", 200)
        return _json(body, call.code)

    async def _done(self, call: Call, fault: Fault | None) -> dict[str, Any]:
        """Does what a call asks for; the body of its answer."""
        try:
            call.result = await self._result(call, fault)
        except Refusal as refusal:
            call.description = refusal.description
            return refusal.to_json()
        except Exception as error:
            self.failures.append(error)
            raise
        return {"ok": True, "result": call.result}

    async def _result(self, call: Call, fault: Fault | None) -> Any:
        if fault and fault.harm is Harm.REFUSED:
            raise fault.refusal
        self._check_rate(call)
        if call.method not in METHODS:
            raise Refusal(404, "Not Found: method not found")
        result = METHODS[call.method](self, call)
        return await result if inspect.isawaitable(result) else result

    def _check_rate(self, call: Call) -> None:
        chat_id = call.integer("chat_id")
        if chat_id is None or not is_counted(call.method):
            return
        amount = len(call.value("media", [])) if call.method == "sendMediaGroup" else 1
        early_by_s = self.rates.count(call.method, chat_id, amount)
        if early_by_s > 0:
            raise flood(max(1, math.ceil(self.clock.on_the_wall_s(early_by_s))))

    async def _download(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != self.token:
            return _json(Refusal(404, "Not Found").to_json(), 404)
        try:
            return web.Response(body=self.files.downloaded(request.match_info["path"]))
        except KeyError:
            return _json(Refusal(404, "Not Found").to_json(), 404)


def _json(body: dict[str, Any], status: int) -> web.Response:
    return web.Response(status=status, text=json.dumps(body), content_type="application/json")


def _break_off(request: web.Request) -> web.Response:
    """Closes the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
