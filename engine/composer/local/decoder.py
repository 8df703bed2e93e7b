"""The loop that makes a language model write a reply: few passes, exact results.

Each pass gives the model what it has not read yet and a guess at what comes next. It is checked at all places
at once: a guessed token stands if the one chosen at its place, greedily or by chance, is the same. What was
chosen at the first place that differs is right in any case, so a pass decides at least one token, and the
reply is the one that a loop of single tokens writes. Where a grammar leaves no choice its tokens are taken
without asking. Knows ids only: templates, texts and conversations are the composer's.
"""

from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final, Literal

from llguidance import LLTokenizer
from transformers import PreTrainedModel

from engine.composer.local.caches import Caches, Kept, KeyValues
from engine.composer.local.drafts import Drafts
from engine.composer.local.ending import Ending
from engine.composer.local.fairness import Cancelled, FairLock
from engine.composer.local.masks import CanvasMask, unpacked
from engine.composer.local.sampling import UNDECIDED, Sampler, Sampling
from engine.composer.local.steps import Steps

PREFILL_TOKENS: Final = 512
"""As much of a prompt as one pass reads: between two passes others get their turn and a cancel is heard."""

End = Literal["stop", "limit", "closed", "cancelled"]
"""Why a reply ended: the model or the grammar was done, it came to its limit and was cut off or closed there,
or nobody wanted more."""


class ContextFull(Exception):
    """The prompt leaves no room for a reply.

    Attributes:
        prompt_tokens: The prompt's length.
        context_tokens: How many tokens prompt and reply may have together.
    """

    def __init__(self, prompt_tokens: int, context_tokens: int) -> None:
        super().__init__(f"a prompt of {prompt_tokens} tokens in a context of {context_tokens}")
        self.prompt_tokens = prompt_tokens
        self.context_tokens = context_tokens


class NotFinite(Exception):
    """The model computed no usable distribution: broken weights, or numbers too large for its type."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How to decode.

    Attributes:
        sampling: How tokens are chosen.
        max_new_tokens: The reply's limit; the end of the context is another.
        drafts: Whether to guess ahead. For the speed alone, but see `sampling`.
        grammar: What the reply must keep to, in the Lark dialect of llguidance; None for anything.
        closing: Gives what is missing of a reply that is cut off at any place, so that a reply which comes to
            its limit under a grammar is whole nevertheless; None to cut it off.
    """

    sampling: Sampling
    max_new_tokens: int = 4096
    drafts: bool = True
    grammar: str | None = None
    closing: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a reply has cost.

    Attributes:
        passes: How often the model ran, prefill included.
        tokens: The reply's length without the stop token.
        prompt_tokens: The prompt's length.
        reused_tokens: How many of them were known from an earlier turn.
        forced: How many tokens the grammar gave, the model not asked.
        accepted_drafts: How many guesses were right.
        end: Why it ended.
    """

    passes: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    reused_tokens: int = 0
    forced: int = 0
    accepted_drafts: int = 0
    end: End = "limit"


class Decoder:
    """Writes replies with one model, for several conversations at a time.

    Each `decode` runs in a thread of its own. Threads take turns pass by pass, in the order of asking.

    Args:
        model: A decoder of transformers with full or sliding attention, on its device, in evaluation mode.
        stop_ids: The tokens that end a reply.
        context_tokens: How many tokens prompt and reply may have together.
        conversations: How many conversations are kept, and decoded at once at most; the memory for keys and
            values is at most `conversations` times `context_tokens`.
        tokenizer_for_grammar: The tokenizer in llguidance's form; without it no grammar can be used.
        preamble_tokens: With how many ids all prompts begin, whatever the conversation.
        widths: How many ids a compiled pass has; the last is the longest guess in any case.
        compile: Whether passes are compiled and captured (see `Steps`).
        backend: What compiles, as `torch.compile` takes it.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        stop_ids: Collection[int],
        context_tokens: int,
        conversations: int,
        tokenizer_for_grammar: LLTokenizer | None,
        preamble_tokens: int = 0,
        widths: Sequence[int] = (1, 16, 64),
        compile: bool = False,  # noqa: A002 - torch's own word for it
        backend: str | Callable[..., Any] = "inductor",
    ) -> None:
        self.context_tokens = context_tokens
        self.stop_ids = frozenset(stop_ids)
        self.tokenizer_for_grammar = tokenizer_for_grammar
        self.steps = Steps(model, widths, compile=compile, backend=backend)
        self.longest_pass = max(widths)
        self.passes = FairLock()
        self.caches = Caches(lambda: KeyValues(model.config, context_tokens), conversations, preamble_tokens)

    def decode(
        self,
        prompt_ids: Sequence[int],
        decoding: Decoding,
        *,
        edited_ids: Sequence[int] = (),
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> Generator[tuple[int, ...], None, Statistics]:
        """Writes the reply to a prompt.

        Args:
            prompt_ids: The whole conversation, ready for the reply.
            decoding: How.
            edited_ids: The code that the reply will probably repeat in large parts.
            is_cancelled: Asked before each pass and while others have their turn, from the calling thread.

        Yields:
            After each pass the ids that it settled, without the stop token: none where it read a part of the
            prompt. What the grammar forces comes as it is known, but not before the first pass.

        Returns:
            What it has cost.

        Raises:
            ContextFull: The prompt is as long as the context, or longer.
            NotFinite: The model computed no usable distribution.
            GrammarFailed: The grammar cannot be used.
            ValueError: The prompt is empty, or a grammar is given where there is no tokenizer for it.
        """
        if not prompt_ids:
            raise ValueError("an empty prompt: there is nothing to go on from")
        if len(prompt_ids) >= self.context_tokens:
            raise ContextFull(len(prompt_ids), self.context_tokens)
        with self.caches.lend(prompt_ids, is_cancelled) as kept:
            if kept is None:
                return Statistics(prompt_tokens=len(prompt_ids), end="cancelled")
            reply = _Reply(self, kept, list(prompt_ids), decoding, edited_ids, is_cancelled)
            return (yield from reply.write())

    def mask_of(self, grammar: str | None) -> CanvasMask | None:
        """A matcher at the start of a reply; None without a grammar."""
        if grammar is None:
            return None
        if self.tokenizer_for_grammar is None:
            raise ValueError("a grammar needs the tokenizer")
        return CanvasMask(self.tokenizer_for_grammar, grammar)


@dataclass(frozen=True, slots=True)
class _Guess:
    """Tokens to be checked in a pass.

    Attributes:
        ids: The tokens.
        is_forced: Which of them the grammar forces: those need no check.
        is_open: Whether the model chooses what comes after the last one; otherwise the grammar does.
    """

    ids: list[int]
    is_forced: list[bool]
    is_open: bool = True

    def agreed(self, chosen: list[int]) -> tuple[int, list[int]]:
        """How many tokens of the guess stand, and what was chosen after them: one token or none.

        Args:
            chosen: What was chosen in the place of each token and after the last one.
        """
        for place, (guessed, is_forced) in enumerate(zip(self.ids, self.is_forced, strict=True)):
            if not is_forced and chosen[place] != guessed:
                return place, [chosen[place]]
        return len(self.ids), chosen[-1:] if self.is_open else []


class _Reply:
    """One reply on its way.

    `_pending` are ids that are settled but not read by the model. It is never empty when the model runs.
    """

    def __init__(  # noqa: PLR0917
        self,
        decoder: Decoder,
        kept: Kept,
        prompt: list[int],
        decoding: Decoding,
        edited: Sequence[int],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._decoder = decoder
        self._is_cancelled = is_cancelled
        self._steps = decoder.steps
        self._kept = kept
        self._limit = min(decoding.max_new_tokens, decoder.context_tokens - len(prompt))
        self._mask = decoder.mask_of(decoding.grammar)
        self._ending = Ending(self._mask, decoding.closing, self._limit) if self._mask else None
        self._stop_ids: frozenset[int] = decoder.stop_ids | (
            self._mask.stop_ids if self._mask else frozenset()
        )
        self._sampler = Sampler(decoding.sampling, self._limit, decoder.steps.device)
        self._drafts = Drafts(prompt, edited) if decoding.drafts else None
        self._length = 0
        self._end: End | None = None if self._limit > 0 else "limit"
        self._passes = self._forced = self._accepted = 0
        self._prompt_tokens = kept.prompt_tokens = len(prompt)
        self._reused = self._reuse(prompt)
        self._pending = prompt[self._reused :]

    def write(self) -> Generator[tuple[int, ...], None, Statistics]:
        """Runs the model until the reply ends; each pass gives a sign of life."""
        held: tuple[int, ...] = ()  # what is forced is no sign of life before the model has run
        try:
            while self._end is None:
                held += self._take_forced() or self._pass()
                if self._passes > 0:
                    yield held
                    held = ()
        except Cancelled:
            self._end = "cancelled"
        if held:
            yield held
        return Statistics(
            passes=self._passes,
            tokens=self._length,
            prompt_tokens=self._prompt_tokens,
            reused_tokens=self._reused,
            forced=self._forced,
            accepted_drafts=self._accepted,
            end=self._end,
        )

    def _reuse(self, prompt: list[int]) -> int:
        """Keeps of the cache what the prompt begins with; one token is always left to read."""
        regime = self._steps.regime(len(prompt))
        reused = min(self._kept.common(prompt), len(prompt) - 1) if regime == self._kept.regime else 0
        del self._kept.ids[reused:]
        self._kept.regime = regime
        return reused

    def _take_forced(self) -> tuple[int, ...]:
        """Takes what the grammar leaves no choice about."""
        taken = self._take(self._mask.forced()) if self._mask else ()
        self._pending += taken
        self._forced += len(taken)
        return taken

    def _pass(self) -> tuple[int, ...]:
        """Runs the model once, and takes what that settles; nothing while it reads a long prompt."""
        self._change_regime()
        if len(self._pending) > PREFILL_TOKENS and not self._kept.regime:
            self._read(self._pending[:PREFILL_TOKENS])
            self._pending = self._pending[PREFILL_TOKENS:]
            return ()
        guess = self._guess()
        accepted, new = guess.agreed(self._choose(guess))
        if UNDECIDED in new:
            raise NotFinite
        self._forced += sum(guess.is_forced[:accepted])
        self._accepted += accepted - sum(guess.is_forced[:accepted])
        self._kept.ids += [*self._pending, *guess.ids[:accepted]]
        self._pending = new
        return self._take([*guess.ids[:accepted], *new])

    def _change_regime(self) -> None:
        """Has the model read everything anew where the text has grown into another position encoding."""
        regime = self._steps.regime(len(self._kept.ids) + len(self._pending))
        if regime != self._kept.regime:
            self._pending = [*self._kept.ids, *self._pending]
            self._kept.ids, self._kept.regime = [], regime

    @contextmanager
    def _turn(self) -> Generator[None]:
        with self._decoder.passes.turn(self._is_cancelled):
            self._passes += 1
            yield

    def _read(self, ids: list[int]) -> None:
        with self._turn():
            self._steps.run(self._kept, ids, 1)
        self._kept.ids += ids

    def _choose(self, guess: _Guess) -> list[int]:
        """The token that the model chooses after what is pending and after each token of a guess."""
        with self._turn():
            logits = self._steps.run(self._kept, [*self._pending, *guess.ids], 1 + len(guess.ids))
            allowed = None
            if self._mask:  # computed while the device works on the pass
                bits = self._mask.allowed(guess.ids).to(logits.device, non_blocking=True)
                allowed = unpacked(bits, logits.shape[-1])
            # to read the ids is the one wait for the device
            chosen = self._sampler.choose(logits, self._length, allowed)
            return chosen.tolist()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    def _guess(self) -> _Guess:
        read = len(self._kept.ids) + len(self._pending)
        room = min(
            self._decoder.longest_pass - len(self._pending),
            self._steps.room(read, self._decoder.context_tokens),
            self._limit - self._length - 1,
        )
        if self._drafts is None or room <= 0:
            return _Guess([], [])
        if self._mask is None:
            ids = self._until_stop(self._drafts.after((), room))
            return _Guess(ids, [False] * len(ids))
        return self._guess_within(self._mask, self._drafts, room)

    def _guess_within(self, mask: CanvasMask, drafts: Drafts, room: int) -> _Guess:
        """A guess that keeps to the grammar, with what the grammar forces put in."""
        ids: list[int] = []
        is_forced: list[bool] = []
        ahead: list[int] = []
        forced: list[int] = []
        while len(ids) < room and not mask.is_finished:
            forced = mask.forced()
            if forced:
                ahead = ahead[len(forced) :] if ahead[: len(forced)] == forced else []
            else:
                ahead = ahead or self._until_stop(drafts.after(ids, room - len(ids)))
            step = forced or ahead[:1]
            if not step or len(ids) + len(step) > room or mask.consume(step) < len(step):
                break
            ahead = ahead if forced else ahead[1:]
            ids += step
            is_forced += [bool(forced)] * len(step)
        is_open = not mask.is_finished and not mask.forced()
        mask.rollback(len(ids))
        return _Guess(ids, is_forced, is_open)

    def _until_stop(self, ids: list[int]) -> list[int]:
        return list(takewhile(lambda each: each not in self._stop_ids, ids))

    def _take(self, ids: Sequence[int]) -> tuple[int, ...]:
        """Adds ids to the reply as far as it goes, and says what was added."""
        taken: list[int] = []
        for each in ids:
            if each in self._stop_ids:
                self._end = "stop"
                break
            if self._ending and not self._ending.admits(each):
                taken += self._ending.ids or ()
                self._end = "closed"
                break
            taken.append(each)
            if self._length + len(taken) == self._limit:
                self._end = "limit"
                break
        self._length += len(taken)
        if self._mask and self._mask.is_finished and self._end in (None, "limit"):
            self._end = "stop"
        if self._drafts:
            self._drafts.extend(taken)
        return tuple(taken)
