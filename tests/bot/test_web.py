"""The chat page, in a real browser."""

import asyncio
import re
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Locator, Page, expect

from canvas import Canvas, GlobalDescription, LocalDescription, parse
from storage.scene import Scene, SceneSettings
from storage.scene_file import read_scene, write_png
from tests.bot.on_page import box, button, picture, say, settings, status, talk, trouble

pytestmark = pytest.mark.asyncio(loop_scope="module")

HARBOUR = Canvas(
    GlobalDescription("A harbour at dawn.", color="lightblue"),
    (LocalDescription("a lighthouse", location="on the left", color="white"),),
)


async def paint(page: Page, words: str, *, answers: int = 1) -> None:
    """Says something and waits until it is painted."""
    await say(page, words)
    await expect(page.locator(".bubble.answered")).to_have_count(answers)
    await expect(button(page, "Paint again")).to_be_enabled()


async def download(page: Page, link: Locator) -> tuple[str, bytes]:
    async with page.expect_download() as started:
        await link.click()
    file = await started.value
    path = Path(await file.path())
    return file.suggested_filename, await asyncio.to_thread(path.read_bytes)


async def upload(page: Page, name: str, data: bytes) -> None:
    async with page.expect_file_chooser() as opened:
        await button(page, "Open a scene file").click()
    kind = "image/png" if name.endswith(".png") else "text/plain"
    await (await opened.value).set_files({"name": name, "mimeType": kind, "buffer": data})


async def revision_of(page: Page) -> str:
    """The id of the revision that is shown, as its download is called."""
    name = await page.get_by_role("link", name="Download PNG").first.get_attribute("download")
    return re.fullmatch(r"omost-([a-z2-7]+)(-\d)?\.png", name or "")[1]


async def test_a_prompt_becomes_a_preview_and_then_a_picture(page, site):
    """While the composer writes, the scene grows beside its code; then the picture, with its scene inside."""
    await say(page, "slowly a fair")
    await expect(page.get_by_role("img", name="Preview of the unfinished picture")).to_be_visible()
    await expect(status(page)).to_have_text("Composing … 1 region")
    await expect(box(page)).to_have_value("")
    code = page.get_by_text("canvas = Canvas()")
    await expect(code).to_be_hidden()
    await page.get_by_role("button", name="The code as it is being written").click()
    await expect(code).to_be_visible()

    site.composer.gate("slowly a fair").set()
    await expect(picture(page)).to_be_visible()
    await expect(status(page)).to_have_count(0)
    await expect(talk(page)).to_contain_text("Here is the scene.")

    name, png = await download(page, page.get_by_role("link", name="Download PNG"))
    assert name == f"omost-{await revision_of(page)}.png"
    assert Image.open(BytesIO(png)).size == (256, 320)
    assert read_scene(png).canvas.local_descriptions[0].description == "a clown"
    assert await picture(page).evaluate("image => image.naturalWidth") == 256


async def test_a_newcomers_first_minute(context, tmp_path, open_real_page):
    """With the defaults alone, a famous day becomes a scene, the scene is changed, and the file has it."""
    async with open_real_page(context, tmp_path) as page:
        await paint(page, "Happy Children's Day")
        _, png = await download(page, page.get_by_role("link", name="Download PNG"))
        scene = read_scene(png)
        assert "clown" in " ".join(local.description for local in scene.canvas.local_descriptions)
        assert len(scene.canvas.local_descriptions) >= 4
        assert Image.open(BytesIO(png)).size == (896, 1152)
        await paint(page, "change the clown to a magician", answers=2)
        await expect(talk(page).get_by_role("list", name="Changes")).to_contain_text("clown became magician")


async def test_later_words_change_the_shown_picture(page):
    """A second request changes the scene, says what changed, and can be undone."""
    await paint(page, "a fair")
    first = await picture(page).get_attribute("src")
    await expect(box(page)).to_have_attribute("placeholder", "Say what to change …")
    await paint(page, "change the clown to a magician", answers=2)
    await expect(talk(page).get_by_role("list", name="Changes")).to_contain_text("clown became magician")
    assert await picture(page).get_attribute("src") != first

    await button(page, "Undo").click()
    await expect(picture(page)).to_have_attribute("src", first)
    await expect(button(page, "Undo")).to_be_disabled()


async def test_painting_again_takes_another_seed(page, site):
    """Paint again keeps the canvas and gives another picture."""
    await paint(page, "a fair")
    old = await site.studio.store.revision(await revision_of(page))
    await button(page, "Paint again").click()
    await expect(page.locator(".bubble.answered")).to_have_count(2)
    new = await site.studio.store.revision(await revision_of(page))
    assert new.parent_id == old.id
    assert new.scene.canvas == old.scene.canvas
    assert new.scene.settings.seed != old.scene.settings.seed


async def test_any_earlier_picture_can_be_branched_from(page, site):
    """Choosing a picture of the history makes it the shown one, and the next words start from there."""
    await paint(page, "a fair")
    root = await revision_of(page)
    await paint(page, "add a dog", answers=2)
    await button(page, "History").click()
    cards = page.locator("#history").get_by_role("button")
    await expect(cards).to_have_count(2)
    await expect(cards.nth(1)).to_have_attribute("aria-current", "true")
    await cards.nth(0).click()
    await expect(cards.nth(0)).to_have_attribute("aria-current", "true")
    await paint(page, "change the clown to a magician", answers=3)
    await expect(cards).to_have_count(3)
    assert (await site.studio.store.revision(await revision_of(page))).parent_id == root

    thumbnails = talk(page).get_by_role("button", name="Show this picture")
    await expect(thumbnails.nth(2)).to_be_in_viewport(ratio=1)
    await thumbnails.nth(1).click()
    await expect(cards.nth(1)).to_have_attribute("aria-current", "true")


async def test_a_region_is_edited_by_form(page, site):
    """A region can be changed, added and removed; a bad value is refused in words and changes nothing."""
    await paint(page, "a fair")
    await button(page, "Regions").click()
    await page.get_by_label("Region", exact=True).click()
    await page.get_by_role("option", name="a tent").click()
    await expect(page.get_by_label("What it shows")).to_have_value("a tent")
    await expect(page.locator(".outline.chosen")).to_have_text("2")
    await expect(page.get_by_label("Distance to the viewer")).to_have_value("8")  # the last that is filled in

    await page.get_by_label("Distance to the viewer").fill("0")
    await button(page, "Apply").click()
    await expect(trouble(page)).to_contain_text("0")
    await expect(page.locator(".bubble.answered")).to_have_count(1)

    await page.get_by_label("Distance to the viewer").fill("6")
    await page.get_by_label("What it shows").fill("a carousel")
    await page.get_by_label("Colour").fill("scarlet")
    await page.get_by_label("Colour").press("Enter")
    await button(page, "Apply").click()
    await expect(page.locator(".bubble.answered")).to_have_count(2)
    changed = (await site.studio.store.revision(await revision_of(page))).scene.canvas.local_descriptions[1]
    assert (changed.description, changed.distance_to_viewer) == ("a carousel", 6)
    assert changed.color not in ("white", "scarlet")

    await page.get_by_label("What it shows").fill("a balloon")
    await button(page, "Add region").click()
    await expect(page.locator(".bubble.answered")).to_have_count(3)
    await button(page, "Remove").click()
    await expect(page.locator(".bubble.answered")).to_have_count(4)
    last = await site.studio.store.revision(await revision_of(page))
    described = [one.description for one in last.scene.canvas.local_descriptions]
    assert described == ["a clown", "a carousel", "a table with cakes"]


async def test_a_scene_file_starts_a_new_scene(page, site):
    """Our own picture is taken up with its size and seed; code is too; another file is refused in words."""
    await paint(page, "a fair")
    await upload(page, "notes.txt", b"buy milk")
    await expect(trouble(page)).to_have_count(1)
    await expect(picture(page)).to_have_attribute("alt", "Storyboard: A village fair on a sunny afternoon.")

    png = write_png(
        Image.new("RGB", (64, 64)), Scene(HARBOUR, SceneSettings(width_px=640, height_px=512, seed=7))
    )
    await upload(page, "harbour.png", png)
    await expect(picture(page)).to_have_attribute("alt", "Storyboard: A harbour at dawn.")
    await expect(page.locator("figcaption")).to_contain_text("640 × 512 · seed 7")
    revision = await site.studio.store.revision(await revision_of(page))
    assert revision.parent_id is None
    assert revision.scene.canvas == HARBOUR
    await settings(page).click()
    await expect(page.get_by_label("Width (px)")).to_have_value("640")


async def test_the_code_can_be_read_and_taken_along(page):
    """The code panel shows the scene's code and offers it as a file named after the revision."""
    await paint(page, "sloppy fair")
    await talk(page).get_by_text("1 repair in the code").click()
    await expect(talk(page)).to_contain_text("at the left-hand side")
    await button(page, "Code").click()
    await expect(page.locator("#code")).to_contain_text("add_local_description")
    name, code = await download(page, page.get_by_role("link", name=re.compile(r"Download .*\.py")))
    assert name == f"omost-{await revision_of(page)}.py"
    assert parse(code.decode()).local_descriptions[0].location == "on the left"


async def test_a_bad_setting_is_refused_in_words(page):
    """What cannot be painted is said with what is allowed, and the prompt stays where it was typed."""
    await settings(page).click()
    await box(page).fill("a fair")
    cases = [
        ("Width (px)", "0", "256-2048", "512"),
        ("Width (px)", "", "256-2048", "512"),
        ("Height (px)", "99999999999999999999", "256-2048", "512"),
        ("Pictures", "9", "1-4", "1"),
        ("Pictures", "1.5", "1-4", "1"),
        ("Seed", "-1", "0-4294967295", ""),
        ("Seed", "apple", "0-4294967295", ""),
    ]
    for number, (label, bad, allowed, good) in enumerate(cases):
        await page.get_by_label(label).fill(bad)
        await box(page).press("Enter")
        await expect(trouble(page)).to_have_count(number + 1)
        await expect(trouble(page).last).to_contain_text(allowed)
        await page.get_by_label(label).fill(good)
    await expect(box(page)).to_have_value("a fair")
    await box(page).press("Enter")
    await expect(page.locator("figcaption")).to_contain_text("512 × 512")


async def test_a_prompt_that_cannot_be_composed_is_refused_in_words(page):
    """An empty prompt and one of 10,000 characters are refused, and nothing is lost."""
    await say(page, "")
    await expect(trouble(page)).to_contain_text("There is nothing to paint yet")
    await say(page, "x" * 10_000)
    await expect(trouble(page).last).to_contain_text("That is 10000")
    await expect(box(page)).to_have_value("x" * 10_000)


async def test_words_that_were_not_understood_come_back(page):
    """What the composer cannot read is said, and the words are in the box again, unless others are by now."""
    await paint(page, "a fair")
    await say(page, "mumble mumble")
    await expect(trouble(page)).to_contain_text("clown, tent")
    await expect(box(page)).to_have_value("mumble mumble")
    await say(page, "mumble again")
    await expect(trouble(page)).to_have_count(2)
    await expect(box(page)).to_have_value("mumble again")


async def test_a_running_turn_can_be_cancelled(page):
    """Cancel ends the turn, gives the words back, and the conversation can go on."""
    await say(page, "slowly, never")
    await expect(status(page)).to_have_text("Composing … 1 region")
    await say(page, "a fair")
    await expect(trouble(page)).to_contain_text("still being worked on")
    await expect(box(page)).to_have_value("a fair")
    await box(page).fill("")
    await button(page, "Cancel").click()
    await expect(talk(page)).to_contain_text("Cancelled.")
    await expect(box(page)).to_have_value("slowly, never")
    await expect(button(page, "Cancel")).to_be_hidden()
    await paint(page, "a fair")


async def test_browsers_are_conversations_of_their_own(page, browser, site, open_tab):
    """Two people work at the same time, and neither sees or reaches anything of the other."""
    await say(page, "slowly in the first browser")
    await expect(status(page)).to_have_text("Composing … 1 region")
    context = await browser.new_context(locale="en-US")
    async with open_tab(context, site) as other:
        await paint(other, "a fair in the second browser")
        await expect(talk(other)).not_to_contain_text("first browser")
        shown = await revision_of(other)
        site.composer.gate("slowly in the first browser").set()
        await expect(picture(page)).to_be_visible()
        await expect(talk(page)).not_to_contain_text("second browser")
        await button(page, "History").click()
        await expect(page.locator("#history").get_by_role("button")).to_have_count(1)
        await page.locator(".card").evaluate(f"card => card.dataset.revision = '{shown}'")
        await page.locator(".card").click()
        await expect(trouble(page)).to_contain_text("I don't find that picture any more")
    await context.close()


async def test_a_new_scene_keeps_the_old_one(page, site):
    """New scene clears the easel; the next words make a second root of the same tree."""
    await paint(page, "a fair")
    await button(page, "New scene").click()
    await expect(page.get_by_text("Your picture appears here")).to_be_visible()
    await expect(box(page)).to_have_attribute("placeholder", "Describe a new picture …")
    await paint(page, "another fair", answers=2)
    assert (await site.studio.store.revision(await revision_of(page))).parent_id is None
    await button(page, "History").click()
    await expect(page.locator("#history").get_by_role("button")).to_have_count(2)


async def test_several_pictures_at_once(page):
    """A count of two gives two pictures, each with a download of its own name."""
    await settings(page).click()
    await page.get_by_label("Pictures").fill("2")
    await page.get_by_label("Seed").fill("41")
    await page.get_by_label("Size", exact=True).click()
    await page.get_by_role("option", name="Wide").click()
    await expect(page.get_by_label("Height (px)")).to_have_value("768")
    await paint(page, "a fair")
    await expect(picture(page)).to_have_count(2)
    links = page.get_by_role("link", name="Download PNG")
    names = [await links.nth(index).get_attribute("download") for index in range(2)]
    assert names[0] != names[1]
    assert read_scene((await download(page, links.nth(1)))[1]).settings.seed == 42


async def test_one_click_on_an_example_starts(page):
    """The chips of an empty page are prompts; later they are changes."""
    await button(page, "Happy Children's Day").click()
    await expect(picture(page)).to_be_visible()
    await expect(page.locator(".bubble.asked")).to_have_text("Happy Children's Day")
    await expect(button(page, "make it night")).to_be_visible()


async def test_what_people_write_is_text(page):
    """Markup, templates and scripts in a prompt are shown as they were typed."""
    prompt = "<img src=x onerror=alert(1)> ${1+1} {{x}} `a` & <b>bold</b>"
    await paint(page, prompt)
    await expect(page.locator(".bubble.asked")).to_have_text(prompt)
    await button(page, "History").click()
    await expect(page.locator(".card").first).to_contain_text("${1+1} {{x}}")


async def test_the_page_speaks_the_browsers_language(browser, site, open_tab):
    """A Chinese browser gets Chinese labels, errors and remarks, and can change to English."""
    context = await browser.new_context(locale="zh-CN")
    async with open_tab(context, site) as page:
        await expect(page.locator("html")).to_have_attribute("lang", "zh")
        await page.locator("#send").click()
        await expect(trouble(page)).to_contain_text("还没有")
        await page.locator("#prompt textarea").fill("集市")
        await page.locator("#send").click()
        await expect(page.locator("#stage img[src^='pictures/']")).to_be_visible()
        await page.get_by_role("link", name="English").click()
        await expect(button(page, "Send")).to_be_visible()
        await expect(page.locator("html")).to_have_attribute("lang", "en")
    await context.close()


async def test_it_fits_a_phone(page):
    """At 390 pixels the picture stands above the conversation, and nothing sticks out sideways."""
    await page.set_viewport_size({"width": 390, "height": 844})
    await paint(page, "a fair")
    await button(page, "Regions").click()
    await expect(button(page, "Add region")).to_be_visible()
    await settings(page).click()
    await expect(page.get_by_label("Seed")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    shown, said = await picture(page).bounding_box(), await talk(page).bounding_box()
    assert shown["y"] + shown["height"] <= said["y"]

    await page.evaluate("scrollTo(0, 0)")
    await say(page, "mumble")
    await expect(trouble(page)).to_be_in_viewport(ratio=1)
