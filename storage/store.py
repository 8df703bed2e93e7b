"""The store: what was asked for, what came of it, and where each conversation stands.

Knows the database and the pictures; knows neither models nor chat. Every method is one transaction, but the
removal of many things, which is several. Values go in and come out; rows never leave this package.
"""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlalchemy import select, update

from storage import keys, queue, results, retention
from storage.database import Database, Lock, connect, parse_url, sqlite_url, storage_errors
from storage.errors import NotFound
from storage.files import ImageFiles
from storage.migrations import upgrade
from storage.models import ConversationRow, ImageRow, PersonRow, RevisionRow, TurnRow, now
from storage.pictures import Pictures
from storage.records import (
    Admit,
    ConversationKey,
    Durations,
    NewTurn,
    OpenTurn,
    PersonKey,
    Revision,
    StoredImage,
    Turn,
    TurnStage,
    TurnStatus,
)
from storage.rows import REVISIONS, TURNS, RevisionQuery, image_of, revisions_of, scene_columns, turn_of
from storage.scene import Scene

__all__ = ["ConversationKey", "PersonKey", "Revision", "Store", "StoredImage", "Turn", "TurnStatus"]

PictureMode = Literal["auto", "files", "database"]


class Store:
    """Remembers conversations, turns, revisions and images, for all processes of an installation.

    Every method raises `StorageFailed` when the database or the disk refuses, its kind `DatabaseAway` when
    the same call may work later, and `NotFound` for an id that is not stored. What stores a turn, a revision
    or an image does so once, however often it is called.

    Example:
        store = await Store.open(Path("data"))
        turn, is_new = await store.begin_turn(new, lambda standing: Place(standing.served, 100))
    """

    def __init__(self, database: Database, pictures: Pictures) -> None:
        self._database = database
        self._pictures = pictures

    @classmethod
    async def open(cls, data_dir: Path, url: str | None = None, *, pictures: PictureMode = "auto") -> "Store":
        """Makes the folder, brings the database's tables up to date and opens both.

        Args:
            data_dir: For the pictures, and for the SQLite database when there is no `url`.
            url: Of another database, in SQLAlchemy's form; `postgresql://` is fine.
            pictures: Where their bytes are kept. `auto` is in files beside SQLite and in the database on
                PostgreSQL, whose users need not share a disk.
        """
        async with storage_errors():
            await asyncio.to_thread(data_dir.mkdir, parents=True, exist_ok=True)
            database_url = parse_url(url) if url else sqlite_url(data_dir / "omost.db")
            await asyncio.to_thread(upgrade, database_url)
            database = Database(connect(database_url))
        in_database = pictures == "database" or (pictures == "auto" and not database.is_sqlite)
        files = ImageFiles(data_dir / "images")
        return cls(database, Pictures(database, files, in_database=in_database))

    async def close(self) -> None:
        """Lets go of the database."""
        await self._database.close()

    async def begin_turn(self, new: NewTurn, admit: Admit) -> tuple[Turn, bool]:
        """Remembers a request; with an id that is known already, finds it again without asking `admit`.

        Turns of all processes are begun one after the other, so `admit` sees every one before it. When it
        raises, nothing is stored.

        Returns:
            The turn, and whether it is new.

        Raises:
            NotFound: The parent is no revision of this conversation.
        """
        async with self._database.writing(Lock.TURNS) as session:
            known = (await session.execute(TURNS.where(TurnRow.id == new.id))).one_or_none()
            if known is not None:
                return turn_of(known), False
            conversation_key = await keys.conversation_key(session, new.conversation)
            if new.parent_id is not None:
                await keys.check_revision(session, conversation_key, new.parent_id)
            person_key = await keys.person_key(session, new.person)
            await queue.add_turn(session, new, conversation_key, person_key, admit)
            return await keys.turn(session, new.id), True

    async def begin_stage(self, turn_id: str, stage: TurnStage) -> Turn:
        """Notes that a stage of a running turn begins, or begins again, which is one more attempt.

        A turn that has ended is returned as it is.
        """
        async with self._database.writing() as session:
            row = await keys.locked_turn(session, turn_id)
            if row.status == TurnStatus.RUNNING:
                row.attempts = row.attempts + 1 if row.stage == stage else 1
                row.stage, row.stage_at = stage, now()
            return await keys.turn(session, turn_id)

    async def add_revision(
        self, turn_id: str, parent_id: str | None, scene: Scene, *, remark: str = "", compose_s: float = 0.0
    ) -> Revision:
        """Stores what the turn composed, with the composer's words and the seconds that it took.

        The revision becomes the head of its conversation, unless the turn has ended meanwhile. A turn makes
        one revision: one that it has already is returned as it is.
        """
        columns = await asyncio.to_thread(scene_columns, scene)
        async with self._database.writing(Lock.TURNS) as session:
            turn = await keys.locked_turn(session, turn_id)
            revision_id = await results.revision_of(session, turn_id)
            if revision_id is None:
                revision_id = keys.new_id()
                names = {"id": revision_id, "turn_id": turn_id, "parent_id": parent_id}
                row = RevisionRow(**names, conversation_key=turn.conversation_key, **columns)
                await results.add_revision(session, turn, row, remark=remark, compose_s=compose_s)
        return await self.revision(revision_id)

    async def add_image(
        self,
        revision_id: str,
        *,
        index: int,
        seed: int,
        png: bytes,
        width_px: int,
        height_px: int,
        paint_s: float = 0.0,
    ) -> StoredImage:
        """Stores a finished picture and the seconds that it took.

        A revision has one picture of an index: one that is there already is returned as it is.
        """
        async with storage_errors():
            file_key = await self._pictures.prepare(png)
        image = ImageRow(
            id=keys.new_id(),
            revision_id=revision_id,
            index=index,
            seed=seed,
            width_px=width_px,
            height_px=height_px,
            file_key=file_key,
        )
        async with self._database.writing(Lock.PICTURES) as session:
            stored = await results.add_image(session, image, paint_s=paint_s)
            if stored is image:
                await self._pictures.keep(session, file_key, png)
            return image_of(stored)

    async def set_economy(self, turn_id: str, economy: int) -> None:
        """Notes how thriftily the turn is painted from now on."""
        async with self._database.writing() as session:
            (await keys.locked_turn(session, turn_id)).economy = economy

    async def finish_turn(self, turn_id: str, status: TurnStatus, *, error: str = "") -> bool:
        """Notes how a running turn ended; False when it had ended already, and then nothing changes."""
        async with self._database.writing() as session:
            turn = await keys.locked_turn(session, turn_id)
            if turn.status != TurnStatus.RUNNING:
                return False
            turn.status, turn.error, turn.ended_at = status, error, now()
            return True

    async def turn(self, turn_id: str) -> Turn:
        """The turn of that id."""
        async with self._database.reading() as session:
            return await keys.turn(session, turn_id)

    async def turns(self, conversation: ConversationKey, limit: int = 100) -> tuple[Turn, ...]:
        """The newest turns of the conversation, oldest first."""
        newest = TURNS.where(keys.is_conversation(conversation)).order_by(
            TurnRow.created_at.desc(), TurnRow.id.desc()
        )
        async with self._database.reading() as session:
            rows = (await session.execute(newest.limit(limit))).all()
        return tuple(turn_of(row) for row in reversed(rows))

    async def open_turns(self) -> tuple[OpenTurn, ...]:
        """All turns that run or wait, in the fair order; among equals, the older first."""
        async with self._database.reading() as session:
            return await queue.open_turns(session)

    async def durations(self) -> Durations:
        """What turns take, from the newest that were done."""
        async with self._database.reading() as session:
            return await queue.durations(session)

    async def revision(self, revision_id: str) -> Revision:
        """The revision of that id, with its pictures."""
        found = await self._revisions(REVISIONS.where(RevisionRow.id == revision_id))
        if not found:
            raise NotFound("revision", revision_id)
        return found[0]

    async def image_path(self, image_id: str) -> Path:
        """Where the picture's PNG file lies on this machine."""
        async with self._database.reading() as session:
            key = await session.scalar(select(ImageRow.file_key).where(ImageRow.id == image_id))
        if key is None:
            raise NotFound("image", image_id)
        async with storage_errors():
            return await self._pictures.path(key)

    async def head(self, conversation: ConversationKey) -> Revision | None:
        """Where the conversation stands; None when nothing has been composed."""
        heads = select(ConversationRow.head_id).where(keys.is_conversation(conversation))
        found = await self._revisions(REVISIONS.where(RevisionRow.id.in_(heads)))
        return found[0] if found else None

    async def move_head(self, conversation: ConversationKey, revision_id: str | None) -> None:
        """Makes one of the conversation's revisions its head, or none of them."""
        async with self._database.writing(Lock.TURNS) as session:
            key = await keys.conversation_key(session, conversation)
            if revision_id is not None:
                await keys.check_revision(session, key, revision_id)
            await keys.set_head(session, key, revision_id)

    async def history(self, conversation: ConversationKey) -> tuple[Revision, ...]:
        """The whole version tree of the conversation, oldest first."""
        return await self._revisions(REVISIONS.where(keys.is_conversation(conversation)))

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
        async with self._database.reading() as session:
            return await session.scalar(select(PersonRow.language).where(keys.is_person(person)))

    async def set_language(self, person: PersonKey, language: str) -> None:
        """Remembers the language that the person chose."""
        async with self._database.writing() as session:
            key = await keys.person_key(session, person)
            await session.execute(update(PersonRow).where(PersonRow.key == key).values(language=language))

    async def remove_pictures(self, before: datetime) -> int:
        """Removes the images from before that moment and their bytes; the scenes stay.

        Returns:
            How many images.
        """
        removed = 0
        while True:
            async with self._database.writing(Lock.PICTURES) as session:
                batch = await retention.remove_images(session, self._pictures, before)
            removed += batch
            if batch == 0:
                return removed

    async def remove_conversations(self, before: datetime) -> tuple[str, ...]:
        """Removes the conversations that nothing was asked in since and nothing runs in, with all they hold.

        Usage of earlier days goes too, and people of whom nothing is left.

        Returns:
            The ids of the turns that are no more.
        """
        removed: list[str] = []
        while True:
            async with self._database.writing(Lock.TURNS, Lock.PICTURES) as session:
                batch = await retention.outlived_turns(session, before)
                if not batch:
                    await retention.remove_traces(session, before)
                    return tuple(removed)
                await retention.remove_turns(session, self._pictures, batch)
            removed += batch

    async def forget(self, person: PersonKey) -> tuple[str, ...]:
        """Removes everything of the person on that platform, also what is running: call that off before.

        Others keep what they made, even of this person's revisions; it begins with a root then.

        Returns:
            The ids of the turns that are no more.
        """
        removed: list[str] = []
        while True:
            async with self._database.writing(Lock.TURNS, Lock.PICTURES) as session:
                key = await session.scalar(select(PersonRow.key).where(keys.is_person(person)))
                if key is None:
                    return tuple(removed)
                batch = await retention.turns_of_person(session, key)
                if not batch:
                    await retention.remove_person(session, key)
                    return tuple(removed)
                await retention.remove_turns(session, self._pictures, batch)
            removed += batch

    async def sweep_files(self, older_than_s: float = 3600) -> int:
        """Removes bytes of that age that belong to no image, left behind by a crash; returns how many."""
        async with storage_errors():
            return await self._pictures.sweep(older_than_s)

    async def _revisions(self, query: RevisionQuery) -> tuple[Revision, ...]:
        async with self._database.reading() as session:
            rows = (await session.execute(query)).all()
        return await asyncio.to_thread(revisions_of, rows)
