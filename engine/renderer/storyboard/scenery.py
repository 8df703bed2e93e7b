"""Stretches of scenery by their kind: which painter paints it, and how it behaves in the picture."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from engine.renderer.storyboard import grounds, silhouettes, skies
from engine.renderer.storyboard.drawing import Drawing
from engine.renderer.storyboard.scene import Scene

GROUNDS: Final = frozenset({"grass", "sand", "snow", "road", "floor", "lunar", "sea", "tabletop"})
"""Kinds that things stand on or swim in."""

SILHOUETTES: Final = frozenset({"mountains", "forest", "city", "village"})
"""Kinds that stand on a ground themselves."""

SOFT: Final = frozenset({"sky", "clouds", "space", "stars", "fog", "wall", "rays"})
"""Kinds without fine edges."""

_KINDS: Final = MappingProxyType[str, Callable[[Scene], str]](
    {
        "sky": skies.sky, "clouds": skies.clouds, "stars": skies.stars, "space": skies.space,
        "fog": skies.fog,
        "rays": skies.rays,
        "rainfall": skies.rainfall, "snowfall": skies.snowfall, "fireworks": skies.fireworks,
        "grass": grounds.grass, "sand": grounds.sand, "snow": grounds.snow, "lunar": grounds.craters,
        "sea": grounds.sea, "road": grounds.road, "floor": grounds.floor, "tabletop": grounds.tabletop,
        "wall": grounds.wall, "mountains": silhouettes.mountains, "forest": silhouettes.forest,
        "city": silhouettes.city, "village": silhouettes.village,
    }
)  # fmt: skip


def scenery(kind: str, scene: Scene) -> Drawing:
    """A scenery that fills its box.

    Args:
        kind: A key of `scenery` in words.toml, or `tabletop`.
        scene: Its size, colour and mood.
    """
    return Drawing(_KINDS[kind](scene), scene.width, scene.height)
