"""What a language model is told: the messages of a request, on any backend.

The person's words are only ever the content of a user message. Knows nothing of tokens or templates: how much
fits is asked of whoever counts them.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal

from canvas.language import write
from canvas.model import Canvas, GlobalDescription, LocalDescription
from canvas.names import AREAS, LOCATIONS, OFFSETS
from canvas.signatures import GLOBAL_METHOD, LOCAL_METHOD, PARAMETERS
from engine.composer import ComposeRequest, Exchange
from engine.errors import PromptTooLong, SceneTooLong

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message to or from a model."""

    role: Role
    content: str


Messages = tuple[Message, ...]


def messages(request: ComposeRequest, *, example: bool = False) -> Messages:
    """The request with its whole history, the system's text first.

    The scene as it stands is always the last answer, also where it was changed by hand or came as a file.
    Only a first answer to this request that could not be read comes after it.

    Args:
        request: What is asked for.
        example: Whether to explain the task and show an answer, for models not trained on Canvas code.
    """
    return _conversation(request, _with_current(request), example=example)


def fitting(request: ComposeRequest, fits: Callable[[Messages], bool], *, example: bool = False) -> Messages:
    """The messages of a request, shortened where they do not fit.

    What goes first is an answer that could not be read; what was wrong with it stays. When the whole history
    does not fit, the first request, the scene as it stands and the new instruction are told; when not even
    that does, the scene's own description takes the first request's place.

    Raises:
        PromptTooLong: The instruction is too long; it says how much of it would do.
        SceneTooLong: The scene is too long, whatever the instruction.
    """
    exchanges, short = _with_current(request), replace(request, rejected="")
    whole = ((request, exchanges), (short, exchanges))
    for asked, told in (*whole, *((short, condensed) for condensed in _condensed(exchanges, request))):
        conversation = _conversation(asked, told, example=example)
        if fits(conversation):
            return conversation
    raise _too_long(short, fits, example=example)


def in_fence(code: str) -> str:
    """Canvas code as an answer: in the fence that the models write."""
    return f"```python\n{code.rstrip()}\n```"


def is_english(text: str) -> bool:
    """Whether a text can pass for English: no letters beyond ASCII, no common words of another language.

    A false alarm costs one line of the prompt, so it errs on that side.
    """
    if any(char.isalpha() and not char.isascii() for char in text):
        return False
    return _FOREIGN_WORDS.isdisjoint(re.findall(r"[a-z]+", text.lower()))


def _conversation(request: ComposeRequest, told: Iterable[Exchange], *, example: bool) -> Messages:
    system = f"{SYSTEM_TEXT}\n\n{_task(request.language)}" if example else SYSTEM_TEXT
    shown = (Exchange(_EXAMPLE_PROMPT, write(_EXAMPLE)),) if example else ()
    said = [Message("system", system)]
    for exchange in (*shown, *told):
        said.append(Message("user", _asked(exchange.prompt)))
        said.append(Message("assistant", in_fence(exchange.code)))
    return (*said, *_request(request))


def _request(request: ComposeRequest) -> Messages:
    """The request itself; on the second try with the first answer, if it is told, and what was wrong."""
    asked, rejected = _asked(request.prompt), request.rejected.strip()
    if not request.correction:
        return (Message("user", asked),)
    corrected = _CORRECTION.format(request.correction.strip())
    if not rejected:
        return (Message("user", f"{asked}\n\n{corrected}"),)
    return Message("user", asked), Message("assistant", rejected), Message("user", corrected)


def _task(language: str) -> str:
    return f"{_TASK} {_REMARKS.format(_LANGUAGES.get(language, 'English'))}"


def _with_current(request: ComposeRequest) -> tuple[Exchange, ...]:
    if request.canvas is None:
        return request.history
    code = write(request.canvas)
    if not request.history:
        return (Exchange(request.canvas.global_description.description, code),)
    return (*request.history[:-1], replace(request.history[-1], code=code))


def _condensed(exchanges: tuple[Exchange, ...], request: ComposeRequest) -> tuple[tuple[Exchange, ...], ...]:
    if not exchanges:
        return ()
    current = Exchange(exchanges[0].prompt, exchanges[-1].code)
    if request.canvas is None:
        return ((current,),)
    return (current,), (replace(current, prompt=request.canvas.global_description.description),)


def _too_long(
    request: ComposeRequest, fits: Callable[[Messages], bool], *, example: bool
) -> PromptTooLong | SceneTooLong:
    shortest = _condensed(_with_current(request), request) or ((),)

    def does(chars: int) -> bool:
        shortened = replace(request, prompt=request.prompt[:chars])
        return any(fits(_conversation(shortened, told, example=example)) for told in shortest)

    if not does(0):
        return SceneTooLong()
    low, high = 0, len(request.prompt)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if does(middle) else (low, middle)
    return PromptTooLong(len(request.prompt), low)


def _asked(prompt: str) -> str:
    asked = prompt.strip()
    return asked if is_english(asked) else f"{asked}\n\n{_IN_ENGLISH}"


def _signature(method: str) -> str:
    arguments = (f"{parameter}: {_TYPES.get(parameter, 'str')}" for parameter in PARAMETERS[method])
    return f"    def {method}(self, {', '.join(arguments)}):"


def _one_of(parameter: str, names: Iterable[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return f"        assert {parameter} in [{listed}]"


_TYPES: Final = {"detailed_descriptions": "list[str]", "distance_to_viewer": "float"}

SYSTEM_TEXT: Final = "\n".join(
    (
        "You are a helpful AI assistant to compose images using the below python class `Canvas`:",
        "",
        "```python",
        "class Canvas:",
        _signature(GLOBAL_METHOD),
        "        pass",
        "",
        _signature(LOCAL_METHOD),
        _one_of("location", LOCATIONS),
        _one_of("offset", OFFSETS),
        _one_of("area", AREAS),
        "        assert distance_to_viewer > 0",
        "        pass",
        "```",
    )
)
"""The text that the Omost models were trained on, word for word."""

_TASK: Final = (
    "Answer each request with one python code block and nothing else: the whole scene, written as in the "
    "first answer below, with only literal arguments. First the global description, then one local "
    "description for each thing in the scene, each with its place, its size and a smaller distance_to_viewer "
    "the nearer it stands. When a change is asked for, write the whole scene again and keep everything else "
    "word for word."
)

_REMARKS: Final = "Any words outside of the code are for the person: write them in {}."

_LANGUAGES: Final = {"en": "English", "zh": "Chinese"}

_IN_ENGLISH: Final = "(Write all descriptions and tags in English, whatever language the request is in.)"

_CORRECTION: Final = (
    "(The last answer to this could not be read: {}. Write the whole code block again, without that mistake.)"
)

_EXAMPLE_PROMPT: Final = "a heron by a pond in spring"

_EXAMPLE: Final = Canvas(
    GlobalDescription(
        "A grey heron by a quiet pond in spring.",
        (
            "A heron stands at the edge of a still pond and waits for fish.",
            "Fresh reeds grow along the bank, and the morning sun lights the mist above the water.",
        ),
        "heron, pond, spring, reeds, morning, mist, still water",
        "lightgreen",
    ),
    (
        LocalDescription(
            "A still pond.",
            location="on the bottom",
            area="a large horizontal area",
            distance_to_viewer=8.0,
            detailed_descriptions=("The water mirrors the pale sky.", "Thin mist drifts over it."),
            tags="pond, still water, mist, reflection",
            atmosphere="Calm and cool.",
            style="Soft and natural.",
            quality_meta="Clear reflections.",
            color="lightsteelblue",
        ),
        LocalDescription(
            "A grey heron.",
            location="on the left",
            offset="slightly to the lower",
            area="a medium-sized vertical area",
            distance_to_viewer=3.0,
            detailed_descriptions=(
                "It stands on one leg.",
                "Its long neck is bent, and its eyes are on the water.",
            ),
            tags="heron, grey feathers, long neck, one leg",
            atmosphere="Patient and alert.",
            style="Realistic.",
            quality_meta="Fine detail in the feathers.",
            color="slategray",
        ),
    ),
)

_FOREIGN_WORDS: Final = frozenset(
    word
    for words in (
        "el los las una unos unas del con para por sobre junto muy que uma um da dos das em na ao",  # es, pt
        "il gli della nel nella sul sulla uno les des une un du et avec dans sur aux est sous",  # it, fr
        "der das ein eine einem einer einen und mit auf im vor neben unter ist het een voor naast",  # de, nl
        "och ett og nad przy ze bir ve ile yang dengan di seorang dan zai yi",  # sv, pl, tr, id, pinyin
    )
    for word in words.split()
)
