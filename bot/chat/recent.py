"""What is remembered of much: the newest entries."""

from collections import OrderedDict
from typing import TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Recent(OrderedDict[_Key, _Value]):
    """A dict that forgets the oldest entry where there are more than `most`."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def note(self, key: _Key, value: _Value) -> None:
        """Remembers the value, as the newest."""
        self[key] = value
        self.move_to_end(key)
        while len(self) > self._most:
            self.popitem(last=False)
