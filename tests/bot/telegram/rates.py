"""Telegram's documented sending rates, watched on every call."""

import math
from collections import defaultdict, deque
from dataclasses import dataclass, field

from tests.bot.telegram.timing import Clock

OVERALL_A_SECOND = 30
GROUP_A_MINUTE = 20
CHAT_A_SECOND = 1.0
BURST = 3
"""So many messages may come at once in one chat ("short bursts that go over this limit")."""

BESIDE_MESSAGES = frozenset({"sendChatAction", "sendMessageDraft"})
"""What is sent and is no message: it counts for all chats together; a chat action counts in groups, too."""


def is_counted(method: str) -> bool:
    """Whether a method sends or changes something that people see."""
    return method.startswith(("send", "edit", "copy"))


@dataclass(frozen=True)
class RateViolation:
    """A call that came too early, by which rule, and after how long it would have been right."""

    method: str
    chat_id: int
    rule: str
    at_s: float
    early_by_s: float


@dataclass
class _Bucket:
    """Fills with CHAT_A_SECOND up to BURST."""

    level: float = BURST
    at_s: float = -math.inf

    def missing_s(self, now_s: float) -> float:
        passed_s = min(now_s - self.at_s, BURST / CHAT_A_SECOND)
        self.level, self.at_s = min(BURST, self.level + passed_s * CHAT_A_SECOND), now_s
        return max(0.0, (1 - self.level) / CHAT_A_SECOND)


@dataclass
class _Window:
    """So many in so long."""

    most: int
    length_s: float
    times_s: deque[float] = field(default_factory=deque[float])

    def missing_s(self, now_s: float, amount: int) -> float:
        while self.times_s and self.times_s[0] <= now_s - self.length_s:
            self.times_s.popleft()
        over = len(self.times_s) + min(amount, self.most) - self.most
        return self.times_s[over - 1] + self.length_s - now_s if over > 0 else 0.0


class Rates:
    """Counts what is sent; with `enforced` a call that came too early is to be refused.

    As on Telegram's side, who has been refused stays so until the time he was told is over. What comes early
    by no more than `jitter_s` may have been sent in time, if it was not on the way for as long as others.
    """

    def __init__(self, clock: Clock, *, enforced: bool = False, jitter_s: float = 0) -> None:
        self.enforced = enforced
        self.jitter_s = jitter_s
        self.violations: list[RateViolation] = []
        self._clock = clock
        self._overall = _Window(OVERALL_A_SECOND, 1.0)
        self._groups: dict[int, _Window] = defaultdict(lambda: _Window(GROUP_A_MINUTE, 60.0))
        self._chats: dict[int, _Bucket] = defaultdict(_Bucket)
        self._silent_until_s: dict[int, float] = {}

    def count(self, method: str, chat_id: int, amount: int = 1) -> float:
        """Counts a call that sends `amount` messages; the seconds after which it is to come again, or 0.

        An album is one sending in its chat, but as many messages for a group and for all chats together.
        """
        now_s = self._clock.now_s()
        missing = self._missing(method, chat_id, amount, now_s)
        rule, early_by_s = max(missing.items(), key=lambda item: item[1])
        if early_by_s > self.jitter_s:
            self.violations.append(RateViolation(method, chat_id, rule, now_s, early_by_s))
            if self.enforced:
                self._silent_until_s[chat_id] = now_s + early_by_s
                return early_by_s
        self._take(method, chat_id, amount, now_s)
        return 0.0

    def _missing(self, method: str, chat_id: int, amount: int, now_s: float) -> dict[str, float]:
        missing = {
            "silence": self._silent_until_s.get(chat_id, 0.0) - now_s,
            "overall": self._overall.missing_s(now_s, amount),
        }
        if method not in BESIDE_MESSAGES:
            missing["chat"] = self._chats[chat_id].missing_s(now_s)
        if chat_id < 0 and method != "sendMessageDraft":
            missing["group"] = self._groups[chat_id].missing_s(now_s, amount)
        return missing

    def _take(self, method: str, chat_id: int, amount: int, now_s: float) -> None:
        self._overall.times_s.extend([now_s] * amount)
        if method not in BESIDE_MESSAGES:
            self._chats[chat_id].level -= 1
        if chat_id < 0:
            self._groups[chat_id].times_s.extend([now_s] * amount)
