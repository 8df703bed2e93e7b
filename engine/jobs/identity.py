"""Who a process is: an executor id that one living process holds at a time.

The lock falls the moment its holder dies, so a lock that is free says that the holder is gone and that what
it worked on can be given to others. On PostgreSQL a holder that is frozen loses it too: the server ends a
session that has been silent for `SILENCE_S`.
"""

import asyncio
import contextlib
import threading
import time
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import LiteralString

import psycopg
import structlog
from filelock import FileLock, Timeout

from engine.jobs.place import JobsPlace

PATIENCE_S = 15.0
"""How long a new process waits for its predecessor's lock to fall."""
PING_S = 2.0
SILENCE_S = 8
CONNECT_TIMEOUT_S = 5

_LOCK_CLASS = 6511579
"""Any number that nobody else uses for advisory locks."""
_TAKE: LiteralString = "SELECT pg_try_advisory_lock(%s, %s)"
_SESSION: LiteralString = "SELECT set_config('idle_session_timeout', %s, false)"

_log = structlog.get_logger()


class IdentityTaken(Exception):
    """Another living process has this executor id.

    Attributes:
        executor_id: The id.
    """

    def __init__(self, executor_id: str) -> None:
        super().__init__(f"another process runs as {executor_id!r}")
        self.executor_id = executor_id


@asynccontextmanager
async def identity(place: JobsPlace, on_lost: Callable[[], None]) -> AsyncGenerator[None]:
    """Holds the place's executor id.

    Args:
        place: Says which id, and where the lock lies.
        on_lost: Called, in another thread, when somebody else has taken it while the database was away.

    Raises:
        IdentityTaken: Another process has it and keeps it.
    """
    holder = _SessionLock(place, on_lost) if place.is_postgres else _FileLock(place)
    await asyncio.to_thread(holder.take)
    try:
        yield
    finally:
        await asyncio.to_thread(holder.release)


def free_ids(place: JobsPlace, executor_ids: set[str]) -> set[str]:
    """Those of the ids that no living process holds; blocking."""
    if not place.is_postgres:
        return {one for one in executor_ids if _is_free(place, one)}
    with _connect(place) as connection:
        return {one for one in executor_ids if _was_taken(connection, one)}


class _FileLock:
    def __init__(self, place: JobsPlace) -> None:
        self._lock = _file_lock(place, place.executor_id)
        self._executor_id = place.executor_id

    def take(self) -> None:
        try:
            self._lock.acquire(timeout=PATIENCE_S)
        except Timeout:
            raise IdentityTaken(self._executor_id) from None

    def release(self) -> None:
        self._lock.release()


class _SessionLock:
    """An advisory lock on a connection of its own, pinged by a thread of its own."""

    def __init__(self, place: JobsPlace, on_lost: Callable[[], None]) -> None:
        self._place = place
        self._on_lost = on_lost
        self._released = threading.Event()
        self._connection: psycopg.Connection | None = None
        self._pinging = threading.Thread(target=self._ping, name="identity", daemon=True)

    def take(self) -> None:
        self._connection = _connect(self._place)
        give_up_s = time.monotonic() + PATIENCE_S
        while not _took(self._connection, self._place.executor_id):
            if time.monotonic() > give_up_s:
                self._connection.close()
                raise IdentityTaken(self._place.executor_id)
            self._released.wait(PING_S / 4)
        self._pinging.start()

    def release(self) -> None:
        self._released.set()
        self._pinging.join()
        if self._connection:
            self._connection.close()

    def _ping(self) -> None:
        while not self._released.wait(PING_S):
            try:
                self._keep()
            except psycopg.Error as error:
                _log.warning("identity_unsure", executor_id=self._place.executor_id, detail=str(error))
                self._connection = None
            except IdentityTaken:
                if not self._released.is_set():  # who gives the name up has not lost it
                    self._on_lost()
                return

    def _keep(self) -> None:
        """Says that this process lives; after a break, takes the lock again on a new connection."""
        if self._connection is not None:
            self._connection.execute("SELECT 1")
            return
        connection = _connect(self._place)
        if not self._takes_in_time(connection):
            connection.close()
            raise IdentityTaken(self._place.executor_id)
        self._connection = connection

    def _takes_in_time(self, connection: psycopg.Connection) -> bool:
        """The server may not have noticed yet that the old connection is gone."""
        give_up_s = time.monotonic() + PATIENCE_S
        while not _took(connection, self._place.executor_id):
            if time.monotonic() > give_up_s or self._released.wait(PING_S / 4):
                return False
        return True


def _connect(place: JobsPlace) -> psycopg.Connection:
    connection = psycopg.connect(
        place.libpq_url,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name=f"omost-bot {place.executor_id}",
        keepalives_idle=PING_S.__ceil__(),
        keepalives_interval=PING_S.__ceil__(),
        keepalives_count=3,
        tcp_user_timeout=SILENCE_S * 1000,
    )
    connection.execute(_SESSION, (f"{SILENCE_S}s",))
    return connection


def _took(connection: psycopg.Connection, executor_id: str) -> bool:
    row = connection.execute(_TAKE, (_LOCK_CLASS, _key(executor_id))).fetchone()
    return bool(row and row[0])


def _was_taken(connection: psycopg.Connection, executor_id: str) -> bool:
    """Whether the lock was free; it is free again afterwards."""
    took = _took(connection, executor_id)
    if took:
        connection.execute("SELECT pg_advisory_unlock(%s, %s)", (_LOCK_CLASS, _key(executor_id)))
    return took


def _key(executor_id: str) -> int:
    """The id as a signed number of 32 bits."""
    return zlib.crc32(executor_id.encode()) - 2**31


def _file_lock(place: JobsPlace, executor_id: str) -> FileLock:
    # it is taken in one thread and given back in another
    return FileLock(place.folder / f"{executor_id}.lock", thread_local=False)


def _is_free(place: JobsPlace, executor_id: str) -> bool:
    lock = _file_lock(place, executor_id)
    with contextlib.suppress(Timeout), lock.acquire(timeout=0):
        return True
    return False
