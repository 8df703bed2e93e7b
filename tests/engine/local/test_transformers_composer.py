"""The composer on this machine, with a tiny random Llama from a folder."""

import asyncio
import gc
import json
import shutil
import threading
import weakref
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from structlog.testing import capture_logs
from structlog.typing import EventDict
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from canvas import Canvas, GlobalDescription, parse, write
from engine.composer import ComposeRequest, Exchange
from engine.composer.local import TransformersComposer, TransformersOptions
from engine.composer.prompting import in_fence
from engine.errors import EmptyPrompt, PromptTooLong, SceneTooLong, Unavailable

TIMEOUT_S = 120
LAST_FORCED_TOKENS = 6
"""As many at the end of a scene leave no choice, so that the model does not read them in that turn."""


@pytest.fixture
def options(omost_folder: Path) -> TransformersOptions:
    return TransformersOptions(
        str(omost_folder), context_tokens=1536, conversations=2, max_new_tokens=200, device="cpu"
    )


async def answer(composer: TransformersComposer, request: ComposeRequest) -> str:
    async with asyncio.timeout(TIMEOUT_S), aclosing(composer.compose(request)) as pieces:
        return "".join([piece async for piece in pieces])


async def turn(composer: TransformersComposer, request: ComposeRequest) -> tuple[str, EventDict]:
    """The answer to a request, and what the log says of it."""
    with capture_logs() as logs:
        text = await answer(composer, request)
    return text, next(log for log in logs if log["event"] == "composed")


def following(request: ComposeRequest, text: str, prompt: str) -> ComposeRequest:
    """The next request of a conversation, as the studio makes it from what is stored."""
    canvas = parse(text)
    history = (*request.history, Exchange(request.prompt, write(canvas)))
    return ComposeRequest(prompt, canvas, history, seed=request.seed)


@pytest.mark.parametrize("family", ["llama-3", "phi-3"])
async def test_even_noise_is_a_canvas(
    family: str,
    options: TransformersOptions,
    tokenizers: dict[str, PreTrainedTokenizerFast],
    make_model: Callable[..., PreTrainedModel],
    tmp_path: Path,
) -> None:
    """Under the grammar a random model writes a scene in a fence, also where it comes to its limit."""
    make_model(family, tokenizers[family]).save_pretrained(tmp_path)
    tokenizers[family].save_pretrained(tmp_path)
    composer = TransformersComposer(replace(options, model=str(tmp_path), example="off"))

    for seed in range(2):
        text = await answer(composer, ComposeRequest("a pond", seed=seed))
        assert text.startswith("```python\n")
        assert text.rstrip().endswith("```")
        assert parse(text).repairs == ()


async def test_the_second_turn_reuses_the_first(options: TransformersOptions) -> None:
    """Stored as canonical code, an answer is found again as the model wrote it: nothing is computed twice."""
    composer = TransformersComposer(replace(options, max_new_tokens=450))
    first = ComposeRequest("a pond", seed=0)
    text, told = await turn(composer, first)
    assert in_fence(write(parse(text))) != text  # told as it is stored, it would be read anew from there on
    _, told_next = await turn(composer, following(first, text, "add a heron"))

    assert told["end"] == "stop"
    assert told["reused_tokens"] == 0
    assert told_next["reused_tokens"] >= told["prompt_tokens"] + told["tokens"] - LAST_FORCED_TOKENS
    assert told_next["prompt_tokens"] > told_next["reused_tokens"]


async def test_a_scene_changed_by_hand_reuses_what_came_before(options: TransformersOptions) -> None:
    """The prompt up to the first request is the same; from there on the model reads what the person sees."""
    composer = TransformersComposer(options)
    first = ComposeRequest("a pond", seed=3)
    text, told = await turn(composer, first)
    second = following(first, text, "add a heron")
    dusk = Canvas(GlobalDescription("A pond at dusk."))
    _, told_next = await turn(composer, replace(second, canvas=dusk))

    assert told["prompt_tokens"] - 1 <= told_next["reused_tokens"] < told["prompt_tokens"] + 40


async def test_seeds_fix_the_answer(options: TransformersOptions) -> None:
    """The same request gives the same words, also from a fresh composer; another seed gives others."""
    request = ComposeRequest("a pond", seed=3)
    composer = TransformersComposer(options)
    text = await answer(composer, request)

    assert await answer(TransformersComposer(options), request) == text
    assert await answer(composer, request) == text
    assert await answer(composer, replace(request, seed=4)) != text


async def test_two_conversations_at_once_are_written_as_alone(options: TransformersOptions) -> None:
    """They share the model and nothing else."""
    requests = [ComposeRequest("a pond", seed=3), ComposeRequest("a 城堡", seed=5)]
    alone = [await answer(TransformersComposer(options), request) for request in requests]

    composer = TransformersComposer(options)
    together = await asyncio.gather(*(answer(composer, request) for request in requests))
    assert together == alone


async def test_more_conversations_than_are_kept_take_turns(options: TransformersOptions) -> None:
    """With room for one, all four are answered."""
    composer = TransformersComposer(replace(options, conversations=1, max_new_tokens=120))
    texts = await asyncio.gather(
        *(answer(composer, ComposeRequest("a pond", seed=seed)) for seed in range(4))
    )

    assert len({parse(text) for text in texts}) == 4


async def test_answers_come_in_pieces_of_whole_characters(options: TransformersOptions) -> None:
    """Without the grammar a random model writes any bytes; none arrives as half a character at an end."""
    composer = TransformersComposer(replace(options, grammar=False, temperature=1.5, top_p=1.0))
    async with aclosing(composer.compose(ComposeRequest("a pond", seed=1))) as pieces:
        heard = [piece async for piece in pieces]

    assert len(heard) > 50
    assert not any(piece.endswith("\N{REPLACEMENT CHARACTER}") for piece in heard)
    assert not any("<|" in piece for piece in heard)


async def test_an_answer_has_no_more_tokens_than_allowed(options: TransformersOptions) -> None:
    """The limit holds with the grammar, whose scene is closed in time, and without."""
    for grammar in (True, False):
        composer = TransformersComposer(replace(options, grammar=grammar, max_new_tokens=90))
        text, told = await turn(composer, ComposeRequest("a pond", seed=3))
        assert 0 < told["tokens"] <= 90
        assert text


async def test_closing_the_stream_stops_the_model(options: TransformersOptions) -> None:
    """Within one pass; when closing returns nothing runs any more, and the next request is answered."""
    composer = TransformersComposer(options)
    request = ComposeRequest("a pond", seed=3)
    whole = await answer(composer, request)
    passes = count_passes((await composer._writer.get())._decoder.steps._model)

    pieces = composer.compose(request)
    heard = ""
    while not heard:
        heard = await anext(pieces)
    before = len(passes)
    assert before > 0
    async with asyncio.timeout(TIMEOUT_S):
        await pieces.aclose()
    after = len(passes)
    assert after <= before + 1
    assert await answer(composer, request) == whole
    assert whole.startswith(heard)
    assert after < len(passes) - after


async def test_a_cancelled_reader_stops_the_model(options: TransformersOptions) -> None:
    """As a turn that is called off does."""
    composer = TransformersComposer(options)
    await answer(composer, ComposeRequest("warm"))
    passes = count_passes((await composer._writer.get())._decoder.steps._model)
    has_begun = asyncio.Event()

    async def read() -> None:
        async with aclosing(composer.compose(ComposeRequest("a pond", seed=3))) as pieces:
            async for _ in pieces:
                has_begun.set()
                await asyncio.Event().wait()

    reading = asyncio.create_task(read())
    async with asyncio.timeout(TIMEOUT_S):
        await has_begun.wait()
    before = len(passes)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert len(passes) <= before + 1


async def test_waiting_for_a_place_can_be_cancelled(options: TransformersOptions) -> None:
    """With room for one conversation, the second gives up at once though the first is not done."""
    composer = TransformersComposer(replace(options, conversations=1))
    first = composer.compose(ComposeRequest("a pond", seed=3))
    await anext(first)
    second = asyncio.create_task(anext(composer.compose(ComposeRequest("a lake", seed=3))))
    await asyncio.sleep(0)  # it has begun to wait
    second.cancel()
    async with asyncio.timeout(TIMEOUT_S):
        with pytest.raises(asyncio.CancelledError):
            await second
        await first.aclose()


async def test_reading_a_long_prompt_gives_signs_of_life(
    options: TransformersOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty pieces come while the model reads, but only now and then, so that they do not crowd the queue."""
    options = replace(options, context_tokens=4096, grammar=False)
    silences: list[int] = []
    for pulse_every_s in (0.0, float("inf")):
        monkeypatch.setattr("engine.composer.local.composer._PULSE_EVERY_S", pulse_every_s)
        composer = TransformersComposer(options)
        async with aclosing(composer.compose(ComposeRequest("a pond " * 800))) as pieces:
            heard = [piece async for piece in pieces]
        silences.append(next(place for place, piece in enumerate(heard) if piece))

    each_pass, one = silences
    assert each_pass >= 2
    assert one == 1


async def test_closing_lets_go_of_the_model(options: TransformersOptions) -> None:
    """Its memory is free then, no thread goes on, and the next request loads it again."""
    composer = TransformersComposer(options)
    request = ComposeRequest("a pond", seed=3)
    whole = await answer(composer, request)
    model = weakref.ref((await composer._writer.get())._decoder.steps._model)
    await composer.aclose()
    gc.collect()
    assert model() is None
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("composer")]
    assert await answer(composer, request) == whole
    await composer.aclose()


async def test_closing_waits_for_the_model_without_blocking(options: TransformersOptions) -> None:
    """A pass that is under way ends, the answer breaks off after it, and the loop goes on meanwhile."""
    composer = TransformersComposer(options)
    whole = await answer(composer, ComposeRequest("a pond", seed=3))
    in_pass, may_end = threading.Event(), threading.Event()
    passes = (await composer._writer.get())._decoder.steps._model.register_forward_pre_hook(
        lambda *_: (in_pass.set(), may_end.wait(TIMEOUT_S))[:0] or None
    )
    reading = asyncio.create_task(answer(composer, ComposeRequest("a pond", seed=3)))
    assert await asyncio.to_thread(in_pass.wait, TIMEOUT_S)

    closing = asyncio.create_task(composer.aclose())
    await asyncio.sleep(0)  # it has begun
    assert not closing.done()
    assert not may_end.is_set()
    may_end.set()
    async with asyncio.timeout(TIMEOUT_S):
        await closing
        heard = await reading
    passes.remove()
    assert len(heard) < len(whole)
    assert whole.startswith(heard)


async def test_a_slow_reader_holds_the_model_back(options: TransformersOptions) -> None:
    """Text that nobody takes does not pile up, and closing frees a model that waits for its reader."""
    composer = TransformersComposer(replace(options, grammar=False, drafts=False, temperature=1.5, top_p=1.0))
    with capture_logs() as logs:
        pieces = composer.compose(ComposeRequest("a pond", seed=1))
        await anext(pieces)
        for _ in range(500):  # more than enough for the whole answer
            await asyncio.sleep(0.002)
        assert not [log for log in logs if log["event"] == "composed"]
        async with asyncio.timeout(TIMEOUT_S):
            await pieces.aclose()


async def test_a_long_history_is_condensed(options: TransformersOptions) -> None:
    """There is no last round: however many there were, the next one fits."""
    composer = TransformersComposer(options)
    code = write(parse(await answer(composer, ComposeRequest("a pond", seed=3))))
    history = tuple(Exchange(f"change number {number}", code) for number in range(30))

    _, told = await turn(composer, ComposeRequest("add a heron", parse(code), history))
    assert told["prompt_tokens"] <= 1536 - 200


async def test_what_does_not_fit_is_refused_with_its_cause(options: TransformersOptions) -> None:
    """An endless request says how long it may be; an endless scene is another matter."""
    composer = TransformersComposer(options)
    with pytest.raises(PromptTooLong) as caught:
        await answer(composer, ComposeRequest("a very long wish " * 2000))
    assert 0 < caught.value.allowed_chars < caught.value.found_chars
    await answer(composer, ComposeRequest(("a very long wish " * 2000)[: caught.value.allowed_chars]))

    endless = Canvas(GlobalDescription("A pond.", tags="reeds, " * 4000))
    with pytest.raises(SceneTooLong):
        await answer(composer, ComposeRequest("add a heron", endless))


async def test_an_empty_request_is_refused(options: TransformersOptions) -> None:
    """Before any model is loaded."""
    with pytest.raises(EmptyPrompt):
        await answer(TransformersComposer(replace(options, model="/nowhere")), ComposeRequest(" \n"))


async def test_a_model_that_is_not_there_can_come_later(
    options: TransformersOptions, omost_folder: Path, tmp_path: Path
) -> None:
    """The operator hears why; once the folder is there, the next request is answered."""
    folder = tmp_path / "omost-later"
    composer = TransformersComposer(replace(options, model=str(folder), offline=True))
    with pytest.raises(Unavailable) as caught:
        await answer(composer, ComposeRequest("a pond"))
    assert caught.value.reason == "model-offline"

    folder.symlink_to(omost_folder)
    assert parse(await answer(composer, ComposeRequest("a pond")))


async def test_a_failing_model_leaves_the_composer_usable(options: TransformersOptions) -> None:
    """Full memory or a kernel that breaks in the middle is said in a word, and the next turn is as ever."""
    composer = TransformersComposer(options)
    request = ComposeRequest("a pond", seed=3)
    whole = await answer(composer, request)
    model = (await composer._writer.get())._decoder.steps._model
    for error, reason in (
        (torch.OutOfMemoryError("CUDA out of memory."), "not-enough-memory"),
        (RuntimeError("an illegal memory access was encountered"), "model-failed"),
    ):
        broken = fail_after(model, 5, error)
        with pytest.raises(Unavailable) as caught:
            await answer(composer, replace(request, seed=4))
        broken.remove()
        assert caught.value.reason == reason
        assert await answer(composer, request) == whole


async def test_numbers_that_overflow_are_said_to(
    options: TransformersOptions, omost_folder: Path, tmp_path: Path
) -> None:
    """Weights that give no distribution are the operator's affair, not random text."""
    folder = shutil.copytree(omost_folder, tmp_path / "omost-broken")
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"].fill_(float("nan"))
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    composer = TransformersComposer(replace(options, model=str(folder)))

    with pytest.raises(Unavailable) as caught:
        await answer(composer, ComposeRequest("a pond"))
    assert caught.value.reason == "model-failed"


async def test_a_model_without_a_template_is_refused_before_its_weights_are_loaded(
    options: TransformersOptions, omost_folder: Path, tmp_path: Path
) -> None:
    """Each request would load them anew; here they are not even readable, and nobody finds out."""
    folder = shutil.copytree(omost_folder, tmp_path / "no-template")
    (folder / "model.safetensors").write_bytes(b"\x00" * 64)
    composer = TransformersComposer(replace(options, model=str(folder), template="chatml"))

    with pytest.raises(Unavailable) as caught:
        await answer(composer, ComposeRequest("a pond"))
    assert caught.value.reason == "model-no-template"


async def test_the_models_own_configuration_ends_an_answer(
    options: TransformersOptions, omost_folder: Path, tmp_path: Path
) -> None:
    """Beside what the template's family says."""
    folder = shutil.copytree(omost_folder, tmp_path / "stops")
    path = folder / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "eos_token_id": [7]}))
    plain, stopping = (
        TransformersComposer(replace(options, model=str(each))) for each in (omost_folder, folder)
    )

    before, after = [(await each._writer.get())._decoder.stop_ids for each in (plain, stopping)]
    assert after == before | {7}
    assert 7 not in before


async def test_full_memory_is_given_back(options: TransformersOptions) -> None:
    """Neither the composer nor the error that it raises keeps the tensors of a reply that broke."""
    composer = TransformersComposer(options)
    await answer(composer, ComposeRequest("a pond", seed=3))
    decoder = (await composer._writer.get())._decoder
    tensors = weakref.ref(decoder.caches._kept[0].key_values)
    broken = fail_after(decoder.steps._model, 2, torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(Unavailable) as caught:
        await answer(composer, ComposeRequest("a pond", seed=4))
    broken.remove()

    assert caught.value.reason == "not-enough-memory"
    assert tensors() is None
    assert await answer(composer, ComposeRequest("a pond", seed=4))


def count_passes(model: torch.nn.Module) -> list[None]:
    """Grows by one with each pass of the model."""
    passes: list[None] = []
    model.register_forward_pre_hook(lambda *_: passes.append(None))
    return passes


def fail_after(model: torch.nn.Module, passes: int, error: Exception) -> torch.utils.hooks.RemovableHandle:
    """Makes the model raise in its nth pass from now."""
    remaining = iter(range(passes))

    def count(*_: object) -> None:
        if next(remaining, None) is None:
            raise error

    return model.register_forward_pre_hook(count)
