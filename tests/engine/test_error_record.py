"""Errors that survive in the store."""

import pytest

from canvas import CanvasError
from engine import errors
from engine.error_record import REPORTABLE, Reportable, from_record, to_record
from storage.errors import DatabaseAway, NotAScene, NotFound, StorageError, StorageFailed

SAMPLES = [
    errors.EmptyPrompt(),
    errors.NoPictureYet(),
    errors.PromptTooLong(10_000, 2_000),
    errors.NotUnderstood("屏風 qwx", ("frog", "heron")),
    errors.BadSetting("seed", -1, "0-4294967295"),
    errors.SceneTooLong(),
    errors.LoraDoesNotFit("ink"),
    errors.Blocked(),
    errors.NotChecked(),
    errors.Busy(),
    errors.NotAllowed(),
    errors.NotYours(),
    errors.NotModerator(),
    errors.TooManyWaiting(6, 40),
    errors.QueueFull(90),
    errors.QuotaUsedUp("pictures-per-day", 20, 3600),
    errors.OutOfMemory(),
    errors.GaveUp(5),
    errors.Unavailable("sdxl", "no-sdxl-set-up"),
    errors.ComposeFailed(3, 14, "no global description", keeps_previous=True),
    errors.Interrupted(),
    errors.Internal(),
    NotFound("revision", "abc"),
    NotAScene("damaged"),
    StorageFailed("disk full"),
    DatabaseAway("connection refused"),
    CanvasError("unknown location", line=2, column=9, suggestion="on the left"),
]


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_with_its_data(error: Reportable):
    """The class, the attributes and the message are those that were recorded."""
    again = from_record(to_record(error))
    assert (type(again), vars(again), str(again)) == (type(error), vars(error), str(error))


def test_every_error_that_people_are_told_of_is_among_the_samples():
    """No class of our own is left out of the test above."""

    def family(kind: type) -> set[type]:
        return {kind}.union(*(family(child) for child in kind.__subclasses__()))

    kinds = set().union(*(family(root) for root in REPORTABLE))
    ours = {kind for kind in kinds if kind.__module__.split(".")[0] in {"canvas", "engine", "storage"}}
    ours -= {errors.EngineError, errors.Refused, StorageError}  # which are never raised themselves
    assert ours == {type(sample) for sample in SAMPLES}


def test_a_value_that_json_does_not_know_is_kept_as_words():
    """A setting's value of any kind is recorded, if only as its `repr`."""
    again = from_record(to_record(errors.BadSetting("seed", 1 + 2j, "0-1")))
    assert isinstance(again, errors.BadSetting)
    assert again.value == "(1+2j)"


@pytest.mark.parametrize(
    "record",
    [
        "",
        "[]",
        "{",
        '{"error": "Gone", "data": {}}',
        '{"error": "Busy", "data": {"x": 1}}',
        '{"error": "Busy", "data": []}',
        '{"error": [], "data": {}}',
    ],
)
def test_a_record_of_another_version_is_internal(record: str):
    """What cannot be restored is `Internal`, never an exception."""
    assert isinstance(from_record(record), errors.Internal)
