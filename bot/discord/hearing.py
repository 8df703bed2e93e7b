"""Who speaks where on Discord, as `bot.chat` knows it.

Channels, threads, forum posts and direct messages are each a chat of their own. Without the content of all
messages, which needs a privilege, only those can be read that mention the bot, as answers to it do, or are
direct.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import discord

from bot.chat.platform import BEHIND_NAME, Chat, Incoming, Message, Speaker
from bot.discord.permissions import lacking, lacking_in, moderates
from bot.discord.platform import NAME
from storage.records import PersonKey

ANSWERS_FOR_S: Final = 12 * 60.0
"""Where only the interaction can be answered: its token lives a quarter of an hour."""
_NAMED: Final = re.compile(r"(?P<gap> ?)<(?:(?:@[!&]?|#)(?P<id>[0-9]+)|a?:(?P<sign>\w+):[0-9]+)>")
"""How Discord writes a name, or a sign that somebody has drawn for a server."""
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_KANA: Final = re.compile(r"[\u3040-\u30ff]")


def of_interaction(interaction: discord.Interaction[Any]) -> Incoming:
    """A command, a button, a select or a form."""
    chat = _chat_of_interaction(interaction)
    pressed, may = interaction.message, interaction.permissions
    return Incoming(
        key=f"{NAME}:{interaction.id}",
        speaker=replace(
            _speaker(interaction.user, interaction.locale.value, is_moderator=may.manage_messages),
            moderates_server=may.manage_guild,
        ),
        chat=chat,
        reply_to=Message(chat, str(pressed.id)) if pressed else None,
    )


def of_message(message: discord.Message) -> Incoming:
    """Something that was said to the bot; messages do not tell the locale of who writes them."""
    channel, guild_id = message.channel, message.guild.id if message.guild else None
    chat = replace(_chat(channel, guild_id), lacks=lacking_in(channel))
    reference = message.reference
    answered = str(reference.message_id) if reference and reference.message_id else ""
    return Incoming(
        key=f"{NAME}:{message.id}",
        speaker=_speaker(message.author, is_moderator=moderates(message.author, channel)),
        chat=chat,
        message_id=str(message.id),
        reply_to=Message(chat, answered) if answered else None,
    )


def is_for(message: discord.Message, bot: discord.ClientUser) -> bool:
    """Whether a person says it to the bot: directly, in answer to it, or by name."""
    if message.author.bot or message.webhook_id:
        return False
    if message.type not in (discord.MessageType.default, discord.MessageType.reply):
        return False
    return message.guild is None or bot in message.mentions or _answers(message, bot)


def words_of(message: discord.Message, bot: discord.ClientUser) -> str:
    """What was said, without the bot's name, and at the beginning without what parts it from the rest."""
    name = rf"<@!?{bot.id}>"
    words = re.sub(rf"\A\s*{name}[{BEHIND_NAME}]*|{name}", "", message.content)
    people = {str(user.id): user.display_name for user in message.mentions}
    others = {str(each.id): each.name for each in (*message.role_mentions, *message.channel_mentions)}
    return called_by_name(words, people | others)


def called_by_name(words: str, names: Mapping[str, str]) -> str:
    """The words with names where Discord writes ids: of people, roles, channels, and of signs of its own.

    Whoever is not among the names, by their ids, is left out: nobody can paint a number.
    """

    def name(found: re.Match[str]) -> str:
        called = found["sign"] or names.get(found["id"], "")
        return f"{found['gap']}{called}" if called else ""

    return _NAMED.sub(name, words).strip()


def locale_of(text: str) -> str:
    """What words tell of the locale of somebody whose Discord has told none; empty for nothing."""
    return "zh" if _HAN.search(text) and not _KANA.search(text) else ""


def can_only_answer(interaction: discord.Interaction[Any]) -> bool:
    """Whether the bot is no member there, so that nothing but the interaction can be answered."""
    if interaction.guild_id is None:
        return interaction.context.private_channel
    return not interaction.is_guild_integration()


def _answers(message: discord.Message, bot: discord.ClientUser) -> bool:
    answered = message.reference.resolved if message.reference else None
    return isinstance(answered, discord.Message) and answered.author.id == bot.id


def _chat_of_interaction(interaction: discord.Interaction[Any]) -> Chat:
    chat_id = str(interaction.channel_id or interaction.user.id)
    is_guest = can_only_answer(interaction)
    return replace(
        _chat(interaction.channel, interaction.guild_id, chat_id),
        is_private=interaction.guild_id is None and not interaction.context.private_channel,
        answers_for_s=ANSWERS_FOR_S if is_guest else 0.0,
        lacks=lacking(interaction, can_only_answer=is_guest),
    )


def _chat(channel: Any, guild_id: int | None, chat_id: str = "") -> Chat:
    parent_id: int | None = getattr(channel, "parent_id", None)
    within = (f"guild:{guild_id}", *([str(parent_id)] if parent_id else [])) if guild_id else ()
    return Chat(
        NAME,
        str(channel.id) if channel else chat_id,
        is_private=guild_id is None and isinstance(channel, discord.DMChannel | None),
        names=tuple(_names(channel, guild_id)),
        is_restricted=_is_restricted(channel),
        within=within,
        started_from=_start(channel, parent_id),
    )


def _start(channel: Any, parent_id: int | None) -> Message | None:
    """The message that a thread was opened under: both have the same id."""
    return Message(Chat(NAME, str(parent_id)), str(channel.id)) if parent_id else None


def _names(channel: Any, guild_id: int | None) -> Iterator[str]:
    """What the lists of the settings may call it by: its server, its category, the channel of a thread."""
    if guild_id:
        yield f"{NAME}:{guild_id}"
    for holder in ("category_id", "parent_id"):
        with suppress(discord.ClientException):  # a thread whose channel is not known has no category
            if found := getattr(channel, holder, None):
                yield f"{NAME}:{found}"


def _is_restricted(channel: Any) -> bool:
    try:
        return bool(channel.is_nsfw())
    except (AttributeError, discord.ClientException):  # private, or a thread whose channel is not known
        return False


def _speaker(user: discord.User | discord.Member, locale: str = "", *, is_moderator: bool) -> Speaker:
    roles = user.roles if isinstance(user, discord.Member) else ()
    return Speaker(
        PersonKey(NAME, str(user.id)),
        user.display_name,
        locale,
        is_moderator=is_moderator,
        roles=tuple(f"{NAME}:role/{role.id}" for role in roles),
    )
