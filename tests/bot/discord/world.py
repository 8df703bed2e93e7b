"""What Discord knows: servers, channels, people, messages, interactions, and what the bot did wrong."""

import asyncio
import base64
import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

BOT_ID, APPLICATION_ID = 1001, 1001
FIRST_ID = 1_200_000_000_000_000_000
ALL_PERMISSIONS = str((1 << 50) - 1 - (1 << 3))
"""All but an administrator's, which no channel can deny."""
FILE_BYTES = 10 * 1024 * 1024
RESPOND_WITHIN_S = 3.0
MESSAGE_CONTENT = 1 << 15
PATIENCE_S = 120

TEXT, DM, GROUP, THREAD, FORUM, CATEGORY = 0, 1, 3, 11, 15, 4
ATTACH_FILES, SEND_IN_THREADS = 1 << 15, 1 << 38


@dataclass
class Fault:
    """How matching calls fail: before their effect, or after it."""

    method: str
    path: str
    status: int = 500
    code: int = 0
    retry_after_s: float = 0.0
    is_global: bool = False
    has_effect: bool = False
    drops: bool = False


@dataclass
class Channel:
    """A channel, thread or direct conversation.

    Attributes:
        denied: What the bot may not do there.
        is_archived: Of a thread: nothing in it can be edited until it is opened again, as posting does.
    """

    id: int
    kind: int
    guild_id: int | None = None
    parent_id: int | None = None
    name: str = "general"
    is_nsfw: bool = False
    is_gone: bool = False
    refusal: int = 0
    denied: int = 0
    is_archived: bool = False
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)
    nonces: dict[str, int] = field(default_factory=dict)
    sent_at_s: deque[float] = field(default_factory=deque)


@dataclass
class Asked:
    """An interaction, and how it was answered.

    Attributes:
        responses: Of the callback: type and data; the first counts, further ones are refused.
    """

    payload: dict[str, Any]
    token: str
    channel: Channel
    at_s: float
    responses: list[dict[str, Any]] = field(default_factory=list)
    followups: list[int] = field(default_factory=list)
    original: int | None = None
    is_expired: bool = False
    delay_s: float | None = None

    @property
    def id(self) -> int:
        return int(self.payload["id"])

    @property
    def modal(self) -> dict[str, Any]:
        """The form that it was answered with."""
        assert self.responses[0]["type"] == 9, self.responses
        return self.responses[0]["data"]


class World:
    """All of Discord that the bot can see.

    Attributes:
        application: What its owner has set up in the developer portal, beside the defaults.
        commands: As the bot told them the last time.
        hidden: Messages that only one person sees, by id.
        wrongs: What the bot did that Discord does not allow.
        bucket_s: In so many seconds a channel takes five messages and edits.
        host: Behind which the bot finds Discord, where that is not its own address: a proxy leads there.
        holds_callbacks: What acknowledgements of interactions wait for.
        respond_within_s: An interaction that is acknowledged later is unknown. Discord itself waits for
            RESPOND_WITHIN_S; a machine that stands still for a while is not the bot's fault.
        shards: Into how many Discord wants the connection to be split.
    """

    def __init__(self) -> None:
        self._ids = itertools.count(FIRST_ID, 1 << 22)
        self.url = ""
        self.channels: dict[int, Channel] = {}
        self.guilds: dict[int, dict[str, Any]] = {}
        self.asked: dict[str, Asked] = {}
        self.hidden: dict[int, dict[str, Any]] = {}
        self.files: dict[int, tuple[str, bytes]] = {}
        self.commands: list[dict[str, Any]] = []
        self.syncs = 0
        self.calls: list[tuple[str, str]] = []
        self.faults: list[Fault] = []
        self.wrongs: list[str] = []
        self.bucket_s = 5.0
        self.host = ""
        self.holds_callbacks: asyncio.Event | None = None
        self.respond_within_s = float(PATIENCE_S)
        self.shards = 1
        self.roles: list[int] = []
        self.presences: list[dict[str, Any]] = []
        self.application: dict[str, Any] = {}
        self.tokens = {"a-token"}
        self.file_bytes = FILE_BYTES
        self.dispatch: Callable[[str, dict[str, Any]], None] = lambda _name, _data: None
        self.intents = 0
        self._changed = asyncio.Event()

    def new_id(self) -> int:
        return next(self._ids)

    @property
    def gateway_url(self) -> str:
        return (self.host or self.url).replace("http://", "ws://") + "/gateway/socket"

    # --- places and people ----------------------------------------------------------------------------

    def guild(self, name: str = "a server") -> int:
        guild_id = self.new_id()
        self.guilds[guild_id] = {"id": str(guild_id), "name": name}
        return guild_id

    def channel(self, guild_id: int | None, kind: int = TEXT, **named: Any) -> Channel:
        channel = Channel(self.new_id(), kind, guild_id, **named)
        self.channels[channel.id] = channel
        return channel

    def thread_under(self, channel: Channel, message: dict[str, Any]) -> Channel:
        """A thread that was opened under a message, whose id it has."""
        thread = Channel(int(message["id"]), THREAD, channel.guild_id, channel.id)
        self.channels[thread.id] = thread
        return thread

    def told_of(self, channel: Channel) -> dict[str, Any]:
        """A channel as the gateway tells of it."""
        return channel_payload(channel)

    def guild_payload(self, guild_id: int) -> dict[str, Any]:
        mine = [each for each in self.channels.values() if each.guild_id == guild_id]
        return {
            **self.guilds[guild_id],
            "owner_id": "7",
            "roles": [role(guild_id), *(role(guild_id, each) for each in self.roles)],
            "channels": [channel_payload(each) for each in mine if each.kind != THREAD],
            "threads": [channel_payload(each) for each in mine if each.kind == THREAD],
            "members": [{"user": user(BOT_ID, "omost", is_bot=True), "roles": [], "flags": 0}],
            "emojis": [],
            "stickers": [],
            "features": [],
            "premium_tier": 0,
            "member_count": 3,
            "joined_at": "2026-01-01T00:00:00+00:00",
            "large": False,
            "unavailable": False,
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "preferred_locale": "en-US",
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "system_channel_flags": 0,
            "premium_progress_bar_enabled": False,
        }

    # --- messages -------------------------------------------------------------------------------------

    def add_message(self, channel: Channel, message: dict[str, Any], *, is_hidden: bool = False) -> None:
        message_id = int(message["id"])
        (self.hidden if is_hidden else channel.messages)[message_id] = message
        self.change()

    def find(self, channel_id: int, message_id: int) -> dict[str, Any] | None:
        return self.channels[channel_id].messages.get(message_id) or self.hidden.get(message_id)

    def add_file(self, name: str, content: bytes, description: str = "") -> dict[str, Any]:
        file_id = self.new_id()
        self.files[file_id] = (name, content)
        url = f"{self.url}/files/{file_id}/{name}"
        return {
            "id": str(file_id),
            "filename": name,
            "size": len(content),
            "url": url,
            "proxy_url": url,
            "description": description,
        }

    def content_of(self, attachment: dict[str, Any]) -> bytes:
        return self.files[int(attachment["id"])][1]

    # --- faults and waiting ---------------------------------------------------------------------------

    def fail(self, method: str, path: str, times: int = 1, **how: Any) -> None:
        """The next matching calls fail like that; `path` is how it begins or ends."""
        self.faults += [Fault(method, path, **how) for _ in range(times)]

    def fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == method and fault.path in path:
                self.faults.remove(fault)
                return fault
        return None

    def change(self) -> None:
        self._changed.set()

    async def until(
        self, is_true: Callable[[], object], what: str = "Discord looks so", within_s: float = PATIENCE_S
    ) -> None:
        """Waits until it is so; looked at after every call."""
        try:
            async with asyncio.timeout(within_s):
                while not is_true():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s: {what}; {self.described()}") from None

    def described(self) -> str:
        lines = [
            f"{channel.id}: {message['content']!r} {[each['filename'] for each in message['attachments']]}"
            for channel in self.channels.values()
            for message in channel.messages.values()
        ]
        lines += [f"hidden: {message['content']!r}" for message in self.hidden.values()]
        return "\n".join((*lines, f"calls: {self.calls[-12:]}", f"wrongs: {self.wrongs}"))


def now_s() -> float:
    return time.monotonic()


def role(guild_id: int, role_id: int | None = None) -> dict[str, Any]:
    return {
        "id": str(role_id or guild_id),
        "name": "@everyone",
        "permissions": ALL_PERMISSIONS,
        "position": 0,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def user(user_id: int, name: str, *, is_bot: bool = False) -> dict[str, Any]:
    return {
        "id": str(user_id),
        "username": name,
        "global_name": name,
        "discriminator": "0",
        "avatar": None,
        "bot": is_bot,
    }


def channel_payload(channel: Channel) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "id": str(channel.id),
        "type": channel.kind,
        "name": channel.name,
        "nsfw": channel.is_nsfw,
        "permissions": ALL_PERMISSIONS,
    }
    if channel.kind in (DM, GROUP):
        recipients = [user(55 + number, "somebody") for number in range(channel.kind)]
        return {"id": str(channel.id), "type": channel.kind, "recipients": recipients, "flags": 0}
    payload["guild_id"] = str(channel.guild_id)
    payload["parent_id"] = str(channel.parent_id) if channel.parent_id else None
    if channel.kind == THREAD:
        metadata = {
            "archived": channel.is_archived,
            "auto_archive_duration": 60,
            "archive_timestamp": "2026-01-01T00:00:00+00:00",
        }
        counts = {"message_count": 0, "member_count": 1, "owner_id": "7", "flags": 0, "total_message_sent": 0}
        return {**payload, **counts, "thread_metadata": metadata}
    denied = {"id": payload["guild_id"], "type": 0, "allow": "0", "deny": str(channel.denied)}
    overwrites = [denied] if channel.denied else []
    return {**payload, "position": 0, "permission_overwrites": overwrites, "topic": None}


def token_of(interaction_id: int) -> str:
    return base64.urlsafe_b64encode(f"interaction:{interaction_id}".encode()).decode().strip("=")
