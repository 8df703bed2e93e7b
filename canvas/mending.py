"""Makes descriptions of the calls that the scanner found, and says what was mended on the way.

What can be understood is used; what is missing takes a default; a name that nobody can read is a
`CanvasError`.
"""

import math
import sys
from collections.abc import Callable, Mapping
from typing import Final

from canvas.errors import CanvasError
from canvas.items import Argument, RawCall, Unreadable
from canvas.model import GlobalDescription, LocalDescription
from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS
from canvas.reading import nearest_name, read_area, read_color, read_location, read_offset
from canvas.signatures import GLOBAL_METHOD, LOCAL_METHOD, PARAMETERS, parameter_of
from canvas.source import Source, shorten

DEFAULT_DISTANCE: Final = 5.0
_DISTANCE_WORDS: Final[Mapping[str, float]] = {
    "near": 2.0,
    "close": 2.0,
    "foreground": 2.0,
    "middle": 5.0,
    "medium": 5.0,
    "far": 10.0,
    "distant": 10.0,
    "background": 10.0,
}
_NEAREST: Final = 0.1


def read_global(call: RawCall, source: Source) -> GlobalDescription | None:
    """The global description of a call, or None where it has no text to start from.

    Raises:
        CanvasError: The colour cannot be read.
    """
    arguments = _Arguments(call, GLOBAL_METHOD, source)
    description = arguments.description()
    if description is None:
        return None
    return GlobalDescription(
        description=description,
        detailed_descriptions=arguments.texts("detailed_descriptions"),
        tags=arguments.text("tags"),
        color=arguments.name("HTML_web_color_name", read_color, COLORS, "white"),
    )


def read_local(call: RawCall, source: Source, color: str) -> LocalDescription | None:
    """The local description of a call, or None where it is cut off before its place and text.

    A missing colour becomes `color`.

    Raises:
        CanvasError: A name cannot be read.
    """
    arguments = _Arguments(call, LOCAL_METHOD, source)
    if not call.closed and not arguments.has("location", "description"):
        return None
    description = arguments.description()
    if description is None:
        return None
    return LocalDescription(
        location=arguments.name("location", read_location, LOCATIONS, "in the center"),
        offset=arguments.name("offset", read_offset, OFFSETS, "no offset"),
        area=arguments.name("area", read_area, AREAS, "a medium-sized square area"),
        distance_to_viewer=arguments.distance(),
        description=description,
        detailed_descriptions=arguments.texts("detailed_descriptions"),
        tags=arguments.text("tags"),
        atmosphere=arguments.text("atmosphere"),
        style=arguments.text("style"),
        quality_meta=arguments.text("quality_meta"),
        color=arguments.name("HTML_web_color_name", read_color, COLORS, color),
    )


class _Arguments:
    """A call's arguments by parameter, each read as the kind that it should be."""

    def __init__(self, call: RawCall, method: str, source: Source) -> None:
        self._source = source
        self._offset = call.offset
        self._values: dict[str, str | float | tuple[str, ...]] = {}
        self._offsets: dict[str, int] = {}
        for index, argument in enumerate(call.arguments):
            name = self._parameter(argument, index, method)
            if name is not None and argument.value is not None and not isinstance(argument.value, Unreadable):
                self._values[name] = argument.value
                self._offsets[name] = argument.offset

    def _parameter(self, argument: Argument, index: int, method: str) -> str | None:
        if not argument.name:
            parameters = PARAMETERS[method]
            return parameters[index] if index < len(parameters) else None
        name = parameter_of(argument.name, method)
        if name != argument.name:
            self._source.mend(argument.offset, "argument", argument.name, name or "")
        return name

    def has(self, *names: str) -> bool:
        """Whether all of these parameters have a value that can be read."""
        return all(name in self._values for name in names)

    def description(self) -> str | None:
        """The description, or the first words of what else the call says."""
        if self.has("description"):
            return self.text("description")
        for name in ("detailed_descriptions", "tags"):
            words = next(iter(self.texts(name)), "") if self.has(name) else ""
            if words.strip():
                self._mend("description", "", words)
                return words
        return None

    def text(self, name: str) -> str:
        """A text; other values are written out, a missing one is empty."""
        value = self._values.get(name)
        match value:
            case str():
                return value
            case tuple():
                joined = (", " if name == "tags" else " ").join(value)
                self._mend(name, "a list", joined)
                return joined
            case None:
                self._mend(name, "", "")
                return ""
            case _:
                self._mend(name, f"{value:g}", f"{value:g}")
                return f"{value:g}"

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; a single text is a list of one."""
        value = self._values.get(name)
        if isinstance(value, tuple):
            return value
        if isinstance(value, str):
            if name == "detailed_descriptions":
                self._mend(name, "one string", "a list")
            return (value,) if value else ()
        self._mend(name, "" if value is None else f"{value:g}", "[]")
        return ()

    def distance(self) -> float:
        """The distance to the viewer: positive and finite."""
        value = self._values.get("distance_to_viewer")
        number = _number(value) if isinstance(value, str) else value
        found = "" if value is None else str(value)
        if not isinstance(number, float) or math.isnan(number):
            self._mend("distance_to_viewer", found, str(DEFAULT_DISTANCE))
            return DEFAULT_DISTANCE
        mended = min(max(abs(number), _NEAREST if number <= 0 else 0.0), sys.float_info.max)
        if not isinstance(value, float) or mended != number:
            self._mend("distance_to_viewer", found, str(mended))
        return mended

    def name(
        self, name: str, reader: Callable[[str], str | None], table: Mapping[str, object], default: str
    ) -> str:
        """A name of the language, as near as can be to what was written.

        Raises:
            CanvasError: There is a text, and nothing in it can be read.
        """
        value = self._values.get(name)
        if value is None or value in ("", ()):
            self._mend(name, "", default)
            return default
        found = value if isinstance(value, str) else _flat(value)
        if found in table:
            return found
        read = reader(found)
        if read is None:
            line, column = self._source.position(self._offsets[name])
            message = f"{name} {shorten(found)!r} is not a name of the Canvas language."
            raise CanvasError(message, line=line, column=column, suggestion=nearest_name(found, table))
        self._mend(name, found, read)
        return read

    def _mend(self, name: str, found: str, used: str) -> None:
        self._source.mend(self._offsets.get(name, self._offset), name, found, used)


def _flat(value: float | tuple[str, ...]) -> str:
    return " ".join(value) if isinstance(value, tuple) else f"{value:g}"


def _number(text: str) -> float | None:
    """The number that a text holds, or that its word for a distance stands for."""
    word = next((word for word in _DISTANCE_WORDS if word in text.lower()), None)
    try:
        return float(text[:40])
    except ValueError:
        return _DISTANCE_WORDS[word] if word else None
