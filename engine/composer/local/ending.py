"""A reply under a grammar that comes to its limit is closed there, so that it is whole nevertheless."""

import codecs
from collections.abc import Callable
from itertools import product
from typing import Final

from engine.composer.local.masks import CanvasMask

_CLOSING_TOKENS: Final = 640
"""So far before the limit it begins to look for room: more than the longest closing has bytes."""


class Ending:
    """Follows a reply and refuses the token after which it could no longer be closed within its limit.

    Args:
        mask: Where the reply stands in its grammar; `admits` moves it on.
        closing: What is missing of a text that is cut off, or None to admit everything.
        limit_tokens: How long the reply may be, with its closing.

    Attributes:
        ids: The tokens that close the reply, where that was looked at and there is room for them.
    """

    def __init__(self, mask: CanvasMask, closing: Callable[[str], str] | None, limit_tokens: int) -> None:
        self._mask = mask
        self._closing = closing
        self._left = limit_tokens
        self._text = bytearray()
        self.ids = self._look()

    def admits(self, token: int) -> bool:
        """Whether a token is taken; if so the reply goes on after it, if not it goes on with `ids`."""
        self._mask.consume((token,))
        self._text += self._mask.bytes_of(token)
        self._left -= 1
        ids = self._look()
        if ids is None and self.ids is not None and self._left < _CLOSING_TOKENS:
            self._mask.rollback(1)
            return False
        self.ids = ids
        return True

    def _look(self) -> list[int] | None:
        if self._closing is None or self._left > _CLOSING_TOKENS:
            return None
        filler = _rest_of_character(bytes(self._text))
        text = (bytes(self._text) + filler).decode(errors="replace")
        ids = self._mask.tokens_of(filler + self._closing(text).encode())
        return ids if ids is not None and len(ids) <= self._left else None


def _rest_of_character(text: bytes) -> bytes:
    """What makes a character of one that is cut off; empty where none is."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(text)
    begun = decoder.getstate()[0]
    for length in range(4):
        for bytes_ in product(b"\x80\x90\xa0", repeat=length):
            if _is_text(begun + bytes(bytes_)):
                return bytes(bytes_)
    return b""


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
