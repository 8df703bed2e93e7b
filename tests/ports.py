"""Ports for what cannot say which one it was given."""

import random
import socket
from contextlib import ExitStack

_CHOICE = random.SystemRandom()
_FIRST, _LAST = 20_000, 32_000
"""Below those that systems give to whoever asks for any: nothing else that tests start takes one of these."""


def free_ports(count: int) -> list[int]:
    """Different ones, on which nothing listens."""
    found: list[int] = []
    with ExitStack() as stack:
        while len(found) < count:
            port = _CHOICE.randint(_FIRST, _LAST)
            try:
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            found.append(port)
    return found


def free_port() -> int:
    """One."""
    return free_ports(1)[0]
