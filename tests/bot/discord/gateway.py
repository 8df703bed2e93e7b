"""Discord's gateway on the loopback: sessions that go on after a lost connection, with what was missed."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.bot.discord.rest import Rest
from tests.bot.discord.world import APPLICATION_ID, BOT_ID, World, user

HEARTBEAT_MS = 41_250


@dataclass
class Session:
    """What one identification has been told, in order."""

    id: str
    told: list[dict[str, Any]] = field(default_factory=list)


class Gateway:
    """Tells the bot what happens.

    Attributes:
        resumes: How many sessions went on.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.resumes = 0
        self.identifies = 0
        self._session: Session | None = None
        self._socket: web.WebSocketResponse | None = None
        self._tasks: set[Any] = set()
        world.dispatch = self.tell

    def tell(self, name: str, data: dict[str, Any]) -> None:
        """Tells the session of an event, now or when it goes on."""
        assert self._session, "the bot has come"
        event = {"op": 0, "s": len(self._session.told) + 1, "t": name, "d": data}
        self._session.told.append(event)
        self._send(event)

    @property
    def is_open(self) -> bool:
        return self._socket is not None and not self._socket.closed

    async def drop(self) -> None:
        """Cuts the connection; the session can go on."""
        assert self._socket
        socket, self._socket = self._socket, None
        await socket.close(code=4000)

    def repeat(self) -> None:
        """Tells the last event once more, as when its acknowledgement was lost."""
        assert self._session
        self._send(self._session.told[-1])

    def _send(self, event: dict[str, Any]) -> None:
        if self._socket is None:
            return
        task = asyncio.ensure_future(self._socket.send_str(json.dumps(event)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """One connection."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": HEARTBEAT_MS}})
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            await self._hear(socket, json.loads(message.data))
        return socket

    async def _hear(self, socket: web.WebSocketResponse, heard: dict[str, Any]) -> None:
        match heard:
            case {"op": 1}:
                await socket.send_json({"op": 11})
            case {"op": 2, "d": {"intents": intents}}:
                self.world.intents = intents
                await self._begin(socket)
            case {"op": 6, "d": {"session_id": session_id, "seq": seq}}:
                await self._go_on(socket, session_id, seq)
            case {"op": 3, "d": presence}:
                self.world.presences.append(presence)
                self.world.change()
            case _:
                pass

    async def _begin(self, socket: web.WebSocketResponse) -> None:
        self.identifies += 1
        self._socket, self._session = socket, Session(f"session-{self.identifies}")
        url = self.world.url.replace("http://", "ws://") + "/gateway/socket"
        ready = {
            "v": 10,
            "user": user(BOT_ID, "omost", is_bot=True),
            "guilds": [{"id": str(guild_id), "unavailable": True} for guild_id in self.world.guilds],
            "session_id": self._session.id,
            "resume_gateway_url": url,
            "shard": [0, 1],
            "application": {"id": str(APPLICATION_ID), "flags": 0},
        }
        self.tell("READY", ready)
        for guild_id in self.world.guilds:
            self.tell("GUILD_CREATE", self.world.guild_payload(guild_id))
        self.world.change()

    async def _go_on(self, socket: web.WebSocketResponse, session_id: str, seq: int) -> None:
        if self._session is None or self._session.id != session_id:
            await socket.send_json({"op": 9, "d": False})
            return
        self.resumes += 1
        self._socket = socket
        for event in self._session.told[seq:]:
            await socket.send_json(event)
        self.tell("RESUMED", {})
        self.world.change()


@asynccontextmanager
async def discord_on_loopback(world: World | None = None):
    """Discord at an address of its own; gives the world and its gateway."""
    world = world or World()
    rest, gateway = Rest(world), Gateway(world)
    app = web.Application(middlewares=[rest.answer], client_max_size=64 * 2**20)
    app.add_routes(
        [
            *rest.routes(),
            web.get("/gateway/socket/", gateway.handle),
            web.get("/gateway/socket", gateway.handle),
        ]
    )
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    world.url = f"http://127.0.0.1:{port}"
    try:
        yield world, gateway
    finally:
        await runner.cleanup()
