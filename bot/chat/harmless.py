"""Words of people and models without the characters that would reach beyond them.

Some characters are not seen and act on what stands around them: they turn the direction of the text that
follows, or hide it. Others pile up marks until they cover the lines above. These go, and nothing else does.
"""

import re
from typing import Final

_UNSEEN: Final = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_PILE: Final = re.compile(
    "([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)


def harmless(text: str) -> str:
    """The text without control characters, turned directions, hidden tags and piles of marks."""
    return _PILE.sub(r"\1", _UNSEEN.sub("", text))
