"""Where the log goes: standard error, an event a line, without secrets and without what people asked for.

Libraries' warnings go the same way, and so does an error that nobody has caught.
"""

import logging
import re
import sys
import threading
from collections.abc import Collection, Iterable
from functools import partial
from types import TracebackType
from typing import Final, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["text", "json"]

HIDDEN: Final = "***"
MIN_SECRET_CHARS: Final = 4
"""What is shorter stands in too many words to be hidden in all of them."""

_PATTERNS: Final = (
    (re.compile(r"\bbot\d{4,}:[\w-]{20,}"), "bot" + HIDDEN),  # in the addresses of Telegram's Bot API
    (re.compile(r"\b\d{6,}:[\w-]{30,}"), HIDDEN),  # such a token alone
    (re.compile(r"(?<=://)[^/\s@]*:[^/\s@]*(?=@)"), HIDDEN),  # name and password in an address
    (re.compile(r"(?i)\b(bearer|bot) +[\w.~+/=-]{20,}"), r"\1 " + HIDDEN),  # a header
    (re.compile(r"(?i)(?<=[?&])((?:api_)?key|token|password|secret)=[^&\s'\"]+"), r"\1=" + HIDDEN),
    # PostgreSQL's details repeat rows
    (re.compile(r"(?ms)^DETAIL: .*?(?=^\[SQL|^(?:The above|During handling of)|\Z)"), f"DETAIL: {HIDDEN}\n"),
    (re.compile(r"(?m)^\[parameters: .*$"), "[parameters: " + HIDDEN),  # of SQLAlchemy, which repeats values
)

_log = structlog.get_logger()


def configure_log(
    level: str, *, style: Format = "text", prompts: bool = False, secrets: Collection[str] = ()
) -> None:
    """Sets the log up, from now on.

    Args:
        level: The least that is written: `debug`, `info`, `warning` or `error`.
        style: Lines for people, or one JSON object on each line.
        prompts: Whether what people asked for is written; it is told under the key `prompt` alone.
        secrets: Are written nowhere, whatever they stand in.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if prompts else [_without_prompts]),
            structlog.processors.format_exc_info,
            partial(_without_secrets, tuple(found for found in secrets if len(found) >= MIN_SECRET_CHARS)),
            _renderer(style),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_stderr_logger,
    )
    _take_over_logging()
    sys.excepthook, threading.excepthook = _log_crash, _log_thread_crash


def _renderer(style: Format) -> Processor:
    if style == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=repr)
    # the other formatter, rich's, takes seconds for a traceback and shows the values of all variables
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _stderr_logger(*_: object) -> structlog.WriteLogger:
    return structlog.WriteLogger(cast("TextIO", sys.stderr))  # which may be another file by now


# --- what is not written ------------------------------------------------------------------------------


def _without_prompts(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event.pop("prompt", None)
    return event


def _without_secrets(
    secrets: Collection[str], _logger: WrappedLogger, _method: str, event: EventDict
) -> EventDict:
    return {name: masked(value, secrets) for name, value in event.items()}


def masked(value: object, secrets: Collection[str]) -> object:
    """The value without these secrets, and without what looks like a token or a password."""
    match value:
        case None | bool() | int() | float():
            return value
        case dict():
            items = cast("dict[object, object]", value).items()
            return {str(name): masked(inner, secrets) for name, inner in items}
        case list() | tuple() | set() | frozenset():
            return [masked(inner, secrets) for inner in cast("Iterable[object]", value)]
        case _:
            text = value if isinstance(value, str) else repr(value)
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


# --- what others write --------------------------------------------------------------------------------


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Passes a library's record on."""
        write = _log.error if record.levelno >= logging.ERROR else _log.warning
        write("library", logger=record.name, detail=_detail(record), exc_info=record.exc_info)


def _detail(record: logging.LogRecord) -> str:
    """What a record says; a library whose values do not fit its sentence must not fail because of that."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args}"


def _take_over_logging() -> None:
    """What libraries warn of becomes events; what they merely tell does not: some tell whole addresses."""
    root = logging.getLogger()
    if not any(isinstance(handler, _ToStructlog) for handler in root.handlers):
        root.addHandler(_ToStructlog(logging.WARNING))


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Instead of the interpreter's own words, which know no secrets."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        _log.critical("crashed", exc_info=(kind, error, trace))


def _log_thread_crash(crash: threading.ExceptHookArgs) -> None:
    """As `_log_crash` does, of a thread: the process lives on without it."""
    if not issubclass(crash.exc_type, SystemExit):
        _log.error("thread_crashed", thread=crash.thread and crash.thread.name, exc_info=crash.exc_value)
