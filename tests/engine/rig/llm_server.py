"""A real server of OpenAI's chat protocol on loopback, which does to each request what the test says.

Written on plain sockets, because it has to do what no web framework lets one do: send half an event, break
off, reset the connection, stay silent.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class Connection:
    """One request's connection, from the server's side."""

    def __init__(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked = asked
        self.is_gone = asyncio.Event()
        self._writer = writer
        self._listening = asyncio.create_task(self._listen(reader))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await asyncio.wait([self._listening])

    async def answer(self, status: int, body: object = "", **headers: str) -> None:
        """A whole answer; what is no text is sent as JSON."""
        kind, text = ("text/html", body) if isinstance(body, str) else ("application/json", json.dumps(body))
        await self._head(status, kind, headers | {"content_length": str(len(text.encode()))})
        await self.raw(text.encode())

    async def begin(self, kind: str = "text/event-stream", *, is_chunked: bool = True) -> None:
        """The head of a streamed answer; without chunks its end is the end of the connection."""
        self._is_chunked = is_chunked
        await self._head(200, kind, {"transfer_encoding": "chunked"} if is_chunked else {})

    async def send(self, data: bytes) -> None:
        """A part of a streamed answer, which need not end where an event ends."""
        await self.raw(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)

    async def event(self, event: object) -> None:
        await self.send(b"data: %b\n\n" % json.dumps(event).encode())

    async def say(self, *words: str, finish: str | None = None) -> None:
        for text in words:
            await self.event(chunk({"content": text}))
        if finish:
            await self.event(chunk({}, finish))

    async def done(self) -> None:
        await self.send(b"data: [DONE]\n\n")
        if self._is_chunked:
            await self.raw(b"0\r\n\r\n")

    def reset(self) -> None:
        """Breaks the connection off, as a server that is killed does."""
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    async def raw(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def _head(self, status: int, kind: str, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"content-type: {kind}", "connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.raw("\r\n".join([*lines, "", ""]).encode())

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            await reader.read()
        self.is_gone.set()


Act = Callable[[Connection], Awaitable[None]]


def chunk(delta: dict[str, object], finish: str | None = None) -> dict[str, object]:
    """An event of a streamed answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chat-1", "object": "chat.completion.chunk", "model": "tiny", "choices": [choice]}


def saying(*words: str, finish: str = "stop") -> Act:
    """Says it, with all that belongs to a good answer."""

    async def act(connection: Connection) -> None:
        await connection.begin()
        await connection.event(chunk({"role": "assistant", "content": ""}))
        await connection.say(*words, finish=finish)
        await connection.event({"id": "chat-1", "choices": [], "usage": {"completion_tokens": len(words)}})
        await connection.done()

    return act


def answering(status: int, body: object = "", **headers: str) -> Act:
    return lambda connection: connection.answer(status, body, **headers)


def listing(*names: str, owner: str = "test") -> Act:
    models = [{"id": name, "object": "model", "owned_by": owner} for name in names]
    return answering(200, {"object": "list", "data": models})


async def silent(connection: Connection) -> None:
    """Takes the request and says nothing until the other side has gone."""
    await connection.is_gone.wait()


def in_pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def sending(*parts: bytes, is_chunked: bool = True, kind: str = "text/event-stream") -> Act:
    """A streamed answer of just these bytes, which ends in good order."""

    async def act(connection: Connection) -> None:
        await connection.begin(kind, is_chunked=is_chunked)
        for part in parts:
            await connection.send(part)
        if is_chunked:
            await connection.raw(b"0\r\n\r\n")

    return act


def breaking_off(*words: str, how: str) -> Act:
    """Says the words and breaks off."""

    async def act(connection: Connection) -> None:
        await connection.begin(is_chunked=how != "closed where the end may be")
        await connection.event(chunk({"role": "assistant", "content": ""}))
        await connection.say(*words)
        if how == "reset":
            connection.reset()
        if how == "closed in an event":
            await connection.send(b'data: {"choices": [{"delta": {"content": "hal')

    return act


class Watched:
    """Says the words, and stays silent; tells when it has been left."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.was_asked = asyncio.Event()
        self.was_left = asyncio.Event()

    async def __call__(self, connection: Connection) -> None:
        if self.words:
            await connection.begin()
            await connection.say(*self.words)
        self.was_asked.set()
        await connection.is_gone.wait()
        self.was_left.set()


@dataclass
class LlmServer:
    """Does its acts one after the other, a request each, the last one again and again.

    As an asynchronous context manager it listens at `base_url`.
    """

    acts: list[Act] = field(default_factory=list)
    models: Act = field(default_factory=lambda: listing("tiny"))
    asked: list[Asked] = field(default_factory=list)
    has_been_asked: asyncio.Event = field(default_factory=asyncio.Event)
    failures: list[BaseException] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._serving: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._begin_to_serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def base_url(self) -> str:
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}/v1"

    def _begin_to_serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await _read(reader)
            self.asked.append(asked)
            self.has_been_asked.set()
            async with Connection(asked, reader, writer) as connection:
                await self._act(asked.path)(connection)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side has heard enough
        except Exception as error:
            self.failures.append(error)
            raise
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _act(self, path: str) -> Act:
        match path:
            case "/v1/models":
                return self.models
            case "/v1/chat/completions":
                return self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
            case _:
                return answering(404, {"detail": "Not Found"})


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, json.loads(body or "{}"))
