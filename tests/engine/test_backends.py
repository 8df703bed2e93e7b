"""Which backends there are, and what happens when one is not there."""

import subprocess
import sys

import pytest
from pydantic import SecretStr

from engine.backends import COMPOSERS, DIFFUSION, RENDERERS, Backends, finds_tiny
from engine.composer.local.options import TransformersOptions
from engine.composer.server import ServerOptions
from engine.errors import BadSetting, Unavailable
from engine.renderer.sdxl import SdxlOptions
from engine.renderer.sdxl.options import SAMPLERS

CONFIGURED = Backends(
    transformers=TransformersOptions(),
    openai=ServerOptions("http://localhost:9/v1", "a-model"),
    sdxl=SdxlOptions(),
    has_tiny=True,
)


def usable(backends):
    return [each.name for each in (*backends.composers, *backends.renderers) if not each.reason]


def test_all_backends_are_listed_and_those_of_every_installation_usable():
    """Every name is listed once, in order; what needs no configuration has no reason against it."""
    assert tuple(backend.name for backend in Backends().composers) == COMPOSERS
    assert tuple(backend.name for backend in Backends().renderers) == RENDERERS
    assert usable(Backends()) == ["embedded", "storyboard"]


def test_a_model_or_a_server_that_is_named_can_be_used():
    """Whether a backend can be used is a question of the configuration, each on its own."""
    assert usable(CONFIGURED) == [*COMPOSERS, *RENDERERS]
    assert usable(Backends(openai=CONFIGURED.openai)) == ["embedded", "openai", "storyboard"]
    assert usable(Backends(sdxl=SdxlOptions())) == ["embedded", "storyboard", "sdxl"]
    assert usable(Backends(has_tiny=True)) == ["embedded", "storyboard", "tiny"]


@pytest.mark.parametrize("backends", [Backends(), CONFIGURED], ids=["bare", "configured"])
def test_what_is_listed_as_usable_can_be_made(backends):
    """Each usable backend is made; each other one is `Unavailable` with the listed reason."""
    for listed, make in (
        (backends.composers, backends.make_composer),
        (backends.renderers, backends.make_renderer),
    ):
        for backend in listed:
            if not backend.reason:
                kind = "sdxl" if backend.name in DIFFUSION else backend.name
                assert kind in type(make(backend.name)).__name__.lower()
                continue
            with pytest.raises(Unavailable) as caught:
                make(backend.name)
            assert (caught.value.backend, caught.value.reason) == (backend.name, backend.reason)


@pytest.mark.parametrize("kind", ["composer", "renderer"])
def test_a_name_that_nobody_has_is_a_bad_setting(kind: str):
    """The refusal names the names that there are."""
    with pytest.raises(BadSetting) as caught:
        getattr(Backends(), f"make_{kind}")("oil")
    assert (caught.value.name, caught.value.value) == (kind, "oil")
    assert "embedded" in caught.value.allowed or "storyboard" in caught.value.allowed


def test_what_goes_from_noise_to_a_picture_is_known_by_name():
    """These are renderers that there are, and the storyboard is none of them."""
    assert set(RENDERERS) - DIFFUSION == {"storyboard"}
    assert set(RENDERERS) >= DIFFUSION


def test_the_samplers_that_are_offered_are_those_that_there_are():
    """The names that are known without torch are the renderer's, in its order."""
    sampling = pytest.importorskip("engine.renderer.sdxl.sampling")
    assert sampling.SAMPLERS == SAMPLERS


def test_the_libraries_of_tiny_are_looked_for_and_not_loaded():
    """Whether `tiny` can be used here is found out without importing torch."""
    code = "import sys; from engine.backends import finds_tiny; print(finds_tiny(), 'torch' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == [str(finds_tiny()), "False"]


def test_a_key_is_not_shown():
    """Backends that are printed do not show the key of the server."""
    keyed = Backends(openai=ServerOptions("http://localhost:9/v1", "a-model", api_key=SecretStr("s3cret")))
    assert "s3cret" not in repr(keyed)


def test_importing_the_studio_loads_no_backend():
    """The studio knows its backends by name; their modules and libraries are not imported with it."""
    heavy = ("engine.", "torch", "transformers", "openai")
    code = f"import engine.studio, sys; print(*[m for m in sys.modules if m.startswith({heavy})])"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "engine.studio" in modules
    backends = {"engine.composer.embedded", "engine.composer.server", "engine.renderer.storyboard"}
    assert not {"torch", "transformers", "openai", *backends} & set(modules)


def test_a_model_of_our_own_is_named_without_torch():
    """The process that people talk to has the model's options, and neither torch nor the model."""
    code = (
        "import sys; from engine.backends import Backends;"
        "from engine.composer.local.options import TransformersOptions;"
        "print(Backends(TransformersOptions()).composers[1].reason == '', 'torch' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["True", "False"]
