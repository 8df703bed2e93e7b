"""Prompts made ready for reading: one language, emoji in words, wishes and quoted words apart.

Knows characters and fixed phrases; what a prompt asks for is `reading`'s work.
"""

import re
import unicodedata
from functools import cache

from engine.composer.planner import chinese, tables
from engine.composer.planner.vocabulary import cut

MAX_CHARS = 2000

_READABLE = re.compile(r"[A-Za-z\u00c0-\u024f\u3400-\u4dbf\u4e00-\u9fff]")
_FOREIGN_LETTER = r"[^\W\d_A-Za-z\u00aa-\u024f\u0300-\u036f\u3400-\u4dbf\u4e00-\u9fff]"
_FOREIGN = re.compile(rf"{_FOREIGN_LETTER}+(?:\s+{_FOREIGN_LETTER}+)*")
_INSCRIPTION = re.compile(r"(?:[\"“]([^\"“”\n]{1,80})[\"”])|(?:(?<!\w)['‘]([^'‘’\n]{1,80})['’](?!\w))")
_GREETING = re.compile(
    r"\s*(?:(?P<wish>happy|merry|joyous|blessed)|congratulations|congrats|hello|hi|"
    r"welcome|thank you|good luck|get well)\b"
    r"(?P<rest>[^,.;:\n]{0,48})[\s!.]*",
    re.IGNORECASE,
)
_DAYS = re.compile(r"\b(?:day|days|week|year|eve|festival|holidays?|anniversary|season)\b", re.IGNORECASE)


def in_english(prompt: str, *, articles: bool = True) -> tuple[str, tuple[str, ...]]:
    """A prompt with English words for emoji and Chinese; and what is in neither."""
    text = _spelt_emoji(unicodedata.normalize("NFC", prompt)).replace("’", "'").replace("`", "'")
    foreign = tuple(run.strip() for run in _FOREIGN.findall(text))
    text = _FOREIGN.sub(" ", text)
    unknown: tuple[str, ...] = ()
    if chinese.is_chinese(text):
        text, unknown = chinese.to_english(text, articles=articles)
    return text, foreign + unknown


def is_readable(prompt: str) -> bool:
    """Whether a prompt has any letter, ideograph or picture that could be read."""
    return _READABLE.search(_spelt_emoji(prompt[:MAX_CHARS])) is not None


def _spelt_emoji(text: str) -> str:
    return "".join(f", {name}, " if (name := _emoji_name(char)) else char for char in text)


@cache
def _emoji_name(char: str) -> str:
    """What a symbol shows, in words; skin tones and joiners say nothing."""
    known: dict[str, str] = tables.words()["emoji"]
    if char in known:
        return known[char]
    if unicodedata.category(char) != "So" or ord(char) < 0x2600:
        return ""
    name = re.sub(
        r"\b(?:face|symbol|sign|with .*|emoji modifier.*)\b", "", unicodedata.name(char, "").lower()
    )
    return " ".join(name.replace("-", " ").split())


def greeting_of(text: str) -> str:
    """The banner's words when the whole prompt is a wish such as "Happy birthday Anna"."""
    wish = _GREETING.fullmatch(text)
    if not wish:
        return ""
    words = cut(text)
    occasions = tables.table("occasions")
    is_occasion = any(scene in occasions for word in words for scene in word.scenes)
    if wish["wish"] and not is_occasion and not _DAYS.search(wish["rest"]):
        return ""
    said = " ".join(text.strip(" !.").split())
    return " ".join(word[:1].upper() + word[1:] for word in said.split())


def take_inscriptions(text: str, inscriptions: list[str]) -> str:
    """The text with every quoted passage replaced by a mark; the passages go to the list.

    A text that is quoted as a whole is no inscription.
    """

    def take(match: re.Match[str]) -> str:
        inscriptions.append(" ".join((match[1] or match[2]).split()))
        return f" inscription{len(inscriptions) - 1} "

    stripped = text.strip()
    whole = _INSCRIPTION.fullmatch(stripped)
    return whole[1] or whole[2] if whole else _INSCRIPTION.sub(take, text)


@cache
def _commands() -> re.Pattern[str]:
    return re.compile(rf"\s*(?:{'|'.join(tables.words()['commands'])})", re.IGNORECASE)


def without_command(text: str) -> str:
    """The text without "please draw a picture of" and the like."""
    for _ in range(2):
        text = _commands().sub("", text, count=1) if _commands().match(text) else text
    return text


def first_words(text: str, most: int = 6) -> str:
    """The start of a text, to quote it."""
    words = text.split()
    return " ".join(words[:most]) + (" ..." if len(words) > most else "")
