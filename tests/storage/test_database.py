"""How databases are opened, and what their failures become."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from storage.database import connect, parse_url, spare_disk, sqlite_url
from storage.errors import DatabaseAway, StorageFailed
from storage.migrations import upgrade
from storage.records import ConversationKey, NewTurn, PersonKey, Place
from storage.store import Store


async def test_two_processes_share_a_database(store, other_store, use, scene, conversation):
    """Two stores on one database write at the same time without losing or refusing anything."""
    for number in range(16):
        await use.ask(f"t{number}")
    await asyncio.gather(*((store, other_store)[n % 2].add_revision(f"t{n}", None, scene) for n in range(16)))
    assert len(await store.history(conversation)) == 16
    assert await store.history(conversation) == await other_store.history(conversation)


def test_sqlite_keeps_references_and_a_write_ahead_log(tmp_path: Path):
    """Connections to SQLite check foreign keys, wait for a lock, and use a write-ahead log."""
    upgrade(sqlite_url(tmp_path / "omost.db"))
    engine = connect(sqlite_url(tmp_path / "omost.db"))
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("foreign_keys", "journal_mode", "busy_timeout")
        }
    engine.dispose()
    assert pragmas == {"foreign_keys": 1, "journal_mode": "wal", "busy_timeout": 30_000}


def test_postgresql_lets_nobody_keep_a_lock(postgres_url):
    """A session that does nothing inside of a transaction is ended, and no lock is waited for without end."""
    engine = connect(parse_url(postgres_url))
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
        }
    engine.dispose()
    assert settings == {
        "idle_in_transaction_session_timeout": "10s",
        "lock_timeout": "30s",
        "statement_timeout": "1min",
    }


async def test_a_plain_url_of_postgresql_is_enough(tmp_path, postgres_url):
    """`postgresql://`, as other programs write it, uses the driver that is installed."""
    plain = postgres_url.replace("postgresql+psycopg:", "postgresql:")
    store = await Store.open(tmp_path, plain)
    assert await store.open_turns() == ()
    await store.close()


def new_turn(turn_id: str) -> NewTurn:
    return NewTurn(turn_id, ConversationKey("web", "tab"), PersonKey("web", "ada"), "", None, {})


@pytest.fixture
async def locked_store(tmp_path: Path) -> AsyncIterator[tuple[Store, sqlite3.Connection]]:
    """A store on SQLite, and the connection of another program that writes, until it is rolled back."""
    store = await Store.open(tmp_path)
    with closing(sqlite3.connect(tmp_path / "omost.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield store, other
    await store.close()


async def test_a_cancelled_writer_keeps_its_turn(locked_store):
    """A writer that is cancelled, also twice, ends with its transaction, and the next one comes after it."""
    store, other = locked_store
    seen = []

    def admit(standing):
        seen.append(standing.all_open)
        return Place(0, 1)

    first = asyncio.create_task(store.begin_turn(new_turn("t1"), admit))
    second = asyncio.create_task(store.begin_turn(new_turn("t2"), admit))
    for _ in range(2):
        await asyncio.sleep(0)
        first.cancel()
        assert await asyncio.wait([first, second], timeout=0.05) == (set(), {first, second})
    other.rollback()
    async with asyncio.timeout(120):
        with pytest.raises(asyncio.CancelledError):
            await first
        await second
    assert seen == [0, 1]
    assert {turn.id for turn in await store.open_turns()} == {"t1", "t2"}


async def test_who_is_cancelled_in_the_row_writes_nothing(locked_store):
    """A writer that waits for another one of its process leaves at once, and the row moves on."""
    store, other = locked_store
    turns = [
        asyncio.create_task(store.begin_turn(new_turn(f"t{n}"), lambda _: Place(0, 1))) for n in range(3)
    ]
    await asyncio.sleep(0)
    turns[1].cancel()
    assert (await asyncio.wait([turns[1]], timeout=120))[0] == {turns[1]}
    other.rollback()
    async with asyncio.timeout(120):
        await asyncio.gather(turns[0], turns[2])
    assert {turn.id for turn in await store.open_turns()} == {"t0", "t2"}


async def test_closing_waits_for_what_runs(tmp_path: Path, locked_store):
    """What was being written when the store is closed is stored."""
    store, other = locked_store
    writing = asyncio.create_task(store.begin_turn(new_turn("t1"), lambda _: Place(0, 1)))
    await asyncio.sleep(0)
    closing_store = asyncio.create_task(store.close())
    assert (await asyncio.wait([closing_store], timeout=0.05))[0] == set()
    other.rollback()
    async with asyncio.timeout(120):
        await closing_store
    assert (await writing)[1]
    again = await Store.open(tmp_path)
    assert [turn.id for turn in await again.open_turns()] == ["t1"]
    await again.close()


async def test_a_lost_connection_is_database_away(tmp_path, postgres_url, postgres_server_url):
    """When the server ends a connection in the middle of work, the call says so, and the next one works."""
    store = await Store.open(tmp_path, postgres_url)

    def admit_and_cut_off(_):
        with psycopg.connect(postgres_server_url, autocommit=True) as connection:
            name = make_url(postgres_url).database
            ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            assert connection.execute(ours, [name]).fetchall() != []
        return Place(0, 1)

    try:
        with pytest.raises(DatabaseAway):
            await store.begin_turn(new_turn("t1"), admit_and_cut_off)
        await store.begin_turn(new_turn("t2"), lambda _: Place(0, 1))
        assert [turn.id for turn in await store.open_turns()] == ["t2"]
    finally:
        await store.close()


async def test_a_server_that_is_not_there_is_database_away(tmp_path):
    """An address where no server listens is told in the driver's words, as something that may pass."""
    with pytest.raises(DatabaseAway, match=r"connection|refused|socket"):
        await Store.open(tmp_path, f"postgresql://postgres@/none?host={tmp_path}")


async def test_a_url_that_is_none_is_storage_failed(tmp_path):
    """What cannot be read as a URL is refused, and not as something that may pass."""
    with pytest.raises(StorageFailed) as caught:
        await Store.open(tmp_path, "nonsense")
    assert not isinstance(caught.value, DatabaseAway)


async def test_a_folder_that_cannot_be_is_storage_failed(tmp_path: Path):
    """A data folder under a plain file is refused with the operating system's words."""
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageFailed, match=r"Not a directory|File exists"):
        await Store.open(tmp_path / "file" / "data")


async def test_a_database_that_cannot_be_written_is_storage_failed(tmp_path: Path):
    """What no waiting mends is refused at once, in the database's words."""
    (tmp_path / "omost.db").mkdir()
    async with asyncio.timeout(10):
        with pytest.raises(StorageFailed, match=r"^unable to open database file$"):
            await Store.open(tmp_path)


async def test_a_database_that_is_none_is_storage_failed(tmp_path: Path):
    """A file that is no database is refused with the database's words, without a query in them."""
    (tmp_path / "omost.db").write_bytes(b"these are not tables" * 100)
    with pytest.raises(StorageFailed, match=r"^file is not a database$"):
        await Store.open(tmp_path)


def test_a_spared_database_waits_for_the_disk_no_more(tmp_path):
    """The file that was named commits lightly from then on; every other one as carefully as before."""
    spare_disk(tmp_path / "spared.db")
    for name, level in (("spared.db", 1), ("other.db", 2)):
        engine = connect(sqlite_url(tmp_path / name))
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == level
        engine.dispose()
