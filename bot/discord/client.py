"""The bot's account on Discord: what it hears there, and what it tells of itself.

It asks for no privileged intent: it sees servers, and the messages that are meant for it.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.chat import looks
from bot.chat.messages import Messages
from bot.chat.outbox import Outbox
from bot.chat.platform import ChatGone, Incoming, NotPermitted, PlatformError
from bot.chat.presses import Action, Press
from bot.chat.scene_options import NO_OPTIONS, Options
from bot.chat.talk import Talk
from bot.chat.views import Answer, View
from bot.discord import hearing
from bot.discord.answering import Answering
from bot.discord.commands import CatalogueTranslator, add_commands
from bot.discord.components import ChosenOption, PressedButton
from bot.discord.drawing import markup
from bot.discord.forms import SceneFile, sent, sent_file
from bot.discord.locales import Locales
from bot.discord.platform import DiscordPlatform
from bot.discord.refusals import translated
from bot.replies import words
from bot.settings import Settings
from engine.studio import Studio
from storage.errors import StorageError
from storage.scene_file import MAX_PNG_BYTES
from storage.store import Store

PRESENCE_EVERY_S: Final = 60.0
PRESENCE_TIMEOUT_S: Final = 30.0
READY_AFTER_S: Final = 0.2
"""So long after the last server it counts as ready; nothing of what it does waits for all of them."""
COMMANDS_NOTE: Final = "discord-commands"
"""Under this the store has what Discord was told of the commands, shortened."""

_AHEAD: Final = frozenset(
    (
        *(Action.REFINE, Action.REGION, Action.ADD_REGION, Action.SETTINGS),
        *(Action.AGAIN, Action.VARY, Action.ENLARGE, Action.REMOVE_REGION),
    )
)
"""What may lead to a form or to a request."""
_INTENTS: Final = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)

_log = structlog.get_logger()


class OmostClient(discord.AutoShardedClient):
    """Hears what is said and pressed on Discord, and hands it to `Talk`.

    Attributes:
        answering: Shows interactions their answers.
        platform: For messages.
        talk: What is said and pressed; to be set before the client is started.
    """

    talk: Talk
    messages: Messages
    outbox: Outbox

    def __init__(self, settings: Settings, studio: Studio, **options: Any) -> None:
        """Takes further options of `discord.AutoShardedClient`."""
        super().__init__(
            intents=_INTENTS,
            proxy=settings.discord.proxy or None,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=READY_AFTER_S,
            max_ratelimit_timeout=30.0,
            **options,
        )
        self.platform = DiscordPlatform(self)
        self.locales = Locales(studio.store)
        self.answering = Answering(self.platform, self.locales)
        self.tree = app_commands.CommandTree(
            self,
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
        )
        add_commands(self.tree, prompt_chars=settings.limits.prompt_chars, count=_most_pictures(settings))
        self._studio = studio
        self._words = words(settings.language)
        self._presence: asyncio.Task[None] | None = None

    async def setup_hook(self) -> None:
        """Runs between the login and the connection: buttons of old messages, and the commands."""
        self.add_dynamic_items(PressedButton, ChosenOption)
        await self.tree.set_translator(CatalogueTranslator())
        await sync_commands(self.tree, self._studio.store)

    async def close(self) -> None:
        """Ends the connection and what tells of the bot itself."""
        await self.answering.close()
        if self._presence:
            self._presence.cancel()
            await asyncio.gather(self._presence, return_exceptions=True)
        await super().close()

    # --- events ---------------------------------------------------------------------------------------

    async def on_ready(self) -> None:
        """Comes after each new session."""
        _log.info("discord_ready", servers=len(self.guilds), shards=self.shard_count)
        self.outbox.is_connected = True
        if self._presence is None:
            self._presence = asyncio.create_task(self._tell_presence())

    async def on_resumed(self) -> None:
        """Comes after an interruption that Discord has bridged."""
        self.outbox.is_connected = True

    async def on_disconnect(self) -> None:
        """Comes when the connection is lost, or was not made."""
        self.outbox.is_connected = False

    async def on_message(self, message: discord.Message) -> None:
        """Somebody has said something."""
        bot = self.user
        if bot is None or not hearing.is_for(message, bot):
            return
        said, text = hearing.of_message(message), hearing.words_of(message, bot)
        locale = await self.locales.of(said.speaker.person) or hearing.locale_of(message.content)
        said = replace(said, speaker=replace(said.speaker, locale=locale))
        answer = await self._answer(said, message, text)
        if answer.view:
            await self._reply(message, said, answer.view)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Forms come here: the library forgets them when it is started again."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return
        if file := sent_file(interaction):
            await self.answering.answer(interaction, lambda said: self.open_file(said, file), is_ahead=True)
        elif form := sent(interaction):
            press, filled = form
            await self.answering.answer(
                interaction, lambda said: self.talk.fill(said, press, filled), is_ahead=True
            )

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Something that nobody foresaw; the words that were said are not logged."""
        del args, kwargs
        _log.exception("discord_event_failed", what=event_method)

    async def pressed(
        self, interaction: discord.Interaction[Any], press: Press, values: Sequence[str]
    ) -> None:
        """A button was pressed, or something chosen."""
        await self.answering.answer(
            interaction,
            lambda said: self.talk.press(said, press, values),
            is_ahead=press.action in _AHEAD,
        )

    # --- what is said ---------------------------------------------------------------------------------

    async def open_file(
        self, said: Incoming, file: SceneFile, options: Options = NO_OPTIONS, prompt: str = ""
    ) -> Answer:
        """A scene file, wherever it was sent, and the words beside it."""
        content: bytes | None = None
        if file.size_bytes <= MAX_PNG_BYTES:
            try:
                async with translated():
                    content = await self.http.get_from_cdn(file.url)
            except PlatformError as error:
                return await self.talk.not_fetched(said, error)
        return await self.talk.open_file(said, file.name, content, options, prompt)

    async def _answer(self, said: Incoming, message: discord.Message, text: str) -> Answer:
        if message.attachments:
            return await self.open_file(said, SceneFile.of(message.attachments[0]), prompt=text)
        if text:
            return await self.talk.compose(said, text)
        if said.reply_to is None:
            return await self.talk.help_text(said)
        spoken = (await self.talk.hear(said)).words
        unread = spoken.text("I can only read replies that mention me: leave the @ on, or press ✏️.")
        return Answer(view=looks.sentence(unread))

    async def _reply(self, message: discord.Message, said: Incoming, view: View) -> None:
        """To somebody's message; first directly to them where the bot lacks a permission that it needs."""
        ways = (self._reply_there, self._reply_directly)
        for way in reversed(ways) if said.chat.lacks else ways:
            try:
                await way(message, said, view)
            except (NotPermitted, ChatGone) as error:
                _log.info("not_told", key=said.key, why=repr(error))
            except PlatformError as error:
                _log.warning("answer_not_shown", key=said.key, why=repr(error))
                return
            else:
                return

    async def _reply_there(self, message: discord.Message, said: Incoming, view: View) -> None:
        await self.messages.pace.turn(said.chat)
        await self.platform.post(said.chat, view, key=f"{said.key}:answer", reply_to=str(message.id))

    async def _reply_directly(self, message: discord.Message, said: Incoming, view: View) -> None:
        del said
        async with translated():
            await message.author.send(markup(view.text))

    # --- about itself ---------------------------------------------------------------------------------

    async def _tell_presence(self) -> None:
        """Shows how many requests are open; Discord wants to hear of that seldom."""
        shown = -1
        while True:
            try:
                waiting = len(await self._studio.queue())
                if waiting != shown:
                    text = self._words.count(
                        "{number} request is open", "{number} requests are open", waiting
                    )
                    async with asyncio.timeout(PRESENCE_TIMEOUT_S):
                        await self.change_presence(activity=discord.CustomActivity(text))
                    shown = waiting
            except (StorageError, discord.DiscordException, aiohttp.ClientError, OSError) as error:
                _log.info("presence_not_told", why=repr(error))
            await asyncio.sleep(PRESENCE_EVERY_S)


def _most_pictures(settings: Settings) -> int:
    """How many pictures anybody may ask for at once."""
    return max(settings.limits.count, *(role.count or 0 for role in settings.roles.values()), 0)


async def sync_commands(tree: app_commands.CommandTree[Any], store: Store) -> None:
    """Tells Discord of the commands, if they are others than it was told the last time."""
    payload = await command_payloads(tree)
    application = tree.client.application_id
    text = f"{application}:{json.dumps(payload, sort_keys=True)}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    if await store.note(COMMANDS_NOTE) == digest:
        return
    try:
        synced = await tree.sync()
    except app_commands.CommandSyncFailure as error:  # the ones of the last time go on to work
        _log.exception("discord_commands_refused", exc_info=error)
        return
    await store.set_note(COMMANDS_NOTE, digest)
    _log.info("discord_commands_told", count=len(synced))


async def command_payloads(tree: app_commands.CommandTree[Any]) -> list[dict[str, Any]]:
    """The commands as Discord is told of them, in all languages."""
    translator = tree.translator or CatalogueTranslator()
    kinds = (discord.AppCommandType.chat_input, discord.AppCommandType.message)
    commands = [command for kind in kinds for command in tree.get_commands(type=kind)]
    return [await command.get_translated_payload(tree, translator) for command in commands]
