"""What a server is sent: wish, scene and history in its model's measure, and how to sample."""

import asyncio
from dataclasses import replace

import llguidance
import pytest

from canvas import GlobalDescription, parse, write
from engine.composer import ComposeRequest, Exchange
from engine.composer.prompting import SYSTEM_TEXT
from engine.errors import EmptyPrompt, PromptTooLong, SceneTooLong
from tests.engine.conftest import POND
from tests.engine.rig.llm_server import Act, Connection, LlmServer, answering, saying
from tests.engine.server.conftest import KEY, REPLY, WISH, MakeComposer, reason, said


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


@pytest.mark.parametrize("prompt", ["", " \n"])
async def test_blank_prompts(server: LlmServer, make: MakeComposer, prompt: str):
    """A blank prompt is refused without asking anybody."""
    with pytest.raises(EmptyPrompt):
        await said(make(), ComposeRequest(prompt))
    assert server.asked == []


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
