"""What tests of the Telegram side hold in their hands: a bare client, and a picture."""

import io

from PIL import Image
from telegram import Bot
from telegram.request import HTTPXRequest

from tests.bot.telegram.bot_api import BotApi


def bot_of(server: BotApi, *, read_timeout_s: float = 30) -> Bot:
    """A client that waits no longer than that for an answer."""
    return Bot(
        server.token,
        base_url=server.base_url,
        base_file_url=server.base_file_url,
        request=HTTPXRequest(read_timeout=read_timeout_s, connect_timeout=30, pool_timeout=30),
    )


def picture(width_px: int = 640, height_px: int = 480) -> bytes:
    """A plain PNG."""
    with io.BytesIO() as out:
        Image.new("RGB", (width_px, height_px), "lightgreen").save(out, "PNG")
        return out.getvalue()
