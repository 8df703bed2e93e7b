"""What a tab shows of the studio's work: what it has missed, how what runs gets on, and how it ended.

Turns are followed whoever asked for them, in this tab or another of the visitor's. What visitors do is
`bot.web.actions`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from bot.progress import Progress
from bot.replies import Words
from bot.web import past
from bot.web.layout import Parts
from bot.web.views import Updates, Views
from bot.web.visit import Visit
from engine.events import Cancelled, Done, Failed
from engine.orders import composes
from engine.studio import Studio
from storage.errors import DatabaseAway
from storage.records import Turn

SHOWN: Final = 200
"""So many of the newest revisions are read for a tab, more than the turns that it is told of."""


class Following:
    """Keeps tabs up to date with the studio."""

    def __init__(self, studio: Studio, words: Words, parts: Parts, views: Views) -> None:
        self._studio = studio
        self._words = words
        self._parts = parts
        self._views = views

    async def catch_up(self, visit: Visit) -> bool:
        """Takes in what the tab has not heard of: all there is at first, later what other tabs have done.

        Returns:
            Whether there was anything.
        """
        turns = await self._studio.store.turns(visit.conversation)
        news = visit.news(turns)
        if not news:
            return False
        history = await self._studio.store.history(visit.conversation, SHOWN)
        endings = await asyncio.to_thread(past.endings, news, history, self._words)
        for turn in news:
            visit.ask(turn.id, past.asked(turn, self._words))
            if turn.id in endings:
                visit.answer(turn.id, endings[turn.id])
            else:
                visit.turn_id = visit.turn_id or turn.id
        return True

    async def follow(self, visit: Visit) -> AsyncIterator[Updates]:
        """Shows the running turn until its end, unless that is being done already."""
        if not visit.turn_id or visit.is_followed:
            return
        visit.is_followed = True
        try:
            async for updates in self._watch(visit, await self._studio.store.turn(visit.turn_id)):
                yield updates
        finally:
            visit.turn_id, visit.is_followed = "", False
        yield await self.at_rest(visit)

    async def at_rest(self, visit: Visit) -> Updates:
        """The tab when nothing runs: the shown picture, its panel, and the history."""
        store = self._studio.store
        head = await store.head(visit.conversation)
        history = await store.history(visit.conversation, SHOWN)
        return self._views.at_rest(visit, head, history)

    async def _watch(self, visit: Visit, turn: Turn) -> AsyncIterator[Updates]:
        progress = Progress(self._words, turn.pictures)
        yield self._views.started(visit, progress)
        async with aclosing(self._studio.events(turn.id)) as events:
            async for event in events:
                if isinstance(event, Done | Failed | Cancelled):
                    yield self._ended(visit, turn, event)
                elif progress.note(event):
                    yield await self._progress(progress)

    def _ended(self, visit: Visit, turn: Turn, end: Done | Failed | Cancelled) -> Updates:
        """Says how it ended; words that came to nothing go back into their box."""
        words = turn.prompt if composes(turn) else ""
        match end:
            case Done(ended, revision, changes):
                visit.answer(turn.id, past.answered(ended, revision, changes))
                words = ""
            case Failed(DatabaseAway() as error):  # the listening has ended, not the turn
                visit.say(past.failed(error, self._words))
                words = ""
            case Failed(error):
                visit.answer(turn.id, past.failed(error, self._words))
            case Cancelled():
                visit.answer(turn.id, past.cancelled(self._words))
        return {self._parts.returned: words}

    async def _progress(self, progress: Progress) -> Updates:
        image = progress.taken_image()
        stage = await asyncio.to_thread(self._views.preview, image) if image else None
        return self._views.progress(progress, stage)
