"""What the loopback Bot API server refuses as Telegram does."""

import pytest
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    InputMediaPhoto,
    MessageEntity,
)
from telegram.error import BadRequest, NetworkError

from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.chats import PrivateChat
from tests.bot.telegram.clients import picture
from tests.bot.telegram.limits import PHOTO_BYTES, UPLOAD_BYTES

CLOWN = "🤡"


@pytest.fixture
def chat(server: BotApi) -> PrivateChat:
    return server.private(server.person("Ada"))


def keyboard(*texts: str, data: str = "omost") -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(text, callback_data=data)] for text in texts])


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "text is empty"), (" \n", "text is empty"), ("x" * 4097, "too long"), (CLOWN * 2049, "too long")],
)
async def test_texts_that_are_refused(bot: Bot, chat: PrivateChat, text: str, words: str) -> None:
    """A text has one to 4096 UTF-16 units."""
    with pytest.raises(BadRequest, match=words):
        await bot.send_message(chat.id, text)


async def test_the_longest_texts(bot: Bot, chat: PrivateChat) -> None:
    """4096 units and 1024 in a caption are taken, one more is not."""
    sent = await bot.send_message(chat.id, CLOWN * 2048)
    await bot.send_photo(chat.id, picture(), CLOWN * 512)
    with pytest.raises(BadRequest, match="Message caption is too long"):
        await bot.send_photo(chat.id, picture(), CLOWN * 512 + "!")
    with pytest.raises(BadRequest, match="Message_too_long"):
        await bot.edit_message_text(CLOWN * 2049, chat.id, sent.message_id)
    assert [len(message.text) for message in chat.messages] == [2048, 512]


@pytest.mark.parametrize(
    ("offset", "length", "words"),
    [
        (9, 1, "begins after the end"),
        (0, 9, "ends after the end"),
        (1, 2, "begins in a middle"),
        (0, 1, "ends in a middle"),
    ],
)
async def test_entities_that_are_refused(
    bot: Bot, chat: PrivateChat, offset: int, length: int, words: str
) -> None:
    """Entities lie in the text, counted in UTF-16 units, and split no character."""
    with pytest.raises(BadRequest, match=words):
        await bot.send_message(chat.id, f"{CLOWN} yes", entities=[MessageEntity("bold", offset, length)])


async def test_entities_are_kept(bot: Bot, chat: PrivateChat) -> None:
    """An entity behind an emoji stands where the message says."""
    sent = await bot.send_message(chat.id, f"{CLOWN} yes", entities=[MessageEntity("bold", 3, 3)])
    assert sent.parse_entities() == {sent.entities[0]: "yes"}
    assert chat.messages[0].content.entities[0]["offset"] == 3


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        (keyboard(""), "text must be non-empty"),
        (keyboard("Again", data="é" * 32 + "!"), "Button_data_invalid"),
        (keyboard(*"x" * 101), "reply markup is too long"),
        (InlineKeyboardMarkup([[InlineKeyboardButton("Again")]]), "unallowed in the inline keyboard"),
    ],
)
async def test_keyboards_that_are_refused(
    bot: Bot, chat: PrivateChat, markup: InlineKeyboardMarkup, words: str
) -> None:
    """Buttons have a text and up to 64 bytes, and there are no more than a hundred of them."""
    with pytest.raises(BadRequest, match=f"(?i){words}"):
        await bot.send_message(chat.id, "Press", reply_markup=markup)


async def test_the_largest_keyboard(bot: Bot, chat: PrivateChat) -> None:
    """A hundred buttons, and 64 bytes of data, are taken."""
    await bot.send_message(chat.id, "Press", reply_markup=keyboard(*"x" * 100))
    await bot.send_message(chat.id, "Press", reply_markup=keyboard("x", data="é" * 32))
    assert len(chat.messages[0].buttons) == 100


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (picture(9990, 11), "Photo_invalid_dimensions"),
        (picture(210, 10), "Photo_invalid_dimensions"),
        (b"no picture", "Image_process_failed"),
        (picture() + bytes(PHOTO_BYTES), "is too big for a photo; the maximum size is 10485760 bytes"),
    ],
    ids=["sides", "ratio", "none", "size"],
)
async def test_photos_that_are_refused(bot: Bot, chat: PrivateChat, data: bytes, words: str) -> None:
    """A photo is a picture of at most 10 MB, 10000 pixels in both sides together and 20 to 1."""
    with pytest.raises(BadRequest, match=words):
        await bot.send_photo(chat.id, data)
    assert (await bot.send_document(chat.id, data, filename="picture.png")).document.file_size == len(data)


async def test_a_document_that_is_refused(bot: Bot, chat: PrivateChat) -> None:
    """More than 50 MB are too large; what the bot fetches back is at most 20 MB."""
    with pytest.raises(NetworkError, match="Request Entity Too Large"):
        await bot.send_document(chat.id, bytes(UPLOAD_BYTES + 1), filename="big.bin")
    sent = await bot.send_document(chat.id, bytes(UPLOAD_BYTES), filename="big.bin")
    with pytest.raises(BadRequest, match="File is too big"):
        await sent.document.get_file()


async def test_albums(bot: Bot, chat: PrivateChat) -> None:
    """An album has two to ten of a kind, with captions of their own and no buttons."""
    photo = InputMediaPhoto(picture(), caption="one")
    for wrong in ([photo], [photo] * 11, [photo, InputMediaDocument(picture(), filename="a.png")]):
        with pytest.raises(BadRequest):
            await bot.send_media_group(chat.id, wrong)
    await bot.send_media_group(chat.id, [photo, InputMediaPhoto(picture(), has_spoiler=True)])
    assert [message.text for message in chat.messages] == ["one", ""]
    assert [message.content.has_spoiler for message in chat.messages] == [False, True]
    assert chat.messages[0].photo == picture()


async def test_a_text_becomes_a_picture(bot: Bot, chat: PrivateChat) -> None:
    """Media can be added to a text, and an edit without a keyboard takes it away."""
    sent = await bot.send_message(chat.id, "Painting ...", reply_markup=keyboard("Cancel"))
    await bot.edit_message_media(InputMediaPhoto(picture(), caption="Done"), chat.id, sent.message_id)
    message = chat.messages[0]
    assert (message.text, message.photo, message.buttons) == ("Done", picture(), [])
    await bot.edit_message_caption(chat.id, sent.message_id, caption="Done!", reply_markup=keyboard("Again"))
    assert [look.content.text for look in message.history] == ["Painting ...", "Done", "Done!"]
    with pytest.raises(BadRequest, match="no text in the message to edit"):
        await bot.edit_message_text("Text?", chat.id, sent.message_id)
    shown = await bot.edit_message_reply_markup(chat.id, sent.message_id, reply_markup=keyboard("Once more"))
    again = await bot.send_photo(chat.id, shown.photo[-1].file_id)
    copied = await bot.copy_message(chat.id, chat.id, again.message_id)
    assert chat.all_messages[copied.message_id].photo == picture()


async def test_edits_that_are_refused(server: BotApi, bot: Bot, chat: PrivateChat) -> None:
    """Nothing changes by an edit to the same, of what is gone or of another's message."""
    sent = await bot.send_message(chat.id, "Painting ...", reply_markup=keyboard("Cancel"))
    said = await chat.say(chat.person, "/omost")
    with pytest.raises(BadRequest, match="Message is not modified"):
        await bot.edit_message_text("Painting ...", chat.id, sent.message_id, reply_markup=keyboard("Cancel"))
    with pytest.raises(BadRequest, match="no caption in the message to edit"):
        await bot.edit_message_caption(chat.id, sent.message_id, caption="?")
    with pytest.raises(BadRequest, match="Message can't be edited"):
        await bot.edit_message_text("Mine", chat.id, said.id)
    assert await bot.delete_message(chat.id, sent.message_id)
    with pytest.raises(BadRequest, match="Message to edit not found"):
        await bot.edit_message_text("Gone", chat.id, sent.message_id)
    server.clock.advance(49 * 3600)
    with pytest.raises(BadRequest, match="Message can't be deleted for everyone"):
        await bot.delete_message(chat.id, said.id)
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(1, "Nobody")
