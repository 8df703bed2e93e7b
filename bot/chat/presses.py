"""What buttons, selects and forms say when they are pressed, in few enough characters for every platform.

A button holds nothing but the action and what it is about, so that it works as long as the message is there:
after a restart, and after a month. What it names is looked up and checked again when it is pressed.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_BYTES: Final = 64
"""Telegram's limit for a button's data; Discord's is 100 characters."""

_PREFIX: Final = "omost:v1:"
_PART: Final = re.compile(r"[A-Za-z0-9_.-]*")


class Action(StrEnum):
    """What can be pressed."""

    AGAIN = "again"
    """Paint the revision with another seed."""
    VARY = "vary"
    """Go on from one picture of a batch: its seed's neighbours."""
    ENLARGE = "enlarge"
    """The high-resolution pass, of one picture of a batch."""
    REFINE = "refine"
    """Say what shall change."""
    REGIONS = "regions"
    """Choose a region to edit."""
    REGION = "region"
    """One region: its fields, lock, removal."""
    ADD_REGION = "add"
    REMOVE_REGION = "remove"
    LOCK_REGION = "lock"
    UNDO = "undo"
    GO = "go"
    """Make a revision the one that the next words start from."""
    PLAN = "plan"
    """The Canvas code as a file, the repairs, the layout."""
    FAVOURITE = "star"
    ORIGINAL = "original"
    """The untouched PNG, which carries its scene."""
    CANCEL = "cancel"
    """Call off the turn whose id the subject and the arguments are, or else the one of this message."""
    SETTINGS = "settings"
    """The settings of a person (subject `me`) or of the chat (`here`)."""
    FORGET = "forget"
    """Remove everything of the person (argument `yes`), or keep it (`no`)."""
    CLOSE = "close"
    """Take a panel away."""
    FIELD = "field"
    """A platform without forms of its own: choose a field of a form."""
    VALUE = "value"
    """And a value for it."""
    APPLY = "apply"
    """And send the form."""


_ACTIONS: Final[frozenset[str]] = frozenset(Action)


@dataclass(frozen=True, slots=True)
class Press:
    """What was pressed.

    Attributes:
        subject: A revision's id, or what else the action is about; letters, digits, dots, dashes.
        args: Likewise: a region's index, a picture's number.
    """

    action: Action
    subject: str = ""
    args: tuple[str, ...] = ()

    def encode(self) -> str:
        """The press in at most `MAX_BYTES` bytes.

        Raises:
            ValueError: A part has other characters than it may have, or it is too long.
        """
        parts = (self.action.value, self.subject, *self.args)
        if not all(_PART.fullmatch(part) for part in parts):
            raise ValueError(f"not fit for a button: {parts}")
        text = _PREFIX + ":".join(parts)
        if len(text.encode("ascii")) > MAX_BYTES:
            raise ValueError(f"too long for a button: {text}")
        return text

    def number(self, index: int = 0) -> int:
        """An argument as a number from 0.

        Raises:
            ValueError: It is missing or none.
        """
        if index >= len(self.args) or not re.fullmatch(r"[0-9]{1,6}", self.args[index]):
            raise ValueError(f"argument {index} of {self} is no number")
        return int(self.args[index])


def decode(text: str) -> Press | None:
    """What `Press.encode` wrote; None for anything else, which people can send too."""
    if not text.startswith(_PREFIX) or len(text) > MAX_BYTES:
        return None
    action, *rest = text.removeprefix(_PREFIX).split(":")
    if action not in _ACTIONS or not all(_PART.fullmatch(part) for part in rest):
        return None
    subject, *args = rest or [""]
    return Press(Action(action), subject, tuple(args))
