"""Which backends there are, and what happens when one is not there."""

import subprocess
import sys

import pytest

from engine.backends import COMPOSERS, RENDERERS, composers, make_composer, make_renderer, renderers
from engine.errors import BadSetting, Unavailable


def test_all_backends_are_listed_and_the_embedded_ones_usable():
    """Every name is listed once, in order; those that work here have no reason against them."""
    assert tuple(backend.name for backend in composers()) == COMPOSERS
    assert tuple(backend.name for backend in renderers()) == RENDERERS
    usable = [backend.name for backend in (*composers(), *renderers()) if not backend.reason]
    assert usable == ["embedded", "storyboard"]


def test_what_is_listed_as_usable_can_be_made():
    """Each usable backend is made; each other one is `Unavailable` with the listed reason."""
    for backends, make in ((composers(), make_composer), (renderers(), make_renderer)):
        for backend in backends:
            if not backend.reason:
                make(backend.name)
                continue
            with pytest.raises(Unavailable) as caught:
                make(backend.name)
            assert (caught.value.backend, caught.value.reason) == (backend.name, backend.reason)


@pytest.mark.parametrize(("make", "kind"), [(make_composer, "composer"), (make_renderer, "renderer")])
def test_a_name_that_nobody_has_is_a_bad_setting(make, kind: str):
    """The refusal names the names that there are."""
    with pytest.raises(BadSetting) as caught:
        make("oil")
    assert (caught.value.name, caught.value.value) == (kind, "oil")
    assert "embedded" in caught.value.allowed or "storyboard" in caught.value.allowed


def test_importing_the_studio_loads_no_backend():
    """The studio knows its backends by name; their modules and torch are not imported with it."""
    code = "import engine.studio, sys; print(*[m for m in sys.modules if m.startswith(('engine.', 'torch'))])"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "engine.studio" in modules
    assert not {"torch", "engine.composer.embedded", "engine.renderer.storyboard"} & set(modules)
