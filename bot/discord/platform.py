"""Discord as `bot.chat` sees it: messages are sent and edited with the bot's token, whoever asked and when.

Where the bot is no member, only the interaction can be answered, for a quarter of an hour; its messages are
remembered here for as long.
"""

import asyncio
import base64
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import discord
from discord.utils import MISSING
from PIL import Image

from bot.chat.platform import Budget, Chat, Message, MessageGone, PlatformError, Unsure
from bot.chat.views import Attachment, Picture, Span, Style, View
from bot.discord.drawing import Upload, components, markup, uploads
from bot.discord.refusals import translated

NAME: Final = "discord"
SEND_ATTEMPTS: Final = 3
"""So often a message is sent whose arrival is not known; Discord shows it once, by its nonce."""
REMEMBERED: Final = 256

_FILE_BYTES: Final = 10 * 1024 * 1024

_Value = TypeVar("_Value")
_Source = Path | Image.Image


class DiscordPlatform:
    """Sends, edits and removes messages on Discord."""

    name = NAME
    total_budget = Budget(45, 1.0)

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._shown: OrderedDict[str, _Source] = OrderedDict()
        self._asking: OrderedDict[str, discord.Interaction[Any]] = OrderedDict()
        self._answers: OrderedDict[str, discord.Interaction[Any]] = OrderedDict()

    def chat_budget(self, chat: Chat) -> Budget:
        """About what Discord allows a channel."""
        del chat
        return Budget(5, 5.0)

    def edit_interval_s(self, chat: Chat) -> float:
        """Slow enough for two messages in one channel."""
        del chat
        return 2.0

    def answers_by(self, key: str, interaction: discord.Interaction[Any]) -> None:
        """What is posted with that key goes out as answers to the interaction: there is no other way."""
        _remember(self._asking, key, interaction)

    def has_answered(self, interaction: discord.Interaction[Any]) -> bool:
        """Whether something was posted as an answer to the interaction."""
        return any(each is interaction for each in self._answers.values())

    async def post(self, chat: Chat, view: View, *, key: str, reply_to: str = "") -> str:
        """Sends a message; the same key within some minutes is sent once."""
        files, text = await self._drawn(chat, view)
        if interaction := self._asking.get(key):
            return await self._answer(interaction, text, files, view)
        message = await self._send(chat, text, files, key=key, reply_to=reply_to, view=view)
        return self._remembered(message, view)

    async def edit(self, message: Message, view: View) -> None:
        """Makes a message look like this; a picture that it shows already is not sent again."""
        is_shown = view.picture is not None and self._shown.get(message.message_id) is view.picture.source
        attachments: Any = MISSING
        text = markup(view.text)
        if not is_shown or view.attachments:
            files, text = await self._drawn(message.chat, view)
            attachments = [upload.file() for upload in files]
        async with translated(self._missing(message.chat)):
            await self._edit(message, content=text, attachments=attachments, view=components(view))
        self._note(message.message_id, view)

    async def remove(self, message: Message) -> None:
        """Removes a message of the bot's; that it is gone already is no error."""
        self._shown.pop(message.message_id, None)
        try:
            async with translated():
                if interaction := self._answers.get(message.message_id):
                    await interaction.followup.delete_message(int(message.message_id))
                else:
                    await self._partial(message).delete()
        except MessageGone:
            pass

    async def post_pictures(
        self, chat: Chat, pictures: Sequence[Picture], *, key: str, reply_to: str = ""
    ) -> tuple[str, ...]:
        """Sends several pictures, each as a message of its own: so each can be replied to."""
        ids: list[str] = []
        for index, picture in enumerate(pictures):
            view = View(picture=picture, is_quiet=True)
            ids.append(await self.post(chat, view, key=f"{key}:{index}", reply_to=reply_to))
        return tuple(ids)

    async def post_files(
        self, chat: Chat, files: Sequence[Attachment], *, key: str, reply_to: str = ""
    ) -> tuple[str, ...]:
        """Sends files as they are, each as a message of its own."""
        ids: list[str] = []
        for index, file in enumerate(files):
            view = View(attachments=(file,), is_quiet=True)
            ids.append(await self.post(chat, view, key=f"{key}:{index}" if index else key, reply_to=reply_to))
        return tuple(ids)

    def file_bytes(self, chat: Chat) -> int:
        """How large a file may be there."""
        guild = getattr(self._client.get_channel(int(chat.chat_id)), "guild", None)
        return guild.filesize_limit if isinstance(guild, discord.Guild) else _FILE_BYTES

    # --- inside ---------------------------------------------------------------------------------------

    async def _drawn(self, chat: Chat, view: View) -> tuple[tuple[Upload, ...], str]:
        """The view's files, made to fit, and its text, which says so if they were."""
        try:
            files, is_changed = await asyncio.to_thread(uploads, view, self.file_bytes(chat))
        except OSError as error:
            raise PlatformError(f"no file: {error}") from error
        if is_changed and view.picture and view.picture.if_smaller:
            note = Span(f"\n\n{view.picture.if_smaller}", Style.ITALIC)
            return files, markup((*view.text, note))
        return files, markup(view.text)

    async def _send(
        self, chat: Chat, text: str, files: Sequence[Upload], *, key: str, reply_to: str, view: View
    ) -> discord.Message:
        """Sends with a nonce, and once more where nobody knows whether it arrived."""
        channel = self._client.get_partial_messageable(int(chat.chat_id))
        reference = _reference(chat, reply_to)
        for attempt in range(SEND_ATTEMPTS):
            try:
                async with translated(self._missing(chat)):
                    return await channel.send(
                        text,
                        files=[upload.file() for upload in files],
                        view=components(view),
                        nonce=nonce(key),
                        reference=reference,
                        silent=view.is_quiet,
                        suppress_embeds=True,
                    )
            except Unsure:
                if attempt + 1 == SEND_ATTEMPTS:
                    raise
        raise AssertionError  # the last attempt returns or raises

    async def _answer(
        self, interaction: discord.Interaction[Any], text: str, files: Sequence[Upload], view: View
    ) -> str:
        async with translated():
            message = await interaction.followup.send(
                text,
                files=[upload.file() for upload in files],
                view=components(view),
                suppress_embeds=True,
                wait=True,
            )
        _remember(self._answers, str(message.id), interaction)
        return self._remembered(message, view)

    async def _edit(self, message: Message, **changed: Any) -> None:
        if interaction := self._answers.get(message.message_id):
            await interaction.followup.edit_message(int(message.message_id), **changed)
        else:
            await self._partial(message).edit(**changed)

    def _partial(self, message: Message) -> discord.PartialMessage:
        channel = self._client.get_partial_messageable(int(message.chat.chat_id))
        return channel.get_partial_message(int(message.message_id))

    def _remembered(self, message: discord.Message, view: View) -> str:
        self._note(str(message.id), view)
        return str(message.id)

    def _note(self, message_id: str, view: View) -> None:
        """Remembers which picture a message shows, so that a change of its words alone is a small call."""
        self._shown.pop(message_id, None)
        if view.picture and not view.attachments:
            _remember(self._shown, message_id, view.picture.source)

    def _missing(self, chat: Chat) -> str:
        """The permission that the bot lacks in a channel, as far as that is known here."""
        channel = self._client.get_channel(int(chat.chat_id))
        me: discord.Member | None = getattr(getattr(channel, "guild", None), "me", None)
        if me is None or not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
            return ""
        has = channel.permissions_for(me)
        sending = "send_messages_in_threads" if isinstance(channel, discord.Thread) else "send_messages"
        needed = (
            ("view_channel", "view-channel"),
            (sending, "send-messages"),
            ("attach_files", "attach-files"),
        )
        return next((name for permission, name in needed if not getattr(has, permission)), "")


def nonce(key: str) -> str:
    """A short name for what is sent, so that Discord shows it once."""
    digest = hashlib.blake2b(key.encode(), digest_size=15).digest()
    return base64.b32encode(digest).decode().lower()


def _reference(chat: Chat, reply_to: str) -> Any:
    """The message that is answered; the library's types know no None here, and its code does."""
    if not reply_to:
        return None
    return discord.MessageReference(
        message_id=int(reply_to), channel_id=int(chat.chat_id), fail_if_not_exists=False
    )


def _remember(known: OrderedDict[str, _Value], key: str, value: _Value) -> None:
    """Notes it, and forgets the oldest where there are many."""
    known[key] = value
    while len(known) > REMEMBERED:
        known.popitem(last=False)
