"""Measuring requests that have ended, from what the store knows of them.

So the figures are whole wherever the stages were worked on, and whatever was started again in between.
"""

from collections import Counter
from datetime import UTC, datetime

import structlog

from engine import metrics
from engine.error_record import from_record
from engine.orders import composes
from storage.errors import StorageError
from storage.records import Times, Turn, TurnStatus
from storage.store import Store

_log = structlog.get_logger()


async def measure(store: Store, turn: Turn, deliver_s: float) -> None:
    """Counts a turn that has ended and was delivered; a store that does not answer is no reason to fail."""
    _count(turn)
    whole_s = max(0.0, (datetime.now(UTC) - turn.created_at).total_seconds())
    metrics.STAGE_S.labels(metrics.DELIVER).observe(deliver_s)
    metrics.STAGE_S.labels(metrics.WHOLE).observe(whole_s)
    _log.info("request_ended", result=turn.status.value, took_s=round(whole_s, 3))
    try:
        times = await store.times(turn.id)
        mended = await _mended(store, turn)
    except StorageError as error:  # perhaps it was forgotten meanwhile
        _log.info("request_not_measured", why=repr(error))
        return
    _observe(times, turn)
    for what in mended:
        metrics.REPAIRS.labels(what).inc()


def _count(turn: Turn) -> None:
    metrics.REQUESTS.labels(turn.conversation.platform, turn.status.value).inc()
    if turn.status is TurnStatus.FAILED:
        metrics.count_error(from_record(turn.error))
    if turn.economy:
        metrics.ECONOMIES.inc()


def _observe(times: Times, turn: Turn) -> None:
    worked_s = times.compose_s + times.paint_s
    metrics.STAGE_S.labels(metrics.WAIT).observe(max(0.0, times.open_s - worked_s))
    if times.compose_s and composes(turn):
        metrics.STAGE_S.labels(metrics.COMPOSE).observe(times.compose_s)
    if times.first_picture_s is not None:
        metrics.STAGE_S.labels(metrics.RENDER).observe(times.paint_s)
        metrics.STAGE_S.labels(metrics.FIRST_PICTURE).observe(times.first_picture_s)
    if turn.status is TurnStatus.DONE:
        metrics.PICTURES.inc(turn.pictures)


async def failures_today(store: Store) -> Counter[str]:
    """How often requests failed since midnight UTC, by the name of the error.

    Raises:
        StorageFailed: The store does not answer.
    """
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    records = await store.failures(midnight)
    return Counter(type(from_record(record)).__name__ for record in records)


async def _mended(store: Store, turn: Turn) -> tuple[str, ...]:
    """What was mended in a scene that was composed; one that is painted again was counted already."""
    if turn.revision_id is None or not composes(turn):
        return ()
    revision = await store.revision(turn.revision_id)
    return tuple(repair.what for repair in revision.scene.canvas.repairs)
