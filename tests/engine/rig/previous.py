"""The previous version of the program: the present one with every function of the jobs written otherwise."""

import ast
import shutil
from pathlib import Path

from tests.engine.rig.nursery import ROOT

PARTS = ("canvas", "storage", "engine", "tests/engine/rig")


def previous_version(folder: Path) -> Path:
    """Makes a source tree whose jobs do the same with other code, as after any change; gives its root."""
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    files = [*(folder / "engine" / "jobs").glob("*.py"), folder / "engine" / "stages.py"]
    changed = sum(_change(file) for file in files)
    assert changed > 20
    return folder


def _change(file: Path) -> int:
    """Puts a statement in front of the body of each function; gives how many there were."""
    lines = file.read_text(encoding="utf-8").splitlines()
    tree = ast.parse("\n".join(lines))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    bodies = [each.body[0] for each in functions if each.body[0].lineno > each.lineno]
    for body in sorted(bodies, key=lambda body: -body.lineno):
        lines.insert(body.lineno - 1, f"{' ' * body.col_offset}_previous = True")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(bodies)
