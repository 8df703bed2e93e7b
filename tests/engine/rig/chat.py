"""A stand-in for a chat platform: messages that bots edit over HTTP, each edit recorded."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

HELD_S = 60.0


@dataclass(frozen=True, slots=True)
class Edit:
    """What a bot made of a message; `at_s` on the monotonic clock."""

    at_s: float
    body: dict[str, object]


@dataclass
class _Hold:
    """One message whose next edit gets no answer; `is_lost` when it is not even recorded."""

    message_id: str
    is_lost: bool
    has_come: threading.Event = field(default_factory=threading.Event)
    may_go: threading.Event = field(default_factory=threading.Event)


class ChatPlatform:
    """Serves `PUT /messages/ID` (edit) and `POST /messages` (a message more, which no bot should need)."""

    def __init__(self, first_letters: str = "m") -> None:
        """Ids of messages begin with these letters."""
        self._first_letters = first_letters
        self._lock = threading.Lock()
        self._edits: dict[str, list[Edit]] = {}
        self._hold: _Hold | None = None
        self._posted = 0
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def post(self, message_id: str | None = None) -> str:
        """The person's message has come, and the bot's answer to it is there to be edited: its id."""
        with self._lock:
            message_id = message_id or f"{self._first_letters}{len(self._edits) + 1}"
            self._edits[message_id] = []
        return message_id

    def edits(self, message_id: str) -> list[Edit]:
        with self._lock:
            return list(self._edits[message_id])

    def results(self, message_id: str) -> list[dict[str, object]]:
        """The different results that a message was edited into."""
        results: list[dict[str, object]] = []
        for edit in self.edits(message_id):
            if edit.body not in results:
                results.append(edit.body)
        return results

    def duplicates(self) -> int:
        """Messages that nobody asked for, and messages that have had different results."""
        with self._lock:
            ids = list(self._edits)
        return self._posted + sum(len(self.results(message_id)) > 1 for message_id in ids)

    def edit_count(self) -> int:
        with self._lock:
            return sum(map(len, self._edits.values()))

    @contextmanager
    def holding(self, message_id: str, *, is_lost: bool) -> Iterator[threading.Event]:
        """Inside, the message's next edit comes and is not answered; gives the event of its coming.

        An edit that is lost is not recorded either: the line broke before it was received.
        """
        hold = self._hold = _Hold(message_id, is_lost)
        try:
            yield hold.has_come
        finally:
            self._hold = None
            hold.may_go.set()

    def _record(self, message_id: str, body: dict[str, object]) -> None:
        hold = self._hold
        if hold is not None and hold.message_id != message_id:
            hold = None
        if hold is None or not hold.is_lost:
            with self._lock:
                self._edits[message_id].append(Edit(time.monotonic(), body))
        if hold is not None:
            hold.has_come.set()
            hold.may_go.wait(HELD_S)
            raise ConnectionAbortedError

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        platform = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                message_id = self.path.rpartition("/")[2]
                try:
                    platform._record(message_id, body)
                    self._answer()
                except OSError:
                    self.close_connection = True  # whoever asked is dead

            def do_POST(self) -> None:
                platform._posted += 1
                self._answer()

            def _answer(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        return Handler
