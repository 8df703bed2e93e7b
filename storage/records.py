"""What the store gives out and takes in: plain values that know neither the database nor models nor chat."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class PersonKey:
    """A person: the platform and the platform's id of them."""

    platform: str
    platform_id: str
