"""What a text encoder is to read for each region: sub-prompts, and the bags they are packed into.

The texts and the packing are the reference's (lllyasviel/Omost, `lib_omost/canvas.py` and `pipeline.py`), but
a long prefix gives way to what follows it. The caller counts the tokens: no tokenizer is known here.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from canvas.layout import GRID_CELLS, Rect, regions
from canvas.layout import rect as rect_of
from canvas.model import Canvas, GlobalDescription, LocalDescription

CLIP_TOKENS = 75
"""What a CLIP text encoder reads between its begin and end tokens."""

WHOLE_GRID: Rect = (0, GRID_CELLS, 0, GRID_CELLS)

TokenCounter = Callable[[str], int]


@dataclass(frozen=True, slots=True)
class Condition:
    """The text for one part of the picture.

    Attributes:
        rect: (top, bottom, left, right) in cells of the 90 x 90 grid.
        prefixes: Sub-prompts that open every bag, the most general first.
        suffixes: Sub-prompts that are shared out among the bags.
    """

    rect: Rect
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bag:
    """Sub-prompts that are encoded together, in this order."""

    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]


def conditions(canvas: Canvas) -> tuple[Condition, ...]:
    """The global condition, then one for each local description from far to near."""
    whole = canvas.global_description
    far_to_near = [canvas.local_descriptions[region.index] for region in regions(canvas)]
    return _global_condition(whole), *(_local_condition(whole, local) for local in far_to_near)


def bags(
    condition: Condition, count_tokens: TokenCounter, budget_tokens: int = CLIP_TOKENS
) -> tuple[Bag, ...]:
    """Packs the suffixes greedily, in their order, into bags that each start with the prefixes.

    Every suffix is in exactly one bag. While each fits beside the whole prefix, the bags are the reference's.
    Otherwise the prefix gives way, the most general sub-prompt first and the last one word by word: to half
    of the budget for all bags, and further in the bag of a suffix that needs the room. A suffix beyond the
    whole budget is alone in its bag, for the encoder to cut.

    Args:
        condition: What to pack.
        count_tokens: The tokens of a sub-prompt, without begin and end; more for more words.
        budget_tokens: What the encoder reads of a bag.
    """
    suffix_tokens = [count_tokens(suffix) for suffix in condition.suffixes]
    prefix_tokens = sum(map(count_tokens, condition.prefixes))
    prefixes = condition.prefixes
    if suffix_tokens and prefix_tokens + max(suffix_tokens) > budget_tokens:
        prefixes = _shortened(prefixes, count_tokens, budget_tokens // 2)
        prefix_tokens = sum(map(count_tokens, prefixes))
    packed = _packed(suffix_tokens, budget_tokens - prefix_tokens) if suffix_tokens else [range(0)]
    return tuple(
        Bag(
            _shortened(prefixes, count_tokens, budget_tokens - sum(suffix_tokens[index] for index in bag)),
            tuple(condition.suffixes[index] for index in bag),
        )
        for bag in packed
    )


def sub_prompt(text: str) -> str:
    """A text as one sentence of its own; an empty one becomes a full stop, as in the reference."""
    return text.strip(",. ") + "."


def _global_condition(whole: GlobalDescription) -> Condition:
    suffixes = (*whole.detailed_descriptions, whole.tags)
    return Condition(WHOLE_GRID, (sub_prompt(whole.description),), tuple(map(sub_prompt, suffixes)))


def _local_condition(whole: GlobalDescription, local: LocalDescription) -> Condition:
    prefixes = (whole.description, local.description)
    suffixes = (*local.detailed_descriptions, local.tags, local.atmosphere, local.style, local.quality_meta)
    return Condition(rect_of(local), tuple(map(sub_prompt, prefixes)), tuple(map(sub_prompt, suffixes)))


def _packed(sizes: list[int], room: int) -> Iterator[range]:
    """Runs of consecutive indices whose sizes fit into the room; one that does not fit is alone."""
    start, used = 0, 0
    for index, size in enumerate(sizes):
        if used + size > room and index > start:
            yield range(start, index)
            start, used = index, 0
        used += size
    yield range(start, len(sizes))


def _shortened(prefixes: tuple[str, ...], count_tokens: TokenCounter, room: int) -> tuple[str, ...]:
    """The prefixes without the most general ones, as far as they fit; the last one is cut between words."""
    while len(prefixes) > 1 and sum(map(count_tokens, prefixes)) > room:
        prefixes = prefixes[1:]
    if not prefixes or count_tokens(prefixes[0]) <= room:
        return prefixes
    words = prefixes[0].split()

    def tokens_of_first(count: int) -> int:
        return count_tokens(sub_prompt(" ".join(words[:count])))

    kept = bisect_right(range(1, len(words)), room, key=tokens_of_first)
    return (sub_prompt(" ".join(words[:kept])),) if kept else ()
