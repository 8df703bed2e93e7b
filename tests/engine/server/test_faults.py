"""Servers that refuse, break off, fall silent, or say what nobody understands."""

import asyncio
import gzip
import json
import socket
import time
from collections.abc import Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from engine.composer import Composer
from engine.composer.chat_protocol import MAX_RESPONSE_BYTES
from tests.engine.rig.llm_server import (
    Act,
    Connection,
    LlmServer,
    Watched,
    answering,
    breaking_off,
    chunk,
    in_pieces,
    saying,
    sending,
)
from tests.engine.server.conftest import REPLY, TIMEOUT_S, MakeComposer, reason, said, soon

BREAKS = ["reset", "closed in an event", "closed between events", "closed where the end may be"]
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


async def falls_silent(composer: Composer, heard: asyncio.Event) -> None:
    """Asks until the server has heard of it: on a machine that stands still the time may be over before."""
    assert await composer.health() == ""  # ready to ask, so that all of the time is the server's
    assert await reason(composer) == "silent"
    async with asyncio.timeout(TIMEOUT_S):
        while not heard.is_set():
            assert await reason(composer) == "silent"


async def test_silence_before_the_first_word(server: LlmServer, make: MakeComposer):
    """A server that says nothing in time is told to be silent, and left each time."""
    acts = [Watched(), Watched()]
    server.acts = list(acts)
    await falls_silent(make(first_token_timeout_s=1.0, retries=1), acts[-1].was_asked)
    for act in acts:
        await soon(act.was_left)


async def test_signs_of_life_are_no_words(server: LlmServer, make: MakeComposer):
    """Comments and empty events do not put off the end of patience."""
    was_asked, was_left = asyncio.Event(), asyncio.Event()

    async def act(connection: Connection) -> None:
        was_asked.set()
        await connection.begin()
        while not connection.is_gone.is_set():
            await connection.event(chunk({"role": "assistant", "content": ""}))
            await connection.send(b": still here\n\n")
            await asyncio.sleep(0.01)
        was_left.set()

    server.acts = [act]
    await falls_silent(make(first_token_timeout_s=1.0, retries=0), was_asked)
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
