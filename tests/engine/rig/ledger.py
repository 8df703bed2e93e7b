"""The ledger: what the processes of the rig have done, one line each, in a file that survives them."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    Attributes:
        at_s: Seconds since the epoch.
        what: `begin`, `piece`, `end`, `stopped`, `stored`, or for a process `up`.
    """

    at_s: float
    pid: int
    turn_id: str
    stage: str
    what: str


class Ledger:
    """Appends lines, each in one write, so that those of several processes never mix."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, turn_id: str, stage: str, what: str) -> None:
        line = json.dumps([time.time(), os.getpid(), turn_id, stage, what]) + "\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def entries(self, turn_id: str | None = None) -> list[Entry]:
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines()
        entries = [Entry(*json.loads(line)) for line in lines]
        return [entry for entry in entries if turn_id in (None, entry.turn_id)]

    def has(self, turn_id: str, stage: str, what: str) -> bool:
        return any((entry.stage, entry.what) == (stage, what) for entry in self.entries(turn_id))

    def count(self, turn_id: str, stage: str, what: str) -> int:
        return sum((entry.stage, entry.what) == (stage, what) for entry in self.entries(turn_id))

    def repeated(self) -> list[Entry]:
        """The stages that were begun although their result had been stored."""
        stored: set[tuple[str, str]] = set()
        repeated: list[Entry] = []
        for entry in self.entries():
            key = (entry.turn_id, entry.stage)
            if entry.what == "stored":
                stored.add(key)
            elif entry.what == "begin" and key in stored:
                repeated.append(entry)
        return repeated
