"""A process that has imported everything and forks bots and workers, so that they start in no time.

    python -m tests.engine.rig.nursery       with a socket as its standard input

A message on the socket is the arguments of a process, as JSON, with its three standard files; the answer is
the process's id. It ends with its socket; what it has forked lives on.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[3]
MESSAGE_BYTES = 65_536


class Nursery:
    """The test's end of it.

    Args:
        root: Of the source tree that its processes run.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    def __enter__(self) -> Self:
        self._socket, theirs = socket.socketpair()
        command = [sys.executable, "-m", "tests.engine.rig.nursery"]
        self._process = subprocess.Popen(command, cwd=self._root, stdin=theirs)
        theirs.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._process.wait()

    def fork(self, arguments: Sequence[str], files: Sequence[int]) -> int:
        """Starts a process; blocks for some milliseconds, the first time for some seconds.

        Args:
            arguments: The program, `bot` or `worker`, and what it is given.
            files: Its standard input, output and error.

        Returns:
            Its id.
        """
        socket.send_fds(self._socket, [json.dumps(arguments).encode()], list(files))
        return int(self._socket.recv(MESSAGE_BYTES))


def serve(desk: socket.socket) -> None:
    """Forks what is asked for; returns in this process alone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    while True:
        message, files, *_ = socket.recv_fds(desk, MESSAGE_BYTES, 3)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            desk.close()
            _become(json.loads(message), files)
        for file in files:
            os.close(file)
        desk.send(str(pid).encode())


def _become(arguments: list[str], files: list[int]) -> None:
    """The forked process from here on."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    program, *rest = arguments
    try:
        {"bot": bot.main, "worker": worker.main}[program](*rest)
    except BaseException:  # noqa: BLE001 - it must not go on as a nursery
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    from tests.engine.rig import bot, worker

    serve(socket.socket(fileno=os.dup(0)))
