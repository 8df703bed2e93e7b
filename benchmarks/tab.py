"""A tab of the chat page without a browser: its requests, and what it would show.

The page is Gradio's: its `config` names the components and what each event takes, an event is put into a
queue, and one stream tells what comes of it. Like a tab in a browser, this one is loaded anew when its server
is gone and another answers; what was said and what became of it is then the server's to show.
"""

import asyncio
import json
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from gradio_client.utils import apply_diff  # pyright: ignore - it has no types

from engine.worker import first_of

API = "/gradio_api"
AGAIN_S = 0.5
"""After so long a page that does not answer is asked for again."""
SILENCE_S = 120.0
"""A server says something every 15 seconds; one that has been silent for so long is gone."""
LINE_BYTES = 1 << 22
"""Previews of pictures stand in the lines of the stream."""

_BUBBLE = '<div class="bubble '
_PICTURE = re.compile(r'src="(pictures/[^"]+)"')


class Page:
    """What a tab needs of the page's `config`."""

    def __init__(self, config: dict[str, Any]) -> None:
        parts = config["components"]
        self._elements = {part["props"].get("elem_id"): part["id"] for part in parts}
        self._values = {part["id"]: part["props"].get("value") for part in parts}
        self._events: list[dict[str, Any]] = config["dependencies"]

    def event(self, trigger: str, element: str = "") -> dict[str, Any]:
        """What happens then; without an element, to the page itself."""
        wanted = self._elements[element] if element else None
        return next(
            event
            for event in self._events
            for target, name in event["targets"]
            if name == trigger and wanted in (None, target)
        )

    def inputs(self, event: dict[str, Any], typed: str) -> list[Any]:
        """What an event takes: what was typed, and all else as it stood when the page was loaded."""
        values = {**self._values, self._elements["prompt"]: typed}
        return [values.get(part) for part in event["inputs"]]

    def shown(self, outputs: list[Any], element: str) -> int:
        """Which of an event's outputs an element shows."""
        return outputs.index(self._elements[element])


@dataclass(eq=False)
class _Call:
    """An event that was put into the queue; of its outputs, those that are looked at."""

    outputs: dict[int, Any] = field(default_factory=dict[int, Any])
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, changes: list[Any], looked_at: tuple[int, ...]) -> list[str]:
        """The contents that have come with a message: the first has outputs, later ones what differs."""
        for place in looked_at:
            change = changes[place]
            self.outputs[place] = apply_diff(self.outputs[place], change) if place in self.outputs else change
        return [_content(self.outputs[place]) for place in looked_at]


def _content(output: Any) -> str:
    """What an output puts into its element; nothing where it changes something else, or nothing at all."""
    match output:
        case str(content) | {"value": str(content)}:
            return content
        case _:
            return ""


class Tab:
    """One visitor's tab, of a page whose server may come and go.

    Attributes:
        transcript: The conversation as it is shown.
        faults: What no page may do: events that failed without a word, or show the same once more at the end,
            and pictures that are not there.
    """

    def __init__(self, address: str) -> None:
        self.transcript = ""
        self.faults: list[str] = []
        self._address = address
        self._pictures: set[str] = set()
        self._calls: dict[str, _Call] = {}
        self._is_called = asyncio.Event()
        self._is_shown = asyncio.Event()
        self._session = ""

    async def stay(self) -> None:
        """Is open until it is cancelled."""
        async with aiohttp.ClientSession(
            self._address,
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # else servers without a name get none
            timeout=aiohttp.ClientTimeout(total=None, sock_read=SILENCE_S),
            read_bufsize=LINE_BYTES,
        ) as self._http:
            while True:
                with suppress(aiohttp.ClientError, TimeoutError):
                    await self._load()
                self._is_shown.clear()
                for call in self._calls.values():
                    call.ended.set()
                await asyncio.sleep(AGAIN_S)

    async def say(self, words: str, *, is_new: bool) -> None:
        """Says something as soon as the page is shown, for a new scene or about the one that is there.

        Where the server goes at that moment, nothing may come of it.
        """
        await self._is_shown.wait()
        with suppress(aiohttp.ClientError, TimeoutError):
            if is_new:
                await (await self._put("click", "new-scene")).wait()
            await self._put("submit", "prompt", words)

    def seen(self, words: str) -> tuple[int, int]:
        """How often the words stand in the conversation, and how many pictures are shown behind them."""
        asked = answered = 0
        is_theirs = False
        for bubble in self.transcript.split(_BUBBLE)[1:]:
            kind = bubble.partition('"')[0]
            if kind == "asked":
                is_theirs = words in bubble
                asked += is_theirs
            elif kind == "answered" and is_theirs:
                answered += any(address in self._pictures for address in _PICTURE.findall(bubble))
        return asked, answered

    # --- as the page's own script does it -------------------------------------------------------------

    async def _load(self) -> None:
        """Loads the page and listens, until its server is gone."""
        await self._read("/")  # which says who the visitor is
        self._page = Page(json.loads(await self._read("/config")))
        outputs = self._page.event("load")["outputs"]
        self._looked_at = tuple(self._page.shown(outputs, element) for element in ("transcript", "stage"))
        self._session, self._calls = secrets.token_hex(6), {}
        await self._put("load")
        await first_of(self._be_there(), self._hear())

    async def _be_there(self) -> None:
        """Keeps the tab's state at the server, and hears when that is gone."""
        async with self._http.get(f"{API}/heartbeat/{self._session}", raise_for_status=True) as stream:
            async for _ in stream.content:
                pass

    async def _put(self, trigger: str, element: str = "", typed: str = "") -> asyncio.Event:
        """Puts an event into the queue; what is returned is set when it has been dealt with."""
        event = self._page.event(trigger, element)
        body = {
            "data": self._page.inputs(event, typed),
            "fn_index": event["id"],
            "session_hash": self._session,
        }
        async with self._http.post(f"{API}/queue/join", json=body, raise_for_status=True) as answer:
            event_id = (await answer.json())["event_id"]
        call = self._calls.setdefault(event_id, _Call())
        self._is_called.set()
        return call.ended

    async def _hear(self) -> None:
        while True:
            await self._is_called.wait()
            self._is_called.clear()
            while not all(call.ended.is_set() for call in self._calls.values()):
                await self._hear_stream()

    async def _hear_stream(self) -> None:
        """Takes in what happens, until nothing is under way any more."""
        session = {"session_hash": self._session}
        async with self._http.get(f"{API}/queue/data", params=session, raise_for_status=True) as stream:
            async for line in stream.content:
                if not line.startswith(b"data:"):
                    continue
                message: dict[str, Any] = json.loads(line.removeprefix(b"data:"))
                if message["msg"] == "close_stream":
                    return
                await self._take(message)
        raise aiohttp.ClientPayloadError("the stream has ended in the middle")

    async def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"msg": "process_generating", "event_id": str(event_id), "output": {"data": changes}}:
                call = self._calls.setdefault(event_id, _Call())
                await self._show(*call.take(changes, self._looked_at))
            case {"msg": "process_completed", "event_id": str(event_id), "output": {"data": _}}:
                self._calls.setdefault(event_id, _Call()).ended.set()
                if any(_content(message["output"]["data"][place]) for place in self._looked_at):
                    self.faults.append("an event shows at its end what others may have changed meanwhile")
            case {"msg": "process_completed", "event_id": str(event_id)}:
                self._calls.setdefault(event_id, _Call()).ended.set()
                self.faults.append(f"an event failed: {message.get('output')}")
            case {"msg": "unexpected_error" | "server_stopped"}:
                raise aiohttp.ClientPayloadError(str(message))
            case _:
                pass

    async def _show(self, transcript: str, stage: str) -> None:
        """Shows what has changed, with its pictures, which are loaded once."""
        for address in _PICTURE.findall(transcript + stage):
            if address not in self._pictures:
                await self._load_picture(address)
        if transcript:
            self.transcript = transcript
            self._is_shown.set()

    async def _load_picture(self, address: str) -> None:
        async with self._http.get(f"/{address}") as picture:
            if picture.status == 200 and await picture.read():
                self._pictures.add(address)
            else:
                self.faults.append(f"{address}: {picture.status}")

    async def _read(self, address: str) -> str:
        async with self._http.get(address, raise_for_status=True) as answer:
            return await answer.text()
