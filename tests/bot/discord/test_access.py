"""Who is served where on Discord, and who looks after a channel."""

import asyncio
from typing import Any

from bot.sections import ChatSettings, PeopleSettings, RoleSettings
from engine.people import PRIORITY_SHARE
from storage.records import ConversationKey
from tests.bot.discord.conftest import DiscordStage
from tests.bot.discord.people import MODERATOR, Person, labels_of
from tests.bot.discord.world import DM, THREAD

FRIENDS, STRANGERS = 601, 602


def with_settings(scene: DiscordStage, **changed: Any) -> DiscordStage:
    scene.settings = scene.settings.model_copy(update=changed)
    scene.world.roles = [FRIENDS, STRANGERS]
    return scene


async def test_roles_are_served_or_not(scene: DiscordStage):
    """By command and by message alike."""
    people = PeopleSettings(allow=(f"discord:role/{FRIENDS}",))
    stage = await with_settings(scene, people=people).start()
    friend = Person(stage.world, 503, "Cyd", roles=(FRIENDS,))
    stranger = Person(stage.world, 504, "Dan", roles=(STRANGERS,))
    refused = await stage.answer(stranger.slash(stage.room, "omost", prompt="a pond"))
    assert "let you in" in refused["content"]
    friend.slash(stage.room, "omost", prompt="a pond")
    first = await stage.result()
    stranger.say(stage.room, "make it dusk", first)
    friend.say(stage.room, "make it dusk", first)
    await stage.result(2)
    assert len(stage.composer.requests) == 2


async def test_roles_have_quotas(scene: DiscordStage):
    """The server's roles say how much somebody may have in a day; of several the most generous."""
    roles = {
        f"discord:role/{STRANGERS}": RoleSettings(pictures_per_day=1),
        f"discord:role/{FRIENDS}": RoleSettings(pictures_per_day=2),
    }
    stage = await with_settings(scene, roles=roles).start()
    friend = Person(stage.world, 503, "Cyd", roles=(FRIENDS, STRANGERS))
    stranger = Person(stage.world, 504, "Dan", roles=(STRANGERS,))
    for number, person in enumerate((friend, stranger, friend), 1):
        person.slash(stage.room, "omost", prompt="a pond")
        await stage.result(number)
    for person, most in ((stranger, "1 picture."), (friend, "2 pictures.")):
        refused = await stage.answer(person.slash(stage.room, "omost", prompt="a pond"))
        assert most in refused["content"]


async def test_roles_have_a_share_of_the_queue(scene: DiscordStage):
    """What somebody with a role of the priority list asks for counts as less than another's."""
    people = PeopleSettings(priority=(f"discord:role/{FRIENDS}",))
    scene.renderer.gate = asyncio.Event()  # while nothing is painted, all requests are taken for equally long
    stage = await with_settings(scene, people=people).start()
    Person(stage.world, 503, "Cyd", roles=(FRIENDS,)).slash(stage.room, "omost", prompt="a pond")
    Person(stage.world, 504, "Dan").slash(stage.room, "omost", prompt="a pond")
    await stage.world.until(lambda: len(stage.by_bot()) == 2, "both have a message")
    turns = await stage.store.turns(ConversationKey("discord", str(stage.room.id)))
    lengths = {turn.person.platform_id: turn.place.finish - turn.place.start for turn in turns}
    assert lengths["504"] == PRIORITY_SHARE * lengths["503"]
    scene.renderer.gate.set()
    await stage.result(2)


async def test_servers_categories_channels_and_threads_can_be_named(scene: DiscordStage):
    """A channel is served for its category; a thread for its channel; direct messages for themselves."""
    chats = ChatSettings(allow=(f"discord:{scene.category.id}", "discord:private"))
    stage = await with_settings(scene, chats=chats).start()
    other = stage.world.channel(stage.guild_id)
    await stage.answer(stage.ann.slash(other, "omost", prompt="a pond"))
    direct = stage.world.channel(None, DM)
    stage.ann.say(direct, "a pond")
    await stage.result(1, direct)
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    await stage.result(1)
    assert await stage.turns(other) == []


async def test_a_denied_channel_denies_its_threads(scene: DiscordStage):
    """Who is not served in a channel is not served in its threads."""
    chats = ChatSettings(deny=(f"discord:{scene.room.id}",))
    stage = await with_settings(scene, chats=chats).start()
    thread = stage.world.channel(stage.guild_id, THREAD, parent_id=stage.room.id)
    told = await stage.answer(stage.ann.slash(thread, "omost", prompt="a pond"))
    assert told["content"]
    assert await stage.turns(thread) == []


async def test_pictures_in_age_restricted_channels_are_hidden(scene: DiscordStage):
    """With spoilers for restricted chats; elsewhere they are open."""
    stage = with_settings(scene, chats=ChatSettings(spoilers="restricted"))
    adults = stage.world.channel(stage.guild_id, is_nsfw=True)
    await stage.start()
    stage.ann.slash(adults, "omost", prompt="a pond")
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    hidden, shown = await stage.result(1, adults), await stage.result(1)
    assert hidden["attachments"][0]["filename"].startswith("SPOILER_")
    assert not shown["attachments"][0]["filename"].startswith("SPOILER_")


async def test_who_manages_messages_looks_after_the_channel(stage: DiscordStage):
    """Sets its settings, and is told how it goes."""
    moderator = Person(stage.world, 505, "Eve", permissions=MODERATOR)
    form = await stage.form(moderator.slash(stage.room, "settings", whose="here"))
    await stage.answer(moderator.fill(form, steps="7"))
    await stage.answer(moderator.slash(stage.room, "stats"))
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    result = await stage.result()
    assert stage.renderer.painted[-1][1].steps == 7
    assert "🎲" in labels_of(result)
