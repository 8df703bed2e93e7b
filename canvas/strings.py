"""Reads strings of model text, whose inner quotes may not be escaped and whose last quote may be missing.

In well-formed code the first unescaped quote ends the string. Models also write `'Surrounding the 'O'
are'`, so a quote counts as the end only where what follows it can follow a string: a comma and the next
argument or item, a closing bracket, another string. Every pattern here is possessive or bounded: no input
makes it backtrack far, and no piece of a stream makes it look far back. A possessive group must not fail
behind its first character: Python before 3.11.5 would go on from there.
"""

import re
import unicodedata
from collections.abc import Generator
from functools import cache
from typing import Final, Literal

from canvas.signatures import KNOWN_NAMES
from canvas.source import MAX_MENDED, Source

Context = Literal["keyword", "positional", "sequence"]
"""Where a string stands: after `name=`, as an argument without a name, or in a list."""

_FAMILIES: Final = {
    "'": "'",
    '"': '"',
    "‘": "[‘’']",
    "’": "[‘’']",
    "“": '[“”„"]',
    "”": '[“”„"]',
    "„": '[“”„"]',
    "«": "[«»]",
}
_QUOTES: Final = "'\"‘’“”„«»"
_BRACKETED_CHARS: Final = 200

_PREFIX_LETTERS: Final = frozenset("rRbBuUfF")
_INSIDE: Final = {
    "'": re.compile(r"(?:[^'\\\n]++|\\[\s\S])*+"),
    '"': re.compile(r'(?:[^"\\\n]++|\\[\s\S])*+'),
    "'''": re.compile(r"(?:[^'\\]++|\\[\s\S])*+"),
    '"""': re.compile(r'(?:[^"\\]++|\\[\s\S])*+'),
}
"""What stands up to the next quote or, within single quotes, the next line end."""
_PREFIX = re.compile(r"[rRbBuUfF]{1,2}(?=['\"])")
_KNOWN = rf"(?:{'|'.join(KNOWN_NAMES)})\s{{0,60}}+[=:]"
_BLANK = r"(?>\s{1,400}+(?:#[^\n]{0,400}+)?+){0,40}+"
_COMMA = rf",(?:#[^\n]{{0,400}}+)?+{_BLANK}"
_NAME = r"[^\W\d]\w{0,60}+"
_OPEN = r"[rRbBuUfF]{0,2}+['\"‘“„«]"
_PREFIXED = r"(?:(?<=\s)[rRuUfF]{1,2}+)?"
_IN_SINGLE = r"'(?:[^'\\\n]|\\.){0,1000}+"
_IN_DOUBLE = r'"(?:[^"\\\n]|\\.){0,1000}+'
_STRING = rf"{_PREFIXED}(?:{_IN_SINGLE}'|{_IN_DOUBLE}\")"
_STRING_UNDECIDED = rf"{_PREFIXED}(?:{_IN_SINGLE}(?:\\|'{_BLANK})?|{_IN_DOUBLE}(?:\\|\"{_BLANK})?)"
_CODE_ENDS = r"```|canvas\s{0,3}[.=]"
_KEYWORD = rf"{_NAME}\s{{0,60}}+=(?!=)"
_LITERAL = r"(?:None|True|False)\b"
_COMMA_ENDS_LINE = r",[ \t]{0,60}+\n"
_AFTER: Final[dict[Context, str]] = {
    "keyword": rf"{_COMMA_ENDS_LINE}|{_COMMA}(?:{_KEYWORD}|\*\*|\)|{_KNOWN}|{_CODE_ENDS})|\)|\]{_BLANK}[,)]",
    "positional": rf"{_COMMA_ENDS_LINE}|{_COMMA}(?:{_OPEN}|[\[(\d+\-.)*]|{_LITERAL}|{_KEYWORD})|\)",
    "sequence": rf"{_COMMA_ENDS_LINE}|{_COMMA}(?:{_OPEN}|[\[(\])]|{_KNOWN}|{_CODE_ENDS})|[\])]",
}
_AFTER_ANY = rf"\+{_BLANK}{_OPEN}|{_KNOWN}|{_STRING}{_BLANK}(?:[,)\]+'\"]|\Z)|{_CODE_ENDS}"
_EXPRESSION = (
    r"\.\w{1,60}+\(|\s{0,60}+[%*]\s{0,60}+[(\d]|\[[\w:\- ]{0,60}+\]"
    r"|\s{1,60}+if\s[^\n]{0,100}?\selse\s|\s{1,60}+for\s{1,60}+\w{1,60}+\s{1,60}+in\s"
)
_EXPRESSION_UNDECIDED = (
    r"(?:\.\w{0,60}+|\s{0,60}+[%*]\s{0,60}+|\[[\w:\- ]{0,60}+|\s{1,60}+if\s[^\n]{0,106}+"
    r"|\s{1,60}+for\s{1,60}+(?:\w{1,60}+(?:\s{1,60}+i?n?)?)?)\Z"
)
_UNDECIDED = (
    rf"(?:{_COMMA}|\+{_BLANK}|\]{_BLANK})?+"
    rf"(?:{_NAME}\s{{0,60}}+=?|\*|`{{1,2}}|{_STRING_UNDECIDED})?\Z"
)
_ANEW = (
    rf"(?i:[)\]]|\w{{1,40}}\s{{0,8}}(?:=\s{{0,8}}(?:['\"\[(\d“‘-]|\Z))|{_KNOWN}|{_CODE_ENDS}"
    r"|\w{0,40}\s{0,8}\Z|`{1,2}\Z)"
)
"""What `Source.starts_anew` may find to be code again: whatever it accepts is a match here."""
_PLAIN = r"(?:'[^'\\\n]{0,1000}+'|\"[^\"\\\n]{0,1000}+\")"
_PLAIN_JOINED = re.compile(
    r"(?!'''|\"\"\")(?:'([^'\\\n]*+)'|\"([^\"\\\n]*+)\")\s{0,400}+(?:\+\s{0,400}+)?+"
    rf"(?={_PLAIN}\s{{0,400}}+[,)\]+'\"])"
)
"""A string without anything to mend before another one; with thousands of them this saves seconds."""
_BRACKET_ENDS_CODE = re.compile(r"[)\]]++[ \t]*+(?:[\n,#;`]|\Z)")
_BRACKET_UNDECIDED = re.compile(r"[)\]]++[ \t]*+\Z")

_ESCAPE = re.compile(
    r"\\(\n|[\\'\"abfnrtv]|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}\n]{1,80}\})"
)
_SIMPLE_ESCAPES: Final = {
    "\n": "",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}


def opens_string(source: Source, position: int) -> Generator[None, None, bool]:
    """Whether a string begins here."""
    character = source.text[position : position + 1]
    if character in _FAMILIES:
        return True
    if character not in _PREFIX_LETTERS:
        return False
    return _PREFIX.match((yield from source.lookahead(position, 3))) is not None


def literal(source: Source, position: int) -> Generator[None, None, tuple[str, int] | None]:
    """What Python takes the string at `position` for, and where it ends; None where Python would not."""
    prefix = _PREFIX.match(source.text, position)
    kinds = prefix[0].lower() if prefix else ""
    start = prefix.end() if prefix else position
    if "b" in kinds or source.text[start] not in "'\"":
        return None
    body, end = yield from verbatim(source, start, (yield from _opening_quotes(source, start)))
    if body is None or ("f" in kinds and ("{" in body or "}" in body)):
        return None
    return (body if "r" in kinds else _unescape(body)), end


def joined_strings(
    source: Source, position: int, context: Context
) -> Generator[None, None, tuple[str | None, int]]:
    """Reads a string with those that are adjacent or added to it.

    Returns:
        The text and where it ends; None as text where the source ends inside of a string.
    """
    parts: list[str] = []
    while True:
        while match := _PLAIN_JOINED.match(source.text, position):
            parts.append(match[1] if match[1] is not None else match[2])
            position = match.end()
        if source.mended > MAX_MENDED:
            return None, (yield from source.rest())
        text, position = yield from _string(source, position, context)
        if text is None:
            return None, position
        parts.append(text)
        following = yield from source.blank(position)
        if source.text.startswith("+", following):
            following = yield from source.blank(following + 1)
        if following >= len(source.text) or not (yield from opens_string(source, following)):
            return "".join(parts), position
        position = following


def _string(source: Source, position: int, context: Context) -> Generator[None, None, tuple[str | None, int]]:
    prefix = _PREFIX.match(source.text, position)
    start = prefix.end() if prefix else position
    if prefix and "f" in prefix[0].lower():
        source.mend(position, "string", "a string with code inside", "its text as it stands")
    quotes = yield from _opening_quotes(source, start)
    if len(quotes) == 3:
        body, end = yield from verbatim(source, start, quotes)
    else:
        body, end = yield from _single_quoted(source, start, context)
    is_raw = prefix is not None and "r" in prefix[0].lower()
    return (body if body is None or is_raw else _unescape(body)), end


def _opening_quotes(source: Source, start: int) -> Generator[None, None, str]:
    ahead = yield from source.lookahead(start, 3)
    return ahead if ahead in _INSIDE else ahead[0]


def verbatim(source: Source, start: int, quotes: str) -> Generator[None, None, tuple[str | None, int]]:
    """The text between quotes, and where it ends; None where a line's or the text's end comes first."""
    searched = start + len(quotes)
    while True:
        inside = _INSIDE[quotes].match(source.text, searched)
        searched = inside.end() if inside else searched
        if source.text.startswith(quotes, searched):
            return source.text[start + len(quotes) : searched], searched + len(quotes)
        if len(quotes) == 3 and searched + 3 <= len(source.text):
            searched += 1
        elif source.ended or source.text.startswith("\n", searched):
            return None, searched
        else:
            yield


def _single_quoted(
    source: Source, start: int, context: Context
) -> Generator[None, None, tuple[str | None, int]]:
    """A string in one quote, straight or typographic, with whatever quotes stand inside of it."""
    searched = start + 1
    while match := (yield from _find(source, source.text[start], context, searched)):
        searched = match.end()
        if match.lastgroup in {"end", "code"}:
            if not (yield from _is_bracketed(source, start, match)):
                return _closed(source, start, match.start()), match.end()
        elif match.lastgroup == "maybe":
            following = yield from source.blank(match.end())
            if source.text[following : following + 1] in {"", ","}:
                return _closed(source, start, match.start()), match.end()
        elif match.lastgroup == "line" and (yield from _ends_line(source, match.end(), context)):
            return _unclosed(source, start, match.start()), match.start()
    return None, len(source.text)


def _find(
    source: Source, quote: str, context: Context, searched: int
) -> Generator[None, None, re.Match[str] | None]:
    """The next match to decide on, once there is enough text; None where the source ends before it."""
    while True:
        match = _finder(quote, context, ended=source.ended).search(source.text, searched)
        is_decided = match and match.lastgroup not in {"maybe", "cut"}
        if match and is_decided and (source.ended or match.end() < len(source.text)):
            return match
        if source.ended:
            return match if match and match.lastgroup == "maybe" else None
        searched = match.start() if match else len(source.text)
        yield


@cache
def _finder(quote: str, context: Context, *, ended: bool) -> re.Pattern[str]:
    """A pattern whose next match in a string opened by `quote` is something to decide on.

    The last matched group says what it is: `escape`, `cut` (a backslash ends the text), `line` (a line end
    with the white space after it), `end` (the string ends), `maybe` (the text ends too early to tell) or
    `code` (the string is a part of an expression). Quotes that belong to the string are no match. While the
    text grows, doubt comes before a decision that more text could change.
    """
    closing = _FAMILIES[quote]
    anew = rf"{_ANEW}|{_OPEN}" if context == "sequence" else _ANEW
    end = rf"(?P<end>{closing}(?={_BLANK}(?:{_AFTER[context]}|{_AFTER_ANY})))"
    maybe = rf"(?P<maybe>{closing}(?={_BLANK}{_UNDECIDED}|{_EXPRESSION_UNDECIDED}))"
    return re.compile(
        rf"(?P<escape>\\[\s\S])|(?P<cut>\\\Z)|(?P<line>\n\s{{0,400}}+(?={anew}))"
        rf"|{f'{end}|{maybe}' if ended else f'{maybe}|{end}'}"
        rf"|(?P<code>{closing}(?={_EXPRESSION}))"
    )


def _is_bracketed(source: Source, start: int, quote: re.Match[str]) -> Generator[None, None, bool]:
    """Whether the quote stands before a bracket that closes one inside of the string: `'(the 'O') ...'`."""
    bracket = yield from source.blank(quote.end())
    closing = source.text[bracket : bracket + 1]
    if closing not in {")", "]"}:
        return False
    inside = source.text[max(start, quote.start() - _BRACKETED_CHARS) : quote.start()]
    if inside.count("(" if closing == ")" else "[") <= inside.count(closing):
        return False
    code = yield from source.decided(_BRACKET_UNDECIDED, _BRACKET_ENDS_CODE, bracket)
    return code is None


def _ends_line(source: Source, position: int, context: Context) -> Generator[None, None, bool]:
    """Whether the line at `position` is code again, so that the string before it was not closed."""
    ahead = yield from source.lookahead(position, 1)
    if ahead in {")", "]"} or (context == "sequence" and ahead in _FAMILIES):
        return True
    return ahead != "" and (yield from source.starts_anew(position))


def _closed(source: Source, start: int, end: int) -> str:
    body, quote = source.text[start + 1 : end], source.text[start]
    if quote not in "'\"":
        source.mend(start, "quotes", source.text[start : end + 1], "straight quotes")
    elif quote in body.replace("\\\\", "").replace("\\" + quote, ""):
        source.mend(start, "quotes", source.text[start : end + 1], "the quotes inside belong to the text")
    if "\n" in body.replace("\\\n", ""):
        source.mend(start, "string", "a line end inside", "one string")
    return body


def _unclosed(source: Source, start: int, end: int) -> str:
    body = source.text[start + 1 : end].rstrip().removesuffix(",").rstrip()
    if body and body[-1] in _QUOTES:
        body = body[:-1]
    source.mend(start, "string", "no closing quote", "the string ends with its line")
    return body


def _unescape(body: str) -> str:
    """The text that a string literal stands for; unknown escapes keep their backslash, as in Python."""
    return _ESCAPE.sub(_unescaped, body) if "\\" in body else body


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code in _SIMPLE_ESCAPES:
        return _SIMPLE_ESCAPES[code]
    if code.startswith("N"):
        try:
            return unicodedata.lookup(code[2:-1])
        except KeyError:
            return match[0]
    number = int(code[1:], 16) if code[0] in "xuU" else int(code, 8)
    return chr(number) if number <= 0x10FFFF else match[0]
