"""Where each revision of a conversation stands in the picture of its version tree.

Time runs from left to right; a branch gets a row of its own. How that is drawn, each adapter knows.
"""

from collections.abc import Sequence
from typing import NamedTuple

from storage.records import Revision


class Place(NamedTuple):
    """Where a revision stands in the tree."""

    column: int
    row: int


def places(revisions: Sequence[Revision]) -> dict[str, Place]:
    """Lays the tree out: a first child goes on in its parent's row, every other one opens a row below.

    Args:
        revisions: Oldest first, so parents come before their children.
    """
    laid: dict[str, Place] = {}
    continued: set[str] = set()
    rows = 0
    for revision in revisions:
        parent = revision.parent_id
        if parent in laid and parent not in continued:
            continued.add(parent)
            laid[revision.id] = Place(laid[parent].column + 1, laid[parent].row)
            continue
        column = laid[parent].column + 1 if parent in laid else 0
        laid[revision.id] = Place(column, rows)
        rows += 1
    return laid
