"""A text that may still be growing, read from front to back.

Reading functions over a `Source` are generators: they yield None when they have to see more text to decide,
and are resumed when there is more or when the text has ended. So a stream is read the moment that it
allows, and a whole text gives the same result as its pieces.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from canvas.signatures import KNOWN_NAMES

MAX_MENDS: Final = 200
"""Mends beyond this number in one text are made, but not listed."""
MAX_MENDED: Final = 20_000
"""Behind this number of mends a text is noise, and its strings are not read any further."""
SHOWN_CHARS: Final = 80
"""Longer findings are shortened to this length in repairs and messages."""

_BLANK = re.compile(r"(?:\s++|#[^\n]*+|\\\n)*+")
_ANEW = re.compile(
    rf"(?:{'|'.join(KNOWN_NAMES)})\s{{0,8}}[=:]|\w{{1,40}}\s{{0,8}}=\s{{0,8}}['\"\[(\d“‘-]"
    r"|```|canvas\s{0,3}[.=]",
    re.IGNORECASE,
)
_ANEW_UNDECIDED = re.compile(r"(?:\w{0,40}\s{0,8}=?\s{0,8}|`{1,2})\Z")


@dataclass(frozen=True, slots=True)
class Mend:
    """What was put right at `offset`; see `canvas.model.Repair`."""

    offset: int
    what: str
    found: str
    used: str


class Source:
    r"""The text so far, and what was put right in it.

    Attributes:
        text: With line ends as `\n`.
        ended: Whether no more text will come.
        mends: In the order in which they were made.
        mended: How many were made, listed or not.
    """

    def __init__(self) -> None:
        self.text = ""
        self.ended = False
        self.mends: list[Mend] = []
        self.mended = 0
        self._held_return = ""

    def add(self, piece: str) -> None:
        """Adds a piece of text, whatever its line ends."""
        piece = self._held_return + piece
        self._held_return = "\r" if piece.endswith("\r") else ""
        self.text += piece.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")

    def end(self) -> None:
        """Says that the text is whole."""
        self.text += "\n" if self._held_return else ""
        self.ended = True

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        line_start = self.text.rfind("\n", 0, offset) + 1
        return self.text.count("\n", 0, offset) + 1, offset - line_start + 1

    def mend(self, offset: int, what: str, found: str, used: str) -> None:
        """Keeps what was put right."""
        self.mended += 1
        if len(self.mends) < MAX_MENDS:
            self.mends.append(Mend(offset, what, shorten(found), shorten(used)))

    def blank(self, position: int) -> Generator[None, None, int]:
        """The offset of the next character that is neither white space nor comment, or of the text's end."""
        while True:
            match = _BLANK.match(self.text, position)
            end = match.end() if match else position
            if self.ended or self.text[end : end + 2] not in {"", "\\"}:
                return end
            comment = self.text.find("#", max(position, self.text.rfind("\n", position, end)))
            if comment < 0:
                position = end
                yield
            else:
                position = yield from self.line_end(comment)

    def line_end(self, position: int) -> Generator[None, None, int]:
        """The offset of the next line end, or of the text's end."""
        while (end := self.text.find("\n", position)) < 0:
            position = len(self.text)
            if self.ended:
                return position
            yield
        return end

    def rest(self) -> Generator[None, None, int]:
        """The offset of the text's end, once there is one."""
        while not self.ended:
            yield
        return len(self.text)

    def lookahead(self, position: int, length_chars: int) -> Generator[None, None, str]:
        """The next characters, fewer only at the text's end."""
        while len(self.text) < position + length_chars and not self.ended:
            yield
        return self.text[position : position + length_chars]

    def decided(
        self, undecided: re.Pattern[str], pattern: re.Pattern[str], position: int
    ) -> Generator[None, None, re.Match[str] | None]:
        """The match of `pattern` at `position`, once what follows is no longer `undecided`."""
        while not self.ended and undecided.match(self.text, position):
            yield
        return pattern.match(self.text, position)

    def starts_anew(self, position: int) -> Generator[None, None, bool]:
        """Whether an argument, another call or the end of the code begins here."""
        match = yield from self.decided(_ANEW_UNDECIDED, _ANEW, position)
        return match is not None


def shorten(text: str) -> str:
    """The text in one line of at most `SHOWN_CHARS` characters."""
    line = " ".join(text[: 4 * SHOWN_CHARS].split())
    return line if len(line) <= SHOWN_CHARS else line[: SHOWN_CHARS - 1] + "…"
