"""The data folder: whether it can be written, and how much room there is."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bot.doctor.findings import Case, Finding, gigabytes

ENOUGH_BYTES: Final = 2_000_000_000


def disk(case: Case) -> Iterator[Finding]:
    """The data folder with the pictures in it, or where it will be made."""
    folder, words = case.settings.data_dir, case.words
    images = folder / "images"
    for path in (images, folder):
        if os.path.isfile(path):  # noqa: PTH113 - as in `existing`
            yield _failure(case, words.text("Data: {folder} is a file, not a folder.", folder=path))
            return
    closed = next((path for path in (existing(images), existing(folder)) if not _is_writable(path)), None)
    if closed:
        yield _failure(
            case,
            words.text("Data: {folder} cannot be written by {user}.", folder=closed.absolute(), user=_user()),
        )
        return
    yield _room(case, folder)


def existing(path: Path) -> Path:
    """The path, or the folder in which it, and all that leads to it, would be made."""
    path = path.absolute()
    while not os.path.exists(path) and path != path.parent:  # noqa: PTH110 - Path.exists raises where it may not look
        path = path.parent
    return path


def _room(case: Case, folder: Path) -> Finding:
    words, free_bytes = case.words, shutil.disk_usage(existing(folder)).free
    named = {"folder": folder.absolute(), "free": gigabytes(free_bytes)}
    if folder.exists():
        summary = words.text("Data: {folder}, {free} free.", **named)
    else:
        summary = words.text("Data: {folder}, which the first start makes; {free} free.", **named)
    if free_bytes >= ENOUGH_BYTES:
        return Finding("disk", "ok", summary)
    advice = words.text("Make room, or let old pictures go: pictures_days under [retention] in the settings.")
    return Finding("disk", "warning", summary, advice)


def _failure(case: Case, summary: str) -> Finding:
    advice = case.words.text(
        "Name another folder as data_dir in the settings, or give it to who runs the bot."
    )
    return Finding("disk", "failure", summary, advice)


def _is_writable(path: Path) -> bool:
    return path.is_dir() and os.access(path, os.W_OK | os.X_OK)


def _user() -> str:
    return os.environ.get("USER") or f"uid {os.geteuid()}"
