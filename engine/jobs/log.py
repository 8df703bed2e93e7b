"""DBOS's log as events of ours."""

import logging

import structlog

_NAME = "dbos"
_log = structlog.get_logger()


class _ToStructlog(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Passes the record on; what DBOS calls an error may be one that the jobs recover from."""
        write = _log.error if record.levelno >= logging.ERROR else _log.warning
        write("jobs_engine", detail=record.getMessage(), exc_info=record.exc_info)


def log_to_structlog() -> None:
    """To be called before DBOS starts, which writes to the console when nobody listens."""
    logger = logging.getLogger(_NAME)
    logger.propagate = False
    if not any(isinstance(handler, _ToStructlog) for handler in logger.handlers):
        logger.addHandler(_ToStructlog(logging.WARNING))
