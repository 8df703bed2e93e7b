"""The methods of the Bot API that concern messages: what each checks, does and answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.bot.telegram.calls import Call
from tests.bot.telegram.chats import CallbackAnswer, Chat, Draft, PrivateChat
from tests.bot.telegram.files import StoredFile
from tests.bot.telegram.limits import (
    ANSWER_CHARACTERS,
    Entities,
    check_album,
    checked_caption,
    checked_entities,
    checked_keyboard,
    checked_text,
)
from tests.bot.telegram.messages import Content, Message
from tests.bot.telegram.refusals import NOT_MODIFIED, QUERY_TOO_OLD, bad_request
from tests.bot.telegram.world import World

QUERY_LIFE_S = 15
DELETABLE_S = 48 * 3600
KINDS = {"text": "text messages", "photo": "photos", "document": "documents"}
ACTIONS = frozenset({"typing", "upload_photo", "upload_document", "choose_sticker", "find_location"})

Method = Callable[[World, Call], Any]
MESSAGE_METHODS: dict[str, Method] = {}


def _method(name: str) -> Callable[[Method], Method]:
    def register(function: Method) -> Method:
        MESSAGE_METHODS[name] = function
        return function

    return register


# -- sending


@_method("sendMessage")
def send_message(world: World, call: Call) -> Any:
    chat = _chat(world, call)
    text = checked_text(call.text("text"))
    return _sent(chat, call, Content(text, _entities(call, "entities", text), **_markup(call))).to_json()


@_method("sendPhoto")
@_method("sendDocument")
def send_file(world: World, call: Call) -> Any:
    chat = _chat(world, call)
    kind = call.method.removeprefix("send").lower()
    file = _file(world, call, kind, kind, call.text(kind))
    return _sent(chat, call, _media(call, call.arguments, kind, file, **_markup(call))).to_json()


@_method("sendMediaGroup")
def send_media_group(world: World, call: Call) -> Any:
    chat = _chat(world, call)
    items: Sequence[Mapping[str, Any]] = call.value("media", [])
    check_album(len(items))
    kinds = {item["type"] for item in items}
    if len(kinds) > 1:
        raise bad_request("document can't be mixed with other media types")
    contents = [_input_media(world, call, item) for item in items]
    album = str(next(world.wiring.ids))
    return [_sent(chat, call, content, media_group_id=album).to_json() for content in contents]


@_method("copyMessage")
def copy_message(world: World, call: Call) -> Any:
    chat, source = _chat(world, call), world.chat(call.text("from_chat_id"))
    message = _message(source, call, "message to copy")
    return {"message_id": _sent(chat, call, replace(message.content, **_markup(call))).id}


@_method("sendChatAction")
def send_chat_action(world: World, call: Call) -> Any:
    chat = _chat(world, call)
    if call.text("action") not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    chat.check_thread(call.integer("message_thread_id"))
    chat.actions.append((call.text("action"), world.clock.now_s()))
    world.changes.notify()
    return True


@_method("sendMessageDraft")
def send_message_draft(world: World, call: Call) -> Any:
    chat, text = _chat(world, call), call.text("text")
    if not isinstance(chat, PrivateChat):
        raise bad_request("TEXTDRAFT_PEER_INVALID")
    draft_id = call.integer("draft_id")
    if not draft_id:
        raise bad_request("draft_id must be non-zero")
    if text:
        _entities(call, "entities", checked_text(text))
    chat.drafts.append(Draft(draft_id, text, world.clock.now_s()))
    world.changes.notify()
    return True


# -- changing


@_method("editMessageText")
def edit_message_text(world: World, call: Call) -> Any:
    message = _editable(world, call)
    text = checked_text(call.text("text"), is_edit=True)
    if message.content.has_media:
        raise bad_request("there is no text in the message to edit")
    return _edited(world, call, message, Content(text, _entities(call, "entities", text), **_markup(call)))


@_method("editMessageCaption")
def edit_message_caption(world: World, call: Call) -> Any:
    message = _editable(world, call)
    if not message.content.has_media:
        raise bad_request("there is no caption in the message to edit")
    caption = checked_caption(call.text("caption"), is_edit=True)
    entities = _entities(call, "caption_entities", caption)
    content = replace(message.content, text=caption, entities=entities, **_markup(call))
    return _edited(world, call, message, content)


@_method("editMessageMedia")
def edit_message_media(world: World, call: Call) -> Any:
    message = _editable(world, call)
    content = _input_media(world, call, call.value("media", {}), **_markup(call))
    if message.media_group_id and (content.photo is None) != (message.content.photo is None):
        raise bad_request("MEDIA_GROUPED_INVALID")
    return _edited(world, call, message, content)


@_method("editMessageReplyMarkup")
def edit_message_reply_markup(world: World, call: Call) -> Any:
    message = _editable(world, call)
    return _edited(world, call, message, replace(message.content, **_markup(call)))


@_method("deleteMessage")
def delete_message(world: World, call: Call) -> Any:
    chat = _chat(world, call)
    message = _message(chat, call, "message to delete")
    is_admin = chat.bot_status == "administrator"
    is_old = world.clock.now_s() - message.sent_at_s > DELETABLE_S
    if not is_admin and (is_old or not (message.is_of_bot or isinstance(chat, PrivateChat))):
        raise bad_request("message can't be deleted for everyone" if is_old else "message can't be deleted")
    message.is_deleted = True
    world.changes.notify()
    return True


@_method("answerCallbackQuery")
def answer_callback_query(world: World, call: Call) -> Any:
    press = world.wiring.presses.get(call.text("callback_query_id"))
    is_open = press is not None and press.answer is None
    life_s = QUERY_LIFE_S * max(1, world.clock.speed)
    if press is None or not is_open or world.clock.now_s() - press.at_s > life_s:
        raise bad_request(QUERY_TOO_OLD)
    if len(call.text("text")) > ANSWER_CHARACTERS:
        raise bad_request("MESSAGE_TOO_LONG")
    press.answer = CallbackAnswer(call.text("text"), call.flag("show_alert"), call.text("url"))
    world.changes.notify()
    return True


# -- what they have in common


def _chat(world: World, call: Call) -> Chat:
    """The chat, if the bot may act there."""
    chat = world.chat(call.text("chat_id"))
    chat.check_access()
    return chat


def _message(chat: Chat, call: Call, called: str) -> Message:
    message = chat.all_messages.get(call.integer("message_id") or 0)
    if message is None or message.is_deleted:
        raise bad_request(f"{called} not found")
    return message


def _editable(world: World, call: Call) -> Message:
    message = _message(_chat(world, call), call, "message to edit")
    if not message.is_of_bot or message.content.other_markup:
        raise bad_request("message can't be edited")
    return message


def _edited(world: World, call: Call, message: Message, content: Content) -> Any:
    if content == message.content:
        raise bad_request(NOT_MODIFIED)
    _chat(world, call).look_anew(message, content)
    return message.to_json()


def _sent(chat: Chat, call: Call, content: Content, **details: Any) -> Message:
    kind = "photo" if content.photo else "document" if content.document else "text"
    if kind not in chat.bot_may:
        raise bad_request(f"not enough rights to send {KINDS[kind]} to the chat")
    reply_to = _reply_target(chat, call)
    thread_id = call.integer("message_thread_id")
    if not thread_id and reply_to is not None and reply_to.is_topic_message:
        thread_id = reply_to.thread_id
    thread_id = chat.check_thread(thread_id)
    return chat.add_of_bot(content, reply_to=reply_to, thread_id=thread_id, **details)


def _reply_target(chat: Chat, call: Call) -> Message | None:
    parameters: Mapping[str, Any] = call.value("reply_parameters", {})
    message_id = parameters.get("message_id")
    if not message_id:
        return None
    message = chat.all_messages.get(message_id)
    if message is not None and not message.is_deleted:
        return message
    if parameters.get("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


def _entities(call: Call, name: str, text: str) -> Entities:
    if call.text("parse_mode"):
        raise bad_request("this server takes entities, not markup")
    return checked_entities(call.value(name, []), text)


def _markup(call: Call) -> dict[str, Any]:
    """The fields of a content that hold the reply markup; a call without one takes a keyboard away."""
    markup: Mapping[str, Any] = call.value("reply_markup", {})
    if "inline_keyboard" in markup:
        return {"keyboard": checked_keyboard(markup["inline_keyboard"])}
    return {"keyboard": (), "other_markup": markup}


def _media(call: Call, described: Mapping[str, Any], kind: str, file: StoredFile, **markup: Any) -> Content:
    """What is seen of a picture or file that is described in the arguments or in an InputMedia."""
    part = Call(call.method, call.at_s, dict(described), {})
    caption = checked_caption(part.text("caption"), is_edit=call.method.startswith("edit"))
    entities = _entities(part, "caption_entities", caption)
    spoiler = kind == "photo" and part.flag("has_spoiler")
    return Content(caption, entities, has_spoiler=spoiler, **{kind: file}, **markup)


def _input_media(world: World, call: Call, item: Mapping[str, Any], **markup: Any) -> Content:
    kind = item.get("type", "")
    if kind not in ("photo", "document"):
        raise bad_request(f'can\'t parse InputMedia: type "{kind}" is unsupported')
    file = _file(world, call, kind, "media", item.get("media", ""))
    return _media(call, item, kind, file, **markup)


def _file(world: World, call: Call, kind: str, name: str, reference: str) -> StoredFile:
    upload = call.upload(name, reference)
    if upload is not None:
        store = world.files.photo if kind == "photo" else world.files.document
        return store(upload.data, upload.name)
    if not reference or reference.startswith("attach://"):
        raise bad_request(f"there is no {kind} in the request")
    file = world.files.known(reference)
    if file.is_photo != (kind == "photo"):
        have, want = ("Photo", "Document") if file.is_photo else ("Document", "Photo")
        raise bad_request(f"can't use file of type {have} as {want}")
    return file
