"""The updates of a bot: kept until they are confirmed, given out by long polling or sent to a webhook."""

import asyncio
import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.bot.telegram.refusals import HAS_WEBHOOK, NEW_WEBHOOK, OTHER_POLLER, Refusal
from tests.bot.telegram.timing import Changes, Clock

ON_REQUEST_ONLY = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
WEBHOOK_TIMEOUT_S = 60
LONGEST_PAUSE_S = 60

UpdateJson = dict[str, Any]


def _backwards(updates: list[UpdateJson]) -> list[UpdateJson]:
    return updates[::-1]


@dataclass
class Webhook:
    """Where updates are sent to, and how that goes."""

    url: str
    secret_token: str = ""
    error: str = ""
    error_at_s: float = 0
    delivered: list[int] = field(default_factory=list[int])


class Updates:
    """Every update in the order in which it is given out.

    Tests may have them repeated (`repeat`), kept back (`hold`) and let go in another order (`release`).
    """

    def __init__(self, clock: Clock, changes: Changes) -> None:
        self.allowed: Sequence[str] = ()
        self.webhook: Webhook | None = None
        self.conflicts = 0
        self.all: list[UpdateJson] = []
        self.delivers_twice = False
        self._clock = clock
        self._changes = changes
        self._ids = itertools.count(1000)
        self._pending: list[UpdateJson] = []
        self._again: list[UpdateJson] = []
        self._held: list[UpdateJson] | None = None
        self._poller: object = None
        self._delivery: asyncio.Task[None] | None = None

    @property
    def pending(self) -> int:
        """How many are not confirmed."""
        return len(self._pending)

    def post(self, kind: str, payload: dict[str, Any]) -> None:
        """A new update, if the bot wants that kind."""
        if not self._wants(kind):
            return
        update = {"update_id": next(self._ids), kind: payload}
        self.all.append(update)
        (self._pending if self._held is None else self._held).append(update)
        self._changes.notify()

    def _wants(self, kind: str) -> bool:
        return kind in self.allowed if self.allowed else kind not in ON_REQUEST_ONLY

    def repeat(self, *updates: UpdateJson) -> None:
        """Gives updates out once more, whether confirmed or not; without any, the last one."""
        (self._again if self.webhook is None else self._pending).extend(updates or self.all[-1:])
        self._changes.notify()

    def hold(self) -> None:
        """Keeps what comes from now on back."""
        self._held = []

    def release(self, order: Callable[[list[UpdateJson]], Iterable[UpdateJson]] = _backwards) -> None:
        """Gives out what was kept back; by default the last first."""
        held, self._held = self._held or [], None
        self._pending.extend(order(held))
        self._changes.notify()

    async def poll(self, offset: int, limit: int, timeout_s: float) -> list[UpdateJson]:
        """What getUpdates answers; a second poller ends the first one's waiting with a conflict."""
        if self.webhook is not None:
            raise Refusal(409, HAS_WEBHOOK)
        self._poller = me = object()
        self._changes.notify()
        self._confirm(offset)
        with suppress(TimeoutError):
            await self._changes.until(
                lambda: self._poller is not me or self._again or self._pending, timeout_s or 0.001
            )
        if self._poller is not me:
            self.conflicts += 1
            raise Refusal(409, OTHER_POLLER if self.webhook is None else NEW_WEBHOOK)
        again, self._again = self._again, []
        return [*again, *self._pending][:limit]

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            self._pending = self._pending[offset:]
        self._pending = [update for update in self._pending if update["update_id"] >= offset]
        self._changes.notify()

    def drop(self) -> None:
        """Forgets what is not confirmed."""
        self._pending.clear()

    def set_webhook(self, webhook: Webhook | None) -> None:
        """From now on updates are sent there; with none they wait to be fetched."""
        if self._delivery is not None:
            self._delivery.cancel()
        self.webhook, self._delivery = webhook, None
        if webhook is not None:
            self._poller = None
            self._delivery = asyncio.create_task(self._deliver(webhook))
        self._changes.notify()

    async def close(self) -> None:
        """Ends the sending; who still polls hears a conflict."""
        delivery = self._delivery
        self.set_webhook(None)
        if delivery is not None:
            await asyncio.wait([delivery])
        self._poller = None
        self._changes.notify()

    async def confirmed(self, timeout_s: float = 120) -> None:
        """Returns when the bot has taken every update."""
        await self._changes.until(lambda: not self._pending and not self._again, timeout_s)

    async def _deliver(self, webhook: Webhook) -> None:
        """Sends updates one after the other; one that is not taken comes again, after ever longer pauses."""
        timeout = aiohttp.ClientTimeout(total=WEBHOOK_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            failures = 0
            while True:
                await self._changes.until(lambda: self._pending, None)
                update = self._pending[0]
                for _ in range(2 if self.delivers_twice else 1):
                    webhook.error = await self._send(session, webhook, update)
                if not webhook.error:
                    self._pending.remove(update)
                    webhook.delivered.append(update["update_id"])
                    failures = 0
                else:
                    webhook.error_at_s, failures = self._clock.now_s(), failures + 1
                self._changes.notify()
                if failures:
                    await asyncio.sleep(self._clock.on_the_wall_s(min(2**failures, LONGEST_PAUSE_S)))

    async def _send(self, session: aiohttp.ClientSession, webhook: Webhook, update: UpdateJson) -> str:
        headers = {"Content-Type": "application/json"}
        if webhook.secret_token:
            headers[SECRET_HEADER] = webhook.secret_token
        try:
            async with session.post(webhook.url, data=json.dumps(update), headers=headers) as answer:
                is_taken = 200 <= answer.status < 300
                words = f"Wrong response from the webhook: {answer.status} {answer.reason}"
                return "" if is_taken else words
        except (aiohttp.ClientError, TimeoutError):
            return "Connection failed"
