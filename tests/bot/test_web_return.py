"""Coming back to the chat page: what runs and what has ended is there, in a real browser."""

import asyncio
import re
import secrets
from contextlib import asynccontextmanager
from functools import partial

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from bot.web import listen, serve
from engine.studio import Compose
from storage.records import ConversationKey, PersonKey
from storage.scene import SceneSettings
from tests.bot.on_page import box, button, picture, say, settings, status, talk, trouble

pytestmark = pytest.mark.asyncio(loop_scope="module")


def asked(page: Page) -> Locator:
    return page.locator(".bubble.asked")


def answered(page: Page) -> Locator:
    return page.locator(".bubble.answered")


def preview(page: Page) -> Locator:
    return page.get_by_role("img", name="Preview of the unfinished picture")


async def say_slowly(page: Page, words: str) -> None:
    """Says something that is stopped behind its first region."""
    await say(page, words)
    await expect(status(page)).to_have_text("Composing … 1 region")


async def end_of(site, turn_id: str):
    async with asyncio.timeout(120):
        *_, end = [event async for event in site.studio.events(turn_id)]
    return end


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _open_gates(site):
    """A test that fails leaves nobody waiting."""
    yield
    for gate in site.composer.gates.values():
        gate.set()


@asynccontextmanager
async def somebody_else(site, *, is_queued: bool = False):
    """A stranger's request that is being composed, or stands in the queue, until the block ends."""
    name = secrets.token_hex(8)
    prompt = f"slowly for {name}"
    whose = (ConversationKey("web", name), PersonKey("web", name))
    settings = SceneSettings(width_px=256, height_px=256)
    turn_id = await site.studio.submit(Compose(f"web:{name}", *whose, prompt, settings))
    if not is_queued:
        async with asyncio.timeout(120):
            await anext(event async for event in site.studio.events(turn_id) if "Region" in repr(event))
    yield
    site.composer.gate(prompt).set()
    await end_of(site, turn_id)


async def test_a_reload_shows_what_runs_and_then_its_result(page, site):
    """Whoever reloads sees their words, the growing picture and Cancel again, and then the answer, once."""
    await say_slowly(page, "slowly a reload")
    await page.reload()
    await expect(asked(page)).to_have_text("slowly a reload")
    await expect(status(page)).to_have_text("Composing … 1 region")
    await expect(preview(page)).to_be_visible()
    await expect(button(page, "Cancel")).to_be_visible()
    await expect(button(page, "Paint again")).to_be_hidden()
    await box(page).fill("typed meanwhile")

    site.composer.gate("slowly a reload").set()
    await expect(picture(page)).to_be_visible()
    await expect(answered(page)).to_contain_text("Here is the scene.")
    await expect(button(page, "Cancel")).to_be_hidden()
    await expect(box(page)).to_have_value("typed meanwhile")
    await page.reload()
    await expect(picture(page)).to_be_visible()
    await expect(asked(page)).to_have_count(1)
    await expect(answered(page)).to_contain_text("Here is the scene.")


async def test_a_reloaded_page_can_cancel(page):
    """Cancel works for a turn that the page before the reload started."""
    await say_slowly(page, "slowly, and never mind")
    await page.reload()
    await button(page, "Cancel").click()
    await expect(talk(page)).to_contain_text("Cancelled.")
    await expect(box(page)).to_have_value("slowly, and never mind")
    await expect(button(page, "Cancel")).to_be_hidden()
    await page.reload()
    await expect(talk(page)).to_contain_text("Cancelled.")


async def test_a_closed_tab_stops_nothing(context, browser, site, open_tab):
    """A new tab shows what was painted while none was open; another browser sees nothing of it."""
    async with open_tab(context, site) as page:
        await say_slowly(page, "slowly, then gone")
        await page.close()
    site.composer.gate("slowly, then gone").set()
    assert (await end_of(site, site.studio.orders[-1].turn_id)).revision.images
    async with open_tab(context, site) as page:
        await expect(asked(page)).to_have_text("slowly, then gone")
        await expect(answered(page)).to_contain_text("Here is the scene.")
        await expect(picture(page)).to_be_visible()
        await expect(status(page)).to_have_count(0)
        await say(page, "change the clown to a magician")
        await expect(answered(page).last).to_contain_text("clown became magician")
        await page.reload()
        await expect(answered(page).last).to_contain_text("clown became magician")

    stranger = await browser.new_context(locale="en-US")
    async with open_tab(stranger, site) as page:
        await expect(page.get_by_text("What shall we paint?")).to_be_visible()
        await button(page, "New scene").click()  # whatever a tab would catch up with is there afterwards
        await expect(page.get_by_text("Your picture appears here")).to_be_visible()
        await expect(page.locator(".bubble")).to_have_count(0)
    await stranger.close()


async def test_what_failed_unseen_is_told(context, site, open_tab):
    """Why a turn came to nothing is said to whoever comes back."""
    async with open_tab(context, site) as page:
        await say_slowly(page, "slowly mumble")
        await page.close()
    site.composer.gate("slowly mumble").set()
    await end_of(site, site.studio.orders[-1].turn_id)
    async with open_tab(context, site) as page:
        await expect(trouble(page)).to_contain_text("clown, tent")
        await expect(button(page, "Cancel")).to_be_hidden()


async def test_two_tabs_are_one_conversation(page, context, site, open_tab):
    """In another tab nothing can be started while a turn runs, but it can be watched there to its end."""
    async with open_tab(context, site) as other:
        await say_slowly(page, "slowly in one tab")
        await say(other, "a fair in the other tab")
        await expect(trouble(other)).to_contain_text("still being worked on")
        await expect(box(other)).to_have_value("a fair in the other tab")
        await expect(asked(other)).to_have_text("slowly in one tab")
        await expect(status(other)).to_have_text("Composing … 1 region")
        site.composer.gate("slowly in one tab").set()
        for tab in (page, other):
            await expect(picture(tab)).to_be_visible()
            await expect(answered(tab)).to_have_count(1)
        assert [order.prompt for order in site.studio.orders[-1:]] == ["slowly in one tab"]


async def test_the_place_in_the_queue_is_shown(page, site):
    """Whoever waits sees their place, with a time once times are measured, and the place moves."""
    await say(page, "a fair")
    await expect(picture(page)).to_be_visible()
    async with somebody_else(site):
        async with somebody_else(site):
            await say(page, "add a dog")
            place = r"Number {} in the queue, about \d+ (seconds|minutes)"
            await expect(status(page)).to_have_text(re.compile(place.format(3)))
            await page.reload()
            await expect(status(page)).to_have_text(re.compile(place.format(3)))
        await expect(answered(page)).to_have_count(2)
        await expect(status(page)).to_have_count(0)


async def test_a_picture_that_was_painted_thriftily_says_so(page):
    """Where memory was short, the answer says it, after a reload as well."""
    await say(page, "huge fair")
    await expect(picture(page)).to_be_visible()
    await expect(answered(page)).to_contain_text("Memory was short")
    await page.reload()
    await expect(answered(page)).to_contain_text("Memory was short")


async def test_a_restarted_server_is_found_again(context, site, serve_again):
    """A page that is open while its server restarts comes back by itself, and so does its turn."""
    web = site.settings.web
    with listen(web.host, 0) as free:
        port = free.getsockname()[1]
    again = partial(serve, site.settings.model_copy(update={"web": web.model_copy(update={"port": port})}))
    page = await context.new_page()
    async with serve_again(partial(again, site.studio)) as address:
        await page.goto(address)
        await say_slowly(page, "slowly through a restart")
        await page.evaluate("window.isOld = true")
    async with serve_again(partial(again, site.studio)):
        await page.wait_for_function("!window.isOld")
        await expect(asked(page)).to_have_text("slowly through a restart")
        await expect(status(page)).to_have_text("Composing … 1 region")
        site.composer.gate("slowly through a restart").set()
        await expect(picture(page)).to_be_visible()
        await page.close()


async def test_everything_of_a_visitor_is_removed(context, site, open_tab):
    """Asked twice, the page forgets what was made and stops what runs; a reload shows an empty page."""
    async with open_tab(context, site) as page:
        await say(page, "a fair")
        await expect(picture(page)).to_be_visible()
        first = site.studio.orders[-1]
        await say_slowly(page, "slowly, not to be kept")
        await settings(page).click()
        await button(page, "Forget me").click()
        await button(page, "Keep").click()
        await expect(button(page, "Remove everything")).to_be_hidden()
        await expect(picture(page)).to_be_hidden()  # the preview of what runs is still there
        await button(page, "Forget me").click()
        await button(page, "Remove everything").click()
        await expect(talk(page)).to_have_text("Everything of yours has been removed.")
        await expect(button(page, "Cancel")).to_be_hidden()
        await expect(page.get_by_text("Your picture appears here")).to_be_visible()
        assert await site.studio.store.turns(first.conversation) == ()
        await page.reload()
        await expect(page.get_by_text("What shall we paint?")).to_be_visible()
        await expect(page.locator(".bubble")).to_have_count(0)
