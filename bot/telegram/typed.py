"""Options that are typed among the words of a command: `/omost 16:9 seed:7 x4 a fox in the snow`.

They stand before or behind the words, as `name:value`, `name=value` or `--name value`; a size and a number of
pictures before them need no name. What begins with `--` is always an option, and so is `name:value` where the
name is one or is spelt nearly like one: what cannot be read is said, never painted. All other words with a
colon or a dash are words.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from bot.chat.scene_options import Options, read_size
from engine.errors import BadSetting
from engine.orders import NAME

SIZE, WHOLE, NUMBER, WORDS = "size", "whole", "number", "words"
"""What an option takes."""


class Mistyped(Exception):
    """Something was meant as an option and cannot be read as one.

    Attributes:
        typed: As it stands in the text.
        meant: The same with the option's right name; empty where no name is near.
        option: The option's name, whose value cannot be read; empty where the name is not known.
        takes: What that option takes: one of this module's constants.
    """

    def __init__(self, typed: str, *, meant: str = "", option: str = "", takes: str = "") -> None:
        super().__init__(typed)
        self.typed = typed
        self.meant = meant
        self.option = option
        self.takes = takes


@dataclass(frozen=True, slots=True)
class _Option:
    """What an option sets, how its value is read, and what it takes."""

    field: str
    read: Callable[[str], Any]
    takes: str


def _size(text: str) -> str:
    read_size(text)
    return text


def _decimal(text: str) -> float:
    return float(text.replace(",", "."))


def _name(text: str) -> str:
    if not re.fullmatch(NAME, text):
        raise ValueError(text)
    return text


_OPTIONS: Final = {
    "size": _Option("size", _size, SIZE),
    "seed": _Option("seed", int, WHOLE),
    "count": _Option("count", int, WHOLE),
    "steps": _Option("steps", int, WHOLE),
    "guidance": _Option("guidance", _decimal, NUMBER),
    "preset": _Option("preset", _name, WORDS),
    "sampler": _Option("sampler", _name, WORDS),
    "lora": _Option("loras", str, WORDS),
    "no": _Option("negative_prompt", str, WORDS),
    "strength": _Option("strength", _decimal, NUMBER),
    "enlarge": _Option("high_resolution", _decimal, NUMBER),
}
OPTION_NAMES: Final = tuple(_OPTIONS)
"""The options by the names that people are told."""

_ALSO: Final = {
    "ratio": "size",
    "ar": "size",
    "n": "count",
    "cfg": "guidance",
    "loras": "lora",
    "negative": "no",
}
_NAMES: Final = {**{name: name for name in _OPTIONS}, **_ALSO}
_SPELLED: Final = tuple(name for name in _NAMES if len(name) > 2)
"""Names that are long enough to be spelt nearly."""
_ALIKE: Final = 0.75
_ALIKE_FLAG: Final = 0.6

_SIDES: Final = re.compile(r"[0-9]{2,5}[x×][0-9]{2,5}")
_SHAPE: Final = re.compile(r"[0-9]{1,3}[:：][0-9]{1,3}")
_TIME: Final = re.compile(r"[0-9]{1,2}[:：][0-5][0-9]")
_SHAPES_LIKE_TIMES: Final = ("16:10", "9:16", "10:16", "9:19", "9:20", "9:21")
_COUNT: Final = re.compile(r"[x×]([0-9]{1,2})|([0-9]{1,2})[x×]", re.IGNORECASE)
_NAMED: Final = re.compile(r"([a-z]+)[:：=](.+)", re.DOTALL | re.IGNORECASE)
_SPACED: Final = re.compile(r"([a-z]+)[:：=]", re.IGNORECASE)
_FLAG: Final = re.compile(r"(--|[—–])([a-z][\w-]*)(?:[:：=](.*))?", re.DOTALL | re.IGNORECASE)
_WORD: Final = re.compile(r"""(?:[^\s"“”]|"[^"]*"|“[^”]*”|["“”])+""")
_QUOTES: Final = '"“”'


def read_typed(text: str) -> tuple[str, Options]:
    """The words, and the options that were typed before and behind them.

    Raises:
        Mistyped: One of them cannot be read.
    """
    found: dict[str, Any] = {}
    spans = [match.span() for match in _WORD.finditer(text)]
    words = [text[start:end] for start, end in spans]
    first, last = 0, len(words)
    while first < last and (taken := _leading(words[first:], found)):
        first += taken
    last = next((place for place in range(first, last) if _flag(words[place])), last)
    others = _flags(words[last:], found)
    while first < last and (taken := _trailing(words[first:last], found)):
        last -= taken
    prompt = text[spans[first][0] : spans[last - 1][1]] if first < last else ""
    return " ".join((prompt, *others)).strip(), Options(**found)


# --- where options stand ------------------------------------------------------------------------------


def _leading(words: list[str], found: dict[str, Any]) -> int:
    """How many of the first words are an option; it is noted in `found`."""
    if _is_bare(words[0], found):
        return 1
    if flag := _flag(words[0]):
        return _taken_flag(flag, words, found)
    return _taken_named(words[0], found) or _taken_spaced(words[:2], found)


def _trailing(words: list[str], found: dict[str, Any]) -> int:
    """Likewise of the last words; bare sizes and numbers belong to the words there."""
    return _taken_spaced(words[-2:], found) or _taken_named(words[-1], found)


def _flags(words: list[str], found: dict[str, Any]) -> list[str]:
    """Notes what follows the words from the first `--name` on; what is no option there is returned.

    What shall not be seen may be of several words: it reaches to the next option.
    """
    others: list[str] = []
    place = 0
    while place < len(words):
        flag = _flag(words[place])
        if flag is None:
            others.append(words[place])
            place += 1
        elif flag[3] is None and _NAMES.get(flag[2].lower()) == "no":
            end = next((each for each in range(place + 1, len(words)) if _flag(words[each])), len(words))
            _note(words[place], "no", " ".join(words[place + 1 : end]), found)
            place = end
        else:
            place += _taken_flag(flag, words[place:], found)
    return others


# --- options ------------------------------------------------------------------------------------------


def _is_bare(word: str, found: dict[str, Any]) -> bool:
    """A size or a number of pictures without a name; what may be a time of day is none."""
    is_shape = _SHAPE.fullmatch(word) and (word in _SHAPES_LIKE_TIMES or not _TIME.fullmatch(word))
    if is_shape or _SIDES.fullmatch(word):
        _note(word, "size", word.replace("×", "x"), found)
        return True
    if count := _COUNT.fullmatch(word):
        _note(word, "count", count[1] or count[2], found)
        return True
    return False


def _flag(word: str) -> re.Match[str] | None:
    """A word that is an option by its dashes; the long dash, which telephones make of them, may be prose."""
    flag = _FLAG.fullmatch(word)
    is_sure = flag and (flag[1] == "--" or flag[2].lower() in _NAMES)
    return flag if is_sure else None


def _taken_flag(flag: re.Match[str], words: list[str], found: dict[str, Any]) -> int:
    """How many words a `--name` and its value are."""
    name = flag[2].lower()
    if name not in _NAMES:
        near = _nearest(name, _ALIKE_FLAG)
        raise Mistyped(words[0], meant=words[0].replace(flag[2], near, 1) if near else "")
    is_apart = flag[3] is None
    value = (words[1] if len(words) > 1 else "") if is_apart else flag[3]
    _note(f"{words[0]} {value}".strip() if is_apart else words[0], name, value, found)
    return 2 if is_apart else 1


def _taken_named(word: str, found: dict[str, Any]) -> int:
    """1 for a `name:value`."""
    named = _NAMED.fullmatch(word)
    if named is None:
        return 0
    name = named[1].lower()
    if name in _NAMES:
        _note(word, name, named[2], found)
        return 1
    near = _nearest(name, _ALIKE)
    if near and _is_readable(near, named[2]):
        raise Mistyped(word, meant=word.replace(named[1], near, 1))
    return 0


def _taken_spaced(words: list[str], found: dict[str, Any]) -> int:
    """2 for a `name: value`, which is a part of the words where it cannot be read, or is a `no:`."""
    named = _SPACED.fullmatch(words[0]) if len(words) > 1 else None
    name = named[1].lower() if named else ""
    if _NAMES.get(name, "no") == "no" or not _is_readable(name, words[1]):
        return 0
    _note(" ".join(words), name, words[1], found)
    return 2


def _nearest(name: str, alike: float) -> str:
    return next(iter(get_close_matches(name, _SPELLED, 1, alike)), "")


def _is_readable(name: str, value: str) -> bool:
    try:
        _OPTIONS[_NAMES[name]].read(value.strip(_QUOTES))
    except (ValueError, BadSetting):
        return False
    return True


def _note(typed: str, name: str, value: str, found: dict[str, Any]) -> None:
    """Notes an option; of several the first counts, but LoRAs go together."""
    option = _OPTIONS[_NAMES[name]]
    value = value.strip(_QUOTES)
    if not value or not _is_readable(name, value):
        raise Mistyped(typed, option=_NAMES[name], takes=option.takes)
    if option.field == "loras" and "loras" in found:
        found["loras"] += f",{value}"
    else:
        found.setdefault(option.field, option.read(value))
