"""Where and by whom the bot is spoken to: groups with privacy mode, topics, channels, administrators."""

import asyncio
from pathlib import Path

import pytest

from storage.records import ConversationKey
from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.house import House, after, is_result

WISH = "/omost a fair"


async def test_groups_with_privacy_mode(telegram: BotApi, house: House) -> None:
    """Commands and replies to the bot are answered, in reply; talk among people and other bots are not."""
    ada, ben = telegram.person("Ada"), telegram.person("Ben", "zh-hans")
    robot = telegram.person("Robot", is_bot=True)
    group = telegram.group("Club", ada, ben)
    group.promote_bot()
    await group.say(ada, "hello everybody")
    await group.say(ada, "/omost@another_bot a fair")
    await group.say(robot, WISH)
    said = await group.say(ada, "/omost@omost_test_bot a fair")
    first = await after(group)
    assert first.reply_to is said
    await group.edit(said, "/omost something else")
    chat = await group.say(ada, "nice, isn't it?")
    await group.reply(ben, chat, "yes")
    answer = await group.reply(ben, first, "change the clown to a magician")
    second = await after(group, first)
    assert second.reply_to is answer
    assert len(house.renderer.painted) == 2
    assert group.bot_messages == [first, second]


@pytest.mark.parametrize("between", ["", "、"])
async def test_a_name_before_chinese_words(telegram: BotApi, house: House, between: str) -> None:
    """Chinese words stand behind the bot's name without a space; longer names are others."""
    ben = telegram.person("Ben", "zh-hans")
    group = telegram.group("Club", ben)
    group.promote_bot()
    await group.say(ben, "@omost_test_bot_2 a tent")
    said = await group.say(ben, f"@omost_test_bot{between}画一个集市")
    first = await after(group)
    assert first.reply_to is said
    assert "“画一个集市”" in first.text
    assert len(house.renderer.painted) == 1


async def test_cancelling_is_for_the_author_and_for_administrators(telegram: BotApi, house: House) -> None:
    """Somebody else is told politely, alone; an administrator of the group may."""
    house.renderer.gate = asyncio.Event()
    ada, ben, eve = (telegram.person(name) for name in ("Ada", "Ben", "Eve"))
    group = telegram.group("Club", ada, ben, eve)
    await group.say(ben, WISH)
    message = await group.wait_for(lambda message: message.buttons)
    answer = await group.press(eve, message, "❌")
    assert answer.is_alert
    assert "moderators" in answer.text
    await group.press(ada, message, "❌")
    await group.until(lambda: "Cancelled" in message.text)
    house.renderer.gate.set()


@pytest.mark.parametrize(("command", "told"), [("/cancel", "Cancelled."), ("/取消", "已取消。")])
async def test_a_typed_cancel_is_answered_in_words(
    telegram: BotApi, house: House, command: str, told: str
) -> None:
    """Under whatever name it is typed; nothing else would say that it was heard."""
    house.renderer.gate = asyncio.Event()
    person = telegram.person("Somebody", "en" if command.isascii() else "zh-hans")
    chat = telegram.private(person)
    await chat.say(person, WISH)
    await chat.wait_for(lambda message: message.buttons)
    await chat.say(person, command)
    await chat.wait_for(lambda message: message.text == told)
    house.renderer.gate.set()


async def test_who_writes_as_a_chat_is_that_chat(telegram: BotApi, house: House) -> None:
    """An anonymous administrator looks after the group; who writes as a channel does not."""
    ada, ben = telegram.person("Ada"), telegram.person("Ben")
    group, channel = telegram.group("Club", ada, ben), telegram.channel("News")
    await group.say(ada, "/stats", as_chat=group)
    await group.wait_for(lambda message: "open" in message.text)
    shown = len(group.bot_messages)
    await group.say(ben, "/stats", as_chat=channel)
    refused = await group.until(lambda: group.bot_messages[shown:])
    assert "moderators" in refused[0].text
    await group.say(ada, WISH, as_chat=group)
    await after(group)
    turns = await house.store.turns(ConversationKey("telegram", str(group.id)))
    assert [turn.person.platform_id for turn in turns] == [str(group.id)]


@pytest.mark.usefixtures("house")
async def test_topics_are_conversations_of_their_own(telegram: BotApi) -> None:
    """What is asked in a topic is answered there; each topic has its own history."""
    ada = telegram.person("Ada")
    forum = telegram.forum("Club", ada)
    one, two = forum.open_topic("one"), forum.open_topic("two")
    await forum.say(ada, WISH, topic=one)
    first = await after(forum)
    assert first.thread_id == one.id
    await forum.say(ada, "/render", topic=two)
    told = await forum.wait_for(lambda message: message.thread_id == two.id)
    assert not told.photo
    await forum.press(ada, first, "🎲")
    assert (await after(forum, first)).thread_id == one.id


async def test_channels_and_their_discussions(telegram: BotApi, house: House) -> None:
    """A command posted in a channel is answered there once; comments in the discussion group are heard."""
    ada = telegram.person("Ada")
    group = telegram.group("Comments", ada)
    channel = telegram.channel("News", group)
    post = await channel.post(WISH)
    await after(channel)
    comment = await group.reply(ada, channel.discussed(post), "/omost@omost_test_bot a tent")
    answer = await group.wait_for(lambda message: message.reply_to is comment)
    await group.until(lambda: is_result(answer))
    assert len(house.renderer.painted) == 2


@pytest.mark.usefixtures("house")
async def test_a_group_is_greeted(telegram: BotApi) -> None:
    """A bot that is added to a group says what it is for, once."""
    ada = telegram.person("Ada", "zh")
    group = telegram.group("Club", ada)
    group.remove_bot()
    group.add_bot()
    hello = await group.wait_for(lambda message: "/omost" in message.text)
    assert "/help" in hello.text
    assert group.bot_messages == [hello]


@pytest.mark.usefixtures("house")
async def test_everybody_is_answered_in_their_language(telegram: BotApi) -> None:
    """The program's language counts, and before it what the person has chosen in the settings."""
    ada, bo = telegram.person("Ada", "en"), telegram.person("Bo", "zh-hans")
    chat, other = telegram.private(ada), telegram.private(bo)
    await other.say(bo, "/help")
    await other.wait_for(lambda message: "图片" in message.text)
    assert [command["command"] for command in telegram.commands_seen_by(ada, chat)][:2] == ["omost", "refine"]
    chinese = {command["command"]: command["description"] for command in telegram.commands_seen_by(bo, other)}
    assert any("\u4e00" <= char <= "\u9fff" for char in chinese["omost"])

    await chat.say(ada, "/settings")
    panel = await chat.wait_for(lambda message: any("✅ Done" in row for row in message.buttons))
    await chat.press(ada, panel, "language")
    await chat.until(lambda: any("中文" in row for row in panel.buttons))
    await chat.press(ada, panel, "中文")
    await chat.until(lambda: "中文" in panel.text)
    await chat.press(ada, panel, "Done")
    await chat.until(lambda: panel.is_deleted)
    await chat.say(ada, "/queue")
    await chat.wait_for(lambda message: "排队" in message.text)


@pytest.mark.usefixtures("house")
async def test_who_administers_is_asked_again_where_nobody_has_said(telegram: BotApi) -> None:
    """A connection that broke just then makes nobody a stranger for minutes."""
    ada = telegram.person("Ada")
    group = telegram.group("Club", ada)
    telegram.faults.lose("getChatAdministrators")
    await group.say(ada, "/settings here")
    await group.wait_for(lambda message: "moderators" in message.text)
    await group.say(ada, "/settings here")
    await group.wait_for(lambda message: any("✅ Done" in row for row in message.buttons))


@pytest.mark.usefixtures("house")
async def test_panels_belong_to_who_opened_them(telegram: BotApi) -> None:
    """Somebody else who presses in a panel of settings is told so, and changes nothing."""
    ada, ben = telegram.person("Ada"), telegram.person("Ben")
    group = telegram.group("Club", ada, ben)
    await group.say(ben, "/settings")
    panel = await group.wait_for(lambda message: any("✅ Done" in row for row in message.buttons))
    text = panel.text
    assert (await group.press(ada, panel, "size")).is_alert
    assert panel.text == text
    await group.say(ben, "/settings here")
    await group.wait_for(lambda message: "moderators" in message.text)


async def test_data_is_forgotten_when_asked_twice(telegram: BotApi, house: House) -> None:
    """`/forget` asks first, and then nothing of the person is left."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    await chat.say(ada, WISH)
    await after(chat)
    await chat.say(ada, "/forget")
    question = await chat.wait_for(lambda message: "for good" in message.text)
    await chat.press(ada, question, "Remove everything")
    await chat.until(lambda: "has been removed" in question.text)
    assert await house.store.history(ConversationKey("telegram", str(chat.id))) == ()


async def test_the_operators_lists_and_spoilers(telegram: BotApi, tmp_path: Path) -> None:
    """Only the chats that are allowed are served, others are told; pictures may be hidden at first."""
    ada, eve = telegram.person("Ada"), telegram.person("Eve")
    group, other = telegram.group("Club", ada), telegram.group("Pub", eve)
    chats = {"allow": [f"telegram:{group.id}"], "spoilers": "always"}
    async with House(telegram, tmp_path, chats=chats) as house:
        await other.say(eve, WISH)
        await other.wait_for(lambda message: "cannot ask" in message.text)
        await group.say(ada, WISH)
        result = await after(group)
        assert result.content.has_spoiler
        assert len(house.renderer.painted) == 1


async def test_what_is_hidden_is_hidden_everywhere(telegram: BotApi, tmp_path: Path) -> None:
    """Albums and histories have spoilers too; a file, which can have none, comes without a small picture."""
    ada = telegram.person("Ada")
    chat = telegram.private(ada)
    async with House(telegram, tmp_path, chats={"spoilers": "always"}):
        await chat.say(ada, "/omost x4 a fair")
        grid = await after(chat)
        await chat.until(lambda: [message for message in chat.bot_messages if message.media_group_id][3:])
        await chat.say(ada, "/history")
        await chat.wait_for(lambda message: message.photo and "go on from" in message.text)
        pictures = [message for message in chat.bot_messages if message.photo]
        await chat.press(ada, grid, "📜")
        plan = await chat.wait_for(lambda message: "PNG" in str(message.buttons))
        await chat.press(ada, plan, "PNG 2")
        await chat.wait_for(lambda message: message.document and message.document.name.endswith(".png"))
    assert len(pictures) == 6
    assert all(message.content.has_spoiler for message in pictures)
    assert all(call.flag("disable_content_type_detection") for call in telegram.calls("sendDocument"))


@pytest.mark.usefixtures("house")
async def test_words_for_a_panel_are_no_request(telegram: BotApi) -> None:
    """Who replies to help or to a panel in a group has not asked for a picture."""
    ada = telegram.person("Ada")
    group = telegram.group("Club", ada)
    await group.say(ada, "/settings")
    panel = await group.wait_for(lambda message: any("✅ Done" in row for row in message.buttons))
    await group.say(ada, "/help")
    explained = await group.wait_for(lambda message: "/omost" in message.text)
    for message in (panel, explained):
        await group.reply(ada, message, "thanks")
    await group.say(ada, "/queue")
    await group.wait_for(lambda message: "Nobody is waiting" in message.text)
    assert len(group.bot_messages) == 3
