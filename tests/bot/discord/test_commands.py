"""The commands that Discord is told of."""

import json

from bot.chat.commands import COMMANDS, with_names
from bot.replies import words
from tests.bot.discord.conftest import DiscordStage
from tests.bot.discord.limits import MAX_COMMAND_CHARS, command_faults

MANAGE_GUILD = str(1 << 5)


async def test_the_commands_fit_in_every_language(stage: DiscordStage):
    """Names, descriptions, options and choices keep Discord's limits in English and Chinese."""
    commands = stage.world.commands
    assert {each["name"] for each in commands if each["type"] == 1} == {each.name for each in COMMANDS}
    assert len([each for each in commands if each["type"] == 3]) == 2
    assert [fault for command in commands for fault in command_faults(command)] == []
    for command in commands:
        assert {"zh-CN", "zh-TW"} <= set(command["name_localizations"])
        assert len(json.dumps(command, ensure_ascii=False)) < MAX_COMMAND_CHARS


async def test_the_commands_can_be_used_everywhere(stage: DiscordStage):
    """In servers, in direct messages and as one's own app; what is for admins says so."""
    by_name = {each["name"]: each for each in stage.world.commands}
    assert all(each["contexts"] == [0, 1, 2] for each in by_name.values())
    assert all(each["integration_types"] == [0, 1] for each in by_name.values())
    assert by_name["stats"]["default_member_permissions"] == int(MANAGE_GUILD)
    assert by_name["omost"]["default_member_permissions"] is None
    seed = next(each for each in by_name["omost"]["options"] if each["name"] == "seed")
    assert (seed["min_value"], seed["max_value"]) == (0, 2**32 - 1)


async def test_discord_is_told_of_the_commands_once(stage: DiscordStage):
    """Not again at the next start, unless they are others."""
    await stage.restart()
    assert stage.world.syncs == 1
    await stage.store.set_note("discord-commands", "others")
    await stage.restart()
    assert stage.world.syncs == 2


def test_help_calls_commands_as_the_program_does():
    """Whoever sees Chinese names reads Chinese names; words that only look like commands stay."""
    assert with_names("/render, and/or http://x/undo", words("zh")) == "/重画, and/or http://x/undo"
    assert with_names("重画，/undo后退。/history.", words("zh")) == "重画，/撤销后退。/历史."
    assert with_names("/render", words("en")) == "/render"
