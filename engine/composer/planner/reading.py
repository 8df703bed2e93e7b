"""From a prompt to what it asks for: things with their places, scenes, hours, mood, style and words on signs.

Reads English, Chinese and emoji. Knows nothing of regions: where things go is `placing`'s work.
"""

import re
from dataclasses import dataclass, field, replace

from engine.composer.planner import tables
from engine.composer.planner.asked import ANYWHERE, Reading, Spot, Thing
from engine.composer.planner.phrases import Phrase, color_name, of_groups, phrase_of
from engine.composer.planner.preparing import (
    MAX_CHARS,
    greeting_of,
    in_english,
    take_inscriptions,
    without_command,
)
from engine.composer.planner.vocabulary import Word, cut, gerunds

MAX_THINGS = 30

_SIGNS = {
    "banner",
    "sign",
    "book",
    "letter",
    "blackboard",
    "flag",
    "map",
    "box",
    "cake",
    "gift",
    "wall",
    "building",
    "shop",
    "poster",
    "picture frame",
}
_BIG_KINDS = {
    "person",
    "creature",
    "animal",
    "bird",
    "fish",
    "vehicle",
    "flyer",
    "sky",
    "landform",
    "ground",
    "building",
}
_SAYING = {"say", "says", "saying", "reads", "written", "labelled", "labeled", "titled"}
_HAVING = {"having", "featuring", "containing", "including", "wearing", "holding", "carrying"}
_LEADING = {"on", "under", "behind", "before", "beside", "above"}
_WEARING = re.compile(r"\b(?:wearing|with|holding|carrying)\b")
_HOLDING = {"riding", "holding", "carrying", "hugging", "petting", "feeding"}
_ON_SOMETHING = {"furniture", "object", "food", "vehicle", "building", "plant"}
_PLACE_KINDS = {"ground", "landform", "sky"}


def read_prompt(prompt: str) -> Reading:
    """What a prompt for a new scene asks for."""
    text, left_out = in_english(prompt[:MAX_CHARS])
    greeting = greeting_of(text)
    inscriptions: list[str] = []
    text = take_inscriptions(text, inscriptions)
    collected = _Collector(inscriptions, is_greeting=bool(greeting))
    for word in cut(without_command(text)):
        collected.take(word)
    return collected.reading(greeting, left_out)


def read_things(text: str) -> tuple[Thing, ...]:
    """The things in a piece of English text."""
    inscriptions: list[str] = []
    collected = _Collector(inscriptions, is_greeting=False)
    for word in cut(take_inscriptions(text[:MAX_CHARS], inscriptions)):
        collected.take(word)
    return collected.all_things()


# --- phrases to things


@dataclass(slots=True)
class _Collector:
    """Takes the words of a prompt one by one and keeps what they say."""

    inscriptions: list[str]
    is_greeting: bool
    things: list[Thing] = field(default_factory=list[Thing])
    scenes: list[str] = field(default_factory=list[str])
    hours: list[str] = field(default_factory=list[str])
    skipped: list[str] = field(default_factory=list[str])
    soft_scenes: list[str] = field(default_factory=list[str])
    moods: list[str] = field(default_factory=list[str])
    color: str = ""
    style: str = ""
    theme: str = ""
    chunk: list[Word] = field(default_factory=list[Word])
    relation: str = ""
    said: str = ""
    verb: str = ""
    pending: str = ""
    leads_with_place: bool = False
    open_between: int = -1
    leading: str = ""

    def take(self, word: Word) -> None:
        mark = re.fullmatch(r"inscription(\d+)", word.text)
        if mark and int(mark[1]) < len(self.inscriptions):
            self._close()
            self._inscribe(self.inscriptions[int(mark[1])])
        elif word.place:
            self._close()
            self._place(word.place)
        elif word.is_break:
            self._close()
            self._join("and")
        elif word.relation and not (word.noun or word.scenes):
            self._relate(word)
        elif self._is_verb_here(word):
            self._close()
            self.scenes += word.scenes
            self.verb = word.text
        elif word.role == "adverb" or (word.text.endswith("ly") and not word.is_known):
            pass
        else:
            if (word.role in {"determiner", "many"} or word.number) and self.chunk:
                self._close()
                self._join("and")
            self.chunk.append(word)

    def all_things(self) -> tuple[Thing, ...]:
        """Everything named, the nouns that stand for scenes as well."""
        self._close()
        self._end_verb()
        if len(self.things) > 1 and self.leading in _LEADING:
            self._turn_round()
        return tuple(self.things)

    def _turn_round(self) -> None:
        """Of "under a tree a girl" the girl comes first, and is under the tree."""
        place, thing, *rest = self.things
        if thing.spot == ANYWHERE:
            placed = replace(thing, spot=Spot("", self.leading, (place.phrase.noun.name,)))
            self.things = [placed, place, *rest]

    def reading(self, greeting: str, left_out: tuple[str, ...]) -> Reading:
        things = self.all_things()
        scenes = list(dict.fromkeys(self.scenes))
        ideas = [name for name in scenes if tables.scenes()[name].kind == "ideas"]
        if things or len(ideas) < len(scenes):
            scenes = [name for name in scenes if name not in ideas[2:]]
        if self.soft_scenes and not scenes and not things:
            scenes = self.soft_scenes[:1]
            self.hours = self.hours[1:]
        if not greeting and "joyful" in self.moods and not things:
            greeting = next((wish for name in scenes if (wish := tables.scenes()[name].greeting)), "")
        if not scenes and not things and self.moods and not self.color:
            scenes = ["joy"] if self.moods[0] in {"joyful", "festive"} else scenes
        if greeting and not any(tables.scenes()[name].kind == "occasions" for name in scenes):
            scenes = ["party", *scenes]
        theme = self.theme if not things and not scenes else ""
        if not (things or scenes or theme) and self.moods:
            theme = self.moods[0]
        return Reading(
            things[:MAX_THINGS],
            tuple(sorted(scenes, key=_scene_rank)),
            tuple(dict.fromkeys(self.hours)),
            next(iter(self.moods), ""),
            self.style,
            self.color,
            greeting,
            theme,
            (*left_out, *self.skipped, *(thing.phrase.bare for thing in things[MAX_THINGS:])),
        )

    def _is_verb_here(self, word: Word) -> bool:
        """A verb follows a noun; before one it describes it ("a sleeping cat")."""
        has_noun = any(other.noun or not (other.is_known or other.is_color) for other in self.chunk)
        if word.text in gerunds().values() and any(other.is_being for other in self.chunk):
            return True
        if (
            word.noun
            or word.mood
            or word.hour
            or (word.scenes and not (has_noun and word.text.endswith("ing")))
        ):
            return False
        looks_like_verb = word.role == "verb" or (
            not word.is_known and re.search(r"(?:ing|ed)$", word.text) is not None and len(word.text) > 4
        )
        if word.role == "carrier":
            return has_noun or bool(self.things)
        if not looks_like_verb:
            return bool(word.role == "adjective" and word.text.endswith("ing") and has_noun)
        return has_noun or (not self.chunk and bool(self.things) and self.relation in {"", "and"})

    def _relate(self, word: Word) -> None:
        self._close()
        if word.relation == "and" and self.open_between >= 0:
            return
        if self.verb and word.text in {"at", "to", "toward", "towards", "for"}:
            self.verb = f"{self.verb} {'to' if word.text.startswith('to') else word.text}"
            return
        self._join(word.relation, word.text)

    def _join(self, relation: str, said: str = "") -> None:
        self.said = said
        if relation in {"and", "loose"}:
            self._end_verb()
        self.relation = relation
        if relation == "with" and said.endswith("ing"):
            self.verb = said

    def _close(self) -> None:
        """The words gathered so far become a phrase."""
        words = tuple(self.chunk)
        self.chunk = []
        if not words:
            return
        scene_head = self._note_meanings(words)
        if self._says():
            self.things[-1] = replace(self.things[-1], inscription=" ".join(word.text for word in words))
            self.verb = self.relation = ""
            return
        content = tuple(word for word in words if not _is_scene_only(word))
        phrase = None if scene_head and not any(word.noun for word in content) else phrase_of(content)
        if phrase is None or (self.is_greeting and not phrase.is_known):
            self.color = self.color or next((c for word in words if (c := color_name(word))), "")
            self._end_verb()
            self.relation = ""
            return
        self._add(phrase, words)

    def _says(self) -> bool:
        """Whether what comes now stands on a sign."""
        if not self.things or self.verb not in _SAYING:
            return False
        phrase = self.things[-1].phrase
        return phrase.noun.name in _SIGNS or (phrase.noun.kind == "object" and phrase.is_known)

    def _note_meanings(self, words: tuple[Word, ...]) -> bool:
        """Notes scenes, hours, moods and style; returns whether a scene is the head."""
        for word in words:
            soft = bool(word.scenes and (word.hour or word.mood))
            self.hours += [word.hour] if word.hour else []
            self.soft_scenes += word.scenes if soft else ()
            self.scenes += () if soft else word.scenes
            self.moods += [word.mood] if word.mood else []
            self.style = self.style or word.style
        return _is_scene_only(words[-1])

    def _add(self, phrase: Phrase, words: tuple[Word, ...]) -> None:
        relation, self.relation = self.relation, ""
        verb, self.verb = self.verb, ""
        previous = self.things[-1] if self.things else None
        alone = len(words) == 1 and not phrase.is_known
        if alone and not previous and _is_abstract(phrase.head):
            self.theme = self.theme or phrase.head
            return
        if previous is None and relation == "in" and _is_place_name(phrase):
            self.skipped.append(phrase.bare)
            return
        if previous and (relation == "of" or self._belongs(previous, phrase, relation, verb)):
            self.things[-1] = _attached(previous, phrase, relation, verb)
            return
        if previous and verb:
            told = f"{verb} {phrase.as_said}" if relation in {"", "with"} else verb
            previous = replace(previous, tail=f"{previous.tail} {told}".strip())
            self.things[-1] = previous
        thing = Thing(phrase, "", Spot(self.pending))
        self.pending = ""
        self.leading = self.leading if previous else relation
        if previous and relation not in {"", "and", "with", "loose", "of"}:
            self._relate_things(previous, thing, relation)
        else:
            self.things.append(thing)
            self._end_between(phrase.noun.name)

    def _relate_things(self, previous: Thing, thing: Thing, relation: str) -> None:
        """The thing before the relation is placed by the one after it."""
        head = thing.phrase.noun.name
        if not previous.spot.place and not previous.spot.relation:
            self.things[-1] = replace(previous, spot=Spot("", relation, (head,)))
            if relation == "between":
                self.open_between = len(self.things) - 1
        self.things.append(thing)

    def _end_between(self, head: str) -> None:
        """The second thing that something is between."""
        if self.open_between >= 0:
            thing = self.things[self.open_between]
            spot = replace(thing.spot, anchors=(*thing.spot.anchors, head))
            self.things[self.open_between] = replace(thing, spot=spot)
            self.open_between = -1

    def _belongs(  # noqa: PLR0911 - one return for each reason
        self, previous: Thing, phrase: Phrase, relation: str, verb: str
    ) -> bool:
        """Whether a phrase only describes the thing before it: a girl with a red umbrella."""
        kind, owner = phrase.noun.kind, previous.phrase.noun.kind
        if verb in _HOLDING or verb.endswith((" at", " to", " for")):
            return True
        if phrase.is_name and relation in {"in", "on", "above", "of"}:
            return True
        if relation == "in" and _is_place_name(phrase):
            return True
        if relation == "and":
            # an umbrella and a suitcase are both carried
            return self.said == "and" and kind == "object" and _WEARING.search(previous.tail) is not None
        if kind in _BIG_KINDS or (self.open_between >= 0):
            return False
        if owner in _PLACE_KINDS:
            return False
        if relation == "with" or (verb and relation == ""):
            return True
        if relation == "in" and owner in {"person", "animal", "creature"}:
            return kind == "object"
        return bool(previous.tail and relation in {"in", "on"} and kind in _ON_SOMETHING)

    def _place(self, place: str) -> None:
        self._end_verb()
        last = self.things[-1] if self.things else None
        if last and not last.spot.place and not self.leads_with_place:
            self.things[-1] = replace(last, spot=replace(last.spot, place=place))
        else:
            self.leads_with_place = not self.things or self.leads_with_place
            self.pending = place
        self.relation = ""

    def _inscribe(self, words: str) -> None:
        """Quoted words stand on the object that says them, else on the sign named last or on a banner."""
        bearer = len(self.things) - 1 if self._says() else -1
        self.verb = ""
        for index in range(len(self.things) - 1, -1, -1):
            if index == bearer or self.things[index].phrase.noun.name in _SIGNS:
                self.things[index] = replace(self.things[index], inscription=words)
                return
        banner = phrase_of(cut("banner"))
        if banner:
            self.things.append(Thing(banner, inscription=words))

    def _end_verb(self) -> None:
        """A verb without an object still tells what the last thing does."""
        if self.verb and self.things and self.verb not in _SAYING | _HAVING:
            last = self.things[-1]
            self.things[-1] = replace(last, tail=f"{last.tail} {self.verb}".strip())
        self.verb = ""


def _attached(previous: Thing, phrase: Phrase, relation: str, verb: str) -> Thing:
    """The thing with a phrase hung on it: "a bowl of fruit", "a girl with an umbrella"."""
    if relation == "of" and previous.phrase.head in of_groups() and not previous.tail:
        return replace(previous, phrase=replace(phrase, group=f"{previous.phrase.text} of"))
    joint = relation if relation in {"of", "in", "on"} else (verb or "with")
    if verb and relation in {"in", "on", "of"}:
        joint = f"{verb} {relation}"
    if relation == "and":
        joint = "and"
    elif phrase.is_name and relation:
        joint = relation
    return replace(previous, tail=f"{previous.tail} {joint} {phrase.as_said}".strip())


def _is_scene_only(word: Word) -> bool:
    """Whether a word names a scene, an hour or a style, and no thing."""
    return (
        bool(word.scenes or word.hour or word.style)
        and word.noun is None
        and not word.mood
        and (word.role != "adjective")
    )


def _scene_rank(name: str) -> int:
    return ("occasions", "settings", "subjects", "ideas").index(tables.scenes()[name].kind)


def _is_place_name(phrase: Phrase) -> bool:
    """Whether what follows "in" is somewhere rather than something: "in paris"."""
    is_plain = not (phrase.is_known or phrase.has_article or phrase.is_plural)
    return phrase.is_name or (is_plain and len(phrase.words) == 1)


def _is_abstract(word: str) -> bool:
    """Whether an unknown word looks like an idea rather than a thing."""
    return (
        re.search(r"(?:ness|dom|ity|ism|tion|sion|ship|hood|ance|ence|tude|ology|cracy|ment)$", word)
        is not None
    )
