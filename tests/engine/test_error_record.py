"""Errors that survive in the store."""

import pytest

from canvas import CanvasError
from engine import errors
from engine.error_record import REPORTABLE, Reportable, from_record, to_record
from storage.errors import NotAScene, NotFound, StorageFailed

SAMPLES = [
    errors.EmptyPrompt(),
    errors.PromptTooLong(10_000, 2_000),
    errors.NotUnderstood("屏風 qwx", ("frog", "heron")),
    errors.BadSetting("seed", -1, "0-4294967295"),
    errors.Busy(),
    errors.Unavailable("sdxl", "not-in-this-version"),
    errors.ComposeFailed(3, 14, "no global description"),
    errors.Interrupted(),
    errors.Internal(),
    NotFound("revision", "abc"),
    NotAScene("damaged"),
    StorageFailed("disk full"),
    CanvasError("unknown location", line=2, column=9, suggestion="on the left"),
]


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_with_its_data(error: Reportable):
    """The class, the attributes and the message are those that were recorded."""
    again = from_record(to_record(error))
    assert (type(again), vars(again), str(again)) == (type(error), vars(error), str(error))


def test_every_error_that_people_are_told_of_is_among_the_samples():
    """No class of our own is left out of the test above."""

    def leaves(kind: type) -> set[type]:
        children = kind.__subclasses__()
        return {kind} if not children else set().union(*(leaves(child) for child in children))

    ours = {
        kind
        for root in REPORTABLE
        for kind in leaves(root)
        if kind.__module__.split(".")[0] in {"canvas", "engine", "storage"}
    }
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
