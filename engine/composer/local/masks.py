"""A grammar as the decoder needs it: what may come next, what must, and how to end soon.

Wraps the matcher of llguidance. The matcher knows the text of one reply only, not the prompt.
"""

from collections.abc import Sequence
from itertools import takewhile

import torch
from llguidance import LLExecutor, LLMatcher, LLTokenizer
from torch import Tensor

_WORD_BITS = 32


class GrammarFailed(Exception):
    """A grammar cannot be used, or the matcher gave up in the middle of a reply.

    Attributes:
        detail: What the matcher says.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class CanvasMask:
    """Where one reply stands in a grammar.

    Args:
        tokenizer: The model's tokenizer in llguidance's form.
        grammar: In the Lark dialect of llguidance.

    Raises:
        GrammarFailed: The grammar is not a grammar.
    """

    def __init__(self, tokenizer: LLTokenizer, grammar: str) -> None:
        self._tokenizer = tokenizer
        self._matcher = LLMatcher(tokenizer, LLMatcher.grammar_from_lark(grammar))
        self._executor = LLExecutor(1)
        self._words = -(-tokenizer.vocab_size // _WORD_BITS)
        self._raise_if_failed()

    @property
    def stop_ids(self) -> frozenset[int]:
        """The tokens with which the grammar lets a reply end."""
        ids: list[int] = self._tokenizer.eos_tokens
        return frozenset(ids)

    @property
    def is_finished(self) -> bool:
        """Whether nothing may follow but the end of the reply."""
        return self._matcher.is_stopped()

    @property
    def is_complete(self) -> bool:
        """Whether the reply may end here."""
        return self._matcher.is_accepting()

    def forced(self) -> list[int]:
        """The tokens that must come next, whatever the model says; often none."""
        if self._matcher.is_stopped():
            return []
        ids = self._matcher.compute_ff_tokens()
        if ids or self._tokenizer.is_canonical:
            return ids
        # for tokenizers as SentencePiece's llguidance gives bytes only; the last token may yet grow longer
        forced = self._matcher.compute_ff_bytes()
        ids = self._tokenizer.tokenize_bytes(forced)[:-1]
        return ids if forced.startswith(self._tokenizer.decode_bytes(ids)) else []

    def consume(self, ids: Sequence[int]) -> int:
        """Goes on over as many tokens as the grammar allows and says how many; never a stop token.

        Raises:
            GrammarFailed: The matcher reached one of its limits.
        """
        if self._matcher.is_stopped():  # feeding it now would break its rollback
            return 0
        known = list(takewhile(lambda each: 0 <= each < self._tokenizer.vocab_size, ids))
        count = self._matcher.try_consume_tokens(known)
        self._raise_if_failed()
        return count

    def rollback(self, count: int) -> None:
        """Forgets the last `count` tokens."""
        if count and not self._matcher.rollback(count):
            raise GrammarFailed(self._matcher.get_error())

    def allowed(self, guess: Sequence[int]) -> Tensor:
        """What may stand next and after each token of a guess that the grammar allows.

        Returns:
            Bits in 32-bit words, "1+len(guess) words", in page-locked memory where there is a GPU. See
            `unpacked`.
        """
        bits = torch.empty(
            (1 + len(guess), self._words), dtype=torch.int32, pin_memory=torch.cuda.is_available()
        ).fill_(-1)
        place = (bits.data_ptr(), 4 * self._words, len(bits))
        if guess:
            self._executor.unsafe_compute_mask_ptr_with_draft_token([(self._matcher, 0, list(guess))], *place)
        else:
            self._executor.unsafe_compute_mask_ptr([(self._matcher, 0)], *place)
        return bits

    def tokens_of(self, ending: bytes) -> list[int] | None:
        """The tokens of a text that would end the reply here, or None where the grammar does not take it."""
        ids = self._tokenizer.tokenize_bytes(ending)
        if self._tokenizer.decode_bytes(ids) != ending:
            return None
        count = self.consume(ids)
        is_end = count == len(ids) and (self.is_finished or self.is_complete)
        self.rollback(count)
        return ids if is_end else None

    def bytes_of(self, token: int) -> bytes:
        """What a token stands for."""
        return self._tokenizer.decode_bytes([token])

    def _raise_if_failed(self) -> None:
        if self._matcher.is_error():
            raise GrammarFailed(self._matcher.get_error())


def unpacked(bits: Tensor, vocabulary: int) -> Tensor:
    """Masks as booleans on the device of `bits`, "N vocabulary".

    A model may have more logits than its tokenizer has tokens, to fill a multiple of 64: no text has those,
    and they are not allowed.
    """
    shifts = torch.arange(8, dtype=torch.uint8, device=bits.device)
    flags = ((bits.view(torch.uint8)[:, :, None] >> shifts) & 1).bool().flatten(1)  # little-endian
    missing = vocabulary - flags.shape[1]
    return torch.nn.functional.pad(flags, (0, max(missing, 0)))[:, :vocabulary]
