"""What DBOS logs is found in our log, however it was put."""

import logging

import pytest
from dbos import error
from structlog.testing import capture_logs

from engine.jobs.log import log_to_structlog


@pytest.fixture
def dbos():
    """DBOS's logger."""
    log_to_structlog()
    return logging.getLogger("dbos")


@pytest.mark.parametrize(("write", "level"), [("warning", "warning"), ("error", "error")])
def test_what_is_said_is_passed_on(dbos, write, level):
    """With its level, once, however often the jobs were begun."""
    log_to_structlog()
    with capture_logs() as logs:
        getattr(dbos, write)("%d queues are %s", 2, "away")
    assert [(entry["log_level"], entry["detail"]) for entry in logs] == [(level, "2 queues are away")]


@pytest.mark.parametrize("arguments", [("no number",), (1, 2)])
def test_arguments_that_do_not_fit_are_left_out(dbos, arguments):
    """Whoever logs goes on, and the words are there."""
    record = dbos.makeRecord("dbos", logging.WARNING, __file__, 1, "%d queues", arguments, None)
    (ours,) = (each for each in dbos.handlers if type(each).__module__ == log_to_structlog.__module__)
    with capture_logs() as logs:
        ours.handle(record)  # not by the logger: pytest listens there too, and would raise
    assert [entry["detail"] for entry in logs] == ["%d queues"]


def test_what_was_called_off_is_no_error(dbos):
    """It is what somebody wanted."""
    with capture_logs() as logs:
        dbos.error("a workflow has failed", exc_info=error.DBOSWorkflowCancelledError("t1 was cancelled"))
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("job_called_off", "info")]
