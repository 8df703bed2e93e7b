"""People on Discord: what they say, type, press, choose and fill in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.bot.discord.world import (
    ALL_PERMISSIONS,
    APPLICATION_ID,
    BOT_ID,
    DM,
    GROUP,
    MESSAGE_CONTENT,
    Asked,
    Channel,
    World,
    channel_payload,
    now_s,
    token_of,
    user,
)

SLASH, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
BUTTON, SELECT = 2, 3
MANAGE_MESSAGES = 1 << 13
MODERATOR = str((1 << 50) - 1)


@dataclass
class Person:
    """Somebody with an account.

    Attributes:
        is_guest: Whether the bot is theirs alone (user install), and no member where they use it.
    """

    world: World
    id: int
    name: str
    locale: str = "en-US"
    roles: tuple[int, ...] = ()
    permissions: str = str((1 << 50) - 1 - MANAGE_MESSAGES)
    is_guest: bool = False

    # --- saying ---------------------------------------------------------------------------------------

    def say(
        self,
        channel: Channel,
        text: str,
        reply_to: dict[str, Any] | None = None,
        *,
        mentions: bool | None = None,
        file: tuple[str, bytes] | None = None,
        size_bytes: int = 0,
        naming: Sequence["Person"] = (),
    ) -> dict[str, Any]:
        """A message; a reply mentions whom it answers unless that is turned off, `naming` others beside.

        Discord says of a file that it has `size_bytes`, where that is named.
        """
        mentions = bool(reply_to) if mentions is None else mentions
        is_read = mentions or channel.kind == DM or self.world.intents & MESSAGE_CONTENT
        attachments = [self.world.add_file(*file)] if file else []
        if size_bytes:
            attachments[0]["size"] = size_bytes
        message: dict[str, Any] = {
            "id": str(self.world.new_id()),
            "channel_id": str(channel.id),
            "author": user(self.id, self.name),
            "content": text if is_read else "",
            "timestamp": "2026-01-01T00:00:00+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [
                *([user(BOT_ID, "omost", is_bot=True)] if mentions else []),
                *(user(each.id, each.name) for each in naming),
            ],
            "mention_roles": [],
            "attachments": attachments if is_read else [],
            "embeds": [],
            "components": [],
            "pinned": False,
            "type": 19 if reply_to else 0,
            "flags": 0,
            "looks": [],
        }
        if reply_to:
            message["message_reference"] = {"message_id": reply_to["id"], "channel_id": str(channel.id)}
            message["referenced_message"] = {**reply_to, "looks": []}
        channel.messages[int(message["id"])] = message
        told = dict(message)
        if channel.guild_id:
            told |= {"guild_id": str(channel.guild_id), "member": self._member()}
        self.world.dispatch("MESSAGE_CREATE", told)
        return message

    # --- commands -------------------------------------------------------------------------------------

    def slash(self, channel: Channel, name: str, /, **options: Any) -> Asked:
        """A slash command; a tuple of name and content is an attachment."""
        command = self._command(name, 1)
        resolved: dict[str, Any] = {}
        given = []
        kinds = {each["name"]: each["type"] for each in command.get("options", [])}
        for key, value in options.items():
            sent = value
            if kinds[key] == 11:
                file = self.world.add_file(*value)
                resolved.setdefault("attachments", {})[file["id"]] = file
                sent = file["id"]
            given.append({"name": key, "type": kinds[key], "value": sent})
        data = {"id": command["id"], "name": name, "type": 1, "options": given, "resolved": resolved}
        return self._ask(channel, SLASH, data)

    def menu(self, channel: Channel, name: str, message: dict[str, Any]) -> Asked:
        """An entry of a message's menu."""
        command = self._command(name, 3)
        resolved = {"messages": {message["id"]: message}}
        data = {
            "id": command["id"],
            "name": name,
            "type": 3,
            "target_id": message["id"],
            "resolved": resolved,
        }
        return self._ask(channel, SLASH, data)

    def types(self, channel: Channel, name: str, option: str, typed: str) -> Asked:
        """Typing of an option that is completed."""
        command = self._command(name, 1)
        focused = {"name": option, "type": 3, "value": typed, "focused": True}
        data = {"id": command["id"], "name": name, "type": 1, "options": [focused]}
        return self._ask(channel, AUTOCOMPLETE, data)

    # --- pressing -------------------------------------------------------------------------------------

    def press(self, channel: Channel, message: dict[str, Any], label: str) -> Asked:
        """A button whose label begins so."""
        for item in items_of(message):
            if item["type"] == BUTTON and item["label"].startswith(label):
                data = {"custom_id": item["custom_id"], "component_type": BUTTON}
                return self._ask(channel, COMPONENT, data, message)
        raise AssertionError(f"no button {label!r}: {[item.get('label') for item in items_of(message)]}")

    def choose(self, channel: Channel, message: dict[str, Any], label: str) -> Asked:
        """An entry of a select."""
        for item in items_of(message):
            for option in item.get("options", ()):
                if label in option["label"]:
                    data = {
                        "custom_id": item["custom_id"],
                        "component_type": SELECT,
                        "values": [option["value"]],
                    }
                    return self._ask(channel, COMPONENT, data, message)
        raise AssertionError(f"no entry {label!r}: {items_of(message)}")

    def fill(self, asked: Asked, **values: Any) -> Asked:
        """The form that an interaction was answered with, sent; what is not named stays as it is."""
        modal = asked.modal
        components = [_filled(label, values) for label in modal["components"]]
        data = {"custom_id": modal["custom_id"], "components": components}
        if file := values.get("file"):
            sent = self.world.add_file(*file)
            data["components"][0]["component"]["values"] = [sent["id"]]
            data["resolved"] = {"attachments": {sent["id"]: sent}}
        return self._ask(asked.channel, MODAL, data, asked.payload.get("message"))

    # --- inside ---------------------------------------------------------------------------------------

    def _ask(
        self, channel: Channel, kind: int, data: dict[str, Any], message: dict[str, Any] | None = None
    ) -> Asked:
        interaction_id = self.world.new_id()
        owners = {"1": str(self.id)} if self.is_guest else {"0": str(channel.guild_id or 0)}
        payload: dict[str, Any] = {
            "id": str(interaction_id),
            "application_id": str(APPLICATION_ID),
            "type": kind,
            "data": data,
            "channel_id": str(channel.id),
            "channel": channel_payload(channel),
            "token": token_of(interaction_id),
            "version": 1,
            "locale": self.locale,
            "app_permissions": str(int(ALL_PERMISSIONS) & ~channel.denied),
            "entitlements": [],
            "authorizing_integration_owners": owners,
            "context": {DM: 1, GROUP: 2}.get(channel.kind, 0),
            "attachment_size_limit": self.world.file_bytes,
        }
        if channel.guild_id:
            payload |= {
                "guild_id": str(channel.guild_id),
                "guild": {"id": str(channel.guild_id), "locale": "en-US", "features": []},
                "member": {
                    **self._member(),
                    "user": user(self.id, self.name),
                    "permissions": self.permissions,
                },
            }
        else:
            payload["user"] = user(self.id, self.name)
        if message:
            payload["message"] = message
        asked = self.world.asked[payload["token"]] = Asked(payload, payload["token"], channel, now_s())
        self.world.dispatch("INTERACTION_CREATE", payload)
        return asked

    def _member(self) -> dict[str, Any]:
        return {
            "roles": [str(each) for each in self.roles],
            "joined_at": "2026-01-01T00:00:00+00:00",
            "deaf": False,
            "mute": False,
            "flags": 0,
            "nick": None,
            "avatar": None,
        }

    def _command(self, name: str, kind: int) -> dict[str, Any]:
        for command in self.world.commands:
            if command["name"] == name and command.get("type", 1) == kind:
                return command
        raise AssertionError(f"no command {name!r}: {[each['name'] for each in self.world.commands]}")


def items_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The buttons and selects under a message."""
    return [item for row in message["components"] for item in row["components"]]


def labels_of(message: dict[str, Any]) -> list[str]:
    """The signs that stand on the buttons, without the words that follow."""
    return [item["label"].split(" ")[0] for item in items_of(message) if item["type"] == BUTTON]


def _filled(label: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    field = label["component"]
    name = field["custom_id"]
    sent: dict[str, Any] = {"type": field["type"], "custom_id": name, "id": 2}
    if field["type"] == SELECT:
        chosen = [option["value"] for option in field["options"] if option.get("default")]
        sent["values"] = [values[name]] if name in values else chosen
    elif field["type"] == 4:
        sent["value"] = values.get(name, field.get("value") or "")
    return {"type": 18, "id": 1, "component": sent}
