"""An exception as text that survives in the store, and back.

Every error that a person is told of carries its data in attributes named like its constructor's arguments, so
the class's name and the attributes are all there is to keep.
"""

import json
from collections.abc import Iterator
from typing import Any, cast

from canvas.errors import CanvasError
from engine.errors import EngineError, Internal
from storage.errors import StorageError

Reportable = EngineError | StorageError | CanvasError
"""What a person can be told; anything else is a mistake in the program."""

REPORTABLE = (EngineError, StorageError, CanvasError)


def to_record(error: Reportable) -> str:
    """The error's class and data as JSON; what JSON does not know is kept as its `repr`."""
    data = {name: value for name, value in vars(error).items() if not name.startswith("_")}
    return json.dumps({"error": type(error).__name__, "data": data}, default=repr)


def from_record(record: str) -> Reportable:
    """The error that was recorded; `Internal` for one that this version does not know."""
    try:
        values = json.loads(record)
        kind, data = _known()[values["error"]], cast("dict[str, Any]", values["data"])
        return kind(**{name: _restored(value) for name, value in data.items()})
    except (AttributeError, KeyError, TypeError, ValueError):
        return Internal()


def _restored(value: object) -> Any:
    """The value with a tuple where JSON made a list."""
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value


def _known() -> dict[str, type[Reportable]]:
    return {kind.__name__: kind for root in REPORTABLE for kind in _family(root)}


def _family(root: type[Reportable]) -> Iterator[type[Reportable]]:
    yield root
    for child in root.__subclasses__():
        yield from _family(child)
