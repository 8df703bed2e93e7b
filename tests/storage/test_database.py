"""How databases are opened, and what their failures become."""

import asyncio
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from storage.database import connect, parse_url, sqlite_url
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


async def test_sqlite_keeps_references_and_a_write_ahead_log(tmp_path: Path):
    """Connections to SQLite check foreign keys, wait for a lock, and use a write-ahead log."""
    upgrade(sqlite_url(tmp_path / "omost.db"))
    engine = connect(sqlite_url(tmp_path / "omost.db"))
    async with engine.connect() as connection:
        pragmas = {
            name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("foreign_keys", "journal_mode", "busy_timeout")
        }
    await engine.dispose()
    assert pragmas == {"foreign_keys": 1, "journal_mode": "wal", "busy_timeout": 30_000}


async def test_postgresql_lets_nobody_keep_a_lock(postgres_url):
    """A session that does nothing inside of a transaction is ended, and no lock is waited for without end."""
    engine = connect(parse_url(postgres_url))
    async with engine.connect() as connection:
        settings = {
            name: (await connection.exec_driver_sql(f"SHOW {name}")).scalar_one()
            for name in ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
        }
    await engine.dispose()
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


async def test_a_lost_connection_is_database_away(tmp_path, postgres_url, postgres_server_url):
    """When the server ends a connection in the middle of work, the call says so, and the next one works."""
    store = await Store.open(tmp_path, postgres_url)
    ada, tab = PersonKey("web", "ada"), ConversationKey("web", "tab")

    def admit_and_cut_off(_):
        with psycopg.connect(postgres_server_url, autocommit=True) as connection:
            name = make_url(postgres_url).database
            ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            assert connection.execute(ours, [name]).fetchall() != []
        return Place(0, 1)

    try:
        with pytest.raises(DatabaseAway):
            await store.begin_turn(NewTurn("t1", tab, ada, "", None, {}), admit_and_cut_off)
        await store.begin_turn(NewTurn("t2", tab, ada, "", None, {}), lambda _: Place(0, 1))
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
