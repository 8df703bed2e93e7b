"""Reads a call that is well-formed Python with nothing but literals in it, exactly as Python does.

Whatever else models write is not for this module: it gives up at the first character that Python, too, would
not accept here, and `canvas.scanner` reads the call anew and mends it.
"""

import re
from collections.abc import Generator
from typing import Final

from canvas.items import Argument, Value
from canvas.source import Source
from canvas.strings import literal, opens_string

MAX_ARGUMENTS: Final = 64
"""A call of the language has at most eleven arguments; the scanner skips those beyond this number."""
_MAX_SIGNS: Final = 20_000

_NAME = re.compile(r"[^\W\d]\w{0,60}+")
_NAME_UNDECIDED = re.compile(r"\w{0,60}+\Z")
_NUMBER_UNDECIDED = re.compile(r"[\w.+-]{0,300}+\Z")
NUMBER: Final = re.compile(r"[+-]?(?:\d[\d_]*+\.?[\d_]*+|\.\d[\d_]*+)(?:[eE][+-]?\d[\d_]*+)?(?![\w.])")
"""A decimal number as Python writes it."""

_CLOSING: Final = {"(": ")", "[": "]"}
_BEHIND: Final = {
    "s": "^([,+s",
    "(": "^([,+",
    "[": "^([,",
    "+": "s)",
    ",": "s)]",
    ")": "s)](,",
    "]": "s)][,",
}
"""What each sign of a value may stand behind; `s` is a string, `^` the beginning of the value."""


def strict_call(
    source: Source, position: int
) -> Generator[None, None, tuple[tuple[Argument, ...], int] | None]:
    """The arguments of a call from behind its parenthesis, and where it ends; None where it is broken."""
    arguments: list[Argument] = []
    while len(arguments) <= MAX_ARGUMENTS:
        position = yield from source.blank(position)
        if source.text.startswith(")", position):
            return tuple(arguments), position + 1
        read = yield from _argument(source, position)
        if read is None:
            return None
        argument, position = read
        arguments.append(argument)
        if source.text.startswith(",", position):
            position += 1
        elif not source.text.startswith(")", position):
            break
    return None


def _argument(source: Source, start: int) -> Generator[None, None, tuple[Argument, int] | None]:
    if start >= len(source.text):
        return None
    name, position = "", start
    is_string = yield from opens_string(source, start)
    keyword = None if is_string else (yield from source.decided(_NAME_UNDECIDED, _NAME, start))
    if keyword:
        name = keyword[0]
        position = yield from source.blank(keyword.end())
        if not source.text.startswith("=", position):
            return None
        position = yield from source.blank(position + 1)
    read = yield from _value(source, position)
    return read and (Argument(name, read[0], start), read[1])


def _value(source: Source, position: int) -> Generator[None, None, tuple[Value, int] | None]:
    """A number, a string or a list, and where the next sign after it begins."""
    number = yield from source.decided(_NUMBER_UNDECIDED, NUMBER, position)
    if number:
        return float(number[0].replace("_", "")), (yield from source.blank(number.end()))
    return (yield from _strings(source, position))


def _strings(source: Source, position: int) -> Generator[None, None, tuple[Value, int] | None]:
    """A string, or a list of strings."""
    value = _Strings()
    for _ in range(_MAX_SIGNS):
        sign = "s" if (yield from opens_string(source, position)) else source.text[position : position + 1]
        if sign in {",", ")"} and value.may_end:
            return value.finished(), position
        if not value.admits(sign):
            break
        if sign == "s":
            read = yield from literal(source, position)
            if read is None:
                break
            text, position = read
        else:
            text, position = "", position + 1
        value.add(sign, text)
        position = yield from source.blank(position)
    return None


class _Strings:
    """A value made of strings, sign by sign: a list where it has commas or square brackets."""

    def __init__(self) -> None:
        self._before = "^"
        self._closing: list[str] = []
        self._parts_of_items: list[list[str]] = [[]]
        self._is_list = False

    @property
    def may_end(self) -> bool:
        """Whether a comma or a closing parenthesis is none of this value's signs."""
        return not self._closing and self._before in _BEHIND[","]

    def admits(self, sign: str) -> bool:
        """Whether Python would accept the sign here."""
        closes = sign in _CLOSING.values()
        is_inside = bool(self._closing) and (not closes or self._closing[-1] == sign)
        return self._before in _BEHIND.get(sign, "") and (is_inside or not (closes or sign == ","))

    def add(self, sign: str, text: str) -> None:
        """Adds a sign; `text` is what a string stands for."""
        if sign == "s":
            self._parts_of_items[-1].append(text)
        elif sign in _CLOSING:
            self._closing.append(_CLOSING[sign])
        elif sign == ",":
            self._parts_of_items.append([])
        elif sign != "+":
            self._closing.pop()
        self._is_list |= sign in {"[", ","}
        self._before = sign

    def finished(self) -> Value:
        """The string, or the list without its levels."""
        items = tuple("".join(parts) for parts in self._parts_of_items if parts)
        return items if self._is_list or not items else items[0]
