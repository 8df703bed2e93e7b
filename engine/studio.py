"""The studio: the one path of every request, whoever brings it.

An adapter submits an order and listens to its events; the studio checks and stores it and gives it to the job
engine, which carries it out: here, in another process, after a restart. It knows no chat platform and has no
words for people.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import structlog

from engine.admission import Admission
from engine.backends import Backends
from engine.composer.safety import Safety, texts_of, words_of
from engine.error_record import from_record
from engine.errors import Internal, Interrupted, QueueFull, TooManyWaiting
from engine.event_log import EventLog
from engine.events import Cancelled, Composed, Done, Event, Failed, Queued
from engine.forecast import Forecast, forecasts
from engine.jobs import COMPOSE, RENDER, JobEngine
from engine.lasting import lasting
from engine.log_context import about
from engine.orders import Adopt, Compose, Limits, Order, Repaint, check, composes, to_turn
from engine.people import People
from engine.progress import events_of
from engine.stages import changes_from_parent
from engine.watch import QueueWatch
from storage.errors import StorageError
from storage.records import (
    ConversationKey,
    Durations,
    PersonKey,
    Place,
    Revision,
    Standing,
    Turn,
    TurnStage,
    TurnStatus,
)
from storage.store import Store

__all__ = ["Adopt", "Compose", "Limits", "Order", "Repaint", "Studio"]

MEASURE_EVERY_S = 5.0

_log = structlog.get_logger()


@dataclass(eq=False, slots=True)
class _Follower:
    """What is heard of a running turn here, for all who listen."""

    log: EventLog = field(default_factory=EventLog)
    listeners: int = 0
    following: asyncio.Task[None] = field(init=False)


class Studio:
    """Takes orders and tells what becomes of them.

    An async context manager, to be entered inside that of its job engine. Leaving it ends the listening; the
    jobs stay, and whoever opens the next studio on the same store hears of them.

    Attributes:
        store: For reading.
        limits: What may be asked for.
        people: Whom it serves.
        safety: What is not composed. These three may be replaced at any time.

    Example:
        async with JobEngine(place, store, roles=ROLES, deliveries={"web": nothing}) as jobs:
            async with Studio(store, jobs) as studio:
                async for event in studio.events(await studio.submit(order)):
                    ...
    """

    def __init__(
        self,
        store: Store,
        jobs: JobEngine,
        *,
        limits: Limits | None = None,
        people: People | None = None,
        backends: Backends | None = None,
        safety: Safety | None = None,
    ) -> None:
        self.store = store
        self.limits = limits or Limits()
        self.people = people or People()
        self._backends = backends or Backends()
        self.safety = safety or Safety()
        self._jobs = jobs
        self._watch = QueueWatch(store, jobs.poll_s)
        self._followers: dict[str, _Follower] = {}
        self._durations, self._measured_at_s = Durations(None, None), -math.inf

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        followers = list(self._followers.values())
        for follower in followers:
            follower.following.cancel()
        await asyncio.gather(*(one.following for one in followers), return_exceptions=True)

    def limits_of(self, person: PersonKey, roles: Collection[str] = ()) -> Limits:
        """What the person may ask for at the moment, where they have these roles."""
        return self.people.limits(self.limits, person, roles)

    async def submit(self, order: Order, roles: Collection[str] = ()) -> str:
        """Stores the order and starts its job; durable when it returns.

        The same turn id again starts nothing new. `roles` is what else the lists of `people` may call the
        person.

        Returns:
            The turn id.

        Raises:
            Refused: The person or the order is outside of what is allowed, or the queue is full.
            NotFound: The revision to start from is not one of the conversation.
            Unavailable: The composer or renderer cannot be used.
            StorageFailed: It could not be stored.
        """
        limits = self._check(order, roles)
        lane = 0
        durations = await self._measured()
        share = self.people.share(order.person, roles)
        admission = Admission(limits, order.settings.count, share, durations)

        def admit(standing: Standing) -> Place:
            nonlocal lane
            lane = standing.own_open % limits.running_per_person
            return admission.place(standing)

        try:
            turn, _ = await self.store.begin_turn(to_turn(order), admit)
        except (TooManyWaiting, QueueFull) as refusal:
            raise await self._with_time(refusal, order.person, durations) from None
        if turn.status is TurnStatus.RUNNING:  # also where its first submission was cut off
            await self._jobs.submit(turn, lane)
        with about(turn.id, turn.conversation):
            kind, prompt = turn.request.get("kind"), turn.prompt
            _log.info("request_taken", kind=kind, pictures=turn.pictures, prompt=prompt)
        return turn.id

    async def events(self, turn_id: str) -> AsyncGenerator[Event]:
        """The turn's events from the first one; the last is `Done`, `Failed` or `Cancelled`.

        It may have been submitted by another process, or before a restart. Whoever listens late or slowly
        hears previews, steps and queue places that were superseded no more; of a turn that has ended, only
        the last event is heard. Closing the iterator stops nothing but the listening.

        Raises:
            NotFound: There is no such turn.
        """
        turn = await self.store.turn(turn_id)
        if turn.status is not TurnStatus.RUNNING:
            yield await self._end_of(turn)
            return
        follower = self._follower(turn)
        follower.listeners += 1
        try:
            async with aclosing(follower.log.listen()) as events:
                async for event in events:
                    yield event
        finally:
            follower.listeners -= 1
            if not follower.listeners:
                follower.following.cancel()
                if self._followers.get(turn_id) is follower:
                    del self._followers[turn_id]

    async def cancel(self, turn_id: str, by: PersonKey | None = None) -> bool:
        """Calls the turn off; its stage stops within one step. False when it had ended already.

        Raises:
            NotYours: `by` is neither the turn's author nor a moderator.
            NotFound: There is no such turn.
        """
        if by is not None:
            self.people.check_may_end(by, (await self.store.turn(turn_id)).person)
        if not await self.store.finish_turn(turn_id, TurnStatus.CANCELLED):
            return False
        await self._jobs.cancel(turn_id)
        return True

    async def queue(self) -> tuple[Forecast, ...]:
        """How every open turn stands, in the order in which they are served."""
        return forecasts(await self.store.open_turns(), await self.store.durations())

    async def undo(self, conversation: ConversationKey) -> Revision | None:
        """Moves the conversation's head to its parent and returns that; None when there is no parent.

        Nothing is ever deleted: what was undone stays in the history. At the root, the head stays.
        """
        head = await self.store.head(conversation)
        if head is None or head.parent_id is None:
            return None
        await self.store.move_head(conversation, head.parent_id)
        return await self.store.revision(head.parent_id)

    async def forget(self, person: PersonKey) -> int:
        """Removes everything of a person: from the database, the files and the jobs' records.

        What runs is called off. Returns how many requests were removed.
        """
        for turn in await self.store.open_turns():
            if turn.person == person:
                await self.cancel(turn.id)
        turn_ids = await self.store.forget(person)
        await self._jobs.forget(turn_ids)
        return len(turn_ids)

    def _check(self, order: Order, roles: Collection[str]) -> Limits:
        """Refuses what needs no look at the queue to be refused; returns the person's limits."""
        self.people.check_served(order.person, roles)
        limits = self.limits_of(order.person, roles)
        check(order, limits)
        self._backends.check_renderer(order.settings.renderer)
        match order:
            case Compose():
                self._backends.check_composer(order.settings.composer)
                self.safety.check_words(words_of(order))
            case Adopt():
                self.safety.check_words(texts_of(order.canvas))
            case Repaint():
                pass
        return limits

    async def _measured(self) -> Durations:
        """What turns take, read from the store now and then."""
        if time.monotonic() - self._measured_at_s > MEASURE_EVERY_S:
            self._durations = await self.store.durations()
            self._measured_at_s = time.monotonic()
        return self._durations

    async def _with_time(
        self, refusal: TooManyWaiting | QueueFull, person: PersonKey, durations: Durations
    ) -> TooManyWaiting | QueueFull:
        """The refusal with the time at which there is room again, from what is known of the queue."""
        found = forecasts(await self.store.open_turns(), durations)
        if isinstance(refusal, TooManyWaiting):
            found = tuple(one for one in found if one.turn.person == person)
        free_in_s = min((one.wait_s for one in found if one.wait_s is not None), default=0)
        if isinstance(refusal, TooManyWaiting):
            return TooManyWaiting(refusal.limit, free_in_s)
        return QueueFull(free_in_s)

    # --- following a turn -----------------------------------------------------------------------------

    def _follower(self, turn: Turn) -> _Follower:
        if turn.id not in self._followers:
            follower = self._followers[turn.id] = _Follower()
            follower.following = asyncio.create_task(self._follow(turn, follower.log))
        return self._followers[turn.id]

    async def _follow(self, turn: Turn, log: EventLog) -> None:
        """Tells the log what becomes of a turn, up to its end."""
        end: Done | Failed | Cancelled = Failed(Interrupted())
        try:
            async with self._watch.watching():
                if composes(turn):
                    await self._until_past((TurnStage.WAITING,), turn, log)
                    await self._hear(turn, COMPOSE, log)
                await self._until_past((TurnStage.WAITING, TurnStage.COMPOSING), turn, log)
                await self._tell_composed(turn.id, log)
                await self._until_past((TurnStage.COMPOSED,), turn, log)
                await self._hear(turn, RENDER, log)
                await self._until_ended(turn)
            end = await self._end_of(await lasting(lambda: self.store.turn(turn.id)))
        except StorageError as failure:
            _log.error("turn_not_followed", turn_id=turn.id, exc_info=failure)
            end = Failed(failure)
        except Exception as failure:  # noqa: BLE001 - whoever listens hears an end, and the log hears why
            _log.error("turn_not_followed", turn_id=turn.id, exc_info=failure)
            end = Failed(Internal())
        finally:
            log.append(end)

    async def _until_past(self, stages: tuple[TurnStage, ...], turn: Turn, log: EventLog) -> None:
        """Tells the places in the queue until the turn is past those stages, or has ended."""
        told: Queued | None = None
        while (forecast := await self._watch.next(turn.id)) and forecast.turn.stage in stages:
            place = Queued(forecast.position, forecast.wait_s)
            if place != told and forecast.turn.stage is not TurnStage.COMPOSING:
                log.append(place)
                told = place

    async def _until_ended(self, turn: Turn) -> None:
        while await self._watch.next(turn.id):
            pass

    async def _hear(self, turn: Turn, stage: str, log: EventLog) -> None:
        """Tells the progress of a stage, from its beginning to its end."""
        async with aclosing(self._jobs.progress(turn.id, stage)) as messages:
            async for message in messages:
                for event in await asyncio.to_thread(events_of, message):
                    log.append(event)

    async def _tell_composed(self, turn_id: str, log: EventLog) -> None:
        """Tells the turn's revision, where there is one."""
        turn = await lasting(lambda: self.store.turn(turn_id))
        if turn.revision_id is not None:
            revision_id = turn.revision_id
            revision = await lasting(lambda: self.store.revision(revision_id))
            log.append(Composed(revision, await changes_from_parent(self.store, revision)))

    async def _end_of(self, turn: Turn) -> Done | Failed | Cancelled:
        """How a turn ended, as it is stored."""
        match turn:
            case Turn(status=TurnStatus.DONE, revision_id=str(revision_id)):
                revision = await lasting(lambda: self.store.revision(revision_id))
                return Done(turn, revision, await changes_from_parent(self.store, revision))
            case Turn(status=TurnStatus.CANCELLED):
                return Cancelled()
            case Turn(status=TurnStatus.FAILED, error=error):
                return Failed(from_record(error))
            case _:
                return Failed(Interrupted())
