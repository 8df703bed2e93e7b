"""The decode loop against `generate` and against the model's own distributions, with real classes, tiny."""

import itertools
import threading
from collections import Counter
from dataclasses import replace

import pytest
import torch

from engine.composer.local.decoder import PREFILL_TOKENS, ContextFull, Decoding, NotFinite
from engine.composer.local.sampling import GREEDY, Sampling, probabilities
from tests.engine.local.decoding import decoder_of, generated, greedy, prompt_of, tiny, written

PATIENCE_S = 120
LONGROPE = {
    "original_max_position_embeddings": 40,
    "rope_parameters": {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "factor": 2.0,
        "short_factor": [1.0] * 4,
        "long_factor": [2.0, 3.0, 4.0, 5.0],
        "original_max_position_embeddings": 40,
    },
}


@pytest.fixture(scope="module")
def llama():
    return tiny("llama")


@pytest.mark.parametrize(
    ("kind", "others", "conversations"),
    [("llama", {}, 25), ("phi-3", {}, 25), ("phi-3", {"sliding_window": 13}, 8), ("phi-3", LONGROPE, 8)],
    ids=["llama", "phi-3", "phi-3-window", "phi-3-longrope"],
)
def test_greedy_is_what_generate_writes(kind, others, conversations):
    """Two turns of each conversation, with and without drafts: the ids are those of `generate`."""
    model = tiny(kind, **others)
    drafting, plain = decoder_of(model), decoder_of(model)
    accepted = reused = 0
    for seed in range(conversations):
        prompt = prompt_of(seed, 14 + seed % 13)
        for turn in range(2):
            expected = generated(model, prompt, 12 + 6 * turn)
            reply, spent = written(drafting, prompt, greedy(12 + 6 * turn))
            assert reply == expected
            assert written(plain, prompt, greedy(12 + 6 * turn, drafts=False))[0] == expected
            accepted += spent.accepted_drafts
            reused += spent.reused_tokens
            assert spent.passes <= spent.tokens + 1
            prompt = [*prompt, *reply, *prompt_of(100 + seed, 7)]
    assert accepted > conversations
    assert reused > 10 * conversations


def test_compiled_steps_write_the_same(llama):
    """Padded to fixed widths the text is the same in both turns; one graph a width and span serves all."""
    torch.compiler.reset()
    graphs = []

    def counting(graph, _inputs):
        graphs.append(graph)
        return graph.forward

    decoder = decoder_of(llama, conversations=2, context_tokens=100, compile=True, backend=counting)
    for seed in range(6):
        prompt = prompt_of(seed, 5 + seed)
        for _turn in range(2):
            reply, _ = written(decoder, prompt, greedy(24))
            assert reply == generated(llama, prompt, 24)
            prompt = [*prompt, *reply, *prompt_of(100 + seed, 9)]
    assert len(decoder.caches) == 2
    assert 2 <= len(graphs) <= 6  # three widths, two spans
    torch.compiler.reset()


@pytest.mark.parametrize("compiled", [False, True])
def test_to_the_end_of_the_context(llama, compiled):
    """A reply goes on to the last token of the context, where neither drafts nor widths have room."""
    torch.compiler.reset()
    decoder = decoder_of(llama, context_tokens=64, compile=compiled, backend="eager")
    prompt = prompt_of(3, 20) * 2
    reply, spent = written(decoder, prompt, greedy(500))
    assert reply == generated(llama, prompt, 24)
    assert (spent.tokens, spent.end) == (24, "limit")
    torch.compiler.reset()


def test_reused_keys_give_the_same_logits(llama):
    """What a second turn computes on kept keys and values is what a fresh prefill computes, within 1e-5."""
    decoder, fresh = decoder_of(llama), decoder_of(llama)
    prompt = prompt_of(0, 30)
    reply, _ = written(decoder, prompt, greedy(20))
    following = [*prompt, *reply, *prompt_of(1, 12)]
    with decoder.caches.lend(following) as kept, fresh.caches.lend(following) as empty:
        common = kept.common(following)
        assert common >= len(prompt) + len(reply) - 1
        del kept.ids[common:]
        reused = decoder.steps.run(kept, following[common:], 5)
        anew = fresh.steps.run(empty, following, 5)
    torch.testing.assert_close(reused, anew, atol=1e-5, rtol=0)


def test_reuse_is_counted(llama):
    """The second turn reads only what is new; the same prompt again reads its last token."""
    decoder = decoder_of(llama)
    prompt = prompt_of(0, 30)
    reply, first = written(decoder, prompt, greedy(10))
    following = [*prompt, *reply, 5, 6, 7]
    _, second = written(decoder, following, greedy(10))
    _, again = written(decoder, following, greedy(10))
    assert (first.reused_tokens, first.prompt_tokens) == (0, 30)
    assert second.reused_tokens == 30 + len(reply) - 1
    assert again.reused_tokens == len(following) - 1


@pytest.mark.parametrize("sampling", [Sampling(1.0, 1.0), Sampling(0.8, 0.85)])
def test_sampling_with_drafts_is_exact(sampling):
    """Chi-squared over the first two tokens of 500 replies with drafts: the model's own distribution."""
    model = tiny("llama", vocab_size=6, eos_token_id=None, initializer_range=0.3)
    decoder = decoder_of(model, stop_ids=[])
    prompt = [3, 1, 4, 5, 2]
    count, accepted, found = 500, 0, Counter()
    expected = pairs(model, prompt, sampling)
    likely = max(expected, key=lambda pair: expected[pair])
    for seed in range(count):
        decoding = Decoding(replace(sampling, seed=seed), max_new_tokens=2)
        reply, spent = written(decoder, prompt, decoding, edited_ids=[*prompt, *likely])
        found[tuple(reply[:2])] += 1
        accepted += spent.accepted_drafts
    assert accepted > 50
    assert set(found) <= {pair for pair, share in expected.items() if share > 0}
    common = [pair for pair, share in expected.items() if share * count >= 5]
    rest = count - sum(found[pair] for pair in common), count - sum(expected[p] * count for p in common)
    terms = [(found[pair], expected[pair] * count) for pair in common] + [rest] * (rest[1] > 1)
    chi_squared = sum((seen - share) ** 2 / share for seen, share in terms)
    freedom = len(terms) - 1
    assert freedom >= 5
    assert chi_squared < freedom + 4 * (2 * freedom) ** 0.5  # about four standard deviations


@torch.no_grad()
def pairs(model, prompt, sampling):
    """The probability of each pair of first tokens."""
    first = probabilities(model(torch.tensor([prompt])).logits[0, -1:], sampling)[0]
    second = [
        probabilities(model(torch.tensor([[*prompt, one]])).logits[0, -1:], sampling)[0] for one in range(6)
    ]
    places = itertools.product(range(6), repeat=2)
    return {(one, two): float(first[one] * second[one][two]) for one, two in places}


def test_drafts_change_no_text(llama):
    """With a seed the same text is drawn with and without drafts, and another one with another seed."""
    drafting, plain = decoder_of(llama), decoder_of(llama)
    accepted, texts = 0, set()
    for seed in range(12):
        prompt = prompt_of(seed % 4, 12) * 2
        decoding = Decoding(Sampling(0.25, 0.9, seed), max_new_tokens=30)
        reply, spent = written(drafting, prompt, decoding)
        assert written(plain, prompt, replace(decoding, drafts=False))[0] == reply
        accepted += spent.accepted_drafts
        texts.add(tuple(reply))
    assert accepted > 8
    assert len(texts) == 12


def test_long_prompt_is_read_in_parts(llama):
    """A long prompt is read in several passes, and a cancel between them is heard."""
    decoder = decoder_of(llama, context_tokens=2 * PREFILL_TOKENS + 200)
    prompt = prompt_of(0, 2 * PREFILL_TOKENS + 100)
    reply, spent = written(decoder, prompt, greedy(5, drafts=False))
    assert reply == generated(llama, prompt, 5)
    assert spent.passes == 2 + 5
    asked = iter([False, False, True])  # the first time while it waits for a cache
    _, stopped = written(
        decoder_of(llama, context_tokens=2000), prompt, greedy(5), is_cancelled=lambda: next(asked)
    )
    assert (stopped.passes, stopped.tokens, stopped.end) == (1, 0, "cancelled")


def test_cancel_within_one_pass(llama):
    """After a cancel the model does not run again; the next reply is as if nothing had been."""
    decoder, passes, cancelled = decoder_of(llama), [], threading.Event()
    hook = llama.register_forward_hook(lambda *_: passes.append(1))
    prompt = prompt_of(2, 10)
    pieces = decoder.decode(prompt, greedy(100), is_cancelled=cancelled.is_set)
    for _ in range(3):
        next(pieces)
    before = len(passes)
    cancelled.set()
    with pytest.raises(StopIteration) as end:
        next(pieces)
    assert end.value.value.end == "cancelled"
    assert len(passes) == before
    hook.remove()
    assert written(decoder, prompt, greedy(24))[0] == generated(llama, prompt, 24)


def test_cancel_while_others_have_their_turn(llama):
    """A reply that waits for another's pass ends at once, also while that pass goes on."""
    decoder, cancelled, ends = decoder_of(llama), threading.Event(), []

    def write():
        ends.append(written(decoder, prompt_of(2, 10), greedy(9), is_cancelled=cancelled.is_set)[1])

    thread = threading.Thread(target=write, daemon=True)
    with decoder.passes.turn():  # another's
        thread.start()
        cancelled.set()
        thread.join(PATIENCE_S)
        assert [(spent.passes, spent.end) for spent in ends] == [(0, "cancelled")]


def test_each_pass_is_a_sign_of_life(llama):
    """The parts of a long prompt as well as the tokens: whoever listens hears that the model works."""
    decoder = decoder_of(llama, context_tokens=2 * PREFILL_TOKENS + 200)
    heard, passes = [], []
    hook = llama.register_forward_hook(lambda *_: passes.append(1))
    for piece in decoder.decode(prompt_of(0, 2 * PREFILL_TOKENS + 100), greedy(5, drafts=False)):
        heard.append(piece)
        assert len(heard) == len(passes)
    hook.remove()
    assert heard[:2] == [(), ()]
    assert all(heard[2:7])
    assert len(heard) == 7


def test_closing_the_generator_frees_the_cache(llama):
    """Who stops listening in the middle leaves a cache that holds what it says it holds."""
    decoder = decoder_of(llama)
    prompt = prompt_of(2, 10)
    pieces = decoder.decode(prompt, greedy(100))
    begun = [*next(pieces), *next(pieces)]
    pieces.close()
    following = [*prompt, *begun, 8, 9]
    reply, spent = written(decoder, following, greedy(24))
    assert reply == generated(llama, following, 24)
    assert spent.reused_tokens >= len(prompt)


def test_conversations_at_once(llama):
    """Three conversations in three threads over two caches write what each writes alone, and take turns."""
    decoder = decoder_of(llama, conversations=2)
    prompts = [prompt_of(seed, 20) for seed in range(3)]
    alone = [written(decoder_of(llama), prompt, greedy(60))[0] for prompt in prompts]
    replies, order, both = {}, [], threading.Barrier(2)

    def write(name):
        ids = []
        for piece in decoder.decode(prompts[name], greedy(60)):
            if not ids and name < 2:
                both.wait(PATIENCE_S)  # neither goes on before the other has begun
            order.append(name)
            ids += piece
        replies[name] = ids

    threads = [threading.Thread(target=write, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert [replies[name] for name in range(3)] == alone
    assert len(decoder.caches) == 2
    first_end = min(len(order) - 1 - order[::-1].index(name) for name in (0, 1))
    assert {0, 1} <= set(order[: first_end + 1])


def test_memory_is_bounded(llama):
    """Many conversations one after the other use as many tensors as there may be conversations."""
    decoder = decoder_of(llama, conversations=2, context_tokens=64)
    for seed in range(6):
        written(decoder, prompt_of(seed, 10), greedy(8))
    sizes = [layer.keys.shape for kept in decoder.caches._kept for layer in kept.key_values.layers]
    assert sizes == [(1, 2, 64, 8)] * 4


@pytest.mark.parametrize("tokens", [64, 65, 500])
def test_prompt_that_fills_the_context(llama, tokens):
    """A prompt that leaves no room is an error that says how long it is."""
    with pytest.raises(ContextFull) as caught:
        written(decoder_of(llama, context_tokens=64), [5] * tokens, greedy(8))
    assert (caught.value.prompt_tokens, caught.value.context_tokens) == (tokens, 64)


def test_one_token_of_room(llama):
    """A prompt that leaves room for one token gets one."""
    reply, spent = written(decoder_of(llama, context_tokens=64), prompt_of(0, 63), greedy(8))
    assert reply == generated(llama, prompt_of(0, 63), 1)
    assert spent.end == "limit"


def test_wrong_calls(llama):
    """An empty prompt, and a grammar without a tokenizer, are refused."""
    with pytest.raises(ValueError, match="empty prompt"):
        written(decoder_of(llama), [], greedy(8))
    with pytest.raises(ValueError, match="tokenizer"):
        written(decoder_of(llama), [5], greedy(8, grammar='start: "a"'))
    assert written(decoder_of(llama), [5], greedy(0))[0] == []


def test_stop_token_first(llama):
    """A reply that begins with the stop token is empty, and the stop token is not handed out."""
    prompt = prompt_of(0, 12)
    first = generated(llama, prompt, 1)
    reply, spent = written(decoder_of(llama, stop_ids=first), prompt, greedy(20))
    assert reply == []
    assert (spent.tokens, spent.passes, spent.end) == (0, 1, "stop")


def test_stop_token_in_what_is_copied(llama):
    """A stop token that stands in the prompt is never drafted across."""
    prompt = prompt_of(5, 12)
    reply = generated(llama, prompt, 20)
    stop = reply[10]
    copied = [*prompt, *reply, 4]
    found, spent = written(decoder_of(llama, stop_ids=[stop]), prompt, greedy(20), edited_ids=copied)
    assert found == reply[: reply.index(stop)]
    assert spent.end == "stop"


def test_edited_code_saves_passes(llama):
    """A reply that repeats the edited code takes few passes."""
    prompt = prompt_of(6, 12)
    reply, plain = written(decoder_of(llama), prompt, greedy(100, drafts=False))
    found, spent = written(decoder_of(llama), prompt, greedy(100), edited_ids=[*prompt[-4:], *reply])
    assert found == reply
    assert spent.passes * 5 < plain.passes


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("sampling", [GREEDY, Sampling(0.8, 0.9)])
def test_broken_numbers_are_told(value, sampling):
    """A model that computes no numbers is an error, not an endless reply of some token."""
    model = tiny("llama")
    with torch.no_grad():
        model.lm_head.weight[7] = value
    with pytest.raises(NotFinite):
        written(decoder_of(model), [5, 6], Decoding(sampling, max_new_tokens=8))
