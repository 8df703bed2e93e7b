"""A model hub on loopback: serves the files of one folder as `huggingface.co` does."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Knows the model `omost/tiny` at the branch `main` and the tag `v1`.

    Attributes:
        fault: What every request is answered with instead of what it asks for, and the hub's word for it.
        asked: The paths of all requests.
        folder: The model's files.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.fault: tuple[HTTPStatus, str] | None = None
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def hub_of(folder: Path) -> Iterator[Hub]:
    with Hub(folder) as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        if self.server.fault:
            self._fail(*self.server.fault)
        elif path.startswith("/api/models/omost/tiny/revision/"):
            known = path.rpartition("/")[2] in {"main", "v1", COMMIT}
            self._answer({"id": "omost/tiny", "sha": COMMIT}) if known else self._unknown("RevisionNotFound")
        elif path == f"/api/models/omost/tiny/tree/{COMMIT}":
            self._answer(
                [self._entry(each) for each in sorted(self.server.folder.rglob("*")) if each.is_file()]
            )
        elif path.startswith(f"/omost/tiny/resolve/{COMMIT}/"):
            self._send((self.server.folder / path.partition(f"{COMMIT}/")[2]).read_bytes())
        else:
            self._unknown("RepoNotFound")

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_args: object) -> None:
        """Says nothing."""

    def _entry(self, path: Path) -> dict[str, object]:
        return {
            "type": "file",
            "path": path.relative_to(self.server.folder).as_posix(),
            "size": path.stat().st_size,
            "oid": _oid(path.read_bytes()),
        }

    def _answer(self, value: object) -> None:
        self._send(json.dumps(value).encode(), "application/json")

    def _unknown(self, word: str) -> None:
        self._fail(HTTPStatus.NOT_FOUND, word)

    def _fail(self, status: HTTPStatus, word: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        if word:
            self.send_header("X-Error-Code", word)
        self.end_headers()

    def _send(self, body: bytes, kind: str = "application/octet-stream") -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{_oid(body)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _oid(body: bytes) -> str:
    return hashlib.sha1(body, usedforsecurity=False).hexdigest()
