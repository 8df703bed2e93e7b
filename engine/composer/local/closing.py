"""The shortest end of a scene that is cut off: what to write when there is room for no more.

Reads what the grammar of `canvas.grammar` allows, and nothing else.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import Final

from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS
from canvas.signatures import GLOBAL_METHOD, LOCAL_METHOD, PARAMETERS

_TEXT: Final = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_FENCE: Final = "```"
_UNFINISHED_ESCAPE: Final = re.compile(r"\\(?:$|x.?$|u.{0,3}$|U.{0,7}$)")
_ESCAPE: Final = re.compile(r"\\(?:x..|u....|U.{8}|[^xuU])")
_DIGITS: Final = {"x": "20", "u": "0020", "U": "00000020"}


@dataclass(frozen=True, slots=True)
class _Hole:
    """A place for a value: what a whole one looks like, and what is missing of one that is cut off."""

    whole: re.Pattern[str]
    missing: Callable[[str], str]


def closing(text: str, *, comments: bool = True) -> str:
    """What is missing of a scene that is cut off at any place.

    Args:
        text: The reply so far, with the fence that opens it.
        comments: Whether the grammar wants a comment above each call.

    Returns:
        The shortest text that makes a whole scene of it; empty where the scene is whole, and where there is
        only prose. Calls that have begun are finished with empty texts; none is added.
    """
    place = text.find("`")
    if place < 0 and text:
        return ""
    pieces = _first_pieces(comments=comments)
    place = max(place, 0)
    while True:
        after = _read(text, place, pieces)
        if isinstance(after, str):
            return after + _FENCE
        if _FENCE.startswith(text[after : after + len(_FENCE)]):
            return _FENCE[len(text) - after :] if len(text) - after < len(_FENCE) else ""
        place, pieces = after, _further_pieces(comments=comments)


def _read(text: str, place: int, pieces: Iterable[str | _Hole]) -> int | str:
    """Where the pieces end in the text, or what is missing of them at its end."""
    remaining = iter(pieces)
    for piece in remaining:
        end = _end(text, place, piece)
        if end >= len(text):
            parts = chain([_missing(text[place:], piece)], map(_missing, repeat(""), remaining))
            missing = "".join(parts)
            return missing or len(text)
        place = end
    return place


def _end(text: str, place: int, piece: str | _Hole) -> int:
    if isinstance(piece, str):
        return place + len(piece)
    whole = piece.whole.match(text, place)
    return whole.end() if whole else len(text)


def _missing(begun: str, piece: str | _Hole) -> str:
    return piece[len(begun) :] if isinstance(piece, str) else piece.missing(begun)


def _missing_of_name(begun: str, names: Iterable[str]) -> str:
    name = min((f"'{name}'" for name in names if f"'{name}'".startswith(begun)), key=len)
    return name[len(begun) :]


def _missing_of_text(begun: str) -> str:
    if re.fullmatch(_TEXT, begun):
        return ""
    quote = begun[:1] or "'"
    end = quote if begun else quote * 2
    escape = _UNFINISHED_ESCAPE.search(_ESCAPE.sub(lambda found: "_" * len(found[0]), begun))
    if not escape:
        return end
    kind, digits = begun[escape.start() + 1 :][:1], begun[escape.start() + 2 :]
    return (_DIGITS[kind][len(digits) :] if kind else quote) + end


def _missing_of_texts(begun: str) -> str:
    if len(begun) < 2 or begun == "[]" or begun.endswith("\n    ]"):
        return "[]"[len(begun) :]
    line = begun.rpartition("\n")[2]
    if begun.count("\n") > 1 and len(line) <= 4:
        return "    ]"[len(line) :]
    indent, text = " " * 8, line[8:]
    comma = re.fullmatch(f"{_TEXT},", text)
    return (indent[len(line) :] + _missing_of_text(text) + "," if not comma else "") + "\n    ]"


_NUMBER: Final = re.compile(
    r"[1-9][0-9]{0,16}\.[0-9]{1,24}|0\.[0-9]{0,23}[1-9]"
    r"|[1-9](\.[0-9]{1,17})?e(\+(1[6-9]|[2-9][0-9]|[12][0-9]{2})|-(0[5-9]|[1-9][0-9]|[12][0-9]{2}))"
)


def _missing_of_number(begun: str) -> str:
    ends = ("", ".0", "0", "1", "6", "16", "+16") if begun else ("1.0",)
    return next(end for end in (*ends, ".1") if _NUMBER.fullmatch(begun + end))


def _names(names: Iterable[str]) -> _Hole:
    return _Hole(re.compile("'[^']*'"), partial(_missing_of_name, names=tuple(names)))


_COMMENT: Final = _Hole(re.compile(r"[^\n]+"), lambda begun: "" if begun else "more")
_ANY_TEXT: Final = _Hole(re.compile(_TEXT), _missing_of_text)
_HOLES: Final = {
    "location": _names(LOCATIONS),
    "offset": _names(OFFSETS),
    "area": _names(AREAS),
    "distance_to_viewer": _Hole(re.compile("[-+.0-9e]+"), _missing_of_number),
    "detailed_descriptions": _Hole(re.compile(rf"\[\]|\[\n(?:        {_TEXT},\n)+    \]"), _missing_of_texts),
    "HTML_web_color_name": _names(COLORS),
}


def _first_pieces(*, comments: bool) -> Iterator[str | _Hole]:
    yield f"{_FENCE}python\n"
    yield "# Initialize the canvas\n" * comments
    yield "canvas = Canvas()\n\n"
    yield "# Set a global description for the canvas\n" * comments
    yield from _call_pieces(GLOBAL_METHOD)


def _further_pieces(*, comments: bool) -> Iterator[str | _Hole]:
    yield "\n"
    if comments:
        yield from ("# Add ", _COMMENT, "\n")
    yield from _call_pieces(LOCAL_METHOD)


def _call_pieces(method: str) -> Iterator[str | _Hole]:
    yield f"canvas.{method}(\n"
    for parameter in PARAMETERS[method]:
        yield from (f"    {parameter}=", _HOLES.get(parameter, _ANY_TEXT), ",\n")
    yield ")\n"
