"""Regions that a change must not touch, as people lock and unlock them."""

from canvas.model import Canvas


def lock_line(description: str) -> str:
    """A region as a line of `SceneSettings.locked` names it."""
    return description.strip()


def locks_of(locked: str) -> frozenset[str]:
    """The lines of `SceneSettings.locked`."""
    return frozenset(line for line in locked.splitlines() if line)


def locked_in(canvas: Canvas, locks: frozenset[str]) -> str:
    """`SceneSettings.locked` for a change of a scene: without what is not in it any more."""
    lines = (lock_line(local.description) for local in canvas.local_descriptions)
    return "\n".join(dict.fromkeys(line for line in lines if line in locks))
