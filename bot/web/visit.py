"""One open browser tab: whose it is, what has been said in it, and what runs in it now.

The picture that is shown is the head of the conversation in the store, and the turns are there as well: a tab
that is opened anew is filled from the store. What the tab alone knows are the page's own sentences. This
module knows no Gradio and no HTML.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from canvas.changes import Change
from storage.records import ConversationKey, PersonKey, Revision, Turn, TurnStatus

PLATFORM = "web"

Panel = Literal["", "regions", "code", "history"]
"""What is open under the picture; empty for nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person typed, or what a button says in their place."""

    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A turn that ended in a picture.

    Attributes:
        is_thrifty: Memory was short, and it was painted more slowly.
    """

    revision: Revision
    remark: str = ""
    changes: tuple[Change, ...] = ()
    is_thrifty: bool = False


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
        visitor: Who it is, from `bot.web.visitor`; empty until the tab's first word.
        entries: The conversation as it is shown, oldest first.
        turn_id: The turn that runs now, started here or in another tab; empty when none does.
        is_followed: Whether something in this tab listens to that turn.
        is_submitting: Whether a request has been made and is not yet a turn.
        panel: What is open under the picture.
        region: The index of the region that the form shows.
        locks: The regions that changes must not touch, as `bot.locks` names them.
    """

    visitor: str = ""
    entries: list[Entry] = field(default_factory=list[Entry])
    turn_id: str = ""
    is_followed: bool = False
    is_submitting: bool = False
    panel: Panel = ""
    region: int = 0
    locks: frozenset[str] = frozenset()
    _asked: set[str] = field(default_factory=set[str])
    _answered: set[str] = field(default_factory=set[str])

    @property
    def person(self) -> PersonKey:
        """Who asks."""
        return PersonKey(PLATFORM, self.visitor)

    @property
    def conversation(self) -> ConversationKey:
        """The visitor's own, the same one in every tab."""
        return ConversationKey(PLATFORM, self.visitor)

    def say(self, *entries: Entry) -> None:
        """Adds to the conversation as it is shown."""
        self.entries.extend(entries)

    def ask(self, turn_id: str, text: str) -> None:
        """Shows what a turn was asked for, once."""
        if turn_id not in self._asked:
            self._asked.add(turn_id)
            self.say(Asked(text))

    def answer(self, turn_id: str, entry: Answered | Told) -> None:
        """Shows how a turn ended, once."""
        if turn_id not in self._answered:
            self._answered.add(turn_id)
            self.say(entry)

    def forget(self) -> None:
        """Shows nothing of what was said, nor how the running turn ends."""
        self._answered.add(self.turn_id)
        self.entries.clear()
        self.turn_id, self.panel, self.region, self.locks = "", "", 0, frozenset()

    def news(self, turns: Sequence[Turn]) -> tuple[Turn, ...]:
        """Those of the turns that are not yet shown as they are now."""
        return tuple(turn for turn in turns if not self._shows(turn))

    def _shows(self, turn: Turn) -> bool:
        if turn.status is TurnStatus.RUNNING:
            return turn.id == self.turn_id
        return turn.id in self._answered
