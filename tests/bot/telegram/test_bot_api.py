"""The loopback Bot API server, driven by the real python-telegram-bot: updates, faults and rates."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import aiohttp
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest, Conflict, InvalidToken, NetworkError, RetryAfter
from telegram.ext import Application, ApplicationBuilder, ContextTypes, TypeHandler

from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.chats import CallbackAnswer
from tests.bot.telegram.clients import bot_of
from tests.ports import free_port

DICE = InlineKeyboardMarkup([[InlineKeyboardButton("🎲 Again", callback_data="omost:v1:again:7")]])


async def greet(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    """Answers words with words and a button, and the button with a line."""
    if update.callback_query:
        await update.callback_query.answer("rolling")
        await update.callback_query.edit_message_text("rolled")
    elif update.message:
        await update.message.reply_text(f"You said {update.message.text}", reply_markup=DICE, do_quote=True)


def application(server: BotApi) -> Application:
    builder = ApplicationBuilder().token(server.token)
    application = builder.base_url(server.base_url).base_file_url(server.base_file_url).build()
    application.add_handler(TypeHandler(Update, greet))
    return application


@asynccontextmanager
async def polling(server: BotApi) -> AsyncIterator[Application]:
    async with application(server) as app:
        await app.start()
        await app.updater.start_polling(poll_interval=0, timeout=10)
        try:
            yield app
        finally:
            await app.updater.stop()
            await app.stop()


@asynccontextmanager
async def webhook(server: BotApi, secret: str = "hush") -> AsyncIterator[Application]:
    port = free_port()
    async with application(server) as app:
        await app.start()
        url = f"http://127.0.0.1:{port}/hook"
        await app.updater.start_webhook("127.0.0.1", port, "hook", webhook_url=url, secret_token=secret)
        try:
            yield app
        finally:
            await app.updater.stop()
            await app.stop()


@pytest.mark.parametrize("way", [polling, webhook])
async def test_a_conversation(server: BotApi, way) -> None:
    """Over polling and over a webhook a person gets an answer and presses its button."""
    ada = server.person("Ada", "de")
    chat = server.private(ada)
    async with way(server):
        said = await chat.say(ada, "/omost Happy Children's Day")
        answer = await chat.wait_for(lambda message: "Children" in message.text)
        assert answer.reply_to is said
        assert answer.buttons == [["🎲 Again"]]
        pressed = await chat.press(ada, answer, "🎲")
        assert (pressed.text, pressed.is_alert) == ("rolling", False)
        await chat.wait_for(lambda message: message.text == "rolled")
        await server.updates.confirmed()
    assert [look.content.text for look in answer.history] == [
        "You said /omost Happy Children's Day",
        "rolled",
    ]
    assert answer.history[0].at_s <= answer.history[1].at_s
    assert answer.buttons == []
    assert server.unknown_methods == []


async def test_a_confirmed_update_is_gone_unless_it_is_repeated(server: BotApi, bot: Bot) -> None:
    """The offset confirms; a repeated update comes again with its number."""
    ada = server.person("Ada")
    chat = server.private(ada)
    await chat.say(ada, "one")
    await chat.say(ada, "two")
    first, second = await bot.get_updates()
    assert [update.update_id for update in await bot.get_updates(first.update_id + 1)] == [second.update_id]
    assert await bot.get_updates(second.update_id + 1) == ()
    server.updates.repeat()
    assert [update.update_id for update in await bot.get_updates(second.update_id + 1)] == [second.update_id]


async def test_updates_may_come_in_another_order(server: BotApi, bot: Bot) -> None:
    """What was kept back is let go the last first."""
    ada = server.person("Ada")
    server.updates.hold()
    for text in ("one", "two", "three"):
        await server.private(ada).say(ada, text)
    assert await bot.get_updates() == ()
    server.updates.release()
    assert [update.message.text for update in await bot.get_updates()] == ["three", "two", "one"]


async def test_only_wanted_kinds_are_delivered(server: BotApi, bot: Bot) -> None:
    """What allowed_updates leaves out is never delivered."""
    ada = server.person("Ada")
    await bot.get_updates(allowed_updates=["callback_query"])
    await server.private(ada).say(ada, "unheard")
    assert await bot.get_updates() == ()


async def test_two_pollers_conflict(server: BotApi, bot: Bot) -> None:
    """The second poller ends the first one's waiting; while there is a webhook nobody may poll."""
    waiting = asyncio.create_task(bot.get_updates(timeout=30))
    await server.until(lambda: server.calls("getUpdates"))
    async with bot_of(server) as other:
        await other.get_updates()
    with pytest.raises(Conflict, match="terminated by other getUpdates"):
        await waiting
    assert server.updates.conflicts == 1
    waiting = asyncio.create_task(bot.get_updates(timeout=30))
    await server.until(lambda: len(server.calls("getUpdates")) == 3)
    await bot.set_webhook("http://127.0.0.1:9/nobody")
    with pytest.raises(Conflict, match="terminated by setWebhook"):
        await waiting
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
    assert (await bot.get_webhook_info()).url == "http://127.0.0.1:9/nobody"


async def test_a_webhook_is_tried_again() -> None:
    """What was refused for its secret comes again until it is taken; twice, where that is ordered."""
    async with BotApi(speed=100) as server, webhook(server, "right") as app:
        ada = server.person("Ada")
        chat = server.private(ada)
        assert server.updates.webhook
        server.updates.webhook.secret_token = "wrong"
        await chat.say(ada, "hello")
        hook = await server.until(lambda: (hook := server.updates.webhook) and hook.error and hook)
        assert "403" in (await app.bot.get_webhook_info()).last_error_message
        server.updates.delivers_twice = True
        hook.secret_token = "right"
        await server.until(lambda: len(chat.bot_messages) == 2)


async def test_a_flood_is_refused(server: BotApi, bot: Bot) -> None:
    """429 comes with the time to wait, so often as was ordered and only for that chat."""
    chats = [server.private(server.person(name)) for name in ("Ada", "Bob")]
    server.faults.flood("sendMessage", retry_after_s=7, chat_id=chats[0].id)
    await bot.send_message(chats[1].id, "fine")
    with pytest.raises(RetryAfter) as refused:
        await bot.send_message(chats[0].id, "too much")
    assert refused.value.retry_after == timedelta(seconds=7)
    await bot.send_message(chats[0].id, "fine")
    assert [call.code for call in server.calls("sendMessage")] == [200, 429, 200]


async def test_calls_and_answers_are_lost(server: BotApi, bot: Bot) -> None:
    """A lost call has had no effect, one whose answer was lost has, and so has one answered too late."""
    chat = server.private(server.person("Ada"))
    server.faults.lose("sendMessage")
    server.faults.drop_answer("sendMessage")
    server.faults.fail("sendMessage", code=502)
    for text in ("lost", "unanswered", "refused"):
        with pytest.raises(NetworkError):
            await bot.send_message(chat.id, text)
    for fault in (server.faults.answer_late("sendMessage"), server.faults.delay("sendMessage")):
        sending = asyncio.create_task(bot.send_message(chat.id, fault.harm.name))
        call = await server.until(lambda fault=fault: fault.struck and server.calls("sendMessage")[-1])
        sending.cancel()
        await server.until(lambda call=call: call.is_abandoned)
        fault.gate.set()
    await bot.send_message(chat.id, "fine")
    assert [message.text for message in chat.messages] == ["unanswered", "ANSWERED_LATE", "fine"]
    assert [call.code for call in server.calls("sendMessage")] == [0, 0, 502, 0, 0, 200]


async def test_a_late_answer_arrives_when_the_gate_opens(server: BotApi, bot: Bot) -> None:
    """Who is patient gets a late answer in the end."""
    chat = server.private(server.person("Ada"))
    fault = server.faults.answer_late("sendMessage")
    sending = asyncio.create_task(bot.send_message(chat.id, "patience"))
    await chat.wait_for(lambda message: message.text == "patience")
    assert not sending.done()
    fault.gate.set()
    assert (await sending).text == "patience"


async def test_rates_are_watched() -> None:
    """More than a short burst in a chat, 20 a minute in a group or 30 a second in all is written down."""
    async with BotApi(speed=0) as server, bot_of(server) as bot:
        chat = server.private(server.person("Ada"))
        for text in ("one", "two", "three", "too much"):
            assert server.rate_violations == []
            await bot.send_message(chat.id, text)
        assert [violation.rule for violation in server.rate_violations] == ["chat"]
        server.rate_violations.clear()
        group = server.group("Fair", server.person("Bob"))
        for number in range(21):
            assert server.rate_violations == []
            server.clock.advance(2.9 if number else 0)
            await bot.send_message(group.id, "on and on")
        assert [violation.rule for violation in server.rate_violations] == ["group"]
        server.rate_violations.clear()
        server.clock.advance(60)
        for number in range(31):
            assert server.rate_violations == []
            await bot.send_message(server.private(server.person(f"Person {number}")).id, "hello all")
        assert [violation.rule for violation in server.rate_violations] == ["overall"]


async def test_what_is_early_by_no_more_than_the_jitter_is_not_too_early() -> None:
    """A message may have been on the way for shorter than the one before."""
    async with BotApi(speed=0) as server:
        server.rates.jitter_s = 0.2
        for _ in range(3):
            server.rates.count("sendMessage", 1)
        server.clock.advance(0.85)
        server.rates.count("sendMessage", 1)
        assert server.rate_violations == []
        server.clock.advance(0.85)
        server.rates.count("sendMessage", 1)
        assert len(server.rate_violations) == 1


async def test_rates_are_enforced_and_who_goes_on_stays_refused() -> None:
    """With enforcement what comes too early is refused, until the time that was told is over."""
    async with BotApi(speed=0, enforces_rates=True) as server, bot_of(server) as bot:
        group = server.group("Fair", server.person("Bob"))
        for number in range(20):
            await bot.send_message(group.id, str(number))
            server.clock.advance(1)
        for _ in range(2):
            with pytest.raises(RetryAfter) as refused:
                await bot.send_message(group.id, "too much")
            assert refused.value.retry_after == timedelta(seconds=40)
        server.clock.advance(40)
        await bot.send_message(group.id, "fine")
    assert len(group.messages) == 21


async def test_a_query_grows_old() -> None:
    """A press can be answered once and for fifteen seconds."""
    async with BotApi(speed=0) as server, bot_of(server) as bot:
        ada = server.person("Ada")
        chat = server.private(ada)
        await bot.send_message(chat.id, "Press", reply_markup=DICE)
        for wait_s, is_answered in ((15, True), (16, False)):
            press = chat.touch(ada, chat.messages[0], "omost:v1:again:7")
            query = (await bot.get_updates(-1))[0].callback_query
            assert query.data == "omost:v1:again:7"
            server.clock.advance(wait_s)
            with suppress(BadRequest):
                await query.answer("ok", show_alert=True)
            assert press.answer == (CallbackAnswer("ok", is_alert=True, url="") if is_answered else None)
            with pytest.raises(BadRequest, match="Query is too old"):
                await query.answer()


async def test_what_is_not_known_is_refused(server: BotApi, bot: Bot) -> None:
    """A wrong token and an unknown method are refused as Telegram does; the method is written down."""
    with pytest.raises(InvalidToken, match="method not found"):
        await bot.get_my_star_balance()
    assert server.unknown_methods == ["getMyStarBalance"]
    server.token = "1:other"
    with pytest.raises(InvalidToken, match="Unauthorized"):
        await bot.get_chat(1)


async def test_calls_come_as_json_too(server: BotApi) -> None:
    """A body of JSON and arguments in the URL are taken like a form's, whatever the method's capitals."""
    chat = server.private(server.person("Ada"))
    url = f"{server.base_url}{server.token}/SENDMESSAGE"
    body = {"chat_id": chat.id, "text": "Press", "reply_markup": DICE.to_dict()}
    async with aiohttp.ClientSession() as session:
        async with session.post(url, json=body) as answer:
            assert (await answer.json())["result"]["message_id"] == chat.messages[0].id
        async with session.get(url, params={"chat_id": chat.id, "text": "Go"}) as answer:
            assert (await answer.json())["ok"]
    assert [(message.text, message.buttons) for message in chat.messages] == [
        ("Press", [["🎲 Again"]]),
        ("Go", []),
    ]


async def test_who_waits_in_vain_is_told_what_stands_there(server: BotApi, bot: Bot) -> None:
    """A time-out shows the chat."""
    chat = server.private(server.person("Ada"))
    await bot.send_message(chat.id, "Painting ...")
    with pytest.raises(TimeoutError, match=r"Omost: 'Painting \.\.\.'"):
        await chat.wait_for(lambda message: message.photo, timeout_s=0.01)


async def test_a_bot_that_is_killed_has_confirmed_nothing(server: BotApi, bot: Bot) -> None:
    """The server outlives the bot's process; the next poller gets what came meanwhile, without a conflict."""
    url = f"{server.base_url}{server.token}/getUpdates?timeout=60"
    program = f"import urllib.request; urllib.request.urlopen({url!r}, timeout=60).read()"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    await server.until(lambda: server.calls("getUpdates"))
    child.kill()
    await child.wait()
    ada = server.person("Ada")
    await server.private(ada).say(ada, "still there?")
    assert [update.message.text for update in await bot.get_updates()] == ["still there?"]
    assert server.updates.conflicts == 0
