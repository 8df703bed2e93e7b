"""Options that are typed among the words of a command: `/omost 16:9 seed:7 x4 a fox in the snow`.

They stand before or behind the words, as `name:value`, `name=value` or `--name value`; a size and a number of
pictures need no name. What is not understood is left among the words.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from bot.chat.scene_options import Options

_NAMES: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "size": ("size", str),
    "ratio": ("size", str),
    "ar": ("size", str),
    "seed": ("seed", int),
    "count": ("count", int),
    "n": ("count", int),
    "steps": ("steps", int),
    "guidance": ("guidance", float),
    "cfg": ("guidance", float),
    "preset": ("preset", str),
    "sampler": ("sampler", str),
    "lora": ("loras", str),
    "loras": ("loras", str),
    "no": ("negative_prompt", str),
    "negative": ("negative_prompt", str),
    "strength": ("strength", float),
    "enlarge": ("high_resolution", float),
}
"""What each name sets, and how its value is read."""

_SIZE: Final = re.compile(r"[0-9]{2,5}[x×][0-9]{2,5}|[0-9]{1,3}[:：][0-9]{1,3}")
_COUNT: Final = re.compile(r"[x×]([0-9]{1,2})|([0-9]{1,2})[x×]")
_NAMED: Final = re.compile(r"(?:--|—)?([a-z]+)[:：=](.+)", re.DOTALL)
_FLAG: Final = re.compile(r"(?:--|—)([a-z]+)")
_WORD: Final = re.compile(r"""(?:[^\s"“”]|"[^"]*"|“[^”]*”|["“”])+""")
_QUOTES: Final = '"“”'


def read_typed(text: str) -> tuple[str, Options]:
    """The words, and the options that were typed before and behind them."""
    found: dict[str, Any] = {}
    spans = [match.span() for match in _WORD.finditer(text)]
    words = [text[start:end] for start, end in spans]
    first, last = 0, len(words)
    while first < last and (taken := _leading(words[first:last], found)):
        first += taken
    while first < last and (taken := _trailing(words[first:last], found)):
        last -= taken
    prompt = text[spans[first][0] : spans[last - 1][1]] if first < last else ""
    return prompt, Options(**found)


def _leading(words: list[str], found: dict[str, Any]) -> int:
    """How many of the first words are an option; it is noted in `found`."""
    if _is_bare(words[0], found):
        return 1
    return _is_named(words[:2], found)


def _trailing(words: list[str], found: dict[str, Any]) -> int:
    """Likewise of the last words; bare sizes and numbers belong to the words there."""
    if len(words) > 1 and _FLAG.fullmatch(words[-2]) and _is_named(words[-2:], found) == 2:
        return 2
    return _is_named(words[-1:], found)


def _is_bare(word: str, found: dict[str, Any]) -> bool:
    if _SIZE.fullmatch(word):
        found.setdefault("size", word.replace("×", "x"))
        return True
    if count := _COUNT.fullmatch(word):
        found.setdefault("count", int(count[1] or count[2]))
        return True
    return False


def _is_named(words: list[str], found: dict[str, Any]) -> int:
    if named := _NAMED.fullmatch(words[0]):
        return 1 if _is_noted(named[1], named[2], found) else 0
    flag = _FLAG.fullmatch(words[0])
    if flag and len(words) > 1 and _is_noted(flag[1], words[1], found):
        return 2
    return 0


def _is_noted(name: str, text: str, found: dict[str, Any]) -> bool:
    if name not in _NAMES:
        return False
    field, read = _NAMES[name]
    try:
        value = read(text.strip(_QUOTES))
    except ValueError:
        return False
    found.setdefault(field, value)
    return True
