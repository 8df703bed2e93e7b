"""The ways to Telegram: a proxy, a server of one's own, slow answers."""

from pathlib import Path

import pytest

from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.house import House, after, is_result
from tests.bot.telegram.proxy import Proxy
from tests.engine.conftest import eventually

WISH = "/omost a fair"


async def test_a_proxy_is_the_only_way(telegram: BotApi, tmp_path: Path) -> None:
    """With `proxy` every call and every download goes over it."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    async with Proxy() as proxy, House(telegram, tmp_path, telegram={"proxy": proxy.url}):
        await chat.say(ada, WISH)
        first = await after(chat)
        await chat.press(ada, first, "📜")
        code = await chat.wait_for(lambda message: message.document)
        assert code.document
        await chat.send_document(ada, code.document.data, "scene.py")
        await after(chat, first)
    asked = {line.rpartition("/")[2].partition("?")[0] for line in proxy.asked}
    assert {"getMe", "getUpdates", "sendMessage", "editMessageMedia", "getFile"} <= asked
    assert any("/file/bot" in line for line in proxy.asked)
    assert len(proxy.asked) >= len(telegram.all_calls)


async def test_a_server_of_one_s_own_tells_paths(
    telegram: BotApi, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Bot API server that runs here with `--local` names a file of the disk, which is read there."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, WISH)
    first = await after(chat)
    await chat.press(ada, first, "📜")
    code = await chat.wait_for(lambda message: message.document)
    assert code.document
    here = tmp_path / "documents" / "file_1.py"
    here.parent.mkdir()
    here.write_bytes(code.document.data)
    monkeypatch.setattr(type(telegram.files), "_path", lambda *_: str(here))
    monkeypatch.setattr(type(telegram.files), "downloaded", lambda *_: b"not asked for")
    await chat.send_document(ada, b"elsewhere", "scene.py")
    await after(chat, first)
    assert len(house.renderer.painted) == 2


@pytest.mark.parametrize("method", ["sendMessage", "editMessageMedia", "sendMediaGroup"])
async def test_an_answer_that_comes_too_late_doubles_nothing(
    telegram: BotApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Telegram does what is asked and says so after the bot has stopped listening: one result, one album."""
    monkeypatch.setattr("bot.telegram.app.TIMEOUT_S", 0.5)
    late = telegram.faults.answer_late(method)
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    async with House(telegram, tmp_path) as house:
        await chat.say(ada, "/omost x4 a fair")
        result = await after(chat)
        await chat.until(lambda: [message for message in chat.bot_messages if message.media_group_id][3:])
        assert late.struck == 1
        late.gate.set()

        async def is_over() -> bool:
            return await house.store.open_posts("telegram") == ()

        await eventually(is_over, "everything is delivered")
    assert [message for message in chat.bot_messages if is_result(message)] == [result]
    assert len([message for message in chat.bot_messages if message.media_group_id]) == 4
    assert len(house.renderer.painted) == 1
