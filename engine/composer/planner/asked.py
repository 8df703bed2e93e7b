"""What a prompt asks for, as values: things with their places, and all that is said of the whole.

Knows neither the words it was asked in nor how a scene is made of it.
"""

from dataclasses import dataclass

from engine.composer.planner.phrases import Phrase


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a thing is wanted.

    Attributes:
        place: A location of the language, `background`, `foreground`, or empty.
        relation: A key of `[relations]` such as `behind`, or empty.
        anchors: The head nouns that the relation refers to.
    """

    place: str = ""
    relation: str = ""
    anchors: tuple[str, ...] = ()


ANYWHERE = Spot()


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that the prompt names.

    Attributes:
        tail: What follows the phrase in a sentence: "reading a book".
        inscription: The words on it, or empty.
    """

    phrase: Phrase
    tail: str = ""
    spot: Spot = ANYWHERE
    inscription: str = ""

    @property
    def text(self) -> str:
        """The thing in words, with its article: "a girl reading a book"."""
        reads = "read" if self.phrase.is_plural else "reads"
        words = f' that {reads} "{self.inscription}"' if self.inscription else ""
        return f"{self.phrase.text}{words} {self.tail}".strip()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a prompt asks for.

    Attributes:
        scenes: Names of known scenes, the leading one first.
        greeting: What a banner should say, or empty.
        theme: An abstract word that is to be told in symbols, or empty.
        left_out: Parts that could not be read.
    """

    things: tuple[Thing, ...] = ()
    scenes: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()
    mood: str = ""
    style: str = ""
    color: str = ""
    greeting: str = ""
    theme: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was understood."""
        return not (
            self.things
            or self.scenes
            or self.hours
            or self.mood
            or self.style
            or self.color
            or self.greeting
            or self.theme
        )
