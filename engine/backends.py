"""Which composers and renderers there are, which can be used, and how one is made.

What can be used is a question of the configuration alone: the process that asks may be another than the one
that works, and on another machine. The modules of a backend are imported when it is made, never before: the
embedded default runs without torch. Making a backend is quick; what it loads, it loads when it is first used.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from engine.composer import Composer
from engine.errors import BadSetting, Unavailable
from engine.renderer import Renderer

if TYPE_CHECKING:
    from engine.composer.local.options import TransformersOptions
    from engine.composer.server import ServerOptions
    from engine.renderer.sdxl.options import SdxlOptions

COMPOSERS: tuple[str, ...] = ("embedded", "transformers", "openai")
RENDERERS: tuple[str, ...] = ("storyboard", "tiny", "sdxl")
DIFFUSION = frozenset(("tiny", "sdxl"))
"""The renderers that go from noise to a picture. Steps, samplers and LoRA mean nothing to the others."""

_TINY_MODEL = Path(__file__).parent / "renderer" / "sdxl" / "tiny"
_TINY_NEEDS = ("torch", "diffusers", "transformers")


@dataclass(frozen=True, slots=True)
class Backend:
    """A composer or renderer by name.

    Attributes:
        reason: Why it cannot be used, as a key that `bot.replies` has words for; empty when it can.
    """

    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Backends:
    """The composers and renderers of one configuration.

    Attributes:
        transformers: The model of the composer `transformers`; None where none is named.
        openai: The server of the composer `openai`; None where none is named.
        sdxl: The checkpoint of the renderer `sdxl`; None where none is set up.
        has_tiny: Whether the renderer `tiny` can be used; `finds_tiny` says so for this machine.
        call_pause_s: How long the composer `embedded` rests after each region, so that people can watch.
    """

    transformers: "TransformersOptions | None" = None
    openai: "ServerOptions | None" = None
    sdxl: "SdxlOptions | None" = None
    has_tiny: bool = False
    call_pause_s: float = 0.0

    @property
    def composers(self) -> tuple[Backend, ...]:
        """All composers, the usable ones with an empty reason."""
        return (
            Backend("embedded"),
            Backend("transformers", "" if self.transformers else "no-model-named"),
            Backend("openai", "" if self.openai else "no-server-named"),
        )

    @property
    def renderers(self) -> tuple[Backend, ...]:
        """All renderers, the usable ones with an empty reason."""
        return (
            Backend("storyboard"),
            Backend("tiny", "" if self.has_tiny else "needs-gpu-extra"),
            Backend("sdxl", "" if self.sdxl else "no-sdxl-set-up"),
        )

    def check_composer(self, name: str) -> None:
        """Refuses a composer that cannot be used.

        Raises:
            Unavailable: It cannot be used with this configuration.
            BadSetting: There is no composer of that name.
        """
        _check("composer", name, self.composers)

    def check_renderer(self, name: str) -> None:
        """Refuses a renderer that cannot be used, as `check_composer` does."""
        _check("renderer", name, self.renderers)

    def make_composer(self, name: str) -> Composer:
        """A new composer.

        Raises:
            Unavailable: It cannot be used with this configuration, or a library for it is missing here.
            BadSetting: There is no composer of that name.
        """
        self.check_composer(name)
        match name:
            case "transformers" if self.transformers:
                from engine.composer.local import TransformersComposer  # noqa: PLC0415 - as the module says

                return TransformersComposer(self.transformers)
            case "openai" if self.openai:
                from engine.composer.server import OpenAIComposer  # noqa: PLC0415

                return OpenAIComposer(self.openai)
            case _:
                from engine.composer.embedded import EmbeddedComposer  # noqa: PLC0415

                return EmbeddedComposer(self.call_pause_s)

    def make_renderer(self, name: str) -> Renderer:
        """A new renderer; raises as `make_composer` does."""
        self.check_renderer(name)
        match name:
            case "tiny":
                return _diffusion(_tiny())
            case "sdxl" if self.sdxl:
                return _diffusion(self.sdxl)
            case _:
                from engine.renderer.storyboard import StoryboardRenderer  # noqa: PLC0415 - as the module says

                return StoryboardRenderer()


def finds_tiny() -> bool:
    """Whether the libraries of the renderer `tiny` are installed here; none of them is imported."""
    return all(find_spec(name) for name in _TINY_NEEDS)


def _tiny() -> "SdxlOptions":
    """The small pipeline that comes with the program, the same on every machine."""
    from engine.renderer.sdxl.options import SdxlOptions  # noqa: PLC0415 - as the module says

    return SdxlOptions(model=str(_TINY_MODEL), offline=True, device="cpu", dtype="float32", backend="tiny")


def _diffusion(options: "SdxlOptions") -> Renderer:
    from engine.renderer.sdxl.renderer import SdxlRenderer  # noqa: PLC0415 - as the module says

    return SdxlRenderer(options)


def _check(kind: str, name: str, known: Iterable[Backend]) -> None:
    reasons = {backend.name: backend.reason for backend in known}
    if name not in reasons:
        raise BadSetting(kind, name, ", ".join(reasons))
    if reasons[name]:
        raise Unavailable(name, reasons[name])
