"""What the bot may do in a channel, as far as that is known before it tries."""

from contextlib import suppress
from typing import Any, Final

import discord

_SEEING: Final = ("view_channel", "view-channel")
_FILES: Final = ("attach_files", "attach-files")


def lacking(interaction: discord.Interaction[Any], *, can_only_answer: bool) -> str:
    """The permission that Discord says the bot lacks where it was asked; empty for none.

    Where it can only answer, it needs neither to see the channel nor to write there.
    """
    has = interaction.app_permissions
    if interaction.guild_id is None or not has.value:  # alone with somebody, or Discord has not said
        return ""
    if can_only_answer:
        return _first(has, (_FILES,))
    return _first(has, _needed(interaction.channel))


def lacking_in(channel: object) -> str:
    """The permission that the bot lacks in a channel; empty for none, and where it is not known."""
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return ""
    me: discord.Member | None = channel.guild.me
    with suppress(discord.ClientException):  # a thread whose channel is not known
        if me and channel.guild.roles:
            return _first(channel.permissions_for(me), _needed(channel))
    return ""


def moderates(member: object, channel: object) -> bool:
    """Whether somebody who writes looks after the channel; False where that is not known."""
    if not isinstance(member, discord.Member):
        return False
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return False
    with suppress(discord.ClientException):
        return channel.permissions_for(member).manage_messages
    return False


def _needed(channel: object) -> tuple[tuple[str, str], ...]:
    """What showing a picture takes, with how `bot.replies` calls it."""
    sending = "send_messages_in_threads" if isinstance(channel, discord.Thread) else "send_messages"
    return (_SEEING, (sending, "send-messages"), _FILES)


def _first(has: discord.Permissions, needed: tuple[tuple[str, str], ...]) -> str:
    return next((name for permission, name in needed if not getattr(has, permission)), "")
