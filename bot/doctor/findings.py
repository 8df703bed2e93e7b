"""What a look at something finds, and the looking at many things at the same time."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bot.replies import Words
from bot.settings import Settings

Status = Literal["ok", "warning", "failure"]

WITHIN_S: Final = 20.0
"""Whoever has not answered by then has not answered."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of what was found.

    Attributes:
        name: What was looked at, the same in every language.
        status: `failure` for what keeps the bot from running, or from doing what it is configured for.
        summary: How it is.
        advice: What to do; empty where nothing need be done.
    """

    name: str
    status: Status
    summary: str
    advice: str = ""


Look = Callable[[], Iterable[Finding]]


class Clocks:
    """How far ahead of this machine's other clocks are, as looks at others come upon them."""

    def __init__(self) -> None:
        self._ahead_s: list[tuple[str, float]] = []

    def note(self, whose: str, ahead_s: float | None) -> None:
        """Remembers a clock, if its time was told; from any thread."""
        if ahead_s is not None:
            self._ahead_s.append((whose, ahead_s))

    def nearest(self) -> tuple[str, float] | None:
        """The one that differs least: of several, those that agree with this machine are right."""
        return min(self._ahead_s, key=lambda found: abs(found[1]), default=None)


@dataclass(frozen=True, slots=True)
class Case:
    """What is looked at.

    Attributes:
        settings: As far as they could be read.
        words: To tell it in.
        clocks: Of others, noted on the way.
    """

    settings: Settings
    words: Words
    clocks: Clocks


def gather(looks: Mapping[str, Look], words: Words, within_s: float = WITHIN_S) -> tuple[list[Finding], bool]:
    """Looks at everything at the same time, each in a thread of its own.

    Returns:
        What was found, in the looks' order; and whether all have answered in time. A thread that has not
        cannot be ended, and may keep the interpreter from ending: a look-up of a name, for example.
    """
    found: dict[str, Sequence[Finding]] = {}

    def look(name: str, at: Look) -> None:
        try:
            found[name] = list(at())
        except Exception as error:  # noqa: BLE001 - one look that breaks must not take the others with it
            kind = type(error).__name__
            found[name] = [
                Finding(
                    name,
                    "failure",
                    words.text(
                        "{name}: this could not be looked at: {kind}: {why}", name=name, kind=kind, why=error
                    ),
                )
            ]

    deadline_s = time.monotonic() + within_s
    threads = [threading.Thread(target=look, args=each, daemon=True) for each in looks.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline_s - time.monotonic()))
    answered = dict(found)
    late = {name: [_late(name, words, within_s)] for name in looks if name not in answered}
    return [finding for name in looks for finding in (answered | late)[name]], not late


def _late(name: str, words: Words, within_s: float) -> Finding:
    return Finding(
        name,
        "failure",
        words.text("{name}: no answer within {seconds} seconds.", name=name, seconds=round(within_s)),
        words.text("Look at the network, the disk and the machine's load, and ask again."),
    )


def gigabytes(count_bytes: float) -> str:
    """As people read it."""
    return f"{count_bytes / 1e9:.1f} GB"
