"""What of a checkpoint stays on a device and what comes only while it is used: the plan. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.errors import Unavailable
from engine.renderer.sdxl.layout import BACKEND
from engine.renderer.sdxl.options import Layout, Memory

SDXL_WEIGHTS: Final = {
    "unet": 2_567_463_684,
    "text_encoder": 123_060_480,
    "text_encoder_2": 694_659_840,
    "vae": 83_653_863,
}
"""How many weights each network of SDXL's base model has, and of everything that is trained from it."""

STEP_BYTES: Final = 1_600_000_000
"""What a step needs beside the weights: keys and values of the text, activations."""

DECODED_PX: Final = 1024 * 1152
"""A picture that should be decoded in one piece, because tiles show, however faintly."""

_DECODE_BYTES_PER_PX: Final = 1700  # for each byte of a number: the decoder's last blocks are its largest
_TILE_PX: Final = 512 * 512
_LAYOUTS: Final[tuple[Layout, ...]] = ("resident", "encoders-move", "all-move")


@dataclass(frozen=True, slots=True)
class Plan:
    """What stays where.

    Attributes:
        layout: `resident` keeps everything on the device; `encoders-move` lets all but the UNet come and go;
            `all-move` lets everything come and go, one after the other.
        resident: The networks that stay.
        pinned: Whether the masters of the others are pinned.
        untiled_px: How many pixels the VAE may decode at once.
        free_bytes: What the choice was made from.
    """

    layout: Layout
    resident: frozenset[str]
    pinned: bool
    untiled_px: int
    free_bytes: int

    def tiles(self, width_px: int, height_px: int) -> bool:
        """Whether a picture is decoded tile by tile."""
        return width_px * height_px > self.untiled_px

    def describe(self) -> dict[str, str | int | bool]:
        """The plan as plain values, for those who look after the machine."""
        return {
            "layout": self.layout,
            "resident": ",".join(sorted(self.resident)),
            "pinned": self.pinned,
            "untiled_px": self.untiled_px,
            "free_bytes": self.free_bytes,
        }


def choose_plan(
    kind: str, free: int, sizes: Mapping[str, int], *, wanted: Memory = "auto", vae_itemsize: int = 2
) -> Plan:
    """The fastest plan of those that fit.

    Args:
        kind: The device's type, as torch names it.
        free: Bytes of its memory; on a CPU those beside the weights, which are there already.
        sizes: Bytes of each network's weights.
        wanted: What the operator decided, or `auto`.
        vae_itemsize: Bytes of one number of the VAE.

    Raises:
        Unavailable: The device is too small.
    """
    per_px = _DECODE_BYTES_PER_PX * vae_itemsize
    if kind == "cpu":
        pixels = max(free // per_px, _TILE_PX)
        return Plan("resident", frozenset(sizes), pinned=False, untiled_px=pixels, free_bytes=free)
    layout = _layout(free, sizes, per_px, wanted)
    resident = _resident(layout, sizes)
    while_decoding = sum(sizes[name] for name in resident | {"vae"})
    return Plan(
        layout=layout,
        resident=resident,
        pinned=kind == "cuda" and layout != "resident",
        untiled_px=max((free - while_decoding) // per_px, _TILE_PX),
        free_bytes=free,
    )


def _layout(free: int, sizes: Mapping[str, int], per_px: int, wanted: Memory) -> Layout:
    known = _LAYOUTS if wanted == "auto" else (wanted,)
    for layout in known:
        easily = wanted == "auto" and layout != _LAYOUTS[-1]
        if _needed(layout, sizes, per_px * (DECODED_PX if easily else _TILE_PX)) <= free:
            return layout
    raise Unavailable(BACKEND, "not-enough-memory")


def _needed(layout: Layout, sizes: Mapping[str, int], decoding: int) -> int:
    """The most bytes that are on the device at the same time."""
    resident = _resident(layout, sizes)
    phases = (
        ({"text_encoder", "text_encoder_2"}, 0),
        ({"unet"}, STEP_BYTES),
        ({"vae"}, decoding),
    )
    return max(sum(sizes[name] for name in resident | used) + beside for used, beside in phases)


def _resident(layout: Layout, sizes: Mapping[str, int]) -> frozenset[str]:
    match layout:
        case "resident":
            return frozenset(sizes)
        case "encoders-move":
            return frozenset({"unet"})
        case "all-move":
            return frozenset()
