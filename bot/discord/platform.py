"""Discord as `bot.chat` sees it: messages are sent and edited with the bot's token, whoever asked and when.

Where the bot is no member, only the interaction can be answered, for a quarter of an hour; which messages are
such answers is remembered here.
"""

import asyncio
import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakValueDictionary

import discord
from discord.utils import MISSING

from bot.chat.platform import Budget, Chat, ChatGone, Message, MessageGone, PlatformError, Unsure
from bot.chat.recent import Recent
from bot.chat.views import Attachment, Picture, Span, Style, View
from bot.discord.drawing import MAX_CAPTION_UNITS, Upload, components, markup, uploads
from bot.discord.permissions import lacking_in
from bot.discord.refusals import ThreadArchived, translated

NAME: Final = "discord"
SEND_ATTEMPTS: Final = 3
"""So often a message is sent whose arrival is not known; Discord shows it once, by its nonce."""
REMEMBERED: Final = 256
CHAT_BUDGET: Final = Budget(5, 5.0)
"""About what Discord allows a channel."""
EDIT_EVERY_S: Final = 2.0
"""Slow enough for two messages in one channel."""

_FILE_BYTES: Final = 10 * 1024 * 1024

_Interaction = discord.Interaction[Any]


@dataclass(frozen=True, slots=True)
class Call:
    """An interaction, and what is posted because of it.

    Attributes:
        can_only_answer: Whether what is posted goes out as an answer to it: there is no other way.
        wants_to_post: Set when something is ready to be posted; a request is stored by then.
        is_taken: Whether Discord has taken the acknowledgement: nothing is posted before, nor without it.
            Cancelled where nobody will say.
    """

    interaction: _Interaction
    can_only_answer: bool
    wants_to_post: asyncio.Event = field(default_factory=asyncio.Event)
    is_taken: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class DiscordPlatform:
    """Sends, edits and removes messages on Discord."""

    name = NAME
    total_budget = Budget(45, 1.0)
    max_caption_units = MAX_CAPTION_UNITS
    shows_batches_apart = False

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._shown: WeakValueDictionary[str, Picture] = WeakValueDictionary()
        self._calls: Recent[str, Call] = Recent(REMEMBERED)
        self._answers: Recent[str, _Interaction] = Recent(REMEMBERED)

    def chat_budget(self, chat: Chat) -> Budget:
        """The same for every channel."""
        del chat
        return CHAT_BUDGET

    def edit_interval_s(self, chat: Chat) -> float:
        """The same for every channel."""
        del chat
        return EDIT_EVERY_S

    def call(self, key: str, interaction: _Interaction, *, can_only_answer: bool) -> Call:
        """What is posted with that key waits for the interaction, which whoever calls acknowledges."""
        call = Call(interaction, can_only_answer)
        self._calls.note(key, call)
        return call

    async def post(self, chat: Chat, view: View, *, key: str, reply_to: str = "") -> str:
        """Sends a message; the same key within some minutes is sent once."""
        call = self._calls.get(key)
        if call and not await _is_taken(call):
            raise ChatGone  # whoever asked has been told that it failed, and asks again
        files, text = await self._drawn(chat, view)
        if call and call.can_only_answer:
            return await self._answer(call.interaction, text, files, view)
        message = await self._send(chat, text, files, key=key, reply_to=reply_to, view=view)
        return self._remembered(message, view)

    async def edit(self, message: Message, view: View) -> None:
        """Makes a message look like this; a picture that it shows already is not sent again."""
        is_shown = view.picture is not None and self._shown.get(message.message_id) is view.picture
        text, files = markup(view.text), None
        if not is_shown or view.attachments:
            files, text = await self._drawn(message.chat, view)
        try:
            await self._edit(message, text, files, view)
        except ThreadArchived:
            await self._wake(message.chat)
            await self._edit(message, text, files, view)
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

    async def _answer(self, interaction: _Interaction, text: str, files: Sequence[Upload], view: View) -> str:
        """For everybody; the message that says to one person that the bot is thinking is filled before."""
        is_thinking = interaction.response.type is discord.InteractionResponseType.deferred_channel_message
        async with translated():
            if is_thinking and not any(each is interaction for each in self._answers.values()):
                await interaction.edit_original_response(content=text)
            message = await interaction.followup.send(
                text,
                files=[upload.file() for upload in files],
                view=components(view),
                suppress_embeds=True,
                wait=True,
            )
        self._answers.note(str(message.id), interaction)
        return self._remembered(message, view)

    async def _edit(self, message: Message, text: str, files: Sequence[Upload] | None, view: View) -> None:
        """Edits; without files, those that it has stay."""
        attachments: Any = MISSING if files is None else [upload.file() for upload in files]
        changed: dict[str, Any] = {"content": text, "attachments": attachments, "view": components(view)}
        async with translated(self._missing(message.chat)):
            if interaction := self._answers.get(message.message_id):
                await interaction.followup.edit_message(int(message.message_id), **changed)
            else:
                await self._partial(message).edit(**changed)

    async def _wake(self, chat: Chat) -> None:
        """Opens a thread again that nobody has written in for long."""
        async with translated(self._missing(chat)):
            await self._client.http.edit_channel(int(chat.chat_id), archived=False)

    def _partial(self, message: Message) -> discord.PartialMessage:
        channel = self._client.get_partial_messageable(int(message.chat.chat_id))
        return channel.get_partial_message(int(message.message_id))

    def _remembered(self, message: discord.Message, view: View) -> str:
        self._note(str(message.id), view)
        return str(message.id)

    def _note(self, message_id: str, view: View) -> None:
        """Knows which picture a message shows, so that a change of its words alone is a small call.

        It is not kept for that: who shows it once more has it.
        """
        self._shown.pop(message_id, None)
        if view.picture and not view.attachments:
            self._shown[message_id] = view.picture

    def _missing(self, chat: Chat) -> str:
        """The permission that the bot lacks in a channel, as far as that is known here."""
        return lacking_in(self._client.get_channel(int(chat.chat_id)))


async def _is_taken(call: Call) -> bool:
    """Waits until the interaction is acknowledged, or cannot be."""
    call.wants_to_post.set()
    async with translated():
        return await asyncio.shield(call.is_taken)


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
