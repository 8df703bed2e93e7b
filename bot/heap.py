"""How a process that lives for months keeps its memory small.

glibc gives large blocks back to the system when they are freed, until the first of them is: from then on it
takes blocks of that size, pictures among them, out of its heaps, where whatever small lies behind them keeps
them for ever. See mallopt(3).
"""

import ctypes
import os
import sys
from typing import Final

LARGE_BYTES: Final = 256 * 1024
"""From this size on a block is given back as soon as it is freed."""
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3


def give_back_large_blocks() -> None:
    """Has the C library keep to its first habit, where it is glibc and the environment says nothing of it."""
    tuned = "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if sys.platform != "linux" or tuned or any(name.startswith("MALLOC_") for name in os.environ):
        return
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        for threshold in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
            mallopt(threshold, LARGE_BYTES)
