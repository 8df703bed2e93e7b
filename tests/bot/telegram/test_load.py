"""A hundred chats at once: nothing is sent faster than Telegram documents, and everybody gets the result."""

from pathlib import Path

from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.house import House, is_result

PRIVATE, GROUPS = 80, 20
PATIENCE_S = 240
SPEED = 2.0
JITTER_S = 1.0
"""Calls share two processors with the server, so they do not arrive as evenly as they are sent."""


async def test_a_hundred_chats_at_once(tmp_path: Path) -> None:
    """No method exceeds the documented rates, each chat gets one result, and nothing is left over."""
    async with BotApi(speed=SPEED, rate_jitter_s=JITTER_S) as telegram, House(telegram, tmp_path) as house:
        people = [telegram.person(f"Person {number}") for number in range(PRIVATE + GROUPS)]
        chats = [telegram.private(person) for person in people[:PRIVATE]]
        chats += [telegram.group(person.first_name, person) for person in people[PRIVATE:]]
        for chat, person in zip(chats, people, strict=True):
            await chat.say(person, "/omost a fair")
        await telegram.until(
            lambda: all(any(map(is_result, chat.bot_messages)) for chat in chats), PATIENCE_S
        )
        assert [len(chat.bot_messages) for chat in chats] == [1] * len(chats)
        assert len(house.renderer.painted) == len(chats)
        assert telegram.rate_violations == []
        assert await house.store.unhandled("telegram") == ()
