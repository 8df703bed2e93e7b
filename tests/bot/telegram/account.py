"""The methods of the Bot API that concern the bot itself, chats and their members, files and updates."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.bot.telegram.calls import Call
from tests.bot.telegram.chats import Chat, PrivateChat
from tests.bot.telegram.groups import GroupChat
from tests.bot.telegram.members import status_json
from tests.bot.telegram.messages import Person
from tests.bot.telegram.methods import Method
from tests.bot.telegram.refusals import bad_request
from tests.bot.telegram.updates import Webhook
from tests.bot.telegram.world import World

COMMANDS = 100
PROFILE_LENGTHS = {"name": 64, "description": 512, "short_description": 120}
WEBHOOK_URL = re.compile(r"https?://[^/\s]+")
SECRET_TOKEN = re.compile(r"[A-Za-z0-9_-]{0,256}")

ACCOUNT_METHODS: dict[str, Method] = {}


def _method(name: str) -> Callable[[Method], Method]:
    def register(function: Method) -> Method:
        ACCOUNT_METHODS[name] = function
        return function

    return register


# -- the bot itself


@_method("getMe")
def get_me(world: World, _: Call) -> Any:
    return world.bot.to_json() | {
        "can_join_groups": True,
        "can_read_all_group_messages": not world.wiring.has_privacy_mode,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


@_method("setMyCommands")
def set_my_commands(world: World, call: Call) -> Any:
    commands: Sequence[Mapping[str, str]] = call.value("commands", [])
    if len(commands) > COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"/?[a-z0-9_]{1,32}", command["command"]):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    world.commands[_scope(world, call), _language(call)] = [dict(command) for command in commands]
    return True


@_method("getMyCommands")
def get_my_commands(world: World, call: Call) -> Any:
    return world.commands.get((_scope(world, call), _language(call)), [])


@_method("deleteMyCommands")
def delete_my_commands(world: World, call: Call) -> Any:
    world.commands.pop((_scope(world, call), _language(call)), None)
    return True


def _scope(world: World, call: Call) -> tuple[str, ...]:
    scope: Mapping[str, Any] = call.value("scope", {}) or {"type": "default"}
    if "chat_id" in scope:
        world.chat(str(scope["chat_id"]))
    return tuple(str(scope[part]) for part in ("type", "chat_id", "user_id") if part in scope)


def _language(call: Call) -> str:
    language = call.text("language_code")
    if language and not re.fullmatch("[a-z]{2}", language):
        raise bad_request("invalid language code specified")
    return language


def _set_profile(field: str) -> Method:
    def set_it(world: World, call: Call) -> Any:
        if len(call.text(field)) > PROFILE_LENGTHS[field]:
            raise bad_request(f"BOT_{field.upper()}_TOO_LONG")
        world.profile[field, _language(call)] = call.text(field)
        return True

    return set_it


def _get_profile(field: str) -> Method:
    def get_it(world: World, call: Call) -> Any:
        default = world.profile.get((field, ""), "")
        return {field: world.profile.get((field, _language(call)), default)}

    return get_it


for _field, _name in (
    ("name", "Name"),
    ("description", "Description"),
    ("short_description", "ShortDescription"),
):
    ACCOUNT_METHODS[f"setMy{_name}"] = _set_profile(_field)
    ACCOUNT_METHODS[f"getMy{_name}"] = _get_profile(_field)


# -- chats and files


@_method("getChat")
def get_chat(world: World, call: Call) -> Any:
    gifts = (
        "unlimited_gifts",
        "limited_gifts",
        "unique_gifts",
        "premium_subscription",
        "gifts_from_channels",
    )
    return world.chat(call.text("chat_id")).to_json() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(gifts, False),
    }


@_method("getChatMember")
def get_chat_member(world: World, call: Call) -> Any:
    chat = world.chat(call.text("chat_id"))
    chat.check_access()
    person = world.people.get(call.integer("user_id") or 0)
    if person is None:
        raise bad_request("PARTICIPANT_ID_INVALID")
    return _member(world, chat, person)


@_method("getChatAdministrators")
def get_chat_administrators(world: World, call: Call) -> Any:
    chat = world.chat(call.text("chat_id"))
    chat.check_access()
    if isinstance(chat, PrivateChat):
        raise bad_request("there are no administrators in the private chat")
    people = list(chat.administrators) if isinstance(chat, GroupChat) else []
    return [_member(world, chat, person) for person in people]


def _member(world: World, chat: Chat, person: Person) -> dict[str, Any]:
    status = "member" if person in chat.people else "left"
    if person is world.bot:
        status = chat.bot_status
    is_anonymous = False
    if isinstance(chat, GroupChat):
        status = chat.administrators.get(person, status)
        is_anonymous = person in chat.anonymous
    return {"user": person.to_json()} | status_json(status, is_anonymous=is_anonymous)


@_method("getFile")
def get_file(world: World, call: Call) -> Any:
    return world.files.described(call.text("file_id"))


# -- updates


@_method("getUpdates")
async def get_updates(world: World, call: Call) -> Any:
    if "allowed_updates" in call.arguments:
        world.updates.allowed = call.value("allowed_updates")
    limit = min(max(call.integer("limit") or 100, 1), 100)
    return await world.updates.poll(call.integer("offset") or 0, limit, call.integer("timeout") or 0)


@_method("setWebhook")
def set_webhook(world: World, call: Call) -> Any:
    url, secret_token = call.text("url"), call.text("secret_token")
    if url and not WEBHOOK_URL.match(url):
        raise bad_request("bad webhook: invalid webhook URL specified")
    if not SECRET_TOKEN.fullmatch(secret_token):
        raise bad_request("secret token contains unallowed characters")
    if "allowed_updates" in call.arguments:
        world.updates.allowed = call.value("allowed_updates")
    if call.flag("drop_pending_updates"):
        world.updates.drop()
    world.updates.set_webhook(Webhook(url, secret_token) if url else None)
    return True


@_method("deleteWebhook")
def delete_webhook(world: World, call: Call) -> Any:
    if call.flag("drop_pending_updates"):
        world.updates.drop()
    world.updates.set_webhook(None)
    return True


@_method("getWebhookInfo")
def get_webhook_info(world: World, _: Call) -> Any:
    webhook = world.updates.webhook or Webhook("")
    info = {
        "url": webhook.url,
        "has_custom_certificate": False,
        "pending_update_count": world.updates.pending,
    }
    if webhook.error_at_s:
        info |= {"last_error_date": int(webhook.error_at_s), "last_error_message": webhook.error}
    return info
