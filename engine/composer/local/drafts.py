"""Guesses at what comes next, copied from what was written before.

An edited scene repeats most of the scene that it changes, and every call repeats the shape of the one above.
A model checks many guessed tokens in one pass, so a right guess saves passes and a wrong one costs nearly
nothing. No knowledge of words or of the language: only ids.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

_BREAK: Final = -1
"""Stands between texts that do not follow each other; no token has this id."""

_RECENT: Final = 64
_AHEAD: Final = 32
"""How many places are looked at: the newest ones, and the next ones of the edited code."""


class Drafts:
    """Finds the longest suffix of a text that occurred before, and what followed it there.

    Args:
        prompt_ids: The conversation so far.
        edited_ids: The code that is being edited. Of places that fit equally well, the one in this code which
            comes soonest after the last one taken from there is preferred: edits keep the order of the lines.
        shortest: How many ids must agree for a guess.
        longest: Agreement beyond this many ids makes a place no better.
    """

    def __init__(
        self,
        prompt_ids: Sequence[int],
        edited_ids: Sequence[int] = (),
        *,
        shortest: int = 1,
        longest: int = 16,
    ) -> None:
        self._shortest = shortest
        self._longest = longest
        self._ids: list[int] = []
        self._places: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        self._edited = len(edited_ids)
        self._pointer = 0
        self.extend(edited_ids)
        self.extend((_BREAK,))
        self.extend(prompt_ids)

    def extend(self, ids: Sequence[int]) -> None:
        """Adds ids to the end of the text."""
        for new in ids:
            self._ids.append(new)
            end = len(self._ids) - 1
            if end >= self._shortest and new != _BREAK:
                self._places[tuple(self._ids[end - self._shortest : end])].append(end)

    def after(self, tail: Sequence[int], count: int) -> list[int]:
        """At most `count` ids that may follow the text with `tail` at its end; none where nothing agrees."""
        recent = [*self._ids[-self._longest :], *tail][-self._longest :]
        place, agreeing = self._best(recent)
        if place < 0:
            return []
        if place < self._edited:
            self._pointer = place
        # a long guess is worth its width only where much agrees
        wanted = min(count, 8 * agreeing)
        guess = self._ids[place : place + wanted]
        return guess[: guess.index(_BREAK)] if _BREAK in guess else guess

    def _best(self, recent: list[int]) -> tuple[int, int]:
        best = (0, 0, -1)
        places = self._places.get(tuple(recent[-self._shortest :]), ())
        ahead = bisect_left(places, self._pointer)
        for place in {*places[-_RECENT:], *places[ahead : ahead + _AHEAD]}:
            rank = (self._agreeing(recent, place), self._nearness(place), place)
            best = max(best, rank)
        return best[2], best[0]

    def _agreeing(self, recent: list[int], place: int) -> int:
        count = self._shortest
        limit = min(len(recent), place)
        while count < limit and self._ids[place - 1 - count] == recent[-1 - count]:
            count += 1
        return count

    def _nearness(self, place: int) -> int:
        """Higher is nearer to where the edit has come; 0 outside of the edited code."""
        if place >= self._edited:
            return 0
        ahead = place - self._pointer
        return 1 + self._edited - ahead if ahead >= 0 else 1
