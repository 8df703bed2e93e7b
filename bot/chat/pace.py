"""How often something may be sent: budgets of each chat and of all chats together.

Progress takes what is left over, never more than half of a budget, and never waits in line; what people asked
for waits its turn, first come, first served. A platform that says "slow down" is left alone for that long.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.chat.platform import Budget, Chat, Platform
from storage.records import PersonKey

_IDLE_S = 600.0
"""A chat that nothing was sent to for so long is not remembered."""

_STEP_BACK_S = 1.0
"""So long progress leaves a chat alone where somebody waits for their turn."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, and waiting for it."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(eq=False, slots=True)
class _Window:
    """What has been sent lately."""

    budget: Budget
    sent_at_s: deque[float] = field(default_factory=deque[float])
    closed_until_s: float = 0.0
    waiting: int = 0
    line: asyncio.Lock = field(default_factory=asyncio.Lock)

    def wait_s(self, now_s: float, count: int) -> float:
        """Seconds until fewer than `count` calls are in the window; 0 where that is so."""
        while self.sent_at_s and self.sent_at_s[0] <= now_s - self.budget.per_s:
            self.sent_at_s.popleft()
        until_s = self.closed_until_s
        if self.sent_at_s:
            until_s = max(until_s, self.sent_at_s[-1] + self.budget.gap_s)
        if len(self.sent_at_s) >= count:
            until_s = max(until_s, self.sent_at_s[-count] + self.budget.per_s)
        return max(0.0, until_s - now_s)


class Pace:
    """Keeps what is sent on a platform within its budgets."""

    def __init__(self, platform: Platform, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._platform = platform
        self._all = _Window(platform.total_budget)
        self._chats: dict[str, _Window] = {}

    def take_spare(self, chat: Chat) -> float:
        """Takes what is left over for progress; returns 0, or the seconds until it is worth asking again."""
        now_s = self.clock.now()
        windows = (self._window(chat), self._all)
        wait_s = max(_spare_in_s(window, now_s) for window in windows)
        if wait_s <= 0:
            for one in windows:
                one.sent_at_s.append(now_s)
        return wait_s

    async def turn(self, chat: Chat, count: int = 1) -> None:
        """Returns when something that somebody waits for may be sent there, and counts it as sent.

        Args:
            chat: Where.
            count: How many messages it is, for example the pictures of an album; 0 for what only has to wait
                where the platform wants silence.
        """
        window = self._window(chat)
        window.waiting += 1
        try:
            async with window.line:
                await self._until_free(window, count)
                async with self._all.line:
                    await self._until_free(self._all, count)
                    now_s = self.clock.now()
                    for one in (window, self._all):
                        one.sent_at_s.extend([now_s] * count)
        finally:
            window.waiting -= 1

    def slow_down(self, chat: Chat, after_s: float) -> None:
        """Nothing is sent there for that long."""
        window = self._window(chat)
        window.closed_until_s = max(window.closed_until_s, self.clock.now() + after_s)

    async def _until_free(self, window: _Window, count: int) -> None:
        room = max(1, window.budget.count + 1 - count)
        while wait_s := window.wait_s(self.clock.now(), room):
            await self.clock.sleep(wait_s)

    def _window(self, chat: Chat) -> _Window:
        if chat.chat_id not in self._chats:
            self._forget_idle()
            self._chats[chat.chat_id] = _Window(self._platform.chat_budget(chat))
        return self._chats[chat.chat_id]

    def _forget_idle(self) -> None:
        long_ago_s = self.clock.now() - _IDLE_S
        for chat_id, window in list(self._chats.items()):
            last_s = max(window.closed_until_s, window.sent_at_s[-1] if window.sent_at_s else 0.0)
            if last_s < long_ago_s and not window.waiting:
                del self._chats[chat_id]


class PersonalPace:
    """Keeps what each person has done without any work behind it within a budget."""

    def __init__(self, budget: Budget, clock: Clock) -> None:
        self._budget = budget
        self._clock = clock
        self._windows: dict[PersonKey, _Window] = {}

    def take(self, person: PersonKey) -> float:
        """Counts one more; returns 0, or the seconds until there is room for it."""
        now_s = self._clock.now()
        waits_s = {each: one.wait_s(now_s, self._budget.count) for each, one in self._windows.items()}
        self._windows = {each: one for each, one in self._windows.items() if one.sent_at_s}
        if wait_s := waits_s.get(person, 0.0):
            return wait_s
        self._windows.setdefault(person, _Window(self._budget)).sent_at_s.append(now_s)
        return 0.0


def _spare_in_s(window: _Window, now_s: float) -> float:
    """Seconds until there is room for progress: in the first half of the budget, with nobody in line."""
    wait_s = window.wait_s(now_s, max(1, window.budget.count // 2))
    return max(wait_s, _STEP_BACK_S) if window.waiting else wait_s
