"""The loopback Bot API server's chats: who hears what, and what stands where."""

import io

import pytest
from PIL import Image
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllPrivateChats,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    ReplyParameters,
    Update,
)
from telegram.error import BadRequest, ChatMigrated, Forbidden

from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.clients import picture

AGAIN = InlineKeyboardMarkup([[InlineKeyboardButton("Again", callback_data="again")]])


async def heard(bot: Bot) -> list[Update]:
    """What has come since the last time."""
    updates = await bot.get_updates()
    if updates:
        await bot.get_updates(updates[-1].update_id + 1)
    return list(updates)


async def texts(bot: Bot) -> list[str | None]:
    return [update.effective_message.text for update in await heard(bot)]


async def test_privacy_mode(server: BotApi, bot: Bot) -> None:
    """Of a group the bot hears commands, replies to it and mentions; as an administrator everything."""
    ada, rival = server.person("Ada"), server.person("Rival", username="rival_bot", is_bot=True)
    group = server.group("Fair", ada)
    question = await bot.send_message(group.id, "What shall I paint?")
    for said in (
        "hello",
        "/omost a clown",
        "/omost@omost_test_bot a tent",
        "/help@rival_bot",
        "a @omost_test_bot",
    ):
        await group.say(ada, said)
    await group.reply(ada, group.all_messages[question.message_id], "a lion")
    await group.reply(ada, group.messages[1], "hello yourself")
    assert await texts(bot) == [
        "/omost a clown",
        "/omost@omost_test_bot a tent",
        "a @omost_test_bot",
        "a lion",
    ]
    await group.say(rival, "I am here")
    await group.say(ada, "/omost whose is it?")
    assert await texts(bot) == []
    group.promote_bot()
    await heard(bot)
    await group.say(ada, "all yours")
    assert await texts(bot) == ["all yours"]


async def test_a_supergroup_s_replies_have_threads_and_are_in_no_topic(server: BotApi, bot: Bot) -> None:
    """Outside forums a reply's thread is that of the message it replies to."""
    ada = server.person("Ada")
    group = server.group("Fair", ada)
    first = await group.say(ada, "/omost a clown")
    await group.reply(ada, first, "/omost a tent")
    reply = (await heard(bot))[-1].message
    assert (reply.message_thread_id, reply.is_topic_message) == (first.id, None)
    sent = await bot.send_message(group.id, "painted", message_thread_id=reply.message_thread_id)
    assert sent.message_thread_id is None


async def test_topics(server: BotApi, bot: Bot) -> None:
    """Messages in a topic reply to its opening; a wrong, the general or a closed topic takes nothing."""
    ada = server.person("Ada")
    forum = server.forum("Fair", ada)
    topic = forum.open_topic("Pictures")
    await forum.say(ada, "/omost a clown", topic=topic)
    message = (await heard(bot))[-1].message
    assert (message.is_topic_message, message.message_thread_id) == (True, topic.id)
    assert message.reply_to_message.forum_topic_created.name == "Pictures"
    quote = ReplyParameters(message.message_id)
    sent = await bot.send_message(forum.id, "painted", reply_parameters=quote)
    assert sent.message_thread_id == topic.id
    for wrong in (1, 99):
        with pytest.raises(BadRequest, match="Message thread not found"):
            await bot.send_message(forum.id, "lost", message_thread_id=wrong)
    forum.close_topic(topic)
    with pytest.raises(BadRequest, match="Topic_closed"):
        await bot.send_message(forum.id, "closed", message_thread_id=topic.id)


async def test_a_channel_and_its_discussion(server: BotApi, bot: Bot) -> None:
    """A post comes as a channel post and, forwarded, into the group, where people comment on it."""
    ada = server.person("Ada")
    group = server.group("Talk", ada)
    channel = server.channel("News", group)
    group.promote_bot()
    await heard(bot)
    post = await channel.post("/omost a clown")
    await group.reply(ada, channel.discussed(post), "/omost a tent")
    posted, forwarded, comment = await heard(bot)
    assert posted.channel_post.from_user is None
    assert posted.channel_post.sender_chat.id == channel.id
    assert forwarded.message.is_automatic_forward
    assert (forwarded.message.from_user.id, forwarded.message.sender_chat.id) == (777000, channel.id)
    assert comment.message.message_thread_id == forwarded.message.message_id
    painted = await bot.send_message(channel.id, "painted")
    assert (painted.from_user, painted.sender_chat.id) == (None, channel.id)
    assert channel.bot_messages[0].text == "painted"


async def test_people_in_disguise(server: BotApi, bot: Bot) -> None:
    """Who writes as the group or as a channel is a bot by name, but presses buttons as himself."""
    ada = server.person("Ada")
    group = server.group("Fair", ada)
    await group.say(ada, "/omost a clown", as_chat=group)
    await group.say(ada, "/omost a tent", as_chat=server.channel("News"))
    as_group, as_channel = [update.message for update in await heard(bot)]
    assert (as_group.from_user.username, as_group.sender_chat.id) == ("GroupAnonymousBot", group.id)
    assert (as_channel.from_user.username, as_channel.sender_chat.title) == ("Channel_Bot", "News")
    await bot.send_message(group.id, "painted", reply_markup=AGAIN)
    group.touch(ada, group.bot_messages[0], "again", is_inaccessible=True)
    query = (await heard(bot))[0].callback_query
    assert (query.from_user.first_name, query.message.is_accessible) == ("Ada", False)


async def test_members(server: BotApi, bot: Bot) -> None:
    """The bot may ask who somebody is in a group."""
    ada, bob, eve = (server.person(name) for name in ("Ada", "Bob", "Eve"))
    group = server.group("Fair", ada, bob)
    group.promote(bob)
    group.anonymous.add(bob)
    members = [await bot.get_chat_member(group.id, person.id) for person in (ada, bob, eve, server.bot)]
    assert [member.status for member in members] == ["creator", "administrator", "left", "member"]
    admins = await bot.get_chat_administrators(group.id)
    assert [(admin.user.first_name, admin.is_anonymous) for admin in admins] == [
        ("Ada", False),
        ("Bob", True),
    ]
    with pytest.raises(BadRequest, match="no administrators in the private chat"):
        await bot.get_chat_administrators(server.private(ada).id)


async def test_a_bot_that_is_not_wanted(server: BotApi, bot: Bot) -> None:
    """Blocked, kicked, restricted or moved, the bot hears of it and is refused in Telegram's words."""
    ada = server.person("Ada")
    chat = server.private(ada)
    group = server.group("Fair", ada, kind="group")
    with pytest.raises(Forbidden, match="can't initiate conversation with a user"):
        await bot.send_message(server.person("Bob").id, "hello?")
    chat.block()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(chat.id, "hello?")
    supergroup = group.migrate()
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(group.id, "hello?")
    assert moved.value.new_chat_id == supergroup.id
    await bot.send_message(supergroup.id, "hello!")
    supergroup.restrict_bot("text")
    with pytest.raises(BadRequest, match="Not enough rights to send photos to the chat"):
        await bot.send_photo(supergroup.id, picture())
    supergroup.kick_bot()
    with pytest.raises(Forbidden, match="bot was kicked from the supergroup chat"):
        await bot.send_message(supergroup.id, "hello?")
    kinds = [update.my_chat_member or update.message for update in await heard(bot)]
    assert kinds[0].new_chat_member.status == "kicked"
    assert [kinds[1].migrate_to_chat_id, kinds[2].migrate_from_chat_id] == [supergroup.id, group.id]


async def test_files_of_people(server: BotApi, bot: Bot) -> None:
    """A document arrives as it was sent, a photo as a JPEG, and an album as several messages."""
    ada = server.person("Ada")
    chat = server.private(ada)
    await chat.send_document(ada, b"canvas = Canvas()", "scene.py", "/omost this")
    await chat.send_album(ada, [picture(), picture()], "two")
    scene, *album = [update.message for update in await heard(bot)]
    assert (scene.document.file_name, scene.caption) == ("scene.py", "/omost this")
    assert await (await scene.document.get_file()).download_as_bytearray() == b"canvas = Canvas()"
    assert [message.caption for message in album] == ["two", None]
    assert len({message.media_group_id for message in album}) == 1
    file = await album[0].photo[-1].get_file()
    with Image.open(io.BytesIO(bytes(await file.download_as_bytearray()))) as seen:
        assert (seen.format, seen.size) == ("JPEG", (640, 480))


async def test_a_message_is_passed_on(server: BotApi, bot: Bot) -> None:
    """What a person forwards names its author, in whatever chat."""
    ada = server.person("Ada")
    chat, group = server.private(ada), server.group("Fair", ada)
    await bot.send_photo(group.id, picture(), "/omost painted", reply_markup=AGAIN)
    await chat.forward(ada, group.messages[0])
    message = (await heard(bot))[0].message
    assert (message.forward_origin.sender_user.id, message.reply_markup) == (server.bot.id, None)
    assert message.photo


async def test_edits_and_vanished_messages_of_people(server: BotApi, bot: Bot) -> None:
    """An edit comes as an update; who replies to what has been deleted is refused unless he allows for it."""
    ada = server.person("Ada")
    chat = server.private(ada)
    said = await chat.say(ada, "/omost a clwn")
    await chat.edit(said, "/omost a clown")
    await chat.delete(said)
    first, edited = await heard(bot)
    assert (first.message.text, edited.edited_message.text) == ("/omost a clwn", "/omost a clown")
    with pytest.raises(BadRequest, match="Message to be replied not found"):
        await bot.send_message(chat.id, "painted", reply_parameters=ReplyParameters(said.id))
    allowing = ReplyParameters(said.id, allow_sending_without_reply=True)
    assert (await bot.send_message(chat.id, "painted", reply_parameters=allowing)).reply_to_message is None


async def test_a_forced_reply_an_action_and_a_draft(server: BotApi, bot: Bot) -> None:
    """What the bot shows beside messages is seen, too; a draft is gone when the message is there."""
    ada = server.person("Ada")
    chat = server.private(ada)
    await bot.send_chat_action(chat.id, "upload_photo")
    await bot.send_message_draft(chat.id, 7, "A clown in")
    assert ([action for action, _ in chat.actions], chat.drafts[0].text) == (["upload_photo"], "A clown in")
    await bot.send_message(chat.id, "Which region?", reply_markup=ForceReply(selective=True))
    asked = await chat.wait_for(lambda message: message.forces_reply)
    assert chat.drafts == []
    await chat.reply(ada, asked, "the clown")
    assert (await heard(bot))[-1].message.reply_to_message.text == "Which region?"
    with pytest.raises(BadRequest, match="can't be edited"):
        await bot.edit_message_text("That region", chat.id, asked.id)
    group = server.group("Fair", ada)
    with pytest.raises(BadRequest, match="Textdraft_peer_invalid"):
        await bot.send_message_draft(group.id, 7, "A clown")


async def test_commands_by_scope_and_language(server: BotApi, bot: Bot) -> None:
    """A person's menu is that of the narrowest scope, in their language if there is one."""
    ada, bob = server.person("Ada", "de"), server.person("Bob", "zh-hans")
    await bot.set_my_commands([BotCommand("omost", "Compose")])
    await bot.set_my_commands([BotCommand("omost", "Malen")], BotCommandScopeAllPrivateChats(), "de")
    await bot.set_my_description("Bilder aus Worten", "de")
    menus = [server.commands_seen_by(person, server.private(person)) for person in (ada, bob)]
    assert [menu[0]["description"] for menu in menus] == ["Malen", "Compose"]
    assert (await bot.get_my_commands())[0].description == "Compose"
    assert (await bot.get_my_description("de")).description == "Bilder aus Worten"
    await bot.delete_my_commands()
    assert server.commands_seen_by(bob, server.private(bob)) == []
    with pytest.raises(BadRequest, match="Bot_command_invalid"):
        await bot.set_my_commands([("Omost!", "Compose")])
