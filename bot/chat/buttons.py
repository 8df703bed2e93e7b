"""The buttons under results, and the signs that stand on them: the same in every language."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.chat.presses import Action, Press
from bot.chat.views import Button, ButtonStyle
from bot.replies import Words
from bot.sentences import later
from storage.records import Revision, StoredImage, Turn

SIGNS: Final[Mapping[Action, str]] = MappingProxyType(
    {
        Action.AGAIN: "🎲",
        Action.REGIONS: "🧩",
        Action.UNDO: "↩️",
        Action.ENLARGE: "⬆️",
        Action.PLAN: "📜",
        Action.FAVOURITE: "⭐",
        Action.REFINE: "✏️",
        Action.CANCEL: "❌",
        Action.ORIGINAL: "💾",
    }
)
CAPTIONS: Final[Mapping[Action, str]] = MappingProxyType(
    {
        Action.AGAIN: later("Again"),
        Action.REGIONS: later("Regions"),
        Action.UNDO: later("Undo"),
        Action.ENLARGE: later("Larger"),
        Action.PLAN: later("Plan"),
        Action.FAVOURITE: later("Favourite"),
        Action.REFINE: later("Change"),
        Action.CANCEL: later("Cancel"),
        Action.ORIGINAL: later("Original"),
    }
)
"""Short words for the signs."""

Row = tuple[Button, ...]

_UNDER_A_RESULT: Final = (
    (Action.AGAIN, Action.REGIONS, Action.UNDO, Action.ENLARGE),
    (Action.PLAN, Action.FAVOURITE, Action.REFINE),
)


def signed(action: Action, words: Words, subject: str = "", *args: str) -> Button:
    """A button with its action's sign."""
    return Button(SIGNS[action], Press(action, subject, args), caption=words.text(CAPTIONS[action]))


def named(
    label: str, action: Action, subject: str = "", *args: str, style: ButtonStyle = ButtonStyle.NORMAL
) -> Button:
    """A button that is called otherwise."""
    return Button(label, Press(action, subject, args), style)


def to_cancel(turn_id: str, words: Words) -> Button:
    """Calls a turn off; it says which, for people press before its message is known."""
    subject, *args = turn_id.split(":")
    return signed(Action.CANCEL, words, subject, *args)


def under_result(revision: Revision, words: Words) -> tuple[Row, ...]:
    """What can be done with a result; with each picture of a batch too."""
    rows = tuple(tuple(signed(action, words, revision.id) for action in row) for row in _UNDER_A_RESULT)
    if len(revision.images) < 2:
        return rows
    return (*rows, _of_each(Action.ENLARGE, "U", revision), _of_each(Action.VARY, "V", revision))


def to_try_again(turn: Turn, words: Words) -> tuple[Row, ...]:
    """Paints the scene, if one was composed; else asks for the same once more."""
    return ((signed(Action.AGAIN, words, turn.revision_id or ""),),)


def original(revision: Revision, image: StoredImage) -> Button:
    """Asks for the untouched file of a picture."""
    number = f" {image.index + 1}" if len(revision.images) > 1 else ""
    label = f"{SIGNS[Action.ORIGINAL]} PNG{number}"
    return named(label, Action.ORIGINAL, revision.id, str(image.index))


def _of_each(action: Action, letter: str, revision: Revision) -> Row:
    """One button for each picture of a batch; the press's argument is the picture's index."""
    return tuple(
        named(f"{letter}{image.index + 1}", action, revision.id, str(image.index))
        for image in revision.images
    )
