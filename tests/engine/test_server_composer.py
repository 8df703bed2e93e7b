"""The composer behind a server, against a real one on loopback."""

import asyncio
import gzip
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

import llguidance
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from canvas import Canvas, CanvasError, GlobalDescription, LocalDescription, parse, write
from engine.composer import Composer, ComposeRequest, Exchange
from engine.composer.chat_protocol import MAX_RESPONSE_BYTES
from engine.composer.prompting import SYSTEM_TEXT
from engine.composer.server import OpenAIComposer, ServerOptions
from engine.composing import compose
from engine.errors import Blocked, EmptyPrompt, PromptTooLong, SceneTooLong, Unavailable
from engine.events import ComposingText, RegionFinished
from tests.engine.rig.llm_server import (
    Act,
    Connection,
    LlmServer,
    answering,
    chunk,
    listing,
    saying,
    silent,
)

TIMEOUT_S = 30
KEY = "sk-very-secret-0123456789"
WISH = "a frog that wears a purple hat"
POND = Canvas(
    GlobalDescription("A pond in spring.", tags="pond, spring", color="lightgreen"),
    (
        LocalDescription("A frog on a leaf.", location="on the left", color="green"),
        LocalDescription("A heron — 苍鹭.", location="on the right", color="gray", distance_to_viewer=9.0),
    ),
)
REPLY = f"Here is a pond, 很安静.\n```python\n{write(POND)}```\n"

MakeComposer = Callable[..., OpenAIComposer]


@pytest.fixture
async def server() -> AsyncIterator[LlmServer]:
    async with LlmServer() as llm_server:
        yield llm_server
    assert llm_server.failures == []


@pytest.fixture
async def make(server: LlmServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeComposer]:
    """Makes composers that ask the server, without detours, and closes them at the end."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made: list[OpenAIComposer] = []

    def make_composer(**changed: object) -> OpenAIComposer:
        options = ServerOptions(server.base_url, "tiny", SecretStr(KEY), retries=2, pause_s=0.01)
        made.append(OpenAIComposer(replace(options, **changed)))
        return made[-1]

    yield make_composer
    for composer in made:
        await composer.aclose()


async def said(composer: Composer, request: ComposeRequest | None = None) -> str:
    async with asyncio.timeout(TIMEOUT_S):
        return "".join([piece async for piece in composer.compose(request or ComposeRequest(WISH))])


async def reason(composer: Composer, request: ComposeRequest | None = None) -> str:
    """Why it says nothing."""
    with pytest.raises(Unavailable) as unavailable:
        await said(composer, request)
    assert unavailable.value.backend == "openai"
    return unavailable.value.reason


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        await event.wait()


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


BREAKS = ["reset", "closed in an event", "closed between events", "closed where the end may be"]


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


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_passes_on_what_is_said(server: LlmServer, make: MakeComposer, size: int):
    """The pieces are the model's words, however many come in one event."""
    server.acts = [saying(*in_pieces(REPLY, size))]
    assert await said(make()) == REPLY
    assert len(server.asked) == 1


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [1, 2, 333])
async def test_odd_pieces(server: LlmServer, make: MakeComposer, end: bytes, size: int):
    """Events may come torn anywhere, in characters too, with comments and statistics between them."""
    lines = [b": keep-alive", b""]
    for words in in_pieces(REPLY, 40):
        event = json.dumps(chunk({"content": words}), ensure_ascii=False).encode()
        lines += [b"data: " + event, b"", b": ping", b"", b'data: {"choices": [], "usage": null}', b""]
    lines += [b"data:" + json.dumps(chunk({}, "stop")).encode(), b"", b"data: [DONE]", b"", b""]
    stream = end.join(lines)
    server.acts = [sending(*(stream[at : at + size] for at in range(0, len(stream), size)))]
    assert await said(make()) == REPLY


async def test_comes_as_it_is_said(server: LlmServer, make: MakeComposer):
    """A piece can be read before the next one is said."""
    was_read = [asyncio.Event() for _ in range(3)]

    async def act(connection: Connection) -> None:
        await connection.begin()
        for word, event in zip(("one", "two", "three"), was_read, strict=True):
            await connection.say(word)
            await event.wait()
        await connection.say(finish="stop")

    server.acts = [act]
    async with asyncio.timeout(TIMEOUT_S), aclosing(make().compose(ComposeRequest(WISH))) as pieces:
        for event in was_read:
            assert await anext(pieces) in ("one", "two", "three")
            event.set()
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)


async def test_what_is_sent(server: LlmServer, make: MakeComposer):
    """The model is told the system's text first, then the history, then the wish, and how to sample."""
    server.acts = [saying(REPLY)]
    code = write(POND)
    request = ComposeRequest("now at dusk", POND, (Exchange(WISH, code),), seed=2**32 - 1, is_first=False)
    await said(make(temperature=0.25, top_p=0.5, max_tokens=999), request)
    (asked,) = server.asked
    messages = asked.body.pop("messages")
    assert asked.body == {
        "model": "tiny",
        "stream": True,
        "temperature": 0.25,
        "top_p": 0.5,
        "max_tokens": 999,
        "seed": 2**32 - 1,
    }
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert "class Canvas" in messages[0]["content"]
    assert messages[1]["content"] == WISH
    assert parse(messages[2]["content"]) == POND
    assert messages[3]["content"] == "now at dusk"
    assert asked.headers["authorization"] == f"Bearer {KEY}"


async def test_nothing_of_sampling_is_sent_if_so_wished(server: LlmServer, make: MakeComposer):
    """A model that has its own way of sampling is left to it; an example is shown if wished."""
    server.acts = [saying(REPLY)]
    await said(make(temperature=None, top_p=None, api_key=None, example=True))
    (asked,) = server.asked
    assert not asked.body.keys() & {"temperature", "top_p"}
    roles = [message["role"] for message in asked.body["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


async def test_halves_of_characters(server: LlmServer, make: MakeComposer):
    """A wish with half a character in it is sent without it."""
    server.acts = [saying(REPLY)]
    assert await said(make(context_tokens=100_000), ComposeRequest("a \ud83d frog")) == REPLY
    assert server.asked[0].body["messages"][-1]["content"] == "a ? frog"


async def test_grammar(server: LlmServer, make: MakeComposer):
    """Both vLLM and llama.cpp get the grammar where they look for it, in a form that llguidance takes."""
    server.acts = [saying(REPLY)]
    await said(make(grammar="vllm"))
    await said(make(grammar="llama.cpp"))
    await said(make())
    vllm, llama_cpp, plain = (asked.body for asked in server.asked)
    lark = vllm.pop("structured_outputs")["grammar"]
    assert llama_cpp.pop("grammar") == f"%llguidance {{}}\n{lark}"
    assert vllm == llama_cpp == plain
    for text, is_valid in ((lark, True), (f"%llguidance {{}}\n{lark}", True), ("start: nothing", False)):
        problem = llguidance.LLMatcher.validate_grammar(llguidance.grammar_from("grammar", text))
        assert (problem == "") == is_valid


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    "thoughts",
    [
        "<think>A pond? Or a </thin lake...\n```python\nnot yet\n```</think>\n\n",
        "\n <think>\n\n</think>",
        "<think></think><think>again</think>",
    ],
)
async def test_thoughts_are_dropped(server: LlmServer, make: MakeComposer, thoughts: str, size: int):
    """A block of thoughts at the beginning is not passed on, however it is cut into pieces."""
    server.acts = [saying(*in_pieces(thoughts + REPLY, size))]
    assert await said(make()) == REPLY


@pytest.mark.parametrize("text", ["<thinking> about it", "< think>", "I <think>so</think>", "<", "a<think>"])
async def test_only_thoughts_at_the_beginning_are_dropped(server: LlmServer, make: MakeComposer, text: str):
    """What only looks like a block of thoughts is passed on once more is said."""
    server.acts = [saying(*in_pieces(text + " yes", 1))]
    assert await said(make()) == text + " yes"


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_reasoning_is_dropped(server: LlmServer, make: MakeComposer, name: str):
    """Thoughts that come in a field of their own are not passed on."""
    events = [
        chunk({name: "A pond?"}),
        chunk({name: "Yes.", "content": None}),
        chunk({"content": REPLY}, "stop"),
    ]
    server.acts = [sending(*(b"data: %b\n\n" % json.dumps(event).encode() for event in events))]
    assert await said(make()) == REPLY


async def test_stops_at_the_end(server: LlmServer, make: MakeComposer):
    """After the reason to finish nothing more is waited for, and the connection is left."""
    was_left = asyncio.Event()

    async def act(connection: Connection) -> None:
        await connection.begin()
        await connection.say("All.", finish="length")
        await connection.is_gone.wait()
        was_left.set()

    server.acts = [act]
    assert await said(make()) == "All."
    await soon(was_left)


@pytest.mark.parametrize(
    "act",
    [
        saying(),
        saying(""),
        saying("  \n"),
        saying("<think>Hm.</think>"),
        saying("<think>Hm, and then", finish="length"),
        saying(finish="tool_calls"),
    ],
)
async def test_empty_replies(server: LlmServer, make: MakeComposer, act: Act):
    """A reply without a word is told as such, and not asked for again."""
    server.acts = [act]
    assert await reason(make()) == "empty-reply"
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "act",
    [
        saying(finish="content_filter"),
        saying("Here is", finish="content_filter"),
        sending(b'data: {"choices": [{"delta": {"refusal": "I cannot."}}]}\n\n'),
    ],
)
async def test_withheld(server: LlmServer, make: MakeComposer, act: Act):
    """A reply that the server's filter holds back is blocked, also when it had begun."""
    server.acts = [act]
    with pytest.raises(Blocked):
        await said(make())
    assert len(server.asked) == 1


MODEL_AWAY = {"error": {"message": "The model `tiny` does not exist.", "code": "model_not_found"}}
NO_CREDIT = {"error": {"message": "You exceeded your quota.", "code": "insufficient_quota"}}


@pytest.mark.parametrize(
    ("act", "why", "tries"),
    [
        (answering(400, {"error": {"message": "Grammar error"}}), "bad-request", 1),
        (answering(400, {"error": "strange"}), "bad-request", 1),
        (answering(400, {"error": {"message": 7, "code": 8, "param": [], "type": {}}}), "bad-request", 1),
        (answering(401, {"error": {"message": "Incorrect API key provided"}}), "refused-key", 1),
        (answering(403, "<h1>Forbidden</h1>"), "refused-key", 1),
        (answering(402, {"error": {"message": "Insufficient credits"}}), "no-credit", 1),
        (answering(404, MODEL_AWAY), "no-such-model", 1),
        (answering(404, "404 page not found"), "wrong-address", 1),
        (answering(422, {"detail": [{"loc": ["body", "seed"]}]}), "bad-request", 1),
        (answering(429, "slow down"), "overloaded", 3),
        (answering(429, NO_CREDIT), "no-credit", 1),
        (answering(429, "", retry_after="3600"), "overloaded", 1),
        (answering(500, "<h1>Oops</h1>"), "server-error", 3),
        (answering(502), "server-error", 3),
        (answering(503, {"error": {"message": "Loading model", "code": 503}}), "overloaded", 3),
        (sending(b'data: {"error": {"message": "boom", "code": 500}}\n\n'), "server-error", 3),
        (sending(b'data: {"error": "boom"}\n\n'), "server-error", 3),
        (sending(b'data: {"error": {"message": "bad grammar", "code": 400}}\n\n'), "bad-request", 1),
    ],
)
async def test_refusals(server: LlmServer, make: MakeComposer, act: Act, why: str, tries: int):
    """Every way in which a server says no has its reason; what may pass is tried again."""
    server.acts = [act]
    assert await reason(make()) == why
    assert len(server.asked) == tries


@pytest.mark.parametrize(
    "acts",
    [
        [answering(429, retry_after="0"), answering(429)],
        [answering(500), answering(502)],
        [answering(503), sending(b'data: {"error": {"code": 500}}\n\n')],
        [breaking_off(how="reset"), breaking_off(how="closed where the end may be")],
        [breaking_off("<think>Hm", how="reset")],
    ],
)
async def test_what_passes(server: LlmServer, make: MakeComposer, acts: list[Act]):
    """A server that recovers in time is not noticed."""
    server.acts = [*acts, saying(REPLY)]
    assert await said(make()) == REPLY
    assert len(server.asked) == len(acts) + 1


async def test_waits_as_long_as_told(server: LlmServer, make: MakeComposer):
    """A server that names a time is left alone for that time."""
    server.acts = [answering(429, retry_after="0.4"), saying(REPLY)]
    began_s = time.monotonic()
    assert await said(make()) == REPLY
    assert time.monotonic() - began_s >= 0.4


async def test_nobody_there(make: MakeComposer):
    """Where nobody listens it is told that nobody can be reached."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        composer = make(base_url=f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
        with capture_logs() as log:
            assert await reason(composer) == "unreachable"
        assert [entry["tries"] for entry in log] == [1, 2, 3]
        assert await composer.health() == "unreachable"


async def test_silence_before_the_first_word(server: LlmServer, make: MakeComposer):
    """A server that says nothing in time is told to be silent, and left each time."""
    acts = [Watched(), Watched()]
    server.acts = list(acts)
    composer = make(first_token_timeout_s=1.0, retries=1)
    assert await composer.health() == ""  # ready to ask, so that all of the time is the server's
    assert await reason(composer) == "silent"
    for act in acts:
        await soon(act.was_left)


async def test_signs_of_life_are_no_words(server: LlmServer, make: MakeComposer):
    """Comments and empty events do not put off the end of patience."""
    was_left = asyncio.Event()

    async def act(connection: Connection) -> None:
        await connection.begin()
        while not connection.is_gone.is_set():
            await connection.event(chunk({"role": "assistant", "content": ""}))
            await connection.send(b": still here\n\n")
            await asyncio.sleep(0.01)
        was_left.set()

    server.acts = [act]
    composer = make(first_token_timeout_s=1.0, retries=0)
    assert await composer.health() == ""
    assert await reason(composer) == "silent"
    await soon(was_left)


async def test_silence_between_words(server: LlmServer, make: MakeComposer):
    """A reply that stalls ends as it is, and its connection is left."""
    act = Watched("Here is a pond")
    server.acts = [act]
    assert await said(make(between_tokens_timeout_s=0.2)) == "Here is a pond"
    assert len(server.asked) == 1
    await soon(act.was_left)


@pytest.mark.parametrize("how", BREAKS)
async def test_breaks_off_after_words(server: LlmServer, make: MakeComposer, how: str):
    """A reply that breaks off is what came of it, and is not asked for again."""
    server.acts = [breaking_off(*in_pieces(REPLY, 20), how=how)]
    with capture_logs() as log:
        heard = await said(make())
    assert len(server.asked) == 1
    if how == "reset":  # which may overtake what was sent before it
        assert REPLY.startswith(heard)
    else:
        assert heard == REPLY
    assert [entry["has_begun"] for entry in log] == [True]


@pytest.mark.parametrize("how", BREAKS)
async def test_breaks_off_before_words(server: LlmServer, make: MakeComposer, how: str):
    """A reply of which nothing ever comes is asked for again, and then told as cut off."""
    server.acts = [breaking_off(how=how)]
    assert await reason(make()) in ("cut-off", "unreachable" if how == "reset" else "cut-off")
    assert len(server.asked) == 3


MALFORMED = {
    "no JSON": b"data: {choices: 7}\n\n",
    "half an object": b'data: {"choices": [\n\n',
    "no object": b"data: 7\n\n",
    "a list": b"data: []\n\n",
    "choices of another kind": b'data: {"choices": "many"}\n\n',
    "a choice of another kind": b'data: {"choices": [7]}\n\n',
    "a delta of another kind": b'data: {"choices": [{"delta": "word"}]}\n\n',
    "content of another kind": b'data: {"choices": [{"delta": {"content": 5}}]}\n\n',
    "no UTF-8": b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n',
    "too deep": b"data: " + b"[" * 200_000 + b"\n\n",
    "a huge line": b"data: " + b"x" * 4_000_000 + b"\n\n",
}


@pytest.mark.parametrize("event", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_events(server: LlmServer, make: MakeComposer, event: bytes):
    """What cannot be understood is told as such; after words it ends the reply."""
    word = b"data: %b\n\n" % json.dumps(chunk({"content": "Here"})).encode()
    server.acts = [sending(event, word), sending(word, event, word)]
    composer = make()
    assert await reason(composer) == "not-understood"
    assert await said(composer) == "Here"
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "act",
    [
        answering(200, "<!doctype html><h1>Welcome to nginx!</h1>"),
        answering(200, {"choices": [{"message": {"content": "not streamed"}}]}),
        answering(200, ""),
        sending(b'data: {"type": "ping"}\n\ndata: {"choices": []}\n\n'),
        sending(b"data: [DONE]\n\n"),
        sending(b"hello\n\n", kind="text/plain"),
    ],
)
async def test_no_such_protocol(server: LlmServer, make: MakeComposer, act: Act):
    """What is no stream of a reply is told as not understood."""
    server.acts = [act]
    assert await reason(make()) == "not-understood"
    assert len(server.asked) == 1


async def test_long_events(server: LlmServer, make: MakeComposer):
    """An event of a megabyte is passed on like any other."""
    text = "word " * 200_000
    server.acts = [saying(text)]
    assert await said(make()) == text


class Endless:
    """Sends an event that never ends, or an error, and counts what is taken of it."""

    def __init__(self, begin: Callable[[Connection], Awaitable[None]]) -> None:
        self.begin = begin
        self.sent_bytes = 0
        self.was_left = asyncio.Event()

    async def __call__(self, connection: Connection) -> None:
        await self.begin(connection)
        try:
            while self.sent_bytes < 4 * MAX_RESPONSE_BYTES:
                await connection.raw(b"a" * 65_536)
                self.sent_bytes += 65_536
        except ConnectionError:
            self.was_left.set()


async def begin_words(connection: Connection) -> None:
    await connection.begin(is_chunked=False)
    await connection.say("Here")
    await connection.send(b"data: ")


async def begin_nothing(connection: Connection) -> None:
    await connection.begin(is_chunked=False)
    await connection.send(b"data: ")


async def begin_error(connection: Connection) -> None:
    await connection.raw(b"HTTP/1.1 400 Said\r\ncontent-type: text/plain\r\n\r\n")


@pytest.mark.parametrize("begin", [begin_nothing, begin_error])
async def test_endless_responses(server: LlmServer, make: MakeComposer, begin: Act):
    """What never ends is left when it has more bytes than any reply, and is told as not understood."""
    act = Endless(begin)
    server.acts = [act]
    composer = make()
    assert await reason(composer) == "not-understood"
    await soon(act.was_left)
    assert act.sent_bytes < 2 * MAX_RESPONSE_BYTES
    assert len(server.asked) == 1


async def test_endless_events_after_words(server: LlmServer, make: MakeComposer):
    """The words before an event that never ends stand."""
    act = Endless(begin_words)
    server.acts = [act]
    assert await said(make()) == "Here"
    await soon(act.was_left)


async def test_endless_lists_of_models(server: LlmServer, make: MakeComposer):
    """Nor does a list of models fill the memory."""
    server.models = act = Endless(begin_nothing)
    assert await make().health() == "not-understood"
    await soon(act.was_left)


async def test_compressed_responses(server: LlmServer, make: MakeComposer):
    """Compressed answers are neither asked for nor read: a few of their bytes could become any number."""
    body = gzip.compress(b"data: " + b"a" * 1000)
    head = b"HTTP/1.1 200 Said\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n"
    server.acts = [lambda connection: connection.raw(head + b"connection: close\r\n\r\n" + body)]
    with capture_logs() as log:
        assert await reason(make()) == "not-understood"
    assert [entry["detail"] for entry in log] == ["compressed"]
    assert server.asked[0].headers["accept-encoding"] == "identity"


async def test_closing_leaves_the_server(server: LlmServer, make: MakeComposer):
    """Closing the iterator in the middle closes the connection at once, and nothing more comes."""
    act = Watched("Here")
    server.acts = [act]
    pieces = make().compose(ComposeRequest(WISH))
    assert await anext(pieces) == "Here"
    await pieces.aclose()
    await soon(act.was_left)
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)


@pytest.mark.parametrize("words", [(), ("Here",)])
async def test_cancelling_leaves_the_server(server: LlmServer, make: MakeComposer, words: tuple[str, ...]):
    """A cancelled turn leaves the connection, before the first word and between words."""
    act = Watched(*words)
    server.acts = [act]
    turn = asyncio.create_task(compose(make(), ComposeRequest(WISH), lambda _: None))
    await soon(act.was_asked)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    await soon(act.was_left)


async def test_cancelling_a_pause(server: LlmServer, make: MakeComposer):
    """A cancelled turn that waits to try again does not try again."""
    server.acts = [answering(429, retry_after="20"), saying(REPLY)]
    turn = asyncio.create_task(said(make()))
    await soon(server.has_been_asked)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert len(server.asked) == 1


@pytest.mark.parametrize("prompt", ["", " \n"])
async def test_blank_prompts(server: LlmServer, make: MakeComposer, prompt: str):
    """A blank prompt is refused without asking anybody."""
    with pytest.raises(EmptyPrompt):
        await said(make(), ComposeRequest(prompt))
    assert server.asked == []


@pytest.mark.parametrize(
    ("models", "why"),
    [
        (listing("tiny", "big"), ""),
        (listing("tiny:latest"), ""),
        (listing("/models/some.gguf", owner="llamacpp"), ""),
        (listing("big"), "no-such-model"),
        (listing(), "no-such-model"),
        (answering(200, {"object": "list", "data": None}), "no-such-model"),
        (answering(200, {"data": [{"name": "tiny"}]}), "not-understood"),
        (answering(200, {"models": []}), "not-understood"),
        (answering(200, "<h1>Welcome</h1>"), "not-understood"),
        (answering(401, {"error": {"message": "no key"}}), "refused-key"),
        (answering(404, "404 page not found"), "wrong-address"),
        (answering(405), "wrong-address"),
        (answering(429), "overloaded"),
        (answering(500), "server-error"),
    ],
)
async def test_health(server: LlmServer, make: MakeComposer, models: Act, why: str):
    """The health of the server is nothing or the reason why it cannot be used."""
    server.models = models
    assert await make().health() == why
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", "/v1/models")
    assert asked.headers["authorization"] == f"Bearer {KEY}"


async def test_lists_models(server: LlmServer, make: MakeComposer):
    """The models that a server has can be told to whoever named another."""
    server.models = listing("big", "small")
    assert await make().models() == ("big", "small")


async def test_an_address_without_its_path(server: LlmServer, make: MakeComposer):
    """An address that lacks its end is told as wrong, by health and by the first request."""
    composer = make(base_url=server.base_url.removesuffix("/v1"))
    assert await composer.health() == "wrong-address"
    assert await reason(composer) == "wrong-address"


@pytest.mark.parametrize("key", ["schlüssel", "钥匙", "one\ntwo", "one\r\ntwo", "one\0two"])
async def test_keys_that_no_header_carries(make: MakeComposer, key: str):
    """A key of characters that no server can be told is a key that is refused."""
    composer = make(api_key=SecretStr(key))
    assert await composer.health() == "refused-key"
    assert await reason(composer) == "refused-key"


async def test_neither_key_nor_words_are_told(server: LlmServer, make: MakeComposer):
    """No error, no log and no repr has the key or what the person wrote, though the server repeats them."""
    told = [
        f"Incorrect API key provided: {KEY}",
        f"bad input: {WISH!r}",
        f"cannot parse ...{WISH[5:25]}... of it",
        "The seed is too large",
    ]
    server.acts = [answering(400, {"error": {"message": text}}) for text in told]
    composer = make()
    with capture_logs() as log:
        for _ in told:
            with pytest.raises(Unavailable) as unavailable:
                await said(composer)
            assert unavailable.value.__context__ is None
    assert [entry["detail"] for entry in log] == ["", "", "", "The seed is too large"]
    assert {entry["server"] for entry in log} == {server.base_url.removeprefix("http://").removesuffix("/v1")}
    assert not any(secret in repr(log) for secret in (KEY, WISH, "purple"))
    assert KEY not in repr(composer._options)


async def test_a_password_in_the_address_is_not_logged(server: LlmServer, make: MakeComposer):
    """Of the address the log has host and port."""
    server.models = answering(500)
    composer = make(base_url=server.base_url.replace("//", "//ann:hunter2@"))
    with capture_logs() as log:
        assert await composer.health() == "server-error"
    assert log
    assert "hunter2" not in repr(log)


LONG_AGO = tuple(Exchange(f"wish number {number}", write(POND)) for number in range(8))
TOO_LONG = [
    {"message": "maximum context length is 8192 tokens", "code": "context_length_exceeded"},
    {
        "message": "This model's maximum context length is 4096 tokens.",
        "type": "BadRequestError",
        "code": 400,
    },
    {"message": "the request exceeds it", "type": "exceed_context_size_error", "code": 400},
]


async def test_a_long_history_is_shortened(server: LlmServer, make: MakeComposer):
    """What does not fit into the known context is told shortly: first wish, scene, new wish."""
    server.acts = [saying(REPLY)]
    request = ComposeRequest("now at dusk", POND, LONG_AGO)
    await said(make(context_tokens=20_000), request)
    await said(make(context_tokens=6_000), request)
    whole, short = ([message["content"] for message in asked.body["messages"]] for asked in server.asked)
    assert len(whole) == 18
    assert len(short) == 4
    assert (short[1], short[3]) == ("wish number 0", "now at dusk")
    with pytest.raises(PromptTooLong):
        await said(make(context_tokens=6_000), replace(request, prompt="frog " * 4_000))


@pytest.mark.parametrize("error", TOO_LONG)
async def test_the_server_says_that_it_is_too_long(
    server: LlmServer, make: MakeComposer, error: dict[str, object]
):
    """A history that the server finds too long is told shortly; what cannot be, is too long."""
    server.acts = [answering(400, {"error": error}), saying(REPLY)]
    assert await said(make(retries=0), ComposeRequest("now at dusk", POND, LONG_AGO)) == REPLY
    assert [len(asked.body["messages"]) for asked in server.asked] == [18, 4]
    server.acts = [answering(400, {"error": error})]
    assert await reason(make(), ComposeRequest(WISH)) == "too-long"
    assert len(server.asked) == 3


async def test_an_answer_that_leaves_no_room(server: LlmServer, make: MakeComposer):
    """Where the answer's tokens fill the context, no scene is blamed: the reason names the settings."""
    assert await reason(make(context_tokens=4096, max_tokens=4096)) == "too-long"
    with pytest.raises(SceneTooLong):
        await said(make(context_tokens=4096, max_tokens=4096), ComposeRequest("at dusk", POND))
    assert server.asked == []


async def test_parameters_that_a_model_does_not_take(server: LlmServer, make: MakeComposer):
    """What a model does not take is left out, or called by its other name, from then on."""

    def refusing(name: str) -> Act:
        error = {"message": f"Unsupported parameter: {name}", "code": "unsupported_parameter", "param": name}
        return answering(400, {"error": error})

    names = ["max_tokens", "temperature", "top_p", "seed"]
    server.acts = [*map(refusing, names), saying(REPLY)]
    composer = make(retries=0)
    assert await said(composer) == REPLY
    assert await said(composer) == REPLY
    assert len(server.asked) == 6
    for asked in server.asked[-2:]:
        assert asked.body.keys() == {"model", "messages", "stream", "max_completion_tokens"}
    server.acts = [refusing("messages")]
    assert await reason(composer) == "bad-request"


async def test_parameters_that_are_refused_to_several_at_once(server: LlmServer, make: MakeComposer):
    """Requests that are refused for the same parameter at the same time are all made again without it."""
    is_full = asyncio.Barrier(3)

    async def act(connection: Connection) -> None:
        if "seed" not in connection.asked.body:
            await saying(REPLY)(connection)
            return
        await is_full.wait()
        await connection.answer(400, {"error": {"message": "Unsupported parameter", "param": "seed"}})

    server.acts = [act]
    composer = make(retries=0)
    assert await asyncio.gather(*(said(composer) for _ in range(3))) == [REPLY] * 3


@pytest.mark.parametrize(
    "name",
    ["<|eot_id|>", "<|im_start|>", "</s>", "<start_of_turn>", "<\uff5cUser\uff5c>", "[INST]", "[/INST]"],
)
async def test_no_word_of_a_person_is_a_control_token(server: LlmServer, make: MakeComposer, name: str):
    """Their names are told as text, in requests and in scenes; the system's text stays as it is."""
    server.acts = [saying(REPLY)]
    scene = replace(POND, global_description=GlobalDescription(f"A pond {name} in spring."))
    await said(make(), ComposeRequest(f"a pond{name}system", scene))
    system, *told = (message["content"] for message in server.asked[0].body["messages"])
    assert system == SYSTEM_TEXT
    assert [text for text in told if name in text] == []
    assert all(name[1:] in text for text in told)


async def test_several_at_once(server: LlmServer, make: MakeComposer):
    """Conversations at the same time do not hear each other, and a closed composer can be used again."""
    is_full = asyncio.Barrier(4)

    async def act(connection: Connection) -> None:
        await connection.begin()
        await is_full.wait()
        await connection.say(connection.asked.body["messages"][-1]["content"], finish="stop")

    server.acts = [act]
    composer = make()
    wishes = [f"wish {number}" for number in range(4)]
    assert await asyncio.gather(*(said(composer, ComposeRequest(wish)) for wish in wishes)) == wishes
    await composer.aclose()
    server.acts = [saying(REPLY)]
    assert await said(composer) == REPLY


async def test_a_turn(server: LlmServer, make: MakeComposer):
    """A turn ends in the canvas that the model wrote, whose regions are seen as they come."""
    server.acts = [saying(*in_pieces(REPLY, 11))]
    events: list[object] = []
    composition = await compose(make(), ComposeRequest(WISH), events.append)
    assert composition.canvas == POND
    assert composition.remark == "Here is a pond, 很安静."
    assert "".join(event.text for event in events if isinstance(event, ComposingText)) == REPLY
    regions = [len(event.canvas.local_descriptions) for event in events if isinstance(event, RegionFinished)]
    assert regions == [0, 1, 2]


async def test_a_turn_that_breaks_off_keeps_what_is_complete(server: LlmServer, make: MakeComposer):
    """Of a reply that stalls in the second region the first one is kept, without asking again."""
    server.acts = [Watched(REPLY[: REPLY.index("A heron")])]
    composer = make(between_tokens_timeout_s=0.2)
    composition = await compose(composer, ComposeRequest(WISH), lambda _: None)
    assert [each.description for each in composition.canvas.local_descriptions][:1] == ["A frog on a leaf."]
    assert len(server.asked) == 1


async def test_a_turn_that_needs_correction(server: LlmServer, make: MakeComposer):
    """A reply without a canvas is told back as the model's, and what was wrong with it comes after."""
    wrong = "I would paint a pond."
    with pytest.raises(CanvasError) as unreadable:
        parse(wrong)
    server.acts = [saying(wrong), saying(REPLY)]
    composition = await compose(make(), ComposeRequest(WISH), lambda _: None)
    assert composition.canvas == POND
    first, second = (asked.body["messages"] for asked in server.asked)
    assert second[:-1] == [*first, {"role": "assistant", "content": wrong}]
    assert second[-1]["role"] == "user"
    assert str(unreadable.value) in second[-1]["content"]


async def test_a_silent_server_ends_a_turn(server: LlmServer, make: MakeComposer):
    """A turn with a server that stays silent ends with the reason."""
    server.acts = [silent]
    with pytest.raises(Unavailable, match="silent"):
        await compose(make(first_token_timeout_s=0.2, retries=0), ComposeRequest(WISH), lambda _: None)
