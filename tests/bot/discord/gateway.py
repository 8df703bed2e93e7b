"""Discord's gateway on the loopback: sessions that go on after a lost connection, with what was missed."""

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.bot.discord.rest import Rest
from tests.bot.discord.world import APPLICATION_ID, BOT_ID, World, user

HEARTBEAT_MS = 41_250


@dataclass
class Session:
    """What one identification has been told, in order.

    Attributes:
        shard: Its number, and how many there are.
        socket: While it is connected.
    """

    id: str
    shard: tuple[int, int]
    socket: web.WebSocketResponse | None
    told: list[dict[str, Any]] = field(default_factory=list)


async def _sent(socket: web.WebSocketResponse, text: str) -> None:
    """Sends, unless nobody is there any more: who comes back is told again."""
    with suppress(ConnectionError):
        await socket.send_str(text)


class Gateway:
    """Tells the bot what happens.

    Attributes:
        resumes: How many sessions went on.
        told: How many events each shard was told of, beside its beginning.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.resumes = 0
        self.identifies = 0
        self.told: Counter[int] = Counter()
        self._sessions: dict[int, Session] = {}
        self._last: Session | None = None
        self._tasks: set[Any] = set()
        world.dispatch = self.tell

    def tell(self, name: str, data: dict[str, Any]) -> None:
        """Tells the session of an event, now or when it goes on: that of the server, or the first one."""
        shard = (int(data.get("guild_id", 0)) >> 22) % self.world.shards
        self.told[shard] += 1
        self._tell(self._sessions[shard], name, data)

    async def drop(self) -> None:
        """Cuts the connections; the sessions can go on."""
        for session in self._sessions.values():
            socket, session.socket = session.socket, None
            if socket:
                await socket.close(code=4000)

    def repeat(self) -> None:
        """Tells the last event once more, as when its acknowledgement was lost."""
        assert self._last
        self._send(self._last, self._last.told[-1])

    def _tell(self, session: Session, name: str, data: dict[str, Any]) -> None:
        event = {"op": 0, "s": len(session.told) + 1, "t": name, "d": data}
        session.told.append(event)
        self._last = session
        self._send(session, event)

    def _send(self, session: Session, event: dict[str, Any]) -> None:
        if session.socket is None:
            return
        task = asyncio.ensure_future(_sent(session.socket, json.dumps(event)))
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
            case {"op": 2, "d": {"intents": intents, "shard": [number, count]}}:
                self.world.intents = intents
                self._begin(socket, number, count)
            case {"op": 6, "d": {"session_id": session_id, "seq": seq}}:
                await self._go_on(socket, session_id, seq)
            case {"op": 3, "d": presence}:
                self.world.presences.append(presence)
                self.world.change()
            case _:
                pass

    def _begin(self, socket: web.WebSocketResponse, number: int, count: int) -> None:
        self.identifies += 1
        session = Session(f"session-{self.identifies}", (number, count), socket)
        self._sessions[number] = session
        mine = [each for each in self.world.guilds if (each >> 22) % count == number]
        ready = {
            "v": 10,
            "user": user(BOT_ID, "omost", is_bot=True),
            "guilds": [{"id": str(guild_id), "unavailable": True} for guild_id in mine],
            "session_id": session.id,
            "resume_gateway_url": self.world.gateway_url,
            "shard": [number, count],
            "application": {"id": str(APPLICATION_ID), "flags": 0},
        }
        self._tell(session, "READY", ready)
        for guild_id in mine:
            self._tell(session, "GUILD_CREATE", self.world.guild_payload(guild_id))
        self.world.change()

    async def _go_on(self, socket: web.WebSocketResponse, session_id: str, seq: int) -> None:
        session = next((each for each in self._sessions.values() if each.id == session_id), None)
        if session is None:
            await socket.send_json({"op": 9, "d": False})
            return
        self.resumes += 1
        session.socket = socket
        for event in session.told[seq:]:
            await socket.send_json(event)
        self._tell(session, "RESUMED", {})
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
