"""Changing what sentences say of a thing: its name, its quality, its place, or that it is there at all.

Every function takes a text and the forms of a noun and gives a text; none knows a canvas.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import takewhile

from engine.composer.planner.inflection import article, is_plural, is_uncountable, plural, sentence, singular
from engine.composer.planner.phrases import Phrase, of_groups
from engine.composer.planner.telling import with_right_articles
from engine.composer.planner.vocabulary import Word, color_words, gerunds, vocabulary

_PLACE = re.compile(
    r"\b(?:in|on|at|to) the (?:(?:far|very) )?"
    r"(?:(?:top|upper|bottom|lower)[- ]?(?:left|right)?|left|right|center|centre|middle)"
    r"(?:[- ](?:side|corner|edge|part|half|hand side))?"
    r"(?: of the (?:image|picture|scene|canvas|frame|composition))?\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"(?:Its?|His|Hers?|He|She|Their|They)\b")
_POSSESSIVE_CLAUSE = re.compile(r",? with (?:its|his|her|their) [^,.]*,?", re.IGNORECASE)
_WORD = re.compile(r"[\w'\-]+|[^\w\s]")
_END_OF_PHRASE = re.compile(
    r"[,.;:]|\b(?:and|or|but|on|in|at|under|behind|above|near|by|beside|while|next to|in front of|between)\b",
    re.IGNORECASE,
)


def forms_of(noun: str, *said: str) -> tuple[str, ...]:
    """The forms of a noun to look for, the longest first."""
    found = {
        form for word in (noun, *said) if word for form in (singular(word), plural(singular(word)), word)
    }
    return tuple(sorted(found, key=len, reverse=True))


def mentions(text: str, forms: Sequence[str]) -> bool:
    """Whether a text speaks of a thing."""
    return _first(text, forms) is not None


def renamed(text: str, forms: Sequence[str], new: Phrase) -> str:
    """The text with another thing in a thing's place; its adjectives stay, but for colours."""
    if not mentions(text, forms):
        return text
    out: list[str] = []
    end = 0
    for match in _matches(text, forms):
        before = text[end : match.start()]
        was_plural = _is_several(before, match[0].lower())
        before, name = _agreeing(before, was_plural=was_plural, new=new)
        is_start = match.start() == 0
        out += [before, name[:1].upper() + name[1:] if is_start or match[0][0].isupper() else name]
        end = match.end()
    return _tidied("".join([*out, text[end:]]))


def qualified(text: str, forms: Sequence[str], quality: str, *, is_color: bool) -> str:
    """The text with an adjective before the first mention of a thing; another colour there gives way."""
    match = _first(text, forms)
    if not match or re.search(
        rf"\b{re.escape(quality)} (?:\w+ )?{re.escape(match[0])}\b", text, re.IGNORECASE
    ):
        return text
    before = text[: match.start()]
    if is_color:
        before = _without_color_at_end(before)
    elif _mood_of(quality):
        before = _without_other_moods(before, quality)
    name = match[0]
    if match.start() == 0:
        name = name[:1].lower() + name[1:]
    return _tidied(f"{before}{quality} {name}{text[match.end() :]}")


def _mood_of(word: str) -> str:
    known = vocabulary().get(word)
    return known.mood if known else ""


def _without_other_moods(before: str, quality: str) -> str:
    """The text before a noun without adjectives of another mood: a funny clown who is made sad."""
    words = before.split(" ")
    tail = list(takewhile(lambda word: not word or _is_adjective(word), reversed(words)))
    kept = [word for word in reversed(tail) if _mood_of(word.lower()) in {"", _mood_of(quality)}]
    start = before[:1].isupper() and not words[: len(words) - len(tail)]
    joined = " ".join([*words[: len(words) - len(tail)], *kept])
    return joined[:1].upper() + joined[1:] if start else joined


def _without_color_at_end(before: str) -> str:
    """The text before a noun without the colour word next to the noun, or one adjective away."""
    colors = "|".join(sorted(color_words(), key=len, reverse=True))
    return re.sub(rf"\b(?:{colors}) ((?:\w+ )?)$", r"\1", before, flags=re.IGNORECASE)


def without_adjectives(text: str, forms: Sequence[str], adjectives: frozenset[str]) -> str:
    """The text without some adjectives right before a thing."""
    match = _first(text, forms)
    if not match:
        return text
    words = text[: match.start()].split(" ")
    tail = list(takewhile(lambda word: _is_adjective(word) or not word, reversed(words)))
    kept = [word for word in reversed(tail) if word.lower() not in adjectives]
    head = words[: len(words) - len(tail)]
    return _tidied(" ".join([*head, *kept]) + text[match.start() :])


def moved(text: str, place: str) -> str:
    """The text with another place in the picture in the place of the first that it names.

    `place` is as `telling.where` gives it: "On the left side of the image".
    """

    def put(match: re.Match[str]) -> str:
        return place if match[0][0].isupper() else place[:1].lower() + place[1:]

    if text.startswith("In the background,"):
        return place + text[len("In the background") :]
    return _PLACE.sub(put, text, count=1)


def without(text: str, forms: Sequence[str]) -> str:
    """A sentence without the phrase that names a thing; empty when nothing is left."""
    match = _first(text, forms)
    while match:
        start = _phrase_start(text, match.start())
        end = _phrase_end(text, match.end())
        text = _joined(text[:start], text[end:])
        match = _first(text, forms)
    return sentence(with_right_articles(text)) if re.search(r"\w", text) else ""


def without_sentences(texts: Sequence[str], forms: Sequence[str]) -> tuple[str, ...]:
    """The sentences that do not speak of a thing, and do not go on about it."""
    kept: list[str] = []
    drops = False
    for text in texts:
        drops = mentions(text, forms) or (drops and _PRONOUN.match(text) is not None)
        if not drops:
            kept.append(text)
    return tuple(kept)


def with_renamed_sentences(texts: Sequence[str], forms: Sequence[str], new: Phrase) -> tuple[str, ...]:
    """The sentences with another thing in a thing's place; what was told of the old one only goes."""
    kept: list[str] = []
    follows = False
    for text in texts:
        is_about = mentions(text, forms)
        if is_about:
            kept.append(renamed(_POSSESSIVE_CLAUSE.sub("", text), forms, new))
        elif not (follows and _PRONOUN.match(text)):
            kept.append(text)
        follows = is_about or (follows and _PRONOUN.match(text) is not None)
    return tuple(kept)


def without_tags(tags: str, forms: Sequence[str]) -> str:
    """A tag list without the tags that name a thing."""
    return ", ".join(tag for tag in tags.split(", ") if not mentions(tag, forms))


@lru_cache(512)
def _pattern(forms: tuple[str, ...]) -> re.Pattern[str]:
    # the name of a day is not about the thing in it
    names = "|".join(map(re.escape, forms))
    return re.compile(rf"\b(?:{names})\b(?!'?s?'? (?:Day|Eve|Festival)\b)", re.IGNORECASE)


def _matches(text: str, forms: Sequence[str]) -> list[re.Match[str]]:
    """The mentions of a thing in a text, but for those in quotation marks and in other things' names."""
    found = [
        m
        for m in _pattern(tuple(forms)).finditer(text)
        if not (_names_another(text, m) or _ends_another(text, m))
    ]
    if not found or '"' not in text:
        return found
    quoted = [match.span() for match in re.finditer(r'"[^"]*"', text)]
    return [match for match in found if not any(start < match.start() < end for start, end in quoted)]


def _names_another(text: str, match: re.Match[str]) -> bool:
    """Whether the noun only describes the next one: the pirate in "a pirate ship"."""
    following = re.match(r" ([a-z]+)\b", text[match.end() : match.end() + 24])
    known = vocabulary().get(following[1]) if following else None
    if known is None or known.text in gerunds().values():
        return False
    return known.noun is not None and not (known.role or known.is_color)


def _ends_another(text: str, match: re.Match[str]) -> bool:
    """Whether the noun only ends the name of a place: the room in "a living room"."""
    before = re.search(r"([\w-]+) $", text[: match.start()])
    known = vocabulary().get(f"{before[1]} {match[0]}".lower()) if before else None
    return known is not None and bool(known.scenes) and known.noun is None


def _first(text: str, forms: Sequence[str]) -> re.Match[str] | None:
    return next(iter(_matches(text, forms)), None)


def _agreeing(before: str, *, was_plural: bool, new: Phrase) -> tuple[str, str]:
    """What stands before the noun and the new noun, in agreement."""
    modifiers = [word for word in new.modifiers if word not in before.lower().split()]
    if new.color:
        before = _without_color_at_end(before)
    if was_plural and new.number > 1:
        head, _, adjectives = _noun_phrase_start(before)
        return head, " ".join([new.text.split()[0], *adjectives, *modifiers, new.head])
    if was_plural == new.is_plural:
        return before, " ".join([*modifiers, new.head])
    one = singular(new.head) if is_plural(new.head) else new.head
    if was_plural and not new.has_article:
        return before, " ".join([*modifiers, one if is_uncountable(one) else plural(one)])
    head, determiner, adjectives = _noun_phrase_start(before)
    if was_plural:
        head = re.sub(rf"\b(?:an? )?(?:{'|'.join(of_groups())}) of $", "", head, flags=re.IGNORECASE)
        said = " ".join([*adjectives, *modifiers, one])
        return head, f"{determiner or article(said)} {said}"
    number = new.text.split()[0] if new.number > 1 else ""
    determiner = number if determiner.lower() in {"a", "an", ""} else determiner
    return head, " ".join(part for part in [determiner, *adjectives, *modifiers, new.head] if part)


def _is_several(before: str, noun: str) -> bool:
    """Whether a noun is told without an article of its own: "cats", "a bowl of fruit"."""
    return is_plural(noun) or (is_uncountable(noun) and not _noun_phrase_start(before)[1])


def _noun_phrase_start(before: str) -> tuple[str, str, list[str]]:
    """The text before a noun's phrase, its determiner, and its adjectives."""
    words = before.split()
    adjectives = list(takewhile(_is_adjective, reversed(words)))[::-1]
    rest = words[: len(words) - len(adjectives)]
    last = vocabulary().get(rest[-1].lower()) if rest else None
    is_determiner = last is not None and (last.role == "determiner" or last.number > 0)
    determiner = rest.pop() if is_determiner else ""
    return " ".join([*([""] if before[:1] == " " else []), *rest, ""]), determiner, adjectives


def _phrase_start(text: str, start: int) -> int:
    """Where the noun phrase that ends before `start` begins: its adjectives and its article."""
    words = list(_WORD.finditer(text, 0, start))
    begin = start
    for index, word in enumerate(reversed(words)):
        known = vocabulary().get(word[0].lower(), Word(word[0].lower()))
        if word[0].lower() == "of":
            continue
        if known.role == "determiner":
            return word.start()
        is_group = index > 0 and begin != start and re.match(r"of\b", text[word.end() :].lstrip()) is not None
        if not (_is_adjective(word[0]) or known.number or known.role == "many" or is_group or known.noun):
            return begin
        begin = word.start()
    return begin


def _phrase_end(text: str, end: int) -> int:
    """Where what is told of the thing ends: before a comma, an "and" or a place."""
    stop = _END_OF_PHRASE.search(text, end)
    return stop.start() if stop else len(text)


def _joined(before: str, after: str) -> str:
    """What is left and right of a phrase that went, tied together."""
    before, after = before.rstrip(), after.lstrip()
    joint = re.compile(
        r"(?:,? and|,? or|,|,? with|next to|beside|near|behind|under|above|in front of|between|of|\w+ing|from"
        r"|\b(?:to|in|on|at))$",
        re.IGNORECASE,
    )
    if not re.match(r"and\b", after):
        before = re.sub(r",? wearing$", "", before)
    following = re.match(r"(?:, and\b|,|and\b)\s*", after, re.IGNORECASE)
    if following and (not before or not before.endswith((",", "and"))):
        after = after[following.end() :]
        return f"{before} {after}".strip()
    had_and = before.endswith(" and")
    before = joint.sub("", before).rstrip(" ,")
    if had_and and "," in before and " and " not in before:
        head, _, last = before.rpartition(", ")
        before = f"{head} and {last}"
    spacer = "" if after[:1] in {",", ".", ";", ""} else " "
    rest = f"{before}{spacer}{after}".strip(" ,")
    if re.match(r"(?:in|on|at|under|above|by|among)\b", rest, re.IGNORECASE):
        rest = f"A scene {rest[:1].lower()}{rest[1:]}"
    return rest


def _is_adjective(word: str) -> bool:
    known = vocabulary().get(word.lower())
    if word.lower() in color_words():
        return True
    if known is None:
        return bool(re.fullmatch(r"[a-z\-]+(?:y|ed|ful|ous|ish|ing|less|al|ic)", word.lower()))
    return known.role == "adjective" or known.is_color or bool(known.mood or known.hour)


def _tidied(text: str) -> str:
    text = with_right_articles(re.sub(r"  +", " ", text)).strip()
    return text[:1].upper() + text[1:] if text[:1].islower() and text.endswith(".") else text


def without_other_colors(texts: Sequence[str], color: str) -> tuple[str, ...]:
    """The sentences that give a thing no other colour than this ("Its scales are green")."""
    colors = "|".join(sorted(color_words(), key=len, reverse=True))
    other = re.compile(rf"\b(?:its|his|her|their)\b.*\b(?:{colors})\b", re.IGNORECASE)
    return tuple(text for text in texts if color in text.lower() or not other.search(text))


_INSCRIPTION = re.compile(r"[\"“]([^\"”]+)[\"”]|(?<!\w)'(.+?)'(?!\w)")


def inscription_of(text: str) -> str:
    """The words in quotation marks in a description, or empty."""
    match = _INSCRIPTION.search(text)
    return (match[1] or match[2]) if match else ""


def inscribed(text: str, old: str, new: str) -> str:
    """The text with other words in the place of an inscription's; without new ones the inscription goes.

    A single word is replaced in quotation marks only: it may be any word, even "a".
    """
    if not old:
        return text
    words = re.escape(old)
    if not new:
        return re.sub(rf" (?:that reads?|with the words) [\"“]{words}[\"”]", "", text, flags=re.IGNORECASE)
    pattern = words if " " in old else rf"(?<=[\"“']){words}(?=[\"”'])"
    return re.sub(pattern, lambda _: new, text, flags=re.IGNORECASE)


def dressed(text: str, forms: Sequence[str], joint: str, what: str) -> str:
    """The text with what a thing wears or has after its first mention: "a cat wearing a hat in a park"."""
    match = _first(text, forms)
    if not match:
        return text
    before, after = text[: match.end()], text[match.end() :]
    same = re.match(rf"(,?) {joint}\b", after)
    if same:
        return f"{before}{same[0]} {what} and{after[same.end() :]}"
    if re.match(rf" (?:with{'' if joint == 'with' else r'|[a-z]+ing'}) ", after):
        return f"{before}, {joint} {what},{after}"
    return f"{before} {joint} {what}{after}"


def with_inscription(text: str, head: str, words: str) -> str:
    """The description with words on the thing: "A banner" becomes 'A banner that reads "..."'."""
    match = _first(text, (head,)) if head else None
    if not match:
        return f'{text.rstrip(". ")} that reads "{words}".'
    reads = "read" if is_plural(match[0].lower()) else "reads"
    return f'{text[: match.end()]} that {reads} "{words}"{text[match.end() :]}'
