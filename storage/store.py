"""The store: what was asked for, what came of it, and where each conversation stands.

Knows the database and the files; knows neither models nor chat. Every method is one transaction. Values go in
and come out; rows never leave this package.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from storage.scene import Scene


class TurnStatus(StrEnum):
    """Where a turn stands; all but `RUNNING` are final."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ConversationKey:
    """A channel, chat, thread or browser tab: the platform and the platform's id of it."""

    platform: str
    chat_id: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One request and what came of it.

    Attributes:
        id: The caller's; the same id is the same turn.
        prompt: The person's words; empty when the request had none.
        parent_id: The revision that it started from.
        revision_id: The revision that it made, as soon as there is one.
        remark: The composer's words beside the code.
        error: Why it failed, as `engine.error_record` writes it.
        created_at: In UTC.
    """

    id: str
    conversation: ConversationKey
    prompt: str
    parent_id: str | None
    status: TurnStatus
    revision_id: str | None
    remark: str
    error: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A finished picture; its file is found with `Store.image_path`.

    Attributes:
        index: Its place in the batch.
        file_key: The SHA-256 of the file.
    """

    id: str
    revision_id: str
    index: int
    seed: int
    width_px: int
    height_px: int
    file_key: str


@dataclass(frozen=True, slots=True)
class Revision:
    """A scene in the version tree of a conversation.

    Attributes:
        id: Ten characters of a-z and 2-7, fit for file names and buttons.
        scene: Its canvas carries the repairs that were made when it was read.
        prompt: Of its turn; empty when it was made without words.
        images: By index; empty until the first one is painted.
    """

    id: str
    conversation: ConversationKey
    turn_id: str
    parent_id: str | None
    scene: Scene
    prompt: str
    created_at: datetime
    images: tuple[StoredImage, ...] = ()


class Store:
    """Remembers conversations, turns, revisions and images.

    Example:
        store = await Store.open(Path("data"))
        turn, is_new = await store.begin_turn("web:1", ConversationKey("web", "tab"), "a lighthouse", None)
    """

    @classmethod
    async def open(cls, data_dir: Path, url: str | None = None) -> "Store":
        """Makes the folder, brings the database's tables up to date and opens both.

        Args:
            data_dir: For the pictures, and for the SQLite database when there is no `url`.
            url: Of another database, in SQLAlchemy's form.

        Raises:
            StorageFailed: The folder or the database cannot be used.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Lets go of the database."""

    async def begin_turn(
        self, turn_id: str, conversation: ConversationKey, prompt: str, parent_id: str | None
    ) -> tuple[Turn, bool]:
        """Remembers a request; with an id that is known already, finds it again.

        Returns:
            The turn, and whether it is new.

        Raises:
            NotFound: The parent is no revision of this conversation.
        """
        raise NotImplementedError

    async def add_revision(self, turn_id: str, parent_id: str | None, scene: Scene) -> Revision:
        """Stores what the turn composed; the revision becomes the head of its conversation."""
        raise NotImplementedError

    async def add_image(
        self, revision_id: str, index: int, seed: int, png: bytes, width_px: int, height_px: int
    ) -> StoredImage:
        """Stores a finished picture: the file first, then its row."""
        raise NotImplementedError

    async def finish_turn(
        self, turn_id: str, status: TurnStatus, *, remark: str = "", error: str = ""
    ) -> None:
        """Notes how the turn ended."""
        raise NotImplementedError

    async def fail_running(self, error: str) -> int:
        """Fails every turn that is still running, and returns how many: for a start after a crash."""
        raise NotImplementedError

    async def turn(self, turn_id: str) -> Turn:
        """The turn of that id."""
        raise NotImplementedError

    async def revision(self, revision_id: str) -> Revision:
        """The revision of that id, with its pictures."""
        raise NotImplementedError

    async def image_path(self, image_id: str) -> Path:
        """Where the picture's PNG file lies."""
        raise NotImplementedError

    async def head(self, conversation: ConversationKey) -> Revision | None:
        """Where the conversation stands; None when nothing has been composed."""
        raise NotImplementedError

    async def move_head(self, conversation: ConversationKey, revision_id: str | None) -> None:
        """Makes one of the conversation's revisions its head, or none of them."""
        raise NotImplementedError

    async def history(self, conversation: ConversationKey) -> tuple[Revision, ...]:
        """The whole version tree of the conversation, oldest first."""
        raise NotImplementedError

    async def lineage(self, revision_id: str) -> tuple[Revision, ...]:
        """The way from the root to that revision."""
        raise NotImplementedError
