"""Finds the calls of the Canvas language in model text without executing any of it.

A call is first read as Python reads it; where that fails, it is read anew with all that models get wrong.
The scanner does not know what an argument means; that is `canvas.mending`. Every loop moves forward, so the
time is linear in the text; nothing recurses.
"""

import re
from collections.abc import Generator
from typing import Final

from canvas.items import Argument, Fence, Item, NewCanvas, Prose, RawCall, Unreadable, Value
from canvas.signatures import KNOWN_NAMES
from canvas.source import Source, shorten
from canvas.strict import MAX_ARGUMENTS, NUMBER, strict_call
from canvas.strings import Context, joined_strings, opens_string, verbatim

_ITEM_START = re.compile(
    r"(?P<fence>`{3,}|~{3,})"
    r"|(?<!\w)(?:canvas\s{0,8}\.\s{0,8}(?P<method>\w{1,60})|(?P<bare>(?:set_global|add_local)_description))"
    r"\s{0,8}\((?P<call>)"
    r"|(?<!\w)canvas\s{0,8}\(\s{0,8}\)",
    re.IGNORECASE,
)
_LONGEST_ITEM_START_CHARS = 120
_KEYWORD = re.compile(r"([^\W\d]\w{0,60}+)\s{0,60}+(?:=(?!=)|(:)(?!:))")
_KEYWORD_UNDECIDED = re.compile(r"[^\W\d]\w{0,60}+\s{0,60}+[=:]?\Z")
_BREAK = re.compile(r"```|canvas", re.IGNORECASE)
_OPENERS = re.compile(r"[(\[]++")
_BARE_TEXT = re.compile(r"#?\w[\w \-.%]*+\Z")
_PLAIN_ITEM = re.compile(r"\s{0,400}+(?:'([^'\\\n]*+)'|\"([^\"\\\n]*+)\")\s{0,400}+,(?=\s{0,400}+['\"\]])")
_QUOTES: Final = "'\""
_SKIPPED = re.compile(
    r"(?:\(\)|\[\]|\{\})++|[^\s,()\[\]{}'\"`]++|[(\[{]++|[)\]}]|,|\n\s{0,400}+|[^\S\n]++|`{1,3}+|['\"]"
)
_SKIPPED_UNDECIDED = re.compile(r"(?:\n\s{0,400}+|`{1,2}+)?\Z")


def scan(source: Source) -> Generator[Item | None, None, None]:
    """Gives what the source holds as soon as it is complete, and None when it has to grow first."""
    position = searched = 0
    while True:
        match = _ITEM_START.search(source.text, max(position, searched))
        if match is None:
            if source.ended:
                break
            searched = len(source.text) - _LONGEST_ITEM_START_CHARS
            yield None
        elif not match["fence"] and _is_quoted(source.text, position, match.start()):
            searched = match.end()
        else:
            if position < match.start():
                yield Prose(source.text[position : match.start()])
            if match["fence"]:
                yield Fence()
                position = yield from source.line_end(match.end())
            elif match["call"] is None:
                yield NewCanvas()
                position = match.end()
            else:
                call, position = yield from _call(source, match)
                yield call
    if position < len(source.text):
        yield Prose(source.text[position:])


def _is_quoted(text: str, start: int, offset: int) -> bool:
    """Whether its line, from `start` on, makes the call at `offset` a comment or a definition."""
    window = text[max(start, offset - 200) : offset]
    line = window[window.rfind("\n") + 1 :].strip()
    return line.startswith("#") or line.endswith("def")


def _call(source: Source, opening: re.Match[str]) -> Generator[None, None, tuple[RawCall, int]]:
    method = opening["method"] or opening["bare"]
    strict = yield from strict_call(source, opening.end())
    if strict:
        arguments, position = strict
        return RawCall(method, arguments, opening.start(), closed=True), position
    arguments, position, closed = yield from _mended_arguments(source, opening.end())
    return RawCall(method, arguments, opening.start(), closed), position


def _mended_arguments(
    source: Source, position: int
) -> Generator[None, None, tuple[tuple[Argument, ...], int, bool]]:
    """The arguments, where the call ends, and whether it was closed."""
    arguments: list[Argument] = []
    closed = False
    while not closed:
        position = yield from source.blank(position)
        if position >= len(source.text):
            break
        character = source.text[position]
        if character in ",)":
            closed = character == ")"
            position += 1
        elif character in "`cC" and (yield from _breaks_off(source, position)):
            source.mend(position, "call", "no closing parenthesis", ")")
            break
        elif len(arguments) >= MAX_ARGUMENTS:
            _, position = yield from _skip(source, position, ")")
        else:
            argument, position = yield from _argument(source, position)
            arguments += [argument] if argument else []
    return tuple(arguments), position, closed


def _breaks_off(source: Source, position: int) -> Generator[None, None, bool]:
    """Whether the code ends or another call begins, inside of a call that was not closed."""
    anew = yield from source.starts_anew(position)
    return anew and _BREAK.match(source.text, position) is not None


def _argument(source: Source, position: int) -> Generator[None, None, tuple[Argument | None, int]]:
    """An argument and where it ends; None for one that the text's end cuts off."""
    start = position
    keyword = yield from _keyword(source, position)
    if keyword is None:
        value, position, whole = yield from _value(source, position, "positional")
    else:
        if keyword[2]:
            source.mend(start, "argument", f"{keyword[1]}:", f"{keyword[1]}=")
        position = yield from source.blank(keyword.end())
        value, position, whole = yield from _value(source, position, "keyword")
    if not whole:
        return None, position
    position = yield from _trailing(source, position)
    return Argument(keyword[1] if keyword else "", value, start), position


def _keyword(source: Source, position: int) -> Generator[None, None, re.Match[str] | None]:
    """The match of `name=`, or of `name:` for a name of the language."""
    match = yield from source.decided(_KEYWORD_UNDECIDED, _KEYWORD, position)
    return None if match and match[2] and match[1] not in KNOWN_NAMES else match


def _trailing(source: Source, position: int) -> Generator[None, None, int]:
    """Skips code that follows a value, up to where the next argument can begin."""
    position = yield from source.blank(position)
    if position >= len(source.text) or source.text[position] in ",)":
        return position
    if (yield from _keyword(source, position)):
        source.mend(position, "comma", "no comma between arguments", ",")
        return position
    if (yield from source.starts_anew(position)):
        return position
    skipped, end = yield from _skip(source, position, ",)")
    source.mend(position, "code", skipped, "")
    return end


def _value(source: Source, position: int, context: Context) -> Generator[None, None, tuple[Value, int, bool]]:
    """The value, where it ends, and whether it is whole rather than cut off."""
    if position >= len(source.text):
        return None, position, False
    if (yield from opens_string(source, position)):
        text, position = yield from joined_strings(source, position, context)
        return text, position, text is not None
    if source.text[position] in "[(":
        return (yield from _sequence(source, position))
    return (yield from _word_or_number(source, position))


def _word_or_number(source: Source, position: int) -> Generator[None, None, tuple[Value, int, bool]]:
    raw, end = yield from _skip(source, position, ",)")
    if end >= len(source.text):
        return None, end, False
    number = NUMBER.match(raw)
    if number:
        if number.end() < len(raw):
            source.mend(position, "code", raw, number[0])
        return float(number[0].replace("_", "")), end, True
    if raw in {"None", ""}:
        return None, end, True
    if _BARE_TEXT.match(raw) and "__" not in raw and raw not in {"True", "False"}:
        source.mend(position, "string", raw, repr(shorten(raw)))
        return raw, end, True
    source.mend(position, "code", raw, "")
    return Unreadable(shorten(raw)), end, True


def _sequence(source: Source, position: int) -> Generator[None, None, tuple[Value, int, bool]]:
    """A list or tuple of strings, flattened; strings in parentheses without a comma are one string."""
    is_group = source.text[position] == "("
    items: list[str] = []
    depth, position = 1, position + 1
    while depth:
        while match := _PLAIN_ITEM.match(source.text, position):
            is_group = False
            items.append(match[1] if match[1] is not None else match[2])
            position = match.end()
        position = yield from source.blank(position)
        character = source.text[position : position + 1]
        if not character:
            return tuple(items), position, bool(items)
        if opened := _OPENERS.match(source.text, position):
            depth, position = depth + len(opened[0]), opened.end()
        elif character in "])":
            depth, position = depth - 1, position + 1
        elif character == ",":
            is_group, position = False, position + 1
        elif (yield from opens_string(source, position)):
            text, position = yield from joined_strings(source, position, "sequence")
            if text is None:
                return tuple(items), position, bool(items)
            items.append(text)
        elif (yield from source.starts_anew(position)):
            source.mend(position, "list", "no closing bracket", "]")
            break
        else:
            skipped, end = yield from _skip(source, position, ",)]")
            source.mend(position, "code", skipped, "")
            position = end
    return (items[0] if is_group and len(items) == 1 else tuple(items)), position, True


def _skip(source: Source, position: int, stops: str) -> Generator[None, None, tuple[str, int]]:
    """Passes over code up to one of the stops outside of all brackets; gives it and where it ends."""
    start, depth = position, 0
    while True:
        match = yield from source.decided(_SKIPPED_UNDECIDED, _SKIPPED, position)
        if match is None:
            break
        first, end = source.text[position], match.end()
        if first == "\n":
            if (yield from source.starts_anew(end)):
                break
        elif first in stops and not depth:
            break
        elif first in _QUOTES:
            _, end = yield from verbatim(source, position, first)
        elif first in "([{" and source.text[end - 1] in "([{":
            depth += end - position
        elif first in ")]}":
            depth = max(0, depth - 1)
        elif first == "`" and end - position == 3:
            break
        position = end
    return source.text[start:position].strip(), position
