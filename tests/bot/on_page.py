"""Where things stand on the chat page, for tests in a browser."""

from playwright.async_api import Locator, Page


def box(page: Page) -> Locator:
    return page.get_by_label("Your words")


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def talk(page: Page) -> Locator:
    return page.get_by_role("log")


def picture(page: Page) -> Locator:
    return page.locator("#stage img[alt^='Storyboard:']")


def status(page: Page) -> Locator:
    return page.locator("#status").get_by_role("status")


def settings(page: Page) -> Locator:
    return page.locator("#settings").get_by_role("button").first


def trouble(page: Page) -> Locator:
    return page.locator(".bubble.trouble")


async def say(page: Page, words: str) -> None:
    await box(page).fill(words)
    await box(page).press("Enter")
