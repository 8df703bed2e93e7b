"""The composer behind a server: vLLM, llama.cpp, Ollama, or any other that speaks OpenAI's chat protocol.

Asks for a streamed reply, passes its words on as they come, and tells what goes wrong by a reason. What is
said to the model is `prompting`'s work; reading the reply is not the composer's. The log has what an operator
needs, and neither the key nor what people wrote.
"""

import asyncio
import itertools
import random
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import openai
import structlog
from openai import AsyncOpenAI, AsyncStream
from pydantic import SecretStr

from canvas.grammar import grammar
from engine.composer import ComposeRequest
from engine.composer.chat_protocol import MAX_PAUSE_S, Failed, Speech, Token, cap, listed, token, translated
from engine.composer.prompting import Messages, fitting
from engine.errors import Blocked, EmptyPrompt, PromptTooLong, SceneTooLong, Unavailable

NAME = "openai"
HEALTH_TIMEOUT_S = 15.0
BYTES_PER_TOKEN = 3
"""A cautious guess, of UTF-8: an English token has four or more, a Chinese character is three."""

_MAX_DETAIL_CHARS = 300
_QUOTE_CHARS = 12
_OMISSIBLE = frozenset({"max_tokens", "temperature", "top_p", "seed"})

_END = object()

_MARKUP = re.compile(r"<(?=[|\uff5c/<A-Za-z])|\[(?=/?[A-Z_]+\])")
"""Where a control token's name may begin; servers read them wherever they stand: `<|eot_id|>`, `[INST]`."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Which server is asked, and how.

    Attributes:
        base_url: Up to and including `/v1`.
        temperature: Not sent when None; likewise `top_p`.
        first_token_timeout_s: How long the server may be silent at first: it may load the model, have others
            to serve, and read the request.
        between_tokens_timeout_s: How long it may be silent after that.
        retries: How often a request that came to nothing is made again.
        pause_s: Before the first retry; doubled before each further one.
        context_tokens: Of the model; without it the server has to say that a request is too long.
        grammar: How the server is asked to hold the model to Canvas code. `vllm` needs vLLM 0.11 or newer and
            works best with its backend `guidance`; `llama.cpp` needs one that was built with llguidance.
        example: Whether an example is shown, for models that were not trained on Canvas.
    """

    base_url: str
    model: str
    api_key: SecretStr | None = None
    temperature: float | None = 0.6
    top_p: float | None = 0.9
    max_tokens: int = 4096
    connect_timeout_s: float = 10.0
    first_token_timeout_s: float = 120.0
    between_tokens_timeout_s: float = 30.0
    retries: int = 2
    pause_s: float = 0.5
    context_tokens: int | None = None
    grammar: Literal["none", "vllm", "llama.cpp"] = "none"
    example: bool = False


class OpenAIComposer:
    """Composes with a language model on a server.

    >>> composer = OpenAIComposer(ServerOptions("http://localhost:8000/v1", "omost-llama-3-8b"))
    """

    def __init__(self, options: ServerOptions) -> None:
        """Connects to nothing yet."""
        self._options = options
        self._client: AsyncOpenAI | None = None
        self._making_client = asyncio.Lock()
        self._omitted: set[str] = set()  # parameters that the server has refused
        self._log = _log.bind(server=_place(options.base_url), model=options.model)

    async def compose(self, request: ComposeRequest) -> AsyncGenerator[str, None]:
        """Streams what the model says, without the thoughts of those that think aloud first.

        As long as nothing has come, what may pass is tried again; a reply that breaks off later ends where it
        broke off. Closing the iterator closes the connection.

        Raises:
            EmptyPrompt: The prompt is blank.
            PromptTooLong: The prompt does not fit into the model's context; likewise `SceneTooLong`.
            Blocked: The server's content filter held the reply back.
            Unavailable: Nothing came; its reason is one of `health`'s, or `cut-off`, `silent`, `overloaded`,
                `no-credit`, `bad-request`, `empty-reply`, `too-long`.
        """
        if not request.prompt.strip():
            raise EmptyPrompt
        messages = self._fitting(request)
        has_begun = False
        for tries in itertools.count(1):
            spared = frozenset(self._omitted)
            try:
                async with aclosing(self._reply(messages, request.seed)) as pieces:
                    async for piece in pieces:
                        has_begun = True
                        yield piece
            except Failed as failed:
                failure = failed
            else:
                return
            self._tell(failure, messages, tries=tries, has_begun=has_begun)
            if failure.reason == "withheld":
                raise Blocked
            if has_begun:  # what is there stands
                return
            if failure.parameter in _OMISSIBLE - spared:
                self._omitted.add(failure.parameter)
            else:
                messages = await self._next_try(failure, tries, request, messages)

    async def health(self) -> str:
        """Asks the server for its models, without composing.

        Returns:
            Nothing when all is well, else the reason: `unreachable`, `refused-key`, `wrong-address`,
            `no-such-model`, `server-error`, `not-understood`, or another one of `compose`'s.
        """
        try:
            names = await self.models()
        except Unavailable as error:
            return error.reason
        model = self._options.model
        if {"*", model, f"{model}:latest"} & set(names):  # Ollama's names have a tag
            return ""
        self._log.warning("llm_server_lacks_model", listed=names[:20])
        return "no-such-model"

    async def models(self) -> tuple[str, ...]:
        """The models that the server lists; among them `*` if it serves what it has under any name.

        Raises:
            Unavailable: The server or the key cannot be used.
        """
        try:
            with translated("unreachable"):
                async with asyncio.timeout(HEALTH_TIMEOUT_S):
                    client = await self._connected()
                    return listed(await client.get("/models", cast_to=object))
        except Failed as failed:
            failure = failed
        self._tell(failure, ())
        raise Unavailable(NAME, "wrong-address" if failure.status in (404, 405) else failure.reason)

    async def aclose(self) -> None:
        """Closes the connections; the composer can be used again afterwards."""
        client, self._client = self._client, None
        if client:
            await client.close()

    async def _next_try(
        self, failure: Failed, tries: int, request: ComposeRequest, messages: Messages
    ) -> Messages:
        """What to send after a failure, when it is time to send it; raises if that is of no use."""
        if failure.reason == "too-long":
            return self._shorter(request, messages)
        if not failure.may_pass or tries > self._options.retries:
            raise Unavailable(NAME, failure.reason)
        await asyncio.sleep(self._pause_s(failure, tries))
        return messages

    def _shorter(self, request: ComposeRequest, messages: Messages) -> Messages:
        size = _size(messages)
        with suppress(PromptTooLong):  # by how much, only the server knows
            return fitting(request, lambda those: _size(those) < size, example=self._options.example)
        raise Unavailable(NAME, "too-long")

    async def _reply(self, messages: Messages, seed: int) -> AsyncGenerator[str, None]:
        """One try: what is said, at least something; raises `Failed` where it breaks off."""
        speech = Speech()
        async with aclosing(self._tokens(messages, seed)) as tokens:
            async for each in tokens:
                if words := speech.hear(each.text):
                    yield words
        if not speech.has_begun:
            raise Failed("empty-reply")

    async def _tokens(self, messages: Messages, seed: int) -> AsyncGenerator[Token, None]:
        """One try: all that is heard, up to the token that says why it is the last."""
        clock = asyncio.get_running_loop().time
        deadline_s = clock() + self._options.first_token_timeout_s
        with translated("unreachable"):
            async with asyncio.timeout_at(deadline_s):
                events = await self._ask(messages, seed)
        broken_off = "not-understood"
        async with events:
            while True:
                with translated("cut-off"):
                    async with asyncio.timeout_at(deadline_s):
                        event = await anext(events, _END)
                    heard = None if event is _END else token(event)
                if event is _END:
                    raise Failed(broken_off, may_pass=broken_off == "cut-off")
                if heard:
                    yield heard
                    if heard.finish:
                        return
                    broken_off = "cut-off"
                    if heard.is_alive:
                        deadline_s = clock() + self._options.between_tokens_timeout_s

    async def _ask(self, messages: Messages, seed: int) -> AsyncStream[object]:
        client = await self._connected()
        return await client.post(
            "/chat/completions",
            cast_to=object,
            body=self._body(messages, seed),
            stream=True,
            stream_cls=AsyncStream[object],
        )

    def _body(self, messages: Messages, seed: int) -> dict[str, object]:
        options = self._options
        sampling = {
            "max_tokens": options.max_tokens,
            "temperature": options.temperature,
            "top_p": options.top_p,
            "seed": seed,
        }
        body: dict[str, object] = {
            "model": options.model,
            "messages": [
                {"role": message.role, "content": _sendable(message.content)} for message in messages
            ],
            "stream": True,
        }
        body |= {
            name: value for name, value in sampling.items() if value is not None and name not in self._omitted
        }
        if "max_tokens" in self._omitted:
            body["max_completion_tokens"] = options.max_tokens
        return body | _structured(options.grammar)

    async def _connected(self) -> AsyncOpenAI:
        async with self._making_client:
            if self._client is None:  # in a thread: it reads certificates
                self._client = await asyncio.to_thread(self._new_client)
        return self._client

    def _new_client(self) -> AsyncOpenAI:
        timeout = openai.Timeout(None, connect=self._options.connect_timeout_s)
        key = self._key() or "none"  # the library wants one, and would look for it in the environment
        if not key.isprintable():  # no header can carry a line break
            raise Failed("refused-key")
        return AsyncOpenAI(
            base_url=self._options.base_url,
            api_key=key,
            default_headers={"Accept-Encoding": "identity"},
            timeout=timeout,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(timeout=timeout, event_hooks={"response": [cap]}),
        )

    def _key(self) -> str:
        key = self._options.api_key
        return key.get_secret_value().strip() if key else ""

    def _fitting(self, request: ComposeRequest) -> Messages:
        try:
            return fitting(request, self._fits, example=self._options.example)
        except SceneTooLong:
            if request.canvas:
                raise
        raise Unavailable(NAME, "too-long")  # no scene is to blame: the answer alone leaves too little room

    def _fits(self, messages: Messages) -> bool:
        room_tokens = self._options.context_tokens
        if room_tokens is None:
            return True
        return _size(messages) / BYTES_PER_TOKEN + self._options.max_tokens <= room_tokens

    def _pause_s(self, failure: Failed, tries: int) -> float:
        if failure.pause_s is not None:
            return failure.pause_s
        return min(self._options.pause_s * 2 ** (tries - 1) * random.uniform(0.75, 1.25), MAX_PAUSE_S)

    def _tell(self, failure: Failed, messages: Messages, **more: object) -> None:
        """Logs a failure; of the server's words only such as do not repeat what it was told."""
        told = [_sendable(message.content) for message in messages if message.role != "system"]
        told.append(self._key())
        detail = failure.detail[:_MAX_DETAIL_CHARS]
        self._log.warning(
            "llm_server_failed",
            reason=failure.reason,
            status=failure.status,
            code=failure.code,
            detail="" if any(_repeats(detail, text) for text in told) else detail,
            **more,
        )


def _structured(by: str) -> dict[str, object]:
    """The part of a request that holds the model to Canvas code."""
    match by:
        case "vllm":
            return {"structured_outputs": {"grammar": grammar()}}
        case "llama.cpp":
            return {"grammar": f"%llguidance {{}}\n{grammar()}"}
        case _:
            return {}


def _size(messages: Messages) -> int:
    return sum(len(message.content.encode(errors="replace")) for message in messages)


def _sendable(text: str) -> str:
    """The text without control tokens' names, and without halves of characters, which UTF-8 does not have."""
    return _MARKUP.sub(r"\g<0> ", text).encode(errors="replace").decode()


def _repeats(detail: str, text: str) -> bool:
    """Whether some part of the text stands in the detail."""
    text = text.strip()
    chars = min(_QUOTE_CHARS, len(text))
    return any(text[start : start + chars] in detail for start in range(len(text) - chars + 1) if chars)


def _place(base_url: str) -> str:
    return urlsplit(base_url).netloc.rpartition("@")[2]  # without what may be a password
