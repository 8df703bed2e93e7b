"""A stand-in for systemctl: starts and ends what unit files say, with the environment that they say.

    systemctl.py FOLDER COMMAND NAME...

FOLDER has the unit files in `etc/systemd/system`; logs and process ids come into `run`. Restarts, users and
the fences of a service are systemd's own and not done here.
"""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import psutil

FOLDER = Path(sys.argv[1])
RUN = FOLDER / "run"


class Unit:
    """A service by its name, as `omost-bot` or `omost-bot-worker@gpu-1`."""

    def __init__(self, name):
        self.name = name.removesuffix(".service")
        template, at, instance = self.name.partition("@")
        text = (FOLDER / "etc/systemd/system" / f"{template}{at}.service").read_text(encoding="utf-8")
        lines = text.replace("\\\n", " ").replace("%i", instance).splitlines()
        self.says = [line.partition("=")[::2] for line in lines if "=" in line and line[0] not in "#["]
        self.pid_file = RUN / f"{self.name}.pid"

    def all(self, key):
        return [value for name, value in self.says if name == key]

    def process(self):
        """The running process, or None."""
        try:
            process = psutil.Process(int(self.pid_file.read_text(encoding="utf-8")))
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        except (FileNotFoundError, psutil.NoSuchProcess):
            return None

    def environment(self):
        found = {"PATH": os.environ["PATH"]}
        for value in self.all("Environment"):
            found |= dict(each.split("=", 1) for each in shlex.split(value))
        for value in self.all("EnvironmentFile"):
            path = Path(value.removeprefix("-"))
            if path.exists() or not value.startswith("-"):
                found |= dict(each.split("=", 1) for each in shlex.split(path.read_text(encoding="utf-8")))
        return found

    def start(self):
        assert self.process() is None, f"{self.name} runs already"
        (command,), (folder,) = self.all("ExecStart"), self.all("WorkingDirectory")
        with (RUN / f"{self.name}.log").open("ab") as log:
            started = subprocess.Popen(
                shlex.split(command),
                cwd=folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid_file.write_text(str(started.pid), encoding="utf-8")

    def stop(self):
        if process := self.process():
            process.send_signal(signal.Signals[self.all("KillSignal")[0]])
            process.wait(timeout=float(self.all("TimeoutStopSec")[0]))

    def restart(self):
        self.stop()
        self.start()

    def reload(self):
        (command,) = self.all("ExecReload")
        subprocess.run(shlex.split(command.replace("$MAINPID", str(self.process().pid))), check=True)

    def status(self):
        if not self.process():
            sys.exit(3)


def main():
    """Carries out one command, as systemctl would."""
    command, *rest = [word for word in sys.argv[2:] if word not in ("--now", "--no-pager")]
    named = {"enable": "start", "disable": "stop"}.get(command, command)
    RUN.mkdir(exist_ok=True)
    for name in rest:
        getattr(Unit(name), named)()


main()
