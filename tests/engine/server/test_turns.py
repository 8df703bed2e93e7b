"""Whole turns with a server: finished, corrected, broken off and cancelled."""

import asyncio

import pytest

from canvas import CanvasError, parse
from engine.composer import ComposeRequest
from engine.composing import compose
from engine.errors import Unavailable
from engine.events import ComposingText, RegionFinished
from tests.engine.conftest import POND
from tests.engine.rig.llm_server import LlmServer, Watched, answering, in_pieces, saying, silent
from tests.engine.server.conftest import REPLY, WISH, MakeComposer, said, soon


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
