"""The promises of docs/security.md each have a test."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROMISES = re.findall(
    r"`([\w/]+\.py)(?:::(\w+))?` \|$", (ROOT / "docs/security.md").read_text("utf-8"), re.MULTILINE
)


@pytest.mark.parametrize(("file", "name"), PROMISES)
def test_each_promise_has_its_test(file, name):
    """The file is there, and the test or class of tests in it."""
    tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
    named = {node.name for node in ast.walk(tree) if hasattr(node, "name")}
    assert not name or name in named


def test_promises_are_found():
    """The table's form has not changed behind this test's back."""
    assert len(PROMISES) > 20
