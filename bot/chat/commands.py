"""The commands that platforms list for people: their names, and what each is for in a line.

English stands here and is the key of the catalogues, as in `bot.replies`; the names with their slash too, for
platforms where a command may be called differently in each language.
"""

import re
from dataclasses import dataclass
from typing import Final

from bot.replies import Words
from bot.sentences import later


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes:
        slash: Its English name behind a slash.
        purpose: What it is for, in at most 100 characters in every language.
        is_for_moderators: Whether nobody else is answered.
    """

    slash: str
    purpose: str
    is_for_moderators: bool = False

    @property
    def name(self) -> str:
        """As it is called everywhere, in letters of ASCII."""
        return self.slash.removeprefix("/")

    def name_in(self, words: Words) -> str:
        """As it is called in a language, for platforms that take any letters."""
        return words.text(self.slash).removeprefix("/")

    def purpose_in(self, words: Words) -> str:
        """What it is for, in a language."""
        return words.text(self.purpose)


COMMANDS: Final = (
    Command(later("/omost"), later("A new picture from words")),
    Command(later("/refine"), later("Change the newest picture in words")),
    Command(later("/render"), later("Paint the newest picture again")),
    Command(later("/regions"), later("Edit one region of the newest picture")),
    Command(later("/undo"), later("Go back to the picture before")),
    Command(later("/history"), later("All pictures of this conversation, as a tree")),
    Command(later("/open"), later("Go on from a scene file, or from an earlier scene of yours")),
    Command(later("/favourites"), later("The pictures that you kept")),
    Command(later("/queue"), later("Who waits, and how long")),
    Command(later("/cancel"), later("Call off your newest request here")),
    Command(later("/settings"), later("Size, steps, preset and language")),
    Command(later("/forget"), later("Remove everything of yours")),
    Command(later("/help"), later("What can be done here")),
    Command(later("/stats"), later("What is open, and what requests take"), is_for_moderators=True),
)
"""In the order in which newcomers need them."""


def command(name: str) -> Command:
    """The command of that name."""
    return next(each for each in COMMANDS if each.name == name)


def with_names(text: str, words: Words) -> str:
    """The text with the commands called as they are in a language, where they have names of their own."""
    names = {each.name: each.name_in(words) for each in COMMANDS}
    return _NAMED.sub(lambda found: f"/{names[found[1]]}", text)


_NAMED: Final = re.compile(
    rf"(?<![A-Za-z0-9/:._-])/({'|'.join(each.name for each in COMMANDS)})(?![A-Za-z0-9_])"
)
