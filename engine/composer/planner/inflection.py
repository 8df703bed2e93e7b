"""English word forms: plurals, articles, sentences.

Knows rules and a few irregular words, not what any word means.
"""

import re

_IRREGULAR = {
    "child": "children",
    "man": "men",
    "woman": "women",
    "person": "people",
    "mouse": "mice",
    "goose": "geese",
    "foot": "feet",
    "tooth": "teeth",
    "leaf": "leaves",
    "wolf": "wolves",
    "knife": "knives",
    "shelf": "shelves",
    "bookshelf": "bookshelves",
    "loaf": "loaves",
    "elf": "elves",
    "dwarf": "dwarves",
    "thief": "thieves",
    "witch": "witches",
    "ox": "oxen",
}
_SINGULARS = {many: one for one, many in _IRREGULAR.items()}
_SAME_TEXT = """
    sheep fish deer reindeer moose bamboo lavender coral seaweed fireworks glasses sunglasses sweets ruins
    stairs noodles rice bread grass snow rain hay food fruit furniture lightning confetti wheat corn music
    spacecraft aircraft ice sushi tea coffee milk water wine beer juice ramen pasta spaghetti people children
    police hair smoke fire sand thunder luggage woods northern lights
"""
_SAME = frozenset(_SAME_TEXT.split())
_WITH_ES = frozenset({"tomato", "hero", "volcano", "potato", "superhero"})
_NOT_PLURAL = re.compile(r"(?:ss|us|is|chaos|cosmos|christmas|canvas|atlas|gas)$")
_VOWEL_SOUND = re.compile(
    r"(?:[aeiou](?!ni(?:corn|on|que|v|f)|uro|ne\b|fo\b|sed)|hour|honest|heir|8|11\b|18\b)"
)


def plural(noun: str) -> str:
    """The plural of a noun phrase; its last word changes."""
    rest, _, word = noun.rpartition(" ")
    return f"{rest} {_plural_word(word)}".strip()


def singular(word: str) -> str:
    """The singular of a noun phrase; its last word changes, if it is a plural at all."""
    rest, _, last = word.rpartition(" ")
    return f"{rest} {_singular_word(last)}".strip()


def is_plural(phrase: str) -> bool:
    """Whether the last word of a phrase looks like a plural."""
    word = phrase.rpartition(" ")[2]
    return word in _SINGULARS or (word not in _SAME and _singular_word(word) != word)


def is_uncountable(phrase: str) -> bool:
    """Whether the last word of a phrase takes no article."""
    return phrase.rpartition(" ")[2] in _SAME


def article(phrase: str) -> str:
    """The indefinite article for what follows."""
    return "an" if _VOWEL_SOUND.match(phrase.lower()) else "a"


def sentence(text: str) -> str:
    """Text with a capital at its start and a full stop at its end."""
    text = text.strip().rstrip(".,; ")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def lowered(text: str) -> str:
    """Text as it stands in the middle of a sentence: the first letter small unless the word is a name."""
    first, _, _ = text.partition(" ")
    return text if first[1:].lower() != first[1:] else text[:1].lower() + text[1:]


def listed(phrases: tuple[str, ...]) -> str:
    """Phrases joined for people: a, b and c."""
    if len(phrases) < 2:
        return "".join(phrases)
    return f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def _plural_word(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _SAME or word in _SINGULARS:
        return word
    if re.search(r"(?:s|x|z|ch|sh)$", word):
        return f"{word}es"
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if word in _WITH_ES else f"{word}s"


def _singular_word(word: str) -> str:
    if word in _SINGULARS:
        return _SINGULARS[word]
    if word in _SAME or len(word) < 4 or not word.endswith("s") or _NOT_PLURAL.search(word):
        return word
    if word.endswith("ies") and len(word) > 4 and word not in {"cookies", "movies", "zombies"}:
        return f"{word[:-3]}y"
    if re.search(r"(?:ss|x|z|ch|sh|bus)es$", word) or word[:-2] in _WITH_ES:
        return word[:-2]
    return word[:-1]
