"""Every sentence that the bot says, in every language.

English stands in the code and is the key of the other languages' catalogues, `locales/<language>/LC_MESSAGES/
omost.po`, which Babel reads at run time: there is nothing to compile. This module does not know where a
sentence is shown.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from babel.messages.pofile import read_po

from canvas.errors import CanvasError
from canvas.model import Repair
from engine.composing import BROKEN_OFF
from engine.errors import (
    BadSetting,
    Blocked,
    Busy,
    ComposeFailed,
    EmptyPrompt,
    GaveUp,
    Internal,
    Interrupted,
    LoraDoesNotFit,
    NotAllowed,
    NotChecked,
    NotUnderstood,
    NotYours,
    OutOfMemory,
    PromptTooLong,
    QueueFull,
    QuotaUsedUp,
    SceneTooLong,
    TooManyWaiting,
    Unavailable,
)
from storage.errors import DatabaseAway, NotAScene, NotFound, StorageFailed

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_LOCALES = Path(__file__).parent / "locales"
_QUOTED_CHARS = 80
# up to so many seconds a time is said in seconds, and then in minutes: nobody says 1 minute for 70 seconds
_SAID_IN_SECONDS_S = 90
_SECONDS_STEP = 5
_SAID_IN_MINUTES_S = 90 * 60


def later(english: str) -> str:
    """Marks a sentence of a table that is looked up later, so that the catalogues are checked for it."""
    return english


# What happened, and what the person can do. The braces name attributes of the error, or values of `_parts`.
_ERRORS: Mapping[type[BaseException], str] = {
    EmptyPrompt: later("There is nothing to paint yet. Say in a few words what the picture should show."),
    PromptTooLong: later(
        "That is {found_chars} characters, and {allowed_chars} are allowed. Say it in fewer words."
    ),
    SceneTooLong: later(
        "The scene has become too long for the composer. Remove regions, or start a new scene."
    ),
    LoraDoesNotFit: later(
        "The LoRA “{name}” is made for another kind of model, or its file is broken. "
        "Leave it out, or name another."
    ),
    NotUnderstood: later("I could not make anything of “{text}”. {advice}"),
    BadSetting: later("{name} cannot be {value}. Allowed: {allowed}."),
    Blocked: later("Nothing of that kind is painted here. Say it in other words, or ask for something else."),
    Busy: later("Your picture is still being worked on. Wait until it is done, or cancel it."),
    NotAllowed: later("You cannot ask for pictures here. Ask whoever runs this service to let you in."),
    NotYours: later(
        "Only the person who asked for this, and moderators, can do that. Ask for one of your own."
    ),
    TooManyWaiting: later(
        "You have as many requests open as one person may have: {limit}. "
        "Ask again {free_in}, when one of them is done, or cancel one."
    ),
    QueueFull: later("So many requests are waiting that no more can be taken. Ask again {free_in}."),
    QuotaUsedUp: later("That is more than one person may have in a day: {allowance}. Ask again {back_in}."),
    NotChecked: later(
        "It could not be checked whether this may be painted, so it is not. Try again in a moment; "
        "if it stays so, tell whoever runs this service."
    ),
    Unavailable: later("“{backend}” cannot be used here: {reason}. {advice}"),
    ComposeFailed: later(
        "The composer's answer could not be read as a scene, and neither could a second one: "
        "line {line}, column {column}: {detail}. {advice}"
    ),
    CanvasError: later("This is no Canvas code: line {line}, column {column}: {message}. {advice}"),
    OutOfMemory: later(
        "This picture does not fit into the memory here, however thriftily it is painted. "
        "Ask for a smaller one, or for fewer at once."
    ),
    GaveUp: later(
        "Sorry: the work on this broke off {attempts} times, so it has been given up. "
        "Ask again later, or for a smaller picture."
    ),
    Interrupted: later("The service was stopped while it worked on this. Ask again."),
    Internal: later("Something unexpected went wrong, and it is not your doing. Try again in a moment."),
    NotFound: later("This {what} is not there any more: {id}. Choose another one, or start a new scene."),
    NotAScene: later(
        "No scene can be read from this file: {reason}. "
        "Take a picture that was made here, or Canvas code as text."
    ),
    StorageFailed: later(
        "Nothing can be stored or read just now: {detail}. Check the disk and the database."
    ),
    DatabaseAway: later(
        "The database does not answer just now. What you have asked for is not lost; try again in a moment."
    ),
}

# What canvas, storage and engine name by a key.
_NAMES: Mapping[str, str] = {
    # settings
    "width_px": later("The width in pixels"),
    "height_px": later("The height in pixels"),
    "count": later("The number of pictures"),
    "seed": later("The seed"),
    "steps": later("The number of steps"),
    "guidance": later("The guidance"),
    "composer": later("The composer"),
    "renderer": later("The renderer"),
    "regions": later("The number of regions"),
    # a region's fields
    "description": later("The description"),
    "location": later("The location"),
    "offset": later("The offset"),
    "area": later("The area"),
    "color": later("The colour"),
    "distance_to_viewer": later("The distance to the viewer"),
    # what can be missing
    "turn": later("request"),
    "revision": later("scene"),
    "image": later("picture"),
    "region": later("region"),
    "file": later("file"),
    # why a backend cannot be used
    "not-in-this-version": later("it comes with a later version"),
    "needs-gpu-extra": later(
        'libraries are missing where it runs; install them: pip install "omost-bot[gpu]"'
    ),
    "no-model-named": later("no model is named; name one as model under [transformers] in the settings"),
    "no-server-named": later(
        "no server is named; name one as base_url and model under [openai] in the settings"
    ),
    # why a model on a server does not answer
    "unreachable": later("its server cannot be reached"),
    "cut-off": later("its server hung up before it answered"),
    "silent": later("its server said nothing in time"),
    "overloaded": later("its server has too much to do, or is still starting"),
    "server-error": later("its server broke while answering"),
    "empty-reply": later("its server answered without a word"),
    "no-credit": later("the credit or quota of its account is used up"),
    "refused-key": later("its server does not take the key; put another one into OMOST_OPENAI__API_KEY"),
    "no-such-model": later("its server does not have the model; see model under [openai] in the settings"),
    "wrong-address": later("something else answers at its address; base_url usually ends in /v1"),
    "bad-request": later("its server does not take the request; see grammar under [openai], and the log"),
    "not-understood": later("what its server sends is not OpenAI's protocol; see base_url under [openai]"),
    "too-long": later(
        "the scene, the request and the answer together are longer than it can read; "
        "see max_tokens and context_tokens under [openai]"
    ),
    # why a model of our own cannot be loaded or does not go on
    "needs-bitsandbytes": later(
        "quantised weights need bitsandbytes: pip install bitsandbytes, or see model and quantisation"
    ),
    "model-unknown": later(
        "there is no folder and no model on the hub of that name; see model in the settings"
    ),
    "revision-unknown": later("the hub has the model, but not that revision; see revision in the settings"),
    "model-gated": later("the hub wants its licence accepted there, and your token in HF_TOKEN"),
    "model-offline": later("offline is set, and the model is not wholly on this machine"),
    "hub-unreachable": later("the hub cannot be reached; see mirror and offline in the settings"),
    "disk-full": later("the disk has no room for its weights"),
    "model-without-safetensors": later("its weights are there as pickles only, and those are never loaded"),
    "model-needs-code": later("it wants program code of its own run, and that is never done"),
    "model-unreadable": later("its files are broken, or of a kind that transformers does not know"),
    "model-not-sdxl": later("it is no base model of SDXL; take RealVisXL V4.0, or another one of SDXL's"),
    "model-incomplete": later("parts of it are missing; fetch it anew, or take another"),
    "model-several-files": later("it consists of several checkpoints; name one of the files"),
    "model-no-template": later("it is not known how to talk to it; set template in the settings"),
    "no-such-device": later("there is no such device; see device in the settings"),
    "not-enough-memory": later("it does not fit into the memory; see quantisation and context_tokens"),
    "model-failed": later("it broke while writing; the log says why"),
    # why a file holds no scene
    "not-an-image": later("it is neither a picture nor text"),
    "no-scene-inside": later("there is none in it"),
    "damaged": later("it is damaged or cut off"),
    "too-large": later("it is too large"),
    "newer-version": later("a newer version of omost-bot made it"),
}

_PASSING = frozenset(
    ("unreachable", "cut-off", "silent", "overloaded", "server-error", "empty-reply", "hub-unreachable")
)
"""Reasons that may be gone in a moment."""


def language_of(locale: str) -> Language:
    """The language to answer in for a locale such as `zh-Hans-CN` or `de_DE.UTF-8`."""
    return "zh" if locale.lower().replace("_", "-").split("-")[0] == "zh" else "en"


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
        sentence = _ERRORS.get(type(error))
        if sentence is None:
            return self.unexpected()
        return self.text(sentence, **self._parts(error)).rstrip()

    def unexpected(self) -> str:
        """For an error that nobody foresaw; its details are the log's."""
        return self.text(_ERRORS[Internal])

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

    def repair(self, repair: Repair) -> str:
        """One thing that was mended while reading Canvas code."""
        if repair.what == BROKEN_OFF:
            sentence = later("line {line}: the composer's answer broke off here")
        elif repair.used:
            sentence = later("line {line}: {what} “{found}” became “{used}”")
        else:
            sentence = later("line {line}: {what} “{found}” was left out")
        return self.text(sentence, line=repair.line, what=repair.what, found=repair.found, used=repair.used)

    def backend_reason(self, reason: str) -> str:
        """Why a composer or renderer cannot be used, from a key of `engine.backends`; empty when it can."""
        return self.named(reason)

    def named(self, key: str) -> str:
        """A setting, thing or reason in words, from its key in the engine or storage."""
        return self.text(_NAMES[key]) if key in _NAMES else key

    def _parts(self, error: BaseException) -> dict[str, object]:
        parts: dict[str, object] = dict(vars(error))
        match error:
            case BadSetting(name=name):
                parts["name"] = self.named(name)
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
        if reason in _PASSING:
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
        _first(message.id): _forms(message.string) for message in catalog if message.id and message.string
    }


def _first(text: str | list[str] | tuple[str, ...]) -> str:
    return _forms(text)[0]


def _forms(text: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def _shortened(text: str) -> str:
    return text if len(text) <= _QUOTED_CHARS else text[: _QUOTED_CHARS - 1] + "…"
