"""The bot's commands and descriptions, told to Telegram in every language whenever they have changed."""

import hashlib
import json
from typing import Final

import structlog
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
)
from telegram.error import TelegramError

from bot.chat import guide
from bot.chat.commands import COMMANDS
from bot.replies import LANGUAGES, Language, Words, words
from bot.telegram.platform import NAME
from storage.errors import StorageError
from storage.store import Store

DEFAULT: Final[Language] = "en"
"""Shown to everybody whose language has no words of its own."""

UNUSED: Final = frozenset(("open",))
"""Files are simply sent."""

Menu = dict[str, str]

_log = structlog.get_logger()


def menu(spoken: Words, *, for_moderators: bool) -> Menu:
    """The commands and what they are for."""
    return {
        command.name: command.purpose_in(spoken)
        for command in COMMANDS
        if command.name not in UNUSED and (for_moderators or not command.is_for_moderators)
    }


async def tell_menu(bot: Bot, store: Store) -> None:
    """Tells Telegram, unless it knows; trouble is logged, for the commands work all the same."""
    told = json.dumps([_told(words(language)) for language in LANGUAGES], ensure_ascii=False)
    digest = hashlib.sha256(told.encode()).hexdigest()
    note = f"{NAME}:menu:{bot.id}"
    try:
        if await store.note(note) == digest:
            return
        for language in LANGUAGES:
            await _tell(bot, words(language), "" if language == DEFAULT else language)
        await store.set_note(note, digest)
    except (TelegramError, StorageError) as error:
        _log.warning("menu_not_told", why=repr(error))


async def _tell(bot: Bot, spoken: Words, language_code: str) -> None:
    code = language_code or None
    everybodys, moderators = (
        [BotCommand(name, text) for name, text in menu(spoken, for_moderators=is_for).items()]
        for is_for in (False, True)
    )
    for scope in (BotCommandScopeAllPrivateChats(), BotCommandScopeAllGroupChats()):
        await bot.set_my_commands(everybodys, scope, code)
    await bot.set_my_commands(moderators, BotCommandScopeAllChatAdministrators(), code)
    await bot.set_my_description(guide.description(spoken), code)
    await bot.set_my_short_description(guide.short_description(spoken), code)


def _told(spoken: Words) -> list[object]:
    texts = guide.description(spoken), guide.short_description(spoken)
    return [spoken.language, menu(spoken, for_moderators=True), *texts]
