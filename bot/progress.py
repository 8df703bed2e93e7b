"""How a running turn looks: the status line, the growing preview and the code as it streams.

A composer sends its text in hundreds of pieces, more than anybody can see; they are gathered here and shown
every `TEXT_INTERVAL_S`. The page and the chats show it, each in its way.
"""

import math
import time
from dataclasses import dataclass, field

from PIL import Image

from bot.replies import Words
from engine.events import (
    Composed,
    ComposingText,
    Economised,
    Event,
    Preview,
    Queued,
    RegionFinished,
    Stepped,
)

TEXT_INTERVAL_S = 0.15


@dataclass(slots=True)
class Progress:
    """What is known of a running turn.

    Attributes:
        count: Pictures that will be painted.
        code: The composer's reply so far.
        sentence: The status line.
        share: How much is done, 0 to 1; None while nobody knows.
        image: The newest preview, until it is taken.
    """

    words: Words
    count: int = 1
    code: str = ""
    sentence: str = ""
    share: float | None = None
    image: Image.Image | None = None
    _is_thrifty: bool = False
    _text_at_s: float = field(default=-math.inf)

    def __post_init__(self) -> None:
        self.sentence = self.words.text("Starting …")

    def note(self, event: Event) -> bool:
        """Takes an event in; returns whether it is time to show how things stand."""
        match event:
            case ComposingText(text):
                self.sentence = self.sentence if self.code else self.words.text("Composing …")
                self.code += text
            case RegionFinished(canvas):
                self.sentence = self._composing(len(canvas.local_descriptions))
            case Preview(image):
                self.image = image
            case Composed():
                self.sentence = self.words.text("Painting …")
            case Queued(position, wait_s):
                self.sentence = self._waiting(position, wait_s)
            case Economised():
                self._is_thrifty, self.share = True, None
                self.sentence = self._thrifty(self.words.text("Painting …"))
            case Stepped(step, steps, index):
                painting = self._painting(step, steps, index)
                self.sentence = self._thrifty(painting) if self._is_thrifty else painting
                self.share = (index + step / steps) / self.count
            case _:
                pass
        return not isinstance(event, ComposingText) or self._is_text_due()

    def taken_image(self) -> Image.Image | None:
        """The newest preview, once."""
        image, self.image = self.image, None
        return image

    def _is_text_due(self) -> bool:
        now_s = time.monotonic()
        if now_s - self._text_at_s < TEXT_INTERVAL_S:
            return False
        self._text_at_s = now_s
        return True

    def _composing(self, regions: int) -> str:
        if not regions:
            return self.words.text("Composing …")
        return self.words.count("Composing … {number} region", "Composing … {number} regions", regions)

    def _waiting(self, position: int, wait_s: int | None) -> str:
        if wait_s is None:
            return self.words.text("Number {position} in the queue", position=position)
        duration = self.words.duration(wait_s)
        return self.words.text(
            "Number {position} in the queue, about {duration}", position=position, duration=duration
        )

    def _thrifty(self, painting: str) -> str:
        return self.words.text("Memory was short, so once more and more thriftily: {doing}", doing=painting)

    def _painting(self, step: int, steps: int, index: int) -> str:
        if self.count == 1:
            return self.words.text("Painting {step}/{steps}", step=step, steps=steps)
        return self.words.text(
            "Painting picture {number} of {count}: {step}/{steps}",
            number=index + 1,
            count=self.count,
            step=step,
            steps=steps,
        )
