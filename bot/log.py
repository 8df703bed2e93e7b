"""Where the log goes: standard error, one line an event."""

import sys

import structlog


def configure_log(level: str) -> None:
    """Writes events of `level` (`debug`, `info`, `warning`, `error`) and above, from now on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # the other formatter, rich's, takes seconds for a traceback and shows the values of all variables
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_stderr_logger,
    )


def _stderr_logger(*_: object) -> structlog.PrintLogger:
    return structlog.PrintLogger(sys.stderr)  # which may be another file by now
