"""DBOS's log as events of ours."""

import logging
from typing import Final

import structlog
from dbos import error

_NAME: Final = "dbos"
_CALLED_OFF: Final = (error.DBOSWorkflowCancelledError, error.DBOSAwaitedWorkflowCancelledError)
_LET_GO: Final = "no longer owned by this execution"
"""What DBOS says of a stage that was called off, or that another process has taken over."""
_log = structlog.get_logger()


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Passes the record on; what DBOS calls an error may be one that the jobs recover from."""
        said = _said(record)
        failure = record.exc_info[1] if record.exc_info else None
        if isinstance(failure, _CALLED_OFF):
            _log.info("job_called_off", detail=str(failure))
        elif _LET_GO in said:
            _log.info("job_let_go", detail=said)
        else:
            write = _log.error if record.levelno >= logging.ERROR else _log.warning
            write("jobs_engine", detail=said, exc_info=record.exc_info)


def _said(record: logging.LogRecord) -> str:
    """The record's message; without its arguments where they do not fit, which is no fault of who logs."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - an argument can fail in any way when it is written
        return str(record.msg)


def log_to_structlog() -> None:
    """To be called before DBOS starts, which writes to the console when nobody listens."""
    logger = logging.getLogger(_NAME)
    logger.propagate = False
    if not any(isinstance(handler, _ToStructlog) for handler in logger.handlers):
        logger.addHandler(_ToStructlog(logging.WARNING))
