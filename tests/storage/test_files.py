"""Picture files in a real folder."""

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.errors import NotFound
from storage.files import ImageFiles


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_named_by_its_content(tmp_path: Path):
    """The key is the SHA-256 of the bytes, and the file lies in a folder of its first two digits."""
    files = ImageFiles(tmp_path)
    key = files.save(b"picture")
    assert key == hashlib.sha256(b"picture").hexdigest()
    assert files.path(key) == tmp_path / key[:2] / f"{key}.png"
    assert files.path(key).read_bytes() == b"picture"


def test_the_same_picture_is_one_file(tmp_path: Path):
    """Saving the same bytes many times at once leaves one file and nothing half written."""
    files = ImageFiles(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(files.save, [b"picture" * 10_000] * 8))
    assert len(set(keys)) == 1
    assert files_in(tmp_path) == [files.path(keys[0])]


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path):
    """A save that fails raises the system's error and leaves no file behind."""
    key = hashlib.sha256(b"picture").hexdigest()
    (tmp_path / key[:2]).write_text("in the way")
    with pytest.raises(OSError, match=r"exists|directory"):
        ImageFiles(tmp_path).save(b"picture")
    assert files_in(tmp_path) == [tmp_path / key[:2]]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path):
    """A write that stops in the middle raises and leaves no file, neither whole nor temporary."""
    import resource  # noqa: PLC0415 - Windows has none

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            ImageFiles(tmp_path).save(b"picture" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("key", ["", "0" * 64, "../../etc/passwd", "A" * 64, "0" * 63 + "/"])
def test_no_other_name_finds_a_file(tmp_path: Path, key: str):
    """A key that was not given out is not found, whatever is written in it."""
    with pytest.raises(NotFound):
        ImageFiles(tmp_path).path(key)
