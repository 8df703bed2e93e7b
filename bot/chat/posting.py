"""What is remembered of the messages that show a turn: how it is read from a post, and written into one."""

from bot.chat.platform import Chat, Incoming, Message
from bot.replies import Words, words
from bot.settings import Settings
from storage.records import JSON, Post, PostKind, Revision, Turn


def begun(turn_id: str, chat: Chat, said: Incoming, language: str, *, is_spoiler: bool) -> Post:
    """What is remembered of a turn's message, before it has been posted."""
    data: dict[str, JSON] = {
        "language": language,
        "reply_to": said.message_id,
        "thread": chat.thread_id,
        "private": chat.is_private,
        "spoiler": is_spoiler,
        "asker": said.speaker.name,
    }
    person = said.speaker.person
    return Post(chat.platform, chat.chat_id, "", PostKind.RESULT, turn_id, person=person, data=data)


def unknown(turn: Turn, settings: Settings) -> Post:
    """For a turn whose message was never posted, or is not known: what can be told from the turn."""
    chat = Chat.of(turn.conversation)
    data: dict[str, JSON] = {
        "language": str(turn.request.get("language", settings.language)),
        "reply_to": "",
        "thread": chat.thread_id,
        "private": False,
        "spoiler": settings.chats.spoilers != "off",  # hidden, rather than shown where it must not be
    }
    return Post(chat.platform, chat.chat_id, "", PostKind.RESULT, turn.id, person=turn.person, data=data)


def picture(message: Message, revision: Revision, index: int) -> Post:
    """For a picture that is sent beside the result."""
    chat = message.chat
    data: dict[str, JSON] = {"index": index}
    kind, turn_id = PostKind.PICTURE, revision.turn_id
    return Post(chat.platform, chat.chat_id, message.message_id, kind, turn_id, revision.id, data=data)


def turn_of(post: Post) -> str:
    """The id of the turn that it shows."""
    assert post.turn_id is not None  # noqa: S101 - a result is a turn's
    return post.turn_id


def chat_of(post: Post) -> Chat:
    """Where the message is."""
    is_private = post.data.get("private") is True
    return Chat(post.platform, post.chat_id, str(post.data.get("thread", "")), is_private)


def message_of(post: Post) -> Message:
    """The message."""
    return Message(chat_of(post), post.message_id)


def words_of(post: Post) -> Words:
    """Of the language that it speaks."""
    return words(str(post.data.get("language", "")))


def asker_of(post: Post) -> str:
    """What people there call who asked; nothing where they are alone with the bot."""
    return "" if post.data.get("private") is True else str(post.data.get("asker", ""))


def is_spoiler(post: Post) -> bool:
    """Whether its pictures are hidden until somebody asks to see them."""
    return post.data.get("spoiler") is True
