"""Reads the noun phrases out of a description: which things, how many, of which colour, and quoted words.

It is a reader for captions, not a grammar: it cuts sentences where a noun phrase must end (prepositions,
verbs, relative pronouns) and leaves verbs and adjectives behind. It does not know what the words look like.
"""

import re
from dataclasses import dataclass
from typing import Final

from canvas.names import COLORS

MAX_READ_CHARS: Final = 2000
"""A description is read this far; what follows can change no picture."""

MAX_GROUP: Final = 5

_QUOTED: Final = re.compile(
    r"(?:\b(?:reads?|says?|saying|reading|words?|text|message|titled|label?led|written|inscribed|inscription|"
    r"letters|phrase|banner|sign)\b|写着|写有|字样|横幅|标语|文字)[^'\"“‘「『《]{0,24}"
    r"['\"“‘「『《](.{1,80}?)['\"”’」』》](?=[\s.,;:!?)。，的]|$)",
    re.IGNORECASE,
)
_DRESSED: Final = re.compile(r"\b(?:in|wearing)(?: all)? (\w+)(?=[.,;]|$| and\b)")
_TOKEN: Final = re.compile(r"#?[^\W_]+(?:['’-][^\W_]+)*|[.,;:!?()\n—。，、；：！？]")
_HAN: Final = re.compile(r"[\u3400-\u9fff]")

_STOPS: Final = frozenset(
    "in on at by with from of for to into onto over under above below behind before after beside between "
    "among around near through across along against toward towards beneath inside outside within without "
    "about off up down out upon like as amid amidst during next past that which who whose where when while "
    "and or but nor so because if then than is are was were be been being am has have had do does did can "
    "could will would shall should may might must he she it they we you i him her them us me his its their "
    "our your my this these those there here not no also very just only even still yet surrounding "
    "overlooking featuring including containing holding wearing showing reads says reflecting covering "
    "stand stands sit sits lie lies run runs play plays fly flies hang hangs shine shines rise rises fill "
    "fills look looks watch watches hold holds wear wears carry carries line lines stretch stretches add "
    "adds create creates dominate dominates cover covers sail sails swim swims grow grows float floats "
    "flow flows glows rest rests enjoy enjoys celebrate celebrates gather gathers stood sat lay "
    "ran flew hung shone held wore stretched set captures capture depicts depict shows show such via per "
    "full against atop alongside underneath beyond throughout".split()
)
_DETERMINERS: Final = frozenset(
    "a an the another each every one some any many several few various numerous multiple countless "
    "all both other more most lots".split()
)
_COUNTS: Final = {
    **dict(zip("one two three four five six seven eight nine ten".split(), range(1, 11), strict=True)),
    **{"couple": 2, "pair": 2, "trio": 3, "both": 2, "dozen": 6, "several": 4, "few": 3, "many": 5},
}
_COLLECTIVES: Final = frozenset(
    "group bunch crowd herd flock pack pile row set collection variety number array lot lots assortment cluster "
    "couple pair trio team band gang swarm stack heap series range mix mixture selection troop squad army "
    "line circle school handful dozen rows piles stacks groups assembly gathering ring".split()
)
_FRAMES: Final = frozenset(
    "portrait view image picture scene close-up closeup photo photograph painting illustration depiction "
    "shot silhouette figure patch piece part slice kind type sort side top edge bottom center middle "
    "corner interior exterior half expanse flash flashes stretch hint touch array display arrangement ray "
    "rays statue reflection end front back layer layers sea mass body area section pool".split()
)
_NOUNS_IN_ING_OR_ED: Final = frozenset(
    "king ring wing building ceiling painting bed sled shed seed wedding evening morning lightning string "
    "swing spring sibling duckling clothing pudding dumpling stocking railing earring viking offering being "
    "thing sapling herring weed reed bunting feed crossing landing drawing lighting bowling boxing skating "
    "swing sling wedding kindling topping dressing icing carving clearing crossing swimming-pool".split()
)
_ALSO_VERBS: Final = frozenset(
    "building painting dressing landing drawing lighting swing spring firing icing carving".split()
)
"""Verbs after a plural ("children building a castle") and before an article ("a girl painting a house")."""

_NOT_PLURAL: Final = frozenset(
    "grass glass dress bus cactus christmas santa-claus claus circus octopus lotus canvas princess goddess "
    "waitress compass moss cross chess hibiscus walrus iris fireworks glasses sunglasses stairs clothes "
    "woods headphones binoculars pants jeans trousers shorts scissors cosmos waters dunes skyscrapers "
    "clouds cottages venus mars phoenix atmosphere darkness happiness iris brass lens species "
    "rhinoceros platypus campus hippopotamus asparagus shelves weapons leaves waterpolo gas".split()
)
_IRREGULAR: Final = {
    "children": "child", "men": "man", "women": "woman", "people": "people", "mice": "mouse", "geese": "goose",
    "feet": "foot", "teeth": "tooth", "wolves": "wolf", "knives": "knife", "loaves": "loaf", "elves": "elf",
    "fairies": "fairy", "cookies": "cookie", "pixies": "pixie", "zombies": "zombie", "selfies": "selfie",
    "leaves": "leaves", "sheep": "sheep", "fish": "fish", "deer": "deer", "heroes": "hero", "ties": "tie",
    "potatoes": "potato", "tomatoes": "tomato", "volcanoes": "volcano", "police": "police", "pies": "pie",
    "grandchildren": "child", "schoolchildren": "child", "shelves": "shelf", "movies": "movie",
    "scarves": "scarf", "halves": "half", "policemen": "policeman", "firemen": "fireman",
    "gentlemen": "gentleman", "fishermen": "fisherman", "snowmen": "snowman", "calves": "calf",
}  # fmt: skip
_COLOR_WORDS: Final = {
    **{name: name for name in COLORS},
    **{"golden": "gold", "silvery": "silver", "reddish": "firebrick", "bluish": "steelblue", "scarlet": "crimson",
       "rose-colored": "hotpink", "turquoise": "turquoise", "emerald": "mediumseagreen", "blonde": "khaki",
       "ruby": "crimson", "amber": "orange", "cream": "bisque", "burgundy": "maroon", "lilac": "plum"},
}  # fmt: skip
_COLOR_NOUNS: Final = frozenset("orange salmon plum chocolate coral tomato orchid violet snow peru".split())
"""Colours that are things when nothing follows them."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One noun phrase.

    Attributes:
        words: Its words in lower case without determiners, colours and numbers; the last is the head, singular.
        count: How many; `MAX_GROUP` at most.
        color: A key of `canvas.names.COLORS` that stands before the head, or None.
        text: The phrase as it reads, for a label.
        main: Whether it belongs to the subject, before any preposition or verb.
    """

    words: tuple[str, ...]
    count: int = 1
    color: str | None = None
    text: str = ""
    main: bool = True


def quoted_words(text: str) -> str | None:
    """The words that something in the picture reads, for example on a banner."""
    found = _QUOTED.search(text[:MAX_READ_CHARS])
    return " ".join(found.group(1).split()) if found else None


def clothes_color(text: str) -> str | None:
    """The colour that someone is dressed in without a garment being named: "a goalkeeper in yellow"."""
    found = _DRESSED.search(text[:MAX_READ_CHARS].lower())
    return _COLOR_WORDS.get(found.group(1)) if found else None


def phrases(text: str) -> tuple[Phrase, ...]:
    """The noun phrases of a description or of comma-separated tags, in order."""
    text = _QUOTED.sub(
        lambda found: found.group(0)[: found.start(1) - found.start() - 1], text[:MAX_READ_CHARS]
    )
    if _HAN.search(text):
        return tuple(
            Phrase((clause,), text=clause)
            for clause in re.split(r"[\s,.;:!?。，、；：！？]+", text)
            if clause
        )
    found: list[Phrase] = []
    words: list[str] = []
    main = True
    many = 0
    tokens = [*_TOKEN.findall(text.lower().replace("’", "'")), "."]
    for token, following in zip(tokens, [*tokens[1:], "."], strict=True):
        word = token.removesuffix("'s")
        verb = word in _ALSO_VERBS and words and (following in _DETERMINERS or _singular(words[-1])[1])
        if not verb and _continues(word, words):
            if word != token:  # "the dragon's eyes": the owner is a thing of its own, the owned one follows
                words.append(word)
                phrase = _phrase(words, main=main, count=many)
                found.extend([phrase] if phrase else [])
                words = []
                main = False
                continue
            words.append(word)
            continue
        if word == "of" and words and _singular(words[-1])[0] in _COLLECTIVES | _FRAMES:
            many = max(many, _count_of(words))
            words = []
            continue
        phrase = _phrase(words, main=main, count=many)
        if phrase:
            found.append(phrase)
        main = (main and (word in ("and", ",", "or") or not found)) or (main and not words and not found)
        words, many = [], 0
    return tuple(found)


def _continues(word: str, words: list[str]) -> bool:
    """Whether a word belongs to the noun phrase that is being read."""
    if word in _STOPS or not word[0].isalnum():
        return False
    participle = len(word) > 4 and word.endswith(("ing", "ed")) and word not in _NOUNS_IN_ING_OR_ED
    adverb = (
        len(word) > 4
        and word.endswith("ly")
        and word not in ("lily", "family", "butterfly", "dragonfly", "belly", "jelly", "assembly")
    )
    if participle or adverb:
        # "a smiling woman" goes on, "a woman smiling" ends there
        return "-" in word or all(earlier in _DETERMINERS or earlier in _COUNTS for earlier in words)
    return True


def _phrase(words: list[str], *, main: bool, count: int) -> Phrase | None:
    color = None
    kept: list[str] = []
    number = 0
    named = ""
    for position, word in enumerate(words):
        last = position == len(words) - 1
        if word in _COLOR_WORDS and not (last and (word in _COLOR_NOUNS or len(words) == 1)):
            color = _COLOR_WORDS[word]
            named = word
        elif word in _COUNTS and not last:
            number = _COUNTS[word]
        elif word.isdecimal():
            number = min(int(word[:3]), MAX_GROUP)
        elif word not in _DETERMINERS:
            kept.append(word)
    if not kept:
        return None
    head, plural = _singular(kept[-1])
    number = number or count or (3 if plural else 1)
    return Phrase((*kept[:-1], head), min(number, MAX_GROUP), color, " ".join([named, *kept]).strip(), main)


def _singular(word: str) -> tuple[str, bool]:
    """A noun's singular, and whether it was a plural."""
    if word in _IRREGULAR:
        return _IRREGULAR[word], True
    if word in _NOT_PLURAL or len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
        return word, False
    if word.endswith("ies"):
        return word[:-3] + "y", True
    if word.endswith(("ches", "shes", "xes", "sses", "zes")):
        return word[:-2], True
    return word[:-1], True


def _count_of(words: list[str]) -> int:
    """How many "a pair of", "three groups of" or "a crowd of" means."""
    head = _singular(words[-1])[0]
    if head in _FRAMES and head not in _COLLECTIVES:
        return 0
    return _COUNTS.get(head, 4)
