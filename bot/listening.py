"""Listening at an address: for the chat page, and for those who watch the bot."""

import contextlib
import socket
from collections.abc import Generator
from typing import cast


class AddressUnavailable(Exception):
    """Nothing can be served there: the port is taken, or the host is not this machine's.

    Attributes:
        reason: In the words of the operating system.
    """

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"{host}:{port}: {reason}")
        self.host = host
        self.port = port
        self.reason = reason


@contextlib.contextmanager
def listen(host: str, port: int) -> Generator[socket.socket]:
    """A socket that is bound before anything else is opened: a taken port is told at once.

    Raises:
        AddressUnavailable: The port is taken, or the host is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:  # the second of what cannot be a host's name
        raise AddressUnavailable(host, port, getattr(error, "strerror", None) or str(error)) from error
    with listener:
        # a port whose last owner has just ended is free; one that is listened on is still refused
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen()
        except OSError as error:
            raise AddressUnavailable(host, port, error.strerror or str(error)) from error
        yield listener


@contextlib.contextmanager
def listen_if_named(host: str, port: int) -> Generator[socket.socket | None]:
    """As `listen` does; nothing is listened on for port 0.

    Raises:
        AddressUnavailable: As `listen` does.
    """
    if not port:
        yield None
        return
    with listen(host, port) as listener:
        yield listener


def address_of(listener: socket.socket) -> str:
    """What to type into a browser on this machine."""
    return url_of(*cast("tuple[str, int]", listener.getsockname()[:2]))


def url_of(host: str, port: int) -> str:
    """Where this machine itself finds what listens there, perhaps at all of its addresses."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
