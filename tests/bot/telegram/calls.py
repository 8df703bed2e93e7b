"""A call of a Bot API method as it came over HTTP: URL-encoded, multipart or JSON."""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.bot.telegram.refusals import bad_request


@dataclass(frozen=True)
class Upload:
    """A file of a multipart request."""

    name: str
    data: bytes


@dataclass
class Call:
    """A call with its arguments, and how it was answered: 0 as `code` means not at all.

    Abandoned is what the client has not waited for.
    """

    method: str
    at_s: float
    arguments: dict[str, Any]
    uploads: dict[str, Upload]
    code: int = 0
    description: str = ""
    is_abandoned: bool = False
    result: Any = field(default=None, repr=False)

    def text(self, name: str) -> str:
        value = self.arguments.get(name, "")
        return value if isinstance(value, str) else json.dumps(value)

    def integer(self, name: str) -> int | None:
        try:
            return int(self.text(name)) if self.text(name) else None
        except ValueError:
            return None

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in ("true", "yes", "1")

    def value(self, name: str, default: Any = None) -> Any:
        """An argument that is JSON, as an object or as text."""
        value = self.arguments.get(name, default)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as error:
            raise bad_request(f"can't parse {name} JSON object") from error

    def upload(self, name: str, reference: str) -> Upload | None:
        """The file sent as an argument, or where a reference attach://... points; none for a file's id."""
        return self.uploads.get(reference.removeprefix("attach://") or name)


async def read_call(request: web.Request, method: str, at_s: float) -> Call:
    """The call of a request, with what stands in its URL, too."""
    arguments: dict[str, Any] = dict(request.query)
    uploads: dict[str, Upload] = {}
    if request.content_type == "application/json":
        arguments |= await request.json()
    elif request.can_read_body:
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                with value.file as file:
                    uploads[name] = Upload(value.filename, file.read())
            else:
                arguments[name] = value if isinstance(value, str) else bytes(value).decode()
    return Call(method, at_s, arguments, uploads)
