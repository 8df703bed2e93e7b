"""Discord's REST API on the loopback: as much of it as the bot may call, with its limits."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.bot.discord.limits import check_message, check_modal
from tests.bot.discord.world import (
    ALL_PERMISSIONS,
    APPLICATION_ID,
    BOT_ID,
    DM,
    Asked,
    Channel,
    Fault,
    World,
    channel_payload,
    now_s,
    user,
)

API = "/api/v10"
BUCKET = 5
HIDDEN = 1 << 6
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refused(Exception):
    """An answer with one of Discord's codes."""

    def __init__(self, status: int, code: int, message: str = "refused") -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Rest:
    """Answers the bot's calls."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[web.RouteDef]:
        hooks = f"{API}/webhooks/{{application}}/{{token}}"
        return [
            web.get(f"{API}/users/@me", self._me),
            web.get(f"{API}/oauth2/applications/@me", self._application),
            web.get(f"{API}/applications/@me", self._own_application),
            web.get(f"{API}/users/@me/guilds", self._guilds),
            web.get(f"{API}/gateway/bot", self._gateway),
            web.put(f"{API}/applications/{{application}}/commands", self._sync),
            web.post(f"{API}/users/@me/channels", self._open_dm),
            web.post(f"{API}/interactions/{{id}}/{{token}}/callback", self._respond),
            web.post(hooks, self._follow_up),
            web.patch(f"{hooks}/messages/{{message}}", self._edit_answer),
            web.delete(f"{hooks}/messages/{{message}}", self._remove_answer),
            web.post(f"{API}/channels/{{channel}}/messages", self._post),
            web.patch(f"{API}/channels/{{channel}}", self._change_channel),
            web.patch(f"{API}/channels/{{channel}}/messages/{{message}}", self._edit),
            web.delete(f"{API}/channels/{{channel}}/messages/{{message}}", self._remove),
            web.get("/files/{file}/{name}", self._file),
        ]

    @web.middleware
    async def answer(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Notes the call, lets it fail if it is to, and puts refusals into Discord's form."""
        world, path = self.world, request.path.removeprefix(API)
        if path.startswith(("/files", "/gateway/socket")):
            return await handler(request)
        world.calls.append((request.method, path))
        world.change()
        fault = world.fault(request.method, path)
        try:
            if fault and not fault.has_effect:
                return await self._failed(request, fault)
            response = await handler(request)
            return await self._failed(request, fault) if fault else response
        except Refused as error:
            body = {"code": error.code, "message": str(error)}
            return _json(body, status=error.status, headers={"Via": "1.1 loopback"})
        finally:
            world.change()

    async def _failed(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.drops:
            assert request.transport
            request.transport.abort()
            return web.Response()
        headers = {"Via": "1.1 loopback"}
        body: dict[str, Any] = {"code": fault.code, "message": "a fault"}
        if fault.status == 429:
            headers["Retry-After"] = str(fault.retry_after_s)
            body |= {"retry_after": fault.retry_after_s, "global": fault.is_global}
        return _json(body, status=fault.status, headers=headers)

    # --- the account ----------------------------------------------------------------------------------

    async def _me(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization", "").removeprefix("Bot ") not in self.world.tokens:
            raise Refused(401, 0, "401: Unauthorized")
        return _json(user(BOT_ID, "omost", is_bot=True))

    async def _application(self, request: web.Request) -> web.Response:
        del request
        payload = {
            "id": str(APPLICATION_ID),
            "name": "omost",
            "icon": None,
            "description": "",
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "00",
            "flags": 0,
            "team": None,
            "owner": user(7, "owner"),
            "install_params": None,
        }
        return _json(payload)

    async def _own_application(self, request: web.Request) -> web.Response:
        """As whoever runs the bot has set it up."""
        await self._me(request)
        return _json({"id": str(APPLICATION_ID), "name": "omost", "flags": 0} | self.world.application)

    async def _guilds(self, request: web.Request) -> web.Response:
        await self._me(request)
        return _json(
            [{"owner": False, "permissions": ALL_PERMISSIONS} | each for each in self.world.guilds.values()]
        )

    async def _gateway(self, request: web.Request) -> web.Response:
        del request
        shards = self.world.shards
        limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": shards}
        return _json({"url": self.world.gateway_url, "shards": shards, "session_start_limit": limit})

    async def _sync(self, request: web.Request) -> web.Response:
        world = self.world
        world.commands = [
            {
                "description": "",
                **command,
                "id": str(world.new_id()),
                "application_id": str(APPLICATION_ID),
                "version": "1",
            }
            for command in await request.json()
        ]
        world.syncs += 1
        return _json(world.commands)

    async def _open_dm(self, request: web.Request) -> web.Response:
        recipient = (await request.json())["recipient_id"]
        found = next((one for one in self.world.channels.values() if one.name == f"dm {recipient}"), None)
        channel = found or self.world.channel(None, DM, name=f"dm {recipient}")
        payload = channel_payload(channel)
        payload["recipients"] = [user(int(recipient), "somebody")]
        return _json(payload)

    async def _file(self, request: web.Request) -> web.Response:
        found = self.world.files.get(int(request.match_info["file"]))
        return web.Response(body=found[1]) if found else web.Response(status=404)

    # --- channels -------------------------------------------------------------------------------------

    def _channel(self, request: web.Request) -> Channel:
        channel = self.world.channels.get(int(request.match_info["channel"]))
        if channel is None or channel.is_gone:
            raise Refused(404, 10003, "Unknown Channel")
        if channel.refusal:
            raise Refused(403, channel.refusal, "refused")
        return channel

    async def _post(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        self._count(channel)
        channel.is_archived = False
        payload, files = await _parts(request)
        nonce = payload.get("nonce")
        if nonce is not None and not (1 <= len(str(nonce)) <= 25):
            self.world.wrongs.append(f"nonce {nonce!r}")
        if payload.get("enforce_nonce") and nonce in channel.nonces:
            return _json(channel.messages[channel.nonces[nonce]])
        message = self._made(channel, payload, files)
        self.world.add_message(channel, message)
        if nonce is not None:
            channel.nonces[nonce] = int(message["id"])
        return _json(message, headers=self._limit(channel))

    async def _change_channel(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        channel.is_archived = (await request.json())["archived"]
        return _json(channel_payload(channel))

    async def _edit(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        self._count(channel)
        if channel.is_archived:
            raise Refused(400, 50083, "Thread is archived")
        message = channel.messages.get(int(request.match_info["message"]))
        if message is None:
            raise Refused(404, 10008, "Unknown Message")
        self._changed(message, *await _parts(request))
        return _json(message, headers=self._limit(channel))

    async def _remove(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        if channel.messages.pop(int(request.match_info["message"]), None) is None:
            raise Refused(404, 10008, "Unknown Message")
        return web.Response(status=204)

    def _count(self, channel: Channel) -> None:
        """The bucket of a channel; whoever heeds the headers never meets it."""
        sent = channel.sent_at_s
        while sent and sent[0] <= now_s() - self.world.bucket_s:
            sent.popleft()
        if len(sent) >= BUCKET:
            self.world.wrongs.append(f"more than {BUCKET} in {self.world.bucket_s} s in channel {channel.id}")
        sent.append(now_s())

    def _limit(self, channel: Channel) -> dict[str, str]:
        sent = channel.sent_at_s
        bucket_s = self.world.bucket_s
        after_s = max(0.05, sent[0] + bucket_s - now_s()) if sent else bucket_s
        return {
            "X-RateLimit-Limit": str(BUCKET),
            "X-RateLimit-Remaining": str(max(0, BUCKET - len(sent))),
            "X-RateLimit-Reset-After": f"{after_s:.3f}",
            "X-RateLimit-Reset": "0",
            "X-RateLimit-Bucket": "messages",
        }

    # --- interactions ---------------------------------------------------------------------------------

    def _asked(self, request: web.Request) -> Asked:
        asked = self.world.asked.get(request.match_info["token"])
        if asked is None:
            raise Refused(404, 10015, "Unknown Webhook")
        if asked.is_expired:
            raise Refused(401, 50027, "Invalid Webhook Token")
        return asked

    async def _respond(self, request: web.Request) -> web.Response:
        if self.world.holds_callbacks:
            await self.world.holds_callbacks.wait()
        asked = self._asked(request)
        payload, files = await _parts(request)
        asked.delay_s = now_s() - asked.at_s
        if asked.delay_s > self.world.respond_within_s:
            raise Refused(404, 10062, "Unknown interaction")
        if asked.responses:
            raise Refused(400, 40060, "Interaction has already been acknowledged.")
        asked.responses.append(payload)
        if payload["type"] == 9:
            check_modal(payload["data"], self.world.wrongs)
        if payload["type"] in (4, 5):
            self._first(asked, payload, files)
        callback = {"id": str(asked.id), "type": asked.payload["type"]}
        resource: dict[str, Any] = {"type": payload["type"]}
        if asked.original:
            callback["response_message_id"] = str(asked.original)
            resource["message"] = self.world.find(asked.channel.id, asked.original)
        return _json({"interaction": callback, "resource": resource})

    def _first(self, asked: Asked, payload: dict[str, Any], files: list[tuple[str, bytes]]) -> None:
        data = payload.get("data", {})
        message = self._made(asked.channel, data, files, asked)
        message["flags"] = data.get("flags", 0)
        asked.original = int(message["id"])
        self.world.add_message(asked.channel, message, is_hidden=bool(data.get("flags", 0) & HIDDEN))

    async def _follow_up(self, request: web.Request) -> web.Response:
        asked = self._asked(request)
        payload, files = await _parts(request)
        if asked.original and asked.responses[0]["type"] == 5 and not asked.followups:
            message = self.world.find(asked.channel.id, asked.original)
            if message is not None and not message["content"]:  # the bot is thinking: this is its thought
                asked.followups.append(asked.original)
                self._changed(message, payload, files)
                return _json(message)
        message = self._made(asked.channel, payload, files, asked)
        asked.followups.append(int(message["id"]))
        self.world.add_message(asked.channel, message, is_hidden=bool(payload.get("flags", 0) & HIDDEN))
        return _json(message)

    def _answered(self, request: web.Request) -> tuple[Asked, int]:
        asked = self._asked(request)
        which = request.match_info["message"]
        if which != "@original":
            return asked, int(which)
        pressed = asked.payload.get("message")
        if asked.original is None and pressed and asked.responses:
            return asked, int(pressed["id"])
        if asked.original is None:
            raise Refused(404, 10008, "Unknown Message")
        return asked, asked.original

    async def _edit_answer(self, request: web.Request) -> web.Response:
        asked, message_id = self._answered(request)
        message = self.world.find(asked.channel.id, message_id)
        if message is None:
            raise Refused(404, 10008, "Unknown Message")
        self._changed(message, *await _parts(request))
        return _json(message)

    async def _remove_answer(self, request: web.Request) -> web.Response:
        asked, message_id = self._answered(request)
        gone = asked.channel.messages.pop(message_id, None) or self.world.hidden.pop(message_id, None)
        if gone is None:
            raise Refused(404, 10008, "Unknown Message")
        return web.Response(status=204)

    # --- messages -------------------------------------------------------------------------------------

    def _made(
        self,
        channel: Channel,
        payload: dict[str, Any],
        files: list[tuple[str, bytes]],
        asked: Asked | None = None,
    ) -> dict[str, Any]:
        message: dict[str, Any] = {
            "id": str(self.world.new_id()),
            "channel_id": str(channel.id),
            "author": user(BOT_ID, "omost", is_bot=True),
            "content": "",
            "timestamp": "2026-01-01T00:00:00+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": [],
            "components": [],
            "pinned": False,
            "type": 0,
            "flags": payload.get("flags", 0),
            "looks": [],
        }
        if asked:
            message["webhook_id"] = str(APPLICATION_ID)
        if reference := payload.get("message_reference"):
            message["message_reference"] = reference
            message["type"] = 19
        self._changed(message, payload, files)
        return message

    def _changed(
        self, message: dict[str, Any], payload: dict[str, Any], files: list[tuple[str, bytes]]
    ) -> None:
        check_message(payload, files, self.world.wrongs)
        if any(len(content) > self.world.file_bytes for _, content in files):
            raise Refused(413, 40005, "Request entity too large")
        if payload.get("content") is not None:
            message["content"] = payload["content"]
        if "components" in payload:
            message["components"] = payload["components"]
        if "attachments" in payload:
            message["attachments"] = self._attachments(message, payload["attachments"], files)
        message["looks"].append((message["content"], [each["filename"] for each in message["attachments"]]))

    def _attachments(
        self, message: dict[str, Any], listed: list[dict[str, Any]], files: list[tuple[str, bytes]]
    ) -> list[dict[str, Any]]:
        kept = {each["id"]: each for each in message["attachments"]}
        found: list[dict[str, Any]] = []
        for each in listed:
            if str(each["id"]) in kept:
                found.append(kept[str(each["id"])])
            else:
                name, content = files[int(each["id"])]
                found.append(self.world.add_file(name, content, each.get("description") or ""))
        return found


async def _parts(request: web.Request) -> tuple[dict[str, Any], list[tuple[str, bytes]]]:
    """The JSON of a call and the files beside it."""
    if not request.content_type.startswith("multipart/"):
        return (await request.json()) if request.can_read_body else {}, []
    payload: dict[str, Any] = {}
    files: list[tuple[str, bytes]] = []
    async for part in await request.multipart():
        content = bytes(await part.read())
        if part.name == "payload_json":
            payload = json.loads(content)
        else:
            files.append((part.filename or "", content))
    await asyncio.sleep(0)
    return payload, files


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """The library wants the bare type of content."""
    content = json.dumps(body).encode()
    return web.Response(body=content, status=status, headers=headers, content_type="application/json")
