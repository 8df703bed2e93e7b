"""The decode loop under a grammar, with a random model and real kinds of tokenizers."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from llguidance import hf

from canvas import grammar, parse
from engine.composer.local.closing import closing
from engine.composer.local.decoder import Decoder, Decoding
from engine.composer.local.sampling import Sampling
from tests.engine.local.decoding import greedy, written


@pytest.fixture(scope="module", params=["llama-3", "phi-3"])
def writer(request, tokenizers, make_model):
    """A random model with a real kind of tokenizer; ends of texts are likelier than all the rest."""
    tokenizer = tokenizers[request.param]
    model = make_model(request.param, tokenizer, 5)
    bias = torch.zeros(model.config.vocab_size)
    for token, text in enumerate(tokenizer.convert_ids_to_tokens(range(len(tokenizer)))):
        bias[token] = 6.0 * any(end in (text or "") for end in ("'", '"', "`", "]"))
    model.lm_head.bias = torch.nn.Parameter(bias)
    grammar_tokenizer = hf.from_tokenizer(tokenizer)
    return Decoder(
        model,
        stop_ids=[tokenizer.eos_token_id],
        context_tokens=1024,
        conversations=1,
        tokenizer_for_grammar=grammar_tokenizer,
    ), grammar_tokenizer


def test_random_models_write_canvases(writer):
    """All of 100 replies of a random model are canvases, ended by the grammar or at their limit."""
    decoder, tokenizer = writer
    ends, failed = Counter(), []
    smallest = len(tokenizer.tokenize_str(closing("", comments=False)))
    for seed in range(100):
        decoding = Decoding(
            Sampling(1.0, 1.0, seed),
            max_new_tokens=smallest + (12, 100)[seed % 2],
            grammar=grammar(comments=False),
            closing=lambda text: closing(text, comments=False),
        )
        ids, spent = written(decoder, [7, 8, 9, seed], decoding)
        text = tokenizer.decode_bytes(ids).decode()
        if parse(text).repairs or not text.endswith("```"):
            failed.append(text)
        assert spent.tokens <= decoding.max_new_tokens
        ends[spent.end] += 1
    assert failed == []
    assert ends["stop"] >= 5, ends
    assert ends["closed"] >= 5, ends


def test_drafts_change_no_canvas(writer):
    """Under the grammar too, forced tokens and closing included, drafts change nothing but the passes."""
    decoder, _ = writer
    saved = 0
    for seed in range(5):
        decoding = Decoding(
            Sampling(1.0, 1.0, seed), max_new_tokens=150 + seed, grammar=grammar(), closing=closing
        )
        plain, slow = written(decoder, [7, 8, 9], replace(decoding, drafts=False))
        drafted, fast = written(decoder, [7, 8, 9], decoding, edited_ids=plain)
        assert drafted == plain
        assert fast.forced > 20
        saved += slow.passes - fast.passes
    assert saved > 50


def test_reply_that_is_cut_off(writer):
    """Without a closing a reply under the grammar is cut off at its limit."""
    decoder, _ = writer
    ids, spent = written(decoder, [7], Decoding(Sampling(1.0, 1.0), max_new_tokens=40, grammar=grammar()))
    assert (len(ids), spent.end) == (40, "limit")


def test_nothing_comes_before_the_model_ran(writer):
    """What the grammar forces at the start is no sign of life, and comes with the first pass."""
    decoder, tokenizer = writer
    passes = []
    hook = decoder.steps._model.register_forward_hook(lambda *_: passes.append(1))
    pieces = decoder.decode([7], Decoding(Sampling(1.0, 1.0), max_new_tokens=40, grammar=grammar()))
    first = next(pieces)
    hook.remove()
    pieces.close()
    assert len(passes) == 1
    assert tokenizer.decode_bytes(list(first)).startswith(b"```python")


def test_grammar_ends_without_a_stop_token(writer):
    """What a grammar forces to its end needs no pass of the model at all."""
    decoder, tokenizer = writer
    ids, spent = written(decoder, [7], greedy(70, grammar='start: "done"'))
    assert tokenizer.decode_str(ids) == "done"
    assert (spent.passes, spent.forced, spent.end) == (0, len(ids), "stop")
