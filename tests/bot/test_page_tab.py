"""The tab that measurements use in a browser's place: it asks, shows and comes back as the page does."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
from gradio.components import Component

from benchmarks.tab import Tab
from bot.web import serve
from tests.engine.rig.processes import until
from tests.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE_S = 120


async def sees(tab: Tab, words: str, times: tuple[int, int]) -> None:
    """Waits until the words stand there so often, and so many pictures behind them."""
    await until(lambda: tab.seen(words) == times, f"{times} of {words}", PATIENCE_S)


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Tab]:
    """A tab that stays open until the block ends, and of whose page nothing is to be complained."""
    tab = Tab(address)
    staying = asyncio.create_task(tab.stay())
    try:
        yield tab
    finally:
        staying.cancel()
        with suppress(asyncio.CancelledError):
            await staying
    assert tab.faults == []


async def test_words_become_a_picture(site):
    """What was said is shown, and then its picture; later words change it, or begin anew."""
    async with opened(site.address) as tab:
        await tab.say("a fair with a sign one", is_new=True)
        await sees(tab, "one", (1, 1))
        first = site.studio.orders[-1]
        await tab.say("add a dog with a sign two", is_new=False)
        await sees(tab, "two", (1, 1))
        change = site.studio.orders[-1]
        await tab.say("another fair with a sign three", is_new=True)
        await sees(tab, "three", (1, 1))
        assert (first.parent_id is None, change.parent_id is None) == (True, False)
        assert site.studio.orders[-1].parent_id is None
        assert first.conversation == site.studio.orders[-1].conversation
        assert [tab.seen(sign) for sign in ("one", "two", "three", "four")] == [(1, 1)] * 3 + [(0, 0)]


async def test_what_was_painted_twice_is_seen_twice(site):
    """Words that stand in the conversation twice count twice, and so do their pictures."""
    async with opened(site.address) as tab:
        for times in (1, 2):
            await tab.say("a fair with a sign again", is_new=True)
            await sees(tab, "again", (times, times))


async def test_a_tab_grows_by_nothing_but_its_words(site):
    """However much is asked in a tab, the server holds as many components for it as in the beginning."""
    async with opened(site.address) as tab:
        held = []
        for times in range(1, 6):
            await tab.say("a fair with a sign much", is_new=True)
            await sees(tab, "much", (times, times))
            gc.collect()
            held.append(sum(isinstance(each, Component) for each in gc.get_objects()))
        assert held[-1] <= held[1] + 40, held


async def test_what_came_to_nothing_has_no_picture(site):
    """Words whose scene could not be made are shown, and no picture belongs to them, nor to those before."""
    async with opened(site.address) as tab:
        await tab.say("mumble a sign nothing", is_new=True)
        await until(lambda: "trouble" in tab.transcript, "trouble is told", PATIENCE_S)
        await tab.say("a fair with a sign something", is_new=True)
        await sees(tab, "something", (1, 1))
        assert tab.seen("nothing") == (1, 0)


async def test_a_tab_finds_its_server_again(site, serve_again):
    """When its server ends and another one answers, the tab shows what was said, and then its picture."""
    web = site.settings.web
    port = free_port()
    again = partial(serve, site.settings.model_copy(update={"web": web.model_copy(update={"port": port})}))
    async with opened(f"http://{web.host}:{port}") as tab:
        async with serve_again(partial(again, site.studio)):
            await tab.say("slowly with a sign restart", is_new=True)
            await sees(tab, "restart", (1, 0))
            tab.transcript = ""
        async with serve_again(partial(again, site.studio)):
            await sees(tab, "restart", (1, 0))
            site.composer.gate("slowly with a sign restart").set()
            await sees(tab, "restart", (1, 1))
            await tab.say("add a dog with a sign afterwards", is_new=False)
            await sees(tab, "afterwards", (1, 1))
