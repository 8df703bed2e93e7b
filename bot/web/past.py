"""What became of turns that ended while nobody looked, as the conversation shows it.

What a tab hears live becomes the same entries.
"""

from collections.abc import Iterable, Mapping, Sequence

from bot.replies import Words
from bot.web.visit import Answered, Told
from canvas.changes import Change, changes
from engine.error_record import from_record
from engine.orders import ENLARGEMENT, from_turn
from storage.records import Revision, Turn, TurnStatus


def asked(turn: Turn, words: Words) -> str:
    """What the person said, or what a button said in their place."""
    if turn.prompt:
        return turn.prompt
    is_larger = from_turn(turn).settings.high_resolution >= ENLARGEMENT
    return words.text("Enlarge") if is_larger else words.text("Paint again")


def endings(
    turns: Iterable[Turn], history: Sequence[Revision], words: Words
) -> Mapping[str, Answered | Told]:
    """How each of the turns ended that are not running; slow enough for a thread."""
    revisions = {revision.id: revision for revision in history}
    return {
        turn.id: _ending(turn, revisions, words) for turn in turns if turn.status is not TurnStatus.RUNNING
    }


def answered(turn: Turn, revision: Revision, changed: tuple[Change, ...]) -> Answered:
    """A turn that ended in a picture."""
    return Answered(revision, turn.remark, changed, is_thrifty=turn.economy > 0)


def failed(error: BaseException, words: Words) -> Told:
    """A turn that came to nothing."""
    return Told(words.error(error), is_trouble=True)


def cancelled(words: Words) -> Told:
    """A turn that was called off."""
    return Told(words.text("Cancelled."))


def _ending(turn: Turn, revisions: Mapping[str, Revision], words: Words) -> Answered | Told:
    match turn:
        case Turn(status=TurnStatus.DONE, revision_id=str(revision_id)) if revision_id in revisions:
            revision = revisions[revision_id]
            return answered(turn, revision, _changes(revision, revisions))
        case Turn(status=TurnStatus.DONE):
            return Told(words.text("This picture is no longer kept."))
        case Turn(status=TurnStatus.CANCELLED):
            return cancelled(words)
        case _:
            return failed(from_record(turn.error), words)


def _changes(revision: Revision, revisions: Mapping[str, Revision]) -> tuple[Change, ...]:
    parent = revisions.get(revision.parent_id or "")
    return changes(parent.scene.canvas, revision.scene.canvas) if parent else ()
