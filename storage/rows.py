"""Between rows and records: how each kind is selected, and what a row says as a value."""

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

TurnQuery = Select[TurnRow, str, str, str, str, str]
RevisionQuery = Select[RevisionRow, str, str, str]

TURNS: TurnQuery = (
    select(
        TurnRow,
        ConversationRow.platform,
        ConversationRow.chat_id,
        PersonRow.platform,
        PersonRow.platform_id,
        RevisionRow.id,
    )
    .join(ConversationRow, TurnRow.conversation_key == ConversationRow.key)
    .join(PersonRow, TurnRow.person_key == PersonRow.key)
    .outerjoin(RevisionRow, RevisionRow.turn_id == TurnRow.id)
)
"""The revision's id is None while there is none; the types know nothing of outer joins."""

REVISIONS: RevisionQuery = (
    select(RevisionRow, ConversationRow.platform, ConversationRow.chat_id, TurnRow.prompt)
    .join(ConversationRow, RevisionRow.conversation_key == ConversationRow.key)
    .join(TurnRow, RevisionRow.turn_id == TurnRow.id)
    .options(selectinload(RevisionRow.images))
    .order_by(RevisionRow.key)
)
"""Oldest first; a parent always comes before its children."""


def turn_of(row: Row[TurnRow, str, str, str, str, str]) -> Turn:
    """The turn in a row of `TURNS`."""
    turn, chat_platform, chat_id, platform, platform_id, revision_id = row
    return Turn(
        id=turn.id,
        conversation=ConversationKey(chat_platform, chat_id),
        person=PersonKey(platform, platform_id),
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


def revision_of(row: Row[RevisionRow, str, str, str]) -> Revision:
    """The revision in a row of `REVISIONS`. Reads its code: work for a thread."""
    revision, platform, chat_id, prompt = row
    repairs = tuple(Repair(**repair) for repair in revision.repairs)
    canvas = replace(_canvas_of(revision.code), repairs=repairs)
    return Revision(
        id=revision.id,
        conversation=ConversationKey(platform, chat_id),
        turn_id=revision.turn_id,
        parent_id=revision.parent_id,
        scene=Scene(canvas, SceneSettings.from_dict(revision.settings)),
        prompt=prompt,
        created_at=revision.created_at,
        images=tuple(image_of(image) for image in revision.images),
    )


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
        "search_text": scene.canvas.global_description.description.casefold(),
    }


@lru_cache(maxsize=256)
def _canvas_of(code: str) -> Canvas:
    """The canvas that the code writes; a history is read again at every turn, and canvases never change."""
    return parse(code)
