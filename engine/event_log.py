"""The events of one request, kept for those who listen, late ones and slow ones too.

The log stays small whatever the request does: text is kept as one piece until another event stands behind it,
and of previews, steps and places in the queue only the newest is kept. Writing never waits for listeners;
each listener has its own place in the log.
"""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from engine.events import Cancelled, ComposingText, Done, Event, Failed, Preview, Queued, Stepped

_NEWEST_ONLY = (Preview, Stepped, Queued)
_LAST = (Done, Failed, Cancelled)


@dataclass(slots=True)
class _Entry:
    number: int
    event: Event


class EventLog:
    """Events in order, from the first to the last."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._count = 0
        self._grown = asyncio.Event()

    @property
    def end(self) -> Done | Failed | Cancelled | None:
        """The last event, once it is there."""
        if self._entries and isinstance(self._entries[-1].event, _LAST):
            return self._entries[-1].event
        return None

    def append(self, event: Event) -> None:
        """Adds an event; after the last one, nothing more is taken."""
        if self.end is not None:
            return
        newest = self._entries[-1] if self._entries else None
        if isinstance(event, ComposingText) and newest and isinstance(newest.event, ComposingText):
            newest.event = ComposingText(newest.event.text + event.text)
        else:
            self._drop_superseded(event)
            self._entries.append(_Entry(self._count, event))
            self._count += 1
        # who waits holds the event that is set now; who comes next finds a fresh one
        self._grown.set()
        self._grown = asyncio.Event()

    async def listen(self) -> AsyncGenerator[Event]:
        """Every event that is kept, then each new one, until the last."""
        number, heard_chars = 0, 0
        while True:
            grown = self._grown
            found = self._next(number, heard_chars)
            if found is None:
                await grown.wait()
                continue
            event, number, heard_chars = found
            yield event
            if isinstance(event, _LAST):
                return

    def _next(self, number: int, heard_chars: int) -> tuple[Event, int, int] | None:
        """The first event that is new to a listener at that place, and the place behind it.

        A place is the number of an entry and how many characters of its text were heard.
        """
        start = bisect_left(self._entries, number, key=lambda entry: entry.number)
        for entry in self._entries[start:]:
            if not isinstance(entry.event, ComposingText):
                return entry.event, entry.number + 1, 0
            text = entry.event.text[heard_chars if entry.number == number else 0 :]
            if text:
                return ComposingText(text), entry.number, len(entry.event.text)
        return None

    def _drop_superseded(self, event: Event) -> None:
        superseded = _NEWEST_ONLY if isinstance(event, _LAST) else (type(event),)
        if isinstance(event, (*_NEWEST_ONLY, *_LAST)):
            self._entries = [entry for entry in self._entries if not isinstance(entry.event, superseded)]
