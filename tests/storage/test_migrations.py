"""The tables that migrations make are those that the models describe, on each database."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, create_engine, insert, inspect, select
from sqlalchemy import Table as SqlTable

from canvas import write
from storage import upgrade
from storage.migrations import configuration
from storage.migrations.versions.v0003_chats import BATCH
from storage.models import Table
from storage.records import ConversationKey, PersonKey, Place, Post, PostKind, TurnStatus
from storage.store import Store

OLD_ROWS = [
    "INSERT INTO person (platform, platform_id, language) VALUES ('telegram', '42', 'zh')",
    "INSERT INTO conversation (key, platform, chat_id) VALUES (1, 'web', 'tab')",
    """INSERT INTO turn (id, conversation_key, prompt, status, remark, error, created_at) VALUES
        ('done', 1, 'a pond', 'done', 'Here it is.', '', '2026-01-02 03:04:05+00'),
        ('hanging', 1, 'a frog', 'running', '', '', '2026-01-03 03:04:05+00')""",
    """INSERT INTO revision (key, id, conversation_key, turn_id, code, repairs, settings, created_at)
        VALUES (1, 'rev', 1, 'done', 'CODE', '[]', '{}', '2026-01-02 03:04:05+00')""",
    "UPDATE conversation SET head_id = 'rev'",
    "UPDATE turn SET parent_id = 'rev' WHERE id = 'hanging'",
    """INSERT INTO image (id, revision_id, "index", seed, width_px, height_px, file_key, created_at)
        VALUES ('img', 'rev', 0, 7, 64, 48, 'KEY', '2026-01-02 03:04:05+00')""",
]

SECOND_ROWS = [
    "INSERT INTO person (key, platform, platform_id, last_finish) VALUES (1, 'telegram', '42', 7)",
    "INSERT INTO conversation (key, platform, chat_id) VALUES (1, 'telegram', '-5')",
    """INSERT INTO turn (id, conversation_key, person_key, prompt, request, pictures, place_start,
        place_finish, status, stage, stage_at, attempts, economy, compose_s, paint_s, remark,
        error, created_at) VALUES
        ('t1', 1, 1, 'GROSSES Bild', '{}', 1, 0, 7, 'done', 'painting', '2026-01-02 03:04:05+00', 1, 0, 1, 2,
        '', '', '2026-01-02 03:04:05+00'),
        ('t2', 1, 1, 'torn', '{}', 1, 0, 7, 'done', 'painting', '2026-01-03 03:04:05+00', 1, 0, 1, 2,
        '', '', '2026-01-03 03:04:05+00')""",
    """INSERT INTO revision (key, id, conversation_key, turn_id, code, repairs, settings, created_at) VALUES
        (1, 'rev', 1, 't1', 'CODE', '[]', '{}', '2026-01-02 03:04:05+00'),
        (2, 'torn', 1, 't2', 'no canvas', '[]', '{}', '2026-01-03 03:04:05+00')""",
]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path: Path) -> str:
    """An empty database of each kind; the file has a name that is no interpolation."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'a % in the name.db'}"


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_models_and_migrations_agree(url):
    """After an upgrade Alembic finds nothing that the models have and the database lacks, or the reverse."""
    upgrade(url)
    with connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert len(inspect(connection).get_table_names()) == len(Table.metadata.tables) + 1
        assert compare_metadata(context, Table.metadata) == []


async def test_the_first_version_is_upgraded_with_its_rows(url, tmp_path: Path, scene):
    """Turns from before belong to nobody and keep what they had; one that ran has failed; all works on."""
    code = write(scene.canvas).replace("'", "''").replace("%", "%%")
    with connected(url) as connection:
        command.upgrade(configuration(connection), "0001")
        for statement in OLD_ROWS:
            connection.exec_driver_sql(statement.replace("CODE", code).replace("KEY", "0" * 64))
    store = await Store.open(tmp_path / "data", url)
    try:
        done, hanging = await store.turn("done"), await store.turn("hanging")
        assert (done.person, done.request, done.pictures, done.place) == (
            PersonKey("", ""),
            {},
            1,
            Place(0, 0),
        )
        assert (done.prompt, done.status, done.remark) == ("a pond", TurnStatus.DONE, "Here it is.")
        assert (done.revision_id, hanging.parent_id) == ("rev", "rev")
        assert hanging.status is TurnStatus.FAILED
        assert '"Interrupted"' in hanging.error
        head = await store.head(ConversationKey("web", "tab"))
        assert head is not None
        assert [image.id for image in head.images] == ["img"]
        assert head.scene.canvas.local_descriptions == scene.canvas.local_descriptions
        assert await store.open_turns() == ()
        assert await store.language(PersonKey("telegram", "42")) == "zh"
        assert set(await store.forget(PersonKey("", ""))) == {"done", "hanging"}
    finally:
        await store.close()


async def test_the_second_version_is_upgraded_with_its_rows(url, tmp_path: Path, scene):
    """Scenes from before are found by prompt and description; one that is damaged keeps nothing from it."""
    code = write(scene.canvas).replace("'", "''").replace("%", "%%")
    with connected(url) as connection:
        command.upgrade(configuration(connection), "0002")
        for statement in SECOND_ROWS:
            connection.exec_driver_sql(statement.replace("CODE", code))
    store = await Store.open(tmp_path / "data", url)
    person = PersonKey("telegram", "42")
    try:
        for text in ("große", "QUIET EVENING"):
            assert [revision.id for revision in await store.own_scenes(person, text)] == ["rev"], text
        assert await store.preferences(person) == {}
        await store.set_preferences(person, size="wide")
        await store.set_favourite(person, "rev", is_favourite=True)
        post = Post("telegram", "-5", "1", PostKind.RESULT, "t1", "rev", person)
        assert await store.add_post(post) == post == await store.post_of_turn("t1")
        await store.move_chat("telegram", "-5", "-1005")
        assert (await store.turn("t1")).conversation == ConversationKey("telegram", "-1005")
        assert set(await store.forget(person)) == {"t1", "t2"}
    finally:
        await store.close()


def test_more_scenes_than_a_batch_get_their_words(url, scene):
    """However many scenes there are, each is found by the words of its own turn."""
    count = BATCH + 1
    with connected(url) as connection:
        command.upgrade(configuration(connection), "0002")
        for statement in SECOND_ROWS[:2]:
            connection.exec_driver_sql(statement)
        turn, revision = (reflected(connection, name) for name in ("turn", "revision"))
        moment = datetime(2026, 1, 2, tzinfo=UTC)
        same = {"conversation_key": 1, "created_at": moment}
        asked = {
            **same,
            "person_key": 1,
            "request": {},
            "stage_at": moment,
            "status": "done",
            "stage": "painting",
        }
        asked |= dict.fromkeys(("remark", "error"), "")
        asked |= dict.fromkeys(("place_start", "place_finish", "attempts", "economy", "pictures"), 0)
        asked |= dict.fromkeys(("compose_s", "paint_s"), 0.0)
        made = {**same, "code": write(scene.canvas), "repairs": [], "settings": {}}
        numbers = range(count)
        connection.execute(insert(turn), [{**asked, "id": f"t{n}", "prompt": f"No. {n}"} for n in numbers])
        connection.execute(insert(revision), [{**made, "id": f"r{n}", "turn_id": f"t{n}"} for n in numbers])
    upgrade(url)
    with connected(url) as connection:
        revision = reflected(connection, "revision")
        texts = connection.execute(select(revision.c.id, revision.c.search_text)).all()
        assert len(texts) == count
        for revision_id, text in texts:
            assert text == f"no. {revision_id[1:]}\na harbour on a quiet evening."


def reflected(connection: Connection, name: str) -> SqlTable:
    return SqlTable(name, MetaData(), autoload_with=connection)


def test_nobody_is_made_for_no_turns(url):
    """A database of the first version without turns gets no person."""
    with connected(url) as connection:
        command.upgrade(configuration(connection), "0001")
    upgrade(url)
    with connected(url) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM person").scalar_one() == 0


def test_upgrading_twice_changes_nothing(url):
    """The second upgrade keeps what is stored."""
    upgrade(url)
    with connected(url) as connection:
        connection.exec_driver_sql("INSERT INTO conversation (platform, chat_id) VALUES ('web', 'tab')")
    upgrade(url)
    with connected(url) as connection:
        rows = connection.exec_driver_sql("SELECT platform, chat_id FROM conversation").all()
        assert rows == [("web", "tab")]


def test_many_processes_may_upgrade_at_once(url, tmp_path: Path):
    """Upgrades of a new database that start together all succeed."""
    urls = [url] if url.startswith("postgresql") else [f"sqlite:///{tmp_path / f'{n}.db'}" for n in range(4)]
    with ThreadPoolExecutor(6) as pool:
        for one in urls:
            for upgraded in [pool.submit(upgrade, one) for _ in range(6)]:
                upgraded.result()


def test_there_is_a_way_back(url):
    """Downgrading to the beginning leaves no table of ours."""
    upgrade(url)
    with connected(url) as connection:
        command.downgrade(configuration(connection), "base")
    with connected(url) as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]


def test_a_draft_is_written_from_the_models(tmp_path: Path) -> None:
    """It has the next number, and makes the column that the models have and the last migration lacks."""
    for package in ("canvas", "storage"):
        shutil.copytree(package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    models = tmp_path / "storage" / "models.py"
    models.write_text(models.read_text() + '    hint: Mapped[str] = mapped_column(server_default="")\n')
    url = f"sqlite:///{tmp_path / 'new.db'}"
    for arguments in (
        ("-m", "storage.migrations", "a hint to notes"),
        ("-c", f"from storage import upgrade; upgrade({url!r})"),
    ):
        subprocess.run([sys.executable, *arguments], cwd=tmp_path, timeout=120, check=True)
    versions = sorted(path.name for path in (tmp_path / "storage/migrations/versions").glob("v*.py"))
    assert versions[-1] == f"v{len(versions):04}_a_hint_to_notes.py"
    engine = create_engine(url)
    assert "hint" in {column["name"] for column in inspect(engine).get_columns("note")}
    engine.dispose()
