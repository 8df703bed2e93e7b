"""The two calls of the Canvas language and the arguments they take.

The names are those that the models were trained on; everywhere else the project uses the names of
`canvas.model`.
"""

import difflib
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

GLOBAL_METHOD: Final = "set_global_description"
LOCAL_METHOD: Final = "add_local_description"

PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        GLOBAL_METHOD: ("description", "detailed_descriptions", "tags", "HTML_web_color_name"),
        LOCAL_METHOD: (
            "location",
            "offset",
            "area",
            "distance_to_viewer",
            "description",
            "detailed_descriptions",
            "tags",
            "atmosphere",
            "style",
            "quality_meta",
            "HTML_web_color_name",
        ),
    }
)
"""Each method's parameters in the order in which they are written without keywords."""

KNOWN_NAMES: Final = tuple(sorted({name for names in PARAMETERS.values() for name in names}))
"""Every parameter of the language."""

_SYNONYMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "color": "HTML_web_color_name",
        "colour": "HTML_web_color_name",
        "colorname": "HTML_web_color_name",
        "colourname": "HTML_web_color_name",
        "htmlcolor": "HTML_web_color_name",
        "webcolor": "HTML_web_color_name",
        "depth": "distance_to_viewer",
        "distance": "distance_to_viewer",
        "desc": "description",
        "details": "detailed_descriptions",
        "mood": "atmosphere",
        "place": "location",
        "position": "location",
        "quality": "quality_meta",
        "size": "area",
        "tag": "tags",
    }
)


def method_of(name: str) -> str | None:
    """The method that a model meant by `name`, or None for something else than a call of the language."""
    folded = name.lower()
    if "glob" in folded or (folded.startswith("set") and "desc" in folded):
        return GLOBAL_METHOD
    if "loc" in folded or (folded.startswith("add") and "desc" in folded):
        return LOCAL_METHOD
    return None


@lru_cache(maxsize=1024)
def parameter_of(name: str, method: str) -> str | None:
    """The parameter of `method` that a model meant by `name`, or None where nothing is near."""
    parameters = PARAMETERS[method]
    if name in parameters:
        return name
    by_fold = {_fold(parameter): parameter for parameter in parameters}
    folded = _fold(name)
    meant = by_fold.get(folded) or _SYNONYMS.get(folded)
    if meant in parameters:
        return meant
    near = difflib.get_close_matches(folded[:40], by_fold, n=1, cutoff=0.75)
    return by_fold[near[0]] if near else None


def _fold(name: str) -> str:
    return name.lower().replace("_", "")
