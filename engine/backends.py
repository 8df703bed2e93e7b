"""Which composers and renderers there are, which can be used here, and how one is made.

The modules of a backend are imported when it is made, never before: the embedded default runs without torch.
Making a backend is quick; whatever it loads, it loads when it is first used.
"""

from dataclasses import dataclass

from engine.composer import Composer
from engine.errors import BadSetting, Unavailable
from engine.renderer import Renderer

COMPOSERS: tuple[str, ...] = ("embedded", "transformers", "openai")
RENDERERS: tuple[str, ...] = ("storyboard", "sdxl")

_NOT_YET = "not-in-this-version"


@dataclass(frozen=True, slots=True)
class Backend:
    """A composer or renderer by name.

    Attributes:
        reason: Why it cannot be used, as a key that `bot.replies` has words for; empty when it can.
    """

    name: str
    reason: str = ""


def composers() -> tuple[Backend, ...]:
    """All composers, the usable ones with an empty reason."""
    return tuple(Backend(name, "" if name == "embedded" else _NOT_YET) for name in COMPOSERS)


def renderers() -> tuple[Backend, ...]:
    """All renderers, the usable ones with an empty reason."""
    return tuple(Backend(name, "" if name == "storyboard" else _NOT_YET) for name in RENDERERS)


def check_composer(name: str) -> None:
    """Refuses a composer that cannot be used, as `make_composer` would."""
    _check("composer", name, composers())


def check_renderer(name: str) -> None:
    """Refuses a renderer that cannot be used, as `make_renderer` would."""
    _check("renderer", name, renderers())


def make_composer(name: str) -> Composer:
    """A new composer.

    Raises:
        Unavailable: It cannot be used here.
        BadSetting: There is no composer of that name.
    """
    check_composer(name)
    from engine.composer.embedded import EmbeddedComposer  # noqa: PLC0415 - lazily, as the module says

    return EmbeddedComposer()


def make_renderer(name: str) -> Renderer:
    """A new renderer.

    Raises:
        Unavailable: It cannot be used here.
        BadSetting: There is no renderer of that name.
    """
    check_renderer(name)
    from engine.renderer.storyboard import StoryboardRenderer  # noqa: PLC0415 - lazily, as the module says

    return StoryboardRenderer()


def _check(kind: str, name: str, known: tuple[Backend, ...]) -> None:
    reasons = {backend.name: backend.reason for backend in known}
    if name not in reasons:
        raise BadSetting(kind, name, ", ".join(reasons))
    if reasons[name]:
        raise Unavailable(name, reasons[name])
