"""When whose turn comes: places in the queue and honest waiting times, from what was measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from storage.records import Durations, OpenTurn, TurnStage


@dataclass(frozen=True, slots=True)
class Forecast:
    """How an open turn stands.

    Attributes:
        position: Its place among those that are not being painted: 1 is next. 0 while it is painted.
        wait_s: Seconds until its pictures are there; None while nothing has been measured.
    """

    turn: OpenTurn
    position: int
    wait_s: int | None


def forecasts(open_turns: Sequence[OpenTurn], durations: Durations) -> tuple[Forecast, ...]:
    """How every open turn stands, in the fair order.

    As many pictures are taken to be painted side by side as are painted right now, one at least.
    """
    painted = [turn for turn in open_turns if turn.stage is TurnStage.PAINTING]
    lanes = max(1, len(painted))
    position, ahead_s = 0, 0.0
    found: list[Forecast] = []
    for turn in sorted(open_turns, key=lambda one: one.stage is not TurnStage.PAINTING):
        rest_s = _rest_s(turn, durations)
        is_painted = turn.stage is TurnStage.PAINTING
        position += not is_painted
        begins_s = 0.0 if is_painted else ahead_s / lanes
        wait_s = None if rest_s is None else math.ceil(begins_s + rest_s)
        found.append(Forecast(turn, 0 if is_painted else position, wait_s))
        ahead_s += rest_s or 0.0
    return tuple(found)


def _rest_s(turn: OpenTurn, durations: Durations) -> float | None:
    """Seconds of work that are left of a turn."""
    if durations.picture_s is None:
        return None
    painting_s = durations.picture_s * turn.pictures
    if turn.stage is TurnStage.PAINTING:
        return max(1.0, painting_s - turn.stage_s)
    if turn.stage is TurnStage.COMPOSED:
        return painting_s
    return painting_s + (durations.compose_s or 0.0)
