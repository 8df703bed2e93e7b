"""What differs between two canvases, as data and with one short line for each difference.

Only what shows counts: of the distances their order, of the colours their values. How the lines are worded is
`canvas.telling`; which regions belong together is `canvas.matching`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from canvas import telling
from canvas.conditions import WHOLE_GRID
from canvas.layout import Rect, rect, regions
from canvas.lines import Line
from canvas.matching import Pair, matched
from canvas.model import Canvas, GlobalDescription, LocalDescription
from canvas.names import COLORS


class ChangeKind(StrEnum):
    """What happened to a region, or to the whole scene (`GLOBAL`)."""

    ADDED = "added"
    REMOVED = "removed"
    RETOLD = "retold"
    MOVED = "moved"
    RESIZED = "resized"
    RECOLOURED = "recoloured"
    NEARER = "nearer"
    FARTHER = "farther"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two canvases.

    Attributes:
        kind: What happened.
        line: What is said of it, taken apart.
        before: The rectangle that is touched in the old picture; None for something added.
        after: The rectangle that is touched in the new picture; None for something removed.
        old_index: The place in the old canvas's local descriptions; None for something added or global.
        new_index: The place in the new canvas's local descriptions; None for something removed or global.
    """

    kind: ChangeKind
    line: Line
    before: Rect | None
    after: Rect | None
    old_index: int | None = None
    new_index: int | None = None

    @property
    def text(self) -> str:
        """One short English line: "lamp moved to the left"."""
        return self.line.english


def changes(old: Canvas, new: Canvas) -> tuple[Change, ...]:
    """The differences between two canvases; none for canvases that paint the same.

    What people see first comes first: the regions in the order of the new code, each with all that happened
    to it, then what was removed, then the whole scene, then regions of which only the details were retold.
    """
    pairs = matched(old.local_descriptions, new.local_descriptions)
    comparison = _Comparison(old, new, pairs)
    return (
        *comparison.regions(),
        *comparison.removed(),
        *_whole_scene(old.global_description, new.global_description),
        *comparison.details(),
    )


class _Comparison:
    """Two canvases whose regions are paired."""

    def __init__(self, old: Canvas, new: Canvas, pairs: tuple[Pair, ...]) -> None:
        self._old = old.local_descriptions
        self._new = new.local_descriptions
        self._pairs = pairs
        self._old_things = telling.things(self._old)
        self._new_things = telling.things(self._new)
        self._shifted = _shifted(old, new, pairs)

    def regions(self) -> Iterator[Change]:
        old_of_new = {j: i for i, j in self._pairs}
        for j, local in enumerate(self._new):
            if j in old_of_new:
                yield from self._paired(old_of_new[j], j)
            else:
                line = telling.added(self._new_things[j])
                yield Change(ChangeKind.ADDED, line, None, rect(local), None, j)

    def removed(self) -> Iterator[Change]:
        kept = {i for i, _ in self._pairs}
        for i, local in enumerate(self._old):
            if i not in kept:
                line = telling.removed(self._old_things[i])
                yield Change(ChangeKind.REMOVED, line, rect(local), None, i, None)

    def details(self) -> Iterator[Change]:
        for i, j in self._pairs:
            old, new = self._old[i], self._new[j]
            if old.description == new.description and _texts(old) != _texts(new):
                line = telling.new_details(self._old_things[i], old, new)
                yield self._change(ChangeKind.RETOLD, line, i, j)

    def _paired(self, i: int, j: int) -> Iterator[Change]:
        old, new, thing = self._old[i], self._new[j], self._old_things[i]
        is_recolored = COLORS[old.color] != COLORS[new.color]
        if old.description != new.description:
            follower = self._new_things[j]
            if not (is_recolored and telling.differ_in_color_only(thing, follower)):
                yield self._change(ChangeKind.RETOLD, telling.retold(thing, follower), i, j)
            thing = telling.successor(thing, follower)
        if (old.location, old.offset) != (new.location, new.offset):
            yield self._change(ChangeKind.MOVED, telling.moved(thing, old, new), i, j)
        if old.area != new.area:
            yield self._change(ChangeKind.RESIZED, telling.resized(thing, old, new), i, j)
        if is_recolored:
            yield self._change(ChangeKind.RECOLOURED, telling.recolored(thing, new), i, j)
        if j in self._shifted:
            kind = self._shifted[j]
            yield self._change(kind, telling.shifted(thing, nearer=kind is ChangeKind.NEARER), i, j)

    def _change(self, kind: ChangeKind, line: Line, i: int, j: int) -> Change:
        return Change(kind, line, rect(self._old[i]), rect(self._new[j]), i, j)


def _texts(local: LocalDescription) -> tuple[object, ...]:
    return local.detailed_descriptions, local.tags, local.atmosphere, local.style, local.quality_meta


def _whole_scene(old: GlobalDescription, new: GlobalDescription) -> Iterator[Change]:
    old_texts = (old.description, old.detailed_descriptions, old.tags)
    if old_texts != (new.description, new.detailed_descriptions, new.tags):
        yield Change(ChangeKind.GLOBAL, telling.retold_scene(old, new), WHOLE_GRID, WHOLE_GRID)
    if COLORS[old.color] != COLORS[new.color]:
        yield Change(ChangeKind.GLOBAL, telling.background(new), WHOLE_GRID, WHOLE_GRID)


def _shifted(old: Canvas, new: Canvas, pairs: tuple[Pair, ...]) -> Mapping[int, ChangeKind]:
    """The new indices of the fewest regions whose shift explains the new order from far to near.

    Of several explanations the one counts that shifts regions whose distance was changed.
    """
    old_rank = {region.index: rank for rank, region in enumerate(regions(old))}
    new_rank = {region.index: rank for rank, region in enumerate(regions(new))}
    far_to_near = sorted(pairs, key=lambda pair: new_rank[pair[1]])
    ranks = [old_rank[i] for i, _ in far_to_near]
    weights = [len(pairs) + 1 if _keeps_distance(old, new, pair) else 1 for pair in far_to_near]
    steady = _heaviest_rise(ranks, weights)
    shifted: dict[int, ChangeKind] = {}
    for at, (_, j) in enumerate(far_to_near):
        if at not in steady:
            has_overtaken = any(ranks[other] > ranks[at] for other in steady if other < at)
            shifted[j] = ChangeKind.NEARER if has_overtaken else ChangeKind.FARTHER
    return shifted


def _keeps_distance(old: Canvas, new: Canvas, pair: Pair) -> bool:
    i, j = pair
    return old.local_descriptions[i].distance_to_viewer == new.local_descriptions[j].distance_to_viewer


def _heaviest_rise(values: list[int], weights: list[int]) -> set[int]:
    """The positions of the increasing subsequence with the greatest sum of weights; distinct values."""
    best: list[tuple[int, int]] = []  # (sum of weights, position before) of the best rise that ends here
    for at, value in enumerate(values):
        before = max(
            (earlier for earlier in range(at) if values[earlier] < value),
            key=lambda e: best[e][0],
            default=-1,
        )
        best.append((weights[at] + (best[before][0] if before >= 0 else 0), before))
    at = max(range(len(best)), key=lambda position: best[position][0], default=-1)
    rise: set[int] = set()
    while at >= 0:
        rise.add(at)
        at = best[at][1]
    return rise
