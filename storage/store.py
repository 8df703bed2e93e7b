"""The store: what was asked for, what came of it, and where each conversation stands.

Knows the database and the pictures; knows neither models nor chat. Every method is one transaction, but the
removal of many things, which is several. Values go in and come out; rows never leave this package.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

from sqlalchemy.orm import Session

from storage import keys, queue, results, retention, turns
from storage.chat_store import ChatStore
from storage.database import Database, Lock, connect, parse_url, sqlite_url, storage_errors
from storage.files import ImageFiles
from storage.migrations import upgrade
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
    Times,
    Turn,
    TurnStage,
    TurnStatus,
)
from storage.rows import scene_columns
from storage.scene import Scene

PictureMode = Literal["auto", "files", "database"]


class Store(ChatStore):
    """Remembers conversations, turns, revisions and images, for all processes of an installation.

    Every method raises `StorageFailed` when the database or the disk refuses, its kind `DatabaseAway` when
    the same call may work later, and `NotFound` for an id that is not stored. What stores a turn, a revision
    or an image does so once, however often it is called. A call that is cancelled ends when its transaction
    has: all of it is stored, or nothing.

    Example:
        store = await Store.open(Path("data"))
        turn, is_new = await store.begin_turn(new, lambda standing: Place(standing.served, 100))
    """

    def __init__(self, database: Database, pictures: Pictures) -> None:
        super().__init__(database)
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
        database = await asyncio.to_thread(_opened, data_dir, url)
        in_database = pictures == "database" or (pictures == "auto" and not database.is_sqlite)
        return cls(database, Pictures(ImageFiles(data_dir / "images"), in_database=in_database))

    async def close(self) -> None:
        """Waits for what runs, and lets go of the database; no call may follow."""
        await self._database.close()

    async def begin_turn(self, new: NewTurn, admit: Admit) -> tuple[Turn, bool]:
        """Remembers a request; with an id that is known already, finds it again without asking `admit`.

        Turns of all processes are begun one after the other, so `admit` sees every one before it. It is
        called in a thread. When it raises, nothing is stored.

        Returns:
            The turn, and whether it is new.

        Raises:
            NotFound: The parent is no revision of this conversation.
        """
        return await self._database.write(lambda session: turns.begin(session, new, admit), Lock.TURNS)

    async def begin_stage(self, turn_id: str, stage: TurnStage) -> Turn:
        """Notes that a stage of a running turn begins, or begins again, which is one more attempt.

        A turn that has ended is returned as it is.
        """
        return await self._database.write(lambda session: turns.begin_stage(session, turn_id, stage))

    async def add_revision(
        self, turn_id: str, parent_id: str | None, scene: Scene, *, remark: str = "", compose_s: float = 0.0
    ) -> Revision:
        """Stores what the turn composed, with the composer's words and the seconds that it took.

        The revision becomes the head of its conversation, unless the turn has ended meanwhile. A turn makes
        one revision: one that it has already is returned as it is.
        """
        columns = await asyncio.to_thread(scene_columns, scene)

        def add(session: Session) -> Revision:
            made = {"parent_id": parent_id, **columns}
            return results.add_revision(session, turn_id, made, remark=remark, compose_s=compose_s)

        return await self._database.write(add, Lock.TURNS)

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
        with storage_errors():
            file_key = await asyncio.to_thread(self._pictures.prepare, png)
        image = StoredImage(
            id=keys.new_id(),
            revision_id=revision_id,
            index=index,
            seed=seed,
            width_px=width_px,
            height_px=height_px,
            file_key=file_key,
        )

        def add(session: Session) -> StoredImage:
            stored = results.add_image(session, image, paint_s=paint_s)
            if stored is image:
                self._pictures.keep(session, file_key, png)
            return stored

        return await self._database.write(add, Lock.PICTURES)

    async def set_economy(self, turn_id: str, economy: int) -> None:
        """Notes how thriftily the turn is painted from now on."""
        await self._database.write(lambda session: turns.set_economy(session, turn_id, economy))

    async def finish_turn(self, turn_id: str, status: TurnStatus, *, error: str = "") -> bool:
        """Notes how a running turn ended; False when it had ended already, and then nothing changes."""
        return await self._database.write(lambda session: turns.finish(session, turn_id, status, error))

    async def turn(self, turn_id: str) -> Turn:
        """The turn of that id."""
        return await self._database.read(lambda session: turns.turn(session, turn_id))

    async def turns(self, conversation: ConversationKey, limit: int = 100) -> tuple[Turn, ...]:
        """The newest turns of the conversation, oldest first."""
        return await self._database.read(lambda session: turns.newest(session, conversation, limit))

    async def open_turns(self) -> tuple[OpenTurn, ...]:
        """All turns that run or wait, in the fair order; among equals, the older first."""
        return await self._database.read(queue.open_turns)

    async def durations(self) -> Durations:
        """What turns take, from the newest that were done."""
        return await self._database.read(queue.durations)

    async def times(self, turn_id: str) -> Times:
        """What a turn took."""
        return await self._database.read(lambda session: queue.times(session, turn_id))

    async def failures(self, since: datetime) -> tuple[str, ...]:
        """Why turns failed since then: the `Turn.error` of each."""
        return await self._database.read(lambda session: queue.failures(session, since))

    async def revision(self, revision_id: str) -> Revision:
        """The revision of that id, with its pictures."""
        return await self._database.read(lambda session: results.revision(session, revision_id))

    async def image_path(self, image_id: str) -> Path:
        """Where the picture's PNG file lies on this machine."""
        return await self._database.read(
            lambda session: self._pictures.path(session, results.file_key(session, image_id))
        )

    async def head(self, conversation: ConversationKey) -> Revision | None:
        """Where the conversation stands; None when nothing has been composed."""
        return await self._database.read(lambda session: results.head(session, conversation))

    async def move_head(self, conversation: ConversationKey, revision_id: str | None) -> None:
        """Makes one of the conversation's revisions its head, or none of them."""
        await self._database.write(
            lambda session: results.move_head(session, conversation, revision_id), Lock.TURNS
        )

    async def history(self, conversation: ConversationKey, limit: int | None = None) -> tuple[Revision, ...]:
        """The newest revisions of the conversation's version tree, or all of them; oldest first."""
        return await self._database.read(lambda session: results.history(session, conversation, limit))

    async def count_revisions(self, conversation: ConversationKey) -> int:
        """How many revisions the conversation's version tree has."""
        return await self._database.read(lambda session: results.count(session, conversation))

    async def lineage(self, revision_id: str) -> tuple[Revision, ...]:
        """The way from the root to that revision; of a long one the root and the newest hundred."""
        return await self._database.read(lambda session: results.lineage(session, revision_id))

    async def remove_pictures(self, before: datetime) -> int:
        """Removes the images from before that moment and their bytes; the scenes stay.

        Returns:
            How many images.
        """

        def remove_some(session: Session) -> int:
            return retention.remove_images(session, self._pictures, before)

        removed = 0
        while some := await self._database.write(remove_some, Lock.PICTURES):
            removed += some
        return removed

    async def remove_conversations(self, before: datetime) -> tuple[str, ...]:
        """Removes the conversations that nothing was asked in since and nothing runs in, with all they hold.

        Usage of earlier days goes too, and people of whom nothing is left.

        Returns:
            The ids of the turns that are no more.
        """

        def remove_some(session: Session) -> Sequence[str]:
            return retention.remove_outlived(session, self._pictures, before)

        return await self._remove_turns(remove_some)

    async def forget(self, person: PersonKey) -> tuple[str, ...]:
        """Removes everything of the person on that platform, also what is running: call that off before.

        Others keep what they made, even of this person's revisions; it begins with a root then.

        Returns:
            The ids of the turns that are no more.
        """

        def remove_some(session: Session) -> Sequence[str]:
            return retention.forget(session, self._pictures, person)

        return await self._remove_turns(remove_some)

    async def sweep_files(self, older_than_s: float = 3600) -> int:
        """Removes bytes of that age that belong to no image, left behind by a crash; returns how many."""
        with storage_errors():
            old = await asyncio.to_thread(self._pictures.old_files, older_than_s)
        removed = 0
        for some in old:
            work = partial(self._pictures.remove_unnamed, keys=some)
            removed += await self._database.write(work, Lock.PICTURES)
        work = partial(self._pictures.remove_unnamed_rows, older_than_s=older_than_s)
        return removed + await self._database.write(work, Lock.PICTURES)

    async def _remove_turns(self, remove_some: Callable[[Session], Sequence[str]]) -> tuple[str, ...]:
        """Removes some at a time, so that others need not wait long; returns the ids of all."""
        removed: list[str] = []
        while some := await self._database.write(remove_some, Lock.TURNS, Lock.PICTURES):
            removed += some
        return tuple(removed)


def _opened(data_dir: Path, url: str | None) -> Database:
    with storage_errors():
        data_dir.mkdir(parents=True, exist_ok=True)
        database_url = parse_url(url) if url else sqlite_url(data_dir / "omost.db")
        upgrade(database_url)
        return Database(connect(database_url))
