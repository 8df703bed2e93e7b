"""The grammar as the decoder uses it, with tokenizers of both kinds."""

import pytest
import torch
from llguidance import hf

from canvas import grammar, parse
from engine.composer.local.closing import closing
from engine.composer.local.ending import Ending
from engine.composer.local.masks import CanvasMask, GrammarFailed, unpacked

YES_NO = 'start: "yes, " ("please" | "perhaps") | "no"'


@pytest.fixture(scope="session", params=["llama-3", "phi-3"])
def tokenizer(request, tokenizers):
    """The real class, and llguidance's form of it."""
    return hf.from_tokenizer(tokenizers[request.param])


def text_of(tokenizer, ids):
    return tokenizer.decode_bytes(ids).decode()


def test_forced_tokens_lead_through(tokenizer):
    """Where the grammar leaves no choice the tokens are given; at a choice there are none."""
    mask = CanvasMask(tokenizer, grammar())
    ids = mask.forced()
    assert text_of(tokenizer, ids).startswith("```python\n# Initialize the canvas\ncanvas = Canvas()")
    assert mask.consume(ids) == len(ids)
    assert not mask.is_finished
    finished = CanvasMask(tokenizer, 'start: "no"')
    assert text_of(tokenizer, finished.forced()) == "no"
    assert finished.consume(finished.forced())
    assert finished.is_finished
    assert finished.forced() == []


def test_masks_of_a_guess(tokenizer):
    """One tensor holds what may stand in each place of a guess, and the matcher stands where it stood."""
    guess = tokenizer.tokenize_str("yes, perhaps")
    together = unpacked(CanvasMask(tokenizer, YES_NO).allowed(guess), tokenizer.vocab_size)
    mask = CanvasMask(tokenizer, YES_NO)
    for place, token in enumerate(guess):
        alone = unpacked(mask.allowed(()), tokenizer.vocab_size)[0]
        assert torch.equal(together[place], alone)
        assert together[place, token]
        assert mask.consume((token,)) == 1
    assert mask.is_finished
    assert len(together) == len(guess) + 1


def test_rollback(tokenizer):
    """What was consumed can be taken back."""
    mask = CanvasMask(tokenizer, YES_NO)
    before = mask.allowed(())
    ids = tokenizer.tokenize_str("yes, p")
    assert mask.consume(ids) == len(ids)
    mask.rollback(len(ids))
    assert torch.equal(mask.allowed(()), before)


def test_nothing_is_consumed_after_the_end(tokenizer):
    """After the end tokens are not taken, stop tokens included, and the matcher can still be set back."""
    mask = CanvasMask(tokenizer, YES_NO)
    ids = tokenizer.tokenize_str("no")
    assert mask.consume([*ids, *ids]) == len(ids)
    assert mask.consume(sorted(mask.stop_ids)) == 0
    mask.rollback(len(ids))
    assert mask.consume(ids) == len(ids)


@pytest.mark.parametrize("strange", [10**6, -1])
def test_unknown_ids_end_a_guess(tokenizer, strange):
    """An id that the tokenizer does not have is refused, without harm to the matcher."""
    mask = CanvasMask(tokenizer, YES_NO)
    ids = tokenizer.tokenize_str("no")
    assert mask.consume([strange]) == 0
    assert mask.consume(ids) == len(ids)


def test_wider_and_narrower_models(tokenizer):
    """Logits beyond the tokenizer's vocabulary are forbidden; a narrower model just has fewer."""
    bits = CanvasMask(tokenizer, YES_NO).allowed(())
    size = tokenizer.vocab_size
    exact = unpacked(bits, size)
    wider = unpacked(bits, size + 100)
    assert wider.shape == (1, size + 100)
    assert not wider[:, size:].any()
    assert torch.equal(wider[:, :size], exact)
    assert torch.equal(unpacked(bits, 50), exact[:, :50])


def test_no_grammar(tokenizer):
    """What is no grammar is told as such."""
    with pytest.raises(GrammarFailed) as caught:
        CanvasMask(tokenizer, "start: (")
    assert caught.value.detail


def test_stop_ids(tokenizer, tokenizers):
    """The end of a text is the tokenizer's own."""
    assert CanvasMask(tokenizer, YES_NO).stop_ids == set(tokenizer.eos_tokens)
    assert {kind.eos_token_id for kind in tokenizers.values()} >= CanvasMask(tokenizer, YES_NO).stop_ids


@pytest.mark.parametrize("limit", [120, 200, 400, 1000])
def test_ending_is_always_in_reach(tokenizer, limit):
    """No token is admitted after which the scene could not be closed within the limit."""
    mask = CanvasMask(tokenizer, grammar())
    ending = Ending(mask, closing, limit)
    written = []
    generator = torch.Generator().manual_seed(limit)
    while True:
        allowed = unpacked(mask.allowed(()), tokenizer.vocab_size)[0].float()
        token = int(torch.multinomial(allowed, 1, generator=generator))
        if token in mask.stop_ids or not ending.admits(token):
            break
        written.append(token)
    text = text_of(tokenizer, [*written, *(ending.ids or ())])
    assert len(written) + len(ending.ids or ()) <= limit
    assert parse(text).repairs == ()
    assert text.endswith("```")


def test_too_small_a_limit_is_no_ending(tokenizer):
    """Where not even the smallest scene has room everything is admitted."""
    mask = CanvasMask(tokenizer, grammar())
    ending = Ending(mask, closing, 5)
    assert ending.ids is None
    assert all(ending.admits(token) for token in mask.forced())
