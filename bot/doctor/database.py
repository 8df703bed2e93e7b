"""Where everything is remembered: whether it can be used, and whether its tables are up to date."""

from collections.abc import Iterator
from typing import Final

from bot.doctor.findings import Case, Finding
from storage.errors import StorageFailed
from storage.inspection import Postgres, Sqlite, Tables, inspect_postgres, inspect_sqlite

OLDEST_POSTGRES: Final = 14
CONNECTIONS: Final = 60
"""A bot and its child take so many at work."""


def database(case: Case) -> Iterator[Finding]:
    """The database that is configured."""
    url = case.settings.database_url()
    try:
        if url:
            yield from _postgres(case, inspect_postgres(url))
        else:
            yield from _sqlite(case, inspect_sqlite(case.settings.data_dir))
    except StorageFailed as error:
        yield _unusable(case, error.detail.partition("\n")[0], is_server=bool(url))


def _unusable(case: Case, detail: str, *, is_server: bool) -> Finding:
    told = case.words.text("Database: it cannot be used: {why}.", why=detail.rstrip("."))
    if is_server:
        advice = case.words.text(
            "Start it, or correct the address: OMOST_DATABASE__URL, or url under [database]."
        )
    else:
        advice = case.words.text("Put a backup in its place, or name another data_dir in the settings.")
    return Finding("database", "failure", told, advice)


def _sqlite(case: Case, found: Sqlite) -> Iterator[Finding]:
    words = case.words
    if found.not_writable:
        names, folder = ", ".join(found.not_writable), found.file.parent.absolute()
        told = words.text(
            "Database: in {folder} these cannot be written: {files}.", folder=folder, files=names
        )
        advice = words.text("Give them to who runs the bot: sudo chown -R USER {folder}", folder=folder)
        yield Finding("database", "failure", told, advice)
    if found.tables is None:
        if not found.not_writable:
            told = words.text(
                "Database: SQLite {version}, which the first start makes.", version=found.version
            )
            yield Finding("database", "ok", told)
    else:
        yield _tables(case, f"SQLite {found.version}", found.tables)
    if found.network:
        told = words.text("Database: its folder is on the net ({kind}).", kind=found.network)
        advice = words.text(
            "SQLite's locks are not safe there: take a local folder as data_dir, or PostgreSQL."
        )
        yield Finding("database.folder", "warning", told, advice)


def _postgres(case: Case, found: Postgres) -> Iterator[Finding]:
    words = case.words
    case.clocks.note(words.text("the database"), found.ahead_s)
    yield _tables(case, f"PostgreSQL {found.version}", found.tables)
    if found.version_number // 10_000 < OLDEST_POSTGRES:
        told = words.text("PostgreSQL {version} is too old.", version=found.version)
        yield Finding("database.version", "failure", told, words.text("Take 14 or newer."))
    if found.encoding != "UTF8":
        told = words.text("The database's encoding is {encoding}.", encoding=found.encoding)
        advice = words.text("Make it anew: createdb --encoding=UTF8 --template=template0")
        yield Finding("database.encoding", "failure", told, advice)
    yield from _rights(case, found)
    yield from _connections(case, found)
    if found.at_work:
        told = words.text("At work on it: {names}.", names=", ".join(found.at_work))
        yield Finding("database.at_work", "ok", told)


def _tables(case: Case, product: str, tables: Tables) -> Finding:
    words = case.words
    if tables.is_newer:
        told = words.text(
            "Database: {product}; its tables ({found}) are of a newer version of omost-bot.",
            product=product,
            found=tables.found,
        )
        advice = words.text("Install that version, or put a backup from before it in its place.")
        return Finding("database", "failure", told, advice)
    if not tables.found:
        told = words.text("Database: {product}, empty; the first start makes its tables.", product=product)
        return Finding("database", "ok", told)
    if tables.pending:
        told = words.count(
            "Database: {product}; {number} change of its tables is pending.",
            "Database: {product}; {number} changes of its tables are pending.",
            tables.pending,
            product=product,
        )
        advice = words.text("The next start makes them, as does omost-bot db upgrade. Make a backup before.")
        return Finding("database", "warning", told, advice)
    told = words.text(
        "Database: {product}, its tables are up to date ({found}).", product=product, found=tables.found
    )
    return Finding("database", "ok", told)


def _rights(case: Case, found: Postgres) -> Iterator[Finding]:
    words = case.words
    made = bool(found.tables.found) and not found.tables.pending
    if "write" in found.lacks:
        told = words.text("The database is a copy that can only be read.")
        yield Finding("database.rights", "failure", told, words.text("Name the server that it is a copy of."))
    elif "create-tables" in found.lacks and not made:
        told = words.text("The bot may make no tables in the schema public.")
        advice = words.text("Let it own the database: ALTER DATABASE … OWNER TO …")
        yield Finding("database.rights", "failure", told, advice)
    elif "create-schema" in found.lacks:
        told = words.text("The bot may not make the schema dbos, in which the jobs are, or nothing in it.")
        advice = words.text("Let it own the database: ALTER DATABASE … OWNER TO …")
        yield Finding("database.rights", "failure", told, advice)


def _connections(case: Case, found: Postgres) -> Iterator[Finding]:
    words = case.words
    if found.has_pooler:
        told = words.text("Something between hands connections to the database on, as PgBouncer does.")
        advice = words.text("Connect to the server itself: the locks on names need sessions of their own.")
        yield Finding("database.pooler", "warning", told, advice)
    if found.free_connections < CONNECTIONS and not found.at_work:
        told = words.count(
            "The database has room for {number} connection more.",
            "The database has room for {number} connections more.",
            found.free_connections,
        )
        advice = words.text(
            "A bot with its worker takes up to {number}: raise max_connections.", number=CONNECTIONS
        )
        yield Finding("database.connections", "warning", told, advice)
