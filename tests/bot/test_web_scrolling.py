"""What is in sight on the chat page, in a real browser."""

import pytest
from playwright.async_api import expect

from tests.bot.on_page import say

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_newest_words_stay_in_sight(page):
    """A refusal comes into sight, and so does every answer after it, in a window that is too low for all."""
    await page.set_viewport_size({"width": 1280, "height": 560})
    bubbles = page.locator(".bubble")
    for number, words in enumerate(("a fair", "mumble", "mumble", "mumble", "add a dog"), start=1):
        await say(page, words)
        await expect(bubbles).to_have_count(2 * number)
        await expect(bubbles.last).to_be_in_viewport(ratio=1)
