"""The grammar of canonical Canvas code, for constrained decoding.

In the Lark dialect of llguidance, made from the same tables as the parser and the writer. A model that
decodes under it writes code of the form that `canvas.language.write` gives, in a fence, and nothing else.
"""

from collections.abc import Iterable
from typing import Final

from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS
from canvas.signatures import GLOBAL_METHOD, LOCAL_METHOD, PARAMETERS

MAX_COMMENT_CHARS: Final = 200

_VALUES: Final = {
    "location": "location",
    "offset": "offset",
    "area": "area",
    "distance_to_viewer": "NUMBER",
    "detailed_descriptions": "texts",
    "HTML_web_color_name": "color",
}
"""What stands for each parameter; for all others a text."""

# As Python prints them: texts in either quote with escapes, positive numbers from 1e-299 to 1e+299.
_TERMINALS: Final = r"""
texts: "[]" | "[\n" text_line+ "    ]"
text_line: "        " TEXT ",\n"
TEXT: /'([^'\\\x00-\x1f\x7f]|\\(['"\\nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}))*'/
    | /"([^"\\\x00-\x1f\x7f]|\\(['"\\nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}))*"/
NUMBER: /[1-9][0-9]{0,16}\.[0-9]{1,24}/ | /0\.[0-9]{0,23}[1-9]/ | LARGE_OR_SMALL
LARGE_OR_SMALL: /[1-9](\.[0-9]{1,17})?e(\+(1[6-9]|[2-9][0-9]|[12][0-9]{2})|-(0[5-9]|[1-9][0-9]|[12][0-9]{2}))/
"""


def grammar(*, comments: bool = True, chat: bool = False) -> str:
    """The grammar of one scene in a python fence.

    Args:
        comments: Whether a comment stands above each call, as the models were trained to write; without them
            a scene takes fewer tokens.
        chat: Whether prose without backticks may stand before and after the scene, or instead of it.
    """
    rules = [
        "start: CHAT? scene CHAT? | CHAT" if chat else "start: scene",
        _scene(comments=comments),
        _call("global", GLOBAL_METHOD),
        _call("local", LOCAL_METHOD),
        _one_of("location", LOCATIONS),
        _one_of("offset", OFFSETS),
        _one_of("area", AREAS),
        _one_of("color", COLORS),
        _TERMINALS.strip(),
    ]
    if comments:
        rules.append(f"COMMENT: /[^\\n]{{1,{MAX_COMMENT_CHARS}}}/")
    if chat:
        rules.append("CHAT: /[^`]+/")
    return "\n".join(rules) + "\n"


def _scene(*, comments: bool) -> str:
    first, second, further = (
        (
            "# Initialize the canvas\\n",
            "# Set a global description for the canvas\\n",
            '"# Add " COMMENT "\\n" ',
        )
        if comments
        else ("", "", "")
    )
    return (
        f'scene: "```python\\n{first}canvas = Canvas()\\n\\n{second}" global_call addition* "```"\n'
        f'addition: "\\n" {further}local_call'
    )


def _call(name: str, method: str) -> str:
    arguments = (
        f'"    {parameter}=" {_VALUES.get(parameter, "TEXT")} ",\\n"' for parameter in PARAMETERS[method]
    )
    return f'{name}_call: "canvas.{method}(\\n" {" ".join(arguments)} ")\\n"'


def _one_of(name: str, names: Iterable[str]) -> str:
    return f"{name}: " + " | ".join(f"\"'{each}'\"" for each in names)
