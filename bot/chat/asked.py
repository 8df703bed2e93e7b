"""What a message is about, in its first line: whose words they were, or what was made of which picture."""

from dataclasses import dataclass
from typing import Final

from bot.captions import Making, making, on_one_line, title
from bot.chat.views import Span, Style, Text, plain
from bot.replies import Words
from engine.orders import from_turn
from storage.errors import NotFound
from storage.records import Revision, Turn
from storage.store import Store

MAX_TITLE_CHARS: Final = 200
MAX_NAME_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for.

    Attributes:
        title: The words; of a picture that was made without any, those of the one that it was made from.
        making: What was to be done.
        asker: What people there call who asked; empty where that goes without saying.
        is_quoted: Whether the words are the person's own, and not a form's.
        is_earlier: Whether the picture was there before others and is shown once more.
    """

    title: str
    making: Making = Making.SAID
    asker: str = ""
    is_quoted: bool = True
    is_earlier: bool = False

    def line(self, words: Words) -> Text:
        """The line, for above everything else."""
        said = self._said(words)
        if not self.asker:
            return said
        asker = Span(on_one_line(self.asker, MAX_NAME_CHARS), Style.BOLD)
        return (asker, Span(": "), *said) if said else (asker,)

    def _said(self, words: Words) -> Text:
        if not self.title:
            return ()
        called = on_one_line(self.title, MAX_TITLE_CHARS)
        if self.is_earlier:
            return plain(words.text("Earlier picture: “{title}”", title=called))
        match self.making:
            case Making.SAID:
                shown = words.text("“{title}”", title=called) if self.is_quoted else called
                return (Span(shown, Style.ITALIC),)
            case Making.AGAIN:
                return plain(words.text("“{title}”, painted again", title=called))
            case Making.LARGER:
                return plain(words.text("Larger version of “{title}”", title=called))
            case Making.VARIED:
                return plain(words.text("Variations of “{title}”", title=called))


async def asked_for(store: Store, turn: Turn, asker: str = "") -> Asked:
    """What a turn was asked for.

    Raises:
        StorageError: It could not be read.
    """
    order = from_turn(turn)
    parent = await _revision(store, turn.parent_id)
    how = making(turn.prompt, order.settings, parent and parent.scene.settings)
    called = turn.prompt or (title(await _origin(store, parent)) if parent else "")
    return Asked(called, how, asker, is_quoted=_is_said(turn))


async def earlier(store: Store, revision: Revision) -> Asked:
    """A picture that is shown once more; the newest one is no earlier one.

    Raises:
        StorageError: It could not be read.
    """
    newest = await store.history(revision.conversation, 1)
    is_newest = any(each.id == revision.id for each in newest)
    origin = await _origin(store, revision)
    return Asked(title(origin), is_quoted=await _is_quoted(store, origin), is_earlier=not is_newest)


async def with_origins(store: Store, revision: Revision) -> tuple[Revision, ...]:
    """A picture behind those that it goes back to, oldest first; alone where words were said for it.

    Raises:
        StorageError: They could not be read.
    """
    if revision.prompt or revision.parent_id is None:
        return (revision,)
    try:
        return await store.lineage(revision.id)
    except NotFound:  # forgotten meanwhile
        return (revision,)


async def _origin(store: Store, revision: Revision) -> Revision:
    """The last that words were said for; where there is none, the first one."""
    line = await with_origins(store, revision)
    return next((each for each in reversed(line) if each.prompt), line[0])


async def _is_quoted(store: Store, revision: Revision) -> bool:
    """Whether what it is called are words that a person said."""
    try:
        return bool(revision.prompt) and _is_said(await store.turn(revision.turn_id))
    except NotFound:  # forgotten meanwhile
        return False


def _is_said(turn: Turn) -> bool:
    """Whether its words are the person's own, and not a form's."""
    return turn.request.get("kind") != "adopt"


async def _revision(store: Store, revision_id: str | None) -> Revision | None:
    """The revision; None for none, and for one that is gone."""
    if revision_id is None:
        return None
    try:
        return await store.revision(revision_id)
    except NotFound:
        return None
