"""Makes docs/images/chat-page.png and docs/images/chat.png: what the bot shows, as it is today.

    python -m tools.make_screenshots

A real `omost-bot run` serves the page and, on the loopback, the Telegram server of the tests. The page is
photographed in Chromium. Of the chat the messages are taken as the bot has sent them, texts, pictures and
buttons, and drawn as a plain chat window: it is no picture of Telegram's own program. Needs what the page's
tests need, and a font with emoji (Debian: fonts-noto-color-emoji).
"""

import asyncio
import base64
import os
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from html import escape
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, async_playwright

from tests.bot.on_page import box, button, picture, say
from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.house import after
from tests.bot.telegram.messages import Message

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
MOST_BYTES = 400_000
"""Of a file that is shown on a page; a larger one is kept with fewer colours."""
PATIENCE_S = 90.0

TAGS = {"bold": "b", "italic": "i", "code": "code", "blockquote": "q", "expandable_blockquote": "q"}
STYLE = """
* { box-sizing: border-box; margin: 0 }
body { width: 600px; padding: 22px 26px 26px; background: #e4ebf1; color: #1d2733;
       font: 15px/1.42 "DejaVu Sans", "Noto Color Emoji", sans-serif }
.said { display: flex; gap: 10px; margin-top: 14px; align-items: flex-end }
.face { flex: none; width: 34px; height: 34px; border-radius: 50%; color: white; font-weight: bold;
        text-align: center; line-height: 34px }
.bubble { background: white; border-radius: 14px 14px 14px 4px; overflow: hidden; max-width: 500px;
          box-shadow: 0 1px 2px #0002 }
.bubble img { display: block; width: 500px }
.words { padding: 8px 14px 10px; white-space: pre-wrap; overflow-wrap: anywhere }
.name { font-weight: bold; font-size: 13.5px }
.answered { width: fit-content; border-left: 3px solid; padding-left: 8px; margin: 3px 0 4px;
            font-size: 13px; opacity: .75 }
q { display: block; quotes: none; border-left: 3px solid #4f46e5; background: #4f46e512; padding: 3px 9px;
    border-radius: 4px; margin: 3px 0 }
.keys { margin: 5px 0 0 44px; width: 500px }
.row { display: flex; gap: 5px; margin-top: 5px }
.row span { flex: 1; background: #8fa3b5; color: white; border-radius: 9px; text-align: center;
            padding: 6px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; font-size: 14px }
"""
BOTS_COLOR = "#4f46e5"
COLORS = ("#d9622b", "#2a8f6f")


# --- the bot ------------------------------------------------------------------------------------------


@asynccontextmanager
async def running_bot(telegram: BotApi, folder: str) -> AsyncGenerator[str]:
    """Yields the page's address, as soon as the bot is heard of."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("OMOST_")}
    surroundings |= {
        "OMOST_DATA_DIR": folder,
        "OMOST_LOG__LEVEL": "error",
        "OMOST_METRICS__PORT": "0",
        "OMOST_WEB__PORT": str(port),
        "OMOST_TELEGRAM__TOKEN": telegram.token,
        "OMOST_TELEGRAM__API_BASE_URL": telegram.url,
    }
    bot = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "run", env=surroundings, cwd=ROOT)
    try:
        await telegram.until(lambda: telegram.calls("getUpdates"), PATIENCE_S)
        yield f"http://127.0.0.1:{port}"
    finally:
        bot.terminate()
        await bot.wait()


async def talked(telegram: BotApi) -> Sequence[Message]:
    """What stands in a group in which two people have made a picture together."""
    ada, ben = telegram.person("Ada"), telegram.person("Ben")
    group = telegram.group("Picture club", ada, ben)
    await group.say(ada, "/omost 4:3 seed:7 Happy Children's Day")
    first = await after(group)
    await group.reply(ben, first, "change the clown to a magician, make it night")
    await after(group, first)
    return group.messages


# --- the pictures -------------------------------------------------------------------------------------


async def page_shown(browser: Browser, address: str) -> bytes:
    """The chat page after two requests."""
    page = await browser.new_page(viewport={"width": 1280, "height": 800}, locale="en")
    await page.goto(address)
    for words in ("Happy Children's Day", "change the clown to a magician"):
        before = await picture(page).get_attribute("src") if await picture(page).count() else ""
        await say(page, words)
        await page.wait_for_function(
            "before => { const shown = document.querySelector(`#stage img[alt^='Storyboard:']`);"
            " return shown && shown.complete && shown.getAttribute('src') !== before }",
            arg=before,
        )
        await button(page, "Paint again").wait_for()
    await page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth)")
    await box(page).focus()
    return await page.screenshot(animations="disabled")


async def chat_shown(browser: Browser, messages: Sequence[Message]) -> bytes:
    """Messages in a plain chat window."""
    page = await browser.new_page(viewport={"width": 600, "height": 400})
    await page.set_content(f"<style>{STYLE}</style>{''.join(drawn(each) for each in messages)}")
    return await page.screenshot(full_page=True)


def drawn(message: Message) -> str:
    """A message as HTML: who, what it answers to, its picture, its words with their entities, its buttons."""
    name = message.sender.first_name if message.sender else "?"
    color = BOTS_COLOR if message.is_of_bot else COLORS[message.sender.id % 2 if message.sender else 0]
    to = message.reply_to
    quoted = f'<div class="answered">{escape(to.text.partition(chr(10))[0])}</div>' if to else ""
    photo = base64.b64encode(message.photo or b"").decode()
    shown = f'<img src="data:image/png;base64,{photo}">' if photo else ""
    words = f'<div class="name" style="color:{color}">{escape(name)}</div>{quoted}{marked(message)}'
    rows = "".join(
        f'<div class="row">{"".join(f"<span>{escape(each)}</span>" for each in row)}</div>'
        for row in message.buttons
    )
    face = f'<div class="face" style="background:{color}">{escape(name[0])}</div>'
    return (
        f'<div class="said">{face}<div class="bubble">{shown}<div class="words">{words}</div></div></div>'
        f'<div class="keys">{rows}</div>'
    )


def marked(message: Message) -> str:
    """The text with its entities as tags; Telegram counts them in UTF-16."""
    units = message.text.encode("utf-16-le")
    tags: dict[int, str] = {}
    for entity in message.content.entities:
        if tag := TAGS.get(entity["type"]):
            begin, end = entity["offset"], entity["offset"] + entity["length"]
            tags[begin] = tags.get(begin, "") + f"<{tag}>"
            tags[end] = f"</{tag}>" + tags.get(end, "")
    edges = sorted({0, len(units) // 2, *tags})
    parts = [
        tags.get(begin, "") + escape(units[2 * begin : 2 * end].decode("utf-16-le"))
        for begin, end in zip(edges, [*edges[1:], edges[-1]], strict=True)
    ]
    return "".join(parts).replace("</q>\n", "</q>")


def keep(name: str, png: bytes) -> None:
    """Writes it, small enough."""
    shown = Image.open(BytesIO(png)).convert("RGB")
    if len(png) > MOST_BYTES:
        shown = shown.quantize(256, dither=Image.Dither.FLOYDSTEINBERG)
    shown.save(IMAGES / name, optimize=True)


async def main() -> None:
    """Makes both."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            BotApi() as telegram,
            running_bot(telegram, folder) as address,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium")
            keep("chat.png", await chat_shown(browser, await talked(telegram)))
            keep("chat-page.png", await page_shown(browser, address))


if __name__ == "__main__":
    asyncio.run(main())
