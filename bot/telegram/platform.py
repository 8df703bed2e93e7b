"""Sends, edits and removes messages on Telegram."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from weakref import ref

from telegram import (
    Bot,
    ForceReply,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    MessageEntity,
    ReplyParameters,
    User,
)
from telegram.error import BadRequest

from bot.chat.platform import Budget, Chat, Message, MessageGone, PlatformError, TooLarge
from bot.chat.recent import Recent
from bot.chat.text_units import units
from bot.chat.views import Attachment, Picture, Span, Style, View
from bot.telegram.refusals import NO_TEXT, NOT_MODIFIED, refusals_named, says
from bot.telegram.showing import (
    MAX_CAPTION_UNITS,
    MAX_FILE_BYTES,
    MAX_TEXT_UNITS,
    Upload,
    Written,
    keyboard,
    upload,
    written,
)

NAME: Final = "telegram"
"""In the keys of conversations and people."""
PRIVATE_INTERVAL_S: Final = 1.0
GROUP_INTERVAL_S: Final = 3.0

# Telegram documents one message a second in a chat, 20 a minute in a group and 30 a second in all. Calls do
# not arrive as evenly as they are sent, so a little less is used.
_GAP_S: Final = 1.1
_PRIVATE: Final = Budget(1, _GAP_S)
_GROUP: Final = Budget(20, 63.0, _GAP_S)
_TOTAL: Final = Budget(25, 1.0)

_ALBUM: Final = 10
_REMEMBERED: Final = 512
_HINT_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class _Look:
    """How a message looks: its picture, as long as somebody else has it too, or None for a text."""

    picture: ref[Picture] | None

    def shows(self, picture: Picture) -> bool:
        """Whether it has that very picture already."""
        return self.picture is not None and self.picture() is picture


class TelegramPlatform:
    """Telegram as a `bot.chat.platform.Platform`.

    Albums, and files beside a view, count as several messages; who sends them has asked for as many turns.
    """

    name = NAME
    total_budget = _TOTAL
    max_caption_units = MAX_CAPTION_UNITS
    shows_batches_apart = True

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._looks: Recent[tuple[str, str], _Look] = Recent(_REMEMBERED)

    def chat_budget(self, chat: Chat) -> Budget:
        """As Telegram documents it."""
        return _GROUP if is_group(chat) else _PRIVATE

    def edit_interval_s(self, chat: Chat) -> float:
        """As Telegram documents it."""
        return GROUP_INTERVAL_S if is_group(chat) else PRIVATE_INTERVAL_S

    async def post(self, chat: Chat, view: View, *, key: str, reply_to: str = "") -> str:
        """Sends a message, and the view's files behind it; returns the message's id."""
        place = _place(chat, reply_to) | {"disable_notification": view.is_quiet}
        place["reply_markup"] = keyboard(view)
        if view.picture:
            message_id = await self._post_picture(view, view.picture, place)
        else:
            message_id = await self._post_text(_text(view), place)
        self._remember(chat.chat_id, message_id, view.picture)
        if view.attachments:
            await self.post_files(chat, view.attachments, key=key, reply_to=message_id)
        return message_id

    async def ask(self, chat: Chat, view: View, *, of_id: str, name: str, hint: str) -> str:
        """Sends a text that one person is asked to reply to; returns the message's id.

        Args:
            chat: Where.
            view: What is asked.
            of_id: The person, who is named where others are there too.
            name: What the person is called.
            hint: Stands where the reply is typed.
        """
        shown = _to_one(_text(view), of_id, name) if is_group(chat) and int(of_id) > 0 else _text(view)
        place = _place(chat, "")
        place["reply_markup"] = ForceReply(selective=True, input_field_placeholder=hint[:_HINT_CHARS])
        return await self._post_text(shown, place)

    async def edit(self, message: Message, view: View) -> None:
        """Makes a message look like this, text or picture; only what can be shown of a view in an edit."""
        look = self._looks.get((message.chat.chat_id, message.message_id))
        if view.picture is None:
            await self._edit_text(message, view, look)
        elif look and look.shows(view.picture):
            await self._edit_caption(message, view)
        else:
            await self._edit_picture(message, view, view.picture)

    async def remove(self, message: Message) -> None:
        """Removes a message of the bot's; that it is gone already is no error."""
        self._looks.pop((message.chat.chat_id, message.message_id), None)
        with refusals_named():
            try:
                chat_id, message_id = _which(message)
                await self._bot.delete_message(chat_id, message_id)
            except BadRequest as error:
                if not says(error, "message to delete not found"):
                    raise

    async def post_pictures(
        self, chat: Chat, pictures: Sequence[Picture], *, key: str, reply_to: str = ""
    ) -> tuple[str, ...]:
        """Sends several pictures side by side."""
        del key
        uploads = [await _uploaded(picture) for picture in pictures]
        media = [_media(each, picture) for each, picture in zip(uploads, pictures, strict=True)]
        if len({each.is_photo for each in uploads}) > 1:  # Telegram mixes photos and files in no album
            media = [_document(each, picture) for each, picture in zip(uploads, pictures, strict=True)]
        ids: list[str] = []
        for start in range(0, len(media), _ALBUM):
            ids += await self._post_album(media[start : start + _ALBUM], _place(chat, reply_to))
        return tuple(ids)

    async def post_files(
        self, chat: Chat, files: Sequence[Attachment], *, key: str, reply_to: str = ""
    ) -> tuple[str, ...]:
        """Sends files as they are, one message each."""
        del key
        ids: list[str] = []
        for file in files:
            sent = InputFile(await _content(file), filename=file.name)
            with refusals_named():
                message = await self._bot.send_document(
                    document=sent, disable_content_type_detection=True, **_place(chat, reply_to)
                )
            ids.append(str(message.message_id))
        return tuple(ids)

    # --- sending --------------------------------------------------------------------------------------

    async def _post_text(self, shown: Written, place: dict[str, Any]) -> str:
        with refusals_named():
            sent = await self._bot.send_message(text=shown.text, entities=shown.entities, **place)
        return str(sent.message_id)

    async def _post_picture(self, view: View, picture: Picture, place: dict[str, Any]) -> str:
        file = await _uploaded(picture)
        place |= _caption(view, file)
        with refusals_named():
            if file.is_photo:
                spoiler = picture.is_spoiler
                sent = await self._bot.send_photo(photo=_file(file), has_spoiler=spoiler, **place)
            else:
                sent = await self._bot.send_document(
                    document=_file(file), disable_content_type_detection=picture.is_spoiler, **place
                )
        return str(sent.message_id)

    async def _post_album(
        self, media: Sequence[InputMediaPhoto | InputMediaDocument], place: dict[str, Any]
    ) -> list[str]:
        with refusals_named():
            if len(media) > 1:
                sent = await self._bot.send_media_group(media=media, **place)
                return [str(message.message_id) for message in sent]
            (only,) = media
            if isinstance(only, InputMediaPhoto):
                spoiler = only.has_spoiler
                message = await self._bot.send_photo(photo=only.media, has_spoiler=spoiler, **place)
            else:
                is_hidden = only.disable_content_type_detection
                message = await self._bot.send_document(
                    document=only.media, disable_content_type_detection=is_hidden, **place
                )
            return [str(message.message_id)]

    # --- editing --------------------------------------------------------------------------------------

    async def _edit_text(self, message: Message, view: View, look: _Look | None) -> None:
        """A message that has a picture keeps it: Telegram makes no text of it."""
        if look and look.picture is not None:
            await self._edit_caption(message, view)
            return
        shown = _text(view)
        try:
            await self._change(
                self._bot.edit_message_text, message, view, text=shown.text, entities=shown.entities
            )
        except _HasPicture:
            await self._edit_caption(message, view)
        else:
            self._remember(message.chat.chat_id, message.message_id, None)

    async def _edit_caption(self, message: Message, view: View) -> None:
        await self._change(self._bot.edit_message_caption, message, view, **_caption(view))

    async def _edit_picture(self, message: Message, view: View, picture: Picture) -> None:
        file = await _uploaded(picture)
        media = _media(file, picture, **_caption(view, file))
        await self._change(self._bot.edit_message_media, message, view, media=media)
        self._remember(message.chat.chat_id, message.message_id, picture)

    async def _change(self, call: Any, message: Message, view: View, **content: Any) -> None:
        chat_id, message_id = _which(message)
        with refusals_named():
            try:
                await call(chat_id=chat_id, message_id=message_id, reply_markup=keyboard(view), **content)
            except BadRequest as error:
                if says(error, NO_TEXT):
                    raise _HasPicture from error
                if not says(error, NOT_MODIFIED):
                    raise

    def _remember(self, chat_id: str, message_id: str, picture: Picture | None) -> None:
        self._looks.note((chat_id, message_id), _Look(ref(picture) if picture else None))


class _HasPicture(Exception):
    """A message was taken for a text and has a picture."""


def is_group(chat: Chat) -> bool:
    """Whether it is a group or channel: their ids are negative."""
    return chat.chat_id.startswith("-")


# --- parts --------------------------------------------------------------------------------------------


def _place(chat: Chat, reply_to: str) -> dict[str, Any]:
    place: dict[str, Any] = {"chat_id": int(chat.chat_id)}
    if chat.thread_id:
        place["message_thread_id"] = int(chat.thread_id)
    if reply_to:
        place["reply_parameters"] = ReplyParameters(int(reply_to), allow_sending_without_reply=True)
    return place


def _which(message: Message) -> tuple[int, int]:
    try:
        return int(message.chat.chat_id), int(message.message_id)
    except ValueError:
        raise MessageGone(message.message_id) from None


def _text(view: View) -> Written:
    return written(view.text, MAX_TEXT_UNITS)


def _caption(view: View, file: Upload | None = None) -> dict[str, Any]:
    """The view's text; it says so where its picture had to be made smaller."""
    text = view.text
    if file and file.is_changed and view.picture and view.picture.if_smaller:
        text = (*text, Span(f"\n\n{view.picture.if_smaller}", Style.ITALIC))
    if not text:
        return {"caption": "", "caption_entities": ()}
    shown = written(text, MAX_CAPTION_UNITS)
    return {"caption": shown.text, "caption_entities": shown.entities}


def _media(file: Upload, picture: Picture, **caption: Any) -> InputMediaPhoto | InputMediaDocument:
    if file.is_photo:
        return InputMediaPhoto(_file(file), has_spoiler=picture.is_spoiler, **caption)
    return _document(file, picture, **caption)


def _document(file: Upload, picture: Picture, **caption: Any) -> InputMediaDocument:
    """A file that shall be hidden is one that Telegram does not look into: it shows no small picture then."""
    return InputMediaDocument(_file(file), disable_content_type_detection=picture.is_spoiler, **caption)


def _file(file: Upload) -> InputFile:
    return InputFile(file.content, filename=file.name, attach=True)


def _to_one(shown: Written, person_id: str, name: str) -> Written:
    """The text with the person's name before it, which reaches them."""
    name = name or person_id
    user = User(int(person_id), name, is_bot=False)
    before = f"{name}\n"
    named = MessageEntity(MessageEntity.TEXT_MENTION, 0, units(name), user=user)
    entities = MessageEntity.shift_entities(units(before), shown.entities)
    return Written(before + shown.text, (named, *entities))


async def _uploaded(picture: Picture) -> Upload:
    try:
        return await asyncio.to_thread(upload, picture)
    except OSError as error:  # removed meanwhile
        raise PlatformError(f"no file: {error}") from error


async def _content(file: Attachment) -> bytes:
    content = file.content
    if isinstance(content, Path):
        try:
            content = await asyncio.to_thread(content.read_bytes)
        except OSError as error:
            raise PlatformError(f"no file: {error}") from error
    if len(content) > MAX_FILE_BYTES:
        raise TooLarge
    return content
