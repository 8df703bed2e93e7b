"""A person's words cut into clauses in English, quoted words apart.

Knows where a clause ends and how a Chinese one is built; what a clause asks for is `instructions`' work.
"""

import re
from functools import cache

from engine.composer.planner import chinese, tables
from engine.composer.planner.preparing import in_english
from engine.composer.planner.vocabulary import cut

MAX_CLAUSE_CHARS = 300
MARK = re.compile(r"inscription(\d+)")
"""What stands for quoted words."""

_POLITENESS = re.compile(
    r"^(?:请问|请|麻烦你?|帮我|帮忙|能不能|可不可以|能否|可以|都|全都|全部|我想让?|我希望|希望|谢谢你?|那|然后|再|并|也|还)+"
    r"|(?:可以吗|好吗|行吗|好不好|谢谢你?|[吧吗呢呀啊了？?～~])+$"
)
_PRONOUNS = {"她": "her", "他": "him"}
_IT = re.compile(r"(?:[它他她]们|它|[这那]个?|(?:整个)?画面|图片?|场景|一切)?")
_WRITTEN = re.compile(
    r"(?P<before>.*?)(?:上面|上)?写(?:着|有|上)(?P<words>inscription\d+)的(?P<thing>[^和与跟、，,]+)(?P<after>.*)"
)
_MARKS = re.compile(rf"{MARK.pattern}(?:[和、]?{MARK.pattern})+")
# alone the character is the order to draw
_PAINTING = re.compile(r"(?:(?<=[幅张])|^)画$")


def take_quotes(text: str, quotes: list[str]) -> str:
    """The text with a mark for all quoted words, which go to the list: no rule shall read them."""

    def take(match: re.Match[str]) -> str:
        quotes.append(match[1] or match[2])
        return f" inscription{len(quotes) - 1} "

    return re.sub(r"\"([^\"\n]{1,80})\"|(?<!\w)'([^'\n]{1,80})'(?!\w)", take, text)


def with_quotes(text: str, quotes: list[str]) -> str:
    """The text with the quoted words where their marks stand."""
    return re.sub(
        rf" ?{MARK.pattern} ?",
        lambda m: f' "{quotes[int(m[1])]}" ' if int(m[1]) < len(quotes) else m[0],
        text,
    ).strip()


def clauses(text: str) -> list[str]:
    """The clauses of a text, each with one verb at most, as far as its words show it."""
    return [
        clause.strip(" ,，、") for clause in _clause_break().split(text) if clause and clause.strip(" ,，、")
    ]


def clause_in_english(clause: str) -> str:
    """A clause in English; of a Chinese one the frame by rule, what it speaks of by glossary."""
    if not chinese.is_chinese(clause) or len(clause) > MAX_CLAUSE_CHARS:
        return in_english(clause, articles=False)[0]
    # between ideographs spaces mean nothing
    bare = re.sub(r"(?<=[\u3400-\u9fff])\s+|\s+(?=[\u3400-\u9fff])", "", _POLITENESS.sub("", clause))
    for rule, english in _chinese_rules():
        match = rule.fullmatch(bare)
        if match:
            parts = match.groupdict(default="")
            y, z = (_glossed(parts.get(name, "")) for name in ("y", "z"))
            return english.format(x=_meant(parts.get("x", "")), y=y, z=z)
    return _glossed(bare)


def _meant(text: str) -> str:
    """The thing that a clause is about; one that the glossary does not know stays as it was said.

    So it is not found, and not taken for "it" or for another of what was spoken of.
    """
    bare = text.removesuffix("的")
    if _IT.fullmatch(bare):
        return "it"
    english = _PRONOUNS.get(bare) or _glossed(text)
    says = any(word.role not in {"determiner", "many"} and not word.number for word in cut(english))
    return english if says or not chinese.to_english(text)[1] else text


@cache
def _clause_break() -> re.Pattern[str]:
    verbs = "|".join(tables.table("edits")["verbs"].split())
    chinese_verbs = "把|将|让|使|加|添|增|去|删|不要|移|换|改|变|交换|放|再|在|给|用|背景|左|右|天|要"
    return re.compile(
        rf"[;；。!！\n]+|\.(?=\s|$)|(?:,|，|\band\b|\bthen\b|&)+\s*(?:(?:and|then|also|please|now)\s+)*(?=(?:{verbs})\b)"
        rf"|[，,、]\s*(?=(?:然后|并且|并|同时|再|还有|也)?(?:{chinese_verbs}))|(?:然后|并且|同时|接着)|并(?=把|将|让|加|去|删)",
        re.IGNORECASE,
    )


@cache
def _chinese_rules() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(rule["pattern"]), rule["english"]) for rule in tables.table("edits")["chinese"])


def _glossed(text: str) -> str:
    """A part of a Chinese clause in English; the words on a sign, which Chinese puts first, come after it."""
    written = _WRITTEN.fullmatch(text)
    if written:
        sign, after = _glossed(written["before"] + written["thing"]), _glossed(written["after"])
        return f"{sign} that says {written['words']} {after}".strip()
    if _MARKS.fullmatch(text):
        return " ".join(mark[0] for mark in MARK.finditer(text))
    spaced = MARK.sub(r" \g<0> ", _PAINTING.sub(" 画作", text))
    return in_english(spaced, articles=False)[0]
