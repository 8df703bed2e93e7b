"""The bot on Telegram: python-telegram-bot's application, put together and kept running.

Updates are asked for, or come to a webhook. Telegram that cannot be reached is waited for; a token that it
does not know, and another process that asks with the same one, end the bot with a sentence.
"""

import asyncio
import hashlib
import hmac
import logging
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, cast
from urllib.parse import urlsplit

import structlog
from telegram import LinkPreviewOptions, Update
from telegram.error import InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import Application, Defaults, ExtBot, TypeHandler, Updater
from telegram.request import HTTPXRequest

from bot.chat.messages import Messages
from bot.chat.outbox import Outbox
from bot.chat.pace import Clock
from bot.chat.platform import AccountUnusable
from bot.chat.sending import Sender
from bot.chat.talk import Talk
from bot.sections import TelegramSettings
from bot.settings import Settings
from bot.telegram.administrators import Administrators
from bot.telegram.answering import Answering
from bot.telegram.conversation import Conversation
from bot.telegram.drafts import Drafts
from bot.telegram.forms import Forms
from bot.telegram.hearing import Hearing
from bot.telegram.in_place import InPlace
from bot.telegram.inbox import Handling, Inbox, InOrder
from bot.telegram.menu import tell_menu
from bot.telegram.platform import TelegramPlatform
from engine.studio import Studio
from engine.worker import first_of

WANTED: Final = ("message", "channel_post", "callback_query", "my_chat_member")
"""The kinds of updates that are asked for; edited messages are not."""
POLL_S: Final = 30
CONNECT_TIMEOUT_S: Final = 10.0
TIMEOUT_S: Final = 20.0
UPLOAD_TIMEOUT_S: Final = 120.0
CONNECTIONS: Final = 128
LONGEST_PAUSE_S: Final = 60.0

CONFLICTS_AT_FIRST: Final = 3
CONFLICTS: Final = 20
"""So many conflicts in a row are borne by who has had no answer yet, and by others: the new one gives way."""

_PLATFORM: Final = "Telegram"
_UNAUTHORISED: Final = (401, 404)
_CONFLICT: Final = 409
_OK: Final = 200

_Application = Application[Any, Any, Any, Any, Any, Any]
_log = structlog.get_logger()


async def serve_telegram(
    settings: Settings, studio: Studio, outbox: Outbox, *, clock: Clock | None = None
) -> None:
    """Serves Telegram's chats until it is cancelled.

    Args:
        settings: With a token.
        studio: That is asked for pictures.
        outbox: Is opened as soon as results can be shown.
        clock: For the pace of sending.

    Raises:
        SettingsError: The token cannot be read.
        AccountUnusable: Telegram does not know the token, another process uses it, or the webhook's address
            is taken.
    """
    _log_to_structlog()
    gate = _Gate(outbox)
    bot = _bot(settings.telegram, settings.telegram_token(), gate)
    order = InOrder()
    inbox = Inbox(studio.store, bot)
    application = _application(bot, inbox, order)
    async with _introduced(application):
        platform = TelegramPlatform(bot)
        async with Messages(platform, studio, settings, clock=clock) as messages:
            talk = Talk(platform, studio, messages, settings)
            drafts = Drafts(bot, studio, messages.pace.clock)
            sender = Sender(platform, studio.store, messages.pace)
            in_place = InPlace(platform, sender)
            _wire(application, platform, talk, Answering(sender, in_place, talk), drafts)
            await messages.resume()
            outbox.open(messages)
            try:
                async with _running(application, inbox, order, settings.telegram, outbox):
                    await first_of(gate.wait(), _told(application, studio))
            finally:  # when nothing is handled any more that could begin another one
                await drafts.close()
                await in_place.close()


async def _told(application: _Application, studio: Studio) -> None:
    """Tells Telegram the commands beside the work; never returns."""
    await tell_menu(application.bot, studio.store)
    await asyncio.Event().wait()


# --- putting it together ------------------------------------------------------------------------------


_DEFAULTS: Final = Defaults(link_preview_options=LinkPreviewOptions(is_disabled=True))
"""An address among somebody's words shows no page of a stranger's."""


def _bot(settings: TelegramSettings, token: str, gate: "_Gate") -> ExtBot[None]:
    address = settings.api_base_url.rstrip("/")
    timeouts: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "read_timeout": TIMEOUT_S,
        "write_timeout": TIMEOUT_S,
        "pool_timeout": TIMEOUT_S,
        "media_write_timeout": UPLOAD_TIMEOUT_S,
        "proxy": settings.proxy or None,
    }
    return ExtBot(
        token,
        base_url=f"{address}/bot",
        base_file_url=f"{address}/file/bot",
        defaults=_DEFAULTS,
        request=HTTPXRequest(CONNECTIONS, **timeouts),
        get_updates_request=_WatchedRequest(gate.note, timeouts),
    )


def _application(bot: ExtBot[None], inbox: Inbox, order: InOrder) -> _Application:
    builder = Application.builder().bot(bot).update_queue(cast("asyncio.Queue[object]", inbox))
    return cast("_Application", builder.concurrent_updates(order).job_queue(None).build())


def _wire(
    application: _Application,
    platform: TelegramPlatform,
    talk: Talk,
    answering: Answering,
    drafts: Drafts,
) -> None:
    bot, inbox = application.bot, cast("Inbox", application.update_queue)
    store = inbox.store
    forms = Forms(talk, platform, store, answering)
    hearing = Hearing(bot.bot, Administrators(bot))
    conversation = Conversation(bot, talk, store, hearing, answering, forms, drafts)
    handling = Handling(store, inbox, conversation.handle, conversation.give_up)
    application.add_handler(TypeHandler(Update, handling))


# --- running ------------------------------------------------------------------------------------------


@asynccontextmanager
async def _introduced(application: _Application) -> AsyncGenerator[None]:
    """Waits until Telegram can be reached and says who the bot is."""
    try:
        await _introduce(application)
        yield
    finally:
        await application.shutdown()
        await application.bot.shutdown()  # also where it was never introduced


async def _introduce(application: _Application) -> None:
    pause_s = 1.0
    while True:
        try:
            await application.initialize()
        except InvalidToken:
            raise AccountUnusable(_PLATFORM, "token-refused") from None
        except (NetworkError, RetryAfter) as error:
            _log.warning("telegram_unreachable", why=repr(error), again_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        else:
            return


@asynccontextmanager
async def _running(
    application: _Application, inbox: Inbox, order: InOrder, settings: TelegramSettings, outbox: Outbox
) -> AsyncGenerator[None]:
    """Updates are received and handled."""
    updater = application.updater
    assert updater is not None  # noqa: S101 - the application was built with one

    def note_trouble(error: TelegramError) -> None:
        outbox.is_connected = False
        _log.warning("telegram_not_heard", why=repr(error))

    await inbox.take_up()
    await application.start()
    try:
        if settings.webhook_url:
            await _listen(updater, settings)
        else:
            await updater.start_polling(
                poll_interval=0,
                timeout=POLL_S,
                bootstrap_retries=-1,
                allowed_updates=WANTED,
                error_callback=note_trouble,
            )
        outbox.is_connected = True
        _log.info("telegram_served", username=application.bot.username)
        yield
    finally:
        try:
            if updater.running:
                with suppress(InvalidToken):  # whose token was taken back cannot say goodbye
                    await updater.stop()
        finally:
            await order.stop()
            await application.stop()


async def _listen(updater: Updater, settings: TelegramSettings) -> None:
    """Receives updates at a webhook, from nobody but Telegram."""
    secret = hmac.new(updater.bot.token.encode(), b"webhook", hashlib.sha256).hexdigest()
    await updater.start_webhook(
        url_path=urlsplit(settings.webhook_url).path.strip("/"),
        webhook_url=settings.webhook_url,
        secret_token=secret,
        bootstrap_retries=-1,
        allowed_updates=WANTED,
        unix=_listener(settings),  # which may be any socket
    )


def _listener(settings: TelegramSettings) -> socket.socket:
    try:
        listener = socket.create_server((settings.webhook_host, settings.webhook_port))
    except OSError as error:
        _log.error("webhook_cannot_listen", why=error.strerror or str(error))
        raise AccountUnusable(_PLATFORM, "webhook-address-taken") from error
    listener.setblocking(False)
    return listener


class _Gate:
    """What Telegram answers to whoever asks for updates; opens when it is of no use to ask any more."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._conflicts = 0
        self._most = CONFLICTS_AT_FIRST

    def note(self, code: int) -> None:
        """Takes in the status of an answer."""
        if code in _UNAUTHORISED:
            self._close("token-revoked")
        elif code == _CONFLICT:
            self._conflicts += 1
            if self._conflicts >= self._most:
                self._close("another-poller")
        elif code == _OK:
            self._conflicts, self._most = 0, CONFLICTS
            self._outbox.is_connected = True

    async def wait(self) -> None:
        """Waits for the end.

        Raises:
            AccountUnusable: When it has come.
        """
        raise AccountUnusable(_PLATFORM, await self._end)

    def _close(self, reason: str) -> None:
        if not self._end.done():
            self._end.set_result(reason)


class _WatchedRequest(HTTPXRequest):
    """Requests whose answers' status somebody else is told too."""

    def __init__(self, note: Callable[[int], None], timeouts: dict[str, Any]) -> None:
        super().__init__(2, **timeouts)
        self._note = note

    async def do_request(self, *args: Any, **named: Any) -> tuple[int, bytes]:
        """As HTTPXRequest does."""
        code, payload = await super().do_request(*args, **named)
        self._note(code)
        return code, payload


# --- the library's log --------------------------------------------------------------------------------


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Passes the record on, without the traceback of what is known."""
        _log.warning("telegram_library", detail=record.getMessage())


def _log_to_structlog() -> None:
    logger = logging.getLogger("telegram")
    logger.propagate = False
    if not any(isinstance(handler, _ToStructlog) for handler in logger.handlers):
        logger.addHandler(_ToStructlog(logging.WARNING))
