"""The tables that migrations make are those that the models describe."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from storage import upgrade
from storage.migrations import configuration
from storage.models import Table


def test_models_and_migrations_agree(tmp_path: Path):
    """After an upgrade Alembic finds nothing that the models have and the database lacks, or the reverse."""
    url = f"sqlite:///{tmp_path / 'omost.db'}"
    upgrade(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert len(inspect(connection).get_table_names()) == len(Table.metadata.tables) + 1
        assert compare_metadata(context, Table.metadata) == []
    engine.dispose()


def test_upgrading_twice_changes_nothing(tmp_path: Path):
    """The second upgrade keeps what is stored, and takes the URL of the asynchronous driver too."""
    upgrade(f"sqlite:///{tmp_path / 'omost.db'}")
    engine = create_engine(f"sqlite:///{tmp_path / 'omost.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO conversation (platform, chat_id) VALUES ('web', 'tab')")
    upgrade(f"sqlite+aiosqlite:///{tmp_path / 'omost.db'}")
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT platform, chat_id FROM conversation").all() == [
            ("web", "tab")
        ]
    engine.dispose()


def test_many_processes_may_upgrade_at_once(tmp_path: Path):
    """Upgrades of a new database that start together all succeed."""
    with ThreadPoolExecutor(6) as pool:
        for number in range(8):
            url = f"sqlite:///{tmp_path / f'{number}.db'}"
            for upgraded in [pool.submit(upgrade, url) for _ in range(6)]:
                upgraded.result()


def test_there_is_a_way_back(tmp_path: Path):
    """Downgrading to the beginning leaves no table of ours."""
    url = f"sqlite:///{tmp_path / 'a % in the name.db'}"
    upgrade(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        command.downgrade(configuration(connection), "base")
        connection.commit()
        assert inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()
