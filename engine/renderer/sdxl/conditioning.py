"""From a canvas to what a UNet reads: the texts as tensors, and the part of the picture that each is for.

Sub-prompts and bags are `canvas.conditions`; here they become tokens, and go through SDXL's two text
encoders. Knows nothing of how they are attended to.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, cast

import torch
from torch import Tensor

from canvas.conditions import CLIP_TOKENS, WHOLE_GRID, Condition, bags, conditions
from canvas.layout import Rect, regions
from canvas.model import MAX_LOCAL_DESCRIPTIONS, Canvas
from engine.renderer.sdxl.loading import Parts

BAG_TOKENS: Final = CLIP_TOKENS + 2
"""What a text encoder is given of a bag: its tokens between begin and end, padded."""

_BATCH_BAGS: Final = 32
"""More bags than most scenes have; encoders keep the states of all their layers meanwhile."""

MOST_BAGS: Final = 1 + MAX_LOCAL_DESCRIPTIONS
"""Of a scene: one for each condition that it can have, and far more than a language model writes.

Their keys and values take 3 GB in float16.
"""

KEPT_BAGS: Final = 256
"""A dozen scenes; 80 MB in float16."""

_Ids = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The keys from one condition, and where they count.

    Attributes:
        start: The first key.
        end: Behind the last key.
        rect: (top, bottom, left, right) in cells of the 90 x 90 grid.
        covered_by: Where nearer regions soften it; empty without depth.
    """

    start: int
    end: int
    rect: Rect
    covered_by: tuple[Rect, ...] = ()


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What a scene says, as tensors on the device that paints.

    Attributes:
        positive: [keys, features]: the bags of all conditions, the global one's first.
        keys: One range for each condition, in the same order.
        pooled: [features] of the global condition's first bag.
        negative: [77, features].
        negative_pooled: [features].
    """

    positive: Tensor
    keys: tuple[KeyRange, ...]
    pooled: Tensor
    negative: Tensor
    negative_pooled: Tensor


class Conditioner:
    """Encodes canvases. It remembers bags, so that after an edit only new ones are encoded.

    Texts are split once, by the first tokenizer: the second would take "!" for its padding. Words that look
    like a tokenizer's controls are words. What is beyond an encoder's length is cut, never refused; so is
    what a scene says beyond `MOST_BAGS`.

    Args:
        parts: A loaded checkpoint.
        projected_pooled: Whether the pooled vector goes through the encoder's projection, as SDXL was
            trained. The reference leaves it out.
        kept_bags: How many bags are remembered.
    """

    def __init__(self, parts: Parts, *, projected_pooled: bool = True, kept_bags: int = KEPT_BAGS) -> None:
        self._parts = parts
        self._projected_pooled = projected_pooled
        self._kept_bags = kept_bags
        self._kept: OrderedDict[_Ids, tuple[Tensor, Tensor]] = OrderedDict()

    def condition(self, canvas: Canvas, negative_prompt: str, *, depth: bool = False) -> Conditioning:
        """The tensors for a canvas.

        Args:
            canvas: What is to be painted.
            negative_prompt: What it should not look like; cut to one bag.
            depth: Whether nearer regions soften what lies under them.
        """
        ids_of = cache(self._ids)  # packing asks often
        packed = _bounded([_bag_ids(condition, ids_of) for condition in conditions(canvas)])
        negative = ids_of(negative_prompt)[:CLIP_TOKENS]
        encoded = self._encoded([negative, *(ids for bag_ids in packed for ids in bag_ids)])
        texts = [encoded[ids][0] for bag_ids in packed for ids in bag_ids]
        return Conditioning(
            positive=self._placed(torch.cat(texts)),
            keys=_key_ranges(canvas, [len(bag_ids) for bag_ids in packed], depth=depth),
            pooled=self._placed(encoded[packed[0][0]][1]),
            negative=self._placed(encoded[negative][0]),
            negative_pooled=self._placed(encoded[negative][1]),
        )

    def forget(self) -> None:
        """Drops all bags: for when the encoders' weights have changed."""
        self._kept.clear()

    def _ids(self, text: str) -> _Ids:
        tokenizer = cast("Any", self._parts.tokenizer)
        # verbose would log that long texts are long
        tokens = tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False)
        return tuple(tokens.input_ids)

    def _encoded(self, wanted: Iterable[_Ids]) -> dict[_Ids, tuple[Tensor, Tensor]]:
        """Each bag's states [77, features] and pooled vector, on the CPU; the latest ones are kept."""
        asked = dict.fromkeys(wanted)
        new = [ids for ids in asked if ids not in self._kept]
        for start in range(0, len(new), _BATCH_BAGS):
            batch = new[start : start + _BATCH_BAGS]
            self._kept.update(zip(batch, self._encode(batch), strict=True))
        for ids in asked:
            self._kept.move_to_end(ids)
        found = {ids: self._kept[ids] for ids in asked}
        while len(self._kept) > self._kept_bags:
            self._kept.popitem(last=False)
        return found

    @torch.no_grad()
    def _encode(self, batch: Sequence[_Ids]) -> list[tuple[Tensor, Tensor]]:
        parts = self._parts
        ids, ids_2 = (_padded(batch, tokenizer) for tokenizer in (parts.tokenizer, parts.tokenizer_2))
        first = _run(parts.text_encoder, ids)
        second = _run(parts.text_encoder_2, ids_2)
        texts = [states.hidden_states[-2].cpu() for states in (first, second)]
        pooled = second.text_embeds if self._projected_pooled else self._unprojected(second, ids_2)
        # cloned: a row of a batch would keep all of the batch in memory
        rows = zip(torch.cat(texts, -1), pooled.cpu(), strict=True)
        return [(text.clone(), vector.clone()) for text, vector in rows]

    def _unprojected(self, states: Any, ids: Tensor) -> Tensor:
        """The last state of the first end token."""
        end = ids.eq(cast("int", self._parts.tokenizer_2.eos_token_id)).int().argmax(-1)
        return states.last_hidden_state[torch.arange(len(end)), end]

    def _placed(self, tensor: Tensor) -> Tensor:
        return tensor.to(self._parts.device)


def _bag_ids(condition: Condition, ids_of: Any) -> list[_Ids]:
    """The tokens of a condition's bags, each as long as an encoder reads it."""
    return [
        tuple(token for text in (*bag.prefixes, *bag.suffixes) for token in ids_of(text))[:CLIP_TOKENS]
        for bag in bags(condition, lambda text: len(ids_of(text)))
    ]


def _bounded(packed: list[list[_Ids]]) -> list[list[_Ids]]:
    """The bags of all conditions; the first ones of each, one at least, where together they are too many."""
    if sum(map(len, packed)) <= MOST_BAGS:
        return packed
    return [bag_ids[: max(1, MOST_BAGS // len(packed))] for bag_ids in packed]


def _key_ranges(canvas: Canvas, bag_counts: Sequence[int], *, depth: bool) -> tuple[KeyRange, ...]:
    far_to_near = regions(canvas)
    ends = [BAG_TOKENS * sum(bag_counts[: number + 1]) for number in range(len(bag_counts))]
    ranges = [KeyRange(0, ends[0], WHOLE_GRID)]
    for start, end, region in zip(ends, ends[1:], far_to_near, strict=False):
        nearer = (other.rect for other in far_to_near if depth and other.distance < region.distance)
        ranges.append(KeyRange(start, end, region.rect, tuple(nearer)))
    return tuple(ranges)


def _padded(batch: Sequence[_Ids], tokenizer: Any) -> Tensor:
    """Begin, tokens, end, and the tokenizer's own padding: int64 [bags, 77]."""
    rows = torch.full((len(batch), BAG_TOKENS), tokenizer.pad_token_id)
    for row, ids in zip(rows, batch, strict=True):
        row[: len(ids) + 2] = torch.tensor([tokenizer.bos_token_id, *ids, tokenizer.eos_token_id])
    return rows


def _run(encoder: Any, ids: Tensor) -> Any:
    return encoder(ids.to(encoder.device), output_hidden_states=True)
