"""The machine's clock: quotas, retention and the order of workers go by it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from bot.doctor.findings import Case, Finding

MOST_APART_S: Final = 30.0
_EARLIEST: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The program is not older."""


def clock(case: Case) -> Iterator[Finding]:
    """The time, and how it compares with that of those who were asked; to be looked at after them."""
    words, now = case.words, datetime.now().astimezone()
    told = words.text(
        "Clock: {time}; days for quotas begin at 00:00 UTC.", time=now.strftime("%Y-%m-%d %H:%M:%S %Z (%z)")
    )
    other = case.clocks.nearest()
    set_it = words.text("Set it by the network: timedatectl set-ntp true")
    if now < _EARLIEST:
        yield Finding("clock", "failure", told, set_it)
    elif other is None:
        yield Finding("clock", "ok", told)
    elif abs(other[1]) <= MOST_APART_S:
        agrees = words.text("It agrees with that of {name}.", name=other[0])
        yield Finding("clock", "ok", f"{told} {agrees}")
    else:
        differs = words.text(
            "That of {name} is {seconds} seconds from it.", name=other[0], seconds=round(abs(other[1]))
        )
        yield Finding("clock", "warning", f"{told} {differs}", set_it)
