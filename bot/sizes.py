"""The sizes of pictures by name, for whoever offers them to people."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bot.replies import later

OWN_SIZE: Final = ""
SIZES: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        later("Portrait"): (896, 1152),
        later("Tall"): (768, 1344),
        later("Square"): (1024, 1024),
        later("Landscape"): (1152, 896),
        later("Wide"): (1344, 768),
    }
)
"""Width and height in pixels: about a megapixel each, as the large image models were trained on."""


def size_name(width_px: int, height_px: int) -> str:
    """The name of a size in `SIZES`, or `OWN_SIZE`."""
    return next((name for name, size in SIZES.items() if size == (width_px, height_px)), OWN_SIZE)
