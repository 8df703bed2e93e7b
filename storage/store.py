"""The store: what was asked for, what came of it, and where each conversation stands.

Knows the database and the files; knows neither models nor chat. Every method is one transaction. Values go in
and come out; rows never leave this package.
"""

import asyncio
import base64
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import URL, ColumnElement, and_, make_url, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from storage.database import connect, insert_new, sqlite_url, storage_errors
from storage.errors import NotFound
from storage.files import ImageFiles
from storage.migrations import upgrade
from storage.models import ConversationRow, ImageRow, PersonRow, RevisionRow, TurnRow, now
from storage.records import ConversationKey, PersonKey, Revision, StoredImage, Turn, TurnStatus
from storage.rows import REVISIONS, TURNS, RevisionQuery, image_of, revisions_of, scene_columns, turn_of
from storage.scene import Scene

__all__ = ["ConversationKey", "PersonKey", "Revision", "Store", "StoredImage", "Turn", "TurnStatus"]

ID_CHARS = 10


class Store:
    """Remembers conversations, turns, revisions and images.

    Every method raises `StorageFailed` when the database or the disk refuses, and `NotFound` for an id that
    is not stored.

    Example:
        store = await Store.open(Path("data"))
        turn, is_new = await store.begin_turn("web:1", ConversationKey("web", "tab"), "a lighthouse", None)
    """

    def __init__(self, engine: AsyncEngine, files: ImageFiles) -> None:
        self._engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)
        self._files = files

    @classmethod
    async def open(cls, data_dir: Path, url: str | None = None) -> "Store":
        """Makes the folder, brings the database's tables up to date and opens both.

        Args:
            data_dir: For the pictures, and for the SQLite database when there is no `url`.
            url: Of another database, in SQLAlchemy's form.
        """
        async with storage_errors():
            await asyncio.to_thread(data_dir.mkdir, parents=True, exist_ok=True)
            database = make_url(url) if url else database_url(data_dir)
            await asyncio.to_thread(upgrade, database)
        return cls(connect(database), ImageFiles(data_dir / "images"))

    async def close(self) -> None:
        """Lets go of the database."""
        await self._engine.dispose()

    async def begin_turn(
        self, turn_id: str, conversation: ConversationKey, prompt: str, parent_id: str | None
    ) -> tuple[Turn, bool]:
        """Remembers a request; with an id that is known already, finds it again.

        Returns:
            The turn, and whether it is new.

        Raises:
            NotFound: The parent is no revision of this conversation.
        """
        async with self._transaction() as session:
            key = await _conversation_key(session, conversation)
            if parent_id is not None:
                await _check_revision(session, key, parent_id)
            turn = {
                "id": turn_id,
                "conversation_key": key,
                "prompt": prompt,
                "parent_id": parent_id,
                "status": TurnStatus.RUNNING,
                "remark": "",
                "error": "",
                "created_at": now(),
            }
            is_new = (
                await session.scalar(insert_new(session, TurnRow, turn).returning(TurnRow.id)) is not None
            )
            return await _turn(session, turn_id), is_new

    async def add_revision(self, turn_id: str, parent_id: str | None, scene: Scene) -> Revision:
        """Stores what the turn composed; the revision becomes the head of its conversation.

        A turn makes one revision; for a second one `StorageFailed` is raised.
        """
        columns = await asyncio.to_thread(scene_columns, scene)
        revision_id = _new_id()
        async with self._transaction() as session:
            key = await session.scalar(select(TurnRow.conversation_key).where(TurnRow.id == turn_id))
            if key is None:
                raise NotFound("turn", turn_id)
            if parent_id is not None:
                await _check_revision(session, key, parent_id)
            session.add(
                RevisionRow(
                    id=revision_id, conversation_key=key, turn_id=turn_id, parent_id=parent_id, **columns
                )
            )
            await session.flush()
            await _set_head(session, key, revision_id)
        return await self.revision(revision_id)

    async def add_image(
        self, revision_id: str, *, index: int, seed: int, png: bytes, width_px: int, height_px: int
    ) -> StoredImage:
        """Stores a finished picture: the file first, then its row."""
        async with self._transaction() as session:
            if not await session.scalar(select(RevisionRow.key).where(RevisionRow.id == revision_id)):
                raise NotFound("revision", revision_id)
            row = ImageRow(
                id=_new_id(),
                revision_id=revision_id,
                index=index,
                seed=seed,
                width_px=width_px,
                height_px=height_px,
                file_key=await self._files.save(png),
            )
            session.add(row)
        return image_of(row)

    async def finish_turn(
        self, turn_id: str, status: TurnStatus, *, remark: str = "", error: str = ""
    ) -> None:
        """Notes how the turn ended."""
        change = update(TurnRow).where(TurnRow.id == turn_id)
        values = {"status": status, "remark": remark, "error": error}
        async with self._transaction() as session:
            if await session.scalar(change.values(values).returning(TurnRow.id)) is None:
                raise NotFound("turn", turn_id)

    async def fail_running(self, error: str) -> int:
        """Fails every turn that is still running, for a start after a crash; returns how many they were.

        A turn that another process is working on is failed too, until that process finishes it.
        """
        change = update(TurnRow).where(TurnRow.status == TurnStatus.RUNNING)
        values = {"status": TurnStatus.FAILED, "error": error}
        async with self._transaction() as session:
            failed = await session.scalars(change.values(values).returning(TurnRow.id))
            return len(failed.all())

    async def turn(self, turn_id: str) -> Turn:
        """The turn of that id."""
        async with self._transaction() as session:
            return await _turn(session, turn_id)

    async def revision(self, revision_id: str) -> Revision:
        """The revision of that id, with its pictures."""
        found = await self._revisions(REVISIONS.where(RevisionRow.id == revision_id))
        if not found:
            raise NotFound("revision", revision_id)
        return found[0]

    async def image_path(self, image_id: str) -> Path:
        """Where the picture's PNG file lies."""
        async with self._transaction() as session:
            key = await session.scalar(select(ImageRow.file_key).where(ImageRow.id == image_id))
        if key is None:
            raise NotFound("image", image_id)
        return await self._files.path(key)

    async def head(self, conversation: ConversationKey) -> Revision | None:
        """Where the conversation stands; None when nothing has been composed."""
        heads = select(ConversationRow.head_id).where(_is(conversation))
        found = await self._revisions(REVISIONS.where(RevisionRow.id.in_(heads)))
        return found[0] if found else None

    async def move_head(self, conversation: ConversationKey, revision_id: str | None) -> None:
        """Makes one of the conversation's revisions its head, or none of them."""
        async with self._transaction() as session:
            key = await _conversation_key(session, conversation)
            if revision_id is not None:
                await _check_revision(session, key, revision_id)
            await _set_head(session, key, revision_id)

    async def history(self, conversation: ConversationKey) -> tuple[Revision, ...]:
        """The whole version tree of the conversation, oldest first."""
        return await self._revisions(REVISIONS.where(_is(conversation)))

    async def lineage(self, revision_id: str) -> tuple[Revision, ...]:
        """The way from the root to that revision."""
        node = select(RevisionRow.id, RevisionRow.parent_id)
        way = node.where(RevisionRow.id == revision_id).cte("way", recursive=True)
        way = way.union_all(node.where(RevisionRow.id == way.c.parent_id))
        found = await self._revisions(REVISIONS.where(RevisionRow.id.in_(select(way.c.id))))
        if not found:
            raise NotFound("revision", revision_id)
        return found

    async def language(self, person: PersonKey) -> str | None:
        """The language that the person chose."""
        async with self._transaction() as session:
            return await session.scalar(select(PersonRow.language).where(_is_person(person)))

    async def set_language(self, person: PersonKey, language: str) -> None:
        """Remembers the language that the person chose."""
        values = {"platform": person.platform, "platform_id": person.platform_id, "language": language}
        async with self._transaction() as session:
            await session.execute(insert_new(session, PersonRow, values))
            await session.execute(update(PersonRow).where(_is_person(person)).values(language=language))

    async def _revisions(self, query: RevisionQuery) -> tuple[Revision, ...]:
        async with self._transaction() as session:
            rows = (await session.execute(query)).all()
        return await asyncio.to_thread(revisions_of, rows)

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncSession]:
        async with storage_errors(), self._sessions.begin() as session:
            yield session


def database_url(data_dir: Path) -> URL:
    """The SQLite database in that folder, for when no other is configured."""
    return sqlite_url(data_dir / "omost.db")


def _new_id() -> str:
    """50 random bits, in characters that are fit for file names and buttons."""
    return base64.b32encode(secrets.token_bytes(10)).decode("ascii")[:ID_CHARS].lower()


def _is(conversation: ConversationKey) -> ColumnElement[bool]:
    return and_(
        ConversationRow.platform == conversation.platform, ConversationRow.chat_id == conversation.chat_id
    )


def _is_person(person: PersonKey) -> ColumnElement[bool]:
    return and_(PersonRow.platform == person.platform, PersonRow.platform_id == person.platform_id)


async def _turn(session: AsyncSession, turn_id: str) -> Turn:
    row = (await session.execute(TURNS.where(TurnRow.id == turn_id))).one_or_none()
    if row is None:
        raise NotFound("turn", turn_id)
    return turn_of(row)


async def _conversation_key(session: AsyncSession, conversation: ConversationKey) -> int:
    """The key of the conversation's row, which is made when there is none."""
    await session.execute(insert_new(session, ConversationRow, asdict(conversation)))
    return (await session.execute(select(ConversationRow.key).where(_is(conversation)))).scalar_one()


async def _check_revision(session: AsyncSession, conversation_key: int, revision_id: str) -> None:
    owner = await session.scalar(select(RevisionRow.conversation_key).where(RevisionRow.id == revision_id))
    if owner != conversation_key:
        raise NotFound("revision", revision_id)


async def _set_head(session: AsyncSession, conversation_key: int, revision_id: str | None) -> None:
    conversation = update(ConversationRow).where(ConversationRow.key == conversation_key)
    await session.execute(conversation.values(head_id=revision_id))
