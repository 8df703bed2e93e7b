"""Chinese prompts in English words, for the one reader that the planner has.

Finds the longest known words, turns the order of place and modifier round, and keeps apart what it does not
know. It is a glossary, not a translator.
"""

import re
from dataclasses import dataclass, field
from functools import cache

from engine.composer.planner import tables
from engine.composer.planner.inflection import is_plural, is_uncountable, plural

_MAX_WORD_CHARS = 8
# a T-shirt begins with a Latin letter
_IDEOGRAPHS = re.compile(r"(?:[Tt](?=恤))?[\u3400-\u4dbf\u4e00-\u9fff]+")
_CLAUSE_END = re.compile(r"[，。；！？、,.;!?：:\n]")
_MANY = re.compile(r"two|three|four|five|six|seven|eight|nine|ten|several|many|some|a group of|a pair of")


@dataclass(frozen=True, slots=True)
class _Word:
    english: str
    kind: str


def to_english(text: str, *, articles: bool = True) -> tuple[str, tuple[str, ...]]:
    """A Chinese or mixed text with English words in place of the Chinese ones.

    With `articles` a single thing gets its "a"; without, its number stays open as in Chinese.

    Returns:
        The text, and the runs of ideographs that are not in the glossary.
    """
    unknown: list[str] = []
    clauses = [_clause(clause, unknown, articles=articles) for clause in _CLAUSE_END.split(simplified(text))]
    return ", ".join(clause for clause in clauses if clause), tuple(unknown)


def simplified(text: str) -> str:
    """Traditional characters of common words as simplified ones; full-width signs as plain ones."""
    return text.translate(_simple_forms())


def is_chinese(text: str) -> bool:
    """Whether a text has an ideograph in it."""
    return _IDEOGRAPHS.search(text) is not None


def _clause(text: str, unknown: list[str], *, articles: bool) -> str:
    words: list[_Word] = []
    position = 0
    for run in _IDEOGRAPHS.finditer(text):
        words.append(_Word(text[position : run.start()], "text"))
        words += _words(run[0], unknown)
        position = run.end()
    words.append(_Word(text[position:], "text"))
    return _Ordering([word for word in words if word.english], articles).english()


def _words(run: str, unknown: list[str]) -> list[_Word]:
    words: list[_Word] = []
    start = missed = 0
    while start < len(run):
        length = next((n for n in range(_MAX_WORD_CHARS, 0, -1) if run[start : start + n] in _glossary()), 0)
        if not length:
            start += 1
            continue
        if missed < start:
            unknown.append(run[missed:start])
        words.append(_glossary()[run[start : start + length]])
        start = missed = start + length
    if missed < len(run):
        unknown.append(run[missed:])
    return words


@dataclass(slots=True)
class _Ordering:
    """Puts the words of a clause into English order: "left has one cat" becomes "a cat on the left"."""

    words: list[_Word]
    articles: bool
    out: list[str] = field(default_factory=list[str])
    run: list[_Word] = field(default_factory=list[_Word])
    verb: str = ""
    later: str = ""

    def english(self) -> str:
        for index, word in enumerate(self.words):
            follower = self.words[index + 1].english if index + 1 < len(self.words) else ""
            self._take(word, follower)
        self._flush()
        self.out.append(self.later)
        return " ".join(part for part in self.out if part)

    def _take(self, word: _Word, follower: str) -> None:
        match word.kind:
            case "of":
                self._modify()
            case "has":
                self._flush()
                if not self.later:
                    self.out.append("with")
            case "at" | "comma":
                self._flush()
                self.out.append("," if word.kind == "comma" else "")
            case "post" if self.run:
                self._place(f"{word.english} {self._phrase()}", follower)
            case "place" | "post":
                self._flush()
                self._place(word.english, follower)
            case "verb":
                self._act(word.english, follower)
            case "many":
                self.run[-1:] = [_Word(plural(last.english), last.kind) for last in self.run[-1:]]
            case _:
                if word.kind == "count" and any(other.kind == "noun" for other in self.run):
                    self._flush()
                self.run.append(word)

    def _modify(self) -> None:
        """What stands before 的 describes what follows."""
        if self.run and self.run[-1].kind == "hour":
            return
        if self.run and self.run[-1].kind == "noun":
            if self.verb:
                self.later = f"{self.verb} {self._phrase()}"
                self.verb = ""
            elif self.run[-1].english in tables.belongings():
                self.later = f"{tables.belongings()[self.run[-1].english]} {self._phrase()}"
            elif self.run[-1].english in _setting_names():
                self.later = f"in {self._phrase()}"
            else:
                self.run[-1] = _Word(f"{self.run[-1].english}'s", "adjective")
        elif self.verb and not self.run:
            self.later, self.verb = self.verb, ""

    def _act(self, verb: str, follower: str) -> None:
        if follower == "的" and " " not in verb:
            self.run.append(_Word(verb, "adjective"))
            return
        self._flush()
        if self.later:
            self.later = f"{verb} {self.later}"
        else:
            self.verb = verb

    def _place(self, place: str, follower: str) -> None:
        """A place before 有, 的 or a verb belongs to what comes next."""
        if self.verb:
            self.out.append(self.verb)
            self.verb = ""
        if follower in {"的", "有", "is"} or follower.endswith("ing"):
            self.later = place
        else:
            self.out.append(place)

    def _flush(self) -> None:
        self.out.append(self.verb)
        self.verb = ""
        if self.run:
            self.out.append(self._phrase())
            self.out.append(self.later)
            self.later = ""

    def _wants_article(self, words: list[str]) -> bool:
        """Chinese has no articles; a single countable thing gets one."""
        if not self.articles:
            return False
        is_counted = any(word.kind == "count" for word in self.run)
        is_thing = self.run[-1].kind == "noun" and words[-1] in tables.nouns()
        return is_thing and not (is_counted or is_plural(words[-1]) or is_uncountable(words[-1]))

    def _phrase(self) -> str:
        """The run as an English noun phrase; a number makes its last noun plural."""
        words = [word.english for word in self.run]
        if self.run[-1].kind == "noun" and any(_MANY.fullmatch(word) for word in words[:-1]):
            words[-1] = plural(words[-1])
        elif self._wants_article(words):
            words.insert(0, "a")
        self.run = []
        return " ".join(words)


@cache
def _setting_names() -> frozenset[str]:
    """What settings are called in English: they say where, not whose."""
    return frozenset(
        say for scene in tables.scenes().values() if scene.kind == "settings" for say in scene.say
    )


@cache
def _glossary() -> dict[str, _Word]:
    """Every Chinese word the planner knows; where tables share a word the first has it."""
    chinese = tables.words()["chinese"]
    entries: dict[str, _Word] = {command: _Word("", "drop") for command in chinese["commands"].split()}
    counts: dict[str, str] = chinese["counts"]
    measures: list[str] = chinese["measures"]["words"].split()
    for count, english in counts.items():
        # "a bread" is no measure of bags
        follow = () if count[-1] in measures else measures
        entries |= {f"{count}{measure}": _Word(english, "count") for measure in ("", *follow)}
    entries |= {word: _Word(english, _kind(english)) for word, english in chinese["words"].items()}
    entries |= {word: _Word(english, "place") for word, english in chinese["places"].items()}
    for word, english in chinese["postpositions"].items():
        entries.setdefault(word, _Word(english, "post"))
    entries["们"] = _Word("们", "many")
    for word, english in tables.chinese_nouns().items():
        entries.setdefault(word, _Word(english, "noun"))
    hours = {say for hour in tables.hours().values() for say in hour.say}
    for word, english in _sayings():
        entries.setdefault(word, _Word(english, "hour" if word in hours else "noun"))
    return entries


def _kind(english: str) -> str:
    """What a word of the glossary does in a sentence, by its English; a few signs stand for particles."""
    known = {"的": "of", "有": "has", "在": "at", ",": "comma"}
    if english in known:
        return known[english]
    is_verb = english.partition(" ")[0].endswith("ing") or " " in english
    return "verb" if is_verb else "adjective"


def _sayings() -> list[tuple[str, str]]:
    """Chinese names of hours, moods, scenes and styles with the first English one."""
    groups = [hour.say for hour in tables.hours().values()]
    groups += [mood.say for mood in tables.moods().values()]
    groups += [scene.say for scene in tables.scenes().values()]
    groups += list(tables.styles().values())
    return [(say, group[0]) for group in groups for say in group if not say.isascii() and is_chinese(say)]


@cache
def _simple_forms() -> dict[int, str]:
    pairs: str = tables.words()["chinese"]["traditional"]
    forms = {ord(pair[0]): pair[1] for pair in pairs.split()}
    return forms | {ord(wide): plain for wide, plain in zip("“”‘’「」『』（）", '""\'\'""""()', strict=True)}
