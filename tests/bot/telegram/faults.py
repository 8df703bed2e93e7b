"""What goes wrong on the way to Telegram and back, as tests order it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from tests.bot.telegram.calls import Call
from tests.bot.telegram.refusals import Refusal, flood

EVERY_METHOD = "*"


class Harm(Enum):
    """What happens to a call.

    It is refused, or the connection breaks before or after its effect, or it waits before or after that.
    """

    REFUSED = auto()
    LOST = auto()
    UNANSWERED = auto()
    DELAYED = auto()
    ANSWERED_LATE = auto()


@dataclass
class Fault:
    """A harm to the next `times` calls of a method with the arguments in `only`.

    Delayed calls wait for the `gate`, and so long as the client does.
    """

    method: str
    harm: Harm
    times: int
    refusal: Refusal
    gate: asyncio.Event
    only: Mapping[str, str | int]
    struck: int = 0

    def strikes(self, call: Call) -> bool:
        is_meant = self.method in (EVERY_METHOD, call.method)
        return is_meant and self.struck < self.times and self._fits(call)

    def _fits(self, call: Call) -> bool:
        return all(call.text(name) == str(value) for name, value in self.only.items())


class Faults:
    """The faults that tests have ordered; the first that fits a call strikes it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def flood(self, method: str, *, retry_after_s: int = 1, times: int = 1, **only: str | int) -> Fault:
        """Refuses with 429."""
        return self._order(method, Harm.REFUSED, times, only, flood(retry_after_s))

    def fail(self, method: str, *, code: int = 500, times: int = 1, **only: str | int) -> Fault:
        """Answers that the server has failed; nothing has happened."""
        words = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}
        return self._order(method, Harm.REFUSED, times, only, Refusal(code, words[code]))

    def refuse(self, method: str, refusal: Refusal, *, times: int = 1, **only: str | int) -> Fault:
        return self._order(method, Harm.REFUSED, times, only, refusal)

    def lose(self, method: str, *, times: int = 1, **only: str | int) -> Fault:
        """Breaks the connection; nothing has happened."""
        return self._order(method, Harm.LOST, times, only)

    def drop_answer(self, method: str, *, times: int = 1, **only: str | int) -> Fault:
        """Does what is asked and breaks the connection."""
        return self._order(method, Harm.UNANSWERED, times, only)

    def delay(self, method: str, *, times: int = 1, **only: str | int) -> Fault:
        """Does nothing until the gate opens; who has gone by then has asked in vain."""
        return self._order(method, Harm.DELAYED, times, only)

    def answer_late(self, method: str, *, times: int = 1, **only: str | int) -> Fault:
        """Does what is asked at once and answers when the gate opens, or not at all."""
        return self._order(method, Harm.ANSWERED_LATE, times, only)

    def take(self, call: Call) -> Fault | None:
        """The fault that strikes the call; it is then used up by one."""
        fault = next((fault for fault in self._faults if fault.strikes(call)), None)
        if fault:
            fault.struck += 1
        return fault

    def clear(self) -> None:
        """From now on all goes well, and what waits at a gate goes on."""
        for fault in self._faults:
            fault.gate.set()
        self._faults.clear()

    def _order(
        self,
        method: str,
        harm: Harm,
        times: int,
        only: Mapping[str, str | int],
        refusal: Refusal | None = None,
    ) -> Fault:
        """A fault for calls with just these arguments."""
        unused = refusal or Refusal(500, "Internal Server Error")
        fault = Fault(method, harm, times, unused, asyncio.Event(), only)
        self._faults.append(fault)
        return fault
