"""What is not composed: what holds a word of the operator's list, or what the operator's classifier refuses.

A request is looked at as text and never followed. The list sees through case, width and characters that
nobody sees, but not through misspellings and look-alikes of other scripts: those are a classifier's work.
"""

import asyncio
import importlib
import inspect
import re
import threading
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import cast

import structlog

from canvas.model import Canvas
from engine.errors import Blocked, NotChecked
from engine.orders import Compose

CLASSIFIER_TIMEOUT_S = 10.0
MOST_MARKS = 30
"""Marks on one letter beyond these are not looked at, as in the stream-safe format of UAX 15.

To bring them into their order takes time that grows with the square of their number.
"""

Verdict = bool | str
"""What a classifier says of a text: False or "" lets it pass, True or the name of what it found does not."""
Classifier = Callable[[str], Verdict | Awaitable[Verdict]]

# Beside the characters of Unicode's category Cf, what takes no room on the screen.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# Scripts with no spaces between words, or endings hung on them: Thai, Lao, Burmese, Khmer, CJK, Korean.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u318f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED_CHAR = re.compile(f"[{_UNSPACED}]")
_LETTER = rf"[^\W_{_UNSPACED}]"
"""A letter or digit of a script with spaces between words."""

_log = structlog.get_logger()


class ClassifierNotFound(Exception):
    """The configured classifier cannot be loaded.

    Attributes:
        name: As it was given, `package.module:function`.
        detail: What is wrong with it, in English.
    """

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name
        self.detail = detail


def load_classifier(name: str) -> Classifier:
    """The function that `package.module:function` names.

    Raises:
        ClassifierNotFound: There is no such module or function, or its module fails.
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except Exception as error:  # an operator's module can fail in any way
        raise ClassifierNotFound(name, f"{type(error).__name__}: {error}") from error
    if not callable(found):
        raise ClassifierNotFound(name, f"{function} cannot be called")
    return cast("Classifier", found)


class Safety:
    """Looks at what is asked for before anything is composed.

    Example:
        safety = Safety(["forbidden word"], load_classifier("our.filters:is_unsafe"))
        await safety.check(prompt)
    """

    def __init__(
        self,
        block: Iterable[str] = (),
        classifier: Classifier | None = None,
        *,
        timeout_s: float = CLASSIFIER_TIMEOUT_S,
    ) -> None:
        """Refuses what holds a word or phrase of `block`, and what the classifier does not let pass in time.

        A word of a script with spaces is found as a whole word, one of another script wherever it stands.
        Without both, everything passes.
        """
        patterns = [_pattern(phrase) for phrase in map(_plain, block) if phrase]
        self._blocked = re.compile("|".join(patterns)) if patterns else None
        self._classifier = classifier
        self._timeout_s = timeout_s

    def check_words(self, text: str) -> None:
        """The part that takes no time: the list.

        Raises:
            Blocked: A word or phrase of the list stands in the text.
        """
        if self._blocked and self._blocked.search(_plain(text)):
            raise Blocked

    async def check(self, text: str) -> None:
        """Refuses what must not be composed.

        Raises:
            Blocked: A word of the list stands in the text, or the classifier does not let it pass.
            NotChecked: The classifier failed or did not answer in time; so the text must not be composed.
        """
        self.check_words(text)
        if self._classifier and await self._verdict(self._classifier, text):
            raise Blocked

    async def _verdict(self, classifier: Classifier, text: str) -> Verdict:
        try:
            async with asyncio.timeout(self._timeout_s):
                verdict = await _answer(classifier, text)
        except Exception as error:  # whatever an operator's function raises, the log hears of it
            _log.error("classifier_failed", exc_info=error)
            raise NotChecked from error
        if not isinstance(verdict, bool | str):
            _log.error("classifier_failed", verdict=type(verdict).__name__, allowed="bool or str")
            raise NotChecked
        if verdict:
            _log.info("request_blocked", verdict=verdict)
        return verdict


def texts_of(canvas: Canvas) -> str:
    """All that a scene's descriptions say, for `Safety.check`."""
    scene = canvas.global_description
    texts = [scene.description, *scene.detailed_descriptions, scene.tags]
    for local in canvas.local_descriptions:
        texts += [local.description, *local.detailed_descriptions, local.tags]
        texts += [local.atmosphere, local.style, local.quality_meta]
    return "\n".join(text for text in texts if text)


def words_of(order: Compose) -> str:
    """All that somebody wants composed: their words, and the scene from elsewhere that they shall change."""
    return order.prompt if order.canvas is None else f"{order.prompt}\n{texts_of(order.canvas)}"


async def _answer(classifier: Classifier, text: str) -> object:
    """What the classifier says; one that is no coroutine function is asked in a thread."""
    asked = (
        classifier(text) if _is_coroutine_function(classifier) else await _in_thread(lambda: classifier(text))
    )
    return await asked if inspect.isawaitable(asked) else asked


def _is_coroutine_function(classifier: Classifier) -> bool:
    return inspect.iscoroutinefunction(classifier) or inspect.iscoroutinefunction(type(classifier).__call__)


async def _in_thread(call: Callable[[], object]) -> object:
    """The call's result, from its own thread: one that never answers holds up neither others nor the end."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[object] = loop.create_future()

    def settle(value: object, error: Exception | None) -> None:
        if result.done():
            return  # nobody waits for it any more
        if error:
            result.set_exception(error)
        else:
            result.set_result(value)

    def run() -> None:
        value, failure = None, None
        try:
            value = call()
        except Exception as error:  # noqa: BLE001 - raised where the result is awaited
            failure = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, value, failure)

    threading.Thread(target=run, name="classifier", daemon=True).start()
    return await result


def _plain(text: str) -> str:
    """The text as it is compared: what nobody sees left out, one width, one case."""
    folded = unicodedata.normalize("NFKC", "".join(_seen(text))).casefold()
    return unicodedata.normalize("NFKC", folded).strip()


def _seen(text: str) -> Iterator[str]:
    """The characters that are seen, with so many marks on a letter as can be told apart."""
    marks = 0
    for char in _UNSEEN.sub("", text):
        if unicodedata.category(char) == "Cf":
            continue
        marks = marks + 1 if _is_mark(char) else 0
        if marks <= MOST_MARKS:
            yield char


@lru_cache(4096)
def _is_mark(char: str) -> bool:
    """Whether a character, or what it is made of, belongs to the one before it."""
    return unicodedata.combining(unicodedata.normalize("NFKD", char)[0]) > 0


def _pattern(phrase: str) -> str:
    """A pattern for a plain phrase, whatever stands between its words."""
    before = rf"(?<!{_LETTER})" if re.match(_LETTER, phrase[0]) else ""
    after = rf"(?!{_LETTER})" if re.match(_LETTER, phrase[-1]) else ""
    return before + r"[\W_]+".join(map(_word_pattern, phrase.split())) + after


def _word_pattern(word: str) -> str:
    """Spaces may stand between characters that have none between words."""
    pattern = ""
    for last, char in zip(" " + word, word, strict=False):
        between = r"\s*" if _UNSPACED_CHAR.match(last) and _UNSPACED_CHAR.match(char) else ""
        pattern += between + re.escape(char)
    return pattern
