"""What can go wrong on the way from a request to a picture, by who can act.

    EngineError
    ├── Refused          the person changes the request
    │   ├── EmptyPrompt
    │   ├── NoPictureYet
    │   ├── PromptTooLong
    │   ├── SceneTooLong
    │   ├── LoraDoesNotFit
    │   ├── NotUnderstood
    │   ├── BadSetting
    │   ├── Blocked
    │   ├── Busy
    │   ├── NotAllowed
    │   ├── NotYours
    │   ├── NotModerator
    │   ├── TooManyWaiting
    │   ├── QueueFull
    │   └── QuotaUsedUp
    ├── NotChecked       the classifier of requests failed; the operator acts
    ├── Unavailable      the operator acts
    ├── ComposeFailed    the composer wrote no canvas
    ├── OutOfMemory      the picture does not fit into the painter's memory, however thriftily painted
    ├── GaveUp           the request has stopped its worker too often
    ├── Interrupted      the service stopped in the middle; the person asks again
    └── Internal         nobody foresaw it; the operator finds it in the log

Canvas code that cannot be read is `canvas.CanvasError`; a missing row is `storage.NotFound`. The exceptions
carry data, never sentences for people: those stand in `bot.replies`, in every language.
"""


class EngineError(Exception):
    """Anything the engine reports to a person."""


class Refused(EngineError):
    """The request cannot be served as it is; the person can change it."""


class EmptyPrompt(Refused):
    """The prompt has no word or emoji in it."""


class NoPictureYet(Refused):
    """The conversation has no picture that anything could be done with."""


class PromptTooLong(Refused):
    """The prompt has more characters than are allowed."""

    def __init__(self, found_chars: int, allowed_chars: int) -> None:
        super().__init__(f"the prompt has {found_chars} characters; {allowed_chars} are allowed")
        self.found_chars = found_chars
        self.allowed_chars = allowed_chars


class SceneTooLong(Refused):
    """The scene has more words than the composer can hold beside its answer."""


class LoraDoesNotFit(Refused):
    """A LoRA is made for another kind of checkpoint, or its file cannot be read.

    Attributes:
        name: The LoRA.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"the LoRA {name!r} does not fit")
        self.name = name


class NotUnderstood(Refused):
    """The composer found nothing in the request that it can act on.

    Attributes:
        text: The part of the request that was not understood.
        known: What the request could have named, for example the things in the scene.
    """

    def __init__(self, text: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(f"not understood: {text!r}")
        self.text = text
        self.known = known


class BadSetting(Refused):
    """A setting is outside of its range.

    Attributes:
        name: The setting, a field of `storage.SceneSettings`.
        value: What was asked for.
        allowed: The range or the names, readable in any language, for example `256-2048`.
    """

    def __init__(self, name: str, value: object, allowed: str) -> None:
        super().__init__(f"{name} is {value!r}; allowed: {allowed}")
        self.name = name
        self.value = value
        self.allowed = allowed


class Blocked(Refused):
    """The operator lets nothing of the kind be painted; which word it was is not told."""


class Busy(Refused):
    """What is shown is still being worked on."""


class NotAllowed(Refused):
    """The operator does not serve this person."""


class NotYours(Refused):
    """Only the author and the moderators may do that."""


class NotModerator(Refused):
    """Only moderators may do that."""


class TooManyWaiting(Refused):
    """The person has as many open requests as one person may have.

    Attributes:
        limit: How many that are.
        free_in_s: Seconds until one of them is done, as far as can be told.
    """

    def __init__(self, limit: int, free_in_s: int) -> None:
        super().__init__(f"{limit} requests are open; one is done in about {free_in_s} s")
        self.limit = limit
        self.free_in_s = free_in_s


class QueueFull(Refused):
    """Everybody together has as many open requests as are taken.

    Attributes:
        free_in_s: Seconds until there is room, as far as can be told.
    """

    def __init__(self, free_in_s: int) -> None:
        super().__init__(f"the queue is full; there is room in about {free_in_s} s")
        self.free_in_s = free_in_s


class QuotaUsedUp(Refused):
    """The person has had today what one person may have in a day.

    Attributes:
        kind: `pictures-per-day` or `gpu-s-per-day`, for which `bot.replies` has words.
        limit: How many.
        back_in_s: Seconds until the next day begins, in UTC.
    """

    def __init__(self, kind: str, limit: int, back_in_s: int) -> None:
        super().__init__(f"{limit} {kind} are used up; the next day begins in {back_in_s} s")
        self.kind = kind
        self.limit = limit
        self.back_in_s = back_in_s


class NotChecked(EngineError):
    """Whether the request may be composed could not be found out, so it is not; the log says why."""


class Unavailable(EngineError):
    """A backend cannot be used here; the operator can change that.

    Attributes:
        backend: The composer's or renderer's name.
        reason: One of the keys that `bot.replies` has words for, for example `needs-gpu-extra`.
    """

    def __init__(self, backend: str, reason: str) -> None:
        super().__init__(f"{backend} is not available: {reason}")
        self.backend = backend
        self.reason = reason


class ComposeFailed(EngineError):
    """The composer answered, but without a canvas.

    Attributes:
        line: Where the first unreadable thing stands in the reply, counted from 1.
        column: Likewise.
        detail: What is wrong there, in English, as the parser says it.
        keeps_previous: Whether there is a scene before it, which stays as it is.
    """

    def __init__(self, line: int, column: int, detail: str, *, keeps_previous: bool = False) -> None:
        super().__init__(f"line {line}, column {column}: {detail}")
        self.line = line
        self.column = column
        self.detail = detail
        self.keeps_previous = keeps_previous


class OutOfMemory(EngineError):
    """The picture does not fit into the renderer's memory."""


class GaveUp(EngineError):
    """The request was tried again and again, and each time its worker died or fell silent.

    Attributes:
        attempts: How often it was tried.
    """

    def __init__(self, attempts: int) -> None:
        super().__init__(f"given up after {attempts} attempts")
        self.attempts = attempts


class Interrupted(EngineError):
    """The service was stopped while it worked on the request."""


class Internal(EngineError):
    """Something went wrong that nobody foresaw; the log has it with its traceback."""
