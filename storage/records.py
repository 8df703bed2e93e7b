"""What the store gives out and takes in: plain values that know neither the database nor models nor chat."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from storage.scene import Scene

JSON: TypeAlias = "str | int | float | bool | Sequence[JSON] | Mapping[str, JSON] | None"
"""What JSON can say."""


class TurnStatus(StrEnum):
    """Where a turn stands; all but `RUNNING` are final."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TurnStage(StrEnum):
    """How far a running turn has come."""

    WAITING = "waiting"
    COMPOSING = "composing"
    COMPOSED = "composed"
    PAINTING = "painting"


@dataclass(frozen=True, slots=True)
class ConversationKey:
    """A channel, chat, thread or browser tab: the platform and the platform's id of it."""

    platform: str
    chat_id: str


@dataclass(frozen=True, slots=True)
class PersonKey:
    """A person: the platform and the platform's id of them."""

    platform: str
    platform_id: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a turn stands in the fair order: smaller numbers first, among equals who came first.

    The numbers are hundredths of a second of service, as in start-time fair queueing (Goyal, Vin and Cheng,
    1996): a person's next turn starts where the one before it ends, but never before the turn served now.
    """

    start: int
    finish: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a person and of the queue at the moment of a request.

    Attributes:
        own_open: Open turns of the person.
        all_open: Open turns of everybody.
        served: The smallest `Place.start` of all open turns; with none open, the greatest `Place.finish` that
            there has ever been; 0 at first.
        own_finish: The greatest `Place.finish` that the person has had; 0 at first.
        pictures_today: Pictures painted for the person since midnight UTC, and those still to be painted.
        gpu_s_today: Seconds of composing and painting for the person since midnight UTC.
        open_starts: The `Place.start` of every open turn.
    """

    own_open: int
    all_open: int
    served: int
    own_finish: int
    pictures_today: int
    gpu_s_today: float
    open_starts: tuple[int, ...] = ()


Admit = Callable[[Standing], Place]
"""Finds the place for a new turn, or raises what the person is refused with."""


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A request as it is remembered.

    Attributes:
        request: What the engine needs to carry it out after a restart, as JSON values.
        pictures: How many pictures it asks for.
    """

    id: str
    conversation: ConversationKey
    person: PersonKey
    prompt: str
    parent_id: str | None
    request: Mapping[str, object]
    pictures: int = 1


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """A running turn as the queue sees it; `Store.open_turns` gives them in the fair order.

    Attributes:
        stage_s: Seconds that it has been in its stage.
    """

    id: str
    person: PersonKey
    place: Place
    stage: TurnStage
    stage_s: float
    pictures: int


@dataclass(frozen=True, slots=True)
class Durations:
    """What the newest finished turns took, in seconds; None where none has been measured.

    Attributes:
        compose_s: The mean of one composing.
        picture_s: The mean of painting one picture.
    """

    compose_s: float | None
    picture_s: float | None


@dataclass(frozen=True, slots=True)
class Times:
    """What one turn took, in seconds.

    Attributes:
        compose_s: Of composing; 0 where nothing was composed.
        paint_s: Of painting all its pictures; 0 where nothing was painted.
        first_picture_s: From the request until the first picture was stored; None where none was.
        open_s: From the request until it had ended, or so far.
    """

    compose_s: float
    paint_s: float
    first_picture_s: float | None
    open_s: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One request and what came of it.

    Attributes:
        id: The caller's; the same id is the same turn.
        person: Who asked.
        prompt: The person's words; empty when the request had none.
        parent_id: The revision that it started from.
        request: As it was given in `NewTurn`.
        pictures: How many pictures it asks for.
        place: In the fair order.
        stage: How far it came.
        attempts: How often its stage has been begun; 0 before the first.
        economy: How thriftily it was painted, an `engine.renderer.Economy`.
        revision_id: The revision that it made, as soon as there is one.
        remark: The composer's words beside the code.
        error: Why it failed, as `engine.error_record` writes it.
        created_at: In UTC.
    """

    id: str
    conversation: ConversationKey
    person: PersonKey
    prompt: str
    parent_id: str | None
    request: Mapping[str, object]
    pictures: int
    place: Place
    status: TurnStatus
    stage: TurnStage
    attempts: int
    economy: int
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


class PostKind(StrEnum):
    """What a message of ours in a chat is for."""

    RESULT = "result"
    """The one message of a turn: a placeholder, then progress, then what came of it."""
    PICTURE = "picture"
    """A picture beside the result, such as the original; its data has the `index`."""
    QUESTION = "question"
    """Its answer or press is awaited; its data says of what."""
    PANEL = "panel"
    """Controls, such as those of the settings."""


@dataclass(frozen=True, slots=True)
class Post:
    """A message of ours in a chat, and what it shows.

    Attributes:
        chat_id: The platform's id of the chat alone, where a `ConversationKey` may name a thread in it.
        message_id: The platform's, unique within the chat.
        turn_id: Whose result or pictures it shows; a turn has one `RESULT` at most.
        revision_id: The scene that it shows.
        person: For whom it is, on the same platform.
        data: What the adapter notes with it. `delivered`, when True, says that a result needs no more work.
    """

    platform: str
    chat_id: str
    message_id: str
    kind: PostKind
    turn_id: str | None = None
    revision_id: str | None = None
    person: PersonKey | None = None
    data: Mapping[str, JSON] = field(default_factory=dict[str, JSON])


@dataclass(frozen=True, slots=True)
class Received:
    """Something that a platform sent and that is kept until it has been handled.

    Attributes:
        key: The platform's id of it.
        received_at: In UTC.
        attempts: How often its handling has been begun.
    """

    key: str
    payload: Mapping[str, JSON]
    received_at: datetime
    attempts: int
