"""What comes of a server's replies: the words as they are said, without thoughts."""

import asyncio
import json
from contextlib import aclosing

import pytest

from engine.composer import ComposeRequest
from engine.errors import Blocked
from tests.engine.rig.llm_server import Act, Connection, LlmServer, chunk, in_pieces, saying, sending
from tests.engine.server.conftest import REPLY, TIMEOUT_S, WISH, MakeComposer, reason, said, soon


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


async def test_long_events(server: LlmServer, make: MakeComposer):
    """An event of a megabyte is passed on like any other."""
    text = "word " * 200_000
    server.acts = [saying(text)]
    assert await said(make()) == text


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
