"""Which composers and renderers there are, which can be used, and how one is made.

What can be used is a question of the configuration alone: the process that asks may be another than the one
that works, and on another machine. The modules of a backend are imported when it is made, never before: the
embedded default runs without torch. Making a backend is quick; what it loads, it loads when it is first used.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.composer import Composer
from engine.errors import BadSetting, Unavailable
from engine.renderer import Renderer

if TYPE_CHECKING:
    from engine.composer.local.options import TransformersOptions
    from engine.composer.server import ServerOptions

COMPOSERS: tuple[str, ...] = ("embedded", "transformers", "openai")
RENDERERS: tuple[str, ...] = ("storyboard", "sdxl")


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
        call_pause_s: How long the composer `embedded` rests after each region, so that people can watch.
    """

    transformers: "TransformersOptions | None" = None
    openai: "ServerOptions | None" = None
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
        return (Backend("storyboard"), Backend("sdxl", "not-in-this-version"))

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
        from engine.renderer.storyboard import StoryboardRenderer  # noqa: PLC0415 - as the module says

        return StoryboardRenderer()


def _check(kind: str, name: str, known: Iterable[Backend]) -> None:
    reasons = {backend.name: backend.reason for backend in known}
    if name not in reasons:
        raise BadSetting(kind, name, ", ".join(reasons))
    if reasons[name]:
        raise Unavailable(name, reasons[name])
