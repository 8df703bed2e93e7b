"""The fuzzers' inputs, each once: what was found stays found, without the fuzzer."""

from pathlib import Path

import pytest

from tests.fuzz.targets import read_file, read_model_text

CORPUS = Path(__file__).parent / "corpus"


def inputs(target: str) -> list[Path]:
    found = sorted((CORPUS / target).iterdir())
    assert found, f"there is no corpus for {target}"
    return found


@pytest.mark.parametrize("path", inputs("canvas"), ids=lambda path: path.name)
def test_any_text_is_read_or_refused(path):
    """As a canvas or with a `CanvasError`, in pieces as in one."""
    read_model_text(path.read_bytes())


@pytest.mark.parametrize("path", inputs("scene_file"), ids=lambda path: path.name)
def test_any_file_is_read_or_refused(path):
    """As a scene or with `NotAScene`."""
    read_file(path.read_bytes())
