"""Where people speak on Discord: threads, forum posts, groups, foreign servers; and without permissions."""

import asyncio
from typing import Any

import pytest

from bot.discord.answering import AHEAD_FOR_S
from storage.records import Durations
from tests.bot.discord.conftest import DiscordStage
from tests.bot.discord.people import MODERATOR, Person, labels_of
from tests.bot.discord.world import (
    ATTACH_FILES,
    DM,
    FORUM,
    GROUP,
    RESPOND_WITHIN_S,
    SEND_IN_THREADS,
    THREAD,
    Channel,
)

NO_ACCESS = 50001
MANAGE_GUILD = 1 << 5


def guest(stage: DiscordStage) -> tuple[Person, Channel]:
    """Somebody whose own app the bot is, in a server where it is no member."""
    elsewhere = stage.world.channel(stage.world.new_id())
    elsewhere.refusal = NO_ACCESS
    return Person(stage.world, 503, "Cyd", is_guest=True), elsewhere


async def told_directly(stage: DiscordStage) -> dict[str, Any]:
    """What somebody is told in a direct message."""

    def told() -> list[dict[str, Any]]:
        direct = (each for each in stage.world.channels.values() if each.kind == DM)
        return [message for channel in direct for message in stage.by_bot(channel)]

    await stage.world.until(told, "a direct message")
    return told()[0]


# --- conversations ------------------------------------------------------------------------------------


async def test_a_thread_is_a_conversation_of_its_own(stage: DiscordStage):
    """What is refined in a thread is the thread's picture."""
    thread = stage.world.channel(stage.guild_id, THREAD, parent_id=stage.room.id)
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    await stage.result()
    refused = await stage.answer(stage.ann.slash(thread, "undo"))
    assert refused["content"]
    stage.ann.slash(thread, "omost", prompt="another pond")
    await stage.result(1, thread)
    assert len(await stage.turns(thread)) == 1


async def test_a_thread_under_a_result_goes_on_from_it(stage: DiscordStage):
    """Its first words change the picture that it was opened under; the channel's picture stays."""
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    first = await stage.result()
    thread = stage.world.thread_under(stage.room, first)
    stage.ben.slash(thread, "refine", prompt="make it dusk")
    await stage.result(1, thread)
    assert stage.composer.requests[-1].canvas == stage.renderer.painted[0][0]
    assert len(await stage.turns(stage.room)) == 1


async def test_forum_posts_are_conversations_of_their_own(stage: DiscordStage):
    """Two posts of a forum know nothing of each other."""
    forum = stage.world.channel(stage.guild_id, FORUM)
    posts = [stage.world.channel(stage.guild_id, THREAD, parent_id=forum.id) for _ in range(2)]
    for number, post in enumerate(posts, 1):
        stage.ann.say(post, f"<@1001> pond {number}", mentions=True)
        await stage.result(1, post)
    stage.ann.slash(posts[0], "refine", prompt="make it dusk")
    await stage.result(2, posts[0])
    assert [len(await stage.turns(post)) for post in posts] == [2, 1]


async def test_settings_of_a_server_and_of_a_channel_hold_in_threads(stage: DiscordStage):
    """A channel's win over its server's, where both say something; others may set neither."""
    moderator = Person(stage.world, 505, "Eve", permissions=MODERATOR)
    for whose, values in (
        ("server", {"steps": "7", "size": "896x1152"}),
        ("here", {"steps": "9"}),
    ):
        form = await stage.form(moderator.slash(stage.room, "settings", whose=whose))
        told = await stage.answer(moderator.fill(form, **values))
        assert "kept" in told["content"]
    thread = stage.world.channel(stage.guild_id, THREAD, parent_id=stage.room.id)
    stage.ann.slash(thread, "omost", prompt="a pond")
    await stage.result(1, thread)
    painted = stage.renderer.painted[-1][1]
    assert (painted.steps, painted.width_px) == (9, 896)
    of_channel = Person(stage.world, 506, "Flo", permissions=str(int(MODERATOR) & ~MANAGE_GUILD))
    await stage.form(of_channel.slash(stage.room, "settings", whose="here"))
    for person in (stage.ann, of_channel):
        refused = await stage.answer(person.slash(stage.room, "settings", whose="server"))
        assert "moderators" in refused["content"]


async def test_an_archived_thread_is_opened_again(stage: DiscordStage):
    """The message that showed progress becomes the result also where the thread was archived meanwhile."""
    thread = stage.world.channel(stage.guild_id, THREAD, parent_id=stage.room.id)
    stage.hold()
    stage.ann.slash(thread, "omost", prompt="a pond")
    await stage.world.until(lambda: any("❌" in labels_of(one) for one in stage.by_bot(thread)), "progress")
    thread.is_archived = True
    stage.go_on()
    await stage.result(1, thread)
    assert len(stage.by_bot(thread)) == 1
    assert not thread.is_archived


# --- permissions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "denied", "missing"),
    [(0, ATTACH_FILES, "to send files"), (THREAD, SEND_IN_THREADS, "to write here")],
    ids=["files", "threads"],
)
async def test_a_permission_that_is_missing_is_told_before_anything_begins(
    stage: DiscordStage, kind, denied, missing
):
    """To who asked alone; nothing is stored, composed or posted."""
    channel = stage.world.channel(stage.guild_id, kind, parent_id=stage.room.id, denied=denied)
    told = await stage.answer(stage.ann.slash(channel, "omost", prompt="a pond"))
    assert missing in told["content"]
    assert int(told["id"]) in stage.world.hidden
    assert stage.by_bot(channel) == []
    assert await stage.turns(channel) == []


async def test_who_writes_where_files_are_forbidden_is_told_directly(scene: DiscordStage):
    """A message has no answer that one person alone sees."""
    scene.room.denied = ATTACH_FILES
    stage = await scene.start()
    stage.ann.say(stage.room, "<@1001> a pond", mentions=True)
    assert "to send files" in (await told_directly(stage))["content"]
    assert stage.by_bot() == []
    assert await stage.turns() == []


async def test_a_message_in_a_thread_whose_channel_is_not_known(stage: DiscordStage):
    """What the bot may do there cannot be looked up beforehand: it is tried."""
    thread = stage.world.channel(stage.guild_id, THREAD, parent_id=stage.world.new_id())
    stage.gateway.tell("THREAD_CREATE", stage.world.told_of(thread))
    stage.ann.say(thread, "<@1001> a pond", mentions=True)
    await stage.result(1, thread)


# --- where the bot is no member -----------------------------------------------------------------------


async def test_where_the_bot_is_no_member_the_picture_answers_the_command(stage: DiscordStage):
    """Everybody sees it; that the bot was thinking, one person saw for a moment."""
    cyd, elsewhere = guest(stage)
    asked = cyd.slash(elsewhere, "omost", prompt="a pond")
    result = await stage.result(1, elsewhere)
    assert int(result["id"]) in asked.followups
    assert asked.responses[0]["data"]["flags"] == 64
    await stage.world.until(lambda: not stage.world.hidden, "nothing is left of it")
    assert stage.by_bot(elsewhere) == [result]


async def test_where_the_bot_is_no_member_answers_are_for_one_person(stage: DiscordStage):
    """Whatever is no picture is shown to who asked alone."""
    cyd, elsewhere = guest(stage)
    for name in ("help", "queue", "favourites", "history"):
        told = await stage.answer(cyd.slash(elsewhere, name))
        assert int(told["id"]) in stage.world.hidden
    form = await stage.form(cyd.slash(elsewhere, "settings"))
    told = await stage.answer(cyd.fill(form, steps="9"))
    assert "kept" in told["content"]
    assert int(told["id"]) in stage.world.hidden
    assert stage.by_bot(elsewhere) == []


async def test_a_group_is_served_by_answers(stage: DiscordStage):
    """In a direct conversation of several people, somebody's own app; pictures there can be changed too."""
    group = stage.world.channel(None, GROUP)
    group.refusal = NO_ACCESS
    cyd = Person(stage.world, 503, "Cyd", is_guest=True)
    cyd.slash(group, "omost", prompt="a pond")
    first = await stage.result(1, group)
    form = await stage.form(cyd.press(group, first, "✏️"))
    cyd.fill(form, prompt="make it dusk")
    await stage.result(2, group)
    assert stage.composer.requests[-1].prompt == "make it dusk"


async def test_a_thread_of_a_foreign_server(stage: DiscordStage):
    """Its channel is not known there: it is served like any other."""
    cyd, elsewhere = guest(stage)
    thread = stage.world.channel(elsewhere.guild_id, THREAD, parent_id=elsewhere.id)
    thread.refusal = NO_ACCESS
    cyd.slash(thread, "omost", prompt="a pond")
    await stage.result(1, thread)


async def test_where_only_the_interaction_answers_long_jobs_are_refused_beforehand(stage: DiscordStage):
    """The answer would come when nobody can be answered any more: that is said before anything begins."""
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    await stage.result()
    await stage.ended()
    stage.store.durations = _slow
    cyd, elsewhere = guest(stage)
    told = await stage.answer(cyd.slash(elsewhere, "omost", prompt="a pond"))
    assert "15 minutes" in told["content"]
    assert await stage.turns(elsewhere) == []


async def _slow() -> Durations:
    return Durations(60.0, 14 * 60.0)


def test_a_request_is_given_less_than_discord_waits():
    """What is asked ahead of the acknowledgement leaves it most of its three seconds."""
    assert AHEAD_FOR_S <= 1.0 < RESPOND_WITHIN_S


async def test_what_is_asked_ahead_ends_with_the_bot(stage: DiscordStage):
    """Nothing of it goes on when the bot has been stopped before the acknowledgement."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless() -> Durations:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError("nobody ends it otherwise")

    stage.store.durations = endless
    cyd, elsewhere = guest(stage)
    cyd.slash(elsewhere, "omost", prompt="a pond")
    await begun.wait()
    await stage.stop()
    assert ended.is_set()
