"""What a server of OpenAI's chat protocol sends, read: words, models and refusals.

Trusts nothing of it: other programs speak the protocol too, each a little differently, and what answers may
be no language model at all. Knows neither requests nor retries.
"""

import re
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx2
import openai

MAX_PAUSE_S = 30.0
"""A server that wants to be left alone for longer is not waited for."""

MAX_RESPONSE_BYTES = 16 * 2**20
"""Far more than any reply or list of models takes; a line that never ends would fill the memory."""

_TOO_LONG = re.compile(
    r"context[ _](length|size|window)|maximum (context|model) length|prompt is too long", re.IGNORECASE
)
_REASONS = {401: "refused-key", 402: "no-credit", 403: "refused-key", 429: "overloaded", 503: "overloaded"}


class Failed(Exception):
    """A try that came to nothing, or broke off.

    Attributes:
        may_pass: Whether another try may go better.
        pause_s: After how long, when the server has said so.
        parameter: What of the request the server did not take, when it has said so.
    """

    def __init__(
        self,
        reason: str,
        *,
        may_pass: bool = False,
        pause_s: float | None = None,
        status: int | None = None,
        code: str = "",
        detail: str = "",
        parameter: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.may_pass = may_pass
        self.pause_s = pause_s
        self.status = status
        self.code = code
        self.detail = detail
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class Token:
    """What an event of the reply brings.

    Attributes:
        is_alive: Whether the model has written something, be it a thought.
    """

    text: str = ""
    is_alive: bool = False
    finish: str = ""


class _Capped(httpx2.AsyncByteStream):
    """The bytes of a response, up to what any reply may take."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size_bytes = 0
        async for part in self._stream:
            size_bytes += len(part)
            if size_bytes > MAX_RESPONSE_BYTES:
                await self.aclose()
                raise Failed("not-understood", detail=f"more than {MAX_RESPONSE_BYTES} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


async def cap(response: httpx2.Response) -> None:
    """Makes reading a response fail when it has more bytes than any reply; a hook of the HTTP client.

    Raises:
        Failed: It is compressed, though that was not asked for: few bytes could become any number.
    """
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Failed("not-understood", detail="compressed")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Capped(response.stream)


class Speech:
    """What is said after the thoughts, if the text begins with a `<think>` block.

    Attributes:
        has_begun: Whether anything was said yet.
    """

    _BEGIN, _END = "<think>", "</think>"

    def __init__(self) -> None:
        self.has_begun = False
        self._held = ""
        self._is_thinking = False

    def hear(self, text: str) -> str:
        """Takes a piece; returns what can be passed on, from the first visible character on."""
        if self.has_begun:
            return text
        self._held += text
        if not self._is_thinking:
            start = self._held.lstrip()
            if self._BEGIN.startswith(start):
                return ""
            self._is_thinking = start.startswith(self._BEGIN)
            if not self._is_thinking:
                self.has_begun = True
                return start
        _, end, rest = self._held.partition(self._END)
        if end:  # what follows is a beginning again, though no second block is expected
            self._held, self._is_thinking = "", False
            return self.hear(rest)
        self._held = self._held[-len(self._END) :]
        return ""


def token(event: Any) -> Token | None:
    """Reads an event of the stream; None for those that are no part of the reply, such as statistics.

    Raises:
        Failed: It is no event of the protocol, or the server's content filter speaks.
    """
    match event:
        case {"choices": [{**choice}, *_]}:
            return _read(cast("dict[str, Any]", choice))
        case {"choices": [] | None}:
            return None
        case {**rest} if "choices" not in rest:
            return None
        case _:
            raise Failed("not-understood")


def _read(choice: dict[str, Any]) -> Token:
    finish = str(choice.get("finish_reason") or "")
    match choice.get("delta"):
        case _ if finish == "content_filter":
            raise Failed("withheld")
        case {"refusal": str(text)} if text:
            raise Failed("withheld")
        case {"content": str(text)} if text:
            return Token(text, is_alive=True, finish=finish)
        case {"reasoning_content": str(text)} | {"reasoning": str(text)} if text:
            return Token(is_alive=True, finish=finish)
        case None | {"content": "" | None}:
            return Token(finish=finish)
        case {**delta} if "content" not in delta:
            return Token(finish=finish)
        case _:
            raise Failed("not-understood")


@contextmanager
def translated(broken: str) -> Generator[None]:
    """Tells every way in which a server fails as `Failed`; `broken` is the reason of a broken connection."""
    try:
        yield
    except TimeoutError:
        failure = Failed("silent", may_pass=True)
    except openai.APIConnectionError as error:
        failure = Failed(broken, may_pass=True, detail=type(error.__cause__).__name__)
    except openai.APIError as error:
        failure = _refusal(error)
    except UnicodeEncodeError:  # on the way out: a key that no header can carry
        failure = Failed("refused-key")
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8
        failure = Failed("not-understood", detail=type(error).__name__)
    else:
        return
    raise failure  # here, so that the library's error, which knows the whole request, does not hang on it


def _refusal(error: openai.APIError) -> Failed:
    """What an error that the server has sent means."""
    status, pause_s = 500, None
    code, detail = str(error.code or error.type or ""), _message(error.body)
    if isinstance(error, openai.APIStatusError):
        status, pause_s = error.status_code, _retry_after_s(error.response.headers.get("retry-after"))
    elif code.isdecimal():
        status = int(code)
    reason = _reason(status, f"{code} {error.type} {detail}".lower())
    may_pass = reason in ("overloaded", "server-error") and (pause_s or 0) <= MAX_PAUSE_S
    return Failed(
        reason,
        may_pass=may_pass,
        pause_s=pause_s,
        status=status,
        code=code,
        detail=detail,
        parameter=str(error.param or ""),
    )


def _reason(status: int, said: str) -> str:
    if _TOO_LONG.search(said):
        return "too-long"
    if "insufficient_quota" in said:
        return "no-credit"
    if status == 404:
        return "no-such-model" if "model" in said else "wrong-address"
    return _REASONS.get(status, "server-error" if status >= 500 else "bad-request")


def _message(body: Any) -> str:
    """What an error's body says, on one line."""
    match body:
        case {"message": str(text)} | {"error": str(text)} | {"detail": str(text)} | str(text):
            return " ".join(text.split())
        case _:
            return ""


def _retry_after_s(header: str | None) -> float | None:
    try:
        return max(float(header or ""), 0.0)
    except ValueError:  # none, or a date, which servers of this kind do not send
        return None


def listed(answer: Any) -> tuple[str, ...]:
    """The names in a list of models; `*` is added for llama.cpp, which does not look at names.

    Raises:
        Failed: It is no such list.
    """
    match answer:
        case {"data": None}:  # Ollama without models
            return ()
        case {"data": [*models]}:
            entries = [_entry(model) for model in models]
        case _:
            raise Failed("not-understood")
    names = tuple(name for name, _ in entries)
    return (*names, "*") if any(owner == "llamacpp" for _, owner in entries) else names


def _entry(model: Any) -> tuple[str, str]:
    match model:
        case {"id": str(name), "owned_by": str(owner)}:
            return name, owner
        case {"id": str(name)}:
            return name, ""
        case _:
            raise Failed("not-understood")
