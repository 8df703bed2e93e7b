"""One open browser tab: which conversation it is, what has been said in it, and what runs in it now.

The picture that is shown is the head of the conversation in the store; nothing here repeats it. This module
knows no Gradio and no HTML.
"""

import uuid
from dataclasses import dataclass, field
from typing import Literal

from canvas.changes import Change
from storage.store import ConversationKey, Revision

PLATFORM = "web"

Panel = Literal["", "regions", "code", "history"]
"""What is open under the picture; empty for nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person typed, or what a button says in their place."""

    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A turn that ended in a picture."""

    revision: Revision
    remark: str = ""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence of the page's own: what was done, or what went wrong and what to do about it."""

    sentence: str
    is_trouble: bool = False


Entry = Asked | Answered | Told


@dataclass(slots=True)
class Visit:
    """What one tab remembers between two clicks.

    Attributes:
        entries: The conversation as it is shown, oldest first.
        turn_id: The turn that runs now; empty when none does.
        panel: What is open under the picture.
        region: The index of the region that the form shows.
    """

    entries: list[Entry] = field(default_factory=list[Entry])
    turn_id: str = ""
    panel: Panel = ""
    region: int = 0
    _chat_id: str = ""

    @property
    def conversation(self) -> ConversationKey:
        """The tab's own, made at first use: every tab starts as a copy of the same blank visit."""
        self._chat_id = self._chat_id or uuid.uuid4().hex
        return ConversationKey(PLATFORM, self._chat_id)

    def say(self, *entries: Entry) -> None:
        """Adds to the conversation as it is shown."""
        self.entries.extend(entries)
