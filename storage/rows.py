"""Between rows and records: how each kind is selected, and what a row says as a value."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import selectinload

from canvas import Canvas, Repair, parse, write
from storage.errors import StorageFailed
from storage.models import ConversationRow, ImageRow, PersonRow, RevisionRow, TurnRow
from storage.records import (
    ConversationKey,
    PersonKey,
    Place,
    Revision,
    StoredImage,
    Turn,
    TurnStage,
    TurnStatus,
)
from storage.scene import Scene, SceneSettings

RevisionQuery = Select[RevisionRow, ConversationRow, str]

TURNS = (
    select(TurnRow, ConversationRow, PersonRow, RevisionRow.id)
    .join(ConversationRow, TurnRow.conversation_key == ConversationRow.key)
    .join(PersonRow, TurnRow.person_key == PersonRow.key)
    .outerjoin(RevisionRow, RevisionRow.turn_id == TurnRow.id)
)
"""The revision's id is None while there is none; the types know nothing of outer joins."""

REVISIONS: RevisionQuery = (
    select(RevisionRow, ConversationRow, TurnRow.prompt)
    .join(ConversationRow, RevisionRow.conversation_key == ConversationRow.key)
    .join(TurnRow, RevisionRow.turn_id == TurnRow.id)
    .options(selectinload(RevisionRow.images))
    .order_by(RevisionRow.key)
)
"""Oldest first; a parent always comes before its children."""


def turn_of(row: Row[TurnRow, ConversationRow, PersonRow, str]) -> Turn:
    """The turn in a row of `TURNS`."""
    turn, conversation, person, revision_id = row
    return Turn(
        id=turn.id,
        conversation=_key_of(conversation),
        person=PersonKey(person.platform, person.platform_id),
        prompt=turn.prompt,
        parent_id=turn.parent_id,
        request=turn.request,
        pictures=turn.pictures,
        place=Place(turn.place_start, turn.place_finish),
        status=TurnStatus(turn.status),
        stage=TurnStage(turn.stage),
        attempts=turn.attempts,
        economy=turn.economy,
        revision_id=revision_id,
        remark=turn.remark,
        error=turn.error,
        created_at=turn.created_at,
    )


def revisions_of(rows: Sequence[Row[RevisionRow, ConversationRow, str]]) -> tuple[Revision, ...]:
    """The revisions in rows of `REVISIONS`. Reads their code: work for a thread."""
    return tuple(_revision_of(*row) for row in rows)


def image_of(row: ImageRow) -> StoredImage:
    """The picture in a row."""
    return StoredImage(
        id=row.id,
        revision_id=row.revision_id,
        index=row.index,
        seed=row.seed,
        width_px=row.width_px,
        height_px=row.height_px,
        file_key=row.file_key,
    )


def scene_columns(scene: Scene) -> dict[str, Any]:
    """A scene as the columns of a revision.

    Raises:
        StorageFailed: The code would not read as the same canvas; a mistake in the program, better found now.
    """
    code = write(scene.canvas)
    if _canvas_of(code) != scene.canvas:
        raise StorageFailed("the canvas does not survive being written")
    return {
        "code": code,
        "repairs": [asdict(repair) for repair in scene.canvas.repairs],
        "settings": scene.settings.to_dict(),
    }


def _revision_of(row: RevisionRow, conversation: ConversationRow, prompt: str) -> Revision:
    repairs = tuple(Repair(**repair) for repair in row.repairs)
    canvas = replace(_canvas_of(row.code), repairs=repairs)
    return Revision(
        id=row.id,
        conversation=_key_of(conversation),
        turn_id=row.turn_id,
        parent_id=row.parent_id,
        scene=Scene(canvas, SceneSettings.from_dict(row.settings)),
        prompt=prompt,
        created_at=row.created_at,
        images=tuple(image_of(image) for image in row.images),
    )


def _key_of(conversation: ConversationRow) -> ConversationKey:
    return ConversationKey(conversation.platform, conversation.chat_id)


@lru_cache(maxsize=256)
def _canvas_of(code: str) -> Canvas:
    """The canvas that the code writes; a history is read again at every turn, and canvases never change."""
    return parse(code)
