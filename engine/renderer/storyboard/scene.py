"""What a piece of scenery is painted with."""

from dataclasses import dataclass
from random import Random
from typing import Final

from engine.renderer.storyboard.drawing import Rgb

WHITE: Final[Rgb] = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Scene:
    """The size in units, the colour, and the words of the mood.

    A unit is a hundredth of the picture's shorter side, so that a tree is as large in a small region as in a
    large one.
    """

    width: float
    height: float
    color: Rgb
    mood: frozenset[str]
    rng: Random

    def between(self, low: float, high: float) -> float:
        """A random number."""
        return self.rng.uniform(low, high)

    def feels(self, *words: str) -> bool:
        """Whether the mood has one of the words."""
        return not self.mood.isdisjoint(words)
