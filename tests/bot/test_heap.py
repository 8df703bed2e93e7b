"""The heap: what large blocks took is the system's again, whatever small ones lie between them."""

import os
import platform
import subprocess
import sys

import pytest

HOLES = """
import sys
import psutil
from bot.heap import give_back_large_blocks

if sys.argv[1] == "given back":
    give_back_large_blocks()
large = bytearray(24 << 20)  # the first one that is freed decides where the others come from
del large
before = psutil.Process().memory_info().rss
small, large = [], []
for _ in range(100):
    large.append(bytearray(2 << 20))
    small.append(bytes(60_000))  # too long for a hole that the imports left: it lies behind the large one
large.clear()
print((psutil.Process().memory_info().rss - before) >> 20)
"""


def kept_mb(how: str, **variables: str) -> int:
    """What a process keeps of 200 MB that it has freed."""
    own = ("MALLOC_", "GLIBC_TUNABLES")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    ended = subprocess.run(
        [sys.executable, "-c", HOLES, how],
        env=environment | variables,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    )
    return int(ended.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has other habits")
def test_large_blocks_are_given_back() -> None:
    """The heap keeps next to nothing of them, where otherwise it keeps nearly all; the environment wins."""
    assert kept_mb("as it is") > 150
    assert kept_mb("given back") < 20
    assert kept_mb("given back", MALLOC_MMAP_THRESHOLD_=str(32 << 20)) > 150
    assert kept_mb("given back", GLIBC_TUNABLES=f"glibc.malloc.mmap_threshold={32 << 20}") > 150
