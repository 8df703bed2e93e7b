"""Keys and values of conversations, kept from turn to turn, with the ids that they belong to.

A turn repeats the conversation before it. What a cache already holds of it need not be computed again; it is
found by the ids alone, so that nobody has to say which conversation it is. The number of caches and their
length bound the memory; between two turns a cache may be given to another conversation.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedConfig
from transformers.cache_utils import Cache, StaticLayer

from engine.devices import is_out_of_memory

_POLL_S = 0.05


class _Layer(StaticLayer):
    """A static layer that counts nothing by itself: the length is set from outside, for all layers at once.

    The layers of transformers add each pass to a counter of their own, padding and refused drafts included,
    and all of them would have to be set back. Models with a sliding window keep everything here and leave
    the window to the attention mask: a window that has slid cannot be set back.
    """

    def __init__(self, max_cache_len: int, lengths: dict[torch.device, Tensor]) -> None:
        super().__init__(max_cache_len=max_cache_len)  # pyright: ignore[reportUnknownMemberType]
        self._lengths = lengths
        self.span_tokens = max_cache_len

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        super().lazy_initialization(key_states, value_states)
        for tensor in (self.keys, self.values, self.cumulative_length):
            # static for a CUDA graph, but one compiled step serves the tensors of every conversation
            torch._dynamo.mark_static_address(tensor, guard=False)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        self.cumulative_length = self._lengths.setdefault(self.device, self.cumulative_length)

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: object, **kwargs: object
    ) -> tuple[Tensor, Tensor]:
        del args, kwargs
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        places = torch.arange(key_states.shape[-2], device=self.device) + self.cumulative_length
        self._write(places, key_states, value_states)
        assert self.keys is not None and self.values is not None  # noqa: S101, PT018 - initialised above
        return self.keys[:, :, : self.span_tokens], self.values[:, :, : self.span_tokens]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        del query_length
        return self.span_tokens, 0

    def _write(self, places: Tensor, key_states: Tensor, value_states: Tensor) -> None:
        assert self.keys is not None and self.values is not None  # noqa: S101, PT018
        try:
            self.keys.index_copy_(2, places, key_states)
            self.values.index_copy_(2, places, value_states)
        except NotImplementedError:  # on some devices
            self.keys[:, :, places] = key_states
            self.values[:, :, places] = value_states


def common_start(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids two texts begin with in common."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


class KeyValues(Cache):
    """The keys and values of one conversation: static tensors and how much of them counts.

    Args:
        config: The model's.
        capacity_tokens: How many tokens have room.
    """

    def __init__(self, config: PreTrainedConfig, capacity_tokens: int) -> None:
        self._lengths: dict[torch.device, Tensor] = {}
        text: Any = config.get_text_config(decoder=True)  # pyright: ignore[reportUnknownMemberType]
        count: int = text.num_hidden_layers
        self._all = [_Layer(capacity_tokens, self._lengths) for _ in range(count)]
        super().__init__(layers=list(self._all))
        self.capacity_tokens = capacity_tokens

    @property
    def is_ready(self) -> bool:
        """Whether the tensors exist: from the first pass on."""
        return bool(self._lengths)

    def prepare(self, tokens: int, span_tokens: int) -> None:
        """Makes ready for a pass.

        Args:
            tokens: How many tokens count; the pass writes after them.
            span_tokens: How much of the tensors the attention looks at: at least what counts and what the
                pass writes. All of it would cost time for what is empty.
        """
        for length in self._lengths.values():
            length.fill_(tokens)
        for layer in self._all:
            layer.span_tokens = span_tokens


class Kept:
    """One cache and the ids that stand in it.

    Attributes:
        key_values: The tensors.
        ids: What they hold, first token first.
        prompt_tokens: How many of them were the last prompt; what follows is the reply.
        regime: The position encoding that they were computed with (see `Steps.regime`).
        is_busy: Whether it is lent.
        last_use: The higher, the later it was given back.
    """

    def __init__(self, key_values: KeyValues) -> None:
        self.key_values = key_values
        self.ids: list[int] = []
        self.prompt_tokens = 0
        self.regime = 0
        self.is_busy = False
        self.last_use = 0

    def common(self, ids: Sequence[int]) -> int:
        """How many ids at the start are the same."""
        return common_start(self.ids, ids)


class Caches:
    """All caches there are; each is lent to one reply at a time.

    Args:
        make: Makes the tensors of one conversation; called when a cache is used first.
        conversations: How many caches there may be.
        preamble_tokens: With how many ids all conversations begin; to share those is no sign of being one.
    """

    def __init__(self, make: Callable[[], KeyValues], conversations: int, preamble_tokens: int = 0) -> None:
        if conversations < 1:
            raise ValueError(f"{conversations} conversations: at least one is needed")
        self._make = make
        self._conversations = conversations
        self._preamble_tokens = preamble_tokens
        self._kept: list[Kept] = []
        self._uses = 0
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._kept)

    @contextmanager
    def lend(
        self, ids: Sequence[int], is_cancelled: Callable[[], bool] = lambda: False
    ) -> Generator[Kept | None]:
        """Gives the cache that knows most of a prompt, or the one that nobody has used for longest.

        A cache whose conversation goes on in the prompt is taken first, then a new one, then the one of least
        recent use. While all are lent the caller waits, in the order of asking. After an error the cache is
        dropped, as it may be half allocated; where memory is full those that nobody uses are, too.

        Yields:
            The cache, or None when the caller cancelled while it waited.
        """
        kept = self._wait(ids, is_cancelled)
        try:
            yield kept
        except Exception as error:
            self._drop(kept, with_idle=is_out_of_memory(error))
            raise
        finally:
            if kept is not None:
                self._give_back(kept)

    def _wait(self, ids: Sequence[int], is_cancelled: Callable[[], bool]) -> Kept | None:
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            try:
                while not is_cancelled():
                    if self._queue[0] is ticket and (kept := self._choose(ids)) is not None:
                        kept.is_busy = True
                        return kept
                    self._changed.wait(_POLL_S)
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
        return None

    def _choose(self, ids: Sequence[int]) -> Kept | None:
        idle = [kept for kept in self._kept if not kept.is_busy]
        going_on = [kept for kept in idle if self._goes_on(kept, ids)]
        if going_on:
            return max(going_on, key=lambda kept: kept.common(ids))
        if len(self._kept) < self._conversations:
            self._kept.append(Kept(self._make()))
            return self._kept[-1]
        return min(idle, key=lambda kept: kept.last_use, default=None)

    def _goes_on(self, kept: Kept, ids: Sequence[int]) -> bool:
        """Whether a prompt repeats the last one, or most of what the conversation has of its own."""
        common, preamble = kept.common(ids), self._preamble_tokens
        return 0 < kept.prompt_tokens <= common or 2 * (common - preamble) > len(kept.ids) - preamble

    def _drop(self, dropped: Kept | None, *, with_idle: bool) -> None:
        with self._changed:
            self._kept = [
                kept for kept in self._kept if kept is not dropped and (kept.is_busy or not with_idle)
            ]

    def _give_back(self, kept: Kept) -> None:
        with self._changed:
            self._uses += 1
            kept.last_use = self._uses
            kept.is_busy = False
            self._changed.notify_all()
