"""The wheel: what is in it, and that it runs where nothing else of ours is."""

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from PIL import Image

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = ("bot", "canvas", "engine", "storage")
NEEDED = (
    "bot/config.toml",
    "bot/locales/zh/LC_MESSAGES/omost.po",
    "bot/web/style.css",
    "bot/web/icons/dice.svg",
    "engine/composer/planner/data/nouns.toml",
    "engine/renderer/sdxl/tiny/unet/diffusion_pytorch_model.fp16.safetensors",
    "engine/renderer/storyboard/data/Han.ttf",
    "engine/renderer/storyboard/data/icons.json.gz",
    "storage/migrations/env.py",
    "storage/migrations/versions/v0001_first_tables.py",
)
# A library that is a part of another one's interface, and comes with that.
COMES_WITH = {
    "aiohttp": "discord-py",
    "httpx": "python-telegram-bot",
    "jinja2": "torch",
    "pydantic-core": "pydantic",
    "tqdm": "huggingface-hub",
}
WAIT_S = 300


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel as a release has it, built without a network by what is in this environment."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=WAIT_S)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    """A folder with what an installation puts into site-packages."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def elsewhere(unpacked, tmp_path, monkeypatch):
    """An empty folder, and an interpreter that finds the wheel's modules before those of the checkout."""
    for name in [name for name in os.environ if name.startswith("OMOST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(unpacked))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def omost_bot(*arguments):
    """What a command prints; it has to succeed."""
    command = [sys.executable, "-P", "-m", "bot", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WAIT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_has_every_file_of_the_packages(wheel):
    """The wheel holds all files of the four packages, whole, its licences, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        sizes = {each.filename: each.file_size for each in archive.infolist()}
    files = [path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file()]
    expected = {
        str(path.relative_to(ROOT)): path.stat().st_size for path in files if "__pycache__" not in path.parts
    }
    about = {name: size for name, size in sizes.items() if ".dist-info/" in name}
    assert {name: size for name, size in sizes.items() if name not in about} == expected
    assert set(NEEDED) <= set(expected)
    assert {"LICENSE", "NOTICE", "entry_points.txt"} <= {name.rpartition("/")[2] for name in about}


def test_the_wheel_paints_from_an_empty_folder(elsewhere, unpacked):
    """Outside of the checkout `imagine` composes and paints, and leaves nothing behind but the picture."""
    where = "import bot, storage; print(bot.__file__, storage.__file__)"
    found = subprocess.run([sys.executable, "-P", "-c", where], capture_output=True, text=True, check=True)
    assert all(path.startswith(str(unpacked)) for path in found.stdout.split())
    assert omost_bot("imagine", "Happy Children's Day", "-o", "x.png") == "x.png\n"
    assert [path.name for path in elsewhere.iterdir()] == ["x.png"]
    with Image.open("x.png") as picture:
        assert picture.size == (896, 1152)
        assert "omost-scene" in picture.info


def test_the_wheel_serves_its_page_from_an_empty_folder(elsewhere, monkeypatch):
    """Outside of the checkout `config` prints the settings, and with them `web` serves the page."""
    text = omost_bot("config")
    assert text == (ROOT / "config.toml").read_text(encoding="utf-8")
    (elsewhere / "config.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("OMOST_WEB__PORT", "0")
    command = [sys.executable, "-P", "-m", "bot", "web"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            line = process.stdout.readline().decode()
            assert "http://" in line, process.stderr.read().decode()
            page = httpx.get(re.search(r"http://[\w.:]+", line)[0], timeout=WAIT_S)
        finally:
            process.terminate()
            process.communicate(timeout=WAIT_S)
    assert process.returncode == 0
    assert page.status_code == 200
    assert (elsewhere / "data" / "omost.db").is_file()


def test_everything_that_is_imported_is_declared():
    """Each library that the packages import is in the wheel's dependencies, or in its extra for models."""
    trees = [ast.parse(path.read_bytes()) for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) if not node.level}
    lines = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["gpu"]]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    distributions = packages_distributions()
    for name in {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names) - set(PACKAGES):
        found = {canonicalize_name(each) for each in distributions[name]}
        assert {COMES_WITH.get(each, each) for each in found} & declared, name


def test_only_tested_pythons_are_stated():
    """The Python versions that are stated are the ones that every check runs with, which is this one."""
    stated = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if " Python :: 3." in line]
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in stated
    every = [f"3.{minor}" for minor in range(30)]
    assert list(SpecifierSet(PROJECT["requires-python"]).filter(every)) == stated
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(f"Python {version}" in readme for version in stated)
