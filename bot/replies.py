"""Every sentence that the bot says, in every language.

English stands in the code and is the key of the other languages' catalogues, `locales/<language>/LC_MESSAGES/
omost.po`, which Babel reads at run time: there is nothing to compile. This module does not know where a
sentence is shown.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from pathlib import Path
from typing import Literal, get_args

from babel.messages.pofile import read_po

from bot.canvas_words import CANVAS_NAMES
from bot.sentences import ERRORS, MISSING, NAMES, PASSING, later
from canvas.changes import Change
from canvas.errors import CanvasError
from canvas.lines import NAMED_PARTS, PLACED_THING, Part
from canvas.model import Repair
from engine.backends import DIFFUSION
from engine.composing import BROKEN_OFF
from engine.errors import (
    BadSetting,
    ComposeFailed,
    Internal,
    NotUnderstood,
    QueueFull,
    QuotaUsedUp,
    TooManyWaiting,
    Unavailable,
)
from storage.errors import NotAScene, NotFound
from storage.scene import SceneSettings

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LANGUAGE_NAMES: Mapping[Language, str] = {"en": "English", "zh": "中文"}
"""What people who speak them call them."""

_LOCALES = Path(__file__).parent / "locales"
_QUOTED_CHARS = 80
# stands before a thing in English, and before nothing in other languages
_ARTICLE = re.compile(r"^(?:an?|the) ")
# up to so many seconds a time is said in seconds, and then in minutes: nobody says 1 minute for 70 seconds
_SAID_IN_SECONDS_S = 90
_SECONDS_STEP = 5
_SAID_IN_MINUTES_S = 90 * 60
# the sides of an enlarged picture are rounded to such steps
_ENLARGED_STEP_PX = 64


def language_of(locale: str) -> Language:
    """The language to answer in for a locale such as `zh-Hans-CN` or `de_DE.UTF-8`."""
    spoken: Mapping[str, Language] = {language: language for language in LANGUAGES}
    return spoken.get(locale.lower().replace("_", "-").split("-")[0], "en")


def words(locale: str) -> "Words":
    """The words for a language or locale."""
    language = language_of(locale)
    return Words(language, _translations(language))


@dataclass(frozen=True, slots=True)
class Words:
    """Sentences in one language.

    Attributes:
        translations: From an English sentence to its forms in the language: one, or one for each plural.
    """

    language: Language
    translations: Mapping[str, tuple[str, ...]]

    def text(self, english: str, /, **values: object) -> str:
        """The sentence in this language, its `{name}` filled from `values`.

        Example:
            `words("zh").text("seed {seed}", seed=7)`
        """
        return self.translations.get(english, (english,))[0].format(**values)

    def count(self, one: str, many: str, number: int, /, **values: object) -> str:
        """Like `text`, for a sentence that depends on `{number}`.

        Example:
            `words("en").count("{number} repair", "{number} repairs", 2)`
        """
        forms = self.translations.get(one, (one, many))
        plural = number != 1 and len(forms) > 1
        return forms[1 if plural else 0].format(number=number, **values)

    def error(self, error: BaseException) -> str:
        """What happened and what to do about it, for every error of canvas, storage and engine."""
        sentence = ERRORS.get(type(error))
        if sentence is None:
            return self.unexpected()
        if isinstance(error, BadSetting):
            sentence = MISSING.get(error.value, sentence)
        return self.text(sentence, **self._parts(error)).rstrip()

    def unexpected(self) -> str:
        """For an error that nobody foresaw; its details are the log's."""
        return self.text(ERRORS[Internal])

    def duration(self, seconds: float) -> str:
        """A time as people say it, in one unit: rounded up, so that nobody comes back too early.

        Example:
            `words("en").duration(170) == "3 minutes"`
        """
        if seconds <= _SAID_IN_SECONDS_S:
            number = max(1, math.ceil(seconds / _SECONDS_STEP)) * _SECONDS_STEP
            return self.text("{number} seconds", number=number)
        if seconds <= _SAID_IN_MINUTES_S:
            return self.text("{number} minutes", number=math.ceil(seconds / 60))
        return self.text("{number} hours", number=math.ceil(seconds / 3600))

    def change(self, change: Change) -> str:
        """One difference between two scenes; what things are called stays as the scene has it.

        Example:
            "water: the colour is now dark slate blue"
        """
        line = change.line
        parts = {name: self._part(name, part) for name, part in line.parts.items()}
        if "where" in parts:
            parts["thing"] = self.text(PLACED_THING, **parts)
        return self.count(line.sentence.one, line.sentence.many, 2 if line.is_plural else 1, **parts)

    def listed(self, words: Sequence[str]) -> str:
        """Words as the language lists them: "red, tall and old"."""
        if len(words) < 2:
            return "".join(words)
        these = reduce(lambda one, other: self.text("{one}, {other}", one=one, other=other), words[:-1])
        return self.text("{these} and {last}", these=these, last=words[-1])

    def repair(self, repair: Repair) -> str:
        """One thing that was mended while reading Canvas code."""
        if repair.what == BROKEN_OFF:
            sentence = later("line {line}: the composer's answer broke off here")
        elif repair.used:
            sentence = later("line {line}: {what} “{found}” became “{used}”")
        else:
            sentence = later("line {line}: {what} “{found}” was left out")
        return self.text(sentence, line=repair.line, what=repair.what, found=repair.found, used=repair.used)

    def other_size(self, settings: SceneSettings, width_px: int, height_px: int) -> str:
        """Says that a picture has another size than was asked for; empty where it has not."""
        scale = settings.high_resolution if settings.renderer in DIFFUSION else 1
        asked_px = round(scale * settings.width_px), round(scale * settings.height_px)
        room_px = 0 if scale == 1 else _ENLARGED_STEP_PX
        if max(abs(width_px - asked_px[0]), abs(height_px - asked_px[1])) <= room_px:
            return ""
        return self.text(
            "It is {width} × {height} pixels, not {asked_width} × {asked_height}: "
            "the renderer paints well in certain sizes only.",
            width=width_px,
            height=height_px,
            asked_width=asked_px[0],
            asked_height=asked_px[1],
        )

    def named(self, key: str) -> str:
        """A setting, thing or reason in words, from its key in the canvas, engine or storage."""
        english = NAMES.get(key) or CANVAS_NAMES.get(key)
        return self.text(english) if english else key

    def _parts(self, error: BaseException) -> dict[str, object]:
        parts: dict[str, object] = dict(vars(error))
        match error:
            case BadSetting(name=name, allowed=allowed):
                parts["name"] = self.named(name)
                parts["allowed"] = self.text("nothing, there is none") if allowed == "-" else allowed
            case Unavailable(reason=key):
                parts["reason"] = self.named(key)
                parts["advice"] = self._what_else(key)
            case NotAScene(reason=key):
                parts["reason"] = self.named(key)
            case TooManyWaiting(free_in_s=wait_s) | QueueFull(free_in_s=wait_s):
                parts["free_in"] = self._in_about(wait_s)
            case QuotaUsedUp(kind=kind, limit=limit, back_in_s=wait_s):
                parts["allowance"] = self._allowance(kind, limit)
                parts["back_in"] = self.text("in {duration}", duration=self.duration(wait_s))
            case NotFound(what=what):
                parts["what"] = self.named(what)
            case NotUnderstood(text=text, known=known):
                parts["text"] = _shortened(text)
                parts["advice"] = self._what_can_be_named(known)
            case CanvasError(message=message, suggestion=suggestion):
                parts["message"] = message.rstrip(".")
                parts["advice"] = self._did_you_mean(suggestion)
            case ComposeFailed(detail=detail, keeps_previous=keeps_previous):
                parts["detail"] = detail.rstrip(".")
                parts["advice"] = self._another_try(keeps_previous=keeps_previous)
            case _:
                pass
        return parts

    def _part(self, name: str, part: Part) -> str:
        """What fills a blank of a line about a change."""
        words = (part,) if isinstance(part, str) else part
        if name in NAMED_PARTS:
            return self.listed([self.named(word) for word in words])
        said = self.listed(words)
        return said if self.language == "en" else _ARTICLE.sub("", said)

    def _in_about(self, estimate_s: float) -> str:
        """When something will be, as far as it can be told; 0 where it cannot."""
        if estimate_s <= 0:
            return self.text("in a while")
        return self.text("in about {duration}", duration=self.duration(estimate_s))

    def _allowance(self, kind: str, limit: int) -> str:
        match kind:
            case "pictures-per-day":
                return self.count("{number} picture", "{number} pictures", limit)
            case "gpu-s-per-day":
                return self.text("{duration} of computing", duration=self.duration(limit))
            case _:
                return f"{limit} {kind}"

    def _what_can_be_named(self, known: tuple[str, ...]) -> str:
        if not known:
            return self.text("Say it in other words, in English or Chinese.")
        return self.text("You can name: {names}.", names=", ".join(known))

    def _what_else(self, reason: str) -> str:
        if reason in PASSING:
            return self.text("Try again in a moment, or choose another one.")
        return self.text("Choose another one.")

    def _another_try(self, *, keeps_previous: bool) -> str:
        if keeps_previous:
            return self.text("The picture stays as it was. Ask again, or say it in other words.")
        return self.text("Ask again, or say it in other words.")

    def _did_you_mean(self, name: str) -> str:
        return self.text("Did you mean “{name}”?", name=name) if name else ""


@cache
def _translations(language: Language) -> Mapping[str, tuple[str, ...]]:
    if language == "en":
        return {}
    with (_LOCALES / language / "LC_MESSAGES" / "omost.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    return {
        _first(message.id): _forms(message.string)
        for message in catalog
        if message.id and message.string and all(_forms(message.string))
    }


def _first(text: str | list[str] | tuple[str, ...]) -> str:
    return _forms(text)[0]


def _forms(text: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def _shortened(text: str) -> str:
    return text if len(text) <= _QUOTED_CHARS else text[: _QUOTED_CHARS - 1] + "…"
