"""What there is to compute with: GPUs by their driver, and by torch, which is loaded in a child process."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Final

PATIENCE_S: Final = 7.0
_DRIVERS_PATIENCE_S: Final = 2.0

_ASKED: Final = "name,driver_version,memory.total"
_MEBIBYTE: Final = 1 << 20


class TorchBroken(Exception):
    """torch is installed and cannot be loaded.

    Attributes:
        detail: Its last words; empty where it said nothing in time.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU, as its driver tells."""

    label: str
    driver: str
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Device:
    """A device, as torch tells: `cuda:0`, `mps` or `cpu`."""

    name: str
    label: str
    free_bytes: int
    total_bytes: int
    has_bfloat16: bool

    @property
    def kind(self) -> str:
        """`cuda`, `mps` or `cpu`."""
        return self.name.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Torch:
    """What torch finds.

    Attributes:
        cuda: The version that it was built for; empty without.
        devices: The best first, the CPU last.
    """

    version: str
    cuda: str
    devices: tuple[Device, ...]

    def device(self, name: str) -> Device | None:
        """The one that a setting names, if it is here."""
        if name == "auto":
            return self.devices[0]
        wanted = "cuda:0" if name == "cuda" else name
        return next((device for device in self.devices if device.name == wanted), None)


def cards() -> tuple[Card, ...]:
    """NVIDIA's GPUs; none where the driver's own program is not installed, or says nothing."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    command = [program, f"--query-gpu={_ASKED}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(  # noqa: S603 - found above, and asked nothing else
            command, capture_output=True, text=True, check=True, timeout=_DRIVERS_PATIENCE_S
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [line.split(", ") for line in done.stdout.splitlines()]
    return tuple(
        Card(row[0], row[1], int(row[2]) * _MEBIBYTE if row[2].isdigit() else 0)
        for row in rows
        if len(row) == 3
    )


def torch_here() -> Torch:
    """What torch finds; blocking, for some seconds.

    Raises:
        TorchBroken: It cannot be loaded.
    """
    # -P: whatever is called `bot` in the working directory is not this program
    command = [sys.executable, "-P", "-m", "bot.doctor.probe"]
    try:
        done = subprocess.run(  # noqa: S603 - this program itself
            command, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired as error:
        raise TorchBroken("") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise TorchBroken(lines[-1])
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    devices = tuple(Device(**each) for each in told["devices"])
    return Torch(told["torch"], told["cuda"], devices)
