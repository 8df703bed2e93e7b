"""A small HTTP proxy on loopback that writes down what it is asked for."""

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Passes requests with absolute addresses on; every connection is for one of them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._met, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await self._passed_on(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _passed_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, address, version = (await reader.readline()).decode().split()
        self.asked.append(f"{method} {address}")
        there = urlsplit(address)
        up_reader, up_writer = await asyncio.open_connection(there.hostname, there.port)
        up_writer.write(f"{method} {there.path} {version}\r\nConnection: close\r\n".encode())
        sending = asyncio.create_task(_copy(reader, up_writer))
        try:
            await _copy(up_reader, writer)
        finally:
            sending.cancel()
            up_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()
