"""What is said to people whose words cannot be taken as they are, with the words, so that none is lost."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from bot.chat.views import Span, Style, View
from bot.replies import Words, later
from bot.telegram.typed import NUMBER, OPTION_NAMES, SIZE, WHOLE, WORDS, Mistyped

_TAKES: Final = {
    SIZE: later("a size, such as 896x1152 or 16:9"),
    WHOLE: later("a whole number"),
    NUMBER: later("a number"),
    WORDS: later("a name or words, in quotation marks where they have spaces"),
}


def mistyped(error: Mistyped, text: str, words: Words) -> View:
    """What is wrong with an option, and the whole text to copy: put right where that is known."""
    if error.meant:
        right = text.replace(error.typed, error.meant, 1)
        return _with_words(
            (
                words.text(
                    "There is no option “{typed}”. Did you mean “{name}”?",
                    typed=error.typed,
                    name=error.meant,
                ),
                words.text("Nothing is painted yet. Copy this and send it:"),
            ),
            right,
        )
    return _with_words(
        (_wrong(error, words), words.text("Nothing is painted yet. These were your words:")), text
    )


def words_left(command: str, text: str, words: Words) -> View:
    """That a command does not take words, and the one that does."""
    told = words.text(
        "/{command} takes options only. To change the picture, copy this and send it:", command=command
    )
    return _with_words((told,), f"/refine {text}")


def unknown_command(command: str, known: Iterable[str], words: Words) -> View:
    """That there is no such command, and which is nearest."""
    told = words.text("There is no command /{command}.", command=command)
    if near := next(iter(get_close_matches(command, tuple(known), 1)), ""):
        told = f"{told} " + words.text("Did you mean “{name}”?", name=f"/{near}")
    return View((Span(f"{told} " + words.text("/help shows what can be done here.")),), is_quiet=True)


def nothing_to_read(words: Words) -> View:
    """That voices, stickers and the like are not understood."""
    told = words.text(
        "I read words, and pictures that were made here if you send them as files. /help says more."
    )
    return View((Span(told),), is_quiet=True)


def _wrong(error: Mistyped, words: Words) -> str:
    if not error.option:
        return words.text(
            "There is no option “{typed}”. There are: {names}.",
            typed=error.typed,
            names=", ".join(OPTION_NAMES),
        )
    return words.text(
        "“{typed}” cannot be read: {name} takes {allowed}.",
        typed=error.typed,
        name=error.option,
        allowed=words.text(_TAKES[error.takes]),
    )


def _with_words(lines: Iterable[str], text: str) -> View:
    return View((Span("\n".join(lines) + "\n"), Span(text, Style.CODE)), is_quiet=True)
