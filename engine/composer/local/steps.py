"""One pass of a model over the next tokens of one conversation.

Knows neither sampling nor grammars: ids in, logits out, keys and values written behind those that count.
"""

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from transformers import PreTrainedModel

from engine.composer.local.caches import Kept, KeyValues

_Graph = tuple[torch.cuda.CUDAGraph, Tensor]
"""A captured pass and where its logits come out."""


class Steps:
    """Runs passes, one at a time (the caller sees to that).

    Without `compile` a pass has as many places as it has ids. With it a pass of at most `widths[-1]` ids is
    padded to the next width, and looks at a quarter of the cache or at all of it: `torch.compile` with
    `fullgraph=True` traces one graph for each of these, which serves all conversations, and proves that
    nothing in it waits for the device or depends on a value. On CUDA the compiled step is then captured as a
    CUDA graph, for each cache besides, and from then on only replayed. That part has not been run: it was
    written on a machine without a GPU. Longer passes (prefill), the first one of a cache, and those near its
    end, where a padded one has no room, run as they come.

    Args:
        model: A decoder of transformers with full or sliding attention.
        widths: The numbers of places of compiled passes, ascending.
        compile: Whether to compile and capture.
        backend: What compiles, as `torch.compile` takes it; `eager` traces and captures only.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        widths: Sequence[int],
        *,
        compile: bool = False,  # noqa: A002 - torch's own word for it
        backend: str | Callable[..., Any] = "inductor",
    ) -> None:
        self._model = model
        self._widths = tuple(sorted(widths))
        # they hold the addresses of a cache's tensors, and end with it
        self._graphs: WeakKeyDictionary[Kept, dict[tuple[int, int], _Graph]] = WeakKeyDictionary()
        self._inputs: dict[int, tuple[Tensor, Tensor]] = {}
        self._pool: Any = None
        self._step: Callable[[Tensor, KeyValues], Tensor] | None = None
        if compile:
            self._step = torch.compile(  # pyright: ignore[reportUnknownMemberType]
                self._forward, fullgraph=True, dynamic=False, backend=backend
            )
        self._switch_tokens = _switch_tokens(model)

    @property
    def device(self) -> torch.device:
        """Where ids go in."""
        return self._model.device

    def regime(self, tokens: int) -> int:
        """Which position encoding a text of so many tokens has; keys of another one are of no use.

        LongRoPE (Phi-3 with 128k) changes the rotation of all positions once the text is longer than the
        context of the first training.
        """
        return int(tokens > self._switch_tokens)

    def room(self, tokens: int, capacity_tokens: int) -> int:
        """How many ids one pass may have after so many: to the end of the cache or of the regime."""
        end = capacity_tokens if self.regime(tokens) else min(capacity_tokens, self._switch_tokens)
        return int(end - tokens)

    @torch.no_grad()
    def run(self, kept: Kept, ids: Sequence[int], places: int) -> Tensor:
        """The logits of the last `places` ids, "places V".

        What `kept` held stays; the ids' own keys and values lie behind it until the caller says, by adding to
        `kept.ids`, which of them count.
        """
        start, count = len(kept.ids), len(ids)
        width = self._width(kept, count)
        if width is None:
            kept.key_values.prepare(start, start + count)
            inputs = self._host_inputs(start, ids, count).to(self.device, non_blocking=True)
            return self._forward(inputs, kept.key_values, places)
        span_tokens = self._span(kept, start + width)
        kept.key_values.prepare(start, span_tokens)
        host, inputs = self._inputs_of(width)
        host.copy_(self._host_inputs(start, ids, width))
        inputs.copy_(host, non_blocking=True)
        if inputs.is_cuda:
            logits = self._captured(kept, inputs, (width, span_tokens))
        else:
            logits = self._compiled(kept, inputs)
        return logits[count - places : count]

    @staticmethod
    def _span(kept: Kept, tokens: int) -> int:
        """How much of a cache a compiled pass looks at: a quarter where that is enough, else all."""
        quarter = kept.key_values.capacity_tokens // 4
        return quarter if tokens <= quarter else kept.key_values.capacity_tokens

    def _width(self, kept: Kept, count: int) -> int | None:
        """The width of the compiled step to use, or None for a pass as it comes."""
        room = kept.key_values.capacity_tokens - len(kept.ids)
        if self._step is None or not kept.key_values.is_ready:
            return None
        return next((width for width in self._widths if count <= width <= room), None)

    def _forward(self, inputs: Tensor, key_values: KeyValues, places: int = 0) -> Tensor:
        output: Any = self._model(
            input_ids=inputs[:1],
            position_ids=inputs[1:],
            past_key_values=key_values,
            use_cache=True,
            logits_to_keep=places,
        )
        return output.logits[0]

    def _compiled(self, kept: Kept, inputs: Tensor) -> Tensor:
        assert self._step is not None  # noqa: S101 - `_width` has seen to it
        return self._step(inputs, kept.key_values)

    def _captured(self, kept: Kept, inputs: Tensor, key: tuple[int, int]) -> Tensor:
        """Replays the CUDA graph of a cache, a width and a span; captures it at first use."""
        graphs = self._graphs.setdefault(kept, {})
        if key not in graphs:
            with torch.cuda.device(inputs.device):
                graphs[key] = self._capture(kept, inputs)
        graph, logits = graphs[key]
        graph.replay()
        return logits

    def _capture(self, kept: Kept, inputs: Tensor) -> _Graph:
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(2):  # compiles and lets libraries allocate; writes what the replay writes again
                self._compiled(kept, inputs)
        torch.cuda.current_stream().wait_stream(aside)
        self._pool = self._pool or torch.cuda.graph_pool_handle()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            logits = self._compiled(kept, inputs)
        return graph, logits

    def _inputs_of(self, width: int) -> tuple[Tensor, Tensor]:
        """The tensors that ids and positions of a width go through, on the host and on the device."""
        if width not in self._inputs:
            host = torch.zeros((2, width), dtype=torch.long, pin_memory=self.device.type == "cuda")
            inputs = torch.zeros_like(host, device=self.device, pin_memory=False)
            self._inputs[width] = (host, inputs)
        return self._inputs[width]

    @staticmethod
    def _host_inputs(start: int, ids: Sequence[int], width: int) -> Tensor:
        """Ids and positions, "2 width". Padding repeats the last position: LongRoPE looks at the highest."""
        padding = width - len(ids)
        positions = [*range(start, start + len(ids)), *[start + len(ids) - 1] * padding]
        return torch.tensor([[*ids, *[0] * padding], positions])


def _switch_tokens(model: PreTrainedModel) -> float:
    """Up to how many tokens the first position encoding holds; infinite for most models."""
    text: Any = model.config.get_text_config(decoder=True)  # pyright: ignore[reportUnknownMemberType]
    rope: Any = getattr(text, "rope_parameters", None) or {}
    if rope.get("rope_type") != "longrope":
        return float("inf")
    return float(rope["original_max_position_embeddings"])
