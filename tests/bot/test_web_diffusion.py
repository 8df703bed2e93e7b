"""What the chat page has for renderers that go from noise to a picture, in a real browser."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.bot.on_page import box, button, settings, talk, trouble

pytestmark = pytest.mark.asyncio(loop_scope="module")


def painting(page: Page) -> Locator:
    return page.locator("#stage img[alt^='sdxl:']")


async def choose(page: Page, label: str, option: str) -> None:
    """Takes an entry of a list."""
    await page.get_by_label(label, exact=True).click()
    await page.get_by_role("option", name=option, exact=True).click()


async def choose_sdxl(page: Page) -> None:
    """Takes the renderer whose settings are hidden for others."""
    await settings(page).click()
    await expect(page.get_by_label("Steps")).to_be_hidden()
    await page.get_by_role("radio", name="sdxl").check()
    await expect(page.get_by_label("Steps")).to_be_visible()


async def paint(page: Page, words: str, *, answers: int = 1) -> None:
    """Says something and waits until it is painted."""
    await box(page).fill(words)
    await box(page).press("Enter")
    await expect(page.locator(".bubble.answered")).to_have_count(answers)
    await expect(button(page, "Paint again")).to_be_enabled()


async def test_settings_appear_with_the_renderer_that_knows_them(page, site):
    """They are hidden for the storyboard, reach the request, and are refused in words when they are bad."""
    await choose_sdxl(page)
    await choose(page, "Sampler", "euler_a")
    await page.get_by_label("Guidance").fill("3.5")
    await page.get_by_label("LoRA").fill("ink:0.5")
    await page.get_by_label("What to avoid").fill("fog")
    await page.get_by_label("Leave what I do not change").uncheck()
    await page.get_by_label("Begin with the colours").check()
    await page.get_by_label("Steps").fill("0")
    await box(page).fill("a fair")
    await box(page).press("Enter")
    await expect(trouble(page)).to_contain_text("1-150")

    await page.get_by_label("Steps").fill("9")
    await paint(page, "a fair")
    await expect(painting(page)).to_be_visible()
    wanted = site.studio.orders[-1].settings
    assert (wanted.sampler, wanted.steps, wanted.guidance, wanted.loras) == ("euler_a", 9, 3.5, "ink:0.5")
    assert (wanted.negative_prompt, wanted.steady, wanted.strength) == ("fog", False, 0.97)

    await page.get_by_role("radio", name="storyboard").check()
    await expect(page.get_by_label("Steps")).to_be_hidden()


async def test_a_page_that_is_opened_again_has_the_pictures_settings(page):
    """What the shown picture was painted with stands in the panel, so that a change can be steady."""
    await choose_sdxl(page)
    await page.get_by_label("Steps").fill("11")
    await page.get_by_role("radio", name="Draft").check()
    await paint(page, "a fair")
    await page.reload()
    await expect(painting(page)).to_be_visible()
    await settings(page).click()
    await expect(page.get_by_role("radio", name="sdxl")).to_be_checked()
    await expect(page.get_by_label("Steps")).to_have_value("11")
    await expect(page.get_by_role("radio", name="Draft")).to_be_checked()


async def test_a_picture_is_enlarged_once(page, site):
    """The same scene, seed and settings are painted larger; a storyboard has no such button."""
    await paint(page, "a fair")
    await expect(button(page, "Enlarge")).to_be_hidden()
    await choose_sdxl(page)
    await paint(page, "add a dog", answers=2)
    before = (await site.studio.store.revision(site.studio.orders[-1].parent_id)).conversation
    small = await site.studio.store.head(before)
    await button(page, "Enlarge").click()
    await expect(page.locator(".bubble.answered")).to_have_count(3)
    await expect(button(page, "Enlarge")).to_be_disabled()
    large = await site.studio.store.head(before)
    assert large.parent_id == small.id
    assert large.scene.settings.high_resolution == 1.5
    assert (large.scene.canvas, large.scene.settings.seed) == (small.scene.canvas, small.scene.settings.seed)
    await expect(talk(page).get_by_text("It is 256 × 320 pixels, not 384 × 480")).to_be_visible()

    await paint(page, "add a dog", answers=4)
    assert site.studio.orders[-1].settings.high_resolution == 1.5
    await page.reload()
    await expect(page.locator(".bubble.asked")).to_have_text(["a fair", "add a dog", "Enlarge", "add a dog"])


async def test_a_region_can_be_locked(page, site):
    """A lock goes with every change from then on, is there after coming back, and can be taken off."""
    await paint(page, "a fair")
    await button(page, "Regions").click()
    lock = page.get_by_label("Locked: changes must not touch it")
    await expect(page.get_by_label("What it shows")).to_be_visible()
    await expect(lock).to_be_hidden()
    await choose_sdxl(page)
    await paint(page, "add a dog", answers=2)
    await expect(lock).not_to_be_checked()
    await lock.check()
    await paint(page, "add a dog", answers=3)
    assert site.studio.orders[-1].settings.locked == "a clown"

    await page.reload()
    await button(page, "Regions").click()
    await expect(lock).to_be_checked()
    await page.get_by_label("What it shows").fill("a juggler")
    await button(page, "Apply").click()
    await expect(page.locator(".bubble.answered")).to_have_count(4)
    await expect(lock).to_be_checked()
    assert site.studio.orders[-1].settings.locked == "a juggler"
    await lock.uncheck()
    await paint(page, "add a dog", answers=5)
    assert site.studio.orders[-1].settings.locked == ""
